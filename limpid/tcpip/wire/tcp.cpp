#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::wire {
namespace {

enum Kind : std::uint8_t {
  end_of_list = 0,
  no_operation = 1,
  maximum_segment_size = 2,
  window_scale_kind = 3,
  sack_permitted_kind = 4,
  sack_kind = 5,
  timestamps_kind = 8,
};

constexpr std::size_t timestamps_size = 10;

// How many blocks fit behind what else a segment carries.
std::size_t sack_blocks_that_fit(std::size_t used, std::size_t blocks) {
  const std::size_t room = TcpOptions::most_size - used;
  return room < 12 ? 0 : std::min(blocks, (room - 4) / 8);
}

std::size_t size_without_sack(const TcpOptions& options) {
  std::size_t size = 0;
  if (options.mss) size += 4;
  if (options.timestamps) size += 12;
  if (options.sack_permitted && !options.timestamps) size += 4;  // otherwise in the place of the timestamps' padding
  if (options.window_scale) size += 4;
  return size;
}

}  // namespace

TcpOptions TcpOptions::parse(Bytes bytes) {
  TcpOptions options;
  while (!bytes.empty() && bytes[0] != end_of_list) {
    const std::uint8_t kind = bytes[0];
    if (kind == no_operation) {
      bytes = bytes.subspan(1);
      continue;
    }
    if (bytes.size() < 2 || bytes[1] < 2 || bytes[1] > bytes.size()) break;
    const std::size_t size = bytes[1];
    Reader in(bytes.subspan(2, size - 2));
    if (kind == timestamps_kind && size == timestamps_size) {
      const std::uint32_t value = in.u32();
      options.timestamps = TcpTimestamps{value, in.u32()};
    } else if (kind == maximum_segment_size && size == 4) {
      options.mss = in.u16();
    } else if (kind == window_scale_kind && size == 3) {
      options.window_scale = in.u8();
    } else if (kind == sack_permitted_kind && size == 2) {
      options.sack_permitted = true;
    } else if (kind == sack_kind && size >= 10 && size % 8 == 2) {
      options.sack = {};
      while (!in.empty()) {
        const SeqNumber left = in.u32();
        options.sack.push_back({left, in.u32()});
      }
    }
    bytes = bytes.subspan(size);
  }
  return options;
}

std::size_t TcpOptions::size() const {
  const std::size_t others = size_without_sack(*this);
  const std::size_t blocks = sack_blocks_that_fit(others, sack.size());
  return blocks == 0 ? others : others + 4 + 8 * blocks;
}

void TcpOptions::emit(Writer& out) const {
  if (mss) {
    out.u8(maximum_segment_size);
    out.u8(4);
    out.u16(*mss);
  }
  // Two bytes in front of the timestamps, or of nothing, as padding or as the permission.
  if (timestamps.has_value() != sack_permitted) out.u16(no_operation << 8 | no_operation);
  if (sack_permitted) {
    out.u8(sack_permitted_kind);
    out.u8(2);
  }
  if (timestamps) {
    out.u8(timestamps_kind);
    out.u8(timestamps_size);
    out.u32(timestamps->value);
    out.u32(timestamps->echo);
  }
  if (window_scale) {
    out.u8(no_operation);
    out.u8(window_scale_kind);
    out.u8(3);
    out.u8(*window_scale);
  }
  const std::size_t blocks = sack_blocks_that_fit(size_without_sack(*this), sack.size());
  if (blocks == 0) return;
  out.u16(no_operation << 8 | no_operation);
  out.u8(sack_kind);
  out.u8(static_cast<std::uint8_t>(2 + 8 * blocks));
  for (const SackBlock& block : sack.span().first(blocks)) {
    out.u32(block.left);
    out.u32(block.right);
  }
}

ParseResult<TcpHeader> TcpHeader::parse(Bytes segment) {
  if (segment.size() < least_size) return std::unexpected(WireFault::truncated);
  const auto fixed = segment.first<least_size>();
  const std::size_t header_size = (fixed[12] >> 4) * std::size_t{4};
  if (header_size < least_size) return std::unexpected(WireFault::wrong_length);
  if (segment.size() < header_size) return std::unexpected(WireFault::truncated);

  Parsed<TcpHeader> parsed;
  TcpHeader& header = parsed.header;
  header.source_port = u16_at(fixed, 0);
  header.destination_port = u16_at(fixed, 2);
  header.sequence = u32_at(fixed, 4);
  header.acknowledgment = u32_at(fixed, 8);
  header.flags = TcpFlags::from_byte(fixed[13]);
  header.window = u16_at(fixed, 14);
  header.urgent_pointer = u16_at(fixed, 18);
  if (header_size > least_size) {
    header.options = TcpOptions::parse(segment.subspan(least_size, header_size - least_size));
  }
  parsed.payload_offset = header_size;
  parsed.payload_size = segment.size() - header_size;
  return parsed;
}

void TcpHeader::emit(Writer& out) const {
  std::array<Byte, most_size> room{};
  Writer header(room);
  header.u16(source_port);
  header.u16(destination_port);
  header.u32(sequence);
  header.u32(acknowledgment);
  header.u8(static_cast<std::uint8_t>(size() / 4 << 4));
  header.u8(flags.byte());
  header.u16(window);
  header.u16(0);
  header.u16(urgent_pointer);
  options.emit(header);
  out.bytes(header.written());
}

}  // namespace limpid::tcpip::wire
