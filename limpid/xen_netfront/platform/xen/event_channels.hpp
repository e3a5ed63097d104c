// Event channels, by polling: nothing interrupts this machine. A pending bit says that the other side wants attention;
// it is taken before the ring is read, so that what comes later sets it again.
#pragma once

#include <expected>
#include <optional>
#include <span>

#include "limpid/core/time.hpp"

namespace limpid::xen_netfront::platform {

using Port = std::uint32_t;

// An unbound one, which the domain may bind; none if Xen refuses.
std::optional<Port> allocate_port(std::uint16_t domain);
void close_port(Port port);
void notify(Port port);

// Whether the port was pending; it is no longer.
bool take_pending(Port port);

// Waits until one of the ports is pending or the time has come. It may also return earlier.
void wait_for_events(std::span<const Port> ports, std::optional<Instant> deadline);

// How many hypercalls these two took.
std::uint64_t notifications_made();
std::uint64_t waits_made();

}  // namespace limpid::xen_netfront::platform
