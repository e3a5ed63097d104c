// Arithmetic modulo any odd number whose width is known at run time, in Montgomery form: what montgomery.hpp has for
// the short numbers of curves. Time depends on widths only; the modulus may be secret as well.
#pragma once

#include "limpid/crypto/long_number.hpp"

namespace limpid::crypto {

class LongMontgomery {
 public:
  // The constants of an odd modulus above 1, without a division; in less time if it is known to have as many bits as
  // `known_bits` or more, which is from 1 to 64 * size.
  explicit LongMontgomery(const LongNumber& modulus, std::size_t known_bits = 1);

  const LongNumber& modulus() const { return modulus_; }
  // 1 in Montgomery form.
  const LongNumber& one() const { return one_; }

  // Into Montgomery form, from any number of the modulus's width: it need not be reduced.
  LongNumber enter(const LongNumber& a) const { return multiply(a, square_of_radix_); }
  // Out of it, reduced.
  LongNumber leave(const LongNumber& a) const { return multiply(a, LongNumber(a.size(), 1)); }

  // Operands and results of what follows are reduced. The form does not matter to sums.
  LongNumber add(const LongNumber& a, const LongNumber& b) const;
  LongNumber subtract(const LongNumber& a, const LongNumber& b) const;
  // a * b / 2^(64 size). One of the two may be any number of that width; the other must be reduced.
  LongNumber multiply(const LongNumber& a, const LongNumber& b) const;
  // The same into `product`, which may be an operand.
  void multiply(LongNumber& product, const LongNumber& a, const LongNumber& b) const;
  // base^exponent, base and result in Montgomery form. Fixed windows of four bits, and every look-up reads the whole
  // table: the exponent may be secret, but not its width.
  LongNumber power(const LongNumber& base, const LongNumber& exponent) const;

 private:
  LongNumber modulus_;
  Limb negative_inverse_;  // -1 / modulus modulo 2^64
  LongNumber one_;         // 2^(64 size) modulo the modulus
  LongNumber square_of_radix_;
};

}  // namespace limpid::crypto
