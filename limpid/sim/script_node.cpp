#include "limpid/sim/script_node.hpp"

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::sim {

using namespace tcpip;

namespace {

std::size_t checksum_offset(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return wire::TcpHeader::checksum_offset;
    case Protocol::udp:
      return wire::UdpHeader::checksum_offset;
    case Protocol::icmp:
    case Protocol::icmpv6:
      return wire::Icmpv4Header::checksum_offset;
    default:
      return 0;
  }
}

struct HeardPacket {
  IpAddress source, destination;
  Protocol protocol{};
  Bytes packet, payload;
};

std::optional<HeardPacket> packet_in(Bytes frame) {
  const auto ethernet = wire::EthernetHeader::parse(frame);
  if (!ethernet) return std::nullopt;
  const Bytes packet = ethernet->payload(frame);
  HeardPacket heard;
  heard.packet = packet;
  if (ethernet->header.ether_type == wire::EtherType::ipv4) {
    const auto ip = wire::Ipv4Header::parse(packet);
    if (!ip || ip->header.is_fragment()) return std::nullopt;
    heard.source = ip->header.source;
    heard.destination = ip->header.destination;
    heard.protocol = ip->header.protocol;
    heard.payload = ip->payload(packet);
    return heard;
  }
  if (ethernet->header.ether_type != wire::EtherType::ipv6) return std::nullopt;
  const auto ip = wire::Ipv6Header::parse(packet);
  if (!ip) return std::nullopt;
  heard.source = ip->header.source;
  heard.destination = ip->header.destination;
  heard.protocol = ip->header.next_header;
  heard.payload = ip->payload(packet);
  return heard;
}

}  // namespace

void Mouth::ethernet(const MacAddress& to, wire::EtherType type, Bytes payload, bool forged) {
  frame_.clear();
  Writer out(frame_);
  wire::EthernetHeader{to, mac_, type}.emit(out);
  out.bytes(payload);
  if (!out.failed()) frame({frame_.data(), frame_.size()}, forged);
}

void Mouth::ip(const Envelope& envelope, Protocol protocol, MutableBytes transport) {
  const std::size_t checksum_at = checksum_offset(protocol);
  if (envelope.checksum && checksum_at != 0 && transport.size() >= checksum_at + 2) {
    const auto sum = wire::transport_checksum(envelope.source, envelope.destination, protocol, transport);
    const auto stored = sum == 0 && protocol == Protocol::udp ? std::uint16_t{0xffff} : sum;
    transport[checksum_at] = static_cast<Byte>(stored >> 8);
    transport[checksum_at + 1] = static_cast<Byte>(stored);
  }
  frame_.clear();
  Writer out(frame_);
  const bool ipv4 = envelope.destination.is_ipv4();
  wire::EthernetHeader{envelope.to, envelope.from.value_or(mac_), ipv4 ? wire::EtherType::ipv4 : wire::EtherType::ipv6}
      .emit(out);
  if (ipv4) {
    wire::Ipv4Header header;
    header.ecn = envelope.ecn;
    header.total_length = static_cast<std::uint16_t>(20 + envelope.options.size() + transport.size());
    header.identification = envelope.identification;
    header.more_fragments = envelope.more_fragments;
    header.fragment_offset = envelope.fragment_offset;
    header.time_to_live = envelope.hop_limit;
    header.protocol = envelope.first.value_or(protocol);
    header.source = envelope.source;
    header.destination = envelope.destination;
    header.options = envelope.options;
    header.emit(out);
  } else {
    const bool fragment = envelope.more_fragments || envelope.fragment_offset != 0;
    const std::size_t extensions = envelope.extensions.size() + (fragment ? wire::Ipv6FragmentHeader::size : 0);
    wire::Ipv6Header header;
    header.ecn = envelope.ecn;
    header.payload_length = static_cast<std::uint16_t>(extensions + transport.size());
    header.next_header = fragment ? Protocol::fragment : envelope.first.value_or(protocol);
    header.hop_limit = envelope.hop_limit;
    header.source = envelope.source;
    header.destination = envelope.destination;
    header.emit(out);
    if (fragment) {
      wire::Ipv6FragmentHeader{envelope.first.value_or(protocol), envelope.fragment_offset, envelope.more_fragments,
                               envelope.identification}
          .emit(out);
    }
    out.bytes(envelope.extensions);
  }
  out.bytes(transport);
  if (!out.failed()) frame({frame_.data(), frame_.size()}, envelope.forged);
}

void Mouth::tcp(Envelope envelope, std::uint16_t from_port, std::uint16_t to_port, wire::TcpHeader header,
                Bytes payload) {
  header.source_port = from_port;
  header.destination_port = to_port;
  Byte segment[wire::TcpHeader::most_size + 2048];
  Writer out{MutableBytes(segment)};
  header.emit(out);
  out.bytes(payload);
  ip(envelope, Protocol::tcp, out.written());
}

void Mouth::udp(Envelope envelope, std::uint16_t from_port, std::uint16_t to_port, Bytes payload) {
  Byte datagram[2048];
  Writer out{MutableBytes(datagram)};
  wire::UdpHeader{from_port, to_port, static_cast<std::uint16_t>(wire::UdpHeader::size + payload.size()), 0}.emit(out);
  out.bytes(payload);
  ip(envelope, Protocol::udp, out.written());
}

void Mouth::icmp(const Envelope& envelope, std::uint8_t type, std::uint8_t code, std::uint32_t rest, Bytes data) {
  Byte message[2048];
  Writer out{MutableBytes(message)};
  const bool ipv4 = envelope.destination.is_ipv4();
  wire::Icmpv4Header{static_cast<wire::Icmpv4Type>(type), code, rest}.emit(out);
  out.bytes(data);
  ip(envelope, ipv4 ? Protocol::icmp : Protocol::icmpv6, out.written());
}

void Mouth::discovery(Envelope envelope, MutableBytes message) {
  if (envelope.hop_limit == Envelope{}.hop_limit) envelope.hop_limit = 255;
  ip(envelope, Protocol::icmpv6, message);
}

std::optional<AskedFor> asked_for(Bytes frame) {
  const auto ethernet = wire::EthernetHeader::parse(frame);
  if (!ethernet) return std::nullopt;
  if (ethernet->header.ether_type == wire::EtherType::arp) {
    const auto arp = wire::ArpPacket::parse(ethernet->payload(frame));
    if (!arp || arp->operation != wire::ArpOperation::request) return std::nullopt;
    if (arp->sender_protocol_address == arp->target_protocol_address) return std::nullopt;
    return AskedFor{arp->target_protocol_address, arp->sender_protocol_address, arp->sender_hardware_address};
  }
  const auto heard = packet_in(frame);
  if (!heard || heard->protocol != Protocol::icmpv6 || heard->source.is_unspecified()) return std::nullopt;
  const auto icmp = wire::Icmpv6Header::parse(heard->payload);
  if (!icmp || icmp->header.type != wire::Icmpv6Type::neighbor_solicitation) return std::nullopt;
  const auto solicitation = wire::NeighborSolicitation::parse(heard->payload);
  if (!solicitation) return std::nullopt;
  return AskedFor{solicitation->target, heard->source, ethernet->header.source};
}

void answer(Mouth& mouth, const AskedFor& asked) {
  Byte message[64];
  Writer out{MutableBytes(message)};
  if (asked.target.is_ipv4()) {
    wire::ArpPacket{wire::ArpOperation::reply, mouth.mac(), asked.target, asked.mac, asked.asker}.emit(out);
    return mouth.ethernet(asked.mac, wire::EtherType::arp, out.written(), false);
  }
  wire::NeighborAdvertisement advertisement;
  advertisement.solicited = true;
  advertisement.override = true;
  advertisement.target = asked.target;
  advertisement.options.target_link_layer_address = mouth.mac();
  advertisement.emit(out);
  mouth.discovery({.source = asked.target, .destination = asked.asker, .to = asked.mac}, out.written());
}

std::optional<HeardSegment> segment_in(Bytes frame) {
  const auto heard = packet_in(frame);
  if (!heard || heard->protocol != Protocol::tcp) return std::nullopt;
  const auto tcp = wire::TcpHeader::parse(heard->payload);
  if (!tcp) return std::nullopt;
  return HeardSegment{heard->source, heard->destination, tcp->header, tcp->payload(heard->payload), heard->packet};
}

std::optional<HeardDatagram> datagram_in(Bytes frame) {
  const auto heard = packet_in(frame);
  if (!heard || heard->protocol != Protocol::udp) return std::nullopt;
  const auto udp = wire::UdpHeader::parse(heard->payload);
  if (!udp) return std::nullopt;
  return HeardDatagram{heard->source, heard->destination, udp->header.source_port, udp->header.destination_port,
                       udp->payload(heard->payload)};
}

}  // namespace limpid::sim
