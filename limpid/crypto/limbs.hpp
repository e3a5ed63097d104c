// Numbers of a fixed width as little-endian arrays of 64-bit limbs. Everything takes time that depends on widths only,
// and works in constant expressions too.
#pragma once

#include "limpid/core/constant_time.hpp"

namespace limpid::crypto {

using Limb = std::uint64_t;
using DoubleLimb = unsigned __int128;

// A plain array: std::array's checked accesses would cost the constant evaluator more than the arithmetic does.
template <std::size_t N>
struct Limbs {
  static constexpr std::size_t size = N;
  Limb limb[N];

  constexpr Limb& operator[](std::size_t i) { return limb[i]; }
  constexpr const Limb& operator[](std::size_t i) const { return limb[i]; }

  static constexpr Limbs from_word(Limb word) {
    Limbs number{};
    number[0] = word;
    return number;
  }
};

// a + b + carry, where carry is 0 or 1 and becomes the carry out.
constexpr Limb add_with_carry(Limb a, Limb b, Limb& carry) {
  const DoubleLimb sum = DoubleLimb{a} + b + carry;
  carry = static_cast<Limb>(sum >> 64);
  return static_cast<Limb>(sum);
}

// a - b - borrow, where borrow is 0 or 1 and becomes the borrow out.
constexpr Limb subtract_with_borrow(Limb a, Limb b, Limb& borrow) {
  const DoubleLimb difference = DoubleLimb{a} - b - borrow;
  borrow = static_cast<Limb>(difference >> 64) & 1;
  return static_cast<Limb>(difference);
}

// The low limb of a * b + c + carry, which cannot overflow two limbs; carry becomes the high one.
constexpr Limb multiply_add(Limb a, Limb b, Limb c, Limb& carry) {
  const DoubleLimb sum = DoubleLimb{a} * b + c + carry;
  carry = static_cast<Limb>(sum >> 64);
  return static_cast<Limb>(sum);
}

// sum = a + b; the carry out.
template <std::size_t N>
constexpr Limb add(Limbs<N>& sum, const Limbs<N>& a, const Limbs<N>& b) {
  Limb carry = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < N; ++i) sum[i] = add_with_carry(a[i], b[i], carry);
  return carry;
}

// difference = a - b; the borrow out.
template <std::size_t N>
constexpr Limb subtract(Limbs<N>& difference, const Limbs<N>& a, const Limbs<N>& b) {
  Limb borrow = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < N; ++i) difference[i] = subtract_with_borrow(a[i], b[i], borrow);
  return borrow;
}

// `a` where `mask` is all ones, `b` where it is zero.
template <std::size_t N>
constexpr Limbs<N> select(Limb mask, const Limbs<N>& a, const Limbs<N>& b) {
  Limbs<N> chosen{};
#pragma GCC unroll 4
  for (std::size_t i = 0; i < N; ++i) chosen[i] = limpid::select(mask, a[i], b[i]);
  return chosen;
}

// carry * 2^(64 N) + a, which must be below 2 * modulus, reduced below it.
template <std::size_t N>
constexpr Limbs<N> subtract_once(Limb carry, const Limbs<N>& a, const Limbs<N>& modulus) {
  Limbs<N> reduced{};
  const Limb borrow = subtract(reduced, a, modulus);
  // Borrowed with nothing to borrow from: a was below the modulus already.
  return select(mask_from_bit(borrow & ~carry), a, reduced);
}

template <std::size_t N>
constexpr Limb mask_if_zero(const Limbs<N>& a) {
  Limb any = 0;
  for (std::size_t i = 0; i < N; ++i) any |= a[i];
  return limpid::mask_if_zero(any);
}

template <std::size_t N>
constexpr Limb mask_if_equal(const Limbs<N>& a, const Limbs<N>& b) {
  Limb difference = 0;
  for (std::size_t i = 0; i < N; ++i) difference |= a[i] ^ b[i];
  return limpid::mask_if_zero(difference);
}

template <std::size_t N>
constexpr Limb mask_if_less(const Limbs<N>& a, const Limbs<N>& b) {
  Limbs<N> difference{};
  return mask_from_bit(subtract(difference, a, b));
}

// Bits [at, at + count) of `a`, count < 64; bits beyond the top are zero.
template <std::size_t N>
constexpr Limb bits(const Limbs<N>& a, std::size_t at, std::size_t count) {
  const std::size_t limb = at / 64;
  const std::size_t shift = at % 64;
  Limb found = limb < N ? a[limb] >> shift : 0;
  if (shift != 0 && limb + 1 < N) found |= a[limb + 1] << (64 - shift);
  return found & ((Limb{1} << count) - 1);
}

// From big-endian bytes, exactly 8 N of them.
template <std::size_t N>
constexpr Limbs<N> from_big_endian(std::span<const Byte, 8 * N> bytes) {
  Limbs<N> number{};
  for (std::size_t i = 0; i < 8 * N; ++i) number[N - 1 - i / 8] = number[N - 1 - i / 8] << 8 | bytes[i];
  return number;
}

template <std::size_t N>
constexpr void to_big_endian(const Limbs<N>& number, std::span<Byte, 8 * N> bytes) {
  for (std::size_t i = 0; i < 8 * N; ++i) bytes[i] = static_cast<Byte>(number[N - 1 - i / 8] >> (56 - 8 * (i % 8)));
}

}  // namespace limpid::crypto
