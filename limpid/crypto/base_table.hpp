// Multiples of a curve's base point, affine and in Montgomery form, computed by the compiler: 18 KiB of constants for
// P-256 and 10 KiB for P-384.
#pragma once

#include "limpid/crypto/point_formulas.hpp"

namespace limpid::crypto {

template <class Curve>
struct BaseTable {
  static constexpr std::size_t window = Curve::base_window;
  static constexpr std::size_t multiples = std::size_t{1} << (window - 1);
  static constexpr std::size_t digits = 64 * Curve::Number::size / window + 1;
  static constexpr std::size_t comb = Curve::base_comb;
  static constexpr std::size_t rows = (digits - 1) / comb + 1;

  // row[j][i] is (i + 1) * 2^(comb window j) * G.
  AffinePointOf<Curve> row[rows][multiples];

  static constexpr BaseTable make();
};

// In files of their own, since they take a compiler seconds.
extern const BaseTable<P256> p256_base_table;
extern const BaseTable<P384> p384_base_table;

template <class Curve>
const BaseTable<Curve>& base_table() {
  if constexpr (std::same_as<Curve, P256>) {
    return p256_base_table;
  } else {
    return p384_base_table;
  }
}

template <class Curve>
constexpr BaseTable<Curve> BaseTable<Curve>::make() {
  constexpr PointFormulas<Curve> formulas;
  using Number = typename Curve::Number;
  constexpr std::size_t count = rows * multiples;
  const auto& field = Curve::modulo_prime;
  PointOf<Curve> points[count] = {};
  PointOf<Curve> first = formulas.to_point({field.enter(Curve::base_x), field.enter(Curve::base_y)});
  for (std::size_t row = 0; row < rows; ++row) {
    PointOf<Curve>* multiple = points + row * multiples;  // multiple[i] is (i + 1) * first
    multiple[0] = first;
    for (std::size_t i = 1; i < multiples; ++i) {
      multiple[i] = i % 2 == 1 ? formulas.twice(multiple[i / 2]) : formulas.add_different(multiple[i - 1], first);
    }
    first = multiple[multiples - 1];
    for (std::size_t i = 0; i < (comb - 1) * window + 1; ++i) first = formulas.twice(first);
  }
  // One inversion for all (Montgomery's trick): prefix[i] is the product of the first i denominators.
  Number prefix[count] = {field.one()};
  for (std::size_t i = 1; i < count; ++i) prefix[i] = Curve::multiply(prefix[i - 1], points[i - 1].z);
  Number inverse = field.inverse(Curve::multiply(prefix[count - 1], points[count - 1].z));
  BaseTable table{};
  for (std::size_t i = count; i-- > 0;) {
    const Number inverse_z = Curve::multiply(inverse, prefix[i]);
    const Number squared = Curve::square(inverse_z);
    table.row[i / multiples][i % multiples] = {Curve::multiply(points[i].x, squared),
                                               Curve::multiply(points[i].y, Curve::multiply(squared, inverse_z))};
    inverse = Curve::multiply(inverse, points[i].z);
  }
  return table;
}

}  // namespace limpid::crypto
