#include "limpid/crypto/long_number.hpp"

#include "limpid/crypto/modular_inverse.hpp"

namespace limpid::crypto {

LongNumber::LongNumber(std::size_t size, Limb word) : size_(size) {
  if (size == 0 || size > max_size) __builtin_trap();
  std::fill_n(limb_, size, 0);
  limb_[0] = word;
}

LongNumber::LongNumber(const LongNumber& other) : size_(other.size_) { std::copy_n(other.limb_, size_, limb_); }

LongNumber& LongNumber::operator=(const LongNumber& other) {
  size_ = other.size_;
  std::copy_n(other.limb_, size_, limb_);
  return *this;
}

LongNumber LongNumber::from_big_endian(std::size_t size, Bytes bytes) {
  LongNumber number(size);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    number[i / 8] |= Limb{bytes[bytes.size() - 1 - i]} << 8 * (i % 8);
  }
  return number;
}

void LongNumber::to_big_endian(MutableBytes bytes) const {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[bytes.size() - 1 - i] = static_cast<Byte>(limb_[i / 8] >> 8 * (i % 8));
  }
}

LongNumber LongNumber::part(std::size_t first, std::size_t size) const {
  LongNumber part(size);
  std::copy_n(limb_ + first, std::min(size, size_ - first), part.limb_);
  return part;
}

Carry add(LongNumber& a, const LongNumber& b) {
  Carry carry = 0;
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = add_with_carry(a[i], b[i], carry);
  return carry;
}

Carry subtract(LongNumber& a, const LongNumber& b) {
  Carry borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = subtract_with_borrow(a[i], b[i], borrow);
  return borrow;
}

void add_masked(LongNumber& a, const LongNumber& modulus, Limb mask) {
  Carry carry = 0;
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = add_with_carry(a[i], modulus[i] & mask, carry);
}

void subtract_once(Carry carry, LongNumber& a, const LongNumber& modulus) {
  Carry borrow = subtract(a, modulus);
  // All ones if it borrowed and there is nothing to borrow from: then a was below the modulus already.
  add_masked(a, modulus, value_barrier(subtract_with_borrow(carry, 0, borrow)));
}

LongNumber multiply_whole(const LongNumber& a, const LongNumber& b) {
  LongNumber product(a.size() + b.size());
  for (std::size_t i = 0; i < b.size(); ++i) {
    Limb carry = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
      const DoubleLimb sum = DoubleLimb{a[j]} * b[i] + product[i + j] + carry;
      product[i + j] = static_cast<Limb>(sum);
      carry = static_cast<Limb>(sum >> 64);
    }
    product[i + a.size()] = carry;
  }
  return product;
}

LongNumber remainder(const LongNumber& a, const LongNumber& modulus) {
  LongNumber rest(modulus.size());
  for (std::size_t at = 64 * a.size(); at-- > 0;) {
    const Carry carry = add(rest, rest);
    rest[0] |= a.bits(at, 1);
    subtract_once(carry, rest, modulus);
  }
  return rest;
}

LongNumber modular_inverse(const LongNumber& a, const LongNumber& modulus) {
  using namespace division_steps;
  LongNumber inverse(modulus.size());
  SignedLimb work[workspace(LongNumber::max_size)];
  invert_at_run_time(inverse.limbs(), a.limbs(), modulus.limbs(), modulus.size(), work);
  return inverse;
}

Limb mask_if_equal(const LongNumber& a, const LongNumber& b) {
  Limb difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return limpid::mask_if_zero(difference);
}

Limb mask_if_less(const LongNumber& a, const LongNumber& b) {
  Carry borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) subtract_with_borrow(a[i], b[i], borrow);
  return mask_from_bit(borrow);
}

}  // namespace limpid::crypto
