// Writes text of which only a window is wanted: what lies before `skip` is passed over, what does not fit is left out.
// So a message that is a function of the state can be sent in pieces of any size without being stored.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::http {

class WindowWriter {
 public:
  WindowWriter(std::uint64_t skip, MutableBytes window) : skip_(skip), window_(window) {}

  void bytes(Bytes from) {
    total_ += from.size();
    if (from.size() <= skip_) {
      skip_ -= from.size();
      return;
    }
    from = from.subspan(static_cast<std::size_t>(skip_));
    skip_ = 0;
    from = from.first(std::min(from.size(), window_.size() - written_));
    copy(from, window_.subspan(written_));
    written_ += from.size();
  }
  void text(std::string_view from) { bytes(as_bytes(from)); }
  void character(char c) { text({&c, 1}); }

  void decimal(std::uint64_t value) { number(value, 10, 1); }
  void decimal(std::uint64_t value, int digits) { number(value, 10, digits); }
  void hex(std::uint64_t value) { number(value, 16, 1); }

  std::size_t written() const { return written_; }  // into the window
  std::uint64_t total() const { return total_; }    // of the whole text, shown or not
  MutableBytes shown() const { return window_.first(written_); }

 private:
  void number(std::uint64_t value, unsigned base, int least_digits) {
    char digits[20];
    std::size_t at = sizeof digits;
    for (int n = 0; value != 0 || n < least_digits; ++n, value /= base) {
      digits[--at] = "0123456789abcdef"[value % base];
    }
    text({digits + at, sizeof digits - at});
  }

  std::uint64_t skip_;
  MutableBytes window_;
  std::size_t written_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace limpid::http
