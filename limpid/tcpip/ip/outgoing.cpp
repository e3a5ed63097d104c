#include "limpid/tcpip/ip/outgoing.hpp"

#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::ip {
namespace {

using wire::EthernetHeader;
using wire::Ipv4Header;
using wire::Ipv6FragmentHeader;
using wire::Ipv6Header;

}  // namespace

Outgoing::Outgoing(const Config& config, const Packet& packet, std::uint16_t mtu, std::uint8_t hop_limit,
                   Bytes extension, Protocol extension_protocol)
    : config_(config),
      packet_(packet),
      extension_(extension),
      first_(extension.empty() ? packet.protocol : extension_protocol),
      hop_limit_(hop_limit),
      size_(packet.header.size()) {
  for (const Bytes& piece : packet.payload) size_ += piece.size();
  ip_size_ = (is_ipv4() ? Ipv4Header::least_size : Ipv6Header::size) + extension.size();
  const std::size_t counted = is_ipv4() ? ip_size_ + size_ : extension.size() + size_;  // by the IP header's 16 bits
  if (counted > UINT16_MAX || packet.header.size() > Packet::most_header ||
      packet.payload.size() > Transmit::most_pieces || packet.checksum_offset + 2u > packet.header.size() ||
      packet.source.is_ipv4() != packet.destination.is_ipv4()) {
    verdict_ = SendResult::too_big;
    return;
  }
  room_ = EthernetHeader::size + ip_size_ + (packet.copied ? size_ : packet.header.size());
  frame_size_ = EthernetHeader::size + ip_size_ + size_;
  if (packet.segment_size != 0) {
    const bool can = config.offload.segmentation && config.offload.checksum && packet.protocol == Protocol::tcp;
    if (!can || ip_size_ + packet.header.size() + packet.segment_size > mtu) verdict_ = SendResult::too_big;
  } else if (ip_size_ + size_ > mtu) {
    if (packet.dont_fragment || !extension.empty()) {
      verdict_ = SendResult::too_big;
      return;
    }
    if (!is_ipv4()) ip_size_ += Ipv6FragmentHeader::size;
    fragment_size_ = (mtu - ip_size_) / 8 * 8;  // an MTU is never below 552, see PathMtuCache
    frames_ = (size_ + fragment_size_ - 1) / fragment_size_;
    room_ = frames_ * (EthernetHeader::size + ip_size_) + size_;
  }
}

// RFC 6864: the field means nothing in packets that are not and will not be fragmented.
bool Outgoing::needs_identification() const {
  return fragment_size_ != 0 || (is_ipv4() && !packet_.dont_fragment && packet_.segment_size == 0);
}

Transmit Outgoing::write(std::size_t index, const MacAddress& to, MutableBytes& room) const {
  Writer out(room);
  EthernetHeader{to, config_.mac, is_ipv4() ? wire::EtherType::ipv4 : wire::EtherType::ipv6}.emit(out);
  Transmit frame;
  if (fragment_size_ == 0) {
    write_ip(out, size_, 0, false);
    frame.offload = write_transport(out);
    for (const Bytes& piece : packet_.payload) {
      if (packet_.copied) {
        out.bytes(piece);
      } else if (!piece.empty()) {
        frame.payload.push_back(piece);
      }
    }
    frame.pin = packet_.pin;
  } else {
    const std::size_t offset = index * fragment_size_;
    const std::size_t part = std::min(fragment_size_, size_ - offset);
    write_ip(out, part, offset, offset + part < size_);
    copy_part(out, offset, part);
  }
  frame.header = out.written();
  room = room.subspan(out.size());
  return frame;
}

// `size`: of what follows the IP headers in this frame.
void Outgoing::write_ip(Writer& out, std::size_t size, std::size_t fragment_offset, bool more) const {
  const bool fragment = fragment_size_ != 0;
  if (is_ipv4()) {
    Ipv4Header header;
    header.ecn = packet_.ecn;
    header.total_length = static_cast<std::uint16_t>(ip_size_ + size);
    header.identification = static_cast<std::uint16_t>(identification_);
    header.dont_fragment = packet_.dont_fragment || packet_.segment_size != 0;
    header.more_fragments = more;
    header.fragment_offset = static_cast<std::uint16_t>(fragment_offset);
    header.time_to_live = hop_limit_;
    header.protocol = packet_.protocol;
    header.source = packet_.source;
    header.destination = packet_.destination;
    return header.emit(out);
  }
  Ipv6Header header;
  header.ecn = packet_.ecn;
  header.payload_length = static_cast<std::uint16_t>(ip_size_ - Ipv6Header::size + size);
  header.next_header = fragment ? Protocol::fragment : first_;
  header.hop_limit = hop_limit_;
  header.source = packet_.source;
  header.destination = packet_.destination;
  header.emit(out);
  out.bytes(extension_);
  if (fragment) {
    Ipv6FragmentHeader{first_, static_cast<std::uint16_t>(fragment_offset), more, identification_}.emit(out);
  }
}

// The transport header, its checksum finished or left to the device.
TransmitOffload Outgoing::write_transport(Writer& out) const {
  const std::size_t at = out.size();
  out.bytes(packet_.header);
  if (out.failed()) return {};
  const MutableBytes field = out.written().subspan(at + packet_.checksum_offset, 2);
  const bool transport = packet_.protocol == Protocol::tcp || packet_.protocol == Protocol::udp;
  wire::Checksum sum;
  if (packet_.protocol != Protocol::icmp) {
    sum = wire::pseudo_header(packet_.source, packet_.destination, packet_.protocol, static_cast<std::uint32_t>(size_));
  }
  if (transport && config_.offload.checksum && fragment_size_ == 0) {
    Writer(field).u16(sum.sum());
    return {static_cast<std::uint16_t>(at), packet_.checksum_offset, packet_.segment_size};
  }
  sum.add(packet_.header);
  for (const Bytes& piece : packet_.payload) sum.add(piece);
  std::uint16_t checksum = sum.finish();
  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones". ICMPv6 and TCP: zero is as good.
  if (checksum == 0 && packet_.protocol == Protocol::udp) checksum = 0xffff;
  Writer(field).u16(checksum);
  return {};
}

// Bytes `offset` to `offset + size` of the transport header, as sent, and what it carries.
void Outgoing::copy_part(Writer& out, std::size_t offset, std::size_t size) const {
  Byte header[Packet::most_header];
  Writer transport{MutableBytes(header)};
  if (offset < packet_.header.size()) write_transport(transport);
  std::size_t at = 0;
  const auto add = [&](Bytes piece) {
    const std::size_t begin = std::max(at, offset), end = std::min(at + piece.size(), offset + size);
    if (begin < end) out.bytes(piece.subspan(begin - at, end - begin));
    at += piece.size();
  };
  // Behind the first fragment, only its size counts.
  add(Bytes(header).first(packet_.header.size()));
  for (const Bytes& piece : packet_.payload) add(piece);
}

}  // namespace limpid::tcpip::ip
