#include "limpid/effects/cpu.hpp"

namespace limpid::effects {

CpuFeatures cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.aes_pclmul =
      __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3");
#endif
  return features;
}

}  // namespace limpid::effects
