// Addresses. There is one type for both versions of IP, an IPv6 address, in which IPv4's are mapped (RFC 4291, section
// 2.5.5.2): the same form as in the stream contract. Tables and comparisons need no cases, emitters ask is_ipv4().
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <optional>

#include "limpid/core/bytes.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::tcpip {

struct MacAddress {
  std::array<Byte, 6> octets{};
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
  constexpr bool is_group() const { return (octets[0] & 1) != 0; }  // multicast or broadcast
  static void fields(auto& self, auto&& visit) { visit(self.octets); }
};
inline constexpr MacAddress broadcast_mac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct IpAddress {
  std::array<Byte, 16> octets{};
  // Whole words at once: every packet's addresses are compared with many.
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.high() == b.high() && a.low() == b.low();
  }
  friend constexpr std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
    return a.high() != b.high() ? a.high() <=> b.high() : a.low() <=> b.low();
  }
  constexpr std::uint64_t high() const { return word(0); }  // the first 64 bits
  constexpr std::uint64_t low() const { return word(1); }

  static constexpr IpAddress v4(std::array<Byte, 4> four) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, four[0], four[1], four[2], four[3]}};
  }
  static constexpr IpAddress v4(std::uint32_t host_order) {
    return v4({static_cast<Byte>(host_order >> 24), static_cast<Byte>(host_order >> 16),
               static_cast<Byte>(host_order >> 8), static_cast<Byte>(host_order)});
  }
  constexpr bool is_ipv4() const { return high() == 0 && low() >> 32 == 0xffff; }
  // Meaningful only if is_ipv4().
  constexpr std::array<Byte, 4> as_v4() const { return {octets[12], octets[13], octets[14], octets[15]}; }
  constexpr std::uint32_t v4_bits() const {
    return std::uint32_t{octets[12]} << 24 | std::uint32_t{octets[13]} << 16 | std::uint32_t{octets[14]} << 8 |
           octets[15];
  }
  // As on the wire: 4 bytes or 16.
  constexpr Bytes on_wire() const { return is_ipv4() ? Bytes(octets).subspan(12) : Bytes(octets); }

  constexpr bool is_unspecified() const { return *this == IpAddress{} || *this == v4(0u); }
  constexpr bool is_loopback() const {
    return is_ipv4() ? octets[12] == 127 : *this == IpAddress{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  }
  constexpr bool is_multicast() const { return is_ipv4() ? (octets[12] & 0xf0) == 0xe0 : octets[0] == 0xff; }
  constexpr bool is_limited_broadcast() const { return *this == v4(0xffffffffu); }
  constexpr bool is_link_local() const {
    return is_ipv4() ? octets[12] == 169 && octets[13] == 254 : octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
  }

  static void fields(auto& self, auto&& visit) { visit(self.octets); }

 private:
  constexpr std::uint64_t word(std::size_t index) const {
    const std::uint64_t stored = std::bit_cast<std::array<std::uint64_t, 2>>(octets)[index];
    return std::endian::native == std::endian::little ? __builtin_bswap64(stored) : stored;
  }
};
inline constexpr IpAddress any_ipv4 = IpAddress::v4(0u);
inline constexpr IpAddress any_ipv6{};

// An address and the length of the prefix that its link shares: at most 32 bits for IPv4, 128 for IPv6.
struct Cidr {
  IpAddress address;
  std::uint8_t prefix_bits = 0;
  friend constexpr bool operator==(const Cidr&, const Cidr&) = default;
  // Whether `other`, of the same version, begins with the same bits.
  bool contains(const IpAddress& other) const;
  // IPv4's directed broadcast address of this prefix (RFC 919); none in prefixes of 31 and 32 bits (RFC 3021).
  std::optional<IpAddress> broadcast() const;
  static void fields(auto& self, auto&& visit) { visit(self.address, self.prefix_bits); }
  bool restored(const LoadContext&) const { return prefix_bits <= (address.is_ipv4() ? 32 : 128); }
};

inline stream::Endpoint endpoint(const IpAddress& address, std::uint16_t port) { return {address.octets, port}; }
inline IpAddress address_of(const stream::Endpoint& endpoint) { return {endpoint.address}; }

// Dotted decimal, or RFC 4291's text without a scope; nothing if it is neither.
std::optional<IpAddress> parse_ip_address(std::string_view text);
std::optional<Cidr> parse_cidr(std::string_view text);  // "10.9.0.2/24", "fd00:9::2/64"
std::optional<MacAddress> parse_mac_address(std::string_view text);

// Dotted decimal, or RFC 5952's text, which the parsers above read back.
void write_text(Writer& out, const IpAddress& address);

}  // namespace limpid::tcpip
