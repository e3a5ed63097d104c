// IPv4 and IPv6 addresses as certificates carry them, and their text forms.
#pragma once

#include <array>
#include <optional>

#include "limpid/core/writer.hpp"

namespace limpid::x509 {

struct IpAddress {
  std::array<Byte, 16> storage{};  // network byte order; zero beyond `size`
  std::uint8_t size = 4;           // 4 or 16

  Bytes bytes() const { return Bytes(storage).first(size); }
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// 4 or 16 bytes in network byte order; nothing for another length.
std::optional<IpAddress> ip_from_bytes(Bytes bytes);
// Dotted decimal with four numbers and no superfluous zeros, or RFC 4291, section 2.2, without brackets and zone.
std::optional<IpAddress> parse_ip(std::string_view text);
// Dotted decimal, or RFC 5952. An address of another length than 4 or 16 (`bytes` may come from a peer) is written in
// hexadecimal.
void write_ip(Writer& out, Bytes bytes);

}  // namespace limpid::x509
