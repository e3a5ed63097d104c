// Arithmetic modulo p = 2^255 - 19 (RFC 7748, section 4.1), for Ed25519 and X25519. Constant time.
#pragma once

#include "limpid/crypto/modular_inverse.hpp"

namespace limpid::crypto::field25519 {

inline constexpr Limbs<4> prime{0xffffffffffffffed, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff};

inline constexpr std::size_t digits = 5, digit_bits = 51;
inline constexpr Limb digit_mask = (Limb{1} << digit_bits) - 1;

// A number modulo p: the sum of digit[i] 2^(51 i). Sums are not carried, so what an element may be is said by the bound
// of its digits. Products, and what is decoded, are "tight": below 2^51 + 2^13. Factors must be below 2^54.
struct Element {
  Limb digit[digits];
};

inline constexpr Element zero{}, one{1, 0, 0, 0, 0};

// Its digits are below the sum of the bounds.
constexpr Element add(const Element& a, const Element& b) {
  Element sum{};
#pragma GCC unroll 5
  for (std::size_t i = 0; i < digits; ++i) sum.digit[i] = a.digit[i] + b.digit[i];
  return sum;
}

// For digits of b of at most 2^53 - 76, such as those of three tight ones together; the difference is below a's bound
// and 2^53 more.
constexpr Element subtract(const Element& a, const Element& b) {
  Element difference{};
#pragma GCC unroll 5
  for (std::size_t i = 0; i < digits; ++i) {
    const Limb four_times_prime = 4 * (i == 0 ? digit_mask - 18 : digit_mask);
    difference.digit[i] = a.digit[i] + four_times_prime - b.digit[i];
  }
  return difference;
}

constexpr Element negate(const Element& a) { return subtract(zero, a); }

constexpr DoubleLimb wide(Limb a, Limb b) { return DoubleLimb{a} * b; }

// Brings the sums of products back to tight digits: for sums below 2^115, the highest below 6 * 2^108.
constexpr void carry(Element& carried, DoubleLimb (&sum)[digits]) {
#pragma GCC unroll 5
  for (std::size_t i = 0; i + 1 < digits; ++i) sum[i + 1] += static_cast<Limb>(sum[i] >> digit_bits);
  // 2^255 is 19.
  const Limb lowest = (static_cast<Limb>(sum[0]) & digit_mask) + 19 * static_cast<Limb>(sum[4] >> digit_bits);
  carried.digit[0] = lowest & digit_mask;
  carried.digit[1] = (static_cast<Limb>(sum[1]) & digit_mask) + (lowest >> digit_bits);
  carried.digit[2] = static_cast<Limb>(sum[2]) & digit_mask;
  carried.digit[3] = static_cast<Limb>(sum[3]) & digit_mask;
  carried.digit[4] = static_cast<Limb>(sum[4]) & digit_mask;
}

// result = a * b, a^2 and 1 / a (zero for zero), tight; the result may be an operand, too. It is not returned since it
// would often be copied, by vectors: with those a processor waits until the digits are out of its store buffer, as long
// as for a product. Templates of which field25519.cpp has the only instance, built for speed whoever uses it.
template <class E>
[[gnu::noinline]] constexpr void multiply(E& result, const E& a, const E& b) {
  const auto& x = a.digit;
  const auto& y = b.digit;
  const Limb y1 = 19 * y[1], y2 = 19 * y[2], y3 = 19 * y[3], y4 = 19 * y[4];
  DoubleLimb sum[digits] = {
      wide(x[0], y[0]) + wide(x[1], y4) + wide(x[2], y3) + wide(x[3], y2) + wide(x[4], y1),
      wide(x[0], y[1]) + wide(x[1], y[0]) + wide(x[2], y4) + wide(x[3], y3) + wide(x[4], y2),
      wide(x[0], y[2]) + wide(x[1], y[1]) + wide(x[2], y[0]) + wide(x[3], y4) + wide(x[4], y3),
      wide(x[0], y[3]) + wide(x[1], y[2]) + wide(x[2], y[1]) + wide(x[3], y[0]) + wide(x[4], y4),
      wide(x[0], y[4]) + wide(x[1], y[3]) + wide(x[2], y[2]) + wide(x[3], y[1]) + wide(x[4], y[0])};
  carry(result, sum);
}

template <class E>
[[gnu::noinline]] constexpr void square(E& result, const E& a) {
  const auto& x = a.digit;
  const Limb twice_0 = 2 * x[0], twice_1 = 2 * x[1], x3 = 19 * x[3], x4 = 19 * x[4];
  DoubleLimb sum[digits] = {wide(x[0], x[0]) + wide(twice_1, x4) + wide(2 * x[2], x3),
                            wide(twice_0, x[1]) + wide(2 * x[2], x4) + wide(x[3], x3),
                            wide(twice_0, x[2]) + wide(x[1], x[1]) + wide(2 * x[3], x4),
                            wide(twice_0, x[3]) + wide(twice_1, x[2]) + wide(x[4], x4),
                            wide(twice_0, x[4]) + wide(twice_1, x[3]) + wide(x[2], x[2])};
  carry(result, sum);
}

// From any number, whether below p or not. Tight.
constexpr Element from_limbs(const Limbs<4>& n) {
  return {(n[0] & digit_mask) + 19 * (n[3] >> 63), (n[0] >> 51 | n[1] << 13) & digit_mask,
          (n[1] >> 38 | n[2] << 26) & digit_mask, (n[2] >> 25 | n[3] << 39) & digit_mask, n[3] >> 12 & digit_mask};
}

// The number below p, from digits below 2^60.
constexpr Limbs<4> to_limbs(const Element& a) {
  // Carried once, the digits are those of a number below 2 p, but for the lowest, which may be above its 51 bits.
  Element carried = a;
  for (std::size_t i = 0; i + 1 < digits; ++i) {
    carried.digit[i + 1] += carried.digit[i] >> digit_bits;
    carried.digit[i] &= digit_mask;
  }
  carried.digit[0] += 19 * (carried.digit[4] >> digit_bits);
  carried.digit[4] &= digit_mask;
  Limbs<4> number{};
  DoubleLimb filled = 0;
  std::size_t at = 0, limb = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    filled += DoubleLimb{carried.digit[i]} << at;
    at += digit_bits;
    if (at >= 64 || i + 1 == digits) {
      number[limb++] = static_cast<Limb>(filled);
      filled >>= 64;
      at -= 64;
    }
  }
  return subtract_once(0, number, prime);
}

template <class E>
[[gnu::noinline]] constexpr void invert(E& result, const E& a) {
  result = from_limbs(modular_inverse(to_limbs(a), prime));
}

extern template void multiply(Element&, const Element&, const Element&);
extern template void square(Element&, const Element&);
extern template void invert(Element&, const Element&);

constexpr Element product(const Element& a, const Element& b) {
  Element result;
  multiply(result, a, b);
  return result;
}

constexpr Element squared(const Element& a) {
  Element result;
  square(result, a);
  return result;
}

constexpr Element inverse(const Element& a) {
  Element result;
  invert(result, a);
  return result;
}

}  // namespace limpid::crypto::field25519
