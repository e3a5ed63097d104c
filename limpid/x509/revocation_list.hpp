// Certificate revocation lists (RFC 5280, section 5): complete ones by the issuer of the certificate itself.
//
// Not taken: lists that cover a part of the certificates, or those of other issuers (issuingDistributionPoint), and
// lists of changes (deltaCRLIndicator); nor any by another key of the issuer than the one that signed the certificate.
#pragma once

#include "limpid/x509/certificate.hpp"

namespace limpid::x509 {

enum class CrlFault : std::uint8_t {
  malformed_der,  // see CrlError::der
  unsupported_version,
  algorithm_mismatch,  // signatureAlgorithm and tbsCertList's signature differ
  other_issuer,
  unsupported_extension,  // a critical one, of the list or of an entry, or one that says that the list is not complete
  issuer_cannot_sign,     // an issuer without cRLSign
  unsupported_key,        // the issuer's
  unsupported_signature_algorithm,
  weak_signature_algorithm,  // over SHA-1 or MD5
  bad_signature,
  not_yet_valid,   // thisUpdate is in the future
  expired,         // nextUpdate is in the past
  no_next_update,  // nobody knows how long it holds
};
std::string_view describe(CrlFault fault);

struct CrlError {
  CrlFault fault{};
  asn1::DerError der;

  friend bool operator==(const CrlError&, const CrlError&) = default;
};
// One line.
void write_error(Writer& out, const CrlError& error);

struct Revocation {
  UnixTime at;
  std::optional<std::uint32_t> reason;  // CRLReason, if stated
};
// As "keyCompromise"; empty if it is none of RFC 5280, section 5.3.1.
std::string_view crl_reason_name(std::uint32_t reason);

// Whether `certificate`, which `issuer` signed, stands in a list (DER) by the same issuer that holds at this moment.
// Reads the list once from end to end and verifies one signature at most.
std::expected<std::optional<Revocation>, CrlError> check_crl(Bytes list, const Certificate& certificate,
                                                             const Certificate& issuer, UnixTime at, CpuFeatures cpu);

}  // namespace limpid::x509
