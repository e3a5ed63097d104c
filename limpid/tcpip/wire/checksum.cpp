#include "limpid/tcpip/wire/checksum.hpp"

#include <bit>

namespace limpid::tcpip::wire {
namespace {

// a + b, the carry brought round.
std::uint64_t add_ones_complement(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? sum + 1 : sum;
}

std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

std::uint16_t in_memory_order(std::uint16_t value) {
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

template <class Word>
Word load(const Byte* from) {
  Word word = 0;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// The sum of `bytes` as words that lie in memory, the last one padded with a zero.
std::uint64_t sum_of_words(Bytes bytes) {
  const Byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  if (left >= 64) {
    // Halves of 32 bits into lanes of 64: no carry is lost in fewer than 2^32 rounds, and no lane waits for another.
    std::uint64_t low[4] = {}, high[4] = {};
    for (; left >= 32; at += 32, left -= 32) {
      for (std::size_t lane = 0; lane < 4; ++lane) {
        const auto word = load<std::uint64_t>(at + 8 * lane);
        low[lane] += word & 0xffffffff;
        high[lane] += word >> 32;
      }
    }
    for (std::size_t lane = 0; lane < 4; ++lane) {
      sum = add_ones_complement(add_ones_complement(sum, low[lane]), high[lane]);
    }
  }
  for (; left >= 8; at += 8, left -= 8) sum = add_ones_complement(sum, load<std::uint64_t>(at));
  if (left > 0) {
    Byte padded[8] = {};
    std::memcpy(padded, at, left);
    sum = add_ones_complement(sum, load<std::uint64_t>(padded));
  }
  return sum;
}

}  // namespace

void Checksum::add(Bytes piece) {
  add_words(sum_of_words(piece));
  odd_ = odd_ != (piece.size() % 2 != 0);
}

void Checksum::add_u16(std::uint16_t value) { add_words(in_memory_order(value)); }
void Checksum::add_u32(std::uint32_t value) { add_words(in_memory_order(fold(value))); }

// Behind an odd number of bytes, each byte counts in the other half of its word.
void Checksum::add_words(std::uint64_t words) {
  sum_ = add_ones_complement(sum_, odd_ ? std::byteswap(fold(words)) : words);
}

std::uint16_t Checksum::sum() const { return in_memory_order(fold(sum_)); }

Checksum pseudo_header(const IpAddress& source, const IpAddress& destination, Protocol protocol, std::uint32_t length) {
  Checksum sum;
  sum.add(source.on_wire());
  sum.add(destination.on_wire());
  sum.add_u32(length);
  sum.add_u16(static_cast<std::uint8_t>(protocol));
  return sum;
}

std::uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination, Protocol protocol,
                                 Bytes segment) {
  Checksum sum;
  if (protocol != Protocol::icmp) {
    sum = pseudo_header(source, destination, protocol, static_cast<std::uint32_t>(segment.size()));
  }
  sum.add(segment);
  return sum.finish();
}

}  // namespace limpid::tcpip::wire
