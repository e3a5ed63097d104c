// Poly1305 (RFC 8439, section 2.5) for CPUs with AVX-512 IFMA (CpuFeatures::avx512_ifma), sixteen blocks at a time.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto::x86 {

// The tag of section 2.8: over additional data and ciphertext, each padded to whole blocks, and their lengths.
Secret<16> poly1305_tag(std::span<const Byte, 32> one_time_key, Bytes aad, Bytes ciphertext);

}  // namespace limpid::crypto::x86
