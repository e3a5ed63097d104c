// Multiples of P-256's base point, affine and in Montgomery form, computed by the compiler: 44 KiB of constants.
#pragma once

#include "limpid/crypto/p256_point.hpp"

namespace limpid::crypto::p256 {

inline constexpr std::size_t base_window = 6;
inline constexpr std::size_t base_multiples = std::size_t{1} << (base_window - 1);
inline constexpr std::size_t base_rows = 22;

struct BaseTable {
  // row[j][i] is (i + 1) * 2^(12 j) * G.
  AffinePoint row[base_rows][base_multiples];
};

extern const BaseTable base_table;

}  // namespace limpid::crypto::p256
