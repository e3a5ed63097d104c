// Byte ranges of a request (RFC 9110, section 14).
#pragma once

#include <optional>
#include <string_view>

#include "limpid/core/inline_list.hpp"

namespace limpid::http {

// Bytes of a representation: `size` of them, at least one, from `offset`.
struct ByteRange {
  std::uint64_t offset = 0, size = 0;
  friend constexpr bool operator==(const ByteRange&, const ByteRange&) = default;
};

using RangeSet = InlineList<ByteRange, 8>;

// What the value of a Range field asks for of a representation of `size` bytes, in its order, without ranges that lie
// behind the end. An empty set: none of them can be satisfied. Nothing: the field is to be ignored, since it is not a
// set of byte ranges, has more of them than a RangeSet holds, or asks for more bytes than the whole has (section 14.2
// allows that for ranges that overlap or are many).
std::optional<RangeSet> parse_ranges(std::string_view value, std::uint64_t size);

}  // namespace limpid::http
