// Frames that no host of ours would send.
#pragma once

#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/tcpip/host/station.hpp"

namespace limpid::tcpip::test {

inline constexpr MacAddress mac_of(std::uint8_t n) { return {{2, 0, 0, 0, 0, n}}; }

// An IPv4 packet in a frame from station `from` to station `to`; `transport` with its checksum field 0, if it has one.
inline Frame ipv4_frame(std::uint8_t from, std::uint8_t to, IpAddress source, IpAddress destination, Protocol protocol,
                        std::vector<Byte> transport, std::size_t checksum_offset, std::uint8_t ecn = 0) {
  if (checksum_offset != 0) {
    const auto sum = wire::transport_checksum(source, destination, protocol, transport);
    transport[checksum_offset] = static_cast<Byte>(sum >> 8);
    transport[checksum_offset + 1] = static_cast<Byte>(sum);
  }
  std::array<Byte, 64> head;
  Writer out(head);
  wire::EthernetHeader{mac_of(to), mac_of(from), wire::EtherType::ipv4}.emit(out);
  wire::Ipv4Header{.ecn = ecn,
                   .total_length = static_cast<std::uint16_t>(20 + transport.size()),
                   .dont_fragment = true,
                   .protocol = protocol,
                   .source = source,
                   .destination = destination}
      .emit(out);
  Frame frame{{out.written().begin(), out.written().end()}, {}};
  frame.bytes.insert(frame.bytes.end(), transport.begin(), transport.end());
  return frame;
}

inline Frame tcp_frame(std::uint8_t from, std::uint8_t to, const stream::Endpoint& source,
                       const stream::Endpoint& destination, wire::TcpHeader header, Bytes payload = {}) {
  header.source_port = source.port;
  header.destination_port = destination.port;
  std::array<Byte, 60> head;
  Writer out(head);
  header.emit(out);
  std::vector<Byte> segment(out.written().begin(), out.written().end());
  segment.insert(segment.end(), payload.begin(), payload.end());
  return ipv4_frame(from, to, address_of(source), address_of(destination), Protocol::tcp, std::move(segment),
                    wire::TcpHeader::checksum_offset);
}

// An ICMP error that quotes `offending`, an IPv4 frame.
inline Frame icmp_error(std::uint8_t from, std::uint8_t to, IpAddress source, std::uint8_t code, std::uint16_t mtu,
                        const Frame& offending) {
  const auto quoted = Bytes(offending.bytes).subspan(14);
  const auto ip = wire::Ipv4Header::parse(quoted);
  std::array<Byte, 8> head;
  Writer out(head);
  wire::Icmpv4Header{wire::Icmpv4Type::destination_unreachable, code, mtu}.emit(out);
  std::vector<Byte> message(out.written().begin(), out.written().end());
  message.insert(message.end(), quoted.begin(), quoted.begin() + 28);
  return ipv4_frame(from, to, source, ip->header.source, Protocol::icmp, std::move(message),
                    wire::Icmpv4Header::checksum_offset);
}

// What is in a frame, if it is TCP over IPv4.
struct SeenSegment {
  IpAddress source, destination;
  wire::TcpHeader header;
  std::vector<Byte> payload;
};
inline std::optional<SeenSegment> segment_in(const Frame& frame) {
  const auto ethernet = wire::EthernetHeader::parse(frame.bytes);
  if (!ethernet || ethernet->header.ether_type != wire::EtherType::ipv4) return {};
  const Bytes packet = ethernet->payload(Bytes(frame.bytes));
  const auto ip = wire::Ipv4Header::parse(packet);
  if (!ip || ip->header.protocol != Protocol::tcp) return {};
  const Bytes segment = ip->payload(packet);
  const auto tcp = wire::TcpHeader::parse(segment);
  if (!tcp) return {};
  const Bytes payload = tcp->payload(segment);
  return SeenSegment{ip->header.source, ip->header.destination, tcp->header, {payload.begin(), payload.end()}};
}

}  // namespace limpid::tcpip::test
