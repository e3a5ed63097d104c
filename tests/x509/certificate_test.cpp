#include "limpid/x509/certificate.hpp"

#include "limpid/x509/describe.hpp"
#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

// A certificate with every extension that is recognised.
Octets full_certificate() {
  Forgery forgery;
  forgery.subject = "full";
  forgery.extensions = {
      basic_constraints(true, 3),
      key_usage({KeyUsageBit::key_cert_sign, KeyUsageBit::decipher_only}),
      ext_key_usage({asn1::oids::server_auth, asn1::oids::client_auth}),
      subject_alt_name({{2, "a.example"}, {7, std::string("\x7f\0\0\1", 4)}, {1, "x@y"}}),
      name_constraints({{2, "example"}}, {{7, std::string("\x0a\0\0\0\xff\0\0\0", 8)}}),
      {asn1::oids::subject_key_identifier, false,
       der_of([](asn1::DerWriter& der) { der.octet_string(Octets{1, 2, 3}); })},
      {asn1::oids::authority_key_identifier, false,
       der_of([](asn1::DerWriter& der) { der.sequence([&] { der.primitive(asn1::context(0), Octets{9, 8}); }); })},
      {asn1::oid<1, 2, 3, 4>, true, {0x05, 0x00}},
  };
  return forgery.sign(key_number(1).public_key(), key_number(2));
}

TEST(Certificate, EveryFieldIsRead) {
  const Octets der = full_certificate();
  const auto parsed = parse_certificate(der);
  ASSERT_TRUE(parsed.has_value());
  const Certificate& c = *parsed;
  EXPECT_EQ(c.der, Bytes(der));
  EXPECT_EQ(c.version, 3);
  EXPECT_EQ(c.serial, Bytes(Octets{1}));
  EXPECT_EQ(signature_algorithm(c.signature_algorithm), issuing_algorithm(crypto::KeyType::p256));
  EXPECT_EQ(common_name(c.issuer), "root");
  EXPECT_EQ(common_name(c.subject), "full");
  EXPECT_EQ(c.validity, good_validity);
  EXPECT_EQ(public_key(c.public_key_info), key_number(1).public_key());
  EXPECT_EQ(c.basic_constraints, (BasicConstraints{true, 3}));
  EXPECT_TRUE(c.key_usage->has(KeyUsageBit::key_cert_sign));
  EXPECT_TRUE(c.key_usage->has(KeyUsageBit::decipher_only));
  EXPECT_FALSE(c.key_usage->has(KeyUsageBit::digital_signature));
  std::vector<Bytes> purposes;
  for (const KeyPurpose& purpose : *c.ext_key_usage) purposes.push_back(purpose.id);
  EXPECT_EQ(purposes, (std::vector<Bytes>{asn1::oids::server_auth, asn1::oids::client_auth}));
  std::vector<std::string> names;
  for (const GeneralName& name : *c.subject_alt_name) {
    names.push_back(text_of([&](Writer& out) { write_general_name(out, name); }));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"DNS:a.example", "IP:127.0.0.1", "email:x@y"}));
  EXPECT_FALSE(c.name_constraints->permitted.empty());
  EXPECT_FALSE(c.name_constraints->excluded.empty());
  EXPECT_EQ(c.subject_key_identifier, Bytes(Octets{1, 2, 3}));
  EXPECT_EQ(c.authority_key_identifier->key_identifier, Bytes(Octets{9, 8}));
  EXPECT_EQ(c.unprocessed_critical, (asn1::oid<1, 2, 3, 4>));
  EXPECT_EQ(std::ranges::distance(c.extensions.begin(), c.extensions.end()), 8);
  EXPECT_TRUE(crypto::verify(key_number(2).public_key(), crypto::SignatureScheme::ecdsa_secp256r1_sha256, c.tbs,
                             c.signature, portable_cpu));
}

TEST(Certificate, AbsentIsNotEmpty) {
  const Octets der = Forgery{}.sign(key_number(1).public_key(), key_number(2));
  const auto c = parse_certificate(der);
  ASSERT_TRUE(c.has_value());
  EXPECT_FALSE(c->basic_constraints || c->key_usage || c->ext_key_usage || c->subject_alt_name || c->name_constraints ||
               c->subject_key_identifier || c->authority_key_identifier);
  EXPECT_TRUE(c->unprocessed_critical.empty());
  EXPECT_TRUE(c->extensions.empty());
}

TEST(Certificate, EveryTruncationIsRefused) {
  const Octets der = full_certificate();
  for (std::size_t n = 0; n < der.size(); ++n) {
    // A copy, so that a sanitizer sees a read past the end.
    const Octets cut(der.begin(), der.begin() + static_cast<std::ptrdiff_t>(n));
    const auto parsed = parse_certificate(cut);
    ASSERT_FALSE(parsed.has_value()) << n;
    EXPECT_EQ(parsed.error().fault, CertificateFault::malformed_der);
  }
}

TEST(Certificate, TrailingDataIsRefused) {
  Octets der = full_certificate();
  der.push_back(0);
  const auto parsed = parse_certificate(der);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().der.fault, asn1::DerFault::trailing_data);
  EXPECT_EQ(parsed.error().offset, der.size() - 1);
}

TEST(Certificate, NothingMayFollowInsideOfAnyElement) {
  const Octets der = full_certificate();
  const std::vector<Octets> longer = append_everywhere(der);
  EXPECT_GT(longer.size(), 40u);
  std::size_t accepted = 0;
  for (const Octets& one : longer) accepted += parse_certificate(one).has_value() ? 1 : 0;
  // The bits of the key, the bits of the signature and the SEQUENCE in them, the octets of the key identifier and of
  // the unknown extension: others look into those.
  EXPECT_EQ(accepted, 5u);
}

TEST(Certificate, BothEndsBelongToTheValidity) {
  EXPECT_TRUE(good_validity.contains(good_validity.not_before) && good_validity.contains(good_validity.not_after));
  EXPECT_FALSE(good_validity.contains({good_validity.not_before.seconds - 1}));
  EXPECT_FALSE(good_validity.contains({good_validity.not_after.seconds + 1}));
}

TEST(Describe, TheWholeAccount) {
  const Octets full = full_certificate();
  const auto account = [](const Octets& der) {
    const std::string text = text_of([&](Writer& out) { describe(out, *parse_certificate(der), portable_cpu); });
    return text.substr(0, text.find("SHA-256:"));  // which covers a signature
  };
  EXPECT_EQ(account(full),
            "subject:       CN=full\n"
            "issuer:        CN=root\n"
            "version:       3\n"
            "serial:        01\n"
            "valid from:    2027-01-14T08:00:00Z\n"
            "valid until:   2027-01-16T08:00:00Z\n"
            "key:           P-256\n"
            "signed with:   ecdsa-with-SHA256\n"
            "names:         DNS:a.example, IP:127.0.0.1, email:x@y\n"
            "CA:            yes, path length 3\n"
            "key usage:     keyCertSign, decipherOnly\n"
            "purposes:      serverAuth, clientAuth\n"
            "permitted:     DNS:example\n"
            "excluded:      IP:10.0.0.0/255.0.0.0\n"
            "key id:        01:02:03\n"
            "issuer key id: 09:08\n"
            "extension:     basicConstraints, critical\n"
            "extension:     keyUsage, critical\n"
            "extension:     extKeyUsage\n"
            "extension:     subjectAltName\n"
            "extension:     nameConstraints, critical\n"
            "extension:     subjectKeyIdentifier\n"
            "extension:     authorityKeyIdentifier\n"
            "extension:     1.2.3.4, critical: 05:00\n");
  EXPECT_EQ(account(Forgery{}.sign(key_number(1, crypto::KeyType::ed25519).public_key(), key_number(2))),
            "subject:       CN=leaf\n"
            "issuer:        CN=root\n"
            "version:       3\n"
            "serial:        01\n"
            "valid from:    2027-01-14T08:00:00Z\n"
            "valid until:   2027-01-16T08:00:00Z\n"
            "key:           Ed25519\n"
            "signed with:   ecdsa-with-SHA256\n"
            "CA:            no\n");
}

// What the readable account, the key and the name look-ups make of damaged certificates must be deterministic and stay
// in bounds; that nothing damaged verifies is for verify_test.
TEST(Certificate, EveryFlippedByteIsReadTheSameTwice) {
  const Octets der = full_certificate();
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < der.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      Octets damaged = der;
      damaged[at] = static_cast<Byte>(damaged[at] ^ flip);
      const auto first = parse_certificate(damaged);
      const Octets copy = damaged;
      const auto second = parse_certificate(copy);
      ASSERT_EQ(first.has_value(), second.has_value());
      if (!first) {
        EXPECT_EQ(first.error(), second.error());
        EXPECT_LE(first.error().offset, damaged.size());
        continue;
      }
      ++accepted;
      EXPECT_EQ(first->serial, second->serial);
      EXPECT_EQ(first->subject.der, second->subject.der);
      EXPECT_EQ(first->validity, second->validity);
      EXPECT_EQ(first->basic_constraints, second->basic_constraints);
      EXPECT_EQ(first->key_usage, second->key_usage);
      EXPECT_EQ(first->unprocessed_critical, second->unprocessed_critical);
      EXPECT_EQ(text_of([&](Writer& out) { write_name(out, first->subject); }),
                text_of([&](Writer& out) { write_name(out, second->subject); }));
    }
  }
  EXPECT_GT(accepted, 100u);  // the signature, the key, the strings: so the comparison above compares something
}

CertificateFault fault_of(const Forgery& forgery) {
  const Octets der = forgery.sign(key_number(1).public_key(), key_number(2));
  const auto parsed = parse_certificate(der);
  EXPECT_FALSE(parsed.has_value());
  if (parsed) return {};
  // The message names the fault.
  EXPECT_TRUE(
      text_of([&](Writer& out) { write_error(out, parsed.error()); }).starts_with(describe(parsed.error().fault)));
  return parsed.error().fault;
}

Forgery with(std::vector<ForgedExtension> extensions) {
  Forgery forgery;
  forgery.extensions = std::move(extensions);
  return forgery;
}

TEST(Certificate, VersionsAndWhatTheyAllow) {
  Forgery forgery;
  forgery.version = 3;
  EXPECT_EQ(fault_of(forgery), CertificateFault::unsupported_version);
  forgery.version = 0;  // the default, encoded
  EXPECT_EQ(fault_of(forgery), CertificateFault::malformed_der);
  for (const bool first : {false, true}) {
    forgery = with({basic_constraints(true)});
    if (first) {
      forgery.version.reset();
    } else {
      forgery.version = 1;
    }
    EXPECT_EQ(fault_of(forgery), CertificateFault::unexpected_extensions);
  }
  forgery = Forgery{};
  forgery.between_key_and_extensions = [](asn1::DerWriter& der) { der.bit_string(Octets{1}, 0, asn1::context(1)); };
  EXPECT_TRUE(parse_certificate(forgery.sign(key_number(1).public_key(), key_number(2))).has_value());
  forgery.version.reset();
  EXPECT_EQ(fault_of(forgery), CertificateFault::unexpected_unique_id);
  forgery.between_key_and_extensions = [](asn1::DerWriter&) {};
  const Octets der = forgery.sign(key_number(1).public_key(), key_number(2));
  EXPECT_EQ(parse_certificate(der)->version, 1);
}

TEST(Certificate, FaultsOfExtensions) {
  EXPECT_EQ(fault_of(with({basic_constraints(true), basic_constraints(true)})), CertificateFault::duplicate_extension);
  EXPECT_EQ(fault_of(with({basic_constraints(false, 0)})), CertificateFault::bad_basic_constraints);
  EXPECT_EQ(fault_of(with({key_usage({})})), CertificateFault::bad_key_usage);
  EXPECT_EQ(fault_of(with({{asn1::oids::key_usage, true, {0x03, 0x03, 0x06, 0x00, 0x40}}})),
            CertificateFault::bad_key_usage);  // named bit 9
  EXPECT_EQ(fault_of(with({ext_key_usage({})})), CertificateFault::malformed_der);
  EXPECT_EQ(fault_of(with({subject_alt_name(std::vector<ForgedName>{})})), CertificateFault::malformed_der);
  EXPECT_EQ(fault_of(with({subject_alt_name(" ")})), CertificateFault::bad_alt_name);
  EXPECT_EQ(fault_of(with({subject_alt_name("")})), CertificateFault::bad_alt_name);
  EXPECT_EQ(fault_of(with({subject_alt_name(std::string("a\0.example", 10))})), CertificateFault::bad_alt_name);
  EXPECT_EQ(fault_of(with({subject_alt_name({{7, "12345"}})})), CertificateFault::bad_alt_name);
  EXPECT_EQ(fault_of(with({name_constraints({}, {})})), CertificateFault::bad_name_constraints);
  EXPECT_EQ(fault_of(with({name_constraints({{7, "1234"}}, {})})), CertificateFault::bad_name_constraints);
  EXPECT_EQ(fault_of(with({name_constraints({}, {{7, std::string("\x0a\0\0\0\xff\0\xff\0", 8)}})})),
            CertificateFault::bad_name_constraints);  // a mask with a hole
  EXPECT_EQ(fault_of(with({name_constraints({{2, "a b"}}, {})})), CertificateFault::bad_name_constraints);
  EXPECT_EQ(fault_of(with({{asn1::oids::authority_key_identifier, false, der_of([](asn1::DerWriter& der) {
                              der.sequence([&] { der.primitive(asn1::context(2), Octets{1}); });
                            })}})),
            CertificateFault::bad_authority_key_identifier);
  // A value that goes on after its structure.
  EXPECT_EQ(fault_of(with({{asn1::oids::key_usage, true, {0x03, 0x02, 0x07, 0x80, 0x00}}})),
            CertificateFault::malformed_der);
  // A DEFAULT that is encoded.
  EXPECT_EQ(fault_of(with({{asn1::oids::basic_constraints, true, {0x30, 0x03, 0x01, 0x01, 0x00}}})),
            CertificateFault::malformed_der);

  std::vector<ForgedExtension> many;
  std::vector<Octets> ids;
  for (Byte n = 0; n <= max_extensions; ++n) ids.push_back({0x2a, n});
  for (std::size_t n = 0; n < max_extensions; ++n) many.push_back({ids[n], false, {}});
  EXPECT_TRUE(parse_certificate(with(many).sign(key_number(1).public_key(), key_number(2))).has_value());
  many.push_back({ids[max_extensions], false, {}});
  EXPECT_EQ(fault_of(with(many)), CertificateFault::too_many_extensions);
}

// X.690 wants them removed, but a root in use (Trustwave Global ECC P256) has them.
TEST(Certificate, ZerosAtTheEndOfKeyUsageAreRead) {
  const Octets der = with({{asn1::oids::key_usage, true, {0x03, 0x03, 0x00, 0x06, 0x00}}})
                         .sign(key_number(1).public_key(), key_number(2));
  const auto parsed = parse_certificate(der);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(parsed->key_usage->has(KeyUsageBit::key_cert_sign));
  EXPECT_TRUE(parsed->key_usage->has(KeyUsageBit::crl_sign));
}

TEST(Certificate, FaultsOfTheWhole) {
  Forgery forgery;
  forgery.algorithms_differ = true;
  EXPECT_EQ(fault_of(forgery), CertificateFault::algorithm_mismatch);
  forgery = {};
  forgery.issuer = "";
  EXPECT_EQ(fault_of(forgery), CertificateFault::empty_issuer);
  const auto huge = parse_certificate(Octets(max_certificate_size + 1));
  EXPECT_EQ(huge.error().fault, CertificateFault::too_large);
  EXPECT_EQ(parse_certificate({}).error().der.fault, asn1::DerFault::unexpected_tag);
}

TEST(PublicKey, FaultsAreTold) {
  const auto info = [](Bytes algorithm, const std::optional<Octets>& parameters, Bytes key) {
    return der_of([&](asn1::DerWriter& der) {
      der.sequence([&] {
        der.sequence([&] {
          der.object_identifier(algorithm);
          if (parameters) der.encoded(*parameters);
        });
        der.bit_string(key);
      });
    });
  };
  const auto oid_element = [](Bytes id) { return der_of([&](asn1::DerWriter& der) { der.object_identifier(id); }); };
  const auto read = [](const Octets& der) {
    asn1::DerDocument document(der);
    asn1::DerReader in(document);
    const SubjectPublicKeyInfo parsed = parse_public_key_info(in);
    EXPECT_FALSE(document.failed());
    return public_key(parsed);
  };
  const crypto::PrivateKey p256 = key_number(1);
  const crypto::PrivateKey ed25519 = key_number(1, crypto::KeyType::ed25519);
  const Octets null = {0x05, 0x00};
  namespace oids = asn1::oids;
  const auto point = p256.public_key().bytes();
  EXPECT_EQ(read(info(oids::ec_public_key, oid_element(oids::secp256r1), point)), p256.public_key());
  EXPECT_EQ(read(info(oids::ed25519, std::nullopt, ed25519.public_key().bytes())), ed25519.public_key());
  EXPECT_EQ(read(info(oids::ec_public_key, oid_element(oids::secp521r1), point)).error(),
            PublicKeyFault::unsupported_curve);
  EXPECT_EQ(read(info(oids::ec_public_key, oid_element(oids::secp384r1), point)).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::ed448, std::nullopt, point)).error(), PublicKeyFault::unsupported_key_type);
  EXPECT_EQ(read(info(oids::rsa_encryption, null, point)).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::ec_public_key, std::nullopt, point)).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::ec_public_key, null, point)).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::ec_public_key, oid_element(oids::secp256r1), point.first(64))).error(),
            PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::ed25519, null, ed25519.public_key().bytes())).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::ed25519, std::nullopt, point)).error(), PublicKeyFault::invalid_key);
  Octets off_curve(point.begin(), point.end());
  off_curve[64] ^= 1;
  EXPECT_EQ(read(info(oids::ec_public_key, oid_element(oids::secp256r1), off_curve)).error(),
            PublicKeyFault::invalid_key);

  // RSA: the bounds, and that nothing but two INTEGERs in a SEQUENCE is a key.
  const auto rsa = [&](std::size_t bits, std::uint32_t exponent) {
    return read(info(oids::rsa_encryption, null, rsa_public_key_der(bits, exponent)));
  };
  EXPECT_EQ(rsa(2048, 65537)->type(), crypto::KeyType::rsa);
  EXPECT_EQ(rsa(2048, 65537)->modulus().size(), 256u);
  EXPECT_TRUE(rsa(8192, 0xffff'ffff).has_value());
  EXPECT_EQ(rsa(2047, 65537).error(), PublicKeyFault::weak_key);
  EXPECT_EQ(rsa(8193, 65537).error(), PublicKeyFault::unsupported_size);
  EXPECT_EQ(rsa(2048, 65535).error(), PublicKeyFault::weak_key);
  EXPECT_EQ(rsa(2048, 65538).error(), PublicKeyFault::invalid_key);
  const Octets good = rsa_public_key_der(2048, 65537);
  EXPECT_EQ(read(info(oids::rsa_encryption, std::nullopt, good)).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::rsa_encryption, Octets{0x30, 0x00}, good)).error(), PublicKeyFault::invalid_key);
  EXPECT_EQ(read(info(oids::rsassa_pss, std::nullopt, good))->type(), crypto::KeyType::rsa_pss);
  EXPECT_EQ(read(info(oids::rsassa_pss, null, good)).error(), PublicKeyFault::unsupported_key_type);
  for (const Octets& longer : append_everywhere(good)) {
    EXPECT_EQ(read(info(oids::rsa_encryption, null, longer)).error(), PublicKeyFault::invalid_key);
  }
  const auto with_exponent = [&](const Octets& exponent, std::uint32_t bits) {
    return read(info(oids::rsa_encryption, null, der_of([&](asn1::DerWriter& der) {
                       der.sequence([&] {
                         der.unsigned_integer(Octets(bits / 8, 0xa5));
                         der.primitive(asn1::Tag::integer, exponent);
                       });
                     })));
  };
  EXPECT_EQ(with_exponent({2, 0, 0, 0, 1}, 2048).error(), PublicKeyFault::unsupported_size);
  EXPECT_EQ(with_exponent({0, 1, 0, 1}, 2048).error(), PublicKeyFault::invalid_key);        // not in the fewest octets
  EXPECT_EQ(with_exponent({0xff, 0xff, 0xff}, 2048).error(), PublicKeyFault::invalid_key);  // negative
}

TEST(SignatureAlgorithm, WhatIsTakenAndWhatIsNot) {
  namespace oids = asn1::oids;
  using Kind = crypto::SignatureAlgorithm::Kind;
  using crypto::HashAlgorithm;
  const Octets null = {0x05, 0x00};
  const Octets sha256 = pss_parameters(oids::sha256, oids::sha256, 32);
  struct Case {
    Bytes id;
    Octets parameters;
    std::expected<crypto::SignatureAlgorithm, SignatureFault> expected;
  };
  const auto weak = std::unexpected(SignatureFault::weak);
  const auto unsupported = std::unexpected(SignatureFault::unsupported);
  const Case cases[] = {
      {oids::ecdsa_with_sha256, {}, {{Kind::ecdsa, HashAlgorithm::sha256}}},
      {oids::ecdsa_with_sha384, {}, {{Kind::ecdsa, HashAlgorithm::sha384}}},
      {oids::ecdsa_with_sha512, {}, {{Kind::ecdsa, HashAlgorithm::sha512}}},
      {oids::ed25519, {}, {{Kind::ed25519, HashAlgorithm::sha512}}},
      {oids::ecdsa_with_sha256, null, unsupported},
      {oids::ed25519, null, unsupported},
      {oids::sha256_with_rsa, null, {{Kind::rsa_pkcs1, HashAlgorithm::sha256}}},
      {oids::sha384_with_rsa, null, {{Kind::rsa_pkcs1, HashAlgorithm::sha384}}},
      {oids::sha512_with_rsa, {}, {{Kind::rsa_pkcs1, HashAlgorithm::sha512}}},
      {oids::sha256_with_rsa, {0x30, 0x00}, unsupported},
      {oids::sha1_with_rsa, null, weak},
      {oids::md5_with_rsa, null, weak},
      {oids::md2_with_rsa, null, weak},
      {oids::ecdsa_with_sha1, {}, weak},
      {oids::dsa_with_sha1, {}, weak},
      {oids::ed448, {}, unsupported},
      {oids::rsassa_pss, sha256, {{Kind::rsa_pss, HashAlgorithm::sha256}}},
      {oids::rsassa_pss, pss_parameters(oids::sha384, oids::sha384, 48), {{Kind::rsa_pss, HashAlgorithm::sha384}}},
      {oids::rsassa_pss,
       pss_parameters(oids::sha512, oids::sha512, 64, false),
       {{Kind::rsa_pss, HashAlgorithm::sha512}}},
      {oids::rsassa_pss, {}, unsupported},
      {oids::rsassa_pss, null, unsupported},
      {oids::rsassa_pss, pss_parameters({}, {}, std::nullopt), weak},
      {oids::rsassa_pss, pss_parameters(oids::sha256, {}, 32), weak},
      {oids::rsassa_pss, pss_parameters({}, oids::sha256, 32), weak},
      {oids::rsassa_pss, pss_parameters(oids::sha1, oids::sha1, 20), weak},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha1, 32), weak},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha384, 32), unsupported},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha256, 20), unsupported},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha256, std::nullopt), unsupported},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha256, 33), unsupported},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha256, 32, true, 1), unsupported},  // the default
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha256, 32, true, 2), unsupported},
      {oids::rsassa_pss, pss_parameters(oids::sha256, oids::sha256, 32, true, {}, oids::sha256), unsupported},
      {oids::rsassa_pss, pss_parameters(oids::ed448, oids::ed448, 32), unsupported},
  };
  for (const Case& each : cases) {
    const AlgorithmIdentifier identifier{each.id, each.parameters};
    EXPECT_EQ(signature_algorithm(identifier), each.expected) << &each - cases;
    if (!each.expected || !each.parameters.empty()) continue;
    // What is written is read again.
    const Octets written =
        der_of([&](asn1::DerWriter& der) { write_signature_algorithm(der, signature_algorithm(identifier).value()); });
    asn1::DerDocument document(written);
    asn1::DerReader in(document);
    EXPECT_EQ(signature_algorithm(parse_algorithm_identifier(in)), each.expected) << &each - cases;
  }
  for (const Octets& longer : append_everywhere(sha256)) {
    EXPECT_FALSE(signature_algorithm({oids::rsassa_pss, longer}).has_value());
  }
  for (const crypto::KeyType type : {crypto::KeyType::rsa, crypto::KeyType::rsa_pss, crypto::KeyType::p384}) {
    const Octets written =
        der_of([&](asn1::DerWriter& der) { write_signature_algorithm(der, issuing_algorithm(type)); });
    asn1::DerDocument document(written);
    asn1::DerReader in(document);
    EXPECT_EQ(signature_algorithm(parse_algorithm_identifier(in)), issuing_algorithm(type));
  }
}

TEST(PublicKey, PssParametersRestrictAKey) {
  namespace oids = asn1::oids;
  const auto info = [](const Octets& parameters) {
    return SubjectPublicKeyInfo{.der = {}, .algorithm = {oids::rsassa_pss, parameters}, .key = {}};
  };
  const Octets key = rsa_public_key_der(2048, 65537);
  const auto read = [&](const Octets& parameters) {
    SubjectPublicKeyInfo keyed = info(parameters);
    keyed.key = key;
    return public_key(keyed);
  };
  const Octets sha384 = pss_parameters(oids::sha384, oids::sha384, 48);
  EXPECT_EQ(read(sha384)->only_hash(), crypto::HashAlgorithm::sha384);
  EXPECT_EQ(pss_restriction({oids::rsassa_pss, sha384}), crypto::HashAlgorithm::sha384);
  const Octets short_salt = pss_parameters(oids::sha256, oids::sha256, std::nullopt);  // 20 at least
  EXPECT_TRUE(read(short_salt).has_value());
  EXPECT_EQ(pss_restriction({oids::rsassa_pss, short_salt}), crypto::HashAlgorithm::sha256);
  EXPECT_EQ(read({})->only_hash(), std::nullopt);
  EXPECT_EQ(pss_restriction({oids::rsassa_pss, {}}), std::nullopt);
  EXPECT_EQ(read(pss_parameters(oids::sha256, oids::sha256, 33)).error(), PublicKeyFault::unsupported_key_type);
  EXPECT_EQ(read(pss_parameters({}, {}, std::nullopt)).error(), PublicKeyFault::weak_key);
}

TEST(PublicKey, TypesAreNamed) {
  const auto name = [](Bytes algorithm, const Octets& parameters, const Octets& key) {
    const SubjectPublicKeyInfo info{{}, {algorithm, parameters}, key};
    return text_of([&](Writer& out) { write_key_type(out, info); });
  };
  namespace oids = asn1::oids;
  const Octets p384 = der_of([](asn1::DerWriter& der) { der.object_identifier(asn1::oids::secp384r1); });
  const auto rsa = [](Bytes modulus) {
    return der_of([&](asn1::DerWriter& der) {
      der.sequence([&] {
        der.unsigned_integer(modulus);
        der.integer(65537);
      });
    });
  };
  Octets modulus(256, 0xff);
  EXPECT_EQ(name(oids::ec_public_key, p384, {}), "P-384");
  EXPECT_EQ(name(oids::ec_public_key, {}, {}), "id-ecPublicKey");
  EXPECT_EQ(name(oids::ed25519, {}, {}), "Ed25519");
  EXPECT_EQ(name(asn1::oid<1, 2, 3>, {}, {}), "1.2.3");
  EXPECT_EQ(name(oids::rsa_encryption, {}, rsa(modulus)), "RSA 2048");
  modulus[0] = 0x01;
  EXPECT_EQ(name(oids::rsa_encryption, {}, rsa(modulus)), "RSA 2041");
  EXPECT_EQ(name(oids::rsa_encryption, {}, {}), "RSA");
}

}  // namespace
}  // namespace limpid::x509::test
