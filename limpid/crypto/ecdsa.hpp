// ECDSA over P-256 and P-384 (FIPS 186-5, section 6), on digests and raw numbers. Keys and schemes: signature.hpp.
#pragma once

#include <initializer_list>

#include "limpid/crypto/elliptic_curve.hpp"
#include "limpid/crypto/hmac.hpp"

namespace limpid::crypto::ecdsa {

template <class Curve>
struct RawSignature {
  typename Curve::Number r, s;
};

// What RFC 6979, section 3.2, draws nonces from, given private key and reduced digest as bytes.
class NonceBytes {
 public:
  NonceBytes(HashAlgorithm hash, Bytes private_key, Bytes digest, Bytes additional, CpuFeatures cpu);

  // Step h, but for its test: the next candidate, as long as the key.
  void next(MutableBytes candidate);

 private:
  void rekey(std::initializer_list<Bytes> pieces);  // K = HMAC_K(V || pieces), then V = HMAC_K(V)
  void advance();                                   // V = HMAC_K(V)

  HashAlgorithm hash_;
  HashSecret k_, v_;
  CpuFeatures cpu_;
  bool drawn_ = false;
};

// The nonces of RFC 6979, section 3.2, for a private key in [1, n-1] and the digest of a message by the hash named,
// which the generator uses as well, with the additional data of section 3.6: with none, nonces are the deterministic
// ones.
template <class Curve>
class NonceGenerator {
 public:
  using Number = typename Curve::Number;

  NonceGenerator(const Number& private_key, HashAlgorithm hash, Bytes digest, Bytes additional, CpuFeatures cpu);

  // The next candidate in [1, n-1]. A second one is for a nonce that gave no signature.
  void next(Number& nonce);

 private:
  NonceBytes bytes_;
};

// Digests may be shorter or longer than n: what counts is their leftmost bits, as many as n has.

// Constant time but for what the result shows. Nothing for one nonce in n, whose r or s is zero.
template <class Curve>
std::optional<RawSignature<Curve>> sign_with_nonce(const typename Curve::Number& private_key, Bytes digest,
                                                   const typename Curve::Number& nonce, CpuFeatures cpu);
// With nonces as above; leaves intermediate values on the stack.
template <class Curve>
RawSignature<Curve> sign(const typename Curve::Number& private_key, HashAlgorithm hash, Bytes digest, Bytes additional,
                         CpuFeatures cpu);

// Variable time. `public_key` is a point on the curve.
template <class Curve>
bool verify(const AffinePointOf<Curve>& public_key, Bytes digest, const RawSignature<Curve>& signature,
            CpuFeatures cpu);

// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279, section 2.2.3), as DER.
template <class Curve>
inline constexpr std::size_t max_encoded_size = 2 + 2 * (2 + 1 + scalar_size<Curve>);
// Bytes written to the front of `out`.
template <class Curve>
std::size_t encode(const RawSignature<Curve>& signature, std::span<Byte, max_encoded_size<Curve>> out);
// Nothing unless it is DER, of two numbers in [0, 2^256) or [0, 2^384).
template <class Curve>
std::optional<RawSignature<Curve>> decode(Bytes encoded);

}  // namespace limpid::crypto::ecdsa
