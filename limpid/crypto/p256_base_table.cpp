#include "limpid/crypto/p256_base_table.hpp"

#include "limpid/crypto/p256_formulas.hpp"

namespace limpid::crypto::p256 {
namespace {

// SP 800-186, section 3.2.1.3.
constexpr Number base_x{0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247};
constexpr Number base_y{0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b};

constexpr AffinePoint scaled(const Point& point, const Field& inverse_z) {
  const Field squared = square(inverse_z);
  return {multiply(point.x, squared), multiply(point.y, multiply(squared, inverse_z))};
}

constexpr BaseTable make_base_table() {
  constexpr std::size_t count = base_rows * base_multiples;
  Point points[count] = {};
  Point first = to_point({enter_field(base_x), enter_field(base_y)});
  for (std::size_t row = 0; row < base_rows; ++row) {
    Point* multiple = points + row * base_multiples;  // multiple[i] is (i + 1) * first
    multiple[0] = first;
    for (std::size_t i = 1; i < base_multiples; ++i) {
      multiple[i] = i % 2 == 1 ? twice(multiple[i / 2]) : add_different(multiple[i - 1], first);
    }
    first = multiple[base_multiples - 1];
    for (std::size_t i = 0; i < base_window + 1; ++i) first = twice(first);
  }
  // One inversion for all (Montgomery's trick): prefix[i] is the product of the first i denominators.
  Field prefix[count] = {field_one};
  for (std::size_t i = 1; i < count; ++i) prefix[i] = multiply(prefix[i - 1], points[i - 1].z);
  Field inverse = invert(multiply(prefix[count - 1], points[count - 1].z));
  BaseTable table{};
  for (std::size_t i = count; i-- > 0;) {
    table.row[i / base_multiples][i % base_multiples] = scaled(points[i], multiply(inverse, prefix[i]));
    inverse = multiply(inverse, points[i].z);
  }
  return table;
}

}  // namespace

constinit const BaseTable base_table = make_base_table();

}  // namespace limpid::crypto::p256
