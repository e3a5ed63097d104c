// AES-GCM for CPUs with AES-NI, PCLMULQDQ and SSSE3 (CpuFeatures::aes_pclmul). Same contracts as portable/aes_gcm.hpp.
#pragma once

#include "limpid/crypto/gcm_key.hpp"

namespace limpid::crypto::x86 {

void gcm_expand(Bytes key, GcmKey& expanded);

void gcm_seal(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext, Byte* out);

bool gcm_open(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, MutableBytes text,
              std::span<const Byte, 16> tag);

}  // namespace limpid::crypto::x86
