#include "limpid/xen_netfront/platform/boot_info.hpp"

#include <algorithm>
#include <cstring>
#include <span>

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

// What must not be written to. Few, so that they are simply looked through.
class Taken {
 public:
  void add(std::uint64_t start, std::uint64_t size) {
    if (size == 0) return;
    if (count_ == most) panic("boot: too many modules");
    ranges_[count_++] = {start, start + size};
  }

  // The part of `ram` from `from` on that nothing lies in.
  MemoryRange gap_from(std::uint64_t from, MemoryRange ram) const {
    // A range that was skipped may lead into another.
    for (bool moved = true; moved;) {
      moved = false;
      for (const MemoryRange& range : all()) {
        if (range.start <= from && from < range.end) {
          from = range.end;
          moved = true;
        }
      }
    }
    std::uint64_t end = ram.end;
    for (const MemoryRange& range : all()) {
      if (range.start > from) end = std::min(end, range.start);
    }
    return {from, std::max(from, end)};
  }

  std::span<const MemoryRange> all() const { return std::span(ranges_).first(count_); }

 private:
  static constexpr std::size_t most = 32;
  MemoryRange ranges_[most];
  std::size_t count_ = 0;
};

Taken taken(const StartInfo& info, std::uint32_t start_info, std::uint64_t command_line_size) {
  constexpr std::uint64_t low_memory = 1 << 20;  // of a PC's firmware
  Taken taken;
  taken.add(0, low_memory);
  taken.add(low_memory, reinterpret_cast<std::uint64_t>(image_end) - low_memory);
  taken.add(start_info, sizeof(StartInfo));
  taken.add(info.command_line, command_line_size);
  taken.add(info.memory_map, info.memory_map_entries * sizeof(MemoryMapEntry));
  taken.add(info.modules, info.modules_count * sizeof(Module));
  for (std::uint32_t i = 0; i < info.modules_count; ++i) {
    const auto module = at<Module>(info.modules, i);
    taken.add(module.address, module.size);
  }
  return taken;
}

// The largest piece: one arena has one piece, and a loader puts what it brings close together.
MemoryRange free_memory(const StartInfo& info, const Taken& taken) {
  MemoryRange largest;
  for (std::uint32_t i = 0; i < info.memory_map_entries; ++i) {
    const auto entry = at<MemoryMapEntry>(info.memory_map, i);
    if (entry.type != usable_ram || entry.address >= mapped_memory) continue;
    const MemoryRange ram = {entry.address, entry.address + std::min(entry.size, mapped_memory - entry.address)};
    const auto consider = [&](std::uint64_t from) {
      if (from < ram.start || from >= ram.end) return;
      const MemoryRange gap = taken.gap_from(from, ram);
      if (gap.end - gap.start > largest.end - largest.start) largest = gap;
    };
    consider(ram.start);
    for (const MemoryRange& range : taken.all()) consider(range.end);
  }
  return largest;
}

// What the loader brought along, in place.
Bytes first_module(const StartInfo& info) {
  if (info.modules_count == 0) return {};
  const auto module = at<Module>(info.modules);
  if (module.address == 0 || module.address >= mapped_memory || module.size > mapped_memory - module.address) {
    panic("boot: the module is out of reach");
  }
  return {reinterpret_cast<const Byte*>(module.address), module.size};
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
  boot.free_memory = free_memory(info, taken(info, start_info, boot.command_line.size() + 1));
  boot.module = first_module(info);
  return boot;
}

}  // namespace limpid::xen_netfront::platform
