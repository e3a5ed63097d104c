#include "limpid/crypto/generator.hpp"

#include <sodium.h>

#include "limpid/crypto/portable/hmac_sha256.hpp"

namespace limpid::crypto {
namespace {

// The nonce is always zero: no key is used for a second draw.
constexpr Byte zero_nonce[crypto_stream_chacha20_ietf_NONCEBYTES]{};

}  // namespace

void Generator::fill(MutableBytes out) {
  // Block 0 holds the next key, then the first 32 bytes drawn; blocks 1 and up hold the rest.
  Secret<64> block;
  crypto_stream_chacha20_ietf(block.mutable_bytes().data(), block.size, zero_nonce, key_.bytes().data());
  const std::size_t in_block = std::min<std::size_t>(out.size(), 32);
  copy(Bytes(block.bytes()).subspan(32, in_block), out);
  const MutableBytes rest = out.subspan(in_block);
  if (!rest.empty()) {
    std::memset(rest.data(), 0, rest.size());
    crypto_stream_chacha20_ietf_xor_ic(rest.data(), rest.data(), rest.size(), zero_nonce, 1, key_.bytes().data());
  }
  copy(Bytes(block.bytes()).first(32), key_.mutable_bytes());
}

void Generator::mix(Bytes entropy) { key_ = portable::hmac_sha256(key_.bytes(), entropy); }

}  // namespace limpid::crypto
