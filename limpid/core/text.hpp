// Text that is cut without an exception.
#pragma once

#include <algorithm>
#include <string_view>

namespace limpid {

// Up to `count` characters from `from` on; what lies beyond the end is left out. (std::string_view::substr throws.)
constexpr std::string_view part_of(std::string_view text, std::size_t from,
                                   std::size_t count = std::string_view::npos) {
  const std::size_t begin = std::min(from, text.size());
  return {text.data() + begin, std::min(count, text.size() - begin)};
}

}  // namespace limpid
