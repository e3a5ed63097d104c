// Key files as OpenSSL and GnuTLS write them, of every type in every form.
#include "limpid/asn1/oid.hpp"
#include "limpid/x509/encrypted_key.hpp"
#include "tests/support/random.hpp"
#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

using crypto::KeyType;
namespace oids = asn1::oids;

class KeyFiles : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    if (!have("openssl")) GTEST_SKIP() << "openssl is not installed";
  }
  std::expected<crypto::PrivateKey, KeyError> load(const std::string& name,
                                                   std::optional<std::string_view> passphrase = std::nullopt) const {
    const std::string file = read(name);
    if (!passphrase) return load_private_key(as_bytes(file));
    return load_private_key(as_bytes(file), as_bytes(*passphrase), portable_cpu);
  }
  KeyFault fault(const std::string& name, std::optional<std::string_view> passphrase = std::nullopt) const {
    const auto key = load(name, passphrase);
    EXPECT_FALSE(key.has_value()) << name;
    return key ? KeyFault{} : key.error().fault;
  }
  // What OpenSSL says is the public key.
  crypto::PublicKey public_key_of(const std::string& name) const {
    must_run("openssl pkey -in " + name + " -pubout -outform DER -out public.der");
    const std::string der = read("public.der");
    asn1::DerDocument document(as_bytes(der));
    asn1::DerReader in(document);
    const auto key = public_key(parse_public_key_info(in));
    EXPECT_TRUE(key.has_value()) << name;
    return key.value_or(crypto::PublicKey());
  }
  void expect_same(const std::string& name, const crypto::PublicKey& key,
                   std::optional<std::string_view> passphrase = std::nullopt) const {
    const auto loaded = load(name, passphrase);
    ASSERT_TRUE(loaded.has_value()) << name << ": " << describe(loaded.error().fault);
    EXPECT_EQ(loaded->public_key(), key) << name;
  }
};

TEST_F(KeyFiles, EveryTypeInEveryForm) {
  for (const KeyType type : every_key_type) {
    must_run("openssl genpkey " + key_options(type) + " -out a.pem");
    const crypto::PublicKey key = public_key_of("a.pem");
    EXPECT_EQ(key.type(), type);
    expect_same("a.pem", key);
    must_run("openssl pkey -in a.pem -outform DER -out a.der");
    expect_same("a.der", key);
    // With Windows' line ends, with what pkcs12 prints around it, behind a certificate and other blocks.
    must_run("sed 's/$/\\r/' a.pem >crlf.pem");
    expect_same("crlf.pem", key);
    must_run(
        "{ printf 'Bag Attributes\\n    friendlyName: a: b\\n    localKeyID: 01 02\\nKey Attributes: <No "
        "Attributes>\\n'; "
        "printf -- '-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n'; "
        "printf -- '-----BEGIN EC PARAMETERS-----\\nBggqhkjOPQMBBw==\\n-----END EC PARAMETERS-----\\n'; cat a.pem "
        "a.pem; } "
        ">bag.pem");
    expect_same("bag.pem", key);
    if (type == KeyType::ed25519 || type == KeyType::rsa_pss) continue;
    must_run(
        "openssl pkey -in a.pem -traditional -out b.pem && openssl pkey -in a.pem -traditional -outform DER -out "
        "b.der");
    expect_same("b.pem", key);
    expect_same("b.der", key);
    must_run("openssl pkey -in a.pem -traditional -aes128 -passout pass:secret -out old.pem");
    EXPECT_EQ(fault("old.pem"), KeyFault::legacy_encryption);
    EXPECT_EQ(fault("old.pem", "secret"), KeyFault::legacy_encryption);
  }
  must_run("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out large.pem");
  expect_same("large.pem", public_key_of("large.pem"));
  must_run(
      "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha384 "
      "-pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48 -out pss.pem");
  expect_same("pss.pem", public_key_of("pss.pem"));
}

TEST_F(KeyFiles, WhatIsWrittenSatisfiesOpenSsl) {
  for (const KeyType type : every_key_type) {
    const crypto::PrivateKey key = key_number(3, type);
    write("ours.pem", text_of([&](Writer& out) { write_private_key_pem(out, key); }));
    must_run("openssl pkey -in ours.pem -check -noout");
    EXPECT_EQ(public_key_of("ours.pem"), key.public_key());
  }
}

TEST_F(KeyFiles, KeysThatAreNotTaken) {
  must_run("openssl genrsa -traditional -out weak.pem 1024");
  EXPECT_EQ(fault("weak.pem"), KeyFault::weak_key);
  must_run("openssl genrsa -traditional -3 -out three.pem 2048");
  EXPECT_EQ(fault("three.pem"), KeyFault::weak_key);
  must_run("openssl genrsa -traditional -primes 3 -out primes.pem 2048");
  EXPECT_EQ(fault("primes.pem"), KeyFault::unsupported_version);
  must_run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k1.pem");
  EXPECT_EQ(fault("k1.pem"), KeyFault::unsupported_key_type);
  must_run("openssl genpkey -algorithm ED448 -out ed448.pem");
  EXPECT_EQ(fault("ed448.pem"), KeyFault::unsupported_key_type);
}

TEST_F(KeyFiles, UnderAPassphrase) {
  must_run("openssl genpkey " + key_options(KeyType::p256) + " -out a.pem");
  const crypto::PublicKey key = public_key_of("a.pem");
  for (const std::string cipher : {"aes-128-cbc", "aes-256-cbc"}) {
    for (const std::string prf : {"hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"}) {
      must_run("openssl pkcs8 -topk8 -in a.pem -v2 " + cipher + " -v2prf " + prf +
               " -iter 100 -passout pass:secret -out e.pem -outform PEM");
      expect_same("e.pem", key, "secret");
      EXPECT_EQ(fault("e.pem"), KeyFault::encrypted);
      EXPECT_EQ(fault("e.pem", "Secret"), KeyFault::wrong_passphrase);
      EXPECT_EQ(fault("e.pem", ""), KeyFault::wrong_passphrase);
    }
  }
  for (const KeyType type : every_key_type) {
    must_run("openssl genpkey " + key_options(type) + " -out b.pem");
    must_run("openssl pkcs8 -topk8 -in b.pem -passout pass:'p\xc3\xa4ss w' -outform DER -out e.der");
    expect_same("e.der", public_key_of("b.pem"), "p\xc3\xa4ss w");
  }
  must_run("openssl pkcs8 -topk8 -in a.pem -v2 des3 -passout pass:secret -out e.pem");
  EXPECT_EQ(fault("e.pem", "secret"), KeyFault::unsupported_encryption);
  must_run("openssl pkcs8 -topk8 -in a.pem -scrypt -scrypt_N 16 -passout pass:secret -out e.pem");
  EXPECT_EQ(fault("e.pem", "secret"), KeyFault::unsupported_encryption);
  must_run("openssl pkcs8 -topk8 -in a.pem -v1 PBE-SHA1-3DES -passout pass:secret -out e.pem");
  EXPECT_EQ(fault("e.pem", "secret"), KeyFault::unsupported_encryption);
  if (!have("certtool")) return;
  must_run("certtool --to-p8 --load-privkey a.pem --password secret --pkcs-cipher aes-256 --outfile g.pem");
  expect_same("g.pem", key, "secret");
}

// EncryptedPrivateKeyInfo around nothing that could be decrypted, with every part as one likes.
struct ForgedEncryption {
  Bytes scheme = oids::pbes2;
  Bytes derivation = oids::pbkdf2;
  Bytes cipher = oids::aes_128_cbc;
  std::uint32_t iterations = 1;
  std::optional<std::uint32_t> key_length = std::nullopt;
  std::size_t iv_size = 16;
  Bytes prf = oids::hmac_with_sha256;
  bool salt_from_elsewhere = false;
  std::size_t ciphertext_size = 32;

  Octets der() const {
    return der_of([&](asn1::DerWriter& out) {
      out.sequence([&] {
        out.sequence([&] {
          out.object_identifier(scheme);
          out.sequence([&] {
            out.sequence([&] {
              out.object_identifier(derivation);
              out.sequence([&] {
                if (salt_from_elsewhere) {
                  out.sequence([&] { out.object_identifier(oids::sha1); });
                } else {
                  out.octet_string(Octets(8, 1));
                }
                out.integer(iterations);
                if (key_length) out.integer(*key_length);
                out.sequence([&] { out.object_identifier(prf); });
              });
            });
            out.sequence([&] {
              out.object_identifier(cipher);
              out.octet_string(Octets(iv_size, 2));
            });
          });
        });
        out.octet_string(Octets(ciphertext_size, 3));
      });
    });
  }
};

TEST(EncryptedKey, EveryPartIsChecked) {
  const auto fault = [](const ForgedEncryption& forged) {
    const auto key = load_private_key(forged.der(), as_bytes("secret"), portable_cpu);
    EXPECT_FALSE(key.has_value());
    return key ? KeyFault{} : key.error().fault;
  };
  EXPECT_EQ(fault({}), KeyFault::wrong_passphrase);
  EXPECT_EQ(fault({.key_length = 16}), KeyFault::wrong_passphrase);
  EXPECT_EQ(fault({.key_length = 32}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.cipher = oids::aes_256_cbc, .key_length = 32}), KeyFault::wrong_passphrase);
  EXPECT_EQ(fault({.scheme = oids::pbkdf2}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.derivation = oids::pbes2}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.cipher = oids::sha1}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.prf = oids::sha1}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.iv_size = 15}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.salt_from_elsewhere = true}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.iterations = 0}), KeyFault::unsupported_encryption);
  EXPECT_EQ(fault({.iterations = max_iterations + 1}), KeyFault::too_many_iterations);
  EXPECT_EQ(fault({.ciphertext_size = 0}), KeyFault::wrong_passphrase);
  EXPECT_EQ(fault({.ciphertext_size = 33}), KeyFault::wrong_passphrase);
  const Octets der = ForgedEncryption().der();
  for (std::size_t n = 0; n < der.size(); ++n) {
    EXPECT_FALSE(load_private_key(Bytes(der).first(n), as_bytes("secret"), portable_cpu).has_value());
  }
  for (const Octets& longer : append_everywhere(der)) {
    EXPECT_FALSE(load_private_key(longer, as_bytes("secret"), portable_cpu).has_value());
  }
}

}  // namespace
}  // namespace limpid::x509::test
