// Arithmetic modulo any odd number of N limbs, in Montgomery form (P. L. Montgomery, 1985): a is held as a * 2^(64 N).
// Time depends on N and on the length of an exponent, never on a value; the modulus may be secret as well.
#pragma once

#include "limpid/crypto/modular_inverse.hpp"

namespace limpid::crypto {

template <std::size_t N>
class Montgomery {
 public:
  using Number = Limbs<N>;

  // The constants of an odd modulus above 1, without a division; in less time if it is known to have as many bits as
  // `known_bits` or more.
  constexpr explicit Montgomery(const Number& modulus, std::size_t known_bits = 1)
      : modulus_(modulus), negative_inverse_(0 - invert_limb(modulus[0])) {
    one_[(known_bits - 1) / 64] = Limb{1} << (known_bits - 1) % 64;
    for (std::size_t i = known_bits - 1; i < 64 * N; ++i) one_ = add(one_, one_);
    // From 2^N in Montgomery form, six squarings lead to 2^(64 N) in Montgomery form.
    square_of_radix_ = one_;
    for (std::size_t i = 0; i < N; ++i) square_of_radix_ = add(square_of_radix_, square_of_radix_);
    for (int i = 0; i < 6; ++i) square_of_radix_ = multiply(square_of_radix_, square_of_radix_);
  }

  constexpr const Number& modulus() const { return modulus_; }
  // 1 in Montgomery form.
  constexpr const Number& one() const { return one_; }

  // Into Montgomery form, from any number of N limbs: it need not be reduced.
  constexpr Number enter(const Number& a) const { return multiply(a, square_of_radix_); }
  // Out of it, reduced.
  constexpr Number leave(const Number& a) const { return multiply(a, Number::from_word(1)); }
  // Below the modulus, from a number below twice the modulus.
  constexpr Number reduce_once(const Number& a) const { return subtract_once(0, a, modulus_); }

  // Operands and results of what follows are reduced. The form does not matter to sums.
  constexpr Number add(const Number& a, const Number& b) const {
    Number sum{};
    const Carry carry = crypto::add(sum, a, b);
    return subtract_once(carry, sum, modulus_);
  }

  constexpr Number subtract(const Number& a, const Number& b) const {
    Number difference{};
    const Limb mask = mask_from_bit(crypto::subtract(difference, a, b));
    Carry carry = 0;
    for (std::size_t i = 0; i < N; ++i) difference[i] = add_with_carry(difference[i], modulus_[i] & mask, carry);
    return difference;
  }

  constexpr Number negate(const Number& a) const { return subtract(Number{}, a); }

  // a * b / 2^(64 N). One of the two may be any number of N limbs; the other must be reduced.
  constexpr Number multiply(const Number& a, const Number& b) const {
    if constexpr (N > unrolled_limbs) return multiply_long(a, b);
    // Coarsely integrated operand scanning (Koc, Acar, Kaliski, 1996). What is in t stays below a + modulus.
    Limb t[N + 1] = {};
#pragma GCC unroll 8
    for (std::size_t i = 0; i < N; ++i) {
      Carry top = add_multiple(t, a, b[i]);
      top += add_multiple(t, modulus_, t[0] * negative_inverse_);  // makes the lowest limb zero
#pragma GCC unroll 8
      for (std::size_t j = 0; j < N; ++j) t[j] = t[j + 1];
      t[N] = top;
    }
    Number product{};
#pragma GCC unroll 8
    for (std::size_t i = 0; i < N; ++i) product[i] = t[i];
    return subtract_once(static_cast<Carry>(t[N]), product, modulus_);
  }

  constexpr Number square(const Number& a) const { return multiply(a, a); }

  // base^exponent, base and result in Montgomery form. Fixed windows of four bits, and every look-up reads the whole
  // table: the exponent may be secret, but not its width M.
  template <std::size_t M>
  constexpr Number power(const Number& base, const Limbs<M>& exponent) const {
    Number table[16] = {one_, base};
    for (std::size_t i = 2; i < 16; ++i) table[i] = multiply(table[i - 1], base);
    Number result = one_;
    for (std::size_t at = 64 * M; at > 0;) {
      at -= 4;
      for (int i = 0; i < 4; ++i) result = square(result);
      const Limb digit = bits(exponent, at, 4);
      Number factor{};
      for (std::size_t i = 0; i < 16; ++i) {
        const Limb mask = limpid::mask_if_zero(digit ^ i);
        for (std::size_t j = 0; j < N; ++j) factor[j] |= table[i][j] & mask;
      }
      result = multiply(result, factor);
    }
    return result;
  }

  // 1 / a, both in Montgomery form, for a without a factor in common with the modulus; zero for zero.
  constexpr Number inverse(const Number& a) const {
    // 1 / (a R) times R^3 / R, where R is 2^(64 N).
    return multiply(modular_inverse(a, modulus_), multiply(square_of_radix_, square_of_radix_));
  }

 private:
  // The same for numbers that do not fit into registers: finely integrated operand scanning, one pass over each number
  // for a limb of b.
  [[gnu::noinline]] constexpr Number multiply_long(const Number& a, const Number& b) const {
    Number t{};
    Carry top = 0;
    for (std::size_t i = 0; i < N; ++i) {
      DoubleLimb of_a = DoubleLimb{a[0]} * b[i] + t[0];
      const Limb multiple = static_cast<Limb>(of_a) * negative_inverse_;
      DoubleLimb of_modulus = DoubleLimb{modulus_[0]} * multiple + static_cast<Limb>(of_a);
#pragma GCC unroll 4
      for (std::size_t j = 1; j < N; ++j) {
        of_a = DoubleLimb{a[j]} * b[i] + t[j] + static_cast<Limb>(of_a >> 64);
        of_modulus = DoubleLimb{modulus_[j]} * multiple + static_cast<Limb>(of_a) + static_cast<Limb>(of_modulus >> 64);
        t[j - 1] = static_cast<Limb>(of_modulus);
      }
      const DoubleLimb highest = (of_a >> 64) + (of_modulus >> 64) + top;
      t[N - 1] = static_cast<Limb>(highest);
      top = static_cast<Carry>(highest >> 64);
    }
    return subtract_once(top, t, modulus_);
  }

  Number modulus_;
  Limb negative_inverse_;  // -1 / modulus modulo 2^64
  Number one_{};           // 2^(64 N) modulo the modulus
  Number square_of_radix_{};
};

// For the widths of RSA, where all of its time is spent: in montgomery.cpp, which is built for speed.
extern template Limbs<16> Montgomery<16>::multiply_long(const Limbs<16>&, const Limbs<16>&) const;
extern template Limbs<24> Montgomery<24>::multiply_long(const Limbs<24>&, const Limbs<24>&) const;
extern template Limbs<32> Montgomery<32>::multiply_long(const Limbs<32>&, const Limbs<32>&) const;
extern template Limbs<48> Montgomery<48>::multiply_long(const Limbs<48>&, const Limbs<48>&) const;
extern template Limbs<64> Montgomery<64>::multiply_long(const Limbs<64>&, const Limbs<64>&) const;
extern template Limbs<128> Montgomery<128>::multiply_long(const Limbs<128>&, const Limbs<128>&) const;

}  // namespace limpid::crypto
