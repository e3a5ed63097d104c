// Finds the end of a message head (RFC 9112, section 2.1) in a stream cut anywhere, byte for byte, and refuses at the
// first byte that no head may contain or that passes a limit. So a fault never depends on where the stream was cut.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::http {

struct HeadLimits {
  std::uint32_t start_line = 8192;  // bytes of the first line, without its end
  std::uint32_t head = 16384;       // bytes of the whole head, with every line end
  std::uint32_t fields = 100;       // lines
};

enum class HeadFault : std::uint8_t {
  bad_byte,  // a control character, a CR without LF or a LF without CR
  start_line_too_long,
  head_too_large,
  too_many_fields,
};

class HeadScanner {
 public:
  enum class Result : std::uint8_t { incomplete, complete, fault };

  // Takes bytes from the front of `bytes` until the head is complete or faulty; `taken` says how many, the last one
  // being that which decided. Empty lines in front of the start line are part of the head. Not to be called again after
  // a decision.
  Result scan(const HeadLimits& limits, Bytes bytes, std::size_t& taken);

  HeadFault fault() const { return fault_; }
  std::uint32_t size() const { return size_; }  // bytes taken so far

 private:
  std::uint32_t size_ = 0;
  std::uint32_t line_size_ = 0;  // of the current line, without its end
  std::uint32_t lines_ = 0;      // complete ones, empty ones in front left out
  bool after_cr_ = false;
  HeadFault fault_ = HeadFault::bad_byte;
};

}  // namespace limpid::http
