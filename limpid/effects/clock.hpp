// The clocks that pure code is told about.
#pragma once

#include <optional>

#include "limpid/core/time.hpp"

namespace limpid::effects {

// Monotonic: microseconds since the host booted, not counting suspension. Wall: the host's idea of Unix time.
Time now();

// For poll() and its like: until then, rounded up, since waking early would only find that it is too early; -1 for
// ever.
int milliseconds_until(std::optional<Instant> deadline);

}  // namespace limpid::effects
