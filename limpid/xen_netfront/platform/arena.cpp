#include "limpid/xen_netfront/platform/arena.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "limpid/core/budget.hpp"
#include "limpid/core/bytes.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::xen_netfront::platform {
namespace {

constexpr std::size_t smallest_block = 64;
constexpr std::size_t orders = 26;  // up to 2 GiB

struct FreeBlock {
  FreeBlock *previous, *next;
};

struct Arena {
  Byte* start = nullptr;   // aligned to the smallest block
  std::size_t blocks = 0;  // of the smallest size
  std::size_t free_bytes = 0;
  Byte* free_order = nullptr;  // for each smallest block: 1 + the order of the free block that starts there, or 0
  FreeBlock* free[orders] = {};
};
Arena arena;

std::size_t block_size(std::size_t order) { return smallest_block << order; }

std::size_t index_of(const void* block) {
  return static_cast<std::size_t>(static_cast<const Byte*>(block) - arena.start) / smallest_block;
}

FreeBlock* block_at(std::size_t index) { return reinterpret_cast<FreeBlock*>(arena.start + index * smallest_block); }

void push(FreeBlock* block, std::size_t order) {
  block->previous = nullptr;
  block->next = arena.free[order];
  if (block->next != nullptr) block->next->previous = block;
  arena.free[order] = block;
  arena.free_order[index_of(block)] = static_cast<Byte>(1 + order);
  arena.free_bytes += block_size(order);
}

void remove(FreeBlock* block, std::size_t order) {
  (block->previous != nullptr ? block->previous->next : arena.free[order]) = block->next;
  if (block->next != nullptr) block->next->previous = block->previous;
  arena.free_order[index_of(block)] = 0;
  arena.free_bytes -= block_size(order);
}

// The order of the smallest block that holds so much; `orders` if none does.
std::size_t order_for(std::size_t size) {
  if (size > block_size(orders - 1)) return orders;
  return size <= smallest_block ? 0 : static_cast<std::size_t>(std::bit_width((size - 1) / smallest_block));
}

// Frees a block, joined with its buddy for as long as that is free and whole.
void give_back(std::size_t index, std::size_t order) {
  for (; order + 1 < orders; ++order) {
    const std::size_t buddy = index ^ (std::size_t{1} << order);
    if (buddy >= arena.blocks || arena.free_order[buddy] != 1 + order) break;
    remove(block_at(buddy), order);
    index &= ~(std::size_t{1} << order);
  }
  push(block_at(index), order);
}

}  // namespace

void give_to_arena(MemoryRange memory) {
  const std::uint64_t start = (memory.start + smallest_block - 1) & ~(smallest_block - 1);
  if (memory.end < start + (1 << 20)) panic("boot: less than 1 MiB of memory is left; give the machine more");
  // The map of orders takes one byte a block and comes first.
  const std::size_t blocks = (memory.end - start) / (smallest_block + 1);
  arena.free_order = reinterpret_cast<Byte*>(start);
  std::memset(arena.free_order, 0, blocks);
  arena.start = reinterpret_cast<Byte*>((start + blocks + smallest_block - 1) & ~(smallest_block - 1));
  arena.blocks = (memory.end - reinterpret_cast<std::uint64_t>(arena.start)) / smallest_block;
  if (arena.blocks > blocks) arena.blocks = blocks;
  for (std::size_t index = 0; index < arena.blocks;) {
    const std::size_t fits = static_cast<std::size_t>(std::bit_width(arena.blocks - index)) - 1;
    const std::size_t aligned = index == 0 ? orders - 1 : static_cast<std::size_t>(std::countr_zero(index));
    const std::size_t order = std::min({fits, aligned, orders - 1});
    push(block_at(index), order);
    index += std::size_t{1} << order;
  }
}

std::size_t arena_free_bytes() { return arena.free_bytes; }

}  // namespace limpid::xen_netfront::platform

using namespace limpid::xen_netfront::platform;

extern "C" void* limpid_allocate(std::size_t size) {
  const std::size_t wanted = order_for(size);
  std::size_t order = wanted;
  while (order < orders && arena.free[order] == nullptr) ++order;
  if (order >= orders) return nullptr;
  FreeBlock* block = arena.free[order];
  remove(block, order);
  for (; order > wanted; --order) push(block_at(index_of(block) + (std::size_t{1} << (order - 1))), order - 1);
  return block;
}

extern "C" void limpid_release(void* memory, std::size_t size) {
  if (memory != nullptr) give_back(index_of(memory), order_for(size));
}
