// Ethernet II frames (RFC 894), without preamble and frame check sequence.
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

// Others exist and are kept as they are. Values below 0x0600 are lengths (IEEE 802.3).
enum class EtherType : std::uint16_t { ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd };

struct EthernetHeader {
  static constexpr std::size_t size = 14;

  MacAddress destination{};
  MacAddress source{};
  EtherType ether_type{};

  friend bool operator==(const EthernetHeader&, const EthernetHeader&) = default;

  // One 802.1Q tag is looked through: the type is what it carries. Its priority and VLAN are not judged.
  static ParseResult<EthernetHeader> parse(Bytes frame);
  void emit(Writer& out) const;
};

// Where packets for a group address go: RFC 1112, section 6.4 and RFC 2464, section 7.
MacAddress multicast_mac(const IpAddress& group);

}  // namespace limpid::tcpip::wire
