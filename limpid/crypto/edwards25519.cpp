#include "limpid/crypto/edwards25519.hpp"

#include "limpid/crypto/edwards25519_formulas.hpp"
#include "limpid/crypto/scalar25519.hpp"
#include "limpid/crypto/sparse_digits.hpp"

namespace limpid::crypto::edwards25519 {
namespace {

using field25519::multiply, field25519::product, field25519::square, field25519::squared, field25519::from_limbs,
    field25519::to_limbs;

// 2^((p - 1) / 4), whose square is -1.
constexpr Element root_of_minus_one =
    from_limbs({0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b});

bool is_zero(const Element& a) { return mask_if_zero(to_limbs(a)) != 0; }

// a^((p - 5) / 8), whose exponent is 4 (2^250 - 1) + 1.
Element root_power(const Element& a) {
  Element power = a;  // a^(2^n - 1), where n is what of 250 is above `bit`
  const auto append = [&power](std::size_t n, const Element& ones) {
    Element shifted = squared(power);
    while (--n > 0) square(shifted, shifted);
    multiply(power, shifted, ones);
  };
  for (std::size_t bit = 7; bit-- > 0;) {
    append(250 >> (bit + 1), power);
    if ((250 >> bit & 1) != 0) append(1, a);
  }
  append(2, a);
  return power;
}

// The term that four bits stand for. Reads the whole row whatever they are.
Term look_up(const Limbs<4> (&row)[BaseTable::multiples][3], Limb four_bits) {
  using Pair = Limb __attribute__((vector_size(16)));
  constexpr std::size_t pairs = 6;
  const Limb negative = ~mask_from_bit(four_bits >> 3);
  const Limb index = (four_bits ^ negative) & 7;
  Pair all[pairs] = {};
  for (std::size_t i = 0; i < BaseTable::multiples; ++i) {
    const Limb mask = limpid::mask_if_zero(index ^ i);
#pragma GCC unroll 6
    for (std::size_t j = 0; j < pairs; ++j) {
      Pair pair;
      std::memcpy(&pair, &row[i][j / 2][j % 2 * 2], sizeof pair);
      all[j] |= pair & mask;
    }
  }
  Limbs<4> found[3];
  std::memcpy(found, all, sizeof found);
  Limbs<4> minus_product;
  crypto::subtract(minus_product, field25519::prime, found[2]);
  return {from_limbs(crypto::select(negative, found[1], found[0])),
          from_limbs(crypto::select(negative, found[0], found[1])),
          from_limbs(crypto::select(negative, minus_product, found[2]))};
}

// Adds what the bits at `at` and 32, 64 and 96 above it stand for, in both halves.
void add_column(Point& sum, const Limbs<4>& bits, std::size_t at) {
  constexpr Limb low_of_halves = 0x0000000100000001;
  for (std::size_t j = 0; j < BaseTable::rows; ++j) {
    const Limb low = bits[2 * j] >> at & low_of_halves, high = bits[2 * j + 1] >> at & low_of_halves;
    const Limb bits_0213 = low | high << 2;  // those of the halves 32 apart
    const bool last = j + 1 == BaseTable::rows;
    add(sum, look_up(base_table.term[j], (bits_0213 | bits_0213 >> 31) & 15), sum.z, last ? WithT::no : WithT::yes);
  }
}

}  // namespace

std::optional<Point> decode(std::span<const Byte, 32> encoded) {
  using namespace field25519;
  Limbs<4> number = from_little_endian<4>(encoded);
  const Limb sign = number[3] >> 63;
  number[3] ^= sign << 63;
  if (mask_if_less(number, prime) == 0) return std::nullopt;
  // x^2 = u / v for u = y^2 - 1 and v = d y^2 + 1; the candidate is u v^3 (u v^7)^((p - 5) / 8).
  const Element y = from_limbs(number), y2 = squared(y);
  const Element u = subtract(y2, one), v = field25519::add(product(y2, curve_d), one);
  const Element v2 = squared(v), uv3 = product(product(u, v), v2);
  Element x = product(uv3, root_power(product(uv3, squared(v2))));
  const Element found = product(squared(x), v);
  if (!is_zero(subtract(u, found))) {
    if (!is_zero(field25519::add(u, found))) return std::nullopt;
    multiply(x, x, root_of_minus_one);
  }
  Limbs<4> reduced = to_limbs(x);
  if (mask_if_zero(reduced) != 0 && sign != 0) return std::nullopt;
  if ((reduced[0] & 1) != sign) crypto::subtract(reduced, prime, reduced);
  x = from_limbs(reduced);
  return Point{x, y, one, product(x, y)};
}

void encode(const Point& point, std::span<Byte, 32> encoded) {
  const Element inverse = field25519::inverse(point.z);
  Limbs<4> number = to_limbs(product(point.y, inverse));
  number[3] |= to_limbs(product(point.x, inverse))[0] << 63;
  to_little_endian(number, encoded);
}

bool has_small_order(const Point& point) {
  Point multiple = point;
  twice(multiple, WithT::no);
  twice(multiple, WithT::no);
  return is_zero(multiple.x);  // neutral or (0, -1), whose double is
}

Point multiply_base(const Limbs<4>& scalar) {
  const Limbs<4> bits = scalar25519::signed_bits(scalar);
  Point sum = neutral;
  for (std::size_t at = BaseTable::spacing; at-- > 0;) {
    twice(sum, WithT::yes);
    add_column(sum, bits, at);
  }
  return sum;
}

Point difference(const Limbs<4>& a, const Limbs<4>& b, const Point& point) {
  constexpr std::size_t w = 5;
  struct Multiple {
    Term term;
    Element z;
  } odd[1 << (w - 2)];  // odd[i] is (2 i + 1) * point
  Point multiple = point;
  twice(multiple, WithT::yes);
  const Multiple twofold{to_term(multiple), multiple.z};
  multiple = point;
  for (Multiple& each : odd) {
    each = {to_term(multiple), multiple.z};
    add(multiple, twofold.term, product(multiple.z, twofold.z), WithT::yes);
  }
  const SparseDigits<4> digits(b, w);
  const Limbs<4> bits = scalar25519::signed_bits(a);
  Point sum = neutral;
  for (std::size_t at = 253; at-- > 0;) {  // above 2^252 by less than half of it, b has no digit at 2^253
    const int digit = digits.digit[at];
    const bool in_comb = at < BaseTable::spacing;
    twice(sum, digit != 0 || in_comb ? WithT::yes : WithT::no);
    if (digit != 0) {
      const Multiple& term = odd[(digit < 0 ? -digit : digit) / 2];
      add(sum, digit < 0 ? term.term : negate(term.term), product(sum.z, term.z), in_comb ? WithT::yes : WithT::no);
    }
    if (in_comb) add_column(sum, bits, at);
  }
  return sum;
}

}  // namespace limpid::crypto::edwards25519
