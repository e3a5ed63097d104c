// Arithmetic modulo any odd number of N limbs, in Montgomery form (P. L. Montgomery, 1985): a is held as a * 2^(64 N).
// For the few limbs of curves, over which loops are unrolled; long_montgomery.hpp is for RSA.
// Time depends on N, never on a value.
#pragma once

#include "limpid/crypto/modular_inverse.hpp"

namespace limpid::crypto {

template <std::size_t N>
class Montgomery {
  static_assert(N <= unrolled_limbs);

 public:
  using Number = Limbs<N>;

  // The constants of an odd modulus above 1, without a division.
  constexpr explicit Montgomery(const Number& modulus)
      : modulus_(modulus), negative_inverse_(0 - invert_limb(modulus[0])) {
    one_[0] = 1;
    for (std::size_t i = 0; i < 64 * N; ++i) one_ = add(one_, one_);
    // From 2^N in Montgomery form, six squarings lead to 2^(64 N) in Montgomery form.
    square_of_radix_ = one_;
    for (std::size_t i = 0; i < N; ++i) square_of_radix_ = add(square_of_radix_, square_of_radix_);
    for (int i = 0; i < 6; ++i) square_of_radix_ = multiply(square_of_radix_, square_of_radix_);
  }

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
    // Coarsely integrated operand scanning (Koc, Acar, Kaliski, 1996). What is in t stays below a + modulus.
    // Two rows in a turn: more in one are not faster.
    Limb t[N + 1] = {};
    constexpr std::size_t rows = N % 2 == 0 ? 2 : 1;
    for (std::size_t i = 0; i < N; i += rows) {
#pragma GCC unroll 2
      for (std::size_t row = 0; row < rows; ++row) {
        Carry top = add_multiple(t, a, b[i + row]);
        top += add_multiple(t, modulus_, t[0] * negative_inverse_);  // makes the lowest limb zero
#pragma GCC unroll 8
        for (std::size_t j = 0; j < N; ++j) t[j] = t[j + 1];
        t[N] = top;
      }
    }
    Number product{};
#pragma GCC unroll 8
    for (std::size_t i = 0; i < N; ++i) product[i] = t[i];
    return subtract_once(static_cast<Carry>(t[N]), product, modulus_);
  }

  constexpr Number square(const Number& a) const { return multiply(a, a); }

  // 1 / a, both in Montgomery form, for a without a factor in common with the modulus; zero for zero.
  constexpr Number inverse(const Number& a) const {
    // 1 / (a R) times R^3 / R, where R is 2^(64 N).
    return multiply(modular_inverse(a, modulus_), multiply(square_of_radix_, square_of_radix_));
  }

 private:
  Number modulus_;
  Limb negative_inverse_;  // -1 / modulus modulo 2^64
  Number one_{};           // 2^(64 N) modulo the modulus
  Number square_of_radix_{};
};

}  // namespace limpid::crypto
