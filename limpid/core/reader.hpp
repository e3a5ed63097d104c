// Reads a byte string from front to back. The first read past the end makes the reader fail for good: it then yields
// zeros and empty views, so a parser may read straight through and ask once, `finished()`, whether all of it was there.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid {

class Reader {
 public:
  explicit Reader(Bytes bytes) : all_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(big_endian(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64() { return big_endian(8); }

  Bytes take(std::size_t n) {
    if (failed_ || n > all_.size() - at_) {
      fail();
      return {};
    }
    at_ += n;
    return all_.subspan(at_ - n, n);
  }
  Bytes take_rest() { return take(remaining()); }
  void skip(std::size_t n) { take(n); }

  // A vector of TLS presentation language (RFC 8446, section 3.4): a length of 1, 2 or 3 bytes, then that many bytes.
  Bytes vector8() { return take(u8()); }
  Bytes vector16() { return take(u16()); }
  Bytes vector24() { return take(u24()); }

  std::size_t offset() const { return at_; }
  std::size_t remaining() const { return failed_ ? 0 : all_.size() - at_; }
  bool empty() const { return remaining() == 0; }
  bool failed() const { return failed_; }
  bool finished() const { return !failed_ && empty(); }  // nothing was missing and nothing is left over
  void fail() { failed_ = true; }

 private:
  std::uint64_t big_endian(std::size_t n) {
    std::uint64_t value = 0;
    for (const Byte byte : take(n)) value = value << 8 | byte;
    return value;
  }

  Bytes all_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace limpid
