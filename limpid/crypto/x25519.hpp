// X25519 (RFC 7748, section 5). Keys are made on the curve of Ed25519, which is the same in other coordinates and has a
// table of multiples of its base point. Agreement has a kernel of its own where the CPU has AVX-512 IFMA.
#pragma once

#include "limpid/core/cpu_features.hpp"
#include "limpid/core/secret.hpp"

namespace limpid::crypto::x25519 {

// The public value of a private one, any 32 bytes. Leaves intermediate values on the stack.
void derive_public_key(std::span<const Byte, 32> private_key, std::span<Byte, 32> public_key);

// False if the result is all zero, as RFC 8446, section 7.4.2, wants it checked; `shared` is written all the same. Leaves
// intermediate values on the stack.
bool agree(std::span<const Byte, 32> private_key, std::span<const Byte, 32> peer_public_key, std::span<Byte, 32> shared,
           CpuFeatures cpu);

}  // namespace limpid::crypto::x25519
