// Neighbour Discovery (RFC 4861), with the options of RFC 8106 (DNS servers) and RFC 3971 (nonce). Each message is
// parsed from its ICMPv6 type on and emitted so, with a checksum of 0. What only the receiver knows (hop limit 255, the
// addresses of the packet) is judged there. Targets, prefixes and servers that map IPv4's addresses are malformed.
#pragma once

#include <array>
#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"

namespace limpid::tcpip::wire {

// Section 4.6.2.
struct PrefixInformation {
  std::uint8_t prefix_bits = 0;  // at most 128
  bool on_link = false;
  bool autonomous = false;
  std::uint32_t valid_lifetime = 0;  // seconds; 0xffffffff is for ever
  std::uint32_t preferred_lifetime = 0;
  IpAddress prefix{};

  friend bool operator==(const PrefixInformation&, const PrefixInformation&) = default;
};

// RFC 8106, section 5.1: one server; a lifetime of 0 takes it back.
struct RecursiveDnsServer {
  std::uint32_t lifetime = 0;  // seconds; 0xffffffff is for ever
  IpAddress address{};

  friend bool operator==(const RecursiveDnsServer&, const RecursiveDnsServer&) = default;
};

// Those that are known. Others are skipped, as are prefixes and servers that are more than fit here.
struct NdpOptions {
  static constexpr std::size_t most_prefixes = 8;
  static constexpr std::size_t most_servers = 8;

  std::optional<MacAddress> source_link_layer_address{};
  std::optional<MacAddress> target_link_layer_address{};
  std::optional<std::uint32_t> mtu{};
  std::optional<std::array<Byte, 6>> nonce{};
  InlineList<PrefixInformation, most_prefixes> prefixes{};
  InlineList<RecursiveDnsServer, most_servers> servers{};

  friend bool operator==(const NdpOptions&, const NdpOptions&) = default;

  // "All included options have a length that is greater than zero"; otherwise `wrong_option`.
  static std::expected<NdpOptions, WireFault> parse(Bytes options);
  void emit(Writer& out) const;
};

// Section 4.1.
struct RouterSolicitation {
  NdpOptions options{};

  friend bool operator==(const RouterSolicitation&, const RouterSolicitation&) = default;
  static std::expected<RouterSolicitation, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// Section 4.2; the preference is RFC 4191's.
struct RouterAdvertisement {
  enum class Preference : std::uint8_t { medium = 0, high = 1, low = 3 };

  std::uint8_t current_hop_limit = 0;  // 0: unspecified
  bool managed = false;
  bool other_configuration = false;
  Preference preference = Preference::medium;  // the reserved value is read as medium (RFC 4191, section 2.2)
  std::uint16_t router_lifetime = 0;           // seconds; 0: not a default router
  std::uint32_t reachable_time = 0;            // milliseconds; 0: unspecified
  std::uint32_t retrans_timer = 0;             // milliseconds; 0: unspecified
  NdpOptions options{};

  friend bool operator==(const RouterAdvertisement&, const RouterAdvertisement&) = default;
  static std::expected<RouterAdvertisement, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// Section 4.3. A multicast target is `wrong_value` (section 7.1.1), here and in advertisements.
struct NeighborSolicitation {
  IpAddress target{};
  NdpOptions options{};

  friend bool operator==(const NeighborSolicitation&, const NeighborSolicitation&) = default;
  static std::expected<NeighborSolicitation, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// Section 4.4.
struct NeighborAdvertisement {
  bool router = false;
  bool solicited = false;
  bool override = false;
  IpAddress target{};
  NdpOptions options{};

  friend bool operator==(const NeighborAdvertisement&, const NeighborAdvertisement&) = default;
  static std::expected<NeighborAdvertisement, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

// Section 4.5.
struct Redirect {
  IpAddress target{};
  IpAddress destination{};
  NdpOptions options{};

  friend bool operator==(const Redirect&, const Redirect&) = default;
  static std::expected<Redirect, WireFault> parse(Bytes message);
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
