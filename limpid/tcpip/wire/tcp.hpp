// The TCP header (RFC 9293, section 3.1) and its options: RFC 9293 (maximum segment size), RFC 7323 (window scale,
// timestamps), RFC 2018 (selective acknowledgement).
#pragma once

#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/tcpip/wire/sequence.hpp"
#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

struct TcpFlags {
  bool fin = false;
  bool syn = false;
  bool rst = false;
  bool psh = false;
  bool ack = false;
  bool urg = false;
  bool ece = false;
  bool cwr = false;

  friend constexpr bool operator==(const TcpFlags&, const TcpFlags&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.fin, self.syn, self.rst, self.psh, self.ack, self.urg, self.ece, self.cwr);
  }

  static constexpr TcpFlags from_byte(std::uint8_t byte) {
    return {(byte & 1) != 0,  (byte & 2) != 0,  (byte & 4) != 0,  (byte & 8) != 0,
            (byte & 16) != 0, (byte & 32) != 0, (byte & 64) != 0, (byte & 128) != 0};
  }
  constexpr std::uint8_t byte() const {
    return static_cast<std::uint8_t>(fin | syn << 1 | rst << 2 | psh << 3 | ack << 4 | urg << 5 | ece << 6 | cwr << 7);
  }
};

// Bytes that were received, from `left` up to `right`, exclusive.
struct SackBlock {
  SeqNumber left = 0;
  SeqNumber right = 0;
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.left, self.right); }
};

struct TcpTimestamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;
  friend constexpr bool operator==(const TcpTimestamps&, const TcpTimestamps&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.value, self.echo); }
};

struct TcpOptions {
  static constexpr std::size_t most_size = 40;

  std::optional<std::uint16_t> mss{};
  std::optional<std::uint8_t> window_scale{};  // as on the wire: may be above RFC 7323's 14
  bool sack_permitted = false;
  std::optional<TcpTimestamps> timestamps{};
  InlineList<SackBlock, 4> sack{};

  friend bool operator==(const TcpOptions&, const TcpOptions&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.mss, self.window_scale, self.sack_permitted, self.timestamps, self.sack);
  }

  // Never fails: of options it takes what it understands. An unknown one, or one whose length is not that of its kind,
  // is skipped; a length that cannot be ends the list (RFC 9293, section 3.2: implementations "MUST be prepared to
  // handle an illegal option length"). Of a kind that comes twice the last one counts.
  static TcpOptions parse(Bytes options);
  // In Linux's order, padded to a multiple of 4 bytes. SACK blocks that no longer fit are left out, from the last.
  std::size_t size() const;
  void emit(Writer& out) const;
};

struct TcpHeader {
  static constexpr std::size_t least_size = 20;
  static constexpr std::size_t most_size = 60;
  static constexpr std::size_t checksum_offset = 16;

  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  SeqNumber sequence = 0;
  SeqNumber acknowledgment = 0;
  TcpFlags flags{};
  std::uint16_t window = 0;
  std::uint16_t urgent_pointer = 0;
  TcpOptions options{};

  friend bool operator==(const TcpHeader&, const TcpHeader&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.source_port, self.destination_port, self.sequence, self.acknowledgment, self.flags, self.window,
          self.urgent_pointer, self.options);
  }

  // A multiple of 4 bytes.
  std::size_t size() const { return least_size + options.size(); }
  // What the segment takes of the sequence space: "SEG.LEN".
  std::uint32_t sequence_length(std::size_t payload_size) const {
    return static_cast<std::uint32_t>(payload_size) + (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0);
  }

  // Reserved bits are ignored. The checksum is not judged.
  static ParseResult<TcpHeader> parse(Bytes segment);
  // With a checksum of 0.
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
