#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::tcpip::wire {

ParseResult<UdpHeader> UdpHeader::parse(Bytes datagram) {
  if (datagram.size() < size) return std::unexpected(WireFault::truncated);
  const auto fixed = datagram.first<size>();
  const UdpHeader header{u16_at(fixed, 0), u16_at(fixed, 2), u16_at(fixed, 4), u16_at(fixed, 6)};
  if (header.length < size) return std::unexpected(WireFault::wrong_length);
  if (header.length > datagram.size()) return std::unexpected(WireFault::truncated);
  return Parsed<UdpHeader>{header, size, header.length - size};
}

void UdpHeader::emit(Writer& out) const {
  out.u16(source_port);
  out.u16(destination_port);
  out.u16(length);
  out.u16(checksum);
}

}  // namespace limpid::tcpip::wire
