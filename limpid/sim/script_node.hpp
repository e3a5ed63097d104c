// A node that is no stack: it says what a script wants said, right or wrong, and answers only what everybody on a link
// answers, who has the addresses that it claims.
#pragma once

#include "limpid/sim/simulation.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::sim {

// How an IP packet is wrapped. What is not said is right.
struct Envelope {
  tcpip::IpAddress source, destination;
  tcpip::MacAddress to;                     // the Ethernet destination
  std::optional<tcpip::MacAddress> from{};  // none: the speaker's own
  std::uint8_t hop_limit = 64;
  std::uint8_t ecn = 0;
  Bytes options{};                         // IPv4's
  Bytes extensions{};                      // of IPv6, in front of the transport header
  std::optional<tcpip::Protocol> first{};  // of the extensions, or instead of the protocol
  std::uint16_t identification = 0;
  std::uint16_t fragment_offset = 0;  // in bytes
  bool more_fragments = false;
  bool checksum = true;  // the transport's, where there is a field for it
  bool forged = false;   // see Outlet::speak
};

// What a script speaks with.
class Mouth {
 public:
  Mouth(const tcpip::MacAddress& mac, Budget& budget) : mac_(mac), frame_(budget) {}

  // Any bytes.
  void frame(Bytes frame, bool forged) const { outlet_->speak(frame, forged); }
  void ethernet(const tcpip::MacAddress& to, tcpip::wire::EtherType type, Bytes payload, bool forged);
  // `transport` is a header, whose checksum field counts as 0, and what it carries.
  void ip(const Envelope& envelope, tcpip::Protocol protocol, MutableBytes transport);
  void tcp(Envelope envelope, std::uint16_t from_port, std::uint16_t to_port, tcpip::wire::TcpHeader header,
           Bytes payload = {});
  void udp(Envelope envelope, std::uint16_t from_port, std::uint16_t to_port, Bytes payload);
  // ICMP or ICMPv6, by the addresses.
  void icmp(const Envelope& envelope, std::uint8_t type, std::uint8_t code, std::uint32_t rest, Bytes data);
  // An ICMPv6 message that somebody emitted, with the hop limit that Neighbour Discovery demands, unless it is set.
  void discovery(Envelope envelope, MutableBytes message);

  const tcpip::MacAddress& mac() const { return mac_; }

 private:
  template <class Script>
  friend class ScriptNode;

  void begin(const Outlet& outlet) { outlet_.emplace(outlet); }

  tcpip::MacAddress mac_;
  Buffer frame_;
  std::optional<Outlet> outlet_;
};

// The script:
//
//   void hear(Mouth&, Instant now, Bytes frame)            what reached it
//   std::optional<Instant> speak(Mouth&, Instant now)      at the beginning, and when it said that it would
//   bool has(const IpAddress&)                             whether to answer questions for this address
template <class Script>
class ScriptNode {
 public:
  ScriptNode(Script& script, const tcpip::MacAddress& mac, Budget& budget) : script_(script), mouth_(mac, budget) {}

  void receive(Time now, const FrameReceived& event, const Outlet& outlet) {
    mouth_.begin(outlet);
    answer_questions(mouth_, event.frame, [this](const tcpip::IpAddress& address) { return script_.has(address); });
    script_.hear(mouth_, now.monotonic, event.frame);
  }
  void wake(Time now, const Outlet& outlet) {
    mouth_.begin(outlet);
    next_ = script_.speak(mouth_, now.monotonic);
  }
  void settle(Time, const Outlet&) {}
  std::optional<Instant> deadline() const { return next_; }

 private:
  template <class Has>
  static void answer_questions(Mouth& mouth, Bytes frame, Has&& has);

  Script& script_;
  Mouth mouth_;
  std::optional<Instant> next_;
};

// The address that an ARP request or a Neighbour Solicitation asks for, and who asks.
struct AskedFor {
  tcpip::IpAddress target, asker;
  tcpip::MacAddress mac;
};
std::optional<AskedFor> asked_for(Bytes frame);
void answer(Mouth& mouth, const AskedFor& asked);

template <class Script>
template <class Has>
void ScriptNode<Script>::answer_questions(Mouth& mouth, Bytes frame, Has&& has) {
  const auto asked = asked_for(frame);
  if (asked && has(asked->target)) answer(mouth, *asked);
}

// A TCP segment that somebody sent, with its addresses; nothing if the frame is none, or damaged.
struct HeardSegment {
  tcpip::IpAddress source, destination;
  tcpip::wire::TcpHeader header;
  Bytes payload;
  Bytes packet;  // from the IP header on
};
std::optional<HeardSegment> segment_in(Bytes frame);
// A UDP datagram, likewise.
struct HeardDatagram {
  tcpip::IpAddress source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  Bytes payload;
};
std::optional<HeardDatagram> datagram_in(Bytes frame);

}  // namespace limpid::sim
