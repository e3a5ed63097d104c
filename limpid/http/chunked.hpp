// The chunked transfer coding (RFC 9112, section 7.1), decoded from a stream cut anywhere.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::http {

class ChunkedDecoder {
 public:
  enum class Result : std::uint8_t {
    incomplete,  // everything was taken
    content,     // `content` holds a part of a chunk; call again with what is left
    complete,    // the last chunk and its trailer section were taken; what is left is behind the message
    fault,       // it is not chunked, or extensions and trailers pass their limit
  };

  // Takes bytes from the front of `bytes`; `taken` says how many. `content` is a view into `bytes`.
  Result decode(Bytes bytes, std::size_t& taken, Bytes& content);

  static void fields(auto& self, auto&& visit) {
    visit(self.position_, self.left_, self.digits_, self.overhead_, self.line_empty_);
  }
  bool restored(const auto&) const { return position_ <= last_position && digits_ <= most_digits; }

 private:
  // Where in the grammar the next byte stands.
  enum Position : std::uint8_t {
    size_digits,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    finished,
    last_position = finished
  };
  // Of a chunk's size: 2^60 - 1 bytes, which leaves room for every sum.
  static constexpr std::uint8_t most_digits = 15;

  std::uint8_t position_ = size_digits;
  std::uint64_t left_ = 0;      // of the current chunk
  std::uint8_t digits_ = 0;     // of the size being read
  std::uint32_t overhead_ = 0;  // bytes of extensions and trailers so far
  bool line_empty_ = true;      // the current trailer line
};

}  // namespace limpid::http
