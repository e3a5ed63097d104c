// Sums of points in Jacobian coordinates, over the field of any curve with a = -3, as a curve or a kernel computes in
// it. Doubling is complete. Addition is complete but for equal points: its callers see to it that the two differ, or,
// where all is public, ask first. Constant time.
#pragma once

#include "limpid/crypto/elliptic_curve.hpp"

namespace limpid::crypto {

template <class Field>
struct PointFormulas {
  [[no_unique_address]] Field field = {};

  using Number = typename Field::Number;
  using Point = crypto::Point<Number::size>;
  using AffinePoint = crypto::AffinePoint<Number::size>;

  static constexpr Point infinity{};

  constexpr Point to_point(const AffinePoint& a) const { return {a.x, a.y, field.modulo_prime.one()}; }

  constexpr Number negate(const Number& a) const { return field.subtract(Number{}, a); }

  static constexpr Point select(Limb mask, const Point& a, const Point& b) {
    return {crypto::select(mask, a.x, b.x), crypto::select(mask, a.y, b.y), crypto::select(mask, a.z, b.z)};
  }

  // The formulas "dbl-2001-b" of Bernstein and Lange's database, for a = -3. Infinity gives infinity, and as the order
  // is odd no other point has its double there.
  constexpr Point twice(const Point& a) const {
    const Number delta = field.square(a.z);
    const Number gamma = field.square(a.y);
    const Number beta = field.multiply(a.x, gamma);
    const Number alpha_third = field.multiply(field.subtract(a.x, delta), field.add(a.x, delta));
    const Number alpha = field.add(field.add(alpha_third, alpha_third), alpha_third);
    const Number beta2 = field.add(beta, beta);
    const Number beta4 = field.add(beta2, beta2);
    const Number gamma_squared2 = field.square(field.add(gamma, gamma));  // 4 gamma^2
    Point sum{};
    sum.x = field.subtract(field.square(alpha), field.add(beta4, beta4));
    sum.z = field.subtract(field.subtract(field.square(field.add(a.y, a.z)), gamma), delta);
    sum.y =
        field.subtract(field.multiply(alpha, field.subtract(beta4, sum.x)), field.add(gamma_squared2, gamma_squared2));
    return sum;
  }

  // a + b, unless a and b are the same point other than infinity.
  constexpr Point add_different(const Point& a, const Point& b) const {
    const Number z1_squared = field.square(a.z);
    const Number z2_squared = field.square(b.z);
    const Number u1 = field.multiply(a.x, z2_squared);
    const Number s1 = field.multiply(a.y, field.multiply(z2_squared, b.z));
    const Number h = field.subtract(field.multiply(b.x, z1_squared), u1);
    const Number r = field.subtract(field.multiply(b.y, field.multiply(z1_squared, a.z)), s1);
    const Point result = sum(u1, s1, h, r, field.multiply(a.z, b.z));
    return select(crypto::mask_if_zero(a.z), b, select(crypto::mask_if_zero(b.z), a, result));
  }

  // a + b, unless a and b are the same point.
  constexpr Point add_different(const Point& a, const AffinePoint& b) const {
    const Number z1_squared = field.square(a.z);
    const Number h = field.subtract(field.multiply(b.x, z1_squared), a.x);
    const Number r = field.subtract(field.multiply(b.y, field.multiply(z1_squared, a.z)), a.y);
    const Point result = sum(a.x, a.y, h, r, a.z);
    return select(crypto::mask_if_zero(a.z), to_point(b), result);
  }

 private:
  // What both additions share. With Z3 = Z1 Z2 H this is the sum of two points of different x; if they are negatives of
  // each other, H and so Z3 is zero, which is right as well; if they are equal, H and R are zero and the sum is wrong.
  constexpr Point sum(const Number& u1, const Number& s1, const Number& h, const Number& r, const Number& z) const {
    const Number h2 = field.square(h);
    const Number h3 = field.multiply(h2, h);
    const Number v = field.multiply(u1, h2);
    Point sum{};
    sum.x = field.subtract(field.subtract(field.square(r), h3), field.add(v, v));
    sum.y = field.subtract(field.multiply(r, field.subtract(v, sum.x)), field.multiply(s1, h3));
    sum.z = field.multiply(z, h);
    return sum;
  }
};

}  // namespace limpid::crypto
