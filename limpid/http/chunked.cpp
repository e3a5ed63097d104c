#include "limpid/http/chunked.hpp"

#include "limpid/http/syntax.hpp"

namespace limpid::http {
namespace {

// RFC 9112, section 7.1.1: a recipient "ought to limit the total length of chunk extensions".
constexpr std::uint32_t largest_overhead = 16384;

bool is_text(Byte byte) { return byte == '\t' || (byte >= 0x20 && byte != 0x7f); }

}  // namespace

ChunkedDecoder::Result ChunkedDecoder::decode(Bytes bytes, std::size_t& taken, Bytes& content) {
  taken = 0;
  content = {};
  while (taken < bytes.size()) {
    if (position_ == finished) return Result::complete;
    if (position_ == data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - taken));
      content = bytes.subspan(taken, n);
      taken += n;
      left_ -= n;
      if (left_ == 0) position_ = data_cr;
      return Result::content;
    }
    const Byte byte = bytes[taken++];
    switch (position_) {
      case size_digits: {
        const int digit = hex_value(static_cast<char>(byte));
        if (digit >= 0) {
          if (digits_++ == most_digits) return Result::fault;
          left_ = left_ * 16 + static_cast<unsigned>(digit);
        } else if (digits_ == 0) {
          return Result::fault;
        } else if (byte == '\r') {
          position_ = size_lf;
        } else if (byte == ';') {
          position_ = extension;
        } else {
          // Section 7.1.1 would let whitespace stand in front of the semicolon. Recipients differ in what they make of
          // it, which is how requests are smuggled, and nobody sends it.
          return Result::fault;
        }
        break;
      }
      case extension:
        if (byte == '\r') {
          position_ = size_lf;
        } else if (!is_text(byte) || ++overhead_ > largest_overhead) {
          return Result::fault;
        }
        break;
      case size_lf:
        if (byte != '\n') return Result::fault;
        digits_ = 0;
        line_empty_ = true;
        position_ = left_ == 0 ? trailer : data;
        break;
      case data_cr:
        if (byte != '\r') return Result::fault;
        position_ = data_lf;
        break;
      case data_lf:
        if (byte != '\n') return Result::fault;
        position_ = size_digits;
        break;
      case trailer:
        if (byte == '\r') {
          position_ = trailer_lf;
        } else if (!is_text(byte) || ++overhead_ > largest_overhead) {
          return Result::fault;
        } else {
          line_empty_ = false;
        }
        break;
      default:  // trailer_lf
        if (byte != '\n') return Result::fault;
        if (line_empty_) {
          position_ = finished;
          return Result::complete;
        }
        line_empty_ = true;
        position_ = trailer;
        break;
    }
  }
  return Result::incomplete;
}

}  // namespace limpid::http
