// AES-GCM for CPUs with VAES, VPCLMULQDQ and AVX-512 (CpuFeatures::vaes_avx512), sixteen blocks at a time. Keys are
// expanded by aes_gcm.hpp's gcm_expand. Same contracts as portable/aes_gcm.hpp.
#pragma once

#include "limpid/crypto/gcm_key.hpp"

namespace limpid::crypto::x86 {

void vaes_gcm_seal(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext, Byte* out);

bool vaes_gcm_open(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, MutableBytes text,
                   std::span<const Byte, 16> tag);

}  // namespace limpid::crypto::x86
