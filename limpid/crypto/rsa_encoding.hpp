// How RSA signatures encode a digest: EMSA-PSS and EMSA-PKCS1-v1_5 (RFC 8017, section 9). Messages are encoded into as
// many bytes as the modulus has, with a zero in front where PSS takes one less.
#pragma once

#include "limpid/crypto/hash.hpp"

namespace limpid::crypto::rsa {

// EM of section 9.2. `encoded` is at least 256 bytes long, which leaves eight bytes of padding and more.
void encode_pkcs1(HashAlgorithm hash, Bytes digest, MutableBytes encoded);

// EM of section 9.1.1 for a modulus of `modulus_bits`, with a salt as long as the digest.
void encode_pss(HashAlgorithm hash, Bytes digest, Bytes salt, std::size_t modulus_bits, MutableBytes encoded,
                CpuFeatures cpu);
// Section 9.1.2. `encoded` is overwritten.
bool verify_pss(HashAlgorithm hash, Bytes digest, std::size_t modulus_bits, MutableBytes encoded, CpuFeatures cpu);

}  // namespace limpid::crypto::rsa
