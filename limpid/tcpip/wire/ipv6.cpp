#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::wire {
namespace {

// All but whether the payload is there.
ParseResult<Ipv6Header> parse_header(Bytes bytes) {
  if (bytes.size() < Ipv6Header::size) return std::unexpected(WireFault::truncated);
  const auto fixed = bytes.first<Ipv6Header::size>();
  const std::uint32_t first = u32_at(fixed, 0);
  if (first >> 28 != 6) return std::unexpected(WireFault::wrong_version);

  Parsed<Ipv6Header> parsed;
  Ipv6Header& header = parsed.header;
  header.dscp = static_cast<std::uint8_t>(first >> 22 & 0x3f);
  header.ecn = static_cast<std::uint8_t>(first >> 20 & 3);
  header.flow_label = first & 0xfffff;
  header.payload_length = u16_at(fixed, 4);
  header.next_header = static_cast<Protocol>(fixed[6]);
  header.hop_limit = fixed[7];
  copy(fixed.subspan<8, 16>(), header.source.octets);
  copy(fixed.subspan<24, 16>(), header.destination.octets);
  if (header.source.is_ipv4() || header.destination.is_ipv4()) return std::unexpected(WireFault::wrong_value);
  parsed.payload_offset = Ipv6Header::size;
  parsed.payload_size = header.payload_length;
  return parsed;
}

}  // namespace

ParseResult<Ipv6Header> Ipv6Header::parse(Bytes bytes) {
  auto parsed = parse_header(bytes);
  if (parsed && parsed->payload_size > bytes.size() - size) return std::unexpected(WireFault::truncated);
  return parsed;
}

ParseResult<Ipv6Header> Ipv6Header::parse_quoted(Bytes bytes) {
  auto parsed = parse_header(bytes);
  if (parsed) parsed->payload_size = std::min(parsed->payload_size, bytes.size() - size);
  return parsed;
}

void Ipv6Header::emit(Writer& out) const {
  out.u32(6u << 28 | std::uint32_t{dscp} << 22 | std::uint32_t{ecn} << 20 | (flow_label & 0xfffff));
  out.u16(payload_length);
  out.u8(static_cast<std::uint8_t>(next_header));
  out.u8(hop_limit);
  emit_ipv6(out, source);
  emit_ipv6(out, destination);
}

void Ipv6FragmentHeader::emit(Writer& out) const {
  out.u8(static_cast<std::uint8_t>(next_header));
  out.u8(0);
  out.u16(static_cast<std::uint16_t>((fragment_offset & 0xfff8) | (more_fragments ? 1 : 0)));
  out.u32(identification);
}

}  // namespace limpid::tcpip::wire
