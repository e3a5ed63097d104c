#include "limpid/xen_netfront/platform/arena.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "limpid/core/budget.hpp"
#include "limpid/core/bytes.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::xen_netfront::platform {
namespace {

constexpr std::size_t unit = 64;

// The front of a free range. In its last unit stands only where it begins; of a range of one unit, both.
struct FreeRange {
  std::size_t units;
  FreeRange *previous, *next;
};
struct Tail {
  char front[sizeof(FreeRange)];
  std::size_t first;
};
static_assert(sizeof(Tail) <= unit);

// What of a free range a unit is.
enum Mark : Byte { nothing = 0, first_unit = 1, last_unit = 2 };

// Lists of free ranges by size: eight for each doubling, so that whatever is in a list fits all sizes of those below.
constexpr std::size_t steps = 8, step_bits = 3, lists = 28 * steps;

struct Arena {
  Byte* start = nullptr;  // aligned to a unit
  std::size_t units = 0;
  std::size_t free_units = 0;
  Byte* marks = nullptr;  // of each unit
  std::array<FreeRange*, lists> free{};
  std::array<std::uint64_t, (lists + 63) / 64> filled{};  // which lists hold something
};
Arena arena;

std::size_t units_for(std::size_t size) { return size <= unit ? 1 : (size - 1) / unit + 1; }
std::size_t index_of(const void* memory) {
  return static_cast<std::size_t>(static_cast<const Byte*>(memory) - arena.start) / unit;
}
FreeRange* range_at(std::size_t index) { return reinterpret_cast<FreeRange*>(arena.start + index * unit); }
Tail* tail_at(std::size_t index) { return reinterpret_cast<Tail*>(arena.start + index * unit); }

// The list that a range of so many units belongs to.
std::size_t list_for(std::size_t units) {
  if (units < steps) return units;
  const std::size_t doubling = static_cast<std::size_t>(std::bit_width(units)) - 1 - step_bits;
  return (doubling + 1) * steps + (units >> doubling) % steps;
}

void insert(std::size_t index, std::size_t units) {
  const std::size_t list = list_for(units);
  FreeRange* range = range_at(index);
  *range = {units, nullptr, arena.free[list]};
  if (range->next != nullptr) range->next->previous = range;
  arena.free[list] = range;
  arena.filled[list / 64] |= std::uint64_t{1} << list % 64;
  tail_at(index + units - 1)->first = index;
  arena.marks[index] |= first_unit;
  arena.marks[index + units - 1] |= last_unit;
  arena.free_units += units;
}

void remove(FreeRange* range) {
  const std::size_t index = index_of(range), list = list_for(range->units);
  (range->previous != nullptr ? range->previous->next : arena.free[list]) = range->next;
  if (range->next != nullptr) range->next->previous = range->previous;
  if (arena.free[list] == nullptr) arena.filled[list / 64] &= ~(std::uint64_t{1} << list % 64);
  arena.marks[index] = nothing;
  arena.marks[index + range->units - 1] = nothing;
  arena.free_units -= range->units;
}

// A free range of at least so many units; none if there is none, or too many of nearly that size to look at them all.
FreeRange* find(std::size_t units) {
  const std::size_t list = list_for(units);
  if (list >= lists) return nullptr;
  constexpr int most_looked_at = 32;
  FreeRange* near = arena.free[list];
  for (int n = 0; near != nullptr && n < most_looked_at; ++n, near = near->next) {
    if (near->units >= units) return near;
  }
  std::size_t above = list + 1;
  for (std::size_t word = above / 64; word < arena.filled.size(); ++word, above = word * 64) {
    const std::uint64_t there = arena.filled[word] >> above % 64;
    if (there != 0) return arena.free[above + static_cast<std::size_t>(std::countr_zero(there))];
  }
  return nullptr;
}

}  // namespace

void give_to_arena(MemoryRange memory) {
  const std::uint64_t start = (memory.start + unit - 1) & ~(unit - 1);
  if (memory.end < start + (1 << 20)) panic("boot: too little memory, less than 1 MiB is left; give the machine more");
  // The marks take one byte a unit and come first.
  const std::size_t most = (memory.end - start) / (unit + 1);
  arena.marks = reinterpret_cast<Byte*>(start);
  std::memset(arena.marks, nothing, most);
  arena.start = reinterpret_cast<Byte*>((start + most + unit - 1) & ~(unit - 1));
  arena.units = std::min<std::size_t>(most, (memory.end - reinterpret_cast<std::uint64_t>(arena.start)) / unit);
  insert(0, arena.units);
}

std::size_t arena_free_bytes() { return arena.free_units * unit; }

}  // namespace limpid::xen_netfront::platform

using namespace limpid::xen_netfront::platform;

extern "C" void* limpid_allocate(std::size_t size) {
  const std::size_t wanted = units_for(size);
  FreeRange* range = wanted <= arena.free_units ? find(wanted) : nullptr;
  if (range == nullptr) return nullptr;
  const std::size_t units = range->units;
  remove(range);
  if (units > wanted) insert(index_of(range) + wanted, units - wanted);
  return range;
}

// Joined with whatever is free on either side.
extern "C" void limpid_release(void* memory, std::size_t size) {
  if (memory == nullptr) return;
  std::size_t index = index_of(memory), units = units_for(size);
  if (const std::size_t behind = index + units; behind < arena.units && (arena.marks[behind] & first_unit) != 0) {
    units += range_at(behind)->units;
    remove(range_at(behind));
  }
  if (index > 0 && (arena.marks[index - 1] & last_unit) != 0) {
    const std::size_t first = tail_at(index - 1)->first;
    units += index - first;
    index = first;
    remove(range_at(first));
  }
  insert(index, units);
}
