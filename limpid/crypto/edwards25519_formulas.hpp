// Sums of points of the curve of Ed25519, in constant time, and the table of multiples of its base point.
#pragma once

#include "limpid/crypto/edwards25519.hpp"

namespace limpid::crypto::edwards25519 {

using field25519::Element;

// d = -121665 / 121666, and twice that.
inline constexpr Element curve_d =
    field25519::from_limbs({0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73});
inline constexpr Element twice_d = field25519::from_limbs(field25519::to_limbs(field25519::add(curve_d, curve_d)));

inline constexpr Point neutral{field25519::zero, field25519::one, field25519::one, field25519::zero};

// A point as the second of a sum: y + x, y - x and 2 d x y, each times its Z.
struct Term {
  Element sum, difference, product;
};

constexpr Term to_term(const Point& a) {
  return {field25519::add(a.y, a.x), field25519::subtract(a.y, a.x), field25519::product(a.t, twice_d)};
}

constexpr Term negate(const Term& a) { return {a.difference, a.sum, field25519::negate(a.product)}; }

// Whether a sum's T is wanted, which costs a multiplication; where it is not, it is left as it was.
enum class WithT : bool { no, yes };

// The sums from E, F, G, H of the formulas below.
constexpr void set(Point& sum, const Element& e, const Element& f, const Element& g, const Element& h, WithT with_t) {
  using field25519::multiply;
  multiply(sum.x, e, f);
  multiply(sum.y, g, h);
  multiply(sum.z, f, g);
  if (with_t == WithT::yes) multiply(sum.t, e, h);
}

// The two sums are templates of which edwards25519_formulas.cpp has the only instance, built for speed.
//
// point += point: "dbl-2008-hwcd" of Bernstein and Lange's database, for a = -1, with F and H negated.
template <class P>
[[gnu::noinline]] constexpr void twice(P& point, WithT with_t) {
  using namespace field25519;
  const Element a = squared(point.x), b = squared(point.y), z_squared = squared(point.z);
  const Element g = subtract(b, a), h = add(a, b);
  const Element f = subtract(add(add(z_squared, z_squared), a), b);
  const Element e = subtract(squared(add(point.x, point.y)), h);
  set(point, e, f, g, h, with_t);
}

// point += term: "add-2008-hwcd-3". `z` is the product of the two Z.
template <class P>
[[gnu::noinline]] constexpr void add(P& point, const Term& term, const Element& z, WithT with_t) {
  using namespace field25519;
  const Element a = product(subtract(point.y, point.x), term.difference);
  const Element b = product(add(point.y, point.x), term.sum);
  const Element c = product(point.t, term.product);
  const Element d = add(z, z);
  set(point, subtract(b, a), subtract(d, c), add(d, c), add(b, a), with_t);
}

extern template void twice(Point&, WithT);
extern template void add(Point&, const Term&, const Element&, WithT);

// A comb: the bits of a scalar, each standing for 1 or -1, are taken four at a time, 32 apart, for each half of the
// scalar. So two additions and a doubling do for 8 bits.
struct BaseTable {
  static constexpr std::size_t rows = 2, teeth = 4, spacing = 32;
  static constexpr std::size_t multiples = std::size_t{1} << (teeth - 1);

  // What term[j][i] is made of, reduced, with Z = 1: of 2^(128 j) (2^96 +- 2^64 +- 2^32 +- 1) B, where the signs are
  // those of bits 2, 1 and 0 of i, a one for plus. Sums with -2^96 are the negatives of these.
  Limbs<4> term[rows][multiples][3];
};

// In a file of its own, since it takes a compiler its time.
extern const BaseTable base_table;

}  // namespace limpid::crypto::edwards25519
