// A request for a certificate: PKCS #10 (RFC 2986).
#pragma once

#include "limpid/x509/extensions.hpp"

namespace limpid::x509 {

//     CertificationRequest ::= SEQUENCE {
//          certificationRequestInfo CertificationRequestInfo,
//          signatureAlgorithm       AlgorithmIdentifier{{ SignatureAlgorithms }},
//          signature                BIT STRING }
//     CertificationRequestInfo ::= SEQUENCE {
//          version       INTEGER { v1(0) } (v1,...),
//          subject       Name,
//          subjectPKInfo SubjectPublicKeyInfo{{ PKInfoAlgorithms }},
//          attributes    [0] Attributes{{ CRIAttributes }} }
//
// Extended holds what the attribute extensionRequest (RFC 2985, section 5.4.2) asks for.
struct CertificationRequest : Extended {
  Bytes der;
  Bytes info;  // what the signature covers
  Name subject;
  SubjectPublicKeyInfo public_key_info;
  AlgorithmIdentifier signature_algorithm;
  Bytes signature;
};

// Parses exactly one request, as strictly as parse_certificate; other attributes are passed over. Views point into
// `der`.
std::expected<CertificationRequest, CertificateError> parse_certification_request(Bytes der);

// Whether who asks has the private key: the signature is one by the key inside. False also if limpid cannot verify it.
bool is_signed_by_its_key(const CertificationRequest& request, CpuFeatures cpu);

}  // namespace limpid::x509
