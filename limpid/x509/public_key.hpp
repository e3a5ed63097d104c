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
  unsupported_key_type,  // neither id-ecPublicKey nor Ed25519
  unsupported_curve,     // an EC key on another curve than P-256
  invalid_key,           // parameters or octets that the type does not allow, or a point that is not on the curve
};
std::string_view describe(PublicKeyFault fault);

// RFC 5480, section 2.1.1 (namedCurve and nothing else, the point uncompressed), and RFC 8410, section 3 ("For all of
// the OIDs, the parameters MUST be absent.").
std::expected<crypto::PublicKey, PublicKeyFault> public_key(const SubjectPublicKeyInfo& info);
// As "P-256", "Ed25519", "RSA 2048", "P-384"; the dotted identifier if it is unknown.
void write_key_type(Writer& out, const SubjectPublicKeyInfo& info);

void write_public_key_info(asn1::DerWriter& out, const crypto::PublicKey& key);

// The scheme to verify with, if limpid has it. ECDSA's identifier does not name the curve: the key does.
std::optional<crypto::SignatureScheme> signature_scheme(const AlgorithmIdentifier& algorithm);
void write_signature_algorithm(asn1::DerWriter& out, crypto::KeyType type);

}  // namespace limpid::x509
