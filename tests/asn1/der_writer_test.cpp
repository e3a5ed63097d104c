#include "limpid/asn1/der_writer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "limpid/asn1/der_reader.hpp"
#include "limpid/asn1/oid.hpp"
#include "limpid/asn1/time.hpp"

namespace limpid::asn1 {
namespace {

using Octets = std::vector<Byte>;

template <class Body>
Octets written(Body&& body) {
  Budget budget(1 << 20);
  Buffer buffer(budget);
  Writer out(buffer);
  DerWriter der(out);
  body(der);
  EXPECT_FALSE(out.failed());
  return {buffer.begin(), buffer.end()};
}

TEST(DerWriter, WritesTheCanonicalForms) {
  EXPECT_EQ(written([](DerWriter& der) { der.boolean(true); }), (Octets{0x01, 0x01, 0xff}));
  EXPECT_EQ(written([](DerWriter& der) { der.integer(0); }), (Octets{0x02, 0x01, 0x00}));
  EXPECT_EQ(written([](DerWriter& der) { der.integer(128); }), (Octets{0x02, 0x02, 0x00, 0x80}));
  EXPECT_EQ(written([](DerWriter& der) { der.integer(0xffffffff); }),
            (Octets{0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(written([](DerWriter& der) { der.null(); }), (Octets{0x05, 0x00}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(0); }), (Octets{0x03, 0x01, 0x00}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(1); }), (Octets{0x03, 0x02, 0x07, 0x80}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(1 << 5 | 1 << 6); }), (Octets{0x03, 0x02, 0x01, 0x06}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(1 << 8); }), (Octets{0x03, 0x03, 0x07, 0x00, 0x80}));
  EXPECT_EQ(written([](DerWriter& der) { der.object_identifier(oids::ed25519); }),
            (Octets{0x06, 0x03, 0x2b, 0x65, 0x70}));
}

TEST(DerWriter, LengthsOfEverySizeReadBack) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 255u, 256u, 65535u, 65536u, 70000u}) {
    Octets contents(size);
    for (std::size_t i = 0; i < size; ++i) contents[i] = static_cast<Byte>(i * 7);
    const Octets octets = written([&](DerWriter& der) {
      der.sequence([&] {
        der.octet_string(contents);
        der.integer(7);
      });
    });
    DerDocument document(octets);
    DerReader in(document);
    DerReader sequence = in.sequence();
    EXPECT_EQ(sequence.octet_string(), Bytes(contents)) << size;
    EXPECT_EQ(sequence.small_integer(10), 7u);
    sequence.finish();
    in.finish();
    EXPECT_FALSE(document.failed()) << size;
  }
}

TEST(DerWriter, FailsInEveryRoomThatIsTooSmall) {
  const auto body = [](DerWriter& der) {
    der.sequence([&] {
      der.octet_string(Octets(200));
      der.sequence([&] { der.integer(1000); });
    });
  };
  const Octets whole = written(body);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    Octets room(size);
    Writer out{MutableBytes(room)};
    DerWriter der(out);
    body(der);
    EXPECT_EQ(out.failed(), size < whole.size());
  }
}

TEST(DerWriter, TimesReadBackInTheirDueType) {
  std::mt19937_64 random(21);
  std::uniform_int_distribution<std::int64_t> moments(-62'167'219'200, 253'402'300'799);  // years 0 to 9999
  for (int round = 0; round < 20'000; ++round) {
    const UnixTime time{moments(random)};
    const Octets octets = written([&](DerWriter& der) { der.time(time); });
    DerDocument document(octets);
    DerReader in(document);
    const std::int64_t year = civil_time(time).year;
    EXPECT_EQ(in.peek(), year >= 1950 && year < 2050 ? Tag::utc_time : Tag::generalized_time);
    EXPECT_EQ(in.time(), time);
    in.finish();
    EXPECT_FALSE(document.failed());
    EXPECT_EQ(unix_time(civil_time(time)), time);
  }
  Byte room[32];
  Writer out{MutableBytes(room)};
  DerWriter(out).time({253'402'300'800});
  EXPECT_TRUE(out.failed());
}

TEST(CivilTime, IsTotal) {
  EXPECT_EQ(civil_time({0}), (CivilTime{1970, 1, 1, 0, 0, 0}));
  EXPECT_EQ(civil_time({-1}), (CivilTime{1969, 12, 31, 23, 59, 59}));
  EXPECT_EQ(civil_time({1709210096}), (CivilTime{2024, 2, 29, 12, 34, 56}));
  for (const std::int64_t seconds : {INT64_MIN, INT64_MAX}) {
    const CivilTime civil = civil_time({seconds});
    EXPECT_TRUE(civil.month >= 1 && civil.month <= 12 && civil.day >= 1 && civil.day <= 31);
    EXPECT_EQ(unix_time(civil), std::nullopt);
  }
}

TEST(ObjectIdentifier, TextAndNames) {
  const auto text = [](Bytes id) {
    Byte room[200];
    Writer out{MutableBytes(room)};
    write_oid(out, id);
    return std::string(as_text(out.written()));
  };
  EXPECT_EQ(text(oids::ec_public_key), "1.2.840.10045.2.1");
  EXPECT_EQ(text(oids::any_extended_key_usage), "2.5.29.37.0");
  EXPECT_EQ(text(oids::domain_component), "0.9.2342.19200300.100.1.25");
  EXPECT_EQ(text(oid<2, 999, 3>), "2.999.3");
  EXPECT_EQ(text(oid<1, 3, 4294967295>), "1.3.4294967295");
  // 2^64 is one arc too large to be shown.
  EXPECT_EQ(text(Octets{0x2b, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x05}), "1.3.?.5");
  EXPECT_EQ(text(Octets{0x2b, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), "1.3.18446744073709551615");
  EXPECT_EQ(oid_name(oids::ecdsa_with_sha256), "ecdsa-with-SHA256");
  EXPECT_EQ(oid_name(oid<1, 2, 3>), "");
}

struct Known {
  Bytes id;
  std::string_view dotted;
  std::string_view name;
};

TEST(ObjectIdentifier, EveryKnownOneIsTheRightOne) {
  using namespace oids;
  const Known known[] = {
      {ec_public_key, "1.2.840.10045.2.1", "id-ecPublicKey"},
      {secp256r1, "1.2.840.10045.3.1.7", "P-256"},
      {secp384r1, "1.3.132.0.34", "P-384"},
      {secp521r1, "1.3.132.0.35", "P-521"},
      {ed25519, "1.3.101.112", "Ed25519"},
      {ed448, "1.3.101.113", "Ed448"},
      {rsa_encryption, "1.2.840.113549.1.1.1", "RSA"},
      {ecdsa_with_sha256, "1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
      {ecdsa_with_sha384, "1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
      {ecdsa_with_sha512, "1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
      {sha1_with_rsa, "1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
      {sha256_with_rsa, "1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
      {sha384_with_rsa, "1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
      {sha512_with_rsa, "1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
      {rsassa_pss, "1.2.840.113549.1.1.10", "RSASSA-PSS"},
      {common_name, "2.5.4.3", "CN"},
      {serial_number, "2.5.4.5", "serialNumber"},
      {country, "2.5.4.6", "C"},
      {locality, "2.5.4.7", "L"},
      {state, "2.5.4.8", "ST"},
      {street, "2.5.4.9", "street"},
      {organization, "2.5.4.10", "O"},
      {organizational_unit, "2.5.4.11", "OU"},
      {domain_component, "0.9.2342.19200300.100.1.25", "DC"},
      {email_address, "1.2.840.113549.1.9.1", "emailAddress"},
      {subject_directory_attributes, "2.5.29.9", "subjectDirectoryAttributes"},
      {subject_key_identifier, "2.5.29.14", "subjectKeyIdentifier"},
      {key_usage, "2.5.29.15", "keyUsage"},
      {subject_alt_name, "2.5.29.17", "subjectAltName"},
      {issuer_alt_name, "2.5.29.18", "issuerAltName"},
      {basic_constraints, "2.5.29.19", "basicConstraints"},
      {name_constraints, "2.5.29.30", "nameConstraints"},
      {crl_distribution_points, "2.5.29.31", "cRLDistributionPoints"},
      {certificate_policies, "2.5.29.32", "certificatePolicies"},
      {policy_mappings, "2.5.29.33", "policyMappings"},
      {authority_key_identifier, "2.5.29.35", "authorityKeyIdentifier"},
      {policy_constraints, "2.5.29.36", "policyConstraints"},
      {ext_key_usage, "2.5.29.37", "extKeyUsage"},
      {freshest_crl, "2.5.29.46", "freshestCRL"},
      {inhibit_any_policy, "2.5.29.54", "inhibitAnyPolicy"},
      {authority_info_access, "1.3.6.1.5.5.7.1.1", "authorityInfoAccess"},
      {subject_info_access, "1.3.6.1.5.5.7.1.11", "subjectInfoAccess"},
      {tls_feature, "1.3.6.1.5.5.7.1.24", "tlsFeature"},
      {signed_certificate_timestamps, "1.3.6.1.4.1.11129.2.4.2", "signedCertificateTimestampList"},
      {any_extended_key_usage, "2.5.29.37.0", "anyExtendedKeyUsage"},
      {server_auth, "1.3.6.1.5.5.7.3.1", "serverAuth"},
      {client_auth, "1.3.6.1.5.5.7.3.2", "clientAuth"},
      {code_signing, "1.3.6.1.5.5.7.3.3", "codeSigning"},
      {email_protection, "1.3.6.1.5.5.7.3.4", "emailProtection"},
      {time_stamping, "1.3.6.1.5.5.7.3.8", "timeStamping"},
      {ocsp_signing, "1.3.6.1.5.5.7.3.9", "OCSPSigning"},
  };
  for (const Known& k : known) {
    Byte room[100];
    Writer out{MutableBytes(room)};
    write_oid(out, k.id);
    EXPECT_EQ(as_text(out.written()), k.dotted);
    EXPECT_EQ(oid_name(k.id), k.name);
  }
}

}  // namespace
}  // namespace limpid::asn1
