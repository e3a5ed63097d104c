// Operations on secrets whose time and memory accesses do not depend on the secret's value.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid {

// Hides from the compiler what is known of `value`, so that it cannot turn a mask back into a branch.
template <class T>
constexpr T value_barrier(T value) {
  if (__builtin_is_constant_evaluated()) return value;
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
  // The checker must not lose track of the value, and it does in an asm: this goes through memory instead.
  volatile T hidden = value;
  return hidden;
#endif
#endif
  asm("" : "+r"(value));
  return value;
}

// All ones if the low bit of `bit` is set, otherwise zero.
constexpr std::uint64_t mask_from_bit(std::uint64_t bit) { return value_barrier(std::uint64_t{0} - (bit & 1)); }

// All ones if `value` is zero, otherwise zero.
constexpr std::uint64_t mask_if_zero(std::uint64_t value) { return mask_from_bit((~value & (value - 1)) >> 63); }

// `a` where `mask` is all ones, `b` where it is zero.
constexpr std::uint64_t select(std::uint64_t mask, std::uint64_t a, std::uint64_t b) { return b ^ (mask & (a ^ b)); }

// Content equality; only the lengths may show in the time taken.
inline bool constant_time_equal(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = value_barrier(difference | (a[i] ^ b[i]));
  return difference == 0;
}

// Makes public a bit into which secrets went: the low bit of `mask`. Whether a tag matched, whether a candidate was
// rejected: every place where an outcome of secret computations may show goes through here. It is a function of its own
// in a file of its own, so that the constant-time checks can put theirs in its place, which tells the checker to let
// this bit pass and nothing else; the objects that they check stay the shipped ones.
[[nodiscard]] bool declassify(std::uint64_t mask);
// The same for bytes that are published though secrets went into them: a public key, a signature. They stay what they
// are.
void declassify(MutableBytes bytes);

// Overwrites with zeros in a way that the compiler may not remove.
inline void wipe(MutableBytes bytes) {
  if (bytes.empty()) return;
  std::memset(bytes.data(), 0, bytes.size());
  asm volatile("" : : "r"(bytes.data()) : "memory");
}

}  // namespace limpid
