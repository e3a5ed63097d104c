#include "limpid/effects/cpu.hpp"

namespace limpid::effects {

CpuFeatures cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  // The compiler's run-time library asks CPUID, and XCR0 for what the kernel lets be used.
  __builtin_cpu_init();
  features.aes_pclmul =
      __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3");
  features.sha = __builtin_cpu_supports("sha") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
  features.bmi2_adx = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("adx");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  features.avx512_ifma = avx512 && __builtin_cpu_supports("avx512ifma");
  features.vaes_avx512 =
      avx512 && features.aes_pclmul && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
#endif
  return features;
}

}  // namespace limpid::effects
