// Helpers of the fuzz targets.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "limpid/core/reader.hpp"
#include "limpid/core/vec.hpp"

namespace limpid::fuzz {

// What must hold, whatever the input. Stays on in every build.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

inline Bytes view(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }
inline MutableBytes view(Buffer& buffer) { return {buffer.data(), buffer.size()}; }

// FNV-1a: which of the dearer checks an input gets is decided by its hash, so that a rerun repeats it.
inline std::uint64_t hash_of(Bytes input) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Byte byte : input) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

// A copy of exactly the input's size, so that asan sees the first byte beyond it.
class Exact {
 public:
  explicit Exact(Bytes bytes) : memory_(static_cast<Byte*>(std::malloc(bytes.size() + 1))), size_(bytes.size()) {
    copy(bytes, {memory_ + 1, size_});
  }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  ~Exact() { std::free(memory_); }
  MutableBytes bytes() const { return {memory_ + 1, size_}; }

 private:
  Byte* memory_;  // the bytes end where the allocation ends
  std::size_t size_;
};

// An input that is what a peer sends and, behind a first pair of bytes FF FF, a script for the rest of the world.
struct Scripted {
  explicit Scripted(Bytes input)
      : sent(input.first(end_of_sent(input))), script(input.subspan(std::min(input.size(), end_of_sent(input) + 2))) {}

  Exact sent;
  Reader script;

 private:
  static std::size_t end_of_sent(Bytes input) {
    constexpr Byte separator[] = {0xff, 0xff};
    return static_cast<std::size_t>(std::search(input.begin(), input.end(), separator, separator + 2) - input.begin());
  }
};

}  // namespace limpid::fuzz
