#include "limpid/x509/ocsp.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/crypto/sha1.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerReader;
using asn1::Tag;
namespace oids = asn1::oids;

constexpr std::size_t most_certificates = 8;

// Whether `digest` is that of `bytes`, by SHA-1 or SHA-256, as CertID's hashAlgorithm says.
bool is_hash_of(Bytes algorithm, Bytes digest, Bytes bytes, CpuFeatures cpu) {
  if (algorithm == oids::sha1) return digest == Bytes(crypto::sha1(bytes));
  return algorithm == oids::sha256 && digest == crypto::hash(crypto::HashAlgorithm::sha256, bytes, cpu).bytes();
}

//     CertID ::= SEQUENCE {
//        hashAlgorithm  AlgorithmIdentifier,
//        issuerNameHash OCTET STRING,
//        issuerKeyHash  OCTET STRING,
//        serialNumber   CertificateSerialNumber }
bool read_is_about(DerReader in, const Certificate& certificate, const Certificate& issuer, CpuFeatures cpu) {
  const AlgorithmIdentifier algorithm = parse_algorithm_identifier(in);
  const Bytes name_hash = in.octet_string();
  const Bytes key_hash = in.octet_string();
  const Bytes serial = in.integer();
  in.finish();
  return !in.failed() && serial == certificate.serial &&
         is_hash_of(algorithm.algorithm, name_hash, issuer.subject.der, cpu) &&
         is_hash_of(algorithm.algorithm, key_hash, issuer.public_key_info.key, cpu);
}

//     CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT NULL }
//     RevokedInfo ::= SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL }
void read_status(DerReader& in, OcspAnswer& answer) {
  if (in.next_is(asn1::context_constructed(1))) {
    answer.status = OcspStatus::revoked;
    DerReader revoked = in.enter(asn1::context_constructed(1));
    answer.revoked_at = revoked.time();
    if (revoked.next_is(asn1::context_constructed(0))) {
      DerReader reason = revoked.enter(asn1::context_constructed(0));
      answer.reason = reason.small_integer(UINT32_MAX, Tag::enumerated);
      reason.finish();
    }
    return revoked.finish();
  }
  answer.status = in.next_is(asn1::context(0)) ? OcspStatus::good : OcspStatus::unknown;
  in.enter(asn1::context(answer.status == OcspStatus::good ? 0 : 2)).finish();
}

// False if one is critical; none of those that exist needs to be understood here but the nonce, which is not critical.
bool read_extensions(DerReader in) {
  DerReader elements = in.sequence();
  in.finish();
  bool harmless = true;
  while (!elements.empty()) {
    const Extension extension = Extension::decode(elements);
    harmless = harmless && !extension.critical;
  }
  return harmless;
}

std::optional<UnixTime> read_optional_time(DerReader& in, Tag tag) {
  if (!in.next_is(tag)) return std::nullopt;
  DerReader inner = in.enter(tag);
  const UnixTime time = inner.time();
  inner.finish();
  return time;
}

class Check {
 public:
  Check(Bytes response, const Certificate& certificate, const Certificate& issuer, UnixTime at, CpuFeatures cpu)
      : document_(response), certificate_(certificate), issuer_(issuer), at_(at), cpu_(cpu) {}

  std::expected<OcspAnswer, OcspError> run() {
    read_response();
    if (document_.failed()) return std::unexpected(OcspError{OcspFault::malformed_der, *document_.error()});
    if (!fault_ && !answer_) fail(OcspFault::other_certificate);
    if (!fault_) check_signature();
    if (!fault_) check_times();
    if (fault_) return std::unexpected(OcspError{*fault_, {}});
    return *answer_;
  }

 private:
  void fail(OcspFault fault) {
    if (!fault_) fault_ = fault;
  }

  //     OCSPResponse ::= SEQUENCE {
  //        responseStatus ENUMERATED,
  //        responseBytes  [0] EXPLICIT SEQUENCE { responseType OBJECT IDENTIFIER, response OCTET STRING } OPTIONAL }
  void read_response() {
    DerReader in(document_);
    DerReader whole = in.sequence();
    in.finish();
    if (whole.small_integer(UINT32_MAX, Tag::enumerated) != 0) return fail(OcspFault::not_successful);
    DerReader bytes = whole.enter(asn1::context_constructed(0));
    whole.finish();
    DerReader typed = bytes.sequence();
    bytes.finish();
    const Bytes type = typed.object_identifier();
    const Bytes response = typed.octet_string();
    typed.finish();
    if (type != oids::ocsp_basic) return fail(OcspFault::unknown_type);
    read_basic_response(typed.of(response));
  }

  //     BasicOCSPResponse ::= SEQUENCE {
  //        tbsResponseData    ResponseData,
  //        signatureAlgorithm AlgorithmIdentifier,
  //        signature          BIT STRING,
  //        certs              [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
  void read_basic_response(DerReader in) {
    DerReader parts = in.sequence();
    in.finish();
    const asn1::Element data = parts.element(Tag::sequence);
    signed_ = data.encoding;
    read_data(parts.of(data.contents));
    algorithm_ = parse_algorithm_identifier(parts);
    signature_ = parts.octets_in_bit_string();
    if (parts.next_is(asn1::context_constructed(0))) {
      DerReader explicit_certificates = parts.enter(asn1::context_constructed(0));
      DerReader certificates = explicit_certificates.sequence();
      explicit_certificates.finish();
      while (!certificates.empty()) {
        const asn1::Element each = certificates.element(Tag::sequence);
        if (certificates_count_ < most_certificates) certificates_[certificates_count_++] = each.encoding;
      }
    }
    parts.finish();
  }

  //     ResponseData ::= SEQUENCE {
  //        version            [0] EXPLICIT Version DEFAULT v1,
  //        responderID        ResponderID,
  //        producedAt         GeneralizedTime,
  //        responses          SEQUENCE OF SingleResponse,
  //        responseExtensions [1] EXPLICIT Extensions OPTIONAL }
  void read_data(DerReader in) {
    if (in.next_is(asn1::context_constructed(0))) {
      in.any();
      fail(OcspFault::unknown_type);  // version 1 is the default, and there is no other
    }
    read_responder(in);
    in.time();
    DerReader responses = in.sequence();
    while (!responses.empty()) read_single_response(responses.sequence());
    if (in.next_is(asn1::context_constructed(1)) && !read_extensions(in.enter(asn1::context_constructed(1)))) {
      fail(OcspFault::unknown_critical_extension);
    }
    in.finish();
  }

  //     ResponderID ::= CHOICE { byName [1] EXPLICIT Name, byKey [2] EXPLICIT KeyHash }
  void read_responder(DerReader& in) {
    const bool by_name = in.next_is(asn1::context_constructed(1));
    DerReader id = in.enter(asn1::context_constructed(by_name ? 1 : 2));
    if (by_name) {
      responder_name_ = parse_name(id);
    } else {
      responder_key_hash_ = id.octet_string();
    }
    id.finish();
  }

  // The first that is about the certificate counts.
  void read_single_response(DerReader in) {
    const bool about = read_is_about(in.sequence(), certificate_, issuer_, cpu_);
    OcspAnswer answer;
    read_status(in, answer);
    answer.this_update = in.time();
    answer.next_update = read_optional_time(in, asn1::context_constructed(0));
    const bool harmless =
        !in.next_is(asn1::context_constructed(1)) || read_extensions(in.enter(asn1::context_constructed(1)));
    in.finish();
    if (!about || answer_ || in.failed()) return;
    if (!harmless) fail(OcspFault::unknown_critical_extension);
    answer_ = answer;
  }

  bool is_responder(const Certificate& candidate) const {
    if (responder_name_) return names_match(*responder_name_, candidate.subject);
    return responder_key_hash_ == Bytes(crypto::sha1(candidate.public_key_info.key));
  }

  void check_signature() {
    const auto algorithm = signature_algorithm(algorithm_);
    if (!algorithm) {
      const bool weak = algorithm.error() == SignatureFault::weak;
      return fail(weak ? OcspFault::weak_signature_algorithm : OcspFault::unsupported_signature_algorithm);
    }
    if (is_responder(issuer_)) return verify_with(issuer_, *algorithm);
    for (std::size_t i = 0; i < certificates_count_; ++i) {
      const auto candidate = parse_certificate(certificates_[i]);
      if (candidate && is_responder(*candidate) && is_authorized(*candidate)) {
        return verify_with(*candidate, *algorithm);
      }
    }
    fail(OcspFault::unknown_responder);
  }

  // RFC 6960, section 4.2.2.2: the certificate of an authorized responder "MUST be issued directly by the CA that is
  // identified in the request", and "OCSP signing delegation SHALL be designated by the inclusion of id-kp-OCSPSigning
  // in an extended key usage certificate extension".
  bool is_authorized(const Certificate& responder) const {
    bool designated = false;
    for (const KeyPurpose& purpose : responder.ext_key_usage.value_or(KeyPurposes())) {
      designated = designated || purpose.id == oids::ocsp_signing;
    }
    const bool signs = !responder.key_usage || responder.key_usage->has(KeyUsageBit::digital_signature);
    if (!designated || !signs || !responder.unprocessed_critical.empty() || !responder.validity.contains(at_) ||
        !names_match(responder.issuer, issuer_.subject)) {
      return false;
    }
    const auto key = public_key(issuer_.public_key_info);
    const auto algorithm = signature_algorithm(responder.signature_algorithm);
    return key && algorithm && crypto::verify(*key, *algorithm, responder.tbs, responder.signature, cpu_);
  }

  void verify_with(const Certificate& responder, crypto::SignatureAlgorithm algorithm) {
    const auto key = public_key(responder.public_key_info);
    if (!key || !crypto::verify(*key, algorithm, signed_, signature_, cpu_)) fail(OcspFault::bad_signature);
  }

  void check_times() {
    if (at_.seconds < answer_->this_update.seconds - ocsp_tolerance_seconds) return fail(OcspFault::not_yet_valid);
    if (at_.seconds > answer_->until().seconds + ocsp_tolerance_seconds) fail(OcspFault::expired);
  }

  DerDocument document_;
  const Certificate& certificate_;
  const Certificate& issuer_;
  UnixTime at_;
  CpuFeatures cpu_;

  std::optional<Name> responder_name_;
  Bytes responder_key_hash_;
  std::optional<OcspAnswer> answer_;
  Bytes signed_;
  AlgorithmIdentifier algorithm_;
  Bytes signature_;
  std::array<Bytes, most_certificates> certificates_;
  std::size_t certificates_count_ = 0;
  std::optional<OcspFault> fault_;
};

}  // namespace

std::string_view describe(OcspFault fault) {
  switch (fault) {
    case OcspFault::malformed_der:
      return "not an OCSP response in DER";
    case OcspFault::too_large:
      return "the OCSP response is larger than 64 KiB";
    case OcspFault::not_successful:
      return "the OCSP responder had no answer";
    case OcspFault::unknown_type:
      return "an OCSP response of an unknown type";
    case OcspFault::other_certificate:
      return "the OCSP response is about another certificate";
    case OcspFault::unknown_critical_extension:
      return "the OCSP response has a critical extension that is not supported";
    case OcspFault::unknown_responder:
      return "the OCSP response is signed by somebody whom the issuer did not authorize";
    case OcspFault::unsupported_signature_algorithm:
      return "the OCSP response is signed with an unsupported algorithm";
    case OcspFault::weak_signature_algorithm:
      return "the OCSP response is signed with SHA-1 or MD5, which can be forged";
    case OcspFault::bad_signature:
      return "the OCSP response's signature is wrong";
    case OcspFault::not_yet_valid:
      return "the OCSP response is not valid yet";
    case OcspFault::expired:
      return "the OCSP response has expired";
  }
  return "";
}

void write_error(Writer& out, const OcspError& error) {
  out.text(describe(error.fault));
  if (error.fault != OcspFault::malformed_der) return;
  out.text(": ");
  asn1::write_error(out, error.der);
}

std::expected<OcspAnswer, OcspError> check_ocsp(Bytes response, const Certificate& certificate,
                                                const Certificate& issuer, UnixTime at, CpuFeatures cpu) {
  static_assert(max_ocsp_response_size == 64 * 1024);  // as the text says
  if (response.size() > max_ocsp_response_size) return std::unexpected(OcspError{OcspFault::too_large, {}});
  return Check(response, certificate, issuer, at, cpu).run();
}

}  // namespace limpid::x509
