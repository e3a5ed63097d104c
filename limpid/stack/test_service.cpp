#include "limpid/stack/test_service.hpp"

namespace limpid::stack {
namespace {

// RFC 864: "One popular pattern is 72 character lines of the ASCII printing characters": 95 of them, each line
// beginning with the second of the line before.
constexpr std::size_t characters = 95, line_characters = 72, line_size = line_characters + 2;

constexpr Byte character_at(std::uint64_t offset) {
  const std::uint64_t line = offset / line_size, column = offset % line_size;
  if (column == line_characters) return '\r';
  if (column == line_characters + 1) return '\n';
  return static_cast<Byte>(' ' + (line + column) % characters);
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
      // The whole pattern comes again after as many lines as there are characters.
      constexpr std::size_t period = characters * line_size;
      std::size_t written = 0;
      for (; written < room.size() && written < period; ++written) room[written] = character_at(sent_ + written);
      while (written < room.size()) {
        const std::size_t n = std::min(room.size() - written, period);
        copy(Bytes(room).subspan(written - period, n), room.subspan(written));
        written += n;
      }
      sent_ += written;
      return {received.size(), written};
    }
  }
  return {};
}

}  // namespace limpid::stack
