// RFC 7323, section 2.
#pragma once

#include <cstdint>

namespace limpid::tcpip::tcp {

// The least shift with which a header's 16 bits can say `window`.
constexpr std::uint8_t window_scale_for(std::uint32_t window) {
  std::uint8_t shift = 0;
  while (shift < 14 && window >> shift > UINT16_MAX) ++shift;
  return shift;
}

}  // namespace limpid::tcpip::tcp
