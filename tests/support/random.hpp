// Repeatable random test data: splitmix64 over a fixed seed.
#pragma once

#include <cstdint>
#include <vector>

#include "limpid/core/bytes.hpp"

namespace limpid::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // 0 to bound - 1.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  std::vector<Byte> bytes(std::size_t size) {
    std::vector<Byte> result(size);
    for (Byte& byte : result) byte = static_cast<Byte>(next());
    return result;
  }

 private:
  std::uint64_t state_;
};

}  // namespace limpid::test
