// From entry.S to the application: everything that pure code relies on is in place before its first call.
#include <cstdint>

#include "limpid/xen_netfront/platform/application.hpp"
#include "limpid/xen_netfront/platform/arena.hpp"
#include "limpid/xen_netfront/platform/cpu.hpp"
#include "limpid/xen_netfront/platform/entropy.hpp"
#include "limpid/xen_netfront/platform/faults.hpp"
#include "limpid/xen_netfront/platform/pages.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

extern "C" std::uint64_t thread_block[8];  // entry.S: what FS points to

namespace limpid::xen_netfront::platform {

constexpr std::size_t canary = 0x28 / sizeof(std::uint64_t);

// Without a canary of its own, since it sets it.
extern "C" [[noreturn, gnu::no_stack_protector]] void platform_start(std::uint32_t start_info) {
  catch_faults();
  enable_vector_registers();
  thread_block[canary] = hardware_random() & ~std::uint64_t{0xff};  // a zero byte stops what copies strings
  const BootInfo boot = read_boot_info(start_info);
  protect_pages();
  give_to_arena(boot.free_memory);
  power_off(application(boot));
}

}  // namespace limpid::xen_netfront::platform
