// What the loader said: PVH's start info, read once and checked.
#pragma once

#include <cstdint>
#include <string_view>

#include "limpid/core/bytes.hpp"

namespace limpid::xen_netfront::platform {

struct MemoryRange {
  std::uint64_t start = 0, end = 0;
};

struct BootInfo {
  std::string_view command_line;  // at most 4 KiB; empty if there is none
  MemoryRange free_memory;        // the largest piece of RAM that neither image, loader nor modules use
  Bytes module;  // the first boot module, which a PVH configuration calls ramdisk; empty if there is none
};

// Panics if it is not what the PVH boot ABI describes.
BootInfo read_boot_info(std::uint32_t start_info);

}  // namespace limpid::xen_netfront::platform
