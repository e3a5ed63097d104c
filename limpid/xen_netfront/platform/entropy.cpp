#include "limpid/xen_netfront/platform/entropy.hpp"

#include "limpid/xen_netfront/platform/cpuid.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::xen_netfront::platform {
namespace {

bool read_seed(std::uint64_t& value) {
  bool good;
  asm volatile("rdseed %0" : "=r"(value), "=@ccc"(good));
  return good;
}

bool read_random(std::uint64_t& value) {
  bool good;
  asm volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
  return good;
}

}  // namespace

std::uint64_t hardware_random() {
  const bool has_seed = cpuid(0).eax >= 7 && bit(cpuid(7).ebx, 18);
  const bool has_random = bit(cpuid(1).ecx, 30);
  std::uint64_t value = 0;
  // RDSEED may run dry when asked quickly; RDRAND practically never does (Intel's guide: ten tries).
  for (int attempt = 0; has_seed && attempt < 1000; ++attempt) {
    if (read_seed(value)) return value;
    asm volatile("pause");
  }
  for (int attempt = 0; has_random && attempt < 10; ++attempt) {
    if (read_random(value)) return value;
  }
  panic("no entropy: the CPU offers neither RDSEED nor RDRAND; choose another CPU model");
}

std::array<Byte, 32> fresh_entropy() {
  std::array<Byte, 32> entropy;
  for (std::size_t at = 0; at < entropy.size(); at += 8) {
    const std::uint64_t value = hardware_random();
    std::memcpy(entropy.data() + at, &value, sizeof value);
  }
  return entropy;
}

}  // namespace limpid::xen_netfront::platform
