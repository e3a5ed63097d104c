#include "limpid/crypto/signature.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <cstring>
#include <memory>

#include "tests/support/cpu.hpp"
#include "tests/support/small_order.hpp"
#include "tests/support/wycheproof.hpp"

namespace limpid::crypto {
namespace {

using test::best_cpu;
using test::from_hex;
using test::to_hex;
namespace wycheproof = test::wycheproof;

constexpr KeyType key_types[] = {KeyType::p256, KeyType::p384, KeyType::ed25519};
constexpr std::array<Byte, 32> no_hedge{};

Generator generator(Byte seed) {
  const std::array<Byte, 32> bytes{seed};
  return Generator(bytes);
}

// Generates keys and checks and makes signatures with OpenSSL.
class OpenSslKey {
 public:
  explicit OpenSslKey(KeyType type) : type_(type) {
    key_.reset(type == KeyType::ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                        : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve()));
  }
  explicit OpenSslKey(const PublicKey& key) : type_(key.type()) {
    if (type_ == KeyType::ed25519) {
      key_.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes().data(), 32));
      return;
    }
    char group[6];
    std::strcpy(group, curve());
    auto* point = const_cast<Byte*>(key.bytes().data());
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, key.bytes().size()),
                               OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
    EVP_PKEY* key_made = nullptr;
    EVP_PKEY_fromdata_init(context);
    EXPECT_EQ(EVP_PKEY_fromdata(context, &key_made, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(context);
    key_.reset(key_made);
  }

  PublicKey public_key() const {
    std::array<Byte, 97> bytes{};
    std::size_t size = bytes.size();
    if (type_ == KeyType::ed25519) {
      EVP_PKEY_get_raw_public_key(key_.get(), bytes.data(), &size);
    } else {
      unsigned char* encoded = nullptr;
      size = EVP_PKEY_get1_encoded_public_key(key_.get(), &encoded);
      copy({encoded, size}, bytes);
      OPENSSL_free(encoded);
    }
    return PublicKey::from_bytes(type_, Bytes(bytes).first(size)).value();
  }
  std::vector<Byte> sign(Bytes message) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::vector<Byte> signature(110);
    std::size_t size = signature.size();
    EVP_DigestSignInit(context, nullptr, digest(), nullptr, key_.get());
    EXPECT_EQ(EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()), 1);
    EVP_MD_CTX_free(context);
    signature.resize(size);
    return signature;
  }
  bool verify(Bytes message, Bytes signature) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, digest(), nullptr, key_.get());
    const int good = EVP_DigestVerify(context, signature.data(), signature.size(), message.data(), message.size());
    EVP_MD_CTX_free(context);
    return good == 1;
  }

 private:
  const EVP_MD* digest() const {
    if (type_ == KeyType::ed25519) return nullptr;
    return type_ == KeyType::p256 ? EVP_sha256() : EVP_sha384();
  }
  const char* curve() const { return type_ == KeyType::p256 ? "P-256" : "P-384"; }

  KeyType type_;
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_{nullptr, EVP_PKEY_free};
};

TEST(Signature, WhatIsSignedVerifiesHereAndWithOpenSsl) {
  Generator random = generator(1);
  for (const KeyType type : key_types) {
    for (std::size_t i = 0; i < 60; ++i) {
      const PrivateKey key = PrivateKey::generate(type, random);
      std::vector<Byte> message(i * 7);
      random.fill(message);
      const auto hedge = draw<32>(random);
      const Signature signature = key.sign(scheme_of(type), message, hedge.bytes(), best_cpu());
      ASSERT_TRUE(verify(key.public_key(), scheme_of(type), message, signature.bytes(), best_cpu()));
      ASSERT_TRUE(OpenSslKey(key.public_key()).verify(message, signature.bytes()));
    }
  }
}

TEST(Signature, WhatOpenSslSignsVerifies) {
  Generator random = generator(2);
  for (const KeyType type : key_types) {
    for (std::size_t i = 0; i < 60; ++i) {
      const OpenSslKey key(type);
      std::vector<Byte> message(i * 7);
      random.fill(message);
      const auto signature = key.sign(message);
      ASSERT_TRUE(verify(key.public_key(), scheme_of(type), message, signature, best_cpu()));
    }
  }
}

TEST(Signature, EveryFlippedBitIsRefused) {
  Generator random = generator(3);
  for (const KeyType type : key_types) {
    const PrivateKey key = PrivateKey::generate(type, random);
    std::vector<Byte> message(5, 7);
    Signature signature = key.sign(scheme_of(type), message, no_hedge, best_cpu());
    // Each bit, but for P-384, which takes its time, each seventh.
    for (std::size_t bit = 0; bit < std::size_t{8} * signature.size; bit += type == KeyType::p384 ? 7 : 1) {
      signature.storage[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
      EXPECT_FALSE(verify(key.public_key(), scheme_of(type), message, signature.bytes(), best_cpu())) << bit;
      signature.storage[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    }
    for (std::size_t bit = 0; bit < 40; ++bit) {
      message[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
      EXPECT_FALSE(verify(key.public_key(), scheme_of(type), message, signature.bytes(), best_cpu())) << bit;
      message[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    }
    for (std::size_t n = 0; n < signature.size; ++n) {
      EXPECT_FALSE(verify(key.public_key(), scheme_of(type), message, signature.bytes().first(n), best_cpu()));
    }
    EXPECT_TRUE(verify(key.public_key(), scheme_of(type), message, signature.bytes(), best_cpu()));
  }
}

TEST(Signature, ASchemeOfAnotherKeyIsRefused) {
  Generator random = generator(4);
  for (const KeyType type : key_types) {
    const PrivateKey key = PrivateKey::generate(type, random);
    const Signature signature = key.sign(scheme_of(type), {}, no_hedge, best_cpu());
    for (const int scheme : {0x0403, 0x0807, 0x0401, 0x0503, 0x0804, 0}) {
      const auto other = static_cast<SignatureScheme>(scheme);
      if (other == scheme_of(type)) continue;
      EXPECT_FALSE(verify(key.public_key(), other, {}, signature.bytes(), best_cpu()));
      EXPECT_EQ(key.sign(other, {}, no_hedge, best_cpu()).size, 0);
    }
  }
}

TEST(Signature, TheHedgeChangesEcdsaOnlyAndRepeatsExactly) {
  Generator random = generator(5);
  std::array<Byte, 32> hedge{1};
  for (const KeyType type : key_types) {
    const PrivateKey key = PrivateKey::generate(type, random);
    const auto sign = [&](std::span<const Byte, 32> with) {
      return to_hex(key.sign(scheme_of(type), as_bytes("message"), with, best_cpu()).bytes());
    };
    EXPECT_EQ(sign(no_hedge), sign(no_hedge));
    EXPECT_EQ(sign(hedge) == sign(no_hedge), type == KeyType::ed25519);
  }
}

TEST(Signature, EveryCpuPathSignsAlike) {
  Generator random = generator(6);
  for (const KeyType type : key_types) {
    const PrivateKey key = PrivateKey::generate(type, random);
    const std::string expected = to_hex(key.sign(scheme_of(type), as_bytes("x"), no_hedge, portable_cpu).bytes());
    for (const CpuFeatures cpu : test::cpu_paths()) {
      EXPECT_EQ(to_hex(key.sign(scheme_of(type), as_bytes("x"), no_hedge, cpu).bytes()), expected);
    }
  }
}

TEST(PrivateKey, ScalarsOutOfRangeAreRefused) {
  auto order = from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  std::vector<Byte> bytes(32);
  EXPECT_FALSE(PrivateKey::from_bytes(KeyType::p256, bytes));
  EXPECT_FALSE(PrivateKey::from_bytes(KeyType::p256, order));
  EXPECT_FALSE(PrivateKey::from_bytes(KeyType::p256, std::vector<Byte>(32, 0xff)));
  order[31] -= 1;
  EXPECT_TRUE(PrivateKey::from_bytes(KeyType::p256, order));
  bytes[31] = 1;
  EXPECT_TRUE(PrivateKey::from_bytes(KeyType::p256, bytes));
  for (const KeyType type : key_types) {
    const std::size_t size = type == KeyType::p384 ? 48 : 32;
    EXPECT_FALSE(PrivateKey::from_bytes(type, std::vector<Byte>(size - 1, 1)));
    EXPECT_FALSE(PrivateKey::from_bytes(type, std::vector<Byte>(size + 1, 1)));
    EXPECT_FALSE(PrivateKey::from_bytes(type, {}));
  }
  EXPECT_TRUE(PrivateKey::from_bytes(KeyType::ed25519, std::vector<Byte>(32)));
}

TEST(PrivateKey, ItsBytesMakeItAgain) {
  Generator random = generator(7);
  for (const KeyType type : key_types) {
    const PrivateKey key = PrivateKey::generate(type, random);
    const auto again = PrivateKey::from_bytes(type, key.secret_bytes());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->type(), type);
    EXPECT_EQ(again->public_key(), key.public_key());
  }
}

TEST(PublicKey, OfTheWrongLengthOrOffTheCurveIsRefused) {
  Generator random = generator(8);
  for (const KeyType type : key_types) {
    const PublicKey key = PrivateKey::generate(type, random).public_key();
    EXPECT_EQ(PublicKey::from_bytes(type, key.bytes()), key);
    std::vector<Byte> bytes(key.bytes().begin(), key.bytes().end());
    for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(PublicKey::from_bytes(type, Bytes(bytes).first(n)));
    bytes.push_back(0);
    EXPECT_FALSE(PublicKey::from_bytes(type, bytes));
    bytes.pop_back();
    bytes.back() ^= 1;
    EXPECT_EQ(PublicKey::from_bytes(type, bytes).has_value(), type == KeyType::ed25519);
  }
}

std::vector<Byte> saved(const PublicKey& key) {
  Budget budget(1 << 14);
  Buffer bytes(budget);
  Writer out(bytes);
  encode(out, Instant{0}, key);
  return {bytes.begin(), bytes.end()};
}

std::optional<PublicKey> loaded(Bytes bytes) {
  Budget budget(1 << 14);
  Reader in(bytes);
  PublicKey key;
  if (!decode(in, LoadContext{Instant{0}, budget}, key) || !in.finished()) return std::nullopt;
  return key;
}

TEST(PublicKey, IsSavedAndOnlyValidOnesAreLoaded) {
  Generator random = generator(9);
  EXPECT_EQ(loaded(saved(PublicKey())), PublicKey());
  for (const KeyType type : key_types) {
    const PublicKey key = PrivateKey::generate(type, random).public_key();
    auto bytes = saved(key);
    EXPECT_EQ(loaded(bytes), key);
    bytes[0] = static_cast<Byte>(KeyType::rsa);
    EXPECT_FALSE(loaded(bytes));
    bytes = saved(key);
    bytes[bytes.size() - 2] ^= 1;  // an exponent that this type does not have
    EXPECT_FALSE(loaded(bytes));
    EXPECT_FALSE(loaded(saved(key.restricted_to(HashAlgorithm::sha256)))) << "for RSASSA-PSS only";
    bytes = saved(key);
    EXPECT_FALSE(loaded(Bytes(bytes).first(bytes.size() - 1)));
  }
}

TEST(PublicKey, WithoutAKeyVerifiesNothing) {
  Generator random = generator(10);
  for (const KeyType type : key_types) {
    const Signature signature = PrivateKey::generate(type, random).sign(scheme_of(type), {}, no_hedge, best_cpu());
    EXPECT_FALSE(verify(PublicKey(), scheme_of(type), {}, signature.bytes(), best_cpu()));
  }
}

// RFC 8032, section 7.1, tests 1 to 3 and SHA(abc).
TEST(Ed25519, Rfc8032Vectors) {
  const struct {
    std::string_view seed, public_key, message, signature;
  } vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
       "4655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
       "eb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
       "dc027beceea1ec40a"},
      {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
       "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80"
       "e2a9ac94fa54ca49f",
       "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17"
       "ad9bef1177331a704"},
  };
  for (const auto& [seed, public_key, message, signature] : vectors) {
    const auto key = PrivateKey::from_bytes(KeyType::ed25519, from_hex(seed));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->public_key().bytes()), public_key);
    const Signature made = key->sign(SignatureScheme::ed25519, from_hex(message), no_hedge, best_cpu());
    EXPECT_EQ(to_hex(made.bytes()), signature);
    EXPECT_TRUE(verify(key->public_key(), SignatureScheme::ed25519, from_hex(message), made.bytes(), best_cpu()));
  }
}

// All the points of small order and their non-canonical encodings: with such a key, one signature would fit any
// message.
TEST(Ed25519, KeysOfSmallOrderAreRefused) {
  for (const std::string_view small : test::small_order_encodings) {
    const auto key = PublicKey::from_bytes(KeyType::ed25519, from_hex(small));
    ASSERT_TRUE(key);
    // R the neutral element, S zero: holds for every message whose hash kills the key.
    std::vector<Byte> signature(64);
    signature[0] = 1;
    for (int i = 0; i < 16; ++i) {
      const std::vector<Byte> message(1, static_cast<Byte>(i));
      EXPECT_FALSE(verify(*key, SignatureScheme::ed25519, message, signature, best_cpu())) << small;
    }
  }
}

TEST(Ed25519, Wycheproof) {
  wycheproof::for_each("ed25519_test.json", [](const wycheproof::Case& c) {
    const auto key =
        PublicKey::from_bytes(KeyType::ed25519, from_hex(c.group.at("publicKey").at("pk").get<std::string>()));
    EXPECT_TRUE(key);
    return wycheproof::judged(key &&
                              verify(*key, SignatureScheme::ed25519, c.bytes("msg"), c.bytes("sig"), best_cpu()));
  });
}

}  // namespace
}  // namespace limpid::crypto
