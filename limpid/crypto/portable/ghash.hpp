// GHASH (SP 800-38D, section 6.4) by integer multiplication: no table, no branch, no address that depends on a secret.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto::portable {

// An element of GF(2^128) in the form of GcmKey::powers, as two words.
struct FieldElement {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

FieldElement load_field_element(const Byte* little_endian);
void store_field_element(FieldElement, Byte* little_endian);

// The hash subkey, given as the cipher's big-endian output, in the form of GcmKey::powers.
FieldElement ghash_subkey(const Byte* encrypted_zero_block);

// Products in that form: if a is the form of A times x and b that of B, then this is that of A B.
FieldElement ghash_multiply(FieldElement a, FieldElement b);

class Ghash {
 public:
  explicit Ghash(FieldElement subkey);
  ~Ghash();
  Ghash(const Ghash&) = delete;
  Ghash& operator=(const Ghash&) = delete;

  // Appends `bytes`, padded with zeros to whole blocks.
  void update(Bytes bytes);
  // Appends the block of the two lengths, in bytes here and in bits there.
  void update_lengths(std::uint64_t aad, std::uint64_t text);
  // The hash, in the standard's byte order.
  void finish(std::span<Byte, 16> out) const;

 private:
  // A word taken apart into its bits 0, 5, 10, ..., its bits 1, 6, 11, ... and so on.
  struct Sparse {
    std::uint64_t part[5];
  };
  struct Product {
    std::uint64_t low, high;
  };
  static Sparse sparse(std::uint64_t word);
  static Product multiply(std::uint64_t a, const Sparse& b);
  void absorb(std::uint64_t low, std::uint64_t high);

  friend FieldElement ghash_multiply(FieldElement a, FieldElement b);

  Sparse subkey_low_, subkey_high_, subkey_sum_;
  FieldElement hash_;
};

}  // namespace limpid::crypto::portable
