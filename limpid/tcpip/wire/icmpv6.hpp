// ICMPv6 (RFC 4443). Neighbour Discovery is in ndp.hpp, Multicast Listener Discovery in mld.hpp.
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

// Others exist and are kept as they are. Those below 128 are errors.
enum class Icmpv6Type : std::uint8_t {
  destination_unreachable = 1,
  packet_too_big = 2,
  time_exceeded = 3,
  parameter_problem = 4,
  echo_request = 128,
  echo_reply = 129,
  multicast_listener_query = 130,
  multicast_listener_report = 131,  // of MLDv1
  multicast_listener_done = 132,    // of MLDv1
  router_solicitation = 133,
  router_advertisement = 134,
  neighbor_solicitation = 135,
  neighbor_advertisement = 136,
  redirect = 137,
  multicast_listener_report_v2 = 143,
};

// Of destination_unreachable.
enum class Icmpv6Unreachable : std::uint8_t {
  no_route = 0,
  administratively_prohibited = 1,
  beyond_scope = 2,
  address = 3,
  port = 4,
  source_address_policy = 5,
  reject_route = 6,
};

// The first 8 bytes. Behind them lie an echo's data, or the beginning of the packet that an error is about.
struct Icmpv6Header {
  static constexpr std::size_t size = 8;
  static constexpr std::size_t checksum_offset = 2;

  Icmpv6Type type{};
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // the second word: its meaning depends on the type

  friend bool operator==(const Icmpv6Header&, const Icmpv6Header&) = default;

  bool is_error() const { return static_cast<std::uint8_t>(type) < 128; }
  // Echo messages.
  std::uint16_t identifier() const { return static_cast<std::uint16_t>(rest >> 16); }
  std::uint16_t sequence() const { return static_cast<std::uint16_t>(rest); }
  // packet_too_big.
  std::uint32_t mtu() const { return rest; }
  // parameter_problem.
  std::uint32_t pointer() const { return rest; }

  static ParseResult<Icmpv6Header> parse(Bytes message);
  // With a checksum of 0: it sums the pseudo-header and the whole message, see transport_checksum.
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
