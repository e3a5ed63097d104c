// What an image does once the machine is up.
#pragma once

#include <cstdint>

#include "limpid/xen_netfront/platform/boot_info.hpp"

namespace limpid::xen_netfront::platform {

// Supplied by each image. The machine ends when it returns: exit_good or exit_bad (power.hpp).
std::uint8_t application(const BootInfo& boot);

}  // namespace limpid::xen_netfront::platform
