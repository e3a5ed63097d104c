// A seeded choice: splitmix64. For simulation only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace limpid::sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::size_t up_to(std::size_t n) { return 1 + static_cast<std::size_t>(next() % n); }  // 1 to n
  bool chance(std::uint32_t in_a_million) { return next() % 1'000'000 < in_a_million; }

 private:
  std::uint64_t state_;
};

}  // namespace limpid::sim
