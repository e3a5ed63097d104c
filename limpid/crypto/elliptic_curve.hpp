// The groups of P-256 and P-384: y^2 = x^3 - 3 x + b over a field of prime characteristic, of prime order n. `Curve` is
// P256 or P384. Points are Jacobian, (X / Z^2, Y / Z^3), and infinity has Z = 0; coordinates are in Montgomery form.
#pragma once

#include <optional>

#include "limpid/core/cpu_features.hpp"
#include "limpid/crypto/p256.hpp"
#include "limpid/crypto/p384.hpp"

namespace limpid::crypto {

template <std::size_t N>
struct AffinePoint {  // never infinity
  Limbs<N> x, y;
};

template <std::size_t N>
struct Point {
  Limbs<N> x, y, z;
};

template <class Curve>
using AffinePointOf = AffinePoint<Curve::Number::size>;
template <class Curve>
using PointOf = Point<Curve::Number::size>;

// Bytes of a scalar or a coordinate, and of a point's encoding.
template <class Curve>
inline constexpr std::size_t scalar_size = 8 * Curve::Number::size;
template <class Curve>
inline constexpr std::size_t point_size = 1 + 2 * scalar_size<Curve>;

// An uncompressed point (SEC 1, section 2.3.4): 4, X, Y. Nothing unless the encoding is point_size bytes long and
// canonical and the point lies on the curve; so it is not infinity, and since the cofactor is 1 its order is n.
// Variable time.
template <class Curve>
std::optional<AffinePointOf<Curve>> decode_point(Bytes encoded);
template <class Curve>
void encode_point(const AffinePointOf<Curve>& point, std::span<Byte, point_size<Curve>> encoded);

// The point as X / Z^2 and Y / Z^3. Infinity, which callers exclude, gives zeros.
template <class Curve>
AffinePointOf<Curve> to_affine(const PointOf<Curve>& point);

// scalar * G and scalar * point for a secret scalar in [0, n-1], in constant time.
template <class Curve>
PointOf<Curve> multiply_base(const typename Curve::Number& scalar, CpuFeatures cpu);
template <class Curve>
PointOf<Curve> multiply_point(const AffinePointOf<Curve>& point, const typename Curve::Number& scalar, CpuFeatures cpu);

// a * G + b * point for public a and b in [0, n-1], in variable time.
template <class Curve>
PointOf<Curve> multiply_two(const typename Curve::Number& a, const AffinePointOf<Curve>& point,
                            const typename Curve::Number& b, CpuFeatures cpu);

// All ones if the scalar is in [1, n-1].
template <class Curve>
constexpr Limb mask_if_private_key(const typename Curve::Number& scalar) {
  return mask_if_less(scalar, Curve::order) & ~crypto::mask_if_zero(scalar);
}

}  // namespace limpid::crypto
