#include "limpid/crypto/clean_stack.hpp"

#include "limpid/core/constant_time.hpp"

namespace limpid::crypto::clean_stack {
namespace {

// Keeps the frames of the operation clear of the few words that overwrite_stack's own frame leaves alone.
[[gnu::noinline]] void descend(void (*operation)(void*), void* context) {
  Byte gap[256];
  asm volatile("" : : "r"(gap) : "memory");
  operation(context);
  asm volatile("" : : "r"(gap) : "memory");  // no tail call
}

template <std::size_t Size>
[[gnu::noinline]] void overwrite_stack() {
  Byte area[Size];
  wipe(area);
  // A C library may copy through wider registers than can be named here, where the CPU is unknown. Which ones depends
  // on the size, so copies of zeros of all sorts of sizes overwrite them. Nothing else in an operation is so wide.
  for (std::size_t size = 16; size <= cleared_stack / 4; size += size / 2) {
    std::memcpy(area + Size / 2, area, value_barrier(size));
    asm volatile("" : : "r"(area) : "memory");
  }
}

[[gnu::noinline]] void clear_registers() {
#if defined(__x86_64__)
  asm volatile(
      "pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n"
      "pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7\n"
      "pxor %%xmm8, %%xmm8\n pxor %%xmm9, %%xmm9\n pxor %%xmm10, %%xmm10\n pxor %%xmm11, %%xmm11\n"
      "pxor %%xmm12, %%xmm12\n pxor %%xmm13, %%xmm13\n pxor %%xmm14, %%xmm14\n pxor %%xmm15, %%xmm15\n"
      "xorl %%eax, %%eax\n xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n xorl %%esi, %%esi\n xorl %%edi, %%edi\n"
      "xorl %%r8d, %%r8d\n xorl %%r9d, %%r9d\n xorl %%r10d, %%r10d\n xorl %%r11d, %%r11d\n"
      :
      :
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
#endif
}

}  // namespace

template <std::size_t Size>
void run(void (*operation)(void*), void* context) {
  descend(operation, context);
  overwrite_stack<Size>();
  clear_registers();
}

template void run<cleared_stack>(void (*)(void*), void*);
template void run<cleared_rsa_stack>(void (*)(void*), void*);

}  // namespace limpid::crypto::clean_stack
