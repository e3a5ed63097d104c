#include "limpid/xen_netfront/platform/pages.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>

// Made by entry.S and image.ld; only the addresses of the latter's mean anything.
extern "C" {
extern std::uint64_t page_map[512];
extern std::uint64_t page_directories[4 * 512];
extern const char image_start[], text_end[], constants_end[], stack_guard[], image_end[];
}

namespace limpid::xen_netfront::platform {
namespace {

constexpr std::uint64_t present = 1;
constexpr std::uint64_t writable = 2;
constexpr std::uint64_t no_execute = std::uint64_t{1} << 63;
constexpr std::size_t page_size = 4096;
constexpr std::size_t large_page_size = 512 * page_size;

// Small pages where rights differ within a large one: low memory and the image.
constexpr std::size_t small_tables = 5;
alignas(page_size) std::uint64_t small_pages[small_tables * 512];

std::uint64_t address(const char* symbol) { return reinterpret_cast<std::uint64_t>(symbol); }

std::uint64_t rights(std::uint64_t page) {
  if (page == 0 || page == address(stack_guard)) return 0;
  if (page >= address(image_start) && page < address(text_end)) return present;
  if (page >= address(text_end) && page < address(constants_end)) return present | no_execute;
  return present | writable | no_execute;
}

}  // namespace

// These tables are in use: at any instant of this whatever runs may be looked up in them anew, since a hypervisor that
// interrupts may drop what the CPU remembers. So the code never loses its right to be run.
void protect_pages() {
  for (std::size_t i = 0; i < small_tables * 512; ++i) small_pages[i] = i * page_size | rights(i * page_size);
  for (std::size_t i = 0; i < std::size(page_directories); ++i) {
    page_directories[i] = i < small_tables ? reinterpret_cast<std::uint64_t>(small_pages + i * 512) | present | writable
                                           : page_directories[i] | no_execute;
  }
  static_assert(small_tables * large_page_size >= 0x200000 + (std::size_t{8} << 20),
                "image.ld allows 8 MiB from 2 MiB");
  asm volatile("mov %0, %%cr3" : : "r"(page_map) : "memory");
}

}  // namespace limpid::xen_netfront::platform
