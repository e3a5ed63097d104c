// ECDSA over P-256 with SHA-256 (FIPS 186-5, section 6), on digests and raw numbers. Keys and schemes: signature.hpp.
#pragma once

#include <initializer_list>

#include "limpid/core/secret.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/crypto/p256_point.hpp"

namespace limpid::crypto::ecdsa {

using p256::Number;

struct RawSignature {
  Number r, s;
};

// The nonces of RFC 6979, section 3.2, for a private key in [1, n-1] and a digest of the message, with the additional
// data of section 3.6: with none, nonces are the deterministic ones.
class NonceGenerator {
 public:
  NonceGenerator(const Number& private_key, std::span<const Byte, 32> digest, Bytes additional, CpuFeatures cpu);

  // The next candidate in [1, n-1]. A second one is for a nonce that gave no signature.
  void next(Number& nonce);

 private:
  void rekey(std::initializer_list<Bytes> pieces);  // K = HMAC_K(V || pieces), then V = HMAC_K(V)
  void advance();                                   // V = HMAC_K(V)

  Secret<32> k_, v_;
  CpuFeatures cpu_;
  bool drawn_ = false;
};

// Constant time but for what the result shows. Nothing for one nonce in 2^256, whose r or s is zero.
std::optional<RawSignature> sign_with_nonce(const Number& private_key, std::span<const Byte, 32> digest,
                                            const Number& nonce);
// With nonces as above; leaves intermediate values on the stack.
RawSignature sign(const Number& private_key, std::span<const Byte, 32> digest, Bytes additional, CpuFeatures cpu);

// Variable time. `public_key` is a point on the curve.
bool verify(const p256::AffinePoint& public_key, std::span<const Byte, 32> digest, const RawSignature& signature);

// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279, section 2.2.3), as DER.
inline constexpr std::size_t max_encoded_size = 72;
// Bytes written to the front of `out`.
std::size_t encode(const RawSignature& signature, std::span<Byte, max_encoded_size> out);
// Nothing unless it is DER, of two numbers in [0, 2^256).
std::optional<RawSignature> decode(Bytes encoded);

}  // namespace limpid::crypto::ecdsa
