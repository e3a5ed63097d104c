#include "limpid/crypto/long_montgomery.hpp"

#include "limpid/crypto/modular_inverse.hpp"

namespace limpid::crypto {

LongMontgomery::LongMontgomery(const LongNumber& modulus, std::size_t known_bits)
    : modulus_(modulus),
      negative_inverse_(0 - invert_limb(modulus[0])),
      one_(modulus.size()),
      square_of_radix_(modulus.size()) {
  const std::size_t size = modulus.size();
  one_[(known_bits - 1) / 64] = Limb{1} << (known_bits - 1) % 64;
  for (std::size_t i = known_bits - 1; i < 64 * size; ++i) one_ = add(one_, one_);
  // From 2^size in Montgomery form, six squarings lead to 2^(64 size) in Montgomery form.
  square_of_radix_ = one_;
  for (std::size_t i = 0; i < size; ++i) square_of_radix_ = add(square_of_radix_, square_of_radix_);
  for (int i = 0; i < 6; ++i) multiply(square_of_radix_, square_of_radix_, square_of_radix_);
}

LongNumber LongMontgomery::add(const LongNumber& a, const LongNumber& b) const {
  LongNumber sum = a;
  const Carry carry = crypto::add(sum, b);
  subtract_once(carry, sum, modulus_);
  return sum;
}

LongNumber LongMontgomery::subtract(const LongNumber& a, const LongNumber& b) const {
  LongNumber difference = a;
  const Limb mask = mask_from_bit(crypto::subtract(difference, b));
  add_masked(difference, modulus_, mask);
  return difference;
}

LongNumber LongMontgomery::multiply(const LongNumber& a, const LongNumber& b) const {
  LongNumber product(a.size());
  multiply(product, a, b);
  return product;
}

// Finely integrated operand scanning (Koc, Acar, Kaliski, 1996): one pass over each number for a limb of b.
void LongMontgomery::multiply(LongNumber& product, const LongNumber& by_a, const LongNumber& by_b) const {
  const std::size_t size = modulus_.size();
  const Limb *const a = by_a.limbs(), *const b = by_b.limbs(), *const modulus = modulus_.limbs();
  Limb t[LongNumber::max_size];
  std::fill_n(t, size, 0);
  Carry top = 0;
  for (std::size_t i = 0; i < size; ++i) {
    DoubleLimb of_a = DoubleLimb{a[0]} * b[i] + t[0];
    const Limb multiple = static_cast<Limb>(of_a) * negative_inverse_;
    DoubleLimb of_modulus = DoubleLimb{modulus[0]} * multiple + static_cast<Limb>(of_a);
    for (std::size_t j = 1; j < size; ++j) {
      of_a = DoubleLimb{a[j]} * b[i] + t[j] + static_cast<Limb>(of_a >> 64);
      of_modulus = DoubleLimb{modulus[j]} * multiple + static_cast<Limb>(of_a) + static_cast<Limb>(of_modulus >> 64);
      t[j - 1] = static_cast<Limb>(of_modulus);
    }
    const DoubleLimb highest = (of_a >> 64) + (of_modulus >> 64) + top;
    t[size - 1] = static_cast<Limb>(highest);
    top = static_cast<Carry>(highest >> 64);
  }
  // As subtract_once does, which is built for size.
  Carry borrow = 0;
  for (std::size_t i = 0; i < size; ++i) product[i] = subtract_with_borrow(t[i], modulus_[i], borrow);
  const Limb was_below = value_barrier(subtract_with_borrow(top, 0, borrow));
  for (std::size_t i = 0; i < size; ++i) product[i] = limpid::select(was_below, t[i], product[i]);
}

LongNumber LongMontgomery::power(const LongNumber& base, const LongNumber& exponent) const {
  constexpr std::size_t window = 4, entries = std::size_t{1} << window;
  const std::size_t size = modulus_.size();
  Limb table[entries * LongNumber::max_size];
  LongNumber result = one_;
  for (std::size_t i = 0; i < entries; ++i) {
    std::copy_n(result.limbs(), size, table + i * size);
    multiply(result, result, base);
  }
  result = one_;
  LongNumber factor(size);
  for (std::size_t at = 64 * exponent.size(); at > 0;) {
    at -= window;
    for (std::size_t i = 0; i < window; ++i) multiply(result, result, result);
    Limb masks[entries];
    for (std::size_t i = 0; i < entries; ++i) masks[i] = limpid::mask_if_zero(exponent.bits(at, window) ^ i);
    for (std::size_t j = 0; j < size; ++j) {
      factor[j] = 0;
      for (std::size_t i = 0; i < entries; ++i) factor[j] |= table[i * size + j] & masks[i];
    }
    multiply(result, result, factor);
  }
  return result;
}

}  // namespace limpid::crypto
