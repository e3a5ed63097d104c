// tls: undefined symbol sodium_memzero
#include <cstddef>
extern "C" void sodium_memzero(void*, std::size_t);
void planted(void* memory) { sodium_memzero(memory, 32); }
