#include "limpid/crypto/portable/ghash.hpp"

#include <bit>

#include "limpid/core/constant_time.hpp"

namespace limpid::crypto::portable {
namespace {

using Wide = unsigned __int128;

constexpr std::uint64_t every_fifth_bit = 0x1084210842108421;

std::uint64_t load_big_endian(const Byte* from) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | from[i];
  return value;
}

// Bits i, i + 5, i + 10, ... of 128.
consteval Wide every_fifth_of_128(int i) {
  Wide mask = 0;
  for (int bit = i; bit < 128; bit += 5) mask |= Wide{1} << bit;
  return mask;
}
constexpr Wide part_mask[5] = {every_fifth_of_128(0), every_fifth_of_128(1), every_fifth_of_128(2),
                               every_fifth_of_128(3), every_fifth_of_128(4)};

}  // namespace

FieldElement load_field_element(const Byte* from) {
  FieldElement element;
  std::memcpy(&element.low, from, 8);
  std::memcpy(&element.high, from + 8, 8);
  if constexpr (std::endian::native == std::endian::big) {
    element = {std::byteswap(element.low), std::byteswap(element.high)};
  }
  return element;
}

void store_field_element(FieldElement element, Byte* to) {
  for (int i = 0; i < 8; ++i) {
    to[i] = static_cast<Byte>(element.low >> (8 * i));
    to[8 + i] = static_cast<Byte>(element.high >> (8 * i));
  }
}

FieldElement ghash_subkey(const Byte* block) {
  const FieldElement h{load_big_endian(block + 8), load_big_endian(block)};
  // Times x, modulo x^128 + x^127 + x^126 + x^121 + 1.
  const std::uint64_t carry = mask_from_bit(h.high >> 63);
  return {h.low << 1 | (carry & 1), (h.high << 1 | h.low >> 63) ^ (carry & 0xc200000000000000)};
}

Ghash::Sparse Ghash::sparse(std::uint64_t word) {
  Sparse result;
  for (int i = 0; i < 5; ++i) result.part[i] = word & every_fifth_bit << i;
  return result;
}

// Carry-less product. Each integer product of two parts adds up at most 13 ones in every fifth bit, so carries stay
// within the four bits between, which are masked away.
Ghash::Product Ghash::multiply(std::uint64_t a, const Sparse& b) {
  const Sparse parts = sparse(a);
  Wide product = 0;
#pragma GCC unroll 5
  for (int k = 0; k < 5; ++k) {
    Wide sum = 0;
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) sum ^= Wide{parts.part[i]} * b.part[(k - i + 5) % 5];
    product |= sum & part_mask[k];
  }
  return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
}

Ghash::Ghash(FieldElement subkey)
    : subkey_low_(sparse(subkey.low)),
      subkey_high_(sparse(subkey.high)),
      subkey_sum_(sparse(subkey.low ^ subkey.high)) {}

Ghash::~Ghash() { wipe({reinterpret_cast<Byte*>(this), sizeof *this}); }

void Ghash::absorb(std::uint64_t low, std::uint64_t high) {
  low ^= hash_.low;
  high ^= hash_.high;
  // Karatsuba: 256 bits of product from three multiplications.
  const Product p0 = multiply(low, subkey_low_);
  const Product p1 = multiply(high, subkey_high_);
  const Product cross = multiply(low ^ high, subkey_sum_);
  std::uint64_t w0 = p0.low;
  std::uint64_t w1 = p0.high ^ cross.low ^ p0.low ^ p1.low;
  std::uint64_t w2 = p1.low ^ cross.high ^ p0.high ^ p1.high;
  std::uint64_t w3 = p1.high;
  // Divided by x^128: a word at a time, adding the multiple of the modulus that clears the lowest word.
  w1 ^= w0 << 63 ^ w0 << 62 ^ w0 << 57;
  w2 ^= w0 ^ w0 >> 1 ^ w0 >> 2 ^ w0 >> 7;
  w2 ^= w1 << 63 ^ w1 << 62 ^ w1 << 57;
  w3 ^= w1 ^ w1 >> 1 ^ w1 >> 2 ^ w1 >> 7;
  hash_ = {w2, w3};
}

FieldElement ghash_multiply(FieldElement a, FieldElement b) {
  Ghash product(b);
  product.absorb(a.low, a.high);
  return product.hash_;
}

void Ghash::update(Bytes bytes) {
  for (; bytes.size() >= 16; bytes = bytes.subspan(16)) {
    absorb(load_big_endian(bytes.data() + 8), load_big_endian(bytes.data()));
  }
  if (bytes.empty()) return;
  Byte block[16]{};
  copy(bytes, block);
  absorb(load_big_endian(block + 8), load_big_endian(block));
}

void Ghash::update_lengths(std::uint64_t aad, std::uint64_t text) { absorb(text * 8, aad * 8); }

void Ghash::finish(std::span<Byte, 16> out) const {
  for (int i = 0; i < 8; ++i) {
    out[7 - i] = static_cast<Byte>(hash_.high >> (8 * i));
    out[15 - i] = static_cast<Byte>(hash_.low >> (8 * i));
  }
}

}  // namespace limpid::crypto::portable
