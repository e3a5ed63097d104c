// The guest's life: from the boot module to serving, until it is told to stop.
#pragma once

#include "limpid/xen_netfront/platform/boot_info.hpp"

namespace limpid::xen_netfront::image {

// Returns when the guest is to power off; panics, saying why and what to do, if it cannot serve.
void serve(const platform::BootInfo& boot);

}  // namespace limpid::xen_netfront::image
