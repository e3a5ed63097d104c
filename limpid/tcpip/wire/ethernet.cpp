#include "limpid/tcpip/wire/ethernet.hpp"

namespace limpid::tcpip::wire {

ParseResult<EthernetHeader> EthernetHeader::parse(Bytes frame) {
  if (frame.size() < size) return std::unexpected(WireFault::truncated);
  const auto fixed = frame.first<size>();
  Parsed<EthernetHeader> parsed;
  copy(fixed.first<6>(), parsed.header.destination.octets);
  copy(fixed.subspan<6, 6>(), parsed.header.source.octets);
  parsed.header.ether_type = static_cast<EtherType>(u16_at(fixed, 12));
  parsed.payload_offset = size;
  if (parsed.header.ether_type == EtherType::vlan) {
    constexpr std::size_t tag = 4;
    if (frame.size() < size + tag) return std::unexpected(WireFault::truncated);
    parsed.header.ether_type = static_cast<EtherType>(u16_at(frame.first<size + tag>(), size + 2));
    parsed.payload_offset += tag;
  }
  parsed.payload_size = frame.size() - parsed.payload_offset;
  return parsed;
}

void EthernetHeader::emit(Writer& out) const {
  wire::emit(out, destination);
  wire::emit(out, source);
  out.u16(static_cast<std::uint16_t>(ether_type));
}

MacAddress multicast_mac(const IpAddress& group) {
  const auto& g = group.octets;
  if (group.is_ipv4()) return {{0x01, 0x00, 0x5e, static_cast<Byte>(g[13] & 0x7f), g[14], g[15]}};
  return {{0x33, 0x33, g[12], g[13], g[14], g[15]}};
}

}  // namespace limpid::tcpip::wire
