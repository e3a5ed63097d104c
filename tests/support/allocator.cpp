// The allocator hook of the test programs.
#include "tests/support/allocator.hpp"

#include <cstdlib>

#include "limpid/core/budget.hpp"

void (*limpid::test::observe_release)(limpid::Bytes block) = nullptr;

extern "C" void* limpid_allocate(std::size_t size) { return std::malloc(size == 0 ? 1 : size); }
extern "C" void limpid_release(void* memory, std::size_t size) {
  if (limpid::test::observe_release != nullptr) {
    limpid::test::observe_release({static_cast<const limpid::Byte*>(memory), size});
  }
  std::free(memory);
}
