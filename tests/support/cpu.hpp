// Every choice of kernels that the CPU under the test can run, portable first.
#pragma once

#include <string>
#include <vector>

#include "limpid/core/cpu_features.hpp"

namespace limpid::test {

// Each has the kernels of the one before it and one bit more.
inline std::vector<CpuFeatures> cpu_paths() {
  std::vector<CpuFeatures> paths{portable_cpu};
  const auto add = [&](bool CpuFeatures::* bit) {
    CpuFeatures more = paths.back();
    more.*bit = true;
    paths.push_back(more);
  };
  const bool aes_pclmul =
      __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (aes_pclmul) add(&CpuFeatures::aes_pclmul);
  if (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1")) add(&CpuFeatures::sha);
  if (__builtin_cpu_supports("bmi2") && __builtin_cpu_supports("adx")) add(&CpuFeatures::bmi2_adx);
  if (avx512 && __builtin_cpu_supports("avx512ifma")) add(&CpuFeatures::avx512_ifma);
  if (avx512 && aes_pclmul && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq")) {
    add(&CpuFeatures::vaes_avx512);
  }
  return paths;
}

// The fastest of them.
inline CpuFeatures best_cpu() { return cpu_paths().back(); }

inline std::string name_of(CpuFeatures cpu) {
  std::string name = "portable";
  if (cpu.aes_pclmul) name += "+aes_pclmul";
  if (cpu.sha) name += "+sha";
  if (cpu.bmi2_adx) name += "+bmi2_adx";
  if (cpu.avx512_ifma) name += "+avx512_ifma";
  if (cpu.vaes_avx512) name += "+vaes_avx512";
  return name;
}

}  // namespace limpid::test
