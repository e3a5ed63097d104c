#include "limpid/x509/certification_request.hpp"

#include "limpid/asn1/oid.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerFault;
using asn1::DerReader;
using asn1::Tag;

//     Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE(1..MAX) OF ANY }
void parse_attribute(DerReader in, CertificationRequest& request, const DerDocument& document,
                     std::optional<CertificateError>& error) {
  const Bytes type = in.object_identifier();
  DerReader values = in.enter(Tag::set);
  in.finish();
  if (type != asn1::oids::extension_request) return;
  // RFC 2985, section 5.4.2: "SINGLE VALUE TRUE". Asked twice, it would not be clear what for.
  if (!request.extensions.empty()) values.fail(DerFault::trailing_data);
  static_cast<Extended&>(request) = parse_extensions(values, document, error);
  values.finish();
}

}  // namespace

std::expected<CertificationRequest, CertificateError> parse_certification_request(Bytes der) {
  if (der.size() > max_certificate_size) return std::unexpected(CertificateError{CertificateFault::too_large, 0, {}});
  DerDocument document(der);
  std::optional<CertificateError> error;
  CertificationRequest request;
  DerReader in(document);
  const asn1::Element whole = in.element(Tag::sequence);
  in.finish();
  DerReader parts = in.of(whole.contents);
  const asn1::Element info = parts.element(Tag::sequence);
  request.der = whole.encoding;
  request.info = info.encoding;
  DerReader fields = in.of(info.contents);
  const std::size_t version_at = static_cast<std::size_t>(fields.position() - der.data());
  if (fields.small_integer(UINT32_MAX) != 0 && !document.failed()) {
    error = CertificateError{CertificateFault::unsupported_version, version_at, {}};
  }
  request.subject = parse_name(fields);
  request.public_key_info = parse_public_key_info(fields);
  // RFC 2986 has no OPTIONAL here, but some who write requests without attributes leave them out.
  if (fields.next_is(asn1::context_constructed(0))) {
    DerReader attributes = fields.enter(asn1::context_constructed(0));
    while (!attributes.empty()) parse_attribute(attributes.sequence(), request, document, error);
  }
  fields.finish();
  request.signature_algorithm = parse_algorithm_identifier(parts);
  request.signature = parts.octets_in_bit_string();
  parts.finish();
  if (error) return std::unexpected(*error);
  if (document.failed()) {
    const asn1::DerError& fault = *document.error();
    return std::unexpected(CertificateError{CertificateFault::malformed_der, fault.offset, fault});
  }
  return request;
}

bool is_signed_by_its_key(const CertificationRequest& request, CpuFeatures cpu) {
  const auto key = public_key(request.public_key_info);
  const auto algorithm = signature_algorithm(request.signature_algorithm);
  return key && algorithm && crypto::verify(*key, *algorithm, request.info, request.signature, cpu);
}

}  // namespace limpid::x509
