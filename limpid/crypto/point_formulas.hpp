// Sums of points in Jacobian coordinates, over the field of any curve with a = -3. Doubling is complete. Addition is
// complete but for equal points: its callers see to it that the two differ, or, where all is public, ask first.
// Constant time.
#pragma once

#include "limpid/crypto/elliptic_curve.hpp"

namespace limpid::crypto {

template <class Field>
struct PointFormulas {
  using Number = typename Field::Number;
  using Point = crypto::Point<Number::size>;
  using AffinePoint = crypto::AffinePoint<Number::size>;

  static constexpr Point infinity{};

  static constexpr Point to_point(const AffinePoint& a) { return {a.x, a.y, Field::modulo_prime.one()}; }

  static constexpr Number negate(const Number& a) { return Field::subtract(Number{}, a); }

  static constexpr Point select(Limb mask, const Point& a, const Point& b) {
    return {crypto::select(mask, a.x, b.x), crypto::select(mask, a.y, b.y), crypto::select(mask, a.z, b.z)};
  }

  // The formulas "dbl-2001-b" of Bernstein and Lange's database, for a = -3. Infinity gives infinity, and as the order
  // is odd no other point has its double there.
  static constexpr Point twice(const Point& a) {
    const Number delta = Field::square(a.z);
    const Number gamma = Field::square(a.y);
    const Number beta = Field::multiply(a.x, gamma);
    const Number alpha_third = Field::multiply(Field::subtract(a.x, delta), Field::add(a.x, delta));
    const Number alpha = Field::add(Field::add(alpha_third, alpha_third), alpha_third);
    const Number beta2 = Field::add(beta, beta);
    const Number beta4 = Field::add(beta2, beta2);
    const Number gamma_squared2 = Field::square(Field::add(gamma, gamma));  // 4 gamma^2
    Point sum{};
    sum.x = Field::subtract(Field::square(alpha), Field::add(beta4, beta4));
    sum.z = Field::subtract(Field::subtract(Field::square(Field::add(a.y, a.z)), gamma), delta);
    sum.y = Field::subtract(Field::multiply(alpha, Field::subtract(beta4, sum.x)),
                            Field::add(gamma_squared2, gamma_squared2));
    return sum;
  }

  // a + b, unless a and b are the same point other than infinity.
  static constexpr Point add_different(const Point& a, const Point& b) {
    const Number z1_squared = Field::square(a.z);
    const Number z2_squared = Field::square(b.z);
    const Number u1 = Field::multiply(a.x, z2_squared);
    const Number s1 = Field::multiply(a.y, Field::multiply(z2_squared, b.z));
    const Number h = Field::subtract(Field::multiply(b.x, z1_squared), u1);
    const Number r = Field::subtract(Field::multiply(b.y, Field::multiply(z1_squared, a.z)), s1);
    const Point result = sum(u1, s1, h, r, Field::multiply(a.z, b.z));
    return select(crypto::mask_if_zero(a.z), b, select(crypto::mask_if_zero(b.z), a, result));
  }

  // a + b, unless a and b are the same point.
  static constexpr Point add_different(const Point& a, const AffinePoint& b) {
    const Number z1_squared = Field::square(a.z);
    const Number h = Field::subtract(Field::multiply(b.x, z1_squared), a.x);
    const Number r = Field::subtract(Field::multiply(b.y, Field::multiply(z1_squared, a.z)), a.y);
    const Point result = sum(a.x, a.y, h, r, a.z);
    return select(crypto::mask_if_zero(a.z), to_point(b), result);
  }

 private:
  // What both additions share. With Z3 = Z1 Z2 H this is the sum of two points of different x; if they are negatives of
  // each other, H and so Z3 is zero, which is right as well; if they are equal, H and R are zero and the sum is wrong.
  static constexpr Point sum(const Number& u1, const Number& s1, const Number& h, const Number& r, const Number& z) {
    const Number h2 = Field::square(h);
    const Number h3 = Field::multiply(h2, h);
    const Number v = Field::multiply(u1, h2);
    Point sum{};
    sum.x = Field::subtract(Field::subtract(Field::square(r), h3), Field::add(v, v));
    sum.y = Field::subtract(Field::multiply(r, Field::subtract(v, sum.x)), Field::multiply(s1, h3));
    sum.z = Field::multiply(z, h);
    return sum;
  }
};

}  // namespace limpid::crypto
