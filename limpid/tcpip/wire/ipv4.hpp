// The IPv4 header (RFC 791, RFC 2474, RFC 3168).
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

struct Ipv4Header {
  static constexpr std::size_t least_size = 20;
  static constexpr std::size_t most_size = 60;

  std::uint8_t dscp = 0;           // 6 bits
  std::uint8_t ecn = 0;            // 2 bits
  std::uint16_t total_length = 0;  // header and payload
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // in bytes, a multiple of 8 (on the wire in units of 8)
  std::uint8_t time_to_live = 64;
  Protocol protocol{};
  IpAddress source = any_ipv4;
  IpAddress destination = any_ipv4;
  Bytes options{};  // a multiple of 4 bytes, at most 40; not looked at

  friend bool operator==(const Ipv4Header&, const Ipv4Header&) = default;

  std::size_t size() const { return least_size + options.size(); }
  bool is_fragment() const { return more_fragments || fragment_offset != 0; }

  // The packet may be followed by padding. Its checksum was verified.
  static ParseResult<Ipv4Header> parse(Bytes bytes);
  // The beginning of a packet, as an ICMP error quotes it: total_length may go beyond the bytes, the payload is what is
  // there, and the checksum is not judged, since routers changed what it sums.
  static ParseResult<Ipv4Header> parse_quoted(Bytes bytes);
  // Computes the checksum. total_length counts all of size().
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
