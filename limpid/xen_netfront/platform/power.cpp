#include "limpid/xen_netfront/platform/power.hpp"

#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/ports.hpp"

namespace limpid::xen_netfront::platform {
namespace {

void (*end_by_hypervisor)(std::uint8_t status) = nullptr;

}  // namespace

void on_power_off(void (*end)(std::uint8_t status)) { end_by_hypervisor = end; }

void power_off(std::uint8_t status) {
  if (end_by_hypervisor != nullptr) end_by_hypervisor(status);
  constexpr std::uint16_t qemu_debug_exit = 0xf4;
  write_port32(qemu_debug_exit, status);
  for (;;) asm volatile("cli; hlt");
}

void panic(std::string_view reason) {
  print_line("panic: ", reason);
  power_off(exit_panic);
}

}  // namespace limpid::xen_netfront::platform
