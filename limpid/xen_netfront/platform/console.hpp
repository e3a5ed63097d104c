// Text for people: to the debug port that QEMU and Xen show, and to the first serial port.
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::xen_netfront::platform {

void print(std::string_view text);
// Sixteen digits, for addresses.
void print_hex(std::uint64_t value);
void print_decimal(std::uint64_t value);

template <class... Texts>
void print_line(Texts... texts) {
  (print(texts), ...);
  print("\n");
}

}  // namespace limpid::xen_netfront::platform
