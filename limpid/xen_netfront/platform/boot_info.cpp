#include "limpid/xen_netfront/platform/boot_info.hpp"

#include <algorithm>
#include <cstring>

#include "limpid/xen_netfront/platform/power.hpp"

extern "C" const char image_end[];  // image.ld

namespace limpid::xen_netfront::platform {
namespace {

// xen/arch-x86/hvm/start_info.h, struct hvm_start_info and its tables. All addresses are physical.
struct StartInfo {
  std::uint32_t magic, version, flags, modules_count;
  std::uint64_t modules, command_line, rsdp, memory_map;
  std::uint32_t memory_map_entries, reserved;
};

struct Module {
  std::uint64_t address, size, command_line, reserved;
};

struct MemoryMapEntry {
  std::uint64_t address, size;
  std::uint32_t type, reserved;
};

constexpr std::uint32_t start_info_magic = 0x336ec578;
constexpr std::uint32_t usable_ram = 1;
constexpr std::uint64_t mapped_memory = std::uint64_t{4} << 30;  // entry.S

template <class T>
T at(std::uint64_t address, std::size_t index = 0) {
  address += index * sizeof(T);
  if (address == 0 || address > mapped_memory - sizeof(T)) panic("boot: an address in the start info is out of reach");
  T value;
  std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
  return value;
}

// What the loader put into the range makes it end earlier.
void end_before(MemoryRange& range, std::uint64_t start, std::uint64_t end) {
  if (start < range.end && end > range.start) range.end = std::max(start, range.start);
}

MemoryRange free_memory(const StartInfo& info, std::uint32_t start_info, std::uint64_t command_line_size) {
  MemoryRange free;
  const auto image = reinterpret_cast<std::uint64_t>(image_end);
  for (std::uint32_t i = 0; i < info.memory_map_entries; ++i) {
    const auto entry = at<MemoryMapEntry>(info.memory_map, i);
    if (entry.type == usable_ram && entry.address < image && image < entry.address + entry.size) {
      free = {image, std::min(entry.address + entry.size, mapped_memory)};
    }
  }
  if (free.end == 0) panic("boot: the memory map does not hold the image");
  end_before(free, start_info, start_info + sizeof(StartInfo));
  end_before(free, info.command_line, info.command_line + command_line_size);
  end_before(free, info.memory_map, info.memory_map + info.memory_map_entries * sizeof(MemoryMapEntry));
  end_before(free, info.modules, info.modules + info.modules_count * sizeof(Module));
  for (std::uint32_t i = 0; i < info.modules_count; ++i) {
    const auto module = at<Module>(info.modules, i);
    end_before(free, module.address, module.address + module.size);
    end_before(free, module.command_line, module.command_line + 1);
  }
  return free;
}

}  // namespace

BootInfo read_boot_info(std::uint32_t start_info) {
  const auto info = at<StartInfo>(start_info);
  if (info.magic != start_info_magic) panic("boot: no PVH start info; boot this image by its PVH entry");
  if (info.version < 1) panic("boot: the start info has no memory map (version 0)");
  BootInfo boot;
  if (info.command_line != 0) {
    const auto* text = reinterpret_cast<const char*>(info.command_line);
    boot.command_line = std::string_view(text, std::find(text, text + 4096, 0));
  }
  boot.free_memory = free_memory(info, start_info, boot.command_line.size() + 1);
  return boot;
}

}  // namespace limpid::xen_netfront::platform
