// Exceptions of the CPU end the machine with an account of what happened. There are no interrupts.
#pragma once

namespace limpid::xen_netfront::platform {

// Loads descriptor tables whose fault handlers run on a stack of their own, so that a stack overflow is reported, too.
void catch_faults();

}  // namespace limpid::xen_netfront::platform
