#include "limpid/crypto/x25519.hpp"

#include <sodium.h>

namespace limpid::crypto::x25519 {

void derive_public_key(std::span<const Byte, 32> private_key, std::span<Byte, 32> public_key) {
  crypto_scalarmult_curve25519_base(public_key.data(), private_key.data());
}

bool agree(std::span<const Byte, 32> private_key, std::span<const Byte, 32> peer_public_key,
           std::span<Byte, 32> shared) {
  const int refused = crypto_scalarmult_curve25519(shared.data(), private_key.data(), peer_public_key.data());
  return !declassify(static_cast<std::uint64_t>(refused));  // 0, or -1 for all zero
}

}  // namespace limpid::crypto::x25519
