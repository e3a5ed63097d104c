// Signatures: ECDSA over P-256 and P-384 (FIPS 186-5, signatures in DER as RFC 3279 section 2.2.3 has them), Ed25519
// (RFC 8032), RSASSA-PSS and RSASSA-PKCS1-v1_5 (RFC 8017).
#pragma once

#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/crypto/generator.hpp"
#include "limpid/crypto/hash.hpp"

namespace limpid::crypto {

// TLS code points (RFC 8446, section 4.2.3). Open: a value outside this list may be held, but nothing verifies with it.
enum class SignatureScheme : std::uint16_t {
  rsa_pkcs1_sha256 = 0x0401,  // those of PKCS #1 v1.5: in certificates only
  ecdsa_secp256r1_sha256 = 0x0403,
  rsa_pkcs1_sha384 = 0x0501,
  ecdsa_secp384r1_sha384 = 0x0503,
  rsa_pkcs1_sha512 = 0x0601,
  rsa_pss_rsae_sha256 = 0x0804,
  rsa_pss_rsae_sha384 = 0x0805,
  rsa_pss_rsae_sha512 = 0x0806,
  ed25519 = 0x0807,
  rsa_pss_pss_sha256 = 0x0809,
  rsa_pss_pss_sha384 = 0x080a,
  rsa_pss_pss_sha512 = 0x080b,
};

constexpr bool is_valid(SignatureScheme) { return true; }

// `rsa` is a key under rsaEncryption, `rsa_pss` one under id-RSASSA-PSS, whose use is restricted to PSS (RFC 4055).
enum class KeyType : std::uint8_t { p256 = 1, ed25519 = 2, p384 = 3, rsa = 4, rsa_pss = 5 };

constexpr bool is_valid(KeyType type) { return KeyType::p256 <= type && type <= KeyType::rsa_pss; }
constexpr bool is_rsa(KeyType type) { return type == KeyType::rsa || type == KeyType::rsa_pss; }

namespace schemes {
inline constexpr SignatureScheme p256[] = {SignatureScheme::ecdsa_secp256r1_sha256};
inline constexpr SignatureScheme p384[] = {SignatureScheme::ecdsa_secp384r1_sha384};
inline constexpr SignatureScheme ed25519[] = {SignatureScheme::ed25519};
inline constexpr SignatureScheme rsa[] = {SignatureScheme::rsa_pss_rsae_sha256, SignatureScheme::rsa_pss_rsae_sha384,
                                          SignatureScheme::rsa_pss_rsae_sha512};
inline constexpr SignatureScheme rsa_pss[] = {SignatureScheme::rsa_pss_pss_sha256, SignatureScheme::rsa_pss_pss_sha384,
                                              SignatureScheme::rsa_pss_pss_sha512};
}  // namespace schemes

// The schemes with which a key of this type signs TLS 1.3 handshakes, best first: at least one.
constexpr std::span<const SignatureScheme> schemes_of(KeyType type) {
  switch (type) {
    case KeyType::p384:
      return schemes::p384;
    case KeyType::ed25519:
      return schemes::ed25519;
    case KeyType::rsa:
      return schemes::rsa;
    case KeyType::rsa_pss:
      return schemes::rsa_pss;
    case KeyType::p256:
      break;
  }
  return schemes::p256;
}

// The first of them.
constexpr SignatureScheme scheme_of(KeyType type) { return schemes_of(type).front(); }

// What X.509 signs with, where the hash does not depend on an elliptic curve.
struct SignatureAlgorithm {
  enum class Kind : std::uint8_t { ecdsa, ed25519, rsa_pkcs1, rsa_pss };

  Kind kind = Kind::ecdsa;
  // Of the message; for PSS of the mask generation, too, and its salt is as long as the digest. Ed25519 has its own,
  // SHA-512, whatever stands here.
  HashAlgorithm hash = HashAlgorithm::sha256;

  friend constexpr bool operator==(const SignatureAlgorithm&, const SignatureAlgorithm&) = default;
};

// Nothing for a scheme that is not in the list above.
std::optional<SignatureAlgorithm> algorithm_of(SignatureScheme scheme);

// Sizes of RSA. Less than 2048 bits is weak (SP 800-131A); more than 8192 is a burden without a use, and what a peer
// may make us compute has to end. Public exponents are odd and in [2^16 + 1, 2^33): FIPS 186-5 sets the lower bound,
// and nothing in use is above 2^32 + 1, while an exponent as long as the modulus costs a thousand times as much to
// verify.
inline constexpr std::size_t min_rsa_bits = 2048;
inline constexpr std::size_t max_rsa_bits = 8192;
inline constexpr std::size_t max_rsa_exponent_bits = 33;

// What a SubjectPublicKeyInfo carries: an uncompressed point (65 or 97 bytes), an Ed25519 key (32 bytes), or modulus
// and exponent of RSA.
class PublicKey {
 public:
  PublicKey() = default;  // holds no key: verifies nothing

  // P-256 and P-384: refused unless uncompressed, canonical and on the curve. Ed25519: refused unless 32 bytes long;
  // whether they are a point of large order is for verify to see, which costs as much as a signature. RSA: refused.
  static std::optional<PublicKey> from_bytes(KeyType type, Bytes bytes);
  // `type` is rsa or rsa_pss; the numbers are big-endian without leading zeros. Refused unless they are within the
  // sizes above and odd. That the modulus is a product of two primes is not checked.
  static std::optional<PublicKey> rsa(KeyType type, Bytes modulus, Bytes exponent);

  // The same key, of type rsa_pss, which verifies with this hash only: "If the parameters are present, they MUST be
  // used to restrict the hash algorithm, mask generation function and salt length" (RFC 4055, section 3.1).
  PublicKey restricted_to(HashAlgorithm hash) const;

  KeyType type() const { return type_; }
  std::optional<HashAlgorithm> only_hash() const { return only_hash_; }  // what it is restricted to, if it is
  // Alive as long as this object; empty for RSA, as those of RSA are for the other types.
  Bytes bytes() const { return is_rsa(type_) ? Bytes() : Bytes(number_.span()); }
  Bytes modulus() const { return is_rsa(type_) ? Bytes(number_.span()) : Bytes(); }
  Bytes exponent() const { return exponent_.span(); }

  // The same key, whatever it is restricted to.
  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.type_ == b.type_ && a.number_ == b.number_ && a.exponent_ == b.exponent_;
  }

  static void fields(auto& self, auto&& visit) { visit(self.type_, self.number_, self.exponent_, self.only_hash_); }
  bool restored(const LoadContext& context) const;

 private:
  KeyType type_ = KeyType::p256;
  InlineBytes<max_rsa_bits / 8> number_;                   // the point, the Ed25519 key, the modulus
  InlineBytes<(max_rsa_exponent_bits + 7) / 8> exponent_;  // of RSA
  std::optional<HashAlgorithm> only_hash_;                 // of RSA under id-RSASSA-PSS
};

// False also if the scheme is unknown or not the key's, as those of PKCS #1 v1.5 never are. Variable time: key, message
// and signature are public.
// ECDSA signatures must be DER in its only form (BER variants are refused), 0 < r, s < n. Ed25519: RFC 8032, section
// 5.1.7, without the cofactor; non-canonical points, S >= L and keys of small order are refused. RSA: signatures are as
// long as the modulus and below it; padding is compared whole with the only right one.
bool verify(const PublicKey& key, SignatureScheme scheme, Bytes message, Bytes signature, CpuFeatures cpu);
// The same where any hash may go with a key that is not restricted to one: certificates. A key of type rsa_pss verifies
// with PSS only.
bool verify(const PublicKey& key, SignatureAlgorithm algorithm, Bytes message, Bytes signature, CpuFeatures cpu);

// A signature of at most 1024 bytes, which takes 8192 bits of RSA.
struct Signature {
  std::array<Byte, max_rsa_bits / 8> storage{};
  std::uint16_t size = 0;

  Bytes bytes() const { return Bytes(storage).first(size); }
};

// RSAPrivateKey of RFC 8017, section 3.2: big-endian, leading zeros allowed.
struct RsaPrivateNumbers {
  Bytes n, e, d, p, q, dp, dq, qinv;
};

class PrivateKey {
 public:
  // A scalar of P-256 or P-384, 32 or 48 bytes big-endian, in [1, n-1], or an Ed25519 seed (RFC 8032, section 5.1.5).
  // Nothing if it is not. The public key is computed; compare it with the one that may stand beside the private one in
  // a file.
  static std::optional<PrivateKey> from_bytes(KeyType type, Bytes scalar_or_seed);
  // `type` is rsa or rsa_pss. Nothing unless the public key is one, p and q are half as long as n (rounded up) at most,
  // and everything fits: n = p q, e d = 1 modulo p - 1 and q - 1, dp, dq and qinv follow from them, and a trial
  // signature verifies. Takes about as long as three signatures.
  static std::optional<PrivateKey> rsa(KeyType type, const RsaPrivateNumbers& numbers);
  // Not for RSA.
  static PrivateKey generate(KeyType type, Generator& generator);

  PrivateKey copy() const;

  KeyType type() const { return public_key_.type(); }
  const PublicKey& public_key() const { return public_key_; }
  // What from_bytes takes, for writing a key file; empty for RSA.
  Bytes secret_bytes() const;
  // What rsa() takes, without leading zeros; all empty for the other types. Alive as long as this object.
  RsaPrivateNumbers rsa_numbers() const;

  // Empty if `scheme` is not this key's. `hedge` is mixed into ECDSA's nonce (RFC 6979, section 3.6): fresh entropy
  // protects against faults, and even a repeated one is safe. RSA takes its salt and its blinding from it, likewise
  // together with key and message. Ed25519 is deterministic and ignores it.
  // Leaves no trace of the key or the nonce on the stack below the caller or in vector registers.
  Signature sign(SignatureScheme scheme, Bytes message, std::span<const Byte, 32> hedge, CpuFeatures cpu) const;
  // The same for certificates; empty if the key cannot sign with this.
  Signature sign(SignatureAlgorithm algorithm, Bytes message, std::span<const Byte, 32> hedge, CpuFeatures cpu) const;

 private:
  PrivateKey() = default;

  // The scalar or seed; or d, as long as n, and p, q, dp, dq, qinv, half as long each, rounded up.
  Secret<max_rsa_bits / 8 * 7 / 2> secret_;
  PublicKey public_key_;
};

}  // namespace limpid::crypto
