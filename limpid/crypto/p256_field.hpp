// The field of P-256: arithmetic modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1 (SP 800-186, section 3.2.1.3), in
// Montgomery form. What Montgomery<4> does, with a reduction that the prime's shape makes cheap. Constant time.
//
// A kernel for other instructions replaces multiply and square; nothing else here costs much.
#pragma once

#include "limpid/crypto/montgomery.hpp"

namespace limpid::crypto::p256 {

using Field = Limbs<4>;  // in Montgomery form and reduced, unless said otherwise
using Number = Limbs<4>;

inline constexpr Number prime{0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001};
inline constexpr Montgomery<4> modulo_prime{prime};
inline constexpr Field field_one = modulo_prime.one();

constexpr Field add(const Field& a, const Field& b) {
  Field sum{};
  const Carry carry = crypto::add(sum, a, b);
  return subtract_once(carry, sum, prime);
}

constexpr Field subtract(const Field& a, const Field& b) {
  Field difference{};
  const Limb mask = mask_from_bit(crypto::subtract(difference, a, b));
  Carry carry = 0;
  difference[0] = add_with_carry(difference[0], mask, carry);
  difference[1] = add_with_carry(difference[1], mask >> 32, carry);
  difference[2] = add_with_carry(difference[2], 0, carry);
  difference[3] = add_with_carry(difference[3], mask & prime[3], carry);
  return difference;
}

constexpr Field negate(const Field& a) { return subtract(Field{}, a); }

// Divides t by 2^64 modulo p: adds the multiple of p that makes the lowest limb vanish, and shifts. That multiple is
// t[0] itself, as -1 / p is 1 modulo 2^64, and t[0] * (p + 1) is t[0] * 2^96 + t[0] * (2^64 - 2^32 + 1) * 2^192.
constexpr void reduce_by_limb(Limb (&t)[5], Carry top) {
  const Limb lowest = t[0];
  const DoubleLimb product = DoubleLimb{lowest} * prime[3];
  Carry carry = 0;
  t[0] = add_with_carry(t[1], lowest << 32, carry);
  t[1] = add_with_carry(t[2], lowest >> 32, carry);
  t[2] = add_with_carry(t[3], static_cast<Limb>(product), carry);
  t[3] = add_with_carry(t[4], static_cast<Limb>(product >> 64), carry);
  t[4] = Limb{top} + carry;
}

constexpr Field multiply(const Field& a, const Field& b) {
  Limb t[5] = {};
  multiply_by_limb(t, a, b[0]);
  reduce_by_limb(t, 0);
#pragma GCC unroll 3
  for (std::size_t i = 1; i < 4; ++i) reduce_by_limb(t, add_multiple(t, a, b[i]));
  return subtract_once(static_cast<Carry>(t[4]), Field{t[0], t[1], t[2], t[3]}, prime);
}

constexpr Field square(const Field& a) {
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
  Field reduced{};
  const Carry top =
      crypto::add(reduced, Field{t[0], t[1], t[2], t[3]}, Field{squares[4], squares[5], squares[6], squares[7]});
  return subtract_once(top, reduced, prime);
}

// 1 / a; zero for zero.
constexpr Field invert(const Field& a) { return modulo_prime.inverse(a); }

constexpr Field enter_field(const Number& a) { return modulo_prime.enter(a); }
constexpr Number leave_field(const Field& a) { return modulo_prime.leave(a); }

}  // namespace limpid::crypto::p256
