// Multicast Listener Discovery, version 2 (RFC 3810) and, for links whose querier speaks it, version 1 (RFC 2710). Each
// message is parsed from its ICMPv6 type on and emitted so, with a checksum of 0.
#pragma once

#include "limpid/core/inline_list.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"

namespace limpid::tcpip::wire {

// RFC 3810, section 5.1. A query of 24 bytes is version 1's: it ends with the address.
struct MldQuery {
  bool version_1 = false;
  std::uint16_t maximum_response_code = 0;  // version 1: milliseconds
  IpAddress multicast_address{};            // unspecified: a general query
  bool suppress_router_processing = false;
  std::uint8_t robustness_variable = 0;
  std::uint8_t query_interval_code = 0;
  Bytes sources{};  // addresses of 16 bytes each

  friend bool operator==(const MldQuery&, const MldQuery&) = default;

  // Section 5.1.3.
  std::uint32_t maximum_response_delay_ms() const;

  static std::expected<MldQuery, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// Section 5.2.12.
enum class MldRecordType : std::uint8_t {
  mode_is_include = 1,
  mode_is_exclude = 2,
  change_to_include_mode = 3,
  change_to_exclude_mode = 4,
  allow_new_sources = 5,
  block_old_sources = 6,
};

struct MulticastAddressRecord {
  MldRecordType type{};
  IpAddress multicast_address{};
  Bytes sources{};  // addresses of 16 bytes each

  friend bool operator==(const MulticastAddressRecord&, const MulticastAddressRecord&) = default;
};

// RFC 3810, section 5.2. Of a report with more records than fit, the first ones.
struct MldReport {
  static constexpr std::size_t most_records = 32;

  InlineList<MulticastAddressRecord, most_records> records{};

  friend bool operator==(const MldReport&, const MldReport&) = default;
  static std::expected<MldReport, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// RFC 2710: a report or a done message of version 1.
struct MldVersion1Message {
  Icmpv6Type type = Icmpv6Type::multicast_listener_report;
  IpAddress multicast_address{};

  friend bool operator==(const MldVersion1Message&, const MldVersion1Message&) = default;
  static std::expected<MldVersion1Message, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// The extension header that RFC 3810, section 5, demands in front of each of these: hop-by-hop options with a router
// alert (RFC 2711). 8 bytes.
void emit_router_alert(Writer& out, Protocol next_header);

}  // namespace limpid::tcpip::wire
