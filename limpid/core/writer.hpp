// Writes a byte string, into lent room or into a Buffer that grows. The first write that does not fit makes the writer
// fail for good and write nothing more; ask once, `failed()`, at the end. A failed writer may have written a part.
#pragma once

#include "limpid/core/vec.hpp"

namespace limpid {

class Writer {
 public:
  explicit Writer(MutableBytes room) : room_(room) {}
  explicit Writer(Buffer& appended_to) : buffer_(&appended_to), start_(appended_to.size()) {}

  void u8(std::uint8_t value) { big_endian(value, 1); }
  void u16(std::uint16_t value) { big_endian(value, 2); }
  void u24(std::uint32_t value) { big_endian(value, 3); }
  void u32(std::uint32_t value) { big_endian(value, 4); }
  void u64(std::uint64_t value) { big_endian(value, 8); }

  void bytes(Bytes from) {
    if (failed_) return;
    if (buffer_ != nullptr) {
      failed_ = !buffer_->append(from);
    } else if (from.size() > room_.size() - written_) {
      failed_ = true;
    } else {
      copy(from, room_.subspan(written_));
    }
    if (!failed_) written_ += from.size();
  }
  void text(std::string_view from) { bytes(as_bytes(from)); }
  // As text, without superfluous zeros.
  void decimal(std::uint64_t value) {
    Byte digits[20];
    std::size_t at = sizeof(digits);
    do {
      digits[--at] = static_cast<Byte>('0' + value % 10);
    } while ((value /= 10) != 0);
    bytes(Bytes(digits).subspan(at));
  }

  // Writes what `body` writes behind its length in 1, 2 or 3 bytes (RFC 8446, section 3.4). Fails if it does not fit.
  template <class Body>
  void vector8(Body&& body) {
    prefixed(1, body);
  }
  template <class Body>
  void vector16(Body&& body) {
    prefixed(2, body);
  }
  template <class Body>
  void vector24(Body&& body) {
    prefixed(3, body);
  }

  // What this writer wrote so far; dead at the next write.
  MutableBytes written() {
    return buffer_ != nullptr ? MutableBytes(buffer_->data() + start_, written_) : room_.first(written_);
  }
  std::size_t size() const { return written_; }
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }

 private:
  void big_endian(std::uint64_t value, std::size_t n) {
    Byte encoded[8];
    for (std::size_t i = n; i-- > 0; value >>= 8) encoded[i] = static_cast<Byte>(value);
    bytes({encoded, n});
  }

  template <class Body>
  void prefixed(std::size_t width, Body& body) {
    const std::size_t at = written_;
    big_endian(0, width);
    body();
    if (failed_) return;
    std::size_t length = written_ - at - width;
    if (length >> (8 * width) != 0) return fail();
    for (std::size_t i = width; i-- > 0; length >>= 8) written()[at + i] = static_cast<Byte>(length);
  }

  MutableBytes room_;
  Buffer* buffer_ = nullptr;
  std::size_t start_ = 0;
  std::size_t written_ = 0;
  bool failed_ = false;
};

}  // namespace limpid
