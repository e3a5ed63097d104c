#include "limpid/effects/clock.hpp"

#include <time.h>

namespace limpid::effects {

Time now() {
  timespec monotonic{}, wall{};
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_REALTIME, &wall);
  return {{std::int64_t{monotonic.tv_sec} * 1'000'000 + monotonic.tv_nsec / 1000}, {wall.tv_sec}};
}

}  // namespace limpid::effects
