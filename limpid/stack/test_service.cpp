#include "limpid/stack/test_service.hpp"

#include <array>

namespace limpid::stack {
namespace {

// RFC 864: "One popular pattern is 72 character lines of the ASCII printing characters": 95 of them, each line
// beginning with the second of the line before.
constexpr std::size_t characters = 95, line_characters = 72, line_size = line_characters + 2;

constexpr std::size_t period = characters * line_size;

// Each line is a piece of this; its end stands beside it.
constexpr std::array<Byte, characters + line_characters> ring = [] {
  std::array<Byte, characters + line_characters> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Byte>(' ' + i % characters);
  return all;
}();
constexpr Byte line_end[] = {'\r', '\n'};

// What comes next of the line that holds byte `at` of the pattern.
Bytes next_of_pattern(std::uint64_t at) {
  const std::size_t line = at % period / line_size, column = at % line_size;
  if (column >= line_characters) return Bytes(line_end).subspan(column - line_characters);
  return Bytes(ring).subspan(line + column, line_characters - column);
}

}  // namespace

TestService::Took TestService::step(Bytes received, MutableBytes room) {
  switch (kind_) {
    case Kind::echo: {
      const std::size_t n = std::min(received.size(), room.size());
      copy(received.first(n), room);
      return {n, n};
    }
    case Kind::discard:
      return {received.size(), 0};
    case Kind::chargen: {
      std::size_t written = 0;
      while (written < room.size()) {
        const Bytes next = next_of_pattern(sent_ + written);
        written += copy(next.first(std::min(next.size(), room.size() - written)), room.subspan(written)).size();
      }
      sent_ += written;
      return {received.size(), written};
    }
  }
  return {};
}

}  // namespace limpid::stack
