// Text for people: to the debug port that QEMU and Xen show, and to the first serial port, until there is a better
// place.
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::xen_netfront::platform {

void print(std::string_view text);

// Where text goes from now on.
void print_with(void (*put)(std::string_view));
// Whether it also goes to the serial port while there is no better place.
void show_serial(bool shown);
// To the debug port, wherever else text goes: what must be seen whoever looks.
void print_to_debug_port(std::string_view text);

// Sixteen digits, for addresses.
void print_hex(std::uint64_t value);
void print_decimal(std::uint64_t value);

template <class... Texts>
void print_line(Texts... texts) {
  (print(texts), ...);
  print("\n");
}

}  // namespace limpid::xen_netfront::platform
