// ICMP for IPv4 (RFC 792, RFC 1191).
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

// Others exist and are kept as they are.
enum class Icmpv4Type : std::uint8_t {
  echo_reply = 0,
  destination_unreachable = 3,
  source_quench = 4,
  redirect = 5,
  echo_request = 8,
  time_exceeded = 11,
  parameter_problem = 12,
};

// Of destination_unreachable.
enum class Icmpv4Unreachable : std::uint8_t {
  network = 0,
  host = 1,
  protocol = 2,
  port = 3,
  fragmentation_needed = 4,
  source_route_failed = 5,
  network_unknown = 6,
  host_unknown = 7,
  network_prohibited = 9,
  host_prohibited = 10,
  administratively_prohibited = 13,
};

// The first 8 bytes. Behind them lie an echo's data, or the beginning of the packet that an error is about.
struct Icmpv4Header {
  static constexpr std::size_t size = 8;
  static constexpr std::size_t checksum_offset = 2;

  Icmpv4Type type{};
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // the second word: its meaning depends on the type

  friend bool operator==(const Icmpv4Header&, const Icmpv4Header&) = default;

  bool is_error() const {
    return type == Icmpv4Type::destination_unreachable || type == Icmpv4Type::source_quench ||
           type == Icmpv4Type::redirect || type == Icmpv4Type::time_exceeded || type == Icmpv4Type::parameter_problem;
  }
  // Echo messages.
  std::uint16_t identifier() const { return static_cast<std::uint16_t>(rest >> 16); }
  std::uint16_t sequence() const { return static_cast<std::uint16_t>(rest); }
  // fragmentation_needed; 0 from a router older than RFC 1191.
  std::uint16_t next_hop_mtu() const { return static_cast<std::uint16_t>(rest); }

  static ParseResult<Icmpv4Header> parse(Bytes message);
  // With a checksum of 0: it sums the whole message, see transport_checksum.
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
