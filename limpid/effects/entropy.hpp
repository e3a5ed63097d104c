// Randomness from the operating system.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"

namespace limpid::effects {

// 32 fresh bytes: what one machine or generator is born with. Blocks only until the host's pool was first seeded;
// ends the process if the system has none to give, since nothing sound can be done without.
std::array<Byte, 32> entropy();

}  // namespace limpid::effects
