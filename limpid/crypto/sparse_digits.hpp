// A public scalar in digits of which few are not zero.
#pragma once

#include "limpid/crypto/limbs.hpp"

namespace limpid::crypto {

// Digits, odd and below 2^(w-1) in magnitude or zero, at least w - 1 zeros after each other one: the w-NAF.
template <std::size_t N>
struct SparseDigits {
  static constexpr std::size_t size = 64 * N + 1;
  signed char digit[size] = {};

  SparseDigits(const Limbs<N>& scalar, std::size_t w) {
    Limb carry = 0;
    for (std::size_t at = 0; at < size;) {
      if ((bits(scalar, at, 1) ^ carry) == 0) {
        ++at;
        continue;
      }
      const Limb window = bits(scalar, at, w) + carry;  // odd
      carry = window >> (w - 1);
      digit[at] = static_cast<signed char>(static_cast<int>(window) - static_cast<int>(carry << w));
      at += w;
    }
  }
};

}  // namespace limpid::crypto
