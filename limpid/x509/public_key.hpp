// Algorithm identifiers and SubjectPublicKeyInfo (RFC 5280, sections 4.1.1.2 and 4.1.2.7).
#pragma once

#include <expected>

#include "limpid/asn1/der_reader.hpp"
#include "limpid/asn1/der_writer.hpp"
#include "limpid/crypto/signature.hpp"

namespace limpid::x509 {

//     AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY DEFINED BY algorithm OPTIONAL }
struct AlgorithmIdentifier {
  Bytes algorithm;   // the identifier's contents octets
  Bytes parameters;  // the whole element; empty if absent

  friend bool operator==(const AlgorithmIdentifier&, const AlgorithmIdentifier&) = default;
};
AlgorithmIdentifier parse_algorithm_identifier(asn1::DerReader& in);
// Whether the parameters are present and NULL.
bool is_null(Bytes parameters);

//     SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
//
// Parsing does not look at the key: one of an unknown type is held all the same.
struct SubjectPublicKeyInfo {
  Bytes der;  // the whole SEQUENCE
  AlgorithmIdentifier algorithm;
  Bytes key;  // the octets of the BIT STRING
};
SubjectPublicKeyInfo parse_public_key_info(asn1::DerReader& in);

enum class PublicKeyFault : std::uint8_t {
  unsupported_key_type,  // neither RSA, id-ecPublicKey nor Ed25519
  unsupported_curve,     // an EC key on another curve than P-256 and P-384
  unsupported_size,  // RSA above crypto::max_rsa_bits, or with a public exponent above crypto::max_rsa_exponent_bits
  weak_key,          // RSA below crypto::min_rsa_bits, or with a public exponent below 65537
  invalid_key,       // parameters or octets that the type does not allow, or a point that is not on the curve
};
std::string_view describe(PublicKeyFault fault);

// RFC 5480, section 2.1.1 (namedCurve and nothing else, the point uncompressed); RFC 8410, section 3 ("For all of the
// OIDs, the parameters MUST be absent."); RFC 3279, section 2.3.1, and RFC 4055, section 3.1, for RSA under
// rsaEncryption and id-RSASSA-PSS, whose parameters restrict the key that is given.
std::expected<crypto::PublicKey, PublicKeyFault> public_key(const SubjectPublicKeyInfo& info);
// The same for the numbers of RSA (`type` is rsa or rsa_pss): big-endian, without leading zeros.
std::expected<crypto::PublicKey, PublicKeyFault> rsa_public_key(crypto::KeyType type, Bytes modulus, Bytes exponent);
// What a key under id-RSASSA-PSS is restricted to by its parameters: it signs with this hash only. Nothing where
// nothing is said, and for other keys.
std::optional<crypto::HashAlgorithm> pss_restriction(const AlgorithmIdentifier& key);
// As "P-256", "Ed25519", "RSA 2048", "P-384"; the dotted identifier if it is unknown.
void write_key_type(Writer& out, const SubjectPublicKeyInfo& info);

// The AlgorithmIdentifier of a key; that of RSASSA-PSS without parameters.
void write_key_algorithm(asn1::DerWriter& out, crypto::KeyType type);
void write_public_key_info(asn1::DerWriter& out, const crypto::PublicKey& key);
// Its subjectPublicKey alone, as a BIT STRING.
void write_public_key_bits(asn1::DerWriter& out, const crypto::PublicKey& key);

enum class SignatureFault : std::uint8_t {
  unsupported,  // an unknown algorithm, or one with parameters that it must not have
  weak,         // over SHA-1 or MD5, for which collisions are made
};

// What to verify with. ECDSA's identifier does not name the curve: the key does. RSASSA-PSS is taken with the mask
// generation over the same hash and a salt of its length only.
std::expected<crypto::SignatureAlgorithm, SignatureFault> signature_algorithm(const AlgorithmIdentifier& algorithm);
void write_signature_algorithm(asn1::DerWriter& out, crypto::SignatureAlgorithm algorithm);
// As "ecdsa-with-SHA256", "RSASSA-PSS with SHA-256"; the dotted identifier if it is unknown.
void write_signature_algorithm_name(Writer& out, const AlgorithmIdentifier& algorithm);

// What a key of this type signs certificates with.
constexpr crypto::SignatureAlgorithm issuing_algorithm(crypto::KeyType type) {
  using Kind = crypto::SignatureAlgorithm::Kind;
  switch (type) {
    case crypto::KeyType::p256:
      return {Kind::ecdsa, crypto::HashAlgorithm::sha256};
    case crypto::KeyType::p384:
      return {Kind::ecdsa, crypto::HashAlgorithm::sha384};
    case crypto::KeyType::ed25519:
      return {Kind::ed25519, crypto::HashAlgorithm::sha512};
    case crypto::KeyType::rsa:
      return {Kind::rsa_pkcs1, crypto::HashAlgorithm::sha256};
    case crypto::KeyType::rsa_pss:
      break;
  }
  return {Kind::rsa_pss, crypto::HashAlgorithm::sha256};
}

}  // namespace limpid::x509
