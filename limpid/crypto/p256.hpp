// The curve P-256 (SP 800-186, section 3.2.1.3): its constants, and arithmetic modulo p = 2^256 - 2^224 + 2^192 + 2^96
// - 1 in Montgomery form. What Montgomery<4> does, with a reduction that the prime's shape makes cheap. Constant time.
//
// A curve is what elliptic_curve.hpp asks of such a struct. Kernels for other instructions have a multiplication and a
// squaring, which elliptic_curve.cpp puts in place of these: nothing else costs much. The two are called, not inlined:
// they are large, and the formulas have a dozen of each.
#pragma once

#include "limpid/crypto/montgomery.hpp"

namespace limpid::crypto {

struct P256 {
  using Number = Limbs<4>;  // of field elements: in Montgomery form and reduced, unless said otherwise

  static constexpr Number prime{0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001};
  static constexpr Number order{0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000};
  // These three not in Montgomery form. y^2 = x^3 - 3 x + curve_b.
  static constexpr Number curve_b{0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7};
  static constexpr Number base_x{0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247};
  static constexpr Number base_y{0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b};
  static constexpr Montgomery<4> modulo_prime{prime}, modulo_order{order};
  // Multiples of the base point: bits of a digit, and how many digits share a row of the table.
  static constexpr std::size_t base_window = 5, base_comb = 3;

  static constexpr Number add(const Number& a, const Number& b) {
    Number sum{};
    const Carry carry = crypto::add(sum, a, b);
    return subtract_once(carry, sum, prime);
  }

  static constexpr Number subtract(const Number& a, const Number& b) {
    Number difference{};
    const Limb mask = mask_from_bit(crypto::subtract(difference, a, b));
    Carry carry = 0;
    difference[0] = add_with_carry(difference[0], mask, carry);
    difference[1] = add_with_carry(difference[1], mask >> 32, carry);
    difference[2] = add_with_carry(difference[2], 0, carry);
    difference[3] = add_with_carry(difference[3], mask & prime[3], carry);
    return difference;
  }

  // Divides t by 2^64 modulo p: adds the multiple of p that makes the lowest limb vanish, and shifts. That multiple is
  // t[0] itself, as -1 / p is 1 modulo 2^64, and t[0] * (p + 1) is t[0] * 2^96 + t[0] * (2^64 - 2^32 + 1) * 2^192.
  static constexpr void reduce_by_limb(Limb (&t)[5], Carry top) {
    const Limb lowest = t[0];
    const DoubleLimb product = DoubleLimb{lowest} * prime[3];
    Carry carry = 0;
    t[0] = add_with_carry(t[1], lowest << 32, carry);
    t[1] = add_with_carry(t[2], lowest >> 32, carry);
    t[2] = add_with_carry(t[3], static_cast<Limb>(product), carry);
    t[3] = add_with_carry(t[4], static_cast<Limb>(product >> 64), carry);
    t[4] = Limb{top} + carry;
  }

  [[gnu::noinline]] static constexpr Number multiply(const Number& a, const Number& b) {
    Limb t[5] = {};
    multiply_by_limb(t, a, b[0]);
    reduce_by_limb(t, 0);
#pragma GCC unroll 3
    for (std::size_t i = 1; i < 4; ++i) reduce_by_limb(t, add_multiple(t, a, b[i]));
    return subtract_once(static_cast<Carry>(t[4]), Number{t[0], t[1], t[2], t[3]}, prime);
  }

  [[gnu::noinline]] static constexpr Number square(const Number& a) {
    // The products of different limbs, at 2^64 times cross: a[0] with the others, then those of the others.
    Limb cross[7] = {};
    Limb first[4] = {};
    multiply_by_limb(first, Limbs<3>{a[1], a[2], a[3]}, a[0]);
    const DoubleLimb a12 = DoubleLimb{a[1]} * a[2], a13 = DoubleLimb{a[1]} * a[3], a23 = DoubleLimb{a[2]} * a[3];
    Carry carry = 0;
    cross[0] = first[0];
    cross[1] = first[1];
    cross[2] = add_with_carry(first[2], static_cast<Limb>(a12), carry);
    cross[3] = add_with_carry(first[3], static_cast<Limb>(a13), carry);
    cross[4] = add_with_carry(0, static_cast<Limb>(a23), carry);
    cross[5] = static_cast<Limb>(a23 >> 64) + carry;
    carry = 0;
    cross[3] = add_with_carry(cross[3], static_cast<Limb>(a12 >> 64), carry);
    cross[4] = add_with_carry(cross[4], static_cast<Limb>(a13 >> 64), carry);
    cross[5] += carry;
    // Twice that, and the squares of the limbs.
    carry = 0;
#pragma GCC unroll 7
    for (Limb& limb : cross) limb = add_with_carry(limb, limb, carry);
    Limb squares[8] = {};
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      const DoubleLimb both = DoubleLimb{a[i]} * a[i];
      squares[2 * i] = static_cast<Limb>(both);
      squares[2 * i + 1] = static_cast<Limb>(both >> 64);
    }
    carry = 0;
#pragma GCC unroll 7
    for (std::size_t i = 1; i < 8; ++i) squares[i] = add_with_carry(squares[i], cross[i - 1], carry);
    Limb t[5] = {squares[0], squares[1], squares[2], squares[3], 0};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) reduce_by_limb(t, 0);
    Number reduced{};
    const Carry top =
        crypto::add(reduced, Number{t[0], t[1], t[2], t[3]}, Number{squares[4], squares[5], squares[6], squares[7]});
    return subtract_once(top, reduced, prime);
  }
};

}  // namespace limpid::crypto
