// Sums of points of P-256 in Jacobian coordinates. Doubling is complete. Addition is complete but for equal points: its
// callers see to it that the two differ, or, where all is public, ask first. Constant time.
#pragma once

#include "limpid/crypto/p256_point.hpp"

namespace limpid::crypto::p256 {

inline constexpr Point infinity{};

constexpr Point to_point(const AffinePoint& a) { return {a.x, a.y, field_one}; }

constexpr Point select(Limb mask, const Point& a, const Point& b) {
  return {crypto::select(mask, a.x, b.x), crypto::select(mask, a.y, b.y), crypto::select(mask, a.z, b.z)};
}

// The formulas "dbl-2001-b" of Bernstein and Lange's database, for a = -3. Infinity gives infinity, and as the order is
// odd no other point has its double there.
constexpr Point twice(const Point& a) {
  const Field delta = square(a.z);
  const Field gamma = square(a.y);
  const Field beta = multiply(a.x, gamma);
  const Field alpha_third = multiply(subtract(a.x, delta), add(a.x, delta));
  const Field alpha = add(add(alpha_third, alpha_third), alpha_third);
  const Field beta2 = add(beta, beta);
  const Field beta4 = add(beta2, beta2);
  const Field gamma_squared2 = square(add(gamma, gamma));  // 4 gamma^2
  Point sum{};
  sum.x = subtract(square(alpha), add(beta4, beta4));
  sum.z = subtract(subtract(square(add(a.y, a.z)), gamma), delta);
  sum.y = subtract(multiply(alpha, subtract(beta4, sum.x)), add(gamma_squared2, gamma_squared2));
  return sum;
}

namespace formulas {

// What both additions share. With Z3 = Z1 Z2 H this is the sum of two points of different x; if they are negatives of
// each other, H and so Z3 is zero, which is right as well; if they are equal, H and R are zero and the sum is wrong.
constexpr Point sum(const Field& u1, const Field& s1, const Field& h, const Field& r, const Field& z) {
  const Field h2 = square(h);
  const Field h3 = multiply(h2, h);
  const Field v = multiply(u1, h2);
  Point sum{};
  sum.x = subtract(subtract(square(r), h3), add(v, v));
  sum.y = subtract(multiply(r, subtract(v, sum.x)), multiply(s1, h3));
  sum.z = multiply(z, h);
  return sum;
}

}  // namespace formulas

// a + b, unless a and b are the same point other than infinity.
constexpr Point add_different(const Point& a, const Point& b) {
  const Field z1_squared = square(a.z);
  const Field z2_squared = square(b.z);
  const Field u1 = multiply(a.x, z2_squared);
  const Field s1 = multiply(a.y, multiply(z2_squared, b.z));
  const Field h = subtract(multiply(b.x, z1_squared), u1);
  const Field r = subtract(multiply(b.y, multiply(z1_squared, a.z)), s1);
  const Point sum = formulas::sum(u1, s1, h, r, multiply(a.z, b.z));
  return select(crypto::mask_if_zero(a.z), b, select(crypto::mask_if_zero(b.z), a, sum));
}

// a + b, unless a and b are the same point.
constexpr Point add_different(const Point& a, const AffinePoint& b) {
  const Field z1_squared = square(a.z);
  const Field h = subtract(multiply(b.x, z1_squared), a.x);
  const Field r = subtract(multiply(b.y, multiply(z1_squared, a.z)), a.y);
  const Point sum = formulas::sum(a.x, a.y, h, r, a.z);
  return select(crypto::mask_if_zero(a.z), to_point(b), sum);
}

}  // namespace limpid::crypto::p256
