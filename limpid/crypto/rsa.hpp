// RSA (RFC 8017) on digests and key fields: RSASSA-PSS and RSASSA-PKCS1-v1_5. Keys and schemes: signature.hpp.
#pragma once

#include "limpid/crypto/signature.hpp"

namespace limpid::crypto::rsa {

// Variable time. The key is one of RSA; `digest` is that of the message, by the algorithm's hash.
bool verify(const PublicKey& key, SignatureAlgorithm algorithm, Bytes digest, Bytes signature, CpuFeatures cpu);

// A private key as it is stored: numbers of fixed width, big-endian.
struct PrivateFields {
  Bytes d, p, q, dp, dq, qinv;

  // d is as long as the modulus, the others half as long, rounded up.
  static constexpr std::size_t half_size(std::size_t modulus_size) { return (modulus_size + 1) / 2; }
  static constexpr std::size_t size(std::size_t modulus_size) { return modulus_size + 5 * half_size(modulus_size); }
  // Views of `stored`, which holds at least size(modulus_size) bytes.
  static PrivateFields of(Bytes stored, std::size_t modulus_size);
};

// Whether n = p q, neither of them has more than half the bits of n, rounded up, e d = 1 modulo p - 1 and q - 1, and
// dp, dq, qinv follow. Constant time but for the answer.
bool is_consistent(const PublicKey& key, const PrivateFields& fields);

// Into `signature`, as long as the modulus. The salt of PSS and the blinding come out of key, digest and `hedge`.
// Constant time but for what the result shows; leaves intermediate values on the stack. False, and zeros, if what came
// out does not verify: a fault in the computation would give the key away (Boneh, DeMillo, Lipton, 1997).
bool sign(const PublicKey& key, const PrivateFields& fields, SignatureAlgorithm algorithm, Bytes digest,
          std::span<const Byte, 32> hedge, MutableBytes signature, CpuFeatures cpu);

}  // namespace limpid::crypto::rsa
