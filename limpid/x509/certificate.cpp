#include "limpid/x509/certificate.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerFault;
using asn1::DerReader;
using asn1::Tag;

class CertificateParser {
 public:
  explicit CertificateParser(Bytes der) : document_(der) {}

  std::expected<Certificate, CertificateError> parse() {
    parse_certificate();
    if (error_) return std::unexpected(*error_);
    if (const auto& error = document_.error()) {
      return std::unexpected(CertificateError{CertificateFault::malformed_der, error->offset, *error});
    }
    return certificate_;
  }

 private:
  void fail(CertificateFault fault, Bytes where) {
    if (error_ || document_.failed()) return;
    error_ = CertificateError{fault, static_cast<std::size_t>(where.data() - document_.der().data()), {}};
  }

  void parse_certificate() {
    DerReader in(document_);
    const asn1::Element whole = in.element(Tag::sequence);
    in.finish();
    DerReader parts = in.of(whole.contents);
    const asn1::Element tbs = parts.element(Tag::sequence);
    certificate_.der = whole.encoding;
    certificate_.tbs = tbs.encoding;
    parse_tbs(in.of(tbs.contents));
    const Bytes algorithm_at(parts.position(), std::size_t{0});
    const AlgorithmIdentifier algorithm = parse_algorithm_identifier(parts);
    // RFC 5280, section 4.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the
    // sequence tbsCertificate".
    if (algorithm != certificate_.signature_algorithm) fail(CertificateFault::algorithm_mismatch, algorithm_at);
    certificate_.signature = parts.octets_in_bit_string();
    parts.finish();
  }

  // TBSCertificate ::= SEQUENCE {
  //      version         [0]  EXPLICIT Version DEFAULT v1,
  //      serialNumber         CertificateSerialNumber,
  //      signature            AlgorithmIdentifier,
  //      issuer               Name,
  //      validity             Validity,
  //      subject              Name,
  //      subjectPublicKeyInfo SubjectPublicKeyInfo,
  //      issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
  //      subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
  //      extensions      [3]  EXPLICIT Extensions OPTIONAL }
  void parse_tbs(DerReader tbs) {
    Certificate& c = certificate_;
    c.version = 1;
    if (tbs.next_is(asn1::context_constructed(0))) parse_version(tbs.enter(asn1::context_constructed(0)));
    c.serial = tbs.integer();
    c.signature_algorithm = parse_algorithm_identifier(tbs);
    c.issuer = parse_name(tbs);
    // RFC 5280, section 4.1.2.4: "The issuer field MUST contain a non-empty distinguished name (DN)."
    if (c.issuer.empty()) fail(CertificateFault::empty_issuer, c.issuer.der);
    DerReader validity = tbs.sequence();
    c.validity.not_before = validity.time();
    c.validity.not_after = validity.time();
    validity.finish();
    c.subject = parse_name(tbs);
    c.public_key_info = parse_public_key_info(tbs);
    for (const unsigned n : {1u, 2u}) {
      if (!tbs.next_is(asn1::context(n))) continue;
      // RFC 5280, section 4.1.2.8: "These fields MUST only appear if the version is 2 or 3".
      if (c.version == 1) fail(CertificateFault::unexpected_unique_id, {tbs.position(), std::size_t{0}});
      tbs.bit_string(asn1::context(n));
    }
    if (tbs.next_is(asn1::context_constructed(3))) {
      // RFC 5280, section 4.1.2.9: "This field MUST only appear if the version is 3".
      if (c.version != 3) fail(CertificateFault::unexpected_extensions, {tbs.position(), std::size_t{0}});
      DerReader explicit_extensions = tbs.enter(asn1::context_constructed(3));
      static_cast<Extended&>(c) = parse_extensions(explicit_extensions, document_, error_);
      explicit_extensions.finish();
    }
    tbs.finish();
  }

  void parse_version(DerReader in) {
    const Bytes at(in.position(), std::size_t{0});
    const std::uint32_t version = in.small_integer(UINT32_MAX);
    in.finish();
    if (version == 0) in.fail(DerFault::bad_default);
    if (version > 2) fail(CertificateFault::unsupported_version, at);
    certificate_.version = static_cast<std::uint8_t>(version + 1);
  }

  DerDocument document_;
  Certificate certificate_;
  std::optional<CertificateError> error_;
};

}  // namespace

std::expected<Certificate, CertificateError> parse_certificate(Bytes der) {
  if (der.size() > max_certificate_size) return std::unexpected(CertificateError{CertificateFault::too_large, 0, {}});
  return CertificateParser(der).parse();
}

}  // namespace limpid::x509
