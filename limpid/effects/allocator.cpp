// The allocator hook over malloc, whose blocks are aligned to 16 on every 64-bit Linux.
#include <cstdlib>

#include "limpid/core/budget.hpp"

extern "C" void* limpid_allocate(std::size_t size) { return std::malloc(size); }
extern "C" void limpid_release(void* memory, std::size_t) { std::free(memory); }
