#include "limpid/xen_netfront/platform/cpuid.hpp"
#include "tests/bare_machine/report.hpp"
#include "tests/bare_machine/tests.hpp"

namespace limpid::bare_machine {

void test_vector_registers() {
  using xen_netfront::platform::bit;
  using xen_netfront::platform::cpuid;
  if (!bit(cpuid(1).ecx, 28)) return answer("vector registers", "SSE", true);
  // Faults if the operating system's part, XCR0, is missing.
  std::uint64_t pattern = 0x0123'4567'89ab'cdef;
  alignas(32) std::uint64_t stored[4];
  asm volatile("vmovq %1, %%xmm1; vinsertf128 $1, %%xmm1, %%ymm1, %%ymm1; vmovdqa %%ymm1, %0; vzeroupper"
               : "=m"(stored)
               : "r"(pattern)
               : "xmm1");
  answer("vector registers", "AVX", stored[0] == pattern && stored[2] == pattern);
}

}  // namespace limpid::bare_machine
