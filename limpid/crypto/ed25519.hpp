// Ed25519 (RFC 8032, section 5.1).
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto::ed25519 {

// These two leave intermediate values on the stack.

// The public key of a seed, any 32 bytes.
void derive_public_key(std::span<const Byte, 32> seed, std::span<Byte, 32> public_key);

// Deterministic. `public_key` must be that of the seed: signing with another would give the private key away.
void sign(std::span<const Byte, 32> seed, std::span<const Byte, 32> public_key, Bytes message,
          std::span<Byte, 64> signature);

// Variable time. Without the cofactor, R compared as bytes; S >= L, non-canonical points, and keys and R of small order
// are refused.
bool verify(std::span<const Byte, 32> public_key, Bytes message, Bytes signature);

}  // namespace limpid::crypto::ed25519
