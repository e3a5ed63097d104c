#include "limpid/stack/test_service.hpp"

#include <array>

namespace limpid::stack {
namespace {

// RFC 864: "One popular pattern is 72 character lines of the ASCII printing characters": 95 of them, each line
// beginning with the second of the line before.
constexpr std::size_t characters = 95, line_characters = 72, line_size = line_characters + 2;

// The whole pattern comes again after as many lines as there are characters.
constexpr std::size_t period = characters * line_size;

constexpr std::array<Byte, period> pattern = [] {
  std::array<Byte, period> all{};
  for (std::size_t line = 0; line < characters; ++line) {
    Byte* const text = all.data() + line * line_size;
    for (std::size_t i = 0; i < line_characters; ++i) text[i] = static_cast<Byte>(' ' + (line + i) % characters);
    text[line_characters] = '\r';
    text[line_characters + 1] = '\n';
  }
  return all;
}();

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
        const Bytes next = Bytes(pattern).subspan((sent_ + written) % period);
        written += copy(next.first(std::min(next.size(), room.size() - written)), room.subspan(written)).size();
      }
      sent_ += written;
      return {received.size(), written};
    }
  }
  return {};
}

}  // namespace limpid::stack
