// The allocator hook of the test programs.
#include <cstdlib>

#include "limpid/core/budget.hpp"

extern "C" void* limpid_allocate(std::size_t size) { return std::malloc(size == 0 ? 1 : size); }
extern "C" void limpid_release(void* memory, std::size_t) { std::free(memory); }
