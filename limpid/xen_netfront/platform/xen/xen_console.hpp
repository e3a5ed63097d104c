// The console of a domain: what `xl console` shows.
#pragma once

#include "limpid/xen_netfront/platform/xen/event_channels.hpp"

namespace limpid::xen_netfront::platform {

// From now on print() writes there.
void open_console();
Port console_port();

// Moves what is waiting into the ring as it has room. Input is thrown away.
void serve_console();

// Bytes that nobody took in time.
std::uint64_t console_bytes_lost();

}  // namespace limpid::xen_netfront::platform
