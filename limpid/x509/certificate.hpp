// An X.509 certificate (RFC 5280, section 4) as a value of views into its DER.
#pragma once

#include "limpid/x509/extensions.hpp"

namespace limpid::x509 {

//     Validity ::= SEQUENCE { notBefore Time, notAfter Time }
// Both ends belong to it.
struct Validity {
  UnixTime not_before;
  UnixTime not_after;

  constexpr bool contains(UnixTime t) const { return not_before <= t && t <= not_after; }
  friend constexpr bool operator==(const Validity&, const Validity&) = default;
};

//     Certificate ::= SEQUENCE { tbsCertificate TBSCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue
//     BIT STRING }
struct Certificate : Extended {
  Bytes der;
  Bytes tbs;  // what the signature covers
  std::uint8_t version = 3;
  Bytes serial;  // the INTEGER's contents octets: as few as possible, two's complement, of any sign and at least one
  AlgorithmIdentifier signature_algorithm;
  Bytes signature;
  Name issuer;
  Validity validity;
  Name subject;
  SubjectPublicKeyInfo public_key_info;

  // RFC 5280, section 3.2: "Self-issued certificates are CA certificates in which the issuer and subject are the same
  // entity."
  bool is_self_issued() const { return names_match(subject, issuer); }
};

// Parses exactly one certificate. What comes back is structurally sound: DER throughout tbsCertificate and inside of
// every extension listed in Certificate, and what RFC 5280 forbids in CertificateFault's list is absent. Nothing is
// verified: not the signature, not the dates, not that the key is one. Other extensions' values are not looked into,
// and rules that RFC 5280 puts on CAs only (which extensions must be critical, positive serial numbers, UTCTime until
// 2049) are not enforced. Views point into `der`. Time is linear in its size, but for the look for duplicates among at
// most max_extensions.
std::expected<Certificate, CertificateError> parse_certificate(Bytes der);

}  // namespace limpid::x509
