// All memory that pure code is given: one arena behind limpid_allocate and limpid_release.
//
// Segregated fit: what is allocated takes its size, rounded up to 64 bytes, of the front of a free range of little more
// than that, and what is released is joined with what is free beside it. So nearly all memory can be used, whatever the
// sizes, and a server can run for ever without its memory falling to pieces. Both operations take constant time.
#pragma once

#include <cstddef>

#include "limpid/xen_netfront/platform/boot_info.hpp"

namespace limpid::xen_netfront::platform {

// Once, before the first allocation. Memory that is not a power of two is used in full.
void give_to_arena(MemoryRange memory);

std::size_t arena_free_bytes();

}  // namespace limpid::xen_netfront::platform
