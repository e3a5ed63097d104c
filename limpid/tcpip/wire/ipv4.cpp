#include "limpid/tcpip/wire/ipv4.hpp"

#include "limpid/tcpip/wire/checksum.hpp"

namespace limpid::tcpip::wire {
namespace {

constexpr std::uint16_t dont_fragment_bit = 0x4000;
constexpr std::uint16_t more_fragments_bit = 0x2000;
constexpr std::uint16_t offset_bits = 0x1fff;

// All but the checksum and whether the payload is there.
ParseResult<Ipv4Header> parse_header(Bytes bytes) {
  if (bytes.size() < Ipv4Header::least_size) return std::unexpected(WireFault::truncated);
  const auto fixed = bytes.first<Ipv4Header::least_size>();
  if (fixed[0] >> 4 != 4) return std::unexpected(WireFault::wrong_version);
  const std::size_t header_size = (fixed[0] & 15u) * 4;
  if (header_size < Ipv4Header::least_size) return std::unexpected(WireFault::wrong_length);
  if (bytes.size() < header_size) return std::unexpected(WireFault::truncated);

  Parsed<Ipv4Header> parsed;
  Ipv4Header& header = parsed.header;
  header.dscp = fixed[1] >> 2;
  header.ecn = fixed[1] & 3;
  header.total_length = u16_at(fixed, 2);
  header.identification = u16_at(fixed, 4);
  const std::uint16_t fragment = u16_at(fixed, 6);
  header.dont_fragment = (fragment & dont_fragment_bit) != 0;
  header.more_fragments = (fragment & more_fragments_bit) != 0;
  header.fragment_offset = static_cast<std::uint16_t>((fragment & offset_bits) * 8);
  header.time_to_live = fixed[8];
  header.protocol = static_cast<Protocol>(fixed[9]);
  header.source = IpAddress::v4(u32_at(fixed, 12));
  header.destination = IpAddress::v4(u32_at(fixed, 16));
  header.options = bytes.subspan(Ipv4Header::least_size, header_size - Ipv4Header::least_size);
  if (header.total_length < header_size) return std::unexpected(WireFault::wrong_length);
  parsed.payload_offset = header_size;
  parsed.payload_size = header.total_length - header_size;
  return parsed;
}

}  // namespace

ParseResult<Ipv4Header> Ipv4Header::parse(Bytes bytes) {
  auto parsed = parse_header(bytes);
  if (!parsed) return parsed;
  if (parsed->header.total_length > bytes.size()) return std::unexpected(WireFault::truncated);
  if (internet_checksum(bytes.first(parsed->payload_offset)) != 0) return std::unexpected(WireFault::wrong_checksum);
  return parsed;
}

ParseResult<Ipv4Header> Ipv4Header::parse_quoted(Bytes bytes) {
  auto parsed = parse_header(bytes);
  if (parsed) parsed->payload_size = std::min(parsed->payload_size, bytes.size() - parsed->payload_offset);
  return parsed;
}

void Ipv4Header::emit(Writer& out) const {
  std::array<Byte, most_size> room{};
  Writer header(room);
  header.u8(static_cast<std::uint8_t>(4 << 4 | size() / 4));
  header.u8(static_cast<std::uint8_t>(dscp << 2 | ecn));
  header.u16(total_length);
  header.u16(identification);
  header.u16(static_cast<std::uint16_t>((dont_fragment ? dont_fragment_bit : 0) |
                                        (more_fragments ? more_fragments_bit : 0) | fragment_offset / 8));
  header.u8(time_to_live);
  header.u8(static_cast<std::uint8_t>(protocol));
  header.u16(0);
  emit_ipv4(header, source);
  emit_ipv4(header, destination);
  header.bytes(options);
  if (header.failed()) return out.fail();
  const std::uint16_t checksum = internet_checksum(header.written());
  room[10] = static_cast<Byte>(checksum >> 8);
  room[11] = static_cast<Byte>(checksum);
  out.bytes(header.written());
}

}  // namespace limpid::tcpip::wire
