// A DHCP server, a DNS server and a router that lie, or say nothing, or the truth, as a seed draws.
#pragma once

#include "limpid/sim/puppets.hpp"
#include "limpid/tcpip/dhcp/message.hpp"
#include "limpid/tcpip/dns/message.hpp"

namespace limpid::sim {

class Liar {
 public:
  Liar(const tcpip::IpAddress& own_v4, const tcpip::IpAddress& own_v6, Subject& subject)
      : own_v4_(own_v4), own_v6_(own_v6), subject_(subject) {}

  void begin(const Puppets::Target& target, Instant from, Instant end, Dice& dice);

  void hear(Mouth& mouth, Instant now, Bytes frame);
  std::optional<Instant> speak(Mouth& mouth, Instant now);
  bool has(const tcpip::IpAddress& address) const { return address == own_v4_ || address == own_v6_; }

 private:
  void hear_dhcp(Mouth& mouth, const tcpip::dhcp::Message& asked);
  void dhcp_lie(Mouth& mouth, const tcpip::dhcp::Message& asked, std::size_t which);
  void say(Mouth& mouth, const tcpip::dhcp::Message& message);
  tcpip::dhcp::Message reply(const tcpip::dhcp::Message& asked, tcpip::dhcp::MessageType type) const;

  void hear_dns(Mouth& mouth, const HeardDatagram& asked);
  // A right answer of the header's kind, with as many addresses as the header says.
  static std::size_t answer_to(Bytes question, tcpip::dns::Header header, MutableBytes room);
  void hear_stream(Mouth& mouth, const HeardSegment& heard);
  void advertise(Mouth& mouth);
  // Somebody else uses the address that was leased.
  void contest(Mouth& mouth);

  tcpip::IpAddress own_v4_, own_v6_;
  Subject& subject_;
  Puppets::Target target_;
  Instant from_{}, end_{};
  Dice dice_{0};
  std::optional<tcpip::dhcp::Message> asked_;  // last
  std::uint8_t leased_ = 100;
  std::uint32_t lease_time_ = 0;
  std::uint32_t token_ = 0;
};

}  // namespace limpid::sim
