// All memory that pure code is given: one arena behind limpid_allocate and limpid_release.
//
// A buddy allocator: blocks are powers of two, at least 64 bytes, and two free halves become one again, so that a
// server can run for ever without its memory falling to pieces. Both operations take time logarithmic in the arena's
// size.
#pragma once

#include <cstddef>

#include "limpid/xen_netfront/platform/boot_info.hpp"

namespace limpid::xen_netfront::platform {

// Once, before the first allocation. Memory that is not a power of two is used in full.
void give_to_arena(MemoryRange memory);

std::size_t arena_free_bytes();

}  // namespace limpid::xen_netfront::platform
