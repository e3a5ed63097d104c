// tls: undefined symbol malloc
#include <cstddef>
extern "C" void* malloc(std::size_t);
void* planted() { return malloc(16); }
