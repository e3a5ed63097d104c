// The clocks that pure code is told about.
#pragma once

#include "limpid/core/time.hpp"

namespace limpid::effects {

// Monotonic: microseconds since the host booted, not counting suspension. Wall: the host's idea of Unix time.
Time now();

}  // namespace limpid::effects
