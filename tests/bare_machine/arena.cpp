#include "limpid/xen_netfront/platform/arena.hpp"
#include "limpid/core/budget.hpp"
#include "limpid/crypto/generator.hpp"
#include "tests/bare_machine/report.hpp"
#include "tests/bare_machine/tests.hpp"

namespace limpid::bare_machine {
namespace {

struct Held {
  Byte* memory = nullptr;
  std::size_t size = 0;
  Byte mark = 0;
};

bool is_whole(const Held& held) {
  return held.memory[0] == held.mark && held.memory[held.size / 2] == held.mark &&
         held.memory[held.size - 1] == held.mark;
}

}  // namespace

void test_arena() {
  using xen_netfront::platform::arena_free_bytes;
  const std::size_t free_before = arena_free_bytes();
  const std::array<Byte, 32> seed{1};
  crypto::Generator generator(seed);
  Held held[64];
  bool aligned = true;
  bool whole = true;
  for (int turn = 0; turn < 4000; ++turn) {
    std::array<Byte, 4> drawn;
    generator.fill(drawn);
    Held& slot = held[drawn[0] % 64];
    if (slot.memory != nullptr) {
      whole = whole && is_whole(slot);
      limpid_release(slot.memory, slot.size);
      slot = {};
      continue;
    }
    const std::size_t size = std::size_t{1} + (drawn[1] | drawn[2] << 8) % (1 << (drawn[3] % 17));
    slot = {static_cast<Byte*>(limpid_allocate(size)), size, drawn[1]};
    aligned = aligned && slot.memory != nullptr && reinterpret_cast<std::uintptr_t>(slot.memory) % 16 == 0;
    if (slot.memory == nullptr) break;
    std::memset(slot.memory, slot.mark, size);
  }
  for (Held& slot : held) {
    if (slot.memory == nullptr) continue;
    whole = whole && is_whole(slot);
    limpid_release(slot.memory, slot.size);
  }
  answer("arena: blocks are aligned", "", aligned);
  answer("arena: blocks do not overlap", "", whole);
  answer("arena: everything comes back", "", arena_free_bytes() == free_before);
  // Sizes just above powers of two, as buffers with a little room are: hardly anything is left over.
  std::size_t pieces = 0;
  constexpr std::size_t piece = (1 << 18) + 100;
  Byte* chain = nullptr;
  while (auto* memory = static_cast<Byte*>(limpid_allocate(piece))) {
    std::memcpy(memory, &chain, sizeof chain);
    chain = memory;
    ++pieces;
  }
  answer("arena: it can be used up", "", (pieces + 1) * (piece + 64) >= free_before);
  while (chain != nullptr) {
    Byte* const memory = chain;
    std::memcpy(&chain, memory, sizeof chain);
    limpid_release(memory, piece);
  }
  answer("arena: everything comes back in one piece", "", [&] {
    void* const all = limpid_allocate(free_before);
    limpid_release(all, free_before);
    return all != nullptr && arena_free_bytes() == free_before;
  }());
  answer("arena: too much is refused", "",
         limpid_allocate(free_before + 1) == nullptr && limpid_allocate(SIZE_MAX) == nullptr);
}

}  // namespace limpid::bare_machine
