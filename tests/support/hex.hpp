// Hexadecimal text to bytes and back, for vectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "limpid/core/bytes.hpp"

namespace limpid::test {

// Anything but hexadecimal digits is skipped, so vectors may be written in groups.
inline std::vector<Byte> from_hex(std::string_view text) {
  std::vector<Byte> bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<Byte>(high << 4 | digit));
      high = -1;
    }
  }
  return bytes;
}

inline std::string to_hex(Bytes bytes) {
  std::string text;
  for (const Byte byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace limpid::test
