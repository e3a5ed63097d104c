// Signatures: ECDSA over P-256 with SHA-256 (FIPS 186-5, signatures in DER as RFC 3279 section 2.2.3 has them) and
// Ed25519 (RFC 8032).
#pragma once

#include <optional>

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/generator.hpp"

namespace limpid::crypto {

// TLS code points (RFC 8446, section 4.2.3). Open: a value outside this list may be held, but nothing verifies with it.
enum class SignatureScheme : std::uint16_t { ecdsa_secp256r1_sha256 = 0x0403, ed25519 = 0x0807 };

constexpr bool is_valid(SignatureScheme) { return true; }

enum class KeyType : std::uint8_t { p256 = 1, ed25519 = 2 };

constexpr bool is_valid(KeyType type) { return type == KeyType::p256 || type == KeyType::ed25519; }

// The one scheme that a key of this type signs with.
constexpr SignatureScheme scheme_of(KeyType type) {
  return type == KeyType::p256 ? SignatureScheme::ecdsa_secp256r1_sha256 : SignatureScheme::ed25519;
}

// What a SubjectPublicKeyInfo carries: an uncompressed point (65 bytes) or an Ed25519 key (32 bytes).
class PublicKey {
 public:
  PublicKey() = default;  // holds no key: verifies nothing

  // P-256: refused unless uncompressed, canonical and on the curve. Ed25519: refused unless 32 bytes long; whether they
  // are a point of large order is for verify to see, which costs as much as a signature.
  static std::optional<PublicKey> from_bytes(KeyType type, Bytes bytes);

  KeyType type() const { return type_; }
  // Alive as long as this object.
  Bytes bytes() const { return Bytes(bytes_).first(type_ == KeyType::p256 ? 65 : 32); }

  friend bool operator==(const PublicKey&, const PublicKey&) = default;

  static void fields(auto& self, auto&& visit) { visit(self.type_, self.bytes_); }
  bool restored(const LoadContext& context) const;

 private:
  KeyType type_ = KeyType::p256;
  std::array<Byte, 65> bytes_{};  // what a shorter key does not use is zero
};

// False also if the scheme is unknown or not the key's. Variable time: key, message and signature are public.
// ECDSA signatures must be DER in its only form (BER variants are refused), 0 < r, s < n. Ed25519: RFC 8032, section
// 5.1.7, without the cofactor; non-canonical points, S >= L and keys of small order are refused.
bool verify(const PublicKey& key, SignatureScheme scheme, Bytes message, Bytes signature, CpuFeatures cpu);

// A signature of at most 72 bytes.
struct Signature {
  std::array<Byte, 72> storage{};
  std::uint8_t size = 0;

  Bytes bytes() const { return Bytes(storage).first(size); }
};

class PrivateKey {
 public:
  // A P-256 scalar, 32 bytes big-endian, in [1, n-1], or an Ed25519 seed (RFC 8032, section 5.1.5). Nothing if it is
  // not. The public key is computed; compare it with the one that may stand beside the private one in a file.
  static std::optional<PrivateKey> from_bytes(KeyType type, Bytes scalar_or_seed);
  static PrivateKey generate(KeyType type, Generator& generator);

  KeyType type() const { return public_key_.type(); }
  const PublicKey& public_key() const { return public_key_; }
  // What from_bytes takes, for writing a key file.
  std::span<const Byte, 32> secret_bytes() const { return secret_.bytes(); }

  // Empty if `scheme` is not this key's. `hedge` is mixed into ECDSA's nonce (RFC 6979, section 3.6): fresh entropy
  // protects against faults, and even a repeated one is safe. Ed25519 is deterministic and ignores it.
  // Leaves no trace of the key or the nonce on the stack below the caller or in vector registers.
  Signature sign(SignatureScheme scheme, Bytes message, std::span<const Byte, 32> hedge, CpuFeatures cpu) const;

 private:
  PrivateKey() = default;

  Secret<32> secret_;
  PublicKey public_key_;
};

}  // namespace limpid::crypto
