// Numbers of a fixed width as little-endian arrays of 64-bit limbs. Everything takes time that depends on widths only,
// and works in constant expressions too.
#pragma once

#include "limpid/core/constant_time.hpp"
#if defined(__x86_64__)
#include "limpid/crypto/x86/intrinsics.hpp"
#define LIMPID_HAS_CARRY_INTRINSICS 1
#endif
// MemorySanitizer takes their operands for used, as it would a branch's.
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#undef LIMPID_HAS_CARRY_INTRINSICS
#endif
#endif

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

// Loops over no more limbs than that are unrolled, so that carries stay in the carry flag.
inline constexpr std::size_t unrolled_limbs = 8;

// 0 or 1, from one limb to the next.
using Carry = unsigned char;

// a + b + carry; carry becomes the carry out.
constexpr Limb add_with_carry(Limb a, Limb b, Carry& carry) {
#if defined(LIMPID_HAS_CARRY_INTRINSICS)
  // Says "adc" to compilers that would not find it by themselves: that halves the time of a product.
  if (!__builtin_is_constant_evaluated()) {
    unsigned long long sum = 0;
    carry = _addcarry_u64(carry, a, b, &sum);
    return sum;
  }
#endif
  const DoubleLimb sum = DoubleLimb{a} + b + carry;
  carry = static_cast<Carry>(sum >> 64);
  return static_cast<Limb>(sum);
}

// a - b - borrow; borrow becomes the borrow out.
constexpr Limb subtract_with_borrow(Limb a, Limb b, Carry& borrow) {
#if defined(LIMPID_HAS_CARRY_INTRINSICS)
  if (!__builtin_is_constant_evaluated()) {
    unsigned long long difference = 0;
    borrow = _subborrow_u64(borrow, a, b, &difference);
    return difference;
  }
#endif
  const DoubleLimb difference = DoubleLimb{a} - b - borrow;
  borrow = static_cast<Carry>(difference >> 64) & 1;
  return static_cast<Limb>(difference);
}

// sum = a + b; the carry out.
template <std::size_t N>
constexpr Carry add(Limbs<N>& sum, const Limbs<N>& a, const Limbs<N>& b) {
  Carry carry = 0;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) sum[i] = add_with_carry(a[i], b[i], carry);
  return carry;
}

// difference = a - b; the borrow out.
template <std::size_t N>
constexpr Carry subtract(Limbs<N>& difference, const Limbs<N>& a, const Limbs<N>& b) {
  Carry borrow = 0;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) difference[i] = subtract_with_borrow(a[i], b[i], borrow);
  return borrow;
}

// `a` where `mask` is all ones, `b` where it is zero.
template <std::size_t N>
constexpr Limbs<N> select(Limb mask, const Limbs<N>& a, const Limbs<N>& b) {
  Limbs<N> chosen{};
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) chosen[i] = limpid::select(mask, a[i], b[i]);
  return chosen;
}

// carry * 2^(64 N) + a, which must be below 2 * modulus, reduced below it.
template <std::size_t N>
constexpr Limbs<N> subtract_once(Carry carry, const Limbs<N>& a, const Limbs<N>& modulus) {
  Limbs<N> reduced{};
  Carry borrow = subtract(reduced, a, modulus);
  // All ones if it borrowed and there is nothing to borrow from: then a was below the modulus already.
  const Limb was_below = value_barrier(subtract_with_borrow(carry, 0, borrow));
  return select(was_below, a, reduced);
}

// product = a * factor.
template <std::size_t N>
constexpr void multiply_by_limb(Limb (&product)[N + 1], const Limbs<N>& a, Limb factor) {
  Limb low[N] = {}, high[N] = {};
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) {
    const DoubleLimb both = DoubleLimb{a[i]} * factor;
    low[i] = static_cast<Limb>(both);
    high[i] = static_cast<Limb>(both >> 64);
  }
  Carry carry = 0;
  product[0] = low[0];
#pragma GCC unroll 8
  for (std::size_t i = 1; i < N; ++i) product[i] = add_with_carry(low[i], high[i - 1], carry);
  product[N] = high[N - 1] + carry;
}

// sum += a * factor; the carry out.
template <std::size_t N>
constexpr Carry add_multiple(Limb (&sum)[N + 1], const Limbs<N>& a, Limb factor) {
  // First all products, as multiplications disturb the carry flag, then the two carry chains.
  Limb low[N] = {}, high[N] = {};
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) {
    const DoubleLimb both = DoubleLimb{a[i]} * factor;
    low[i] = static_cast<Limb>(both);
    high[i] = static_cast<Limb>(both >> 64);
  }
  Carry low_carry = 0, high_carry = 0;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) sum[i] = add_with_carry(sum[i], low[i], low_carry);
  sum[N] = add_with_carry(sum[N], 0, low_carry);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < N; ++i) sum[i + 1] = add_with_carry(sum[i + 1], high[i], high_carry);
  return low_carry + high_carry;  // never both
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

// Bits [at, at + count) of a number of `size` limbs, count < 64; bits beyond the top are zero.
constexpr Limb bits(const Limb* a, std::size_t size, std::size_t at, std::size_t count) {
  const std::size_t limb = at / 64;
  const std::size_t shift = at % 64;
  Limb found = limb < size ? a[limb] >> shift : 0;
  if (shift != 0 && limb + 1 < size) found |= a[limb + 1] << (64 - shift);
  return found & ((Limb{1} << count) - 1);
}

template <std::size_t N>
constexpr Limb bits(const Limbs<N>& a, std::size_t at, std::size_t count) {
  return bits(a.limb, N, at, count);
}

// From big-endian bytes, exactly 8 N of them. (To and from bytes is not on anybody's way: called, not inlined.)
template <std::size_t N>
[[gnu::noinline]] constexpr Limbs<N> from_big_endian(std::span<const Byte, 8 * N> bytes) {
  Limbs<N> number{};
  for (std::size_t i = 0; i < 8 * N; ++i) number[N - 1 - i / 8] = number[N - 1 - i / 8] << 8 | bytes[i];
  return number;
}

template <std::size_t N>
[[gnu::noinline]] constexpr void to_big_endian(const Limbs<N>& number, std::span<Byte, 8 * N> bytes) {
  for (std::size_t i = 0; i < 8 * N; ++i) bytes[i] = static_cast<Byte>(number[N - 1 - i / 8] >> (56 - 8 * (i % 8)));
}

template <std::size_t N>
constexpr Limbs<N> from_little_endian(std::span<const Byte, 8 * N> bytes) {
  Limbs<N> number{};
  for (std::size_t i = 0; i < 8 * N; ++i) number[i / 8] |= Limb{bytes[i]} << 8 * (i % 8);
  return number;
}

template <std::size_t N>
constexpr void to_little_endian(const Limbs<N>& number, std::span<Byte, 8 * N> bytes) {
  for (std::size_t i = 0; i < 8 * N; ++i) bytes[i] = static_cast<Byte>(number[i / 8] >> 8 * (i % 8));
}

}  // namespace limpid::crypto
