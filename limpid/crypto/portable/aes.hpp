// AES (FIPS 197), bitsliced: no table, no branch and no address depends on a key or a text.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto::portable {

// The key schedule of a 16- or 32-byte key: 16 bytes for the initial round key and each round, 10 or 14 rounds.
// Returns the number of rounds.
unsigned aes_expand(Bytes key, MutableBytes round_keys);

// AES in the counter mode of GCM: blocks are encrypted eight at a time.
class AesCounter {
 public:
  static constexpr std::size_t batch_size = 8 * 16;
  using Batch = Secret<batch_size>;

  // Counter blocks are `nonce` followed by a 32-bit big-endian counter, which goes up from `counter`.
  AesCounter(Bytes round_keys, unsigned rounds, std::span<const Byte, 12> nonce, std::uint32_t counter);
  ~AesCounter();
  AesCounter(const AesCounter&) = delete;
  AesCounter& operator=(const AesCounter&) = delete;

  // The next eight blocks of key stream.
  void next(Batch& key_stream);

 private:
  std::uint64_t round_keys_[15][8];  // bitsliced
  unsigned rounds_;
  std::uint32_t nonce_[3];
  std::uint32_t counter_;
};

// The inverse cipher, in place. Slow, for what is read once.
void aes_decrypt_block(Bytes round_keys, unsigned rounds, std::span<Byte, 16> block);

}  // namespace limpid::crypto::portable
