#include "limpid/crypto/ed25519.hpp"

#include <sodium.h>

namespace limpid::crypto::ed25519 {

void derive_public_key(std::span<const Byte, 32> seed, std::span<Byte, 32> public_key) {
  Secret<64> unused;  // libsodium's secret key: the seed and the public key
  crypto_sign_ed25519_seed_keypair(public_key.data(), unused.mutable_bytes().data(), seed.data());
}

void sign(std::span<const Byte, 32> seed, std::span<const Byte, 32> public_key, Bytes message,
          std::span<Byte, 64> signature) {
  Secret<64> secret_key;
  copy(seed, secret_key.mutable_bytes().first<32>());
  copy(public_key, secret_key.mutable_bytes().last<32>());
  crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(), message.size(), secret_key.bytes().data());
}

bool verify(std::span<const Byte, 32> public_key, Bytes message, Bytes signature) {
  if (signature.size() != 64) return false;
  return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(), public_key.data()) == 0;
}

}  // namespace limpid::crypto::ed25519
