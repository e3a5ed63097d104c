#include "limpid/crypto/elliptic_curve.hpp"

#include "limpid/crypto/base_table.hpp"
#include "limpid/crypto/point_formulas.hpp"
#include "limpid/crypto/sparse_digits.hpp"
#if defined(__x86_64__)
#include "limpid/crypto/x86/p256_field.hpp"
#endif

namespace limpid::crypto {
namespace {

// A digit of a scalar in signed windows: the sum of digit(i) 2^(w i) is the scalar, and magnitude <= 2^(w-1).
struct Digit {
  Limb magnitude;
  Limb negative;  // all ones if it is

  // Digit i looks at its own w bits and the one below (A. D. Booth, 1951).
  template <std::size_t N>
  Digit(const Limbs<N>& scalar, std::size_t i, std::size_t w) {
    const Limb window = i == 0 ? bits(scalar, 0, w) << 1 : bits(scalar, w * i - 1, w + 1);
    negative = mask_from_bit(window >> w);
    const Limb rounded = (window + 1) >> 1;
    magnitude = limpid::select(negative, (Limb{1} << w) - rounded, rounded);
  }
};

// table[magnitude - 1], or zeros for magnitude 0. Reads the whole table whatever the magnitude is.
// (Not inlined: there g++ makes less of it.)
template <class T, std::size_t Size>
[[gnu::noinline]] T look_up(const T (&table)[Size], Limb magnitude) {
  T found{};
  for (std::size_t i = 0; i < Size; ++i) {
    const Limb mask = limpid::mask_if_zero(magnitude ^ (i + 1));
    const auto keep = [mask](auto& to, const auto& from) {
      for (std::size_t j = 0; j < from.size; ++j) to[j] |= from[j] & mask;
    };
    keep(found.x, table[i].x);
    keep(found.y, table[i].y);
    if constexpr (requires { found.z; }) keep(found.z, table[i].z);
  }
  return found;
}

// The arithmetic of the curve's field: its own, or that of the fastest kernel that the CPU has.
template <class Curve>
struct FieldOf : Curve {
  explicit constexpr FieldOf(CpuFeatures) {}
};

#if defined(__x86_64__)
// Called through pointers, which takes little beside what they do: one copy of all that is above them serves both.
template <>
struct FieldOf<P256> : P256 {
  Number (*multiply)(const Number&, const Number&) = P256::multiply;
  Number (*square)(const Number&) = P256::square;

  explicit FieldOf(CpuFeatures cpu) {
    if (!cpu.bmi2_adx) return;
    multiply = x86::P256Field::multiply;
    square = x86::P256Field::square;
  }
};
#endif

// Multiples of points of a curve.
template <class Curve>
struct Multiples : PointFormulas<FieldOf<Curve>> {
  using Formulas = PointFormulas<FieldOf<Curve>>;
  using Formulas::infinity, Formulas::twice, Formulas::add_different, Formulas::select, Formulas::negate,
      Formulas::to_point, Formulas::field;
  using typename Formulas::AffinePoint;
  using typename Formulas::Number;
  using typename Formulas::Point;
  using Table = BaseTable<Curve>;

  explicit Multiples(CpuFeatures cpu) : Formulas{FieldOf<Curve>(cpu)} {}

  void add_digit(Point& sum, const AffinePoint (&row)[Table::multiples], Digit digit) const {
    AffinePoint term = look_up(row, digit.magnitude);
    term.y = crypto::select(digit.negative, negate(term.y), term.y);
    sum = select(limpid::mask_if_zero(digit.magnitude), sum, add_different(sum, term));
  }

  // The comb of the base table: first the digits whose index leaves the largest remainder, then, 2^window times larger,
  // those of the next, and last those whose index is a multiple of `comb`; so rows serve several digits for the price
  // of a few doublings.
  //
  // A partial sum never equals the term added to it, which add_different could not handle. Both are sums of different
  // digits, d_j 2^(w (j - r)) with |d_j| <= 2^(w-1), where r is the remainder, so their difference is not zero: its
  // lowest digit that is not zero is not divisible by 2^w. Nor is it a multiple of n: let L be the bits of a Number.
  // All digits but the last add up to less than 0.54 * 2^L, less than n; the last one is not negative and comes last.
  // So the difference would have to be -n, and the last term, which is 2^(L-1) or 2^L for P-256 and 2^L for P-384, 2^L,
  // as the others do not reach from the other one to n. But the scalar exceeds the difference by twice that term, and
  // 2^(L+1) - n is above n.
  Point multiply_base(const Number& scalar) const {
    constexpr std::size_t w = Table::window, comb = Table::comb, last = Table::digits - 1;
    static_assert(last % comb == 0);
    Point sum = infinity;
    for (std::size_t remainder = comb; remainder-- > 0;) {
      for (std::size_t i = remainder; i <= last; i += comb) {
        add_digit(sum, base_table<Curve>().row[i / comb], Digit(scalar, i, w));
      }
      for (std::size_t i = 0; remainder > 0 && i < w; ++i) sum = twice(sum);
    }
    return sum;
  }

  // Fixed signed windows of five bits from the top.
  //
  // A partial sum never equals the term added to it: they are 32 m and d times the point with 0 < |d| <= 16, so 32 m -
  // d is not zero; and as 32 m + d is below n, being the scalar or a 32nd of it and less, the only multiple of n that
  // 32 m - d could reach is n itself, for a negative d. But then d is -n modulo 32: 15 for P-256 and 13 for P-384.
  Point multiply(const AffinePoint& point, const Number& scalar) const {
    static_assert((-Curve::order[0] & 31) < 16);
    Point table[16];
    table[0] = to_point(point);
    for (std::size_t i = 1; i < 16; ++i) {
      table[i] = i % 2 == 1 ? twice(table[i / 2]) : add_different(table[i - 1], point);
    }
    Point sum = infinity;
    for (std::size_t i = 64 * Number::size / 5 + 1; i-- > 0;) {
      for (int j = 0; j < 5; ++j) sum = twice(sum);
      const Digit digit(scalar, i, 5);
      Point term = look_up(table, digit.magnitude);  // infinity for 0
      term.y = crypto::select(digit.negative, negate(term.y), term.y);
      sum = add_different(sum, term);
    }
    return sum;
  }

  template <class Term>
  void add_variable_time(Point& sum, Term term, bool negative) const {
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
    const auto y_times_cube = [this](const Point& a, const Number& z) {
      return field.multiply(a.y, field.multiply(field.square(z), z));
    };
    const bool vanished = mask_if_zero(result.z) != 0;
    if (vanished && mask_if_equal(y_times_cube(sum, other.z), y_times_cube(other, sum.z)) != 0) {
      sum = twice(other);
    } else {
      sum = result;
    }
  }

  Point multiply_two(const Number& a, const AffinePoint& point, const Number& b) const {
    // For G the odd multiples from the first row of its table, for the point those up to 15.
    const SparseDigits<Number::size> base_digits(a, Table::window), point_digits(b, 5);
    const Point two = twice(to_point(point));
    Point odd[8];
    odd[0] = to_point(point);
    for (std::size_t i = 1; i < 8; ++i) odd[i] = add_different(two, odd[i - 1]);
    Point sum = infinity;
    for (std::size_t i = base_digits.size; i-- > 0;) {
      sum = twice(sum);
      if (const int d = point_digits.digit[i]; d != 0) add_variable_time(sum, odd[(d < 0 ? -d : d) / 2], d < 0);
      if (const int d = base_digits.digit[i]; d != 0) {
        add_variable_time(sum, base_table<Curve>().row[0][(d < 0 ? -d : d) - 1], d < 0);
      }
    }
    return sum;
  }
};

template <class Curve>
bool is_on_curve(const AffinePointOf<Curve>& a) {
  static constexpr auto b = Curve::modulo_prime.enter(Curve::curve_b);
  const auto three_x = Curve::add(Curve::add(a.x, a.x), a.x);
  const auto right = Curve::add(Curve::subtract(Curve::multiply(Curve::square(a.x), a.x), three_x), b);
  return mask_if_equal(Curve::square(a.y), right) != 0;
}

}  // namespace

template <class Curve>
std::optional<AffinePointOf<Curve>> decode_point(Bytes encoded) {
  constexpr std::size_t size = scalar_size<Curve>, limbs = Curve::Number::size;
  if (encoded.size() != point_size<Curve> || encoded[0] != 4) return std::nullopt;
  const auto x = from_big_endian<limbs>(encoded.subspan(1).first<size>());
  const auto y = from_big_endian<limbs>(encoded.last<size>());
  if (mask_if_less(x, Curve::prime) == 0 || mask_if_less(y, Curve::prime) == 0) return std::nullopt;
  const AffinePointOf<Curve> point{Curve::modulo_prime.enter(x), Curve::modulo_prime.enter(y)};
  if (!is_on_curve<Curve>(point)) return std::nullopt;
  return point;
}

template <class Curve>
void encode_point(const AffinePointOf<Curve>& point, std::span<Byte, point_size<Curve>> encoded) {
  constexpr std::size_t size = scalar_size<Curve>;
  encoded[0] = 4;
  to_big_endian(Curve::modulo_prime.leave(point.x), encoded.template subspan<1, size>());
  to_big_endian(Curve::modulo_prime.leave(point.y), encoded.template last<size>());
}

template <class Curve>
AffinePointOf<Curve> to_affine(const PointOf<Curve>& point) {
  const auto inverse = Curve::modulo_prime.inverse(point.z);
  const auto squared = Curve::square(inverse);
  return {Curve::multiply(point.x, squared), Curve::multiply(point.y, Curve::multiply(squared, inverse))};
}

template <class Curve>
PointOf<Curve> multiply_base(const typename Curve::Number& scalar, CpuFeatures cpu) {
  return Multiples<Curve>(cpu).multiply_base(scalar);
}

template <class Curve>
PointOf<Curve> multiply_point(const AffinePointOf<Curve>& point, const typename Curve::Number& scalar,
                              CpuFeatures cpu) {
  return Multiples<Curve>(cpu).multiply(point, scalar);
}

template <class Curve>
PointOf<Curve> multiply_two(const typename Curve::Number& a, const AffinePointOf<Curve>& point,
                            const typename Curve::Number& b, CpuFeatures cpu) {
  return Multiples<Curve>(cpu).multiply_two(a, point, b);
}

template std::optional<AffinePoint<4>> decode_point<P256>(Bytes);
template void encode_point<P256>(const AffinePoint<4>&, std::span<Byte, 65>);
template AffinePoint<4> to_affine<P256>(const Point<4>&);
template Point<4> multiply_base<P256>(const Limbs<4>&, CpuFeatures);
template Point<4> multiply_point<P256>(const AffinePoint<4>&, const Limbs<4>&, CpuFeatures);
template Point<4> multiply_two<P256>(const Limbs<4>&, const AffinePoint<4>&, const Limbs<4>&, CpuFeatures);
template std::optional<AffinePoint<6>> decode_point<P384>(Bytes);
template void encode_point<P384>(const AffinePoint<6>&, std::span<Byte, 97>);
template AffinePoint<6> to_affine<P384>(const Point<6>&);
template Point<6> multiply_base<P384>(const Limbs<6>&, CpuFeatures);
template Point<6> multiply_point<P384>(const AffinePoint<6>&, const Limbs<6>&, CpuFeatures);
template Point<6> multiply_two<P384>(const Limbs<6>&, const AffinePoint<6>&, const Limbs<6>&, CpuFeatures);

}  // namespace limpid::crypto
