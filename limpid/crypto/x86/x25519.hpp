// X25519 (RFC 7748, section 5) with AVX-512's 52-bit multiply-add (avx512_ifma): the four products of a step of the
// ladder side by side. Constant time.
#pragma once

#include "limpid/crypto/limbs.hpp"

namespace limpid::crypto::x86 {

// The whole function: clamps the scalar, ignores the peer's highest bit, takes coordinates that are not reduced.
void x25519(std::span<const Byte, 32> private_key, std::span<const Byte, 32> peer_public_key,
            std::span<Byte, 32> shared);

}  // namespace limpid::crypto::x86
