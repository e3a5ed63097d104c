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
  const Limb carry = crypto::add(sum, a, b);
  return subtract_once(carry, sum, prime);
}

constexpr Field subtract(const Field& a, const Field& b) {
  Field difference{};
  const Limb mask = mask_from_bit(crypto::subtract(difference, a, b));
  Limb carry = 0;
  difference[0] = add_with_carry(difference[0], mask, carry);
  difference[1] = add_with_carry(difference[1], mask >> 32, carry);
  difference[2] = add_with_carry(difference[2], 0, carry);
  difference[3] = add_with_carry(difference[3], mask & prime[3], carry);
  return difference;
}

constexpr Field negate(const Field& a) { return subtract(Field{}, a); }

// Divides the 512-bit t, below p * 2^256, by 2^256.
constexpr Field reduce(const Limb (&t)[8]) {
  Limb low[4] = {t[0], t[1], t[2], t[3]};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    // -1 / p is 1 modulo 2^64, so low[0] * p is what makes the lowest limb vanish:
    // low[0] * (p + 1) = low[0] * 2^96 + low[0] * (2^64 - 2^32 + 1) * 2^192.
    const Limb m = low[0];
    const DoubleLimb high = DoubleLimb{m} * prime[3];
    Limb carry = 0;
    low[0] = add_with_carry(low[1], m << 32, carry);
    low[1] = add_with_carry(low[2], m >> 32, carry);
    low[2] = add_with_carry(low[3], static_cast<Limb>(high), carry);
    low[3] = static_cast<Limb>(high >> 64) + carry;
  }
  Field reduced{};
  Limb carry = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) reduced[i] = add_with_carry(low[i], t[4 + i], carry);
  return subtract_once(carry, reduced, prime);
}

constexpr Field multiply(const Field& a, const Field& b) {
  Limb t[8] = {};
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    Limb carry = 0;
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) t[i + j] = multiply_add(a[j], b[i], t[i + j], carry);
    t[i + 4] = carry;
  }
  return reduce(t);
}

constexpr Field square(const Field& a) {
  // The six products of different limbs, doubled, and the four squares.
  Limb t[8] = {};
  Limb carry = 0;
  t[1] = multiply_add(a[1], a[0], 0, carry);
  t[2] = multiply_add(a[2], a[0], 0, carry);
  t[3] = multiply_add(a[3], a[0], 0, carry);
  t[4] = carry;
  carry = 0;
  t[3] = multiply_add(a[2], a[1], t[3], carry);
  t[4] = multiply_add(a[3], a[1], t[4], carry);
  t[5] = carry;
  carry = 0;
  t[5] = multiply_add(a[3], a[2], t[5], carry);
  t[6] = carry;
  t[7] = t[6] >> 63;
#pragma GCC unroll 6
  for (std::size_t i = 6; i > 1; --i) t[i] = t[i] << 1 | t[i - 1] >> 63;
  t[1] <<= 1;
  carry = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const DoubleLimb product = DoubleLimb{a[i]} * a[i];
    t[2 * i] = add_with_carry(t[2 * i], static_cast<Limb>(product), carry);
    t[2 * i + 1] = add_with_carry(t[2 * i + 1], static_cast<Limb>(product >> 64), carry);
  }
  return reduce(t);
}

constexpr Field square_times(Field a, int times) {
  for (int i = 0; i < times; ++i) a = square(a);
  return a;
}

// 1 / a = a^(p - 2); zero for zero.
constexpr Field invert(const Field& a) {
  // x_n is a^(2^n - 1). p - 2 in bits: 32 ones, 31 zeros, a one, 96 zeros, 94 ones, 0, 1.
  const Field x2 = multiply(square(a), a);
  const Field x3 = multiply(square(x2), a);
  const Field x6 = multiply(square_times(x3, 3), x3);
  const Field x12 = multiply(square_times(x6, 6), x6);
  const Field x15 = multiply(square_times(x12, 3), x3);
  const Field x30 = multiply(square_times(x15, 15), x15);
  const Field x32 = multiply(square_times(x30, 2), x2);
  Field power = multiply(square_times(x32, 32), a);
  power = multiply(square_times(power, 128), x32);
  power = multiply(square_times(power, 32), x32);
  power = multiply(square_times(power, 30), x30);
  return multiply(square_times(power, 2), a);
}

constexpr Field enter_field(const Number& a) { return modulo_prime.enter(a); }
constexpr Number leave_field(const Field& a) { return modulo_prime.leave(a); }

}  // namespace limpid::crypto::p256
