// UDP (RFC 768).
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

struct UdpHeader {
  static constexpr std::size_t size = 8;
  static constexpr std::size_t checksum_offset = 6;

  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t length = 0;  // header and payload
  // As on the wire. "An all zero transmitted checksum value means that the transmitter generated no checksum", which
  // IPv6 forbids (RFC 8200, section 8.1). "If the computed checksum is zero, it is transmitted as all ones."
  std::uint16_t checksum = 0;

  friend bool operator==(const UdpHeader&, const UdpHeader&) = default;

  // What lies beyond `length` is ignored.
  static ParseResult<UdpHeader> parse(Bytes datagram);
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
