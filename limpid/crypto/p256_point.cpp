#include "limpid/crypto/p256_point.hpp"

#include "limpid/crypto/p256_base_table.hpp"
#include "limpid/crypto/p256_formulas.hpp"

namespace limpid::crypto::p256 {
namespace {

// SP 800-186, section 3.2.1.3.
constexpr Field curve_b = enter_field({0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7});

bool is_on_curve(const AffinePoint& a) {
  const Field three_x = add(add(a.x, a.x), a.x);
  const Field right = add(subtract(multiply(square(a.x), a.x), three_x), curve_b);
  return crypto::mask_if_equal(square(a.y), right) != 0;
}

// A digit of a scalar in signed windows: the sum of digit(i) 2^(w i) is the scalar, and magnitude <= 2^(w-1).
struct Digit {
  Limb magnitude;
  Limb negative;  // all ones if it is

  // Digit i looks at its own w bits and the one below (A. D. Booth, 1951).
  Digit(const Number& scalar, std::size_t i, std::size_t w) {
    const Limb window = i == 0 ? bits(scalar, 0, w) << 1 : bits(scalar, w * i - 1, w + 1);
    negative = mask_from_bit(window >> w);
    const Limb rounded = (window + 1) >> 1;
    magnitude = limpid::select(negative, (Limb{1} << w) - rounded, rounded);
  }
};

// table[magnitude - 1], or zeros for magnitude 0. Reads the whole table whatever the magnitude is.
template <class T, std::size_t Size>
T look_up(const T (&table)[Size], Limb magnitude) {
  static_assert(sizeof(T) % sizeof(Field) == 0);
  T found{};
  for (std::size_t i = 0; i < Size; ++i) {
    const Limb mask = limpid::mask_if_zero(magnitude ^ (i + 1));
    const auto keep = [mask](Field& to, const Field& from) {
      for (std::size_t j = 0; j < 4; ++j) to[j] |= from[j] & mask;
    };
    keep(found.x, table[i].x);
    keep(found.y, table[i].y);
    if constexpr (requires { found.z; }) keep(found.z, table[i].z);
  }
  return found;
}

void add_digit(Point& sum, const AffinePoint (&row)[base_multiples], Digit digit) {
  AffinePoint term = look_up(row, digit.magnitude);
  term.y = crypto::select(digit.negative, negate(term.y), term.y);
  sum = select(limpid::mask_if_zero(digit.magnitude), sum, add_different(sum, term));
}

}  // namespace

std::optional<AffinePoint> decode(Bytes encoded) {
  if (encoded.size() != 65 || encoded[0] != 4) return std::nullopt;
  const Number x = from_big_endian<4>(encoded.subspan(1).first<32>());
  const Number y = from_big_endian<4>(encoded.subspan(33).first<32>());
  if (mask_if_less(x, prime) == 0 || mask_if_less(y, prime) == 0) return std::nullopt;
  const AffinePoint point{enter_field(x), enter_field(y)};
  if (!is_on_curve(point)) return std::nullopt;
  return point;
}

void encode(const AffinePoint& point, std::span<Byte, 65> encoded) {
  encoded[0] = 4;
  to_big_endian(leave_field(point.x), encoded.subspan<1, 32>());
  to_big_endian(leave_field(point.y), encoded.subspan<33, 32>());
}

AffinePoint to_affine(const Point& point) {
  const Field inverse = invert(point.z);
  const Field squared = square(inverse);
  return {multiply(point.x, squared), multiply(point.y, multiply(squared, inverse))};
}

// The comb of the base table: first the digits of odd index, 64 times too small, then those of even index.
//
// A partial sum never equals the term added to it, which add_different could not handle. It is a sum of other digits,
// d_j 64^j with |d_j| <= 32, and a difference of two such numbers is not zero: its lowest digit that is not zero is not
// divisible by 64. Nor is it a multiple of n: only digit 42, at most 16, gets beyond 2^252, so the difference would
// have to be -n, and the scalar, which exceeds it by twice that digit's term, 2^257 - n. That is above n.
Point multiply_base(const Number& scalar) {
  Point sum = infinity;
  for (std::size_t i = 1; i < 43; i += 2) add_digit(sum, base_table.row[i / 2], Digit(scalar, i, base_window));
  for (std::size_t i = 0; i < base_window; ++i) sum = twice(sum);
  for (std::size_t i = 0; i < 43; i += 2) add_digit(sum, base_table.row[i / 2], Digit(scalar, i, base_window));
  return sum;
}

// Fixed signed windows of five bits from the top.
//
// A partial sum never equals the term added to it: they are 32 m and d times the point with 0 < |d| <= 16, so 32 m - d
// is not zero; and as 32 m + d is below n, being the scalar or a 32nd of it and less, the only multiple of n that
// 32 m - d could reach is n itself. But n is 17 modulo 32.
Point multiply(const AffinePoint& point, const Number& scalar) {
  Point table[16];
  table[0] = to_point(point);
  for (std::size_t i = 1; i < 16; ++i) table[i] = i % 2 == 1 ? twice(table[i / 2]) : add_different(table[i - 1], point);
  Point sum = infinity;
  for (std::size_t i = 52; i-- > 0;) {
    for (int j = 0; j < 5; ++j) sum = twice(sum);
    const Digit digit(scalar, i, 5);
    Point term = look_up(table, digit.magnitude);  // infinity for 0
    term.y = crypto::select(digit.negative, negate(term.y), term.y);
    sum = add_different(sum, term);
  }
  return sum;
}

namespace {

// Digits, odd and below 2^(w-1) in magnitude or zero, at least w - 1 zeros after each other one: the w-NAF.
struct SparseDigits {
  signed char digit[257] = {};

  SparseDigits(const Number& scalar, std::size_t w) {
    Limb carry = 0;
    for (std::size_t at = 0; at < 257;) {
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

template <class Term>
void add_variable_time(Point& sum, Term term, bool negative) {
  if (negative) term.y = negate(term.y);
  const Point other = [&] {
    if constexpr (requires { term.z; }) {
      return term;
    } else {
      return to_point(term);
    }
  }();
  // The terms are public, so the one case that add_different leaves out can be asked for: H and R zero.
  const Point result = add_different(sum, term);
  const bool vanished = crypto::mask_if_zero(result.z) != 0;
  if (vanished && crypto::mask_if_equal(multiply(sum.y, multiply(square(other.z), other.z)),
                                        multiply(other.y, multiply(square(sum.z), sum.z))) != 0) {
    sum = twice(other);
  } else {
    sum = result;
  }
}

}  // namespace

Point multiply_two(const Number& a, const AffinePoint& point, const Number& b) {
  // For G the odd multiples up to 31 from the first row of its table; for the point those up to 15.
  const SparseDigits base_digits(a, base_window);
  const SparseDigits point_digits(b, 5);
  const Point two = twice(to_point(point));
  Point odd[8];
  odd[0] = to_point(point);
  for (std::size_t i = 1; i < 8; ++i) odd[i] = add_different(two, odd[i - 1]);
  Point sum = infinity;
  for (std::size_t i = 257; i-- > 0;) {
    sum = twice(sum);
    if (const int d = point_digits.digit[i]; d != 0) add_variable_time(sum, odd[(d < 0 ? -d : d) / 2], d < 0);
    if (const int d = base_digits.digit[i]; d != 0) {
      add_variable_time(sum, base_table.row[0][(d < 0 ? -d : d) - 1], d < 0);
    }
  }
  return sum;
}

}  // namespace limpid::crypto::p256
