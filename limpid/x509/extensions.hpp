// The extensions of certificates and of requests for them (RFC 5280, section 4.2).
#pragma once

#include "limpid/x509/name.hpp"
#include "limpid/x509/public_key.hpp"

namespace limpid::x509 {

// What is wrong with a certificate, or with a request for one.
enum class CertificateFault : std::uint8_t {
  malformed_der,        // see CertificateError::der
  too_large,            // above max_certificate_size
  unsupported_version,  // not 1, 2 or 3
  algorithm_mismatch,   // signatureAlgorithm and tbsCertificate's signature differ
  empty_issuer,
  unexpected_unique_id,   // in version 1
  unexpected_extensions,  // in version 1 or 2
  too_many_extensions,    // above max_extensions
  duplicate_extension,
  bad_basic_constraints,         // a path length where the CA bit or keyCertSign is missing
  bad_key_usage,                 // no bit set, or an unknown one
  bad_alt_name,                  // a dNSName with what no host name has, an iPAddress that is not 4 or 16 octets, ...
  bad_name_constraints,          // neither kind of subtree, or a base that makes no sense
  bad_authority_key_identifier,  // issuer without serial number, or the reverse
};
std::string_view describe(CertificateFault fault);

struct CertificateError {
  CertificateFault fault{};
  std::size_t offset = 0;  // into the certificate, of what is wrong
  asn1::DerError der;      // for malformed_der

  friend bool operator==(const CertificateError&, const CertificateError&) = default;
};
// One line: what is wrong, at which byte, and for DER what was expected and found.
void write_error(Writer& out, const CertificateError& error);

inline constexpr std::size_t max_certificate_size = 64 * 1024;  // and of a request
inline constexpr std::size_t max_extensions = 64;

//     Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
struct Extension {
  Bytes id;  // the identifier's contents octets
  bool critical = false;
  Bytes value;  // the octets of extnValue

  static Extension decode(asn1::DerReader& in);
};
using Extensions = asn1::SequenceOf<Extension>;

//     BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }
struct BasicConstraints {
  bool ca = false;
  std::optional<std::uint32_t> path_length;  // of non-self-issued intermediates that may follow

  friend bool operator==(const BasicConstraints&, const BasicConstraints&) = default;
};

// The named bits of KeyUsage, by their numbers.
enum class KeyUsageBit : std::uint8_t {
  digital_signature,
  content_commitment,
  key_encipherment,
  data_encipherment,
  key_agreement,
  key_cert_sign,
  crl_sign,
  encipher_only,
  decipher_only,
};
std::string_view describe(KeyUsageBit bit);

struct KeyUsage {
  std::uint16_t bits = 0;  // bit n is the named bit n

  constexpr bool has(KeyUsageBit bit) const { return (bits >> static_cast<unsigned>(bit) & 1) != 0; }
  constexpr void set(KeyUsageBit bit) { bits = static_cast<std::uint16_t>(bits | 1u << static_cast<unsigned>(bit)); }
  friend constexpr bool operator==(KeyUsage, KeyUsage) = default;
};

//     ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId
struct KeyPurpose {
  Bytes id;  // the identifier's contents octets

  static KeyPurpose decode(asn1::DerReader& in) { return {in.object_identifier()}; }
};
using KeyPurposes = asn1::SequenceOf<KeyPurpose>;

//     AuthorityKeyIdentifier ::= SEQUENCE {
//        keyIdentifier             [0] KeyIdentifier            OPTIONAL,
//        authorityCertIssuer       [1] GeneralNames             OPTIONAL,
//        authorityCertSerialNumber [2] CertificateSerialNumber  OPTIONAL }
struct AuthorityKeyIdentifier {
  std::optional<Bytes> key_identifier;
  std::optional<GeneralNames> issuer;
  Bytes serial;  // with `issuer` only
};

//     GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] BaseDistance DEFAULT 0, maximum [1] BaseDistance
//     OPTIONAL }
// RFC 5280: "the minimum MUST be zero, and maximum MUST be absent."
struct GeneralSubtree {
  GeneralName base;  // an ip_address has 8 or 32 octets here: address and mask

  static GeneralSubtree decode(asn1::DerReader& in);
};
using GeneralSubtrees = asn1::SequenceOf<GeneralSubtree>;

//     NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, excludedSubtrees [1]
//     GeneralSubtrees OPTIONAL }
struct NameConstraints {
  GeneralSubtrees permitted;
  GeneralSubtrees excluded;
};

// The extensions, and the values of those that decide about validity.
struct Extended {
  Extensions extensions;  // all, recognised or not

  // Absent is not the same as empty.
  std::optional<BasicConstraints> basic_constraints;
  std::optional<KeyUsage> key_usage;
  std::optional<KeyPurposes> ext_key_usage;
  std::optional<GeneralNames> subject_alt_name;
  std::optional<NameConstraints> name_constraints;
  std::optional<Bytes> subject_key_identifier;
  std::optional<AuthorityKeyIdentifier> authority_key_identifier;
  // The first critical extension that path validation does not process; empty if there is none. RFC 5280, section 4.2:
  // "A certificate-using system MUST reject the certificate if it encounters a critical extension it does not
  // recognize". Parsing does not reject it, so that it can be shown.
  Bytes unprocessed_critical;

  bool is_ca() const { return basic_constraints && basic_constraints->ca; }
};

// Reads the SEQUENCE OF Extension at the front of `in`, a reader of `document`, and looks into those listed in
// Extended. What is no DER fails the document; `error` takes what is DER but wrong, unless either failed before.
Extended parse_extensions(asn1::DerReader& in, const asn1::DerDocument& document,
                          std::optional<CertificateError>& error);

}  // namespace limpid::x509
