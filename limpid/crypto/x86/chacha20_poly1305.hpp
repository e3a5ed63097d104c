// ChaCha20-Poly1305 for CPUs with AVX-512 IFMA (CpuFeatures::avx512_ifma). Same contracts as
// portable/chacha20_poly1305.hpp.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::crypto::x86 {

void chacha20_poly1305_seal(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext,
                            Byte* out);

bool chacha20_poly1305_open(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad,
                            MutableBytes text, std::span<const Byte, 16> tag);

}  // namespace limpid::crypto::x86
