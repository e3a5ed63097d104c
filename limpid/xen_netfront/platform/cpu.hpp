// The CPU: what it can do, and switching that on.
#pragma once

#include "limpid/core/cpu_features.hpp"

namespace limpid::xen_netfront::platform {

// Lets AVX and AVX-512 registers be used if the CPU has them. SSE is on since entry.S.
void enable_vector_registers();

// Which kernels of crypto/ can run.
CpuFeatures cpu_features();

}  // namespace limpid::xen_netfront::platform
