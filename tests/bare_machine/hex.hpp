// Published test vectors as they are printed: hex<"616263"> is an array of three bytes.
#pragma once

#include <array>
#include <cstddef>

#include "limpid/core/bytes.hpp"

namespace limpid::bare_machine {

template <std::size_t N>
struct HexText {
  char text[N];
  consteval HexText(const char (&from)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = from[i];
  }
};

template <HexText digits>
inline constexpr auto hex = [] {
  constexpr auto value = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::array<Byte, (sizeof digits.text - 1) / 2> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<Byte>(value(digits.text[2 * i]) << 4 | value(digits.text[2 * i + 1]));
  }
  return bytes;
}();

}  // namespace limpid::bare_machine
