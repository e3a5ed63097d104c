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

// Where a fault shows that parsing does not refuse, or why it does not.
enum class Not {
  in_the_certificate,  // a fault towards its issuer, which path building sees
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
      {"xf-ext-auth-keyid-mismatch", Not::in_the_certificate},
      {"xf-ext-auth-keyid-noid", Not::verifiers_business},
      {"xf-ext-auth-keyid-serial-mismatch", Not::in_the_certificate},
      {"xf-ext-cert-policies-any-qual", Not::looked_into},
      {"xf-ext-cert-policies-bmp-unotice", Not::looked_into},
      {"xf-ext-cert-policies-dup", Not::looked_into},
      {"xf-ext-cert-policies-unotice-ch", Not::looked_into},
      {"xf-ext-constraints-noncritical", Not::verifiers_business},
      {"xf-ext-crl-point-reasons-only", Not::looked_into},
      {"xf-ext-ct-sct-trailing-data", Not::looked_into},
      {"xf-ext-ct-sct-wrong-type", Not::looked_into},
      {"xf-ext-extended-any-key-usage", Not::verifiers_business},
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
      {"xf-issuer-mismatch-v2", Not::in_the_certificate},
      {"xf-issuer-mismatch1", Not::in_the_certificate},
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

const std::map<std::string, std::string> not_accepted = {
    // "[0] EXPLICIT Version DEFAULT v1" is encoded although it is v1, which DER forbids.
    {"ok-v1", "malformed_der"},
    // Refused where the certificate is used, since these critical policy extensions are not processed.
    {"ok-ext-inhibit-anypolicy", "unprocessed critical"},
    {"ok-ext-policy-constraints", "unprocessed critical"},
    {"ok-ext-policy-map", "unprocessed critical"},
};

std::string fate_of(const std::string& der) {
  const auto certificate = parse_certificate(as_bytes(der));
  if (!certificate) {
    return certificate.error().fault == CertificateFault::malformed_der ? "malformed_der" : "refused";
  }
  EXPECT_TRUE(text_of([&](Writer& out) { describe(out, *certificate, portable_cpu); }).ends_with("\n"));
  if (!certificate->unprocessed_critical.empty()) return "unprocessed critical";
  return public_key(certificate->public_key_info) ? "accepted" : "unusable key";
}

TEST(X509Test, EveryCertificateMeetsItsFate) {
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) GTEST_SKIP() << "the vectors of x509test are not at " << folder;
  std::size_t read = 0;
  while (const dirent* entry = readdir(directory)) {
    std::string name = entry->d_name;
    if (!name.ends_with(".der")) continue;
    const std::string fate = fate_of(read_file(folder + name));
    name.resize(name.size() - 4);
    ++read;
    if (name.starts_with("ok-")) {
      const auto exception = not_accepted.find(name);
      EXPECT_EQ(fate, exception == not_accepted.end() ? "accepted" : exception->second) << name;
    } else {
      EXPECT_EQ(fate == "accepted", accepted().contains(name)) << name << ": " << fate;
    }
  }
  closedir(directory);
  EXPECT_EQ(read, 134u);
}

}  // namespace
}  // namespace limpid::x509::test
