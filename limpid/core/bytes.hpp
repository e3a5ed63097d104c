// Views of bytes that compare by content. A view owns nothing and is valid only as long as what it was made from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace limpid {

using Byte = std::uint8_t;
using MutableBytes = std::span<Byte>;

// A read-only view. Unlike std::span it has ==, which compares contents (not in constant time: see constant_time.hpp).
class Bytes : public std::span<const Byte> {
 public:
  using Span = std::span<const Byte>;
  using Span::Span;
  constexpr Bytes() = default;
  constexpr Bytes(Span bytes) : Span(bytes) {}
  constexpr Bytes(MutableBytes bytes) : Span(bytes) {}

  using Span::first, Span::last;  // those of fixed size
  constexpr Bytes first(std::size_t n) const { return Span::first(n); }
  constexpr Bytes last(std::size_t n) const { return Span::last(n); }
  constexpr Bytes subspan(std::size_t at, std::size_t n = std::dynamic_extent) const { return Span::subspan(at, n); }

  friend constexpr bool operator==(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }
};

inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const Byte*>(text.data()), text.size()}; }
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Copies `from` to the front of `to`, which must be large enough; the two may overlap. Returns what was written.
inline MutableBytes copy(Bytes from, MutableBytes to) {
  const MutableBytes written = to.first(from.size());
  if (!from.empty()) std::memmove(written.data(), from.data(), from.size());
  return written;
}

}  // namespace limpid
