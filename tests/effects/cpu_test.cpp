#include "limpid/effects/cpu.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace limpid::effects {
namespace {

// The kernel's list names only what it lets programs use.
std::set<std::string> flags_of_the_kernel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

TEST(Cpu, IsWhatTheKernelSays) {
  const std::set<std::string> flags = flags_of_the_kernel();
  if (flags.empty()) GTEST_SKIP() << "skipped: /proc/cpuinfo lists no flags";
  const auto all = [&](auto... names) { return (flags.contains(names) && ...); };
  const bool avx512 = all("avx512f", "avx512bw", "avx512dq", "avx512vl");
  const CpuFeatures found = cpu_features();
  EXPECT_EQ(found.aes_pclmul, all("aes", "pclmulqdq", "ssse3"));
  EXPECT_EQ(found.sha, all("sha_ni", "ssse3", "sse4_1"));
  EXPECT_EQ(found.bmi2_adx, all("bmi2", "adx"));
  EXPECT_EQ(found.avx512_ifma, avx512 && all("avx512ifma"));
  EXPECT_EQ(found.vaes_avx512, avx512 && all("vaes", "vpclmulqdq", "aes", "pclmulqdq"));
}

}  // namespace
}  // namespace limpid::effects
