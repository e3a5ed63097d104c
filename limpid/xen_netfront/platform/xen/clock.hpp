// Time, from what Xen publishes and the time stamp counter; no hypercall is made.
#pragma once

#include "limpid/core/time.hpp"

namespace limpid::xen_netfront::platform {

// Nanoseconds since Xen booted.
std::uint64_t system_time();

// Monotonic time counts from when Xen booted, so that a deadline is one of Xen's, too.
Time now();
// Since the image's first instruction.
Duration since_entry();
// Not before the instant.
std::uint64_t system_time_of(Instant instant);

}  // namespace limpid::xen_netfront::platform
