// The group of Ed25519 (RFC 8032, section 5.1): -x^2 + y^2 = 1 + d x^2 y^2 modulo p = 2^255 - 19, of order 8 L, and its
// base point, of order L. The sums are complete: they hold for any two points.
#pragma once

#include <optional>

#include "limpid/crypto/field25519.hpp"

namespace limpid::crypto::edwards25519 {

// x = X / Z and y = Y / Z (Hisil, Wong, Carter, Dawson, 2008), with x y = T / Z where it is asked for. All tight.
struct Point {
  field25519::Element x, y, z, t;
};

// Sections 5.1.2 and 5.1.3. Nothing unless the encoding is canonical and of a point of the curve. Variable time.
std::optional<Point> decode(std::span<const Byte, 32> encoded);
void encode(const Point& point, std::span<Byte, 32> encoded);

// Whether 8 times the point is the neutral element.
bool has_small_order(const Point& point);

// scalar * B in constant time, for any number, whether below L or not. Leaves intermediate values on the stack.
Point multiply_base(const Limbs<4>& scalar);

// a * B - b * point for public a and b below L, in variable time.
Point difference(const Limbs<4>& a, const Limbs<4>& b, const Point& point);

}  // namespace limpid::crypto::edwards25519
