#include "limpid/x509/certification_request.hpp"

#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

using crypto::KeyType;

const std::string_view names[] = {"www.example.com", "*.example.com"};

CertificateContents contents() {
  CertificateContents wanted;
  wanted.common_name = "example.com";
  wanted.dns_names = names;
  return wanted;
}

Octets request_of(KeyType type) {
  Budget budget(1 << 16);
  Buffer der(budget);
  EXPECT_TRUE(request_certificate(der, contents(), key_number(1, type), hedge, portable_cpu));
  return {der.begin(), der.end()};
}

TEST(CertificationRequest, WhatIsWrittenReadsBack) {
  for (const KeyType type : every_key_type) {
    const Octets der = request_of(type);
    const auto request = parse_certification_request(der);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(common_name(request->subject), "example.com");
    EXPECT_EQ(public_key(request->public_key_info), key_number(1, type).public_key());
    ASSERT_TRUE(request->subject_alt_name.has_value());
    EXPECT_EQ(text_of([&](Writer& out) { write_general_name(out, *request->subject_alt_name->begin()); }),
              "DNS:www.example.com");
    EXPECT_FALSE(request->is_ca());
    EXPECT_TRUE(is_signed_by_its_key(*request, portable_cpu));
    EXPECT_EQ(request->der.size(), der.size());
  }
}

TEST(CertificationRequest, ASignatureOfAnotherKeyIsNoProof) {
  Octets der = request_of(KeyType::p256);
  der.back() ^= 1;
  EXPECT_FALSE(is_signed_by_its_key(*parse_certification_request(der), portable_cpu));
}

// RFC 4055, section 3.1: the parameters of a key restrict what it signs with.
TEST(CertificationRequest, ASignatureThatTheKeyMustNotMakeIsNoProof) {
  const Octets der = request_of(KeyType::rsa_pss);
  auto request = *parse_certification_request(der);
  const Octets sha256 = pss_parameters(asn1::oids::sha256, asn1::oids::sha256, 32);
  request.public_key_info.algorithm.parameters = sha256;
  EXPECT_TRUE(is_signed_by_its_key(request, portable_cpu));
  const Octets sha384 = pss_parameters(asn1::oids::sha384, asn1::oids::sha384, 48);
  request.public_key_info.algorithm.parameters = sha384;
  EXPECT_FALSE(is_signed_by_its_key(request, portable_cpu));
}

TEST(CertificationRequest, FaultsOfTheContentsAreTold) {
  Budget budget(1 << 16);
  Buffer der(budget);
  EXPECT_EQ(request_certificate(der, {}, key_number(1), hedge, portable_cpu).error(), IssueFault::no_name);
  CertificateContents bad = contents();
  bad.common_name = "\xff";
  EXPECT_EQ(request_certificate(der, bad, key_number(1), hedge, portable_cpu).error(), IssueFault::bad_name);
  EXPECT_TRUE(der.empty());
}

TEST(CertificationRequest, EveryRefusedAllocationLeavesNothing) {
  for (std::uint64_t n = 1; n < 50; ++n) {
    Budget budget(1 << 16);
    Buffer der(budget);
    budget.refuse_attempt(n);
    const auto made = request_certificate(der, contents(), key_number(1), hedge, portable_cpu);
    if (made) {
      EXPECT_GT(n, 5u);
      return;
    }
    EXPECT_EQ(made.error(), IssueFault::out_of_memory);
    EXPECT_TRUE(der.empty());
  }
  FAIL() << "never enough";
}

TEST(CertificationRequest, DamagedOnesAreRefusedOrRead) {
  const Octets der = request_of(KeyType::ed25519);
  for (std::size_t n = 0; n < der.size(); ++n) {
    EXPECT_FALSE(parse_certification_request(Bytes(der).first(n)).has_value()) << n;
  }
  for (std::size_t at = 0; at < der.size(); ++at) {
    Octets damaged = der;
    damaged[at] ^= 0x04;
    if (const auto request = parse_certification_request(damaged)) {
      EXPECT_FALSE(is_signed_by_its_key(*request, portable_cpu)) << at;
    }
  }
  std::size_t refused = 0;
  for (const Octets& longer : append_everywhere(der)) refused += !parse_certification_request(longer).has_value();
  EXPECT_GE(refused, 20u);
}

// The version, and extensions asked for twice or in another shape.
TEST(CertificationRequest, WhatNobodyAsksForIsRefused) {
  const crypto::PrivateKey key = key_number(1);
  const auto forge = [&](std::uint32_t version, int attributes, bool two_values) {
    return der_of([&](asn1::DerWriter& der) {
      const auto extensions = [&] {
        der.sequence([&] {
          der.sequence([&] {
            der.object_identifier(asn1::oids::basic_constraints);
            der.octet_string(Octets{0x30, 0x00});
          });
        });
      };
      der.sequence([&] {
        der.sequence([&] {
          der.integer(version);
          der.encoded(name_der("a"));
          write_public_key_info(der, key.public_key());
          if (attributes < 0) return;
          der.element(asn1::context_constructed(0), [&] {
            for (int i = 0; i < attributes; ++i) {
              der.sequence([&] {
                der.object_identifier(asn1::oids::extension_request);
                der.element(asn1::Tag::set, [&] {
                  extensions();
                  if (two_values) extensions();
                });
              });
            }
            der.sequence([&] {
              der.object_identifier(asn1::oids::common_name);  // an attribute that nobody knows
              der.element(asn1::Tag::set, [&] { der.integer(1); });
            });
          });
        });
        write_signature_algorithm(der, issuing_algorithm(KeyType::p256));
        der.bit_string(Octets(70));
      });
    });
  };
  EXPECT_TRUE(parse_certification_request(forge(0, -1, false)).has_value());
  EXPECT_TRUE(parse_certification_request(forge(0, 0, false)).has_value());
  EXPECT_TRUE(parse_certification_request(forge(0, 1, false))->basic_constraints.has_value());
  EXPECT_EQ(parse_certification_request(forge(1, 1, false)).error().fault, CertificateFault::unsupported_version);
  EXPECT_EQ(parse_certification_request(forge(0, 2, false)).error().fault, CertificateFault::malformed_der);
  EXPECT_EQ(parse_certification_request(forge(0, 1, true)).error().fault, CertificateFault::malformed_der);
}

class Requests : public InFolder {};

TEST_F(Requests, BothWaysWithOpenSsl) {
  if (!have("openssl")) GTEST_SKIP() << "openssl is not installed";
  for (const KeyType type : every_key_type) {
    const Octets ours = request_of(type);
    write("ours.der", {ours.begin(), ours.end()});
    must_run("openssl req -in ours.der -inform DER -verify -noout -text");
    EXPECT_NE(read("out").find("DNS:*.example.com"), std::string::npos);
    must_run("openssl genpkey " + key_options(type) + " -out a.key");
    // Where the salt is not as long as the digest, which OpenSSL's default is not, PSS is not taken.
    const std::string salt = type == KeyType::rsa_pss ? "-sigopt rsa_pss_saltlen:digest " : "";
    must_run("openssl req -new -key a.key " + salt +
             "-subj '/O=Test/CN=leaf' -addext 'subjectAltName=DNS:a.test,IP:::1' "
             "-addext keyUsage=digitalSignature -outform DER -out theirs.der");
    const std::string theirs = read("theirs.der");
    const auto request = parse_certification_request(as_bytes(theirs));
    ASSERT_TRUE(request.has_value());
    EXPECT_TRUE(is_signed_by_its_key(*request, portable_cpu)) << name_of(type);
    EXPECT_TRUE(request->key_usage && request->subject_alt_name);
    EXPECT_EQ(common_name(request->subject), "leaf");
  }
}

}  // namespace
}  // namespace limpid::x509::test
