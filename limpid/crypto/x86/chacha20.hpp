// ChaCha20 (RFC 8439, section 2.4) for CPUs with AVX-512 (CpuFeatures::avx512_ifma), sixteen blocks at a time.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto::x86 {

// Four blocks of key stream, of which block 0 is not for the text: its front is Poly1305's key.
using ChaCha20Beginning = Secret<256>;

void chacha20_begin(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, ChaCha20Beginning& beginning);

// Writes in.size() bytes to `out`: `in` XORed with the key stream from block 1 on, whose beginning is given. `out` is
// in.data() or does not overlap `in`. At most 2^38 - 64 bytes: block numbers have 32 bits.
void chacha20_crypt(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, const ChaCha20Beginning& beginning,
                    Bytes in, Byte* out);

}  // namespace limpid::crypto::x86
