#include "limpid/xen_netfront/platform/console.hpp"

#include "limpid/xen_netfront/platform/ports.hpp"

namespace limpid::xen_netfront::platform {
namespace {

constexpr std::uint16_t debug_port = 0xe9;
constexpr std::uint16_t serial_data = 0x3f8;
constexpr std::uint16_t serial_line_status = 0x3fd;
constexpr std::uint8_t transmitter_empty = 0x20;

void put(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  write_port8(debug_port, byte);
  // Where there is no serial port all bits read as ones. A stuck one must not stop the machine.
  for (int patience = 100'000; (read_port8(serial_line_status) & transmitter_empty) == 0 && patience > 0; --patience) {
  }
  write_port8(serial_data, byte);
}

}  // namespace

void print(std::string_view text) {
  for (const char c : text) put(c);
}

void print_hex(std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
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
