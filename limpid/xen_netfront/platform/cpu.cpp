#include "limpid/xen_netfront/platform/cpu.hpp"

#include "limpid/xen_netfront/platform/cpuid.hpp"

namespace limpid::xen_netfront::platform {

void enable_vector_registers() {
  if (!bit(cpuid(1).ecx, 26)) return;  // XSAVE
  constexpr std::uint64_t osxsave = 1 << 18;
  std::uint64_t cr4;
  asm volatile("mov %%cr4, %0" : "=r"(cr4));
  asm volatile("mov %0, %%cr4" : : "r"(cr4 | osxsave));
  constexpr std::uint32_t x87_sse_avx = 0b111;
  constexpr std::uint32_t avx512 = 0b111'00000;
  const std::uint32_t supported = cpuid(0xd).eax;
  std::uint32_t enabled = supported & x87_sse_avx;
  if ((supported & avx512) == avx512) enabled |= avx512;  // all three or none
  asm volatile("xsetbv" : : "a"(enabled), "d"(0), "c"(0));
}

CpuFeatures cpu_features() {
  const std::uint32_t ecx = cpuid(1).ecx;
  CpuFeatures features;
  features.aes_pclmul = bit(ecx, 25) && bit(ecx, 1) && bit(ecx, 9);
  return features;
}

}  // namespace limpid::xen_netfront::platform
