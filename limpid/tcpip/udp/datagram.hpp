// UDP over IP (RFC 768; RFC 1122, section 4.1): what stands between a delivered packet and a socket.
#pragma once

#include "limpid/tcpip/ip/vocabulary.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::tcpip::udp {

// The largest payload that a datagram can have: over IPv4 without options, and with IPv6's longer header.
inline constexpr std::size_t largest_payload_ipv4 = 65535 - 20 - wire::UdpHeader::size;
inline constexpr std::size_t largest_payload_ipv6 = 65535 - wire::UdpHeader::size;

struct Datagram {
  stream::Endpoint from, to;
  MutableBytes payload;  // in the packet
};

enum class Fault : std::uint8_t { malformed, checksum };

// What a packet holds. Source port 0 is legal ("if not used, a value of zero is inserted"), destination port 0 is not.
std::expected<Datagram, Fault> receive(const ip::Deliver& packet);

}  // namespace limpid::tcpip::udp
