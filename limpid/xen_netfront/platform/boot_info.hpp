// What the loader said: PVH's start info, read once and checked.
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::xen_netfront::platform {

struct MemoryRange {
  std::uint64_t start = 0, end = 0;
};

struct BootInfo {
  std::string_view command_line;  // at most 4 KiB; empty if there is none
  MemoryRange free_memory;        // RAM that neither image, loader nor modules use
};

// Panics if it is not what the PVH boot ABI describes.
BootInfo read_boot_info(std::uint32_t start_info);

}  // namespace limpid::xen_netfront::platform
