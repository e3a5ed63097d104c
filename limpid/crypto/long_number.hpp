// Numbers whose width in limbs is known at run time, as RSA's are: one function for all widths, where limbs.hpp has one
// for each. Time depends on widths only, unless said otherwise.
#pragma once

#include "limpid/crypto/limbs.hpp"

namespace limpid::crypto {

// Its limbs up to its size count and are copied; those beyond are never read. Leaves its value on the stack.
class LongNumber {
 public:
  static constexpr std::size_t max_size = 128;

  // `size` is from 1 to max_size.
  explicit LongNumber(std::size_t size, Limb word = 0);
  LongNumber(const LongNumber& other);
  LongNumber& operator=(const LongNumber& other);
  // From 8 * size bytes at most.
  static LongNumber from_big_endian(std::size_t size, Bytes bytes);
  // As 8 * size() bytes at most: the lowest, if it does not fit.
  void to_big_endian(MutableBytes bytes) const;

  std::size_t size() const { return size_; }
  Limb* limbs() { return limb_; }
  const Limb* limbs() const { return limb_; }
  Limb& operator[](std::size_t i) { return limb_[i]; }
  const Limb& operator[](std::size_t i) const { return limb_[i]; }

  // `size` limbs of it from `first`, which is at most size(); those beyond the top are zero.
  LongNumber part(std::size_t first, std::size_t size) const;
  // Bits [at, at + count), count < 64; bits beyond the top are zero.
  Limb bits(std::size_t at, std::size_t count) const { return crypto::bits(limb_, size_, at, count); }

 private:
  std::size_t size_;
  Limb limb_[max_size];
};

// Operands of one width from here on, where nothing else is said.

// a += b; the carry out.
Carry add(LongNumber& a, const LongNumber& b);
// a -= b; the borrow out.
Carry subtract(LongNumber& a, const LongNumber& b);
// a += modulus where `mask` is all ones and not where it is zero; without the carry.
void add_masked(LongNumber& a, const LongNumber& modulus, Limb mask);
// carry * 2^(64 size) + a, which must be below 2 * modulus, reduced below it.
void subtract_once(Carry carry, LongNumber& a, const LongNumber& modulus);
// a * b, as wide as both together, which is at most max_size.
LongNumber multiply_whole(const LongNumber& a, const LongNumber& b);
// a of any width modulo any number above zero, bit by bit: for what is done once for a key.
LongNumber remainder(const LongNumber& a, const LongNumber& modulus);
// 1 / a modulo an odd modulus as wide as a; as modular_inverse.hpp has it.
LongNumber modular_inverse(const LongNumber& a, const LongNumber& modulus);

Limb mask_if_equal(const LongNumber& a, const LongNumber& b);
Limb mask_if_less(const LongNumber& a, const LongNumber& b);

}  // namespace limpid::crypto
