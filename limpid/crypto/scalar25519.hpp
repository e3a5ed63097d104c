// Arithmetic modulo L, the order of the base points of Ed25519 and X25519 (RFC 8032, section 5.1). Constant time.
#pragma once

#include "limpid/crypto/limbs.hpp"

namespace limpid::crypto::scalar25519 {

inline constexpr Limbs<4> order{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

// Results are below L, but for that of clamped().

// a * b + c modulo L, for any a and b and for c below L.
Limbs<4> multiply_add(const Limbs<4>& a, const Limbs<4>& b, const Limbs<4>& c);

// Modulo L.
Limbs<4> reduce(const Limbs<8>& number);

// The secret scalar in 32 bytes of a private key (RFC 7748, section 5; RFC 8032, section 5.1.5, step 2).
Limbs<4> clamped(std::span<const Byte, 32> bytes);

// A number k as b = (k + 2^256 - 1) / 2 modulo L: the sum of the (2 b_i - 1) 2^i for its bits b_i is k modulo L.
Limbs<4> signed_bits(const Limbs<4>& k);

}  // namespace limpid::crypto::scalar25519
