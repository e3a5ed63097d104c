// The end of the machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::xen_netfront::platform {

// Ends QEMU with status 2 * status + 1 (its isa-debug-exit device at port 0xf4); elsewhere halts for ever.
[[noreturn]] void power_off(std::uint8_t status);

// What power_off does first from now on: a hypervisor's way to end, which need not return.
void on_power_off(void (*end)(std::uint8_t status));

inline constexpr std::uint8_t exit_good = 16;   // QEMU's 33: distinct from every status that QEMU itself uses
inline constexpr std::uint8_t exit_bad = 17;    // 35: the program says that something failed
inline constexpr std::uint8_t exit_panic = 18;  // 37: the machine could not go on

// Prints why and ends the machine.
[[noreturn]] void panic(std::string_view reason);

}  // namespace limpid::xen_netfront::platform
