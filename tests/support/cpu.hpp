// Every choice of kernels that the CPU under the test can run, portable first.
#pragma once

#include <string>
#include <vector>

#include "limpid/core/cpu_features.hpp"

namespace limpid::test {

inline std::vector<CpuFeatures> cpu_paths() {
  std::vector<CpuFeatures> paths{portable_cpu};
  if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3")) {
    paths.push_back({.aes_pclmul = true});
  }
  return paths;
}

// The fastest of them.
inline CpuFeatures best_cpu() { return cpu_paths().back(); }

inline std::string name_of(CpuFeatures cpu) { return cpu.aes_pclmul ? "aes_pclmul" : "portable"; }

}  // namespace limpid::test
