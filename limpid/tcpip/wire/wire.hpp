// What every wire format here shares: the faults of parsing, the shape of what a parser found, protocol numbers.
//
// A format is a plain struct. `parse` reads it from the front of bytes that a peer wrote, keeps no copy of what it
// carries, and works in time bounded by the header; `emit` writes it so that `parse` reads it back. Neither looks at
// the checksums of transport protocols: they need the addresses of the layer below (checksum.hpp).
#pragma once

#include <expected>

#include "limpid/core/bytes.hpp"
#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip {

// IANA's protocol numbers, which are the values of IPv6's Next Header as well. Others exist and are kept as they are.
enum class Protocol : std::uint8_t {
  hop_by_hop_options = 0,
  icmp = 1,
  igmp = 2,
  tcp = 6,
  udp = 17,
  routing = 43,
  fragment = 44,
  authentication = 51,
  icmpv6 = 58,
  no_next_header = 59,
  destination_options = 60,
};
constexpr bool is_valid(Protocol) { return true; }

namespace wire {

enum class WireFault : std::uint8_t {
  truncated,       // ends within the header, or before the end that the header announces
  wrong_version,   // IP's
  wrong_length,    // a length that is too small, or larger than what carries it
  wrong_checksum,  // of the IPv4 header
  wrong_value,     // a field that allows one value, or few, holds another
  wrong_option,    // an option that is malformed
};
constexpr bool is_valid(WireFault fault) { return fault <= WireFault::wrong_option; }

constexpr std::string_view name(WireFault fault) {
  switch (fault) {
    case WireFault::truncated:
      return "truncated";
    case WireFault::wrong_version:
      return "wrong_version";
    case WireFault::wrong_length:
      return "wrong_length";
    case WireFault::wrong_checksum:
      return "wrong_checksum";
    case WireFault::wrong_value:
      return "wrong_value";
    case WireFault::wrong_option:
      return "wrong_option";
  }
  return "";
}

// A header, and where what it carries lies in the bytes that it was parsed from.
template <class Header>
struct Parsed {
  Header header{};
  std::size_t payload_offset = 0;
  std::size_t payload_size = 0;

  // `all` are the bytes that were given to parse.
  Bytes payload(Bytes all) const { return all.subspan(payload_offset, payload_size); }
  MutableBytes payload(MutableBytes all) const { return all.subspan(payload_offset, payload_size); }
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

template <class Header>
using ParseResult = std::expected<Parsed<Header>, WireFault>;

// Numbers in a header of fixed size.
template <std::size_t N>
constexpr std::uint16_t u16_at(std::span<const Byte, N> header, std::size_t at) {
  return static_cast<std::uint16_t>(header[at] << 8 | header[at + 1]);
}
template <std::size_t N>
constexpr std::uint32_t u32_at(std::span<const Byte, N> header, std::size_t at) {
  return std::uint32_t{u16_at(header, at)} << 16 | u16_at(header, at + 2);
}

inline void emit(Writer& out, const MacAddress& address) { out.bytes(address.octets); }
inline void emit_ipv4(Writer& out, const IpAddress& address) { out.u32(address.v4_bits()); }
inline void emit_ipv6(Writer& out, const IpAddress& address) { out.bytes(address.octets); }
MacAddress read_mac(Reader& in);
IpAddress read_ipv4(Reader& in);
IpAddress read_ipv6(Reader& in);

}  // namespace wire
}  // namespace limpid::tcpip
