#include "limpid/sim/device.hpp"

#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::sim {
namespace {

using namespace tcpip::wire;
using tcpip::Protocol;

void put_u16(MutableBytes bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<Byte>(value >> 8);
  bytes[at + 1] = static_cast<Byte>(value);
}
std::uint16_t get_u16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// Where the headers of a TCP frame begin, and who speaks.
struct Layout {
  std::size_t ip = 0;
  std::size_t tcp = 0;
  std::size_t payload = 0;
  bool ipv4 = false;
  tcpip::IpAddress source, destination;
};

std::optional<Layout> layout_of(Bytes frame) {
  const auto ethernet = EthernetHeader::parse(frame);
  if (!ethernet) return std::nullopt;
  Layout layout;
  layout.ip = ethernet->payload_offset;
  const Bytes packet = ethernet->payload(frame);
  if (ethernet->header.ether_type == EtherType::ipv4) {
    const auto ip = Ipv4Header::parse_quoted(packet);
    if (!ip || ip->header.protocol != Protocol::tcp) return std::nullopt;
    layout.ipv4 = true;
    layout.tcp = layout.ip + ip->payload_offset;
    layout.source = ip->header.source;
    layout.destination = ip->header.destination;
  } else {
    const auto ip = Ipv6Header::parse_quoted(packet);
    if (!ip || ip->header.next_header != Protocol::tcp) return std::nullopt;
    layout.tcp = layout.ip + ip->payload_offset;
    layout.source = ip->header.source;
    layout.destination = ip->header.destination;
  }
  const auto tcp = TcpHeader::parse(frame.subspan(layout.tcp));
  if (!tcp) return std::nullopt;
  layout.payload = layout.tcp + tcp->payload_offset;
  return layout;
}

}  // namespace

bool assemble(const Transmit& transmit, Buffer& whole) {
  whole.clear();
  if (!whole.append(transmit.header)) return false;
  for (const Bytes piece : transmit.payload) {
    if (!whole.append(piece)) return false;
  }
  const auto& offload = transmit.offload;
  if (offload.checksum_offset == 0 && offload.checksum_start == 0) return true;
  const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
  if (field + 2 > whole.size()) return false;
  const MutableBytes bytes(whole.data(), whole.size());
  put_u16(bytes, field, internet_checksum(Bytes(bytes).subspan(offload.checksum_start)));
  return true;
}

Cut cut(Bytes whole, std::uint16_t segment_size, std::size_t at, Buffer& frame) {
  frame.clear();
  if (segment_size == 0) return {0, true, !frame.append(whole)};
  const auto layout = layout_of(whole);
  if (!layout) return {0, true, true};
  const Bytes payload = whole.subspan(layout->payload);
  const std::size_t size = std::min<std::size_t>(segment_size, payload.size() - std::min(at, payload.size()));
  const bool last = at + size == payload.size();
  if (!frame.append(whole.first(layout->payload)) || !frame.append(payload.subspan(at, size))) return {0, true, true};

  const MutableBytes bytes(frame.data(), frame.size());
  const MutableBytes ip = bytes.subspan(layout->ip), tcp = bytes.subspan(layout->tcp);
  if (layout->ipv4) {
    put_u16(ip, 2, ip.size());
    put_u16(ip, 4, get_u16(ip, 4) + at / segment_size);
    put_u16(ip, 10, 0);
    put_u16(ip, 10, internet_checksum(Bytes(ip).first(layout->tcp - layout->ip)));
  } else {
    put_u16(ip, 4, ip.size() - Ipv6Header::size);
  }
  const std::uint32_t sequence =
      (std::uint32_t{get_u16(tcp, 4)} << 16 | get_u16(tcp, 6)) + static_cast<std::uint32_t>(at);
  put_u16(tcp, 4, sequence >> 16);
  put_u16(tcp, 6, sequence);
  // FIN and PSH belong to the end, CWR to the beginning.
  TcpFlags flags = TcpFlags::from_byte(tcp[13]);
  flags.fin = flags.fin && last;
  flags.psh = flags.psh && last;
  flags.cwr = flags.cwr && at == 0;
  tcp[13] = flags.byte();
  put_u16(tcp, TcpHeader::checksum_offset, 0);
  put_u16(tcp, TcpHeader::checksum_offset, transport_checksum(layout->source, layout->destination, Protocol::tcp, tcp));
  return {at + size, last, false};
}

}  // namespace limpid::sim
