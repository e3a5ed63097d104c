#include "limpid/xen_netfront/platform/console.hpp"

#include "limpid/xen_netfront/platform/ports.hpp"

namespace limpid::xen_netfront::platform {
namespace {

constexpr std::uint16_t debug_port = 0xe9;
constexpr std::uint16_t serial_data = 0x3f8;
constexpr std::uint16_t serial_line_status = 0x3fd;
constexpr std::uint8_t transmitter_empty = 0x20;

bool serial = true;
void (*elsewhere)(std::string_view) = nullptr;

void put_to_serial(char c) {
  // Where there is no serial port all bits read as ones. A stuck one must not stop the machine.
  for (int patience = 100'000; (read_port8(serial_line_status) & transmitter_empty) == 0 && patience > 0; --patience) {
  }
  write_port8(serial_data, static_cast<std::uint8_t>(c));
}

}  // namespace

void print(std::string_view text) {
  if (elsewhere != nullptr) return elsewhere(text);
  print_to_debug_port(text);
  for (const char c : text) {
    if (serial) put_to_serial(c);
  }
}

void print_with(void (*put)(std::string_view)) { elsewhere = put; }

void show_serial(bool shown) { serial = shown; }

void print_to_debug_port(std::string_view text) {
  for (const char c : text) write_port8(debug_port, static_cast<std::uint8_t>(c));
}

void print_hex(std::uint64_t value) {
  char digits[16];
  for (int i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
  print({digits, sizeof digits});
}

void print_decimal(std::uint64_t value) {
  char digits[20];
  std::size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  print({digits + at, sizeof digits - at});
}

}  // namespace limpid::xen_netfront::platform
