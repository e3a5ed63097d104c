// The group of P-256: y^2 = x^3 - 3 x + b over the field of p256_field.hpp, of prime order n. Points are Jacobian,
// (X / Z^2, Y / Z^3), and infinity has Z = 0.
#pragma once

#include <optional>

#include "limpid/crypto/p256_field.hpp"

namespace limpid::crypto::p256 {

inline constexpr Number order{0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000};
inline constexpr Montgomery<4> modulo_order{order};

struct AffinePoint {  // never infinity
  Field x, y;
};

struct Point {
  Field x, y, z;
};

// An uncompressed point (SEC 1, section 2.3.4): 4, X, Y. Nothing unless the encoding is 65 bytes long and canonical and
// the point lies on the curve; so it is not infinity, and since the cofactor is 1 its order is n. Variable time.
std::optional<AffinePoint> decode(Bytes encoded);
void encode(const AffinePoint& point, std::span<Byte, 65> encoded);

// The point as X / Z^2 and Y / Z^3. Infinity, which callers exclude, gives zeros.
AffinePoint to_affine(const Point& point);

// scalar * G and scalar * point for a secret scalar in [0, n-1], in constant time.
Point multiply_base(const Number& scalar);
Point multiply(const AffinePoint& point, const Number& scalar);

// a * G + b * point for public a and b in [0, n-1], in variable time.
Point multiply_two(const Number& a, const AffinePoint& point, const Number& b);

// All ones if the scalar is in [1, n-1].
constexpr Limb mask_if_private_key(const Number& scalar) {
  return mask_if_less(scalar, order) & ~crypto::mask_if_zero(scalar);
}

}  // namespace limpid::crypto::p256
