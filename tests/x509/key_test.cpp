#include "limpid/x509/key.hpp"

#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

namespace oids = asn1::oids;
using crypto::KeyType;

class EveryKeyType : public testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(Types, EveryKeyType, testing::ValuesIn(every_key_type));

TEST_P(EveryKeyType, WhatIsWrittenReadsBack) {
  for (Byte n = 1; n < (crypto::is_rsa(GetParam()) ? 2 : 20); ++n) {
    const crypto::PrivateKey key = key_number(n, GetParam());
    const std::string der = text_of([&](Writer& out) { write_pkcs8(out, key); });
    const std::string pem = text_of([&](Writer& out) { write_private_key_pem(out, key); });
    for (const std::string& file : {der, pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pem}) {
      const auto loaded = load_private_key(as_bytes(file));
      ASSERT_TRUE(loaded.has_value());
      EXPECT_EQ(loaded->public_key(), key.public_key());
      EXPECT_EQ(loaded->secret_bytes(), key.secret_bytes());
    }
    const std::string again = text_of([&](Writer& out) { write_pkcs8(out, *load_private_key(as_bytes(pem))); });
    EXPECT_EQ(again, der);
  }
}

TEST_P(EveryKeyType, EveryTruncationAndFlippedByteIsHandled) {
  const crypto::PrivateKey key = key_number(1, GetParam());
  const std::string der = text_of([&](Writer& out) { write_pkcs8(out, key); });
  for (std::size_t n = 0; n < der.size(); ++n) {
    const Octets cut(der.begin(), der.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_FALSE(load_private_key(cut).has_value()) << n;
  }
  for (std::size_t at = 0; at < der.size(); at += crypto::is_rsa(GetParam()) && at > 40 ? 13 : 1) {
    Octets damaged(der.begin(), der.end());
    damaged[at] ^= 0x04;
    const auto first = load_private_key(damaged);
    const auto second = load_private_key(damaged);
    ASSERT_EQ(first.has_value(), second.has_value());
    if (first) {
      // Only an Ed25519 seed can be changed unnoticed: every 32 bytes are one, and no public key stands beside.
      EXPECT_EQ(GetParam(), KeyType::ed25519);
      EXPECT_NE(first->public_key(), key.public_key());
    } else {
      EXPECT_EQ(first.error(), second.error());
    }
  }
}

struct ForgedKey {
  std::uint32_t version = 0;
  Bytes algorithm = oids::ec_public_key;
  std::optional<Octets> parameters;
  Octets private_key;
  std::optional<Octets> public_key;

  Octets der() const {
    return der_of([&](asn1::DerWriter& out) {
      out.sequence([&] {
        out.integer(version);
        out.sequence([&] {
          out.object_identifier(algorithm);
          if (parameters) out.encoded(*parameters);
        });
        out.octet_string(private_key);
        if (public_key) out.bit_string(*public_key, 0, asn1::context(1));
      });
    });
  }
};

struct ForgedEcKey {
  std::uint32_t version = 1;
  Octets secret;
  std::optional<Octets> parameters;
  std::optional<Octets> public_key;

  Octets der() const {
    return der_of([&](asn1::DerWriter& out) {
      out.sequence([&] {
        out.integer(version);
        out.octet_string(secret);
        if (parameters) out.element(asn1::context_constructed(0), [&] { out.encoded(*parameters); });
        if (public_key) out.element(asn1::context_constructed(1), [&] { out.bit_string(*public_key); });
      });
    });
  }
};

Octets octets(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
Octets identifier(Bytes id) {
  return der_of([&](asn1::DerWriter& out) { out.object_identifier(id); });
}
Octets octet_string(Bytes bytes) {
  return der_of([&](asn1::DerWriter& out) { out.octet_string(bytes); });
}

KeyFault pkcs8_fault(const ForgedKey& key) {
  const auto parsed = parse_pkcs8(key.der());
  EXPECT_FALSE(parsed.has_value());
  return parsed ? KeyFault{} : parsed.error().fault;
}
KeyFault ec_fault(const ForgedEcKey& key) {
  const auto parsed = parse_ec_private_key(key.der());
  EXPECT_FALSE(parsed.has_value());
  return parsed ? KeyFault{} : parsed.error().fault;
}

TEST(PrivateKey, EcFaultsAreTold) {
  const crypto::PrivateKey key = key_number(1);
  const Octets other_public = octets(key_number(2).public_key().bytes());
  const ForgedEcKey good{1, octets(key.secret_bytes()), identifier(oids::secp256r1), octets(key.public_key().bytes())};
  ASSERT_TRUE(parse_ec_private_key(good.der()).has_value());

  ForgedEcKey bad = good;
  bad.public_key.reset();
  EXPECT_TRUE(parse_ec_private_key(bad.der()).has_value());
  bad = good;
  bad.version = 2;
  EXPECT_EQ(ec_fault(bad), KeyFault::unsupported_version);
  bad = good;
  bad.parameters.reset();
  EXPECT_EQ(ec_fault(bad), KeyFault::invalid_key);
  bad = good;
  bad.parameters = identifier(oids::secp521r1);
  EXPECT_EQ(ec_fault(bad), KeyFault::unsupported_key_type);
  bad = good;
  bad.parameters = Octets{0x30, 0x00};  // explicit parameters
  EXPECT_EQ(ec_fault(bad), KeyFault::unsupported_key_type);
  bad = good;
  bad.public_key = other_public;
  EXPECT_EQ(ec_fault(bad), KeyFault::mismatch);
  bad = good;
  bad.secret = Octets(32, 0);
  EXPECT_EQ(ec_fault(bad), KeyFault::invalid_key);
  bad.secret = Octets(32, 0xff);  // above the order
  EXPECT_EQ(ec_fault(bad), KeyFault::invalid_key);
  bad.secret = Octets(33, 1);
  EXPECT_EQ(ec_fault(bad), KeyFault::invalid_key);
  bad.secret = {};
  EXPECT_EQ(ec_fault(bad), KeyFault::invalid_key);
}

// GnuTLS writes the scalar like an INTEGER.
TEST(PrivateKey, ScalarsOfOtherLengthsAreReadByTheirValue) {
  Octets scalar(32, 0x11);
  scalar[0] = 0;
  const auto key = crypto::PrivateKey::from_bytes(KeyType::p256, scalar);
  for (const std::ptrdiff_t dropped : {0, 1}) {
    const ForgedEcKey shorter{1, Octets(scalar.begin() + dropped, scalar.end()), identifier(oids::secp256r1), {}};
    EXPECT_EQ(parse_ec_private_key(shorter.der())->public_key(), key->public_key());
  }
  scalar.insert(scalar.begin(), 0);
  const ForgedEcKey longer{1, scalar, identifier(oids::secp256r1), {}};
  EXPECT_EQ(parse_ec_private_key(longer.der())->public_key(), key->public_key());
}

TEST(PrivateKey, Pkcs8FaultsAreTold) {
  const crypto::PrivateKey key = key_number(1);
  const Octets public_key = octets(key.public_key().bytes());
  const Octets other_public = octets(key_number(2).public_key().bytes());
  const ForgedEcKey inner{1, octets(key.secret_bytes()), std::nullopt, std::nullopt};
  const ForgedKey good{0, oids::ec_public_key, identifier(oids::secp256r1), inner.der(), std::nullopt};
  ASSERT_TRUE(parse_pkcs8(good.der()).has_value());

  ForgedKey bad = good;
  bad.version = 1;
  bad.public_key = public_key;
  EXPECT_TRUE(parse_pkcs8(bad.der()).has_value());
  bad.public_key = other_public;
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::mismatch);
  bad.version = 0;
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::unsupported_version);
  bad = good;
  bad.version = 2;
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::unsupported_version);
  bad = good;
  bad.parameters = identifier(oids::secp521r1);
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::unsupported_key_type);
  bad = good;
  bad.parameters.reset();
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::malformed_der);
  bad = good;
  bad.algorithm = oids::rsa_encryption;
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::invalid_key);  // with a curve
  bad = good;
  bad.algorithm = oids::ed448;
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::unsupported_key_type);
  bad = good;
  bad.private_key = ForgedEcKey{1, octets(key.secret_bytes()), identifier(oids::secp521r1), std::nullopt}.der();
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::invalid_key);  // the two curves contradict each other
  bad.private_key = ForgedEcKey{1, octets(key.secret_bytes()), std::nullopt, other_public}.der();
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::mismatch);

  const crypto::PrivateKey ed25519 = key_number(1, KeyType::ed25519);
  const ForgedKey good_ed25519{0, oids::ed25519, std::nullopt, octet_string(ed25519.secret_bytes()), std::nullopt};
  ASSERT_TRUE(parse_pkcs8(good_ed25519.der()).has_value());
  bad = good_ed25519;
  bad.version = 1;
  bad.public_key = octets(ed25519.public_key().bytes());
  EXPECT_TRUE(parse_pkcs8(bad.der()).has_value());
  (*bad.public_key)[0] ^= 1;
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::mismatch);
  bad = good_ed25519;
  bad.parameters = Octets{0x05, 0x00};
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::invalid_key);
  bad = good_ed25519;
  bad.private_key = octets(ed25519.secret_bytes());  // without the inner OCTET STRING
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::malformed_der);
  bad.private_key = octet_string(Bytes(ed25519.secret_bytes()).first(31));
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::invalid_key);
  bad.private_key = octet_string(ed25519.secret_bytes());
  bad.private_key.push_back(0);
  EXPECT_EQ(pkcs8_fault(bad), KeyFault::malformed_der);
}

TEST(PrivateKey, NothingMayFollowInsideOfAnyElement) {
  const crypto::PrivateKey key = key_number(1);
  const crypto::PrivateKey ed25519 = key_number(1, KeyType::ed25519);
  const Octets public_key = octets(key.public_key().bytes());
  const ForgedEcKey ec{1, octets(key.secret_bytes()), identifier(oids::secp256r1), public_key};
  const ForgedKey pkcs8{1, oids::ec_public_key, identifier(oids::secp256r1), ec.der(), public_key};
  const ForgedKey pkcs8_ed25519{1, oids::ed25519, std::nullopt, octet_string(ed25519.secret_bytes()),
                                octets(ed25519.public_key().bytes())};
  for (const Octets& der : {ec.der(), pkcs8.der(), pkcs8_ed25519.der()}) {
    ASSERT_TRUE(load_private_key(der).has_value());
    const std::vector<Octets> longer = append_everywhere(der);
    EXPECT_GE(longer.size(), 4u);
    for (const Octets& one : longer) EXPECT_FALSE(load_private_key(one).has_value());
  }
}

TEST(PrivateKey, FilesWithoutAUsableKeyAreToldApart) {
  const auto fault = [](const std::string& file) {
    const auto loaded = load_private_key(as_bytes(file));
    EXPECT_FALSE(loaded.has_value());
    if (loaded) return KeyFault{};
    EXPECT_FALSE(text_of([&](Writer& out) { write_error(out, loaded.error()); }).empty());
    return loaded.error().fault;
  };
  const auto pem = [](std::string_view label, Bytes der) {
    return text_of([&](Writer& out) { write_pem(out, label, der); });
  };
  EXPECT_EQ(fault(""), KeyFault::no_private_key);
  EXPECT_EQ(fault("hello"), KeyFault::no_private_key);
  EXPECT_EQ(fault(pem("CERTIFICATE", Octets{1})), KeyFault::no_private_key);
  EXPECT_EQ(fault(pem("ENCRYPTED PRIVATE KEY", Octets{1})), KeyFault::encrypted);
  EXPECT_EQ(fault("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n"),
            KeyFault::legacy_encryption);
  EXPECT_EQ(fault(pem("DSA PRIVATE KEY", Octets{1})), KeyFault::unsupported_key_type);
  EXPECT_EQ(fault(pem("RSA PRIVATE KEY", Octets{1})), KeyFault::malformed_der);
  EXPECT_EQ(fault(pem("PRIVATE KEY", Octets(max_key_size + 1))), KeyFault::too_large);
  EXPECT_EQ(fault("0" + std::string(max_key_size, 'x')), KeyFault::too_large);
  EXPECT_EQ(fault(pem("PRIVATE KEY", Octets{0x30, 0x00})), KeyFault::malformed_der);
  EXPECT_EQ(fault("0x"), KeyFault::malformed_der);
  EXPECT_EQ(fault("-----BEGIN PRIVATE KEY-----\n???\n-----END PRIVATE KEY-----\n"), KeyFault::malformed_pem);
  EXPECT_EQ(fault("-----BEGIN PRIVATE KEY-----\n"), KeyFault::malformed_pem);
}

// DER does not say which of the two forms it has: the one that it has decides what is wrong.
TEST(PrivateKey, DerOfEitherFormIsToldWhatIsWrong) {
  const Octets secret = octets(key_number(1).secret_bytes());
  const ForgedEcKey ec{1, secret, identifier(oids::secp521r1), std::nullopt};
  EXPECT_EQ(load_private_key(ec.der()).error().fault, KeyFault::unsupported_key_type);
  const ForgedKey pkcs8{0, oids::ed448, std::nullopt, secret, std::nullopt};
  EXPECT_EQ(load_private_key(pkcs8.der()).error().fault, KeyFault::unsupported_key_type);
  const Octets neither = {0x30, 0x03, 0x02, 0x01, 0x00};
  const KeyError error = load_private_key(neither).error();
  EXPECT_EQ(text_of([&](Writer& out) { write_error(out, error); }),
            "not a private key in PKCS #8, PKCS #1 or SEC 1 form: an element of another type was expected at byte 5: "
            "expected "
            "SEQUENCE, found nothing");
}

TEST(PrivateKey, TheLineSaysWhere) {
  const auto line = [](const KeyError& error) { return text_of([&](Writer& out) { write_error(out, error); }); };
  EXPECT_EQ(line({KeyFault::mismatch, {}, {}}), "the public key in it belongs to another private key");
  EXPECT_EQ(line({KeyFault::malformed_pem, {PemFault::bad_base64, 4}, {}}),
            "not a private key in PEM: a PEM block that is not Base64 (line 4)");
}

TEST(PrivateKey, MatchesItsCertificateOnly) {
  const Octets der = Forgery{}.sign(key_number(1).public_key(), key_number(2));
  const auto certificate = parse_certificate(der);
  EXPECT_TRUE(key_matches(key_number(1), *certificate));
  EXPECT_FALSE(key_matches(key_number(2), *certificate));
}

}  // namespace
}  // namespace limpid::x509::test
