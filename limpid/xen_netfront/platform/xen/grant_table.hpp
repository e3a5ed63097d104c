// The grant table: which domain may use which page of ours.
#pragma once

#include <cstdint>

#include "limpid/core/bytes.hpp"

namespace limpid::xen_netfront::platform {

// References below this are for others to use (grant_table.h, GNTTAB_NR_RESERVED_ENTRIES).
inline constexpr std::uint32_t first_free_reference = 8;
inline constexpr std::uint32_t grant_references = 1024;

// Once; panics if Xen has no table for us.
void map_grant_table();

// The domain may read the page, and write it unless it is read-only. The whole page: what else lies in it is seen.
void grant(std::uint32_t reference, std::uint16_t domain, const Byte* page, bool read_only);
// False if the domain has it mapped: then it keeps it.
bool end_grant(std::uint32_t reference);

}  // namespace limpid::xen_netfront::platform
