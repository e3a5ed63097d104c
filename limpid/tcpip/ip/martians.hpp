// Addresses that no packet from a wire may have (RFC 1122, section 3.2.1.3; RFC 6890; RFC 4291, section 2.5).
#pragma once

#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::ip {

// 240.0.0.0/4 but for the broadcast address, and 0.0.0.0/8: "this host on this network".
constexpr bool is_reserved_ipv4(const IpAddress& address) {
  return address.is_ipv4() &&
         ((address.octets[12] >= 240 && !address.is_limited_broadcast()) || address.octets[12] == 0);
}

constexpr bool is_martian_source(const IpAddress& address) {
  return address.is_unspecified() || address.is_loopback() || address.is_multicast() ||
         address.is_limited_broadcast() || is_reserved_ipv4(address);
}

// Groups that stay within a node (RFC 4291, section 2.7: scope 1, and the reserved 0) do not come from a wire either.
constexpr bool is_martian_destination(const IpAddress& address) {
  return address.is_unspecified() || address.is_loopback() || is_reserved_ipv4(address) ||
         (!address.is_ipv4() && address.is_multicast() && (address.octets[1] & 15) <= 1);
}

}  // namespace limpid::tcpip::ip
