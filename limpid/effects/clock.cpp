#include "limpid/effects/clock.hpp"

#include <time.h>

#include <algorithm>

namespace limpid::effects {

Time now() {
  timespec monotonic{}, wall{};
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_REALTIME, &wall);
  return {{std::int64_t{monotonic.tv_sec} * 1'000'000 + monotonic.tv_nsec / 1000}, {wall.tv_sec}};
}

int milliseconds_until(std::optional<Instant> deadline) {
  if (!deadline) return -1;
  const std::int64_t left = ((*deadline - now().monotonic).microseconds + 999) / 1000;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

}  // namespace limpid::effects
