// The CPUID instruction.
#pragma once

#include <cstdint>

namespace limpid::xen_netfront::platform {

struct Cpuid {
  std::uint32_t eax, ebx, ecx, edx;
};

inline Cpuid cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  Cpuid result;
  asm volatile("cpuid"
               : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
               : "a"(leaf), "c"(subleaf));
  return result;
}

constexpr bool bit(std::uint32_t bits, int n) { return (bits >> n & 1) != 0; }

}  // namespace limpid::xen_netfront::platform
