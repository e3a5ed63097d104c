#include "limpid/x509/revocation_list.hpp"

#include "limpid/asn1/oid.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerReader;
using asn1::Tag;
namespace oids = asn1::oids;

class Check {
 public:
  Check(Bytes list, const Certificate& certificate, const Certificate& issuer, UnixTime at, CpuFeatures cpu)
      : document_(list), certificate_(certificate), issuer_(issuer), at_(at), cpu_(cpu) {}

  std::expected<std::optional<Revocation>, CrlError> run() {
    read_list();
    if (document_.failed()) return std::unexpected(CrlError{CrlFault::malformed_der, *document_.error()});
    if (!fault_) check_signature();
    if (!fault_) check_times();
    if (fault_) return std::unexpected(CrlError{*fault_, {}});
    return revocation_;
  }

 private:
  void fail(CrlFault fault) {
    if (!fault_) fault_ = fault;
  }

  //     CertificateList ::= SEQUENCE {
  //        tbsCertList        TBSCertList,
  //        signatureAlgorithm AlgorithmIdentifier,
  //        signatureValue     BIT STRING }
  void read_list() {
    DerReader in(document_);
    DerReader parts = in.sequence();
    in.finish();
    const asn1::Element tbs = parts.element(Tag::sequence);
    signed_ = tbs.encoding;
    read_tbs(parts.of(tbs.contents));
    const AlgorithmIdentifier outside = parse_algorithm_identifier(parts);
    signature_ = parts.octets_in_bit_string();
    parts.finish();
    // RFC 5280, section 5.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the
    // sequence tbsCertList".
    if (!(outside == algorithm_)) fail(CrlFault::algorithm_mismatch);
  }

  //     TBSCertList ::= SEQUENCE {
  //        version             Version OPTIONAL,  -- if present, MUST be v2
  //        signature           AlgorithmIdentifier,
  //        issuer              Name,
  //        thisUpdate          Time,
  //        nextUpdate          Time OPTIONAL,
  //        revokedCertificates SEQUENCE OF SEQUENCE { ... } OPTIONAL,
  //        crlExtensions       [0] EXPLICIT Extensions OPTIONAL  -- if present, version MUST be v2 -- }
  void read_tbs(DerReader in) {
    const bool versioned = in.next_is(Tag::integer);
    if (versioned && in.small_integer(UINT32_MAX) != 1) fail(CrlFault::unsupported_version);
    algorithm_ = parse_algorithm_identifier(in);
    if (!names_match(parse_name(in), issuer_.subject)) fail(CrlFault::other_issuer);
    this_update_ = in.time();
    if (in.next_is(Tag::utc_time) || in.next_is(Tag::generalized_time)) next_update_ = in.time();
    if (in.next_is(Tag::sequence)) {
      DerReader entries = in.sequence();
      while (!entries.empty()) read_entry(entries.sequence());
    }
    if (in.next_is(asn1::context_constructed(0))) {
      if (!versioned) fail(CrlFault::unsupported_version);
      DerReader extensions = in.enter(asn1::context_constructed(0));
      read_extensions(extensions, [](const Extension&) {});
      extensions.finish();
    }
    in.finish();
  }

  //     SEQUENCE {
  //        userCertificate    CertificateSerialNumber,
  //        revocationDate     Time,
  //        crlEntryExtensions Extensions OPTIONAL }
  void read_entry(DerReader in) {
    const Bytes serial = in.integer();
    Revocation revocation{in.time(), {}};
    if (!in.empty()) {
      read_extensions(in, [&](const Extension& extension) {
        if (extension.id != oids::crl_reason) return;
        DerReader value = in.of(extension.value);
        revocation.reason = value.small_integer(UINT32_MAX, Tag::enumerated);
        value.finish();
      });
    }
    in.finish();
    if (serial == certificate_.serial && !revocation_) revocation_ = revocation;
  }

  // RFC 5280, section 5.2: "If a CRL contains a critical extension that the application cannot process, then the
  // application MUST NOT use that CRL to determine the status of certificates"; section 5.3 says so of entries'. Those
  // that make a list another than the complete one of one issuer are to be critical: they are refused if they are not.
  void read_extensions(DerReader& in, auto&& each) {
    DerReader extensions = in.sequence();
    while (!extensions.empty()) {
      const Extension extension = Extension::decode(extensions);
      const bool incomplete = extension.id == oids::delta_crl_indicator ||
                              extension.id == oids::issuing_distribution_point ||
                              extension.id == oids::certificate_issuer;
      if (extension.critical || incomplete) fail(CrlFault::unsupported_extension);
      each(extension);
    }
  }

  void check_signature() {
    // RFC 5280, section 6.3.3 (f): "If a key usage extension is present in the CRL issuer's certificate, verify that
    // the cRLSign bit is set."
    if (issuer_.key_usage && !issuer_.key_usage->has(KeyUsageBit::crl_sign)) return fail(CrlFault::issuer_cannot_sign);
    const auto key = public_key(issuer_.public_key_info);
    if (!key) return fail(CrlFault::unsupported_key);
    const auto algorithm = signature_algorithm(algorithm_);
    if (!algorithm) {
      const bool weak = algorithm.error() == SignatureFault::weak;
      return fail(weak ? CrlFault::weak_signature_algorithm : CrlFault::unsupported_signature_algorithm);
    }
    if (!crypto::verify(*key, *algorithm, signed_, signature_, cpu_)) fail(CrlFault::bad_signature);
  }

  void check_times() {
    if (at_ < this_update_) return fail(CrlFault::not_yet_valid);
    // RFC 5280, section 5.1.2.5: "Conforming CRL issuers MUST include the nextUpdate field in all CRLs."
    if (!next_update_) return fail(CrlFault::no_next_update);
    if (at_ > *next_update_) fail(CrlFault::expired);
  }

  DerDocument document_;
  const Certificate& certificate_;
  const Certificate& issuer_;
  UnixTime at_;
  CpuFeatures cpu_;

  Bytes signed_;
  AlgorithmIdentifier algorithm_;
  Bytes signature_;
  UnixTime this_update_;
  std::optional<UnixTime> next_update_;
  std::optional<Revocation> revocation_;
  std::optional<CrlFault> fault_;
};

}  // namespace

std::string_view describe(CrlFault fault) {
  switch (fault) {
    case CrlFault::malformed_der:
      return "not a revocation list in DER";
    case CrlFault::unsupported_version:
      return "a revocation list of an unknown version";
    case CrlFault::algorithm_mismatch:
      return "the revocation list names two signature algorithms";
    case CrlFault::other_issuer:
      return "the revocation list is not by the certificate's issuer";
    case CrlFault::unsupported_extension:
      return "the revocation list is not a complete one, or has a critical extension that is not supported";
    case CrlFault::issuer_cannot_sign:
      return "the issuer must not sign revocation lists";
    case CrlFault::unsupported_key:
      return "the issuer's key cannot be used";
    case CrlFault::unsupported_signature_algorithm:
      return "the revocation list is signed with an unsupported algorithm";
    case CrlFault::weak_signature_algorithm:
      return "the revocation list is signed with SHA-1 or MD5, which can be forged";
    case CrlFault::bad_signature:
      return "the revocation list's signature is wrong";
    case CrlFault::not_yet_valid:
      return "the revocation list is not valid yet";
    case CrlFault::expired:
      return "the revocation list has expired";
    case CrlFault::no_next_update:
      return "the revocation list does not say how long it holds";
  }
  return "";
}

void write_error(Writer& out, const CrlError& error) {
  out.text(describe(error.fault));
  if (error.fault != CrlFault::malformed_der) return;
  out.text(": ");
  asn1::write_error(out, error.der);
}

std::string_view crl_reason_name(std::uint32_t reason) {
  switch (reason) {
    case 0:
      return "unspecified";
    case 1:
      return "keyCompromise";
    case 2:
      return "cACompromise";
    case 3:
      return "affiliationChanged";
    case 4:
      return "superseded";
    case 5:
      return "cessationOfOperation";
    case 6:
      return "certificateHold";
    case 8:
      return "removeFromCRL";
    case 9:
      return "privilegeWithdrawn";
    case 10:
      return "aACompromise";
  }
  return "";
}

std::expected<std::optional<Revocation>, CrlError> check_crl(Bytes list, const Certificate& certificate,
                                                             const Certificate& issuer, UnixTime at, CpuFeatures cpu) {
  return Check(list, certificate, issuer, at, cpu).run();
}

}  // namespace limpid::x509
