// X25519 (RFC 7748, section 5) with AVX-512's 52-bit multiply-add (avx512_ifma): the four products of a step of the
// ladder side by side. Constant time.
#pragma once

#include "limpid/crypto/limbs.hpp"

namespace limpid::crypto::x86 {

// The u coordinate of k times the point with u, for k with bit 254 as its highest; neither k nor u need be reduced.
Limbs<4> multiply_u(const Limbs<4>& k, const Limbs<4>& u);

}  // namespace limpid::crypto::x86
