#include "limpid/http/head_scanner.hpp"

namespace limpid::http {

HeadScanner::Result HeadScanner::scan(const HeadLimits& limits, Bytes bytes, std::size_t& taken) {
  taken = 0;
  const auto refuse = [&](HeadFault fault) {
    fault_ = fault;
    return Result::fault;
  };
  for (const Byte byte : bytes) {
    ++taken;
    ++size_;
    // RFC 9112, section 2.2: "a recipient MAY recognize a single LF as a line terminator". Not here: two recipients
    // that disagree about where a line ends can be made to disagree about where a request ends.
    if (after_cr_ != (byte == '\n')) return refuse(HeadFault::bad_byte);
    if (byte == '\n') {
      after_cr_ = false;
      if (line_size_ == 0 && lines_ > 0) return Result::complete;
      if (line_size_ > 0 && lines_++ > limits.fields) return refuse(HeadFault::too_many_fields);
      line_size_ = 0;
    } else if (byte == '\r') {
      after_cr_ = true;
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      return refuse(HeadFault::bad_byte);
    } else {
      ++line_size_;
      if (lines_ == 0 && line_size_ > limits.start_line) return refuse(HeadFault::start_line_too_long);
    }
    if (size_ >= limits.head) return refuse(HeadFault::head_too_large);
  }
  return Result::incomplete;
}

}  // namespace limpid::http
