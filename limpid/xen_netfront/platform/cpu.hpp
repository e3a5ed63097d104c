// The CPU: what it can do, and switching that on.
#pragma once

#include <cstdint>

#include "limpid/core/cpu_features.hpp"

namespace limpid::xen_netfront::platform {

// Lets AVX and AVX-512 registers be used if the CPU has them. SSE is on since entry.S.
void enable_vector_registers();

// Which kernels of crypto/ can run.
CpuFeatures cpu_features();

// The time stamp counter, not read before what stands before it is done; and as it was at the image's first
// instruction.
std::uint64_t time_stamp();
std::uint64_t entry_time_stamp();

}  // namespace limpid::xen_netfront::platform
