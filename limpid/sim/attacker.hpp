// Somebody on the link who has no connection and keeps to no rule: frames that are malformed, forged, too many. Each
// attack is named with the counter of the host that has to show it.
#pragma once

#include "limpid/sim/puppets.hpp"

namespace limpid::sim {

struct Attack {
  std::string_view name;
  void (*perform)(class Attacker& attacker, Mouth& mouth) = nullptr;
  // Where the host counts it; none: it depends.
  std::optional<Table> table{};
  std::size_t row = 0;
};
std::span<const Attack> attacks();

class Attacker {
 public:
  Attacker(const tcpip::IpAddress& v4, const tcpip::IpAddress& v6, Budget& harness)
      : own_v4(v4), own_v6(v6), heard_(harness) {}

  // Each attack once in an order that the dice draw, and then any, until `end`.
  void begin(const Puppets::Target& against, const tcpip::IpAddress& customer, Instant from, Instant end, Dice& dice);

  void hear(Mouth& mouth, Instant now, Bytes frame);
  std::optional<Instant> speak(Mouth& mouth, Instant now);
  bool has(const tcpip::IpAddress& address) const { return address == own_v4 || address == own_v6; }

  // For the attacks.
  tcpip::IpAddress own_v4, own_v6;
  Puppets::Target target;
  tcpip::IpAddress customer;        // as it speaks TCP
  std::uint16_t customer_port = 1;  // of a connection that it has, or had
  Dice dice{0};
  std::uint32_t serial = 0;
  Envelope to_v4() const { return {.source = own_v4, .destination = target.v4, .to = target.mac, .forged = true}; }
  Envelope to_v6() const { return {.source = own_v6, .destination = target.v6, .to = target.mac, .forged = true}; }
  Envelope as_customer() const {
    Envelope envelope = customer.is_ipv4() ? to_v4() : to_v6();
    envelope.source = customer;
    return envelope;
  }
  Bytes heard() const { return {heard_.data(), heard_.size()}; }  // a frame to the host

 private:
  Instant from_{}, end_{};
  std::size_t next_ = 0, offset_ = 0;
  Buffer heard_;
};

}  // namespace limpid::sim
