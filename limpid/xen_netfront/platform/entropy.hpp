// Entropy from the CPU. There is no other source on a bare machine, so without RDSEED or RDRAND it does not start.
#pragma once

#include <array>
#include <cstdint>

#include "limpid/core/bytes.hpp"

namespace limpid::xen_netfront::platform {

// Panics if the CPU has neither instruction or if it keeps failing.
std::uint64_t hardware_random();

// What a machine takes as its Entropy event.
std::array<Byte, 32> fresh_entropy();

}  // namespace limpid::xen_netfront::platform
