// google/x509test's certificates: ok-* obey RFC 5280, xf-* break one rule each. What becomes of each of them is written
// down here; a certificate that is not in the table must be read (ok-*) or refused (xf-*).
#include <dirent.h>

#include <map>

#include "limpid/x509/describe.hpp"
#include "limpid/x509/verify.hpp"
#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

const std::string folder = LIMPID_SOURCE_DIR "/../shared/vectors/x509test/";

// Why a certificate is not refused.
enum class Not {
  verifiers_business,  // a rule for those who issue, that changes nothing about what a verifier may conclude
  interpreted,         // names of kinds that are never compared
  looked_into,         // the value of an extension that limpid does not process, and that is not critical
};

const std::map<std::string, Not>& accepted() {
  static const std::map<std::string, Not> table = {
      {"xf-ext-altname-critical-subject", Not::verifiers_business},
      {"xf-ext-altname-email-only", Not::verifiers_business},
      {"xf-ext-altname-noncrit-nosubj", Not::verifiers_business},
      {"xf-ext-altname-relative-uri", Not::interpreted},  // "http:../example.com": it has a scheme and something behind
      {"xf-ext-auth-info-empty", Not::looked_into},
      {"xf-ext-auth-keyid-critical", Not::verifiers_business},
      // Identifiers help to find an issuer; who that is, the signature says (RFC 5280, section 6.1, has no step for
      // them).
      {"xf-ext-auth-keyid-mismatch", Not::verifiers_business},
      {"xf-ext-auth-keyid-noid", Not::verifiers_business},
      {"xf-ext-auth-keyid-serial-mismatch", Not::verifiers_business},
      {"xf-ext-cert-policies-any-qual", Not::looked_into},
      {"xf-ext-cert-policies-bmp-unotice", Not::looked_into},
      {"xf-ext-cert-policies-dup", Not::looked_into},
      {"xf-ext-cert-policies-unotice-ch", Not::looked_into},
      {"xf-ext-constraints-noncritical", Not::verifiers_business},
      {"xf-ext-crl-point-reasons-only", Not::looked_into},
      {"xf-ext-ct-sct-trailing-data", Not::looked_into},
      {"xf-ext-ct-sct-wrong-type", Not::looked_into},
      {"xf-ext-inhibit-anypolicy-noncritical", Not::verifiers_business},
      {"xf-ext-key-usage-noncritical", Not::verifiers_business},
      {"xf-ext-key-usage-sign-nonca", Not::verifiers_business},
      {"xf-ext-key-usage-wrong-der", Not::verifiers_business},  // zeros at the end, as a root in use has them
      {"xf-ext-name-constraints-nonca", Not::verifiers_business},
      {"xf-ext-name-constraints-noncrit", Not::verifiers_business},
      {"xf-ext-name-constraints-regid", Not::verifiers_business},
      {"xf-ext-policy-constraint-noncrit", Not::verifiers_business},
      {"xf-ext-policy-map-noncritical", Not::verifiers_business},
      {"xf-ext-subject-dirattr-empty", Not::looked_into},
      {"xf-ext-subject-info-empty", Not::looked_into},
      {"xf-ext-subject-keyid-ca-absent", Not::verifiers_business},
      {"xf-ext-subject-keyid-critical", Not::verifiers_business},
      // RFC 5280, section 4.1.2.2: "Certificate users SHOULD be prepared to gracefully handle such certificates."
      {"xf-serial-negative", Not::verifiers_business},
      {"xf-serial-zero", Not::verifiers_business},
      // Section 4.1.2.5: "Conforming applications MUST be able to process validity dates that are encoded in either
      // UTCTime or GeneralizedTime."
      {"xf-soon-generalized-time", Not::verifiers_business},
      {"xf-subject-nonprintable", Not::verifiers_business},
      {"xf-subject-t61", Not::verifiers_business},
      // Section 4.1.2.1: "implementations SHOULD be prepared to accept any version certificate".
      {"xf-v3-uniqueid-noexts1", Not::verifiers_business},
      {"xf-v3-uniqueid-noexts2", Not::verifiers_business},
  };
  return table;
}

// Why the others are refused, in the words of the fault.
const std::map<std::string, std::string>& refused() {
  static const std::map<std::string, std::string> table = {
      {"xf-algo-mismatch1", "the signature's algorithm is not the one that was signed"},
      {"xf-der-invalid-bitstring", "a BIT STRING's unused bits are miscounted or not zero"},
      {"xf-der-invalid-nonminimal-int", "an INTEGER is not in its shortest form"},
      {"xf-der-invalid-uniqueid", "data follows where the structure ends"},
      {"xf-der-pubkey-rsa-nonminimal-int", "invalid_key"},
      {"xf-duplicate-extension", "the same extension twice"},
      {"xf-duplicate-extension2", "the same extension twice"},
      {"xf-ext-altname-blank-domain", "an alternative name that is no name of its type"},
      {"xf-ext-altname-empty", "a SEQUENCE that must not be empty is"},
      {"xf-ext-altname-empty2", "an alternative name that is no name of its type"},
      {"xf-ext-altname-invalid-domain", "an alternative name that is no name of its type"},
      {"xf-ext-altname-invalid-email", "an alternative name that is no name of its type"},
      {"xf-ext-altname-invalid-encoding", "an alternative name that is no name of its type"},
      {"xf-ext-altname-ip-wrong", "an alternative name that is no name of its type"},
      {"xf-ext-altname-schemeless-uri", "an alternative name that is no name of its type"},
      {"xf-ext-auth-info-critical", "unprocessed_critical_extension"},
      {"xf-ext-auth-keyid-invalid-issuer", "an alternative name that is no name of its type"},
      {"xf-ext-auth-keyid-onlyserial", "authorityKeyIdentifier with only one of issuer and serial number"},
      {"xf-ext-constraints-neg-pathlen", "an INTEGER is negative or too large"},
      {"xf-ext-constraints-path-nonca", "a default value is encoded"},
      {"xf-ext-constraints-path-nosign", "basicConstraints with a path length of what is no CA's"},
      {"xf-ext-crl-point-critical", "unprocessed_critical_extension"},
      {"xf-ext-ct-poison", "unprocessed_critical_extension"},
      {"xf-ext-extended-any-key-usage", "bad_signature"},  // OpenSSL says so, too
      {"xf-ext-extended-key-usage-empty", "an element of another type was expected"},
      {"xf-ext-extended-key-usage-empty-oid", "an OBJECT IDENTIFIER is not canonical"},
      {"xf-ext-freshest-crl-critical", "unprocessed_critical_extension"},
      {"xf-ext-inhibit-anypolicy-negative", "unprocessed_critical_extension"},
      {"xf-ext-issuer-altname-critical", "unprocessed_critical_extension"},
      {"xf-ext-key-usage-empty", "keyUsage without any bit, or with an unknown one"},
      {"xf-ext-key-usage-too-long", "keyUsage without any bit, or with an unknown one"},
      {"xf-ext-keysign-nonca", "a default value is encoded"},
      {"xf-ext-name-constraints-badip", "nameConstraints that are empty or make no sense"},
      {"xf-ext-name-constraints-empty", "nameConstraints that are empty or make no sense"},
      {"xf-ext-name-constraints-minmax", "data follows where the structure ends"},
      {"xf-ext-policy-constraint-empty", "unprocessed_critical_extension"},
      {"xf-ext-policy-map-empty", "unprocessed_critical_extension"},
      {"xf-ext-policy-map-from-any", "unprocessed_critical_extension"},
      {"xf-ext-policy-map-to-any", "unprocessed_critical_extension"},
      {"xf-ext-policy-map-unref", "unprocessed_critical_extension"},
      {"xf-ext-subject-dirattr-critical", "unprocessed_critical_extension"},
      {"xf-ext-subject-info-critical", "unprocessed_critical_extension"},
      {"xf-gentime-fraction-secs", "a time is not to the second in GMT, or does not exist"},
      {"xf-gentime-no-secs", "a time is not to the second in GMT, or does not exist"},
      {"xf-gentime-nonzulu", "a time is not to the second in GMT, or does not exist"},
      {"xf-issuer-mismatch-v2", "unknown_issuer"},
      {"xf-issuer-mismatch1", "unknown_issuer"},
      {"xf-pubkey-ecdsa-not-on-curve", "invalid_key"},
      {"xf-pubkey-ecdsa-secp192r1", "unusable key"},
      {"xf-pubkey-ecdsa-unknown-curve", "unusable key"},
      {"xf-pubkey-rsa-exponent-negative", "invalid_key"},
      {"xf-pubkey-rsa-modulus-negative", "invalid_key"},
      {"xf-pubkey-rsa-param-nonnull", "invalid_key"},
      {"xf-unknown-critical-ext", "unprocessed_critical_extension"},
      {"xf-utctime-no-secs", "a time is not to the second in GMT, or does not exist"},
      {"xf-utctime-nonzulu", "a time is not to the second in GMT, or does not exist"},
      {"xf-v1-extensions", "a default value is encoded"},
      {"xf-v1-uniqueid", "a default value is encoded"},
      {"xf-v2-extensions", "extensions in a certificate of a version below 3"},
  };
  return table;
}

const std::map<std::string, std::string> not_accepted = {
    // "[0] EXPLICIT Version DEFAULT v1" is encoded although it is v1, which DER forbids.
    {"ok-v1", "a default value is encoded"},
    // Refused where the certificate is used, since these critical policy extensions are not processed.
    {"ok-ext-inhibit-anypolicy", "unprocessed_critical_extension"},
    {"ok-ext-policy-constraints", "unprocessed_critical_extension"},
    {"ok-ext-policy-map", "unprocessed_critical_extension"},
};

// What parsing says, and if it is content, what becomes of the certificate below its CA.
std::string fate_of(const std::string& der, std::span<const Certificate> anchors) {
  const auto certificate = parse_certificate(as_bytes(der));
  if (!certificate) {
    const CertificateError& error = certificate.error();
    return std::string(error.fault == CertificateFault::malformed_der ? asn1::describe(error.der.fault)
                                                                      : describe(error.fault));
  }
  EXPECT_TRUE(text_of([&](Writer& out) { describe(out, *certificate, portable_cpu); }).ends_with("\n"));
  const auto valid = verify(*certificate, {}, anchors,
                            {.at = certificate->validity.not_before, .purpose = Purpose::any}, portable_cpu);
  if (valid) return public_key(certificate->public_key_info) ? "accepted" : "unusable key";
  return std::string(reason_name(valid.error().reason));
}

TEST(X509Test, EveryCertificateMeetsItsFate) {
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) GTEST_SKIP() << "the vectors of x509test are not at " << folder;
  Budget budget(1 << 20);
  const std::string pem = read_file(folder + "fake-ca.cert");
  auto ca = CertificateList::load(as_bytes(pem), budget);
  ASSERT_TRUE(ca.has_value());
  // Trusted at any time: the certificates begin before and end after it.
  std::vector<Certificate> anchors{(*ca)[0]};
  anchors[0].validity = {{INT64_MIN}, {INT64_MAX}};
  std::size_t read = 0;
  while (const dirent* entry = readdir(directory)) {
    std::string name = entry->d_name;
    if (!name.ends_with(".der")) continue;
    const std::string fate = fate_of(read_file(folder + name), anchors);
    name.resize(name.size() - 4);
    ++read;
    if (name.starts_with("ok-")) {
      const auto exception = not_accepted.find(name);
      EXPECT_EQ(fate, exception == not_accepted.end() ? "accepted" : exception->second) << name;
    } else {
      const auto reason = refused().find(name);
      EXPECT_EQ(fate, reason == refused().end() ? "accepted" : reason->second) << name;
      EXPECT_NE(accepted().contains(name), refused().contains(name)) << name;
    }
  }
  closedir(directory);
  EXPECT_EQ(read, 134u);
}

}  // namespace
}  // namespace limpid::x509::test
