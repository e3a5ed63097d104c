#include "limpid/crypto/aes_cbc.hpp"

#include "limpid/crypto/portable/aes.hpp"

namespace limpid::crypto {
namespace {

constexpr std::size_t block_size = 16;

// 0 if the last block does not end in a padding.
std::size_t padding_of(Bytes last_block) {
  const std::uint64_t size = last_block.back();
  std::uint64_t wrong = mask_if_zero(size) | ~mask_from_bit((size - block_size - 1) >> 63);
  for (std::size_t i = 0; i < block_size; ++i) {
    const std::uint64_t is_padding = mask_from_bit((block_size - i - 1 - size) >> 63);
    wrong |= is_padding & ~mask_if_zero(last_block[i] ^ size);
  }
  return declassify(~wrong) ? static_cast<std::size_t>(size) : 0;
}

}  // namespace

std::optional<std::size_t> aes_cbc_decrypt(Bytes key, std::span<const Byte, 16> iv, Bytes ciphertext,
                                           MutableBytes plaintext) {
  if (ciphertext.empty() || ciphertext.size() % block_size != 0) {
    wipe(plaintext);
    return std::nullopt;
  }
  Secret<15 * block_size> round_keys;
  const unsigned rounds = portable::aes_expand(key, round_keys.mutable_bytes());
  Bytes previous = iv;
  for (std::size_t at = 0; at < ciphertext.size(); at += block_size) {
    const auto block = plaintext.subspan(at).first<block_size>();
    copy(ciphertext.subspan(at, block_size), block);
    portable::aes_decrypt_block(round_keys.bytes(), rounds, block);
    for (std::size_t i = 0; i < block_size; ++i) block[i] ^= previous[i];
    previous = ciphertext.subspan(at, block_size);
  }
  const std::size_t padding = padding_of(Bytes(plaintext).last(block_size));
  if (padding != 0) return ciphertext.size() - padding;
  wipe(plaintext);
  return std::nullopt;
}

}  // namespace limpid::crypto
