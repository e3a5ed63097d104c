#include "limpid/crypto/key_agreement.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <memory>
#include <random>

#include "tests/support/cpu.hpp"
#include "tests/support/wycheproof.hpp"

namespace limpid::crypto {
namespace {

using test::best_cpu;
using test::from_hex;
using test::to_hex;
namespace wycheproof = test::wycheproof;

constexpr NamedGroup groups[] = {NamedGroup::secp256r1, NamedGroup::secp384r1, NamedGroup::x25519};

// A key of a given private value, by the way that snapshots take.
std::optional<EphemeralKey> key_of(NamedGroup group, Bytes private_key) {
  Budget budget(1 << 16);
  std::vector<Byte> saved{static_cast<Byte>(static_cast<int>(group) >> 8), static_cast<Byte>(group),
                          static_cast<Byte>(private_key.size())};
  saved.insert(saved.end(), private_key.begin(), private_key.end());
  Reader in(saved);
  std::optional<EphemeralKey> key(std::in_place);
  if (!decode(in, LoadContext{Instant{0}, budget}, *key) || !in.finished()) key.reset();
  return key;
}

// The same by every kernel.
std::string agreed(const EphemeralKey& key, Bytes peer) {
  const auto shared = key.agree(peer, best_cpu());
  const std::string result = shared ? to_hex(shared->bytes()) : "refused";
  for (const CpuFeatures cpu : {portable_cpu, CpuFeatures{.bmi2_adx = best_cpu().bmi2_adx}}) {
    if (cpu == best_cpu()) continue;
    const auto again = key.agree(peer, cpu);
    EXPECT_EQ(again ? to_hex(again->bytes()) : "refused", result);
  }
  return result;
}

Generator generator(Byte seed) {
  const std::array<Byte, 32> bytes{seed};
  return Generator(bytes);
}

TEST(KeyAgreement, BothSidesAgree) {
  Generator random = generator(1);
  for (const NamedGroup group : groups) {
    for (int i = 0; i < 20; ++i) {
      const EphemeralKey alice = EphemeralKey::generate(group, random, best_cpu());
      const EphemeralKey bob = EphemeralKey::generate(group, random, best_cpu());
      EXPECT_EQ(alice.public_key().size(), public_key_size(group));
      EXPECT_FALSE(alice.public_key() == bob.public_key());
      const std::string shared = agreed(alice, bob.public_key());
      EXPECT_EQ(shared.size(), 2 * private_key_size(group));
      EXPECT_EQ(shared, agreed(bob, alice.public_key()));
    }
  }
}

TEST(KeyAgreement, TheSameSeedGivesTheSameKey) {
  for (const NamedGroup group : groups) {
    Generator first = generator(7), again = generator(7);
    EXPECT_EQ(EphemeralKey::generate(group, first, best_cpu()).public_key(),
              EphemeralKey::generate(group, again, best_cpu()).public_key());
  }
}

TEST(KeyAgreement, ASavedKeyGoesOnAlike) {
  Budget budget(1 << 16);
  Generator random = generator(2);
  for (const NamedGroup group : groups) {
    const EphemeralKey key = EphemeralKey::generate(group, random, best_cpu());
    const EphemeralKey peer = EphemeralKey::generate(group, random, best_cpu());
    Buffer saved(budget);
    Writer out(saved);
    encode(out, Instant{0}, key);
    ASSERT_FALSE(out.failed());
    ASSERT_EQ(saved.size(), 3 + private_key_size(group));
    const auto loaded = key_of(group, Bytes(saved.data(), saved.size()).subspan(3));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->group(), group);
    EXPECT_EQ(loaded->public_key(), key.public_key());
    EXPECT_EQ(agreed(*loaded, peer.public_key()), agreed(key, peer.public_key()));
    Buffer again(budget);
    Writer out_again(again);
    encode(out_again, Instant{0}, *loaded);
    EXPECT_EQ(Bytes(again.data(), again.size()), Bytes(saved.data(), saved.size()));
  }
}

TEST(KeyAgreement, ASavedScalarOutOfRangeIsRefused) {
  const auto order = from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  auto largest = order;
  largest[31] -= 1;
  std::vector<Byte> zero(32), one(32), beyond(32, 0xff);
  one[31] = 1;
  EXPECT_FALSE(key_of(NamedGroup::secp256r1, zero));
  EXPECT_FALSE(key_of(NamedGroup::secp256r1, order));
  EXPECT_FALSE(key_of(NamedGroup::secp256r1, beyond));
  EXPECT_FALSE(key_of(NamedGroup::secp256r1, Bytes(one).first(31)));
  ASSERT_TRUE(key_of(NamedGroup::secp256r1, one));
  ASSERT_TRUE(key_of(NamedGroup::secp256r1, largest));
  EXPECT_EQ(to_hex(key_of(NamedGroup::secp256r1, one)->public_key().subspan(1, 32)),
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
  // n - 1 is -1: the same x.
  EXPECT_EQ(key_of(NamedGroup::secp256r1, largest)->public_key().subspan(1, 32),
            key_of(NamedGroup::secp256r1, one)->public_key().subspan(1, 32));
}

TEST(KeyAgreement, AGroupWithoutKeysIsHeldAndRefusesEverything) {
  const auto key = key_of(static_cast<NamedGroup>(0x0a0a), {});
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->public_key().empty());
  EXPECT_FALSE(key->agree({}, best_cpu()));
  EXPECT_FALSE(key->agree(std::vector<Byte>(32, 9), best_cpu()));
  EXPECT_FALSE(is_supported(static_cast<NamedGroup>(0x0a0a)));
}

TEST(KeyAgreement, PublicValuesOfTheWrongLengthAreRefused) {
  Generator random = generator(3);
  for (const NamedGroup group : groups) {
    const EphemeralKey key = EphemeralKey::generate(group, random, best_cpu());
    const EphemeralKey peer = EphemeralKey::generate(group, random, best_cpu());
    std::vector<Byte> value(peer.public_key().begin(), peer.public_key().end());
    for (std::size_t n = 0; n < value.size(); ++n) EXPECT_FALSE(key.agree(Bytes(value).first(n), best_cpu()));
    value.push_back(0);
    EXPECT_FALSE(key.agree(value, best_cpu()));
  }
}

TEST(KeyAgreement, PointsOffTheCurveAndInfinityAreRefused) {
  Generator random = generator(4);
  for (const NamedGroup group : {NamedGroup::secp256r1, NamedGroup::secp384r1}) {
    const EphemeralKey key = EphemeralKey::generate(group, random, best_cpu());
    std::vector<Byte> point(key.public_key().begin(), key.public_key().end());
    for (std::size_t i = 0; i < point.size(); ++i) {
      point[i] ^= 0x10;
      EXPECT_FALSE(key.agree(point, best_cpu())) << i;
      point[i] ^= 0x10;
    }
    EXPECT_TRUE(key.agree(point, best_cpu()));
    EXPECT_FALSE(key.agree(std::vector<Byte>(public_key_size(group)), best_cpu()));
  }
}

// RFC 7748, section 5.2.
TEST(X25519, Rfc7748Vectors) {
  const auto first =
      key_of(NamedGroup::x25519, from_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"));
  EXPECT_EQ(agreed(*first, from_hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  const auto second =
      key_of(NamedGroup::x25519, from_hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"));
  EXPECT_EQ(agreed(*second, from_hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(X25519, Rfc7748IteratedVector) {
  std::vector<Byte> k(32), u(32);
  k[0] = u[0] = 9;
  for (int i = 0; i < 1000; ++i) {
    const auto result = from_hex(agreed(*key_of(NamedGroup::x25519, k), u));
    u = k;
    k = result;
    if (i == 0) {
      EXPECT_EQ(to_hex(k), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(to_hex(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

// Coordinates and scalars at their edges, reduced and not: every kernel gives what libsodium does.
TEST(X25519, EveryKernelAgreesOnEdges) {
  std::vector<std::vector<Byte>> values;
  for (int limb = 0; limb < 1 << 8; ++limb) {
    std::vector<Byte> value(32);
    for (std::size_t i = 0; i < 32; ++i) {
      const Byte choices[] = {0x00, 0xff, static_cast<Byte>(i == 0 ? 0xed : 0xff), static_cast<Byte>(i * 37 + 1)};
      value[i] = choices[limb >> 2 * (i / 8) & 3];
    }
    values.push_back(value);
    value[31] &= 0x7f;
    values.push_back(value);
    value[0] ^= 0x12;
    values.push_back(value);
  }
  Generator random = generator(6);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::vector<Byte> scalar(32);
    random.fill(scalar);
    if (i % 2 != 0) scalar = values[values.size() - 1 - i];
    std::vector<Byte> shared(32), public_key(32);
    const bool agrees = crypto_scalarmult_curve25519(shared.data(), scalar.data(), values[i].data()) == 0;
    crypto_scalarmult_curve25519_base(public_key.data(), scalar.data());
    const auto key = key_of(NamedGroup::x25519, scalar);
    EXPECT_EQ(agreed(*key, values[i]), agrees ? to_hex(shared) : "refused");
    EXPECT_EQ(to_hex(key->public_key()), to_hex(public_key));
  }
}

// RFC 7748, section 6.1.
TEST(X25519, Rfc7748DiffieHellman) {
  const auto alice =
      key_of(NamedGroup::x25519, from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob =
      key_of(NamedGroup::x25519, from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(alice->public_key()), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(bob->public_key()), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(agreed(*alice, bob->public_key()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_EQ(agreed(*bob, alice->public_key()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

// P-256's only standard vector for ECDH in the RFCs: RFC 5903, section 8.1.
TEST(P256KeyAgreement, Rfc5903Vector) {
  const auto i =
      key_of(NamedGroup::secp256r1, from_hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"));
  const auto r =
      key_of(NamedGroup::secp256r1, from_hex("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"));
  EXPECT_EQ(
      to_hex(i->public_key()),
      "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf"
      "5f58389e0577b8990bb3");
  EXPECT_EQ(agreed(*i, r->public_key()), "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
  EXPECT_EQ(agreed(*r, i->public_key()), "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
}

// RFC 5903, section 8.2.
TEST(P384KeyAgreement, Rfc5903Vector) {
  const auto i =
      key_of(NamedGroup::secp384r1, from_hex("099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
                                             "e35b538041e649ee3faef896783ab194"));
  const auto r =
      key_of(NamedGroup::secp384r1, from_hex("41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
                                             "e0308312916b8ed2960e4bd55a7448fc"));
  EXPECT_EQ(to_hex(i->public_key()),
            "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
            "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c");
  const std::string shared =
      "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746";
  EXPECT_EQ(agreed(*i, r->public_key()), shared);
  EXPECT_EQ(agreed(*r, i->public_key()), shared);
}

// Private keys of the vectors are integers of any length.
std::optional<std::vector<Byte>> as_scalar(NamedGroup group, std::vector<Byte> integer) {
  const std::size_t size = private_key_size(group);
  while (integer.size() > size && integer[0] == 0) integer.erase(integer.begin());
  if (integer.size() > size) return std::nullopt;
  integer.insert(integer.begin(), size - integer.size(), 0);
  return integer;
}

wycheproof::Outcome agrees(NamedGroup group, const wycheproof::Case& c, Bytes peer) {
  const auto scalar = as_scalar(group, c.bytes("private"));
  const auto key = scalar ? key_of(group, *scalar) : std::nullopt;
  EXPECT_TRUE(key);
  if (!key) return wycheproof::judged(false);
  const std::string shared = agreed(*key, peer);
  if (shared != "refused") {
    EXPECT_EQ(shared, c.text("shared"));
  }
  return wycheproof::judged(shared != "refused");
}

void check_points(NamedGroup group, const char* file) {
  wycheproof::for_each(
      file, [&](const wycheproof::Case& c) { return agrees(group, c, c.bytes("public")); },
      // RFC 8446, section 4.2.8.2, has uncompressed points only.
      [](const wycheproof::Case&) { return false; });
}

// What is judged here is the point; the structure around it is asn1's and x509's, so only keys that have just the
// expected one count.
void check_points_in_infos(NamedGroup group, const char* file, std::string_view info_prefix) {
  const auto prefix = from_hex(info_prefix);
  wycheproof::for_each(
      file,
      [&](const wycheproof::Case& c) -> wycheproof::Outcome {
        const auto info = c.bytes("public");
        if (info.size() < prefix.size() || Bytes(info).first(prefix.size()) != Bytes(prefix)) {
          return wycheproof::excluded("not a SubjectPublicKeyInfo of an uncompressed point of the curve");
        }
        return agrees(group, c, Bytes(info).subspan(prefix.size()));
      },
      // What is acceptable among these has bytes after the point.
      [](const wycheproof::Case&) { return false; });
}

TEST(P256KeyAgreement, WycheproofPoints) { check_points(NamedGroup::secp256r1, "ecdh_secp256r1_ecpoint_test.json"); }
TEST(P384KeyAgreement, WycheproofPoints) { check_points(NamedGroup::secp384r1, "ecdh_secp384r1_ecpoint_test.json"); }
TEST(P256KeyAgreement, WycheproofPointsInPublicKeyInfos) {
  check_points_in_infos(NamedGroup::secp256r1, "ecdh_secp256r1_test.json",
                        "3059301306072a8648ce3d020106082a8648ce3d030107034200");
}
TEST(P384KeyAgreement, WycheproofPointsInPublicKeyInfos) {
  check_points_in_infos(NamedGroup::secp384r1, "ecdh_secp384r1_test.json",
                        "3076301006072a8648ce3d020106052b81040022036200");
}

TEST(X25519, Wycheproof) {
  wycheproof::for_each(
      "x25519_test.json",
      [](const wycheproof::Case& c) {
        const auto key = key_of(NamedGroup::x25519, c.bytes("private"));
        EXPECT_TRUE(key);
        const auto shared = key->agree(c.bytes("public"), best_cpu());
        if (shared) {
          EXPECT_EQ(to_hex(shared->bytes()), c.text("shared"));
        }
        return wycheproof::judged(shared.has_value());
      },
      // Points on the twist and non-canonical ones are what RFC 7748, section 5, tells implementations to accept. An
      // all-zero result is refused, as RFC 8446, section 7.4.2, demands; it comes from every point of low order.
      [](const wycheproof::Case& c) { return !c.has_flag("ZeroSharedSecret"); });
}

// OpenSSL as the peer: it makes a key, and derives with ours.
class OpenSslKey {
 public:
  explicit OpenSslKey(NamedGroup group) {
    const char* curve = group == NamedGroup::secp256r1 ? "P-256" : "P-384";
    key_.reset(group == NamedGroup::x25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")
                                           : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  }
  std::vector<Byte> public_key() {
    unsigned char* encoded = nullptr;
    const std::size_t size = EVP_PKEY_get1_encoded_public_key(key_.get(), &encoded);
    const std::vector<Byte> bytes(encoded, encoded + size);
    OPENSSL_free(encoded);
    return bytes;
  }
  std::string agree(Bytes peer) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> other(EVP_PKEY_new(), EVP_PKEY_free);
    EVP_PKEY_copy_parameters(other.get(), key_.get());
    EXPECT_EQ(EVP_PKEY_set1_encoded_public_key(other.get(), peer.data(), peer.size()), 1);
    const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(EVP_PKEY_CTX_new(key_.get(), nullptr),
                                                                         EVP_PKEY_CTX_free);
    std::array<Byte, 48> shared{};
    std::size_t size = shared.size();
    EXPECT_EQ(EVP_PKEY_derive_init(context.get()), 1);
    EXPECT_EQ(EVP_PKEY_derive_set_peer(context.get(), other.get()), 1);
    EXPECT_EQ(EVP_PKEY_derive(context.get(), shared.data(), &size), 1);
    return to_hex(Bytes(shared).first(size));
  }

 private:
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_{nullptr, EVP_PKEY_free};
};

TEST(KeyAgreement, WithOpenSslAgrees) {
  Generator random = generator(5);
  for (const NamedGroup group : groups) {
    for (int i = 0; i < 50; ++i) {
      OpenSslKey peer(group);
      const EphemeralKey key = EphemeralKey::generate(group, random, best_cpu());
      ASSERT_EQ(agreed(key, peer.public_key()), peer.agree(key.public_key()));
    }
  }
}

}  // namespace
}  // namespace limpid::crypto
