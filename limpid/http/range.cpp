#include "limpid/http/range.hpp"

#include <algorithm>

#include "limpid/http/syntax.hpp"

namespace limpid::http {
namespace {

// A position, of any number of digits: what is too large for 64 bits lies behind every end.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return {};
  return parse_decimal(text).value_or(UINT64_MAX);
}

enum class Parsed : std::uint8_t { range, behind_the_end, malformed };

// One range-spec: "first-last", "first-" or "-suffix-length".
Parsed parse_range(std::string_view text, std::uint64_t size, ByteRange& range) {
  if (text.find('-') == text.npos) return Parsed::malformed;
  const std::string_view front = cut(text, '-');
  if (front.empty()) {
    const auto suffix = parse_position(text);
    if (!suffix) return Parsed::malformed;
    range = {size - std::min(*suffix, size), std::min(*suffix, size)};
    return range.size == 0 ? Parsed::behind_the_end : Parsed::range;
  }
  const auto begin = parse_position(front);
  const auto last = text.empty() ? std::optional(UINT64_MAX) : parse_position(text);
  // "An int-range is invalid if the last-pos value is present and less than first-pos."
  if (!begin || !last || *last < *begin) return Parsed::malformed;
  if (*begin >= size) return Parsed::behind_the_end;
  range = {*begin, std::min(*last, size - 1) - *begin + 1};
  return Parsed::range;
}

}  // namespace

std::optional<RangeSet> parse_ranges(std::string_view value, std::uint64_t size) {
  if (value.find('=') == value.npos || !equals_ignoring_case(cut(value, '='), "bytes")) return {};
  RangeSet set;
  bool any = false;
  std::uint64_t total = 0;
  while (!value.empty()) {
    const std::string_view element = trimmed(cut(value, ','));
    if (element.empty()) continue;
    any = true;
    ByteRange range;
    switch (parse_range(element, size, range)) {
      case Parsed::malformed:
        return {};
      case Parsed::behind_the_end:
        break;
      case Parsed::range:
        if (range.size > size - total || !set.push_back(range)) return {};
        total += range.size;
        break;
    }
  }
  if (!any) return {};
  // Of nothing there are no bytes to name: an empty file is sent whole.
  if (size == 0) return {};
  return set;
}

}  // namespace limpid::http
