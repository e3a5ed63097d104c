#include "limpid/xen_netfront/platform/cpu.hpp"

#include "limpid/xen_netfront/platform/cpuid.hpp"

extern "C" const std::uint64_t at_entry asm("entry_time_stamp");  // entry.S

namespace limpid::xen_netfront::platform {
namespace {

// Bits of XCR0.
constexpr std::uint32_t x87_sse_avx = 0b111;
constexpr std::uint32_t avx512_state = 0b111'00000;

// What enable_vector_registers() could enable; OSXSAVE tells whether there is an XCR0 to read.
std::uint32_t enabled_state() {
  if (!bit(cpuid(1).ecx, 27)) return 0;
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

void enable_vector_registers() {
  if (!bit(cpuid(1).ecx, 26)) return;  // XSAVE
  constexpr std::uint64_t osxsave = 1 << 18;
  std::uint64_t cr4;
  asm volatile("mov %%cr4, %0" : "=r"(cr4));
  asm volatile("mov %0, %%cr4" : : "r"(cr4 | osxsave));
  const std::uint32_t supported = cpuid(0xd).eax;
  std::uint32_t enabled = supported & x87_sse_avx;
  if ((supported & avx512_state) == avx512_state) enabled |= avx512_state;  // all three or none
  asm volatile("xsetbv" : : "a"(enabled), "d"(0), "c"(0));
}

std::uint64_t time_stamp() {
  std::uint32_t low, high;
  asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return std::uint64_t{high} << 32 | low;
}

std::uint64_t entry_time_stamp() { return at_entry; }

CpuFeatures cpu_features() {
  const std::uint32_t ecx = cpuid(1).ecx;
  const Cpuid extended = cpuid(0).eax >= 7 ? cpuid(7) : Cpuid{};
  CpuFeatures features;
  features.aes_pclmul = bit(ecx, 25) && bit(ecx, 1) && bit(ecx, 9);
  features.sha = bit(extended.ebx, 29) && bit(ecx, 9) && bit(ecx, 19);
  features.bmi2_adx = bit(extended.ebx, 8) && bit(extended.ebx, 19);
  constexpr std::uint32_t needed = x87_sse_avx | avx512_state;
  const bool avx512 = (enabled_state() & needed) == needed && bit(extended.ebx, 16) && bit(extended.ebx, 17) &&
                      bit(extended.ebx, 30) && bit(extended.ebx, 31);  // F, DQ, BW, VL
  features.avx512_ifma = avx512 && bit(extended.ebx, 21);
  features.vaes_avx512 = avx512 && features.aes_pclmul && bit(extended.ecx, 9) && bit(extended.ecx, 10);
  return features;
}

}  // namespace limpid::xen_netfront::platform
