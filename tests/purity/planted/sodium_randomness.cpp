// crypto: undefined symbol randombytes_buf
#include <cstddef>
extern "C" void randombytes_buf(void*, std::size_t);
void planted(void* memory) { randombytes_buf(memory, 32); }
