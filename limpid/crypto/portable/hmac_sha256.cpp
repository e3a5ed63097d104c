#include "limpid/crypto/portable/hmac_sha256.hpp"

#include "limpid/crypto/portable/sha2.hpp"
#include "limpid/crypto/sha256_constants.hpp"

namespace limpid::crypto::portable {
namespace {

constexpr std::size_t block_size = 64;

// Of the key, with `pad` in every byte of its block, and the message.
Secret<32> hash_behind(std::span<const Byte, 32> key, Byte pad, Bytes message) {
  std::array<std::uint64_t, 8> chaining = sha256_initial_value;
  Secret<2 * block_size> blocks;
  const MutableBytes buffer = blocks.mutable_bytes();
  copy(key, buffer);
  for (Byte& byte : buffer.first(block_size)) byte ^= pad;
  sha256_compress(chaining, buffer.first(block_size));
  const Bytes rest = message.last(message.size() % block_size);
  sha256_compress(chaining, message.first(message.size() - rest.size()));
  // FIPS 180-4, section 5.1.1: the bit 1, zeros, and the length in bits.
  blocks.wipe();
  copy(rest, buffer);
  buffer[rest.size()] = 0x80;
  const MutableBytes last = buffer.first(rest.size() + 1 + 8 <= block_size ? block_size : 2 * block_size);
  std::uint64_t bits = 8 * (block_size + std::uint64_t{message.size()});
  for (std::size_t i = 1; i <= 8; ++i, bits >>= 8) last[last.size() - i] = static_cast<Byte>(bits);
  sha256_compress(chaining, last);
  Secret<32> digest;
  for (std::size_t i = 0; i < 32; ++i) {
    digest.mutable_bytes()[i] = static_cast<Byte>(chaining[i / 4] >> (24 - 8 * (i % 4)));
  }
  wipe({reinterpret_cast<Byte*>(chaining.data()), sizeof chaining});
  return digest;
}

}  // namespace

Secret<32> hmac_sha256(std::span<const Byte, 32> key, Bytes message) {
  return hash_behind(key, 0x5c, hash_behind(key, 0x36, message).bytes());
}

}  // namespace limpid::crypto::portable
