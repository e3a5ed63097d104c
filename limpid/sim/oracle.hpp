// The passive oracle: it sees frames only, on links or in a capture, and holds them to what the RFCs demand of whoever
// sent them. It knows nothing of the hosts, so it judges ours, other people's and hostile ones alike.
//
// On simulated links it is told when a frame left a host and when it reached one. A capture tells both at once, of one
// place on the way: then rules that would need to know what was lost on the other side are not judged (View).
#pragma once

#include "limpid/core/box.hpp"
#include "limpid/sim/oracle_connection.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"

namespace limpid::sim {

struct SeenFrame {
  std::uint64_t packet = 0;  // a number to report it by
  Instant at;
  Bytes bytes;                     // from the Ethernet header, or, if `bare`, from IP's
  std::size_t size = 0;            // of the frame as it was, if a capture cut it short; else that of bytes
  std::uint16_t segment_size = 0;  // not 0: a superframe
  bool bare = false;
};

class Oracle {
 public:
  // The budget, which outlives the oracle, holds what is known of connections. Where it is short, less is judged.
  Oracle(const OracleOptions& options, Budget& budget);

  void sent(const SeenFrame& frame);
  // The same, without judging it: its sender keeps to no rule, and what others are held to depends on what he sent.
  void noted(const SeenFrame& frame);
  // A frame that was damaged on the way is one that its receiver discards: it need not be told.
  void received(const SeenFrame& frame);
  // A forged one that reaches its receiver.
  void intruded(const SeenFrame& frame);
  void captured(const SeenFrame& frame);
  // What was due by then and did not come is a violation.
  void finish(Instant now);

  const OracleReport& report() const { return report_; }

 private:
  // A frame leaves its sender, reaches its receiver, or, in a capture, both.
  struct Moment {
    bool sent = false, received = false, intruded = false;
  };
  struct Packet {
    std::uint64_t number = 0;
    Instant at;
    tcpip::IpAddress source, destination;
    tcpip::Protocol protocol{};
    std::uint8_t hop_limit = 0;
    Bytes payload{};               // what is there
    std::size_t payload_size = 0;  // what was sent
    std::uint16_t segment_size = 0;
    bool ipv6 = false;
    tcpip::MacAddress from{};  // all zeros if there is no Ethernet header
    bool whole() const { return payload.size() == payload_size; }
  };
  // A question by ARP or Neighbour Solicitation.
  struct Asked {
    tcpip::MacAddress from;
    tcpip::IpAddress target;
    Instant at;
  };
  struct SeenFragment {
    tcpip::IpAddress source, destination;
    tcpip::Protocol protocol{};
    std::uint16_t identification = 0, offset = 0;
    std::uint16_t checksum = 0;  // of what it carries
    Instant at;
  };

  void look(const SeenFrame& frame, Moment moment);
  void arp(const SeenFrame& frame, Bytes packet, const tcpip::MacAddress& from);
  void ip(const SeenFrame& frame, Bytes bytes, const tcpip::MacAddress& from, Moment moment);
  bool ipv4(Bytes bytes, Packet& packet, Moment moment);
  bool ipv6(Bytes bytes, Packet& packet, Moment moment);
  void fragment(const Packet& packet, const tcpip::wire::Ipv4Header& header);
  void tcp(const Packet& packet, Moment moment);
  void udp(const Packet& packet);
  void icmpv6(const Packet& packet);
  // Judges it if it can; whether the packet is to be looked into.
  bool checksum(const Packet& packet, std::size_t offset, Moment moment);
  // Remembers the question; how long ago it was asked last.
  std::optional<Duration> asked_before(const tcpip::MacAddress& from, const tcpip::IpAddress& target, Instant now);
  void judge_rate(Rule rule, const Packet& packet, const tcpip::IpAddress& target);
  void violated(Rule rule, const Packet& packet, std::int64_t found = 0, std::int64_t allowed = 0);

  // That of a segment; a SYN begins one. Null if its beginning was not seen, or there is no room.
  OracleConnection* connection(const SeenSegment& segment, Moment moment);

  OracleOptions options_;
  Budget* budget_;
  OracleReport report_;
  Vec<Box<OracleConnection>> connections_;
  Vec<std::uint32_t> buckets_;  // open addressing: 0 is free, otherwise an index + 1
  std::array<Asked, 64> asked_{};
  std::size_t asked_count_ = 0;
  Instant last_question_{INT64_MIN};
  std::array<SeenFragment, 64> fragments_{};
  std::size_t fragment_count_ = 0;
  bool retrans_timer_known_ = true;  // no router changed it
  bool router_seen_ = false;
};

}  // namespace limpid::sim
