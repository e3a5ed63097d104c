#include "limpid/crypto/ecdsa.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <memory>

#include "limpid/crypto/signature.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/wycheproof.hpp"

namespace limpid::crypto {
namespace {

using test::best_cpu;
using test::from_hex;
using test::to_hex;
namespace wycheproof = test::wycheproof;
template <class Curve>
using Number = typename Curve::Number;
template <class Curve>
using RawSignature = ecdsa::RawSignature<Curve>;

template <class Curve>
Number<Curve> number(std::string_view hex) {
  return from_big_endian<Number<Curve>::size>(Bytes(from_hex(hex)).first<scalar_size<Curve>>());
}

template <std::size_t N>
std::string hex_of(const Limbs<N>& a) {
  std::array<Byte, 8 * N> bytes{};
  to_big_endian(a, std::span(bytes));
  return to_hex(bytes);
}

template <class Curve>
AffinePointOf<Curve> public_point(const Number<Curve>& private_key) {
  return to_affine<Curve>(multiply_base<Curve>(private_key, best_cpu()));
}

template <class Curve>
std::vector<Byte> encoded(const RawSignature<Curve>& signature) {
  std::array<Byte, ecdsa::max_encoded_size<Curve>> bytes{};
  const std::size_t size = ecdsa::encode<Curve>(signature, bytes);
  return {bytes.begin(), bytes.begin() + size};
}

template <std::size_t N>
Limbs<N> minus_one(Limbs<N> a) {
  subtract(a, a, Limbs<N>::from_word(1));
  return a;
}

// What RFC 6979 signs in its appendices A.2.5 and A.2.6.
template <class Curve>
struct Appendix;
template <>
struct Appendix<P256> {
  static constexpr HashAlgorithm hash = HashAlgorithm::sha256;
  static constexpr std::string_view key = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
};
template <>
struct Appendix<P384> {
  static constexpr HashAlgorithm hash = HashAlgorithm::sha384;
  static constexpr std::string_view key =
      "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5";
};

template <class Curve>
Number<Curve> rfc6979_key() {
  return number<Curve>(Appendix<Curve>::key);
}

Digest digest_of(HashAlgorithm algorithm, std::string_view message) {
  return hash(algorithm, as_bytes(message), best_cpu());
}

template <class Curve>
void expect_appendix(HashAlgorithm hash, std::string_view message, std::string_view k, std::string_view r,
                     std::string_view s) {
  for (const CpuFeatures cpu : test::cpu_paths()) {
    const Digest digest = digest_of(hash, message);
    Number<Curve> nonce;
    ecdsa::NonceGenerator<Curve>(rfc6979_key<Curve>(), hash, digest.bytes(), {}, cpu).next(nonce);
    EXPECT_EQ(hex_of(nonce), k);
    const auto signature = ecdsa::sign<Curve>(rfc6979_key<Curve>(), hash, digest.bytes(), {}, cpu);
    EXPECT_EQ(hex_of(signature.r), r);
    EXPECT_EQ(hex_of(signature.s), s);
    EXPECT_TRUE(ecdsa::verify<Curve>(public_point<Curve>(rfc6979_key<Curve>()), digest.bytes(), signature, cpu));
  }
}

// RFC 6979, appendices A.2.5 and A.2.6.
TEST(Rfc6979, NoncesAndSignaturesOfTheAppendix) {
  expect_appendix<P256>(HashAlgorithm::sha256, "sample",
                        "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60",
                        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  expect_appendix<P256>(HashAlgorithm::sha256, "test",
                        "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0",
                        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
  expect_appendix<P384>(
      HashAlgorithm::sha384, "sample",
      "94ed910d1a099dad3254e9242ae85abde4ba15168eaf0ca87a555fd56d10fbca2907e3e83ba95368623b8c4686915cf9",
      "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
      "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8");
  expect_appendix<P384>(
      HashAlgorithm::sha384, "test",
      "015ee46a5bf88773ed9123a5ab0807962d193719503c527b031b4c2d225092ada71f4a459bc0da98adb95837db8312ea",
      "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023db",
      "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246baa5a5");
}

TEST(Rfc6979, LongerAndShorterHashes) {
  expect_appendix<P256>(HashAlgorithm::sha512, "sample",
                        "5fa81c63109badb88c1f367b47da606da28cad69aa22c4fe6ad7df73a7173aa5",
                        "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00",
                        "2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe");
  expect_appendix<P384>(
      HashAlgorithm::sha256, "sample",
      "180ae9f9aec5438a44bc159a1fcb277c7be54fa20e7cf404b490650a8acc414e375572342863c899f9f2edf9747a9b60",
      "21b13d1e013c7fa1392d03c5f99af8b30c570c6f98d4ea8e354b63a21d3daa33bde1e888e63355d92fa2b3c36d8fb2cd",
      "f3aa443fb107745bf4bd77cb3891674632068a10ca67e3d45db2266fa7d1feebefdc63eccd1ac42ec0cb8668a4fa0ab0");
}

// Section 3.6 appends further data to what seeds the generator; these two nonces each come from a few lines of Python.
TEST(Rfc6979, FurtherNoncesAndAdditionalData) {
  const auto digest = digest_of(HashAlgorithm::sha256, "sample");
  std::array<Byte, 32> hedge;
  for (std::size_t i = 0; i < 32; ++i) hedge[i] = static_cast<Byte>(i);
  Number<P256> first, second;
  ecdsa::NonceGenerator<P256> plain(rfc6979_key<P256>(), HashAlgorithm::sha256, digest.bytes(), {}, best_cpu());
  plain.next(first);
  plain.next(second);
  EXPECT_EQ(hex_of(second), "8e83dc490bc5fc4d5992bd63cd87f254adffcb930f8a8011702a88870f638fdb");
  ecdsa::NonceGenerator<P256> hedged(rfc6979_key<P256>(), HashAlgorithm::sha256, digest.bytes(), hedge, best_cpu());
  hedged.next(first);
  hedged.next(second);
  EXPECT_EQ(hex_of(first), "e7eb519fdfdf2373299ac1322cff7b26e78d5041e24740b2e2ecd18d01b56ebf");
  EXPECT_EQ(hex_of(second), "d80c774ba9abb2e3d3bc03a40b30edb18b718fdad0764a4fa7a6ed91976d89a1");
}

template <class Curve>
class Ecdsa : public testing::Test {
 public:
  static constexpr HashAlgorithm hash_used = Appendix<Curve>::hash;
  static constexpr std::size_t width = scalar_size<Curve>;
  static RawSignature<Curve> sign(Bytes digest) {
    return ecdsa::sign<Curve>(rfc6979_key<Curve>(), hash_used, digest, {}, best_cpu());
  }
  static bool verify(const AffinePointOf<Curve>& key, Bytes digest, const RawSignature<Curve>& signature) {
    const bool portable = ecdsa::verify<Curve>(key, digest, signature, portable_cpu);
    EXPECT_EQ(portable, ecdsa::verify<Curve>(key, digest, signature, best_cpu()));
    return portable;
  }
  static std::array<Byte, width> bytes_of(const typename Curve::Number& a) {
    std::array<Byte, width> bytes{};
    to_big_endian(a, std::span(bytes));
    return bytes;
  }
};
using Curves = testing::Types<P256, P384>;
TYPED_TEST_SUITE(Ecdsa, Curves, );

TYPED_TEST(Ecdsa, ADigestAboveTheOrderIsReducedForTheNonceToo) {
  std::array<Byte, TestFixture::width> digest;
  digest.fill(0xff);
  const auto signature = this->sign(digest);
  EXPECT_TRUE(this->verify(public_point<TypeParam>(rfc6979_key<TypeParam>()), digest, signature));
  const auto reduced =
      this->bytes_of(TypeParam::modulo_order.reduce_once(from_big_endian<TypeParam::Number::size>(digest)));
  EXPECT_EQ(encoded<TypeParam>(this->sign(reduced)), encoded<TypeParam>(signature));
}

TYPED_TEST(Ecdsa, ANonceThatGivesZeroGivesNothing) {
  // With nonce 1, r is the x of G; a digest of -r x makes s zero.
  using Scalar = Number<TypeParam>;
  const auto& order = TypeParam::modulo_order;
  const Scalar nonce = Scalar::from_word(1), key = Scalar::from_word(3);
  const Scalar r = order.reduce_once(TypeParam::modulo_prime.leave(public_point<TypeParam>(nonce).x));
  auto digest = this->bytes_of(order.negate(order.multiply(r, order.enter(key))));
  EXPECT_FALSE(ecdsa::sign_with_nonce<TypeParam>(key, digest, nonce, best_cpu()));
  digest.back() ^= 1;
  EXPECT_TRUE(ecdsa::sign_with_nonce<TypeParam>(key, digest, nonce, best_cpu()));
}

TYPED_TEST(Ecdsa, EdgeKeysAndNoncesSignAndVerify) {
  using Scalar = Number<TypeParam>;
  const Scalar last = minus_one(TypeParam::order);
  const Digest digest = digest_of(TestFixture::hash_used, "edge");
  for (const Scalar& key : {Scalar::from_word(1), Scalar::from_word(2), minus_one(last), last}) {
    for (const Scalar& nonce : {Scalar::from_word(1), Scalar::from_word(2), minus_one(last), last}) {
      const auto signature = ecdsa::sign_with_nonce<TypeParam>(key, digest.bytes(), nonce, best_cpu());
      ASSERT_TRUE(signature);
      EXPECT_TRUE(this->verify(public_point<TypeParam>(key), digest.bytes(), *signature));
    }
  }
}

TYPED_TEST(Ecdsa, NumbersOutOfRangeAreRefused) {
  using Scalar = Number<TypeParam>;
  const Digest digest = digest_of(TestFixture::hash_used, "range");
  const auto key = public_point<TypeParam>(rfc6979_key<TypeParam>());
  const auto good = this->sign(digest.bytes());
  ASSERT_TRUE(this->verify(key, digest.bytes(), good));
  Scalar ones;
  for (Limb& limb : ones.limb) limb = ~Limb{0};
  for (const Scalar& bad : {Scalar{}, TypeParam::order, ones}) {
    EXPECT_FALSE(this->verify(key, digest.bytes(), {bad, good.s}));
    EXPECT_FALSE(this->verify(key, digest.bytes(), {good.r, bad}));
  }
  // Equal modulo n, but not below it.
  Scalar r_plus_order, s_plus_order;
  if (add(s_plus_order, good.s, TypeParam::order) == 0) {
    EXPECT_FALSE(this->verify(key, digest.bytes(), {good.r, s_plus_order}));
  }
  if (add(r_plus_order, good.r, TypeParam::order) == 0) {
    EXPECT_FALSE(this->verify(key, digest.bytes(), {r_plus_order, good.s}));
  }
  // The negative of s verifies: ECDSA is malleable, and nothing here promises otherwise.
  EXPECT_TRUE(this->verify(key, digest.bytes(), {good.r, TypeParam::modulo_order.negate(good.s)}));
}

TYPED_TEST(Ecdsa, ASumAtInfinityIsRefused) {
  // u1 G + u2 Q is infinity for Q = G and u1 = -u2: digest = -r.
  using Scalar = Number<TypeParam>;
  const Scalar r = Scalar::from_word(5);
  const auto digest = this->bytes_of(TypeParam::modulo_order.negate(r));
  EXPECT_FALSE(this->verify(public_point<TypeParam>(Scalar::from_word(1)), digest, {r, Scalar::from_word(7)}));
}

TYPED_TEST(Ecdsa, DerRoundTripsNumbersOfEveryLength) {
  using Scalar = Number<TypeParam>;
  const Scalar other = rfc6979_key<TypeParam>();
  for (std::size_t bits = 0; bits <= 8 * TestFixture::width; ++bits) {
    for (const bool ones : {false, true}) {
      Scalar a{};
      for (std::size_t i = 0; i < bits; ++i) {
        if (ones || i + 1 == bits) a[i / 64] |= Limb{1} << i % 64;
      }
      const auto bytes = encoded<TypeParam>({a, other});
      const auto decoded = ecdsa::decode<TypeParam>(bytes);
      ASSERT_TRUE(decoded);
      EXPECT_EQ(hex_of(decoded->r), hex_of(a));
      EXPECT_EQ(hex_of(decoded->s), hex_of(other));
      // As OpenSSL writes it.
      ECDSA_SIG* theirs = ECDSA_SIG_new();
      ECDSA_SIG_set0(theirs, BN_bin2bn(this->bytes_of(a).data(), TestFixture::width, nullptr),
                     BN_bin2bn(this->bytes_of(other).data(), TestFixture::width, nullptr));
      unsigned char* der = nullptr;
      const int size = i2d_ECDSA_SIG(theirs, &der);
      EXPECT_EQ(to_hex(bytes), to_hex({der, static_cast<std::size_t>(size)}));
      OPENSSL_free(der);
      ECDSA_SIG_free(theirs);
    }
  }
}

TYPED_TEST(Ecdsa, OnlyTheOneDerIsTaken) {
  const auto decode = ecdsa::decode<TypeParam>;
  EXPECT_TRUE(decode(from_hex("3006 020101 020102")));
  EXPECT_TRUE(decode(from_hex("3007 02020080 020102")));
  EXPECT_TRUE(decode(from_hex("3006 020100 020100")));  // for verify to refuse
  for (const std::string_view bad : {
           "",
           "30",
           "3000",
           "3003 020101",
           "3006 020101 0201",
           "3005 020101 0201",
           "3007 020101 020102 00",      // left over inside
           "3006 020101 020102 00",      // and outside
           "3009 020101 020102 020103",  // a third number
           "308106 020101 020102",       // long form of a short length
           "30820006 020101 020102",
           "3080 020101 020102 0000",  // indefinite length
           "3106 020101 020102",       // a SET
           "3006 030101 020102",       // not an INTEGER
           "3006 020101 030102",
           "3007 02020001 020102",  // a zero too many
           "3007 020101 02020002",
           "3007 02020000 020102",
           "3007 0202ff80 020102",  // negative, and padded
           "3006 020181 020102",    // negative
           "3006 020101 0201ff",
           "3005 0200 020102",  // empty
           "3005 020101 0200",
           "3007 02810101 020102",  // long form inside
       }) {
    EXPECT_FALSE(decode(from_hex(bad))) << bad;
  }
  // 2^256 and 2^384 do not fit, and what is one less does.
  std::vector<Byte> r(3 + TestFixture::width);
  r[0] = 0x02;
  r[1] = static_cast<Byte>(1 + TestFixture::width);
  r[2] = 1;
  const auto with_s = [&] {
    std::vector<Byte> whole{0x30, static_cast<Byte>(r.size() + 3)};
    whole.insert(whole.end(), r.begin(), r.end());
    for (const Byte byte : {Byte{0x02}, Byte{1}, Byte{1}}) whole.push_back(byte);
    return whole;
  };
  EXPECT_FALSE(decode(with_s()));
  std::fill(r.begin() + 3, r.end(), Byte{0xff});
  r[2] = 0;
  EXPECT_TRUE(decode(with_s()));
}

TYPED_TEST(Ecdsa, EveryTruncatedDerIsRefused) {
  const auto good = encoded<TypeParam>({TypeParam::order, minus_one(TypeParam::order)});
  ASSERT_TRUE(ecdsa::decode<TypeParam>(good));
  EXPECT_EQ(good.size(), ecdsa::max_encoded_size<TypeParam>);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(ecdsa::decode<TypeParam>(Bytes(good).first(n)));
}

struct VectorFile {
  const char* name;
  KeyType type;
  HashAlgorithm hash;
};
class EcdsaVectors : public testing::TestWithParam<VectorFile> {};

TEST_P(EcdsaVectors, Wycheproof) {
  const auto& [name, type, hash] = GetParam();
  wycheproof::for_each(name, [&](const wycheproof::Case& c) {
    const auto key =
        PublicKey::from_bytes(type, from_hex(c.group.at("publicKey").at("uncompressed").get<std::string>()));
    EXPECT_TRUE(key);
    const SignatureAlgorithm algorithm{SignatureAlgorithm::Kind::ecdsa, hash};
    const auto verified = [&](CpuFeatures cpu) {
      return key && verify(*key, algorithm, c.bytes("msg"), c.bytes("sig"), cpu);
    };
    const bool good = verified(best_cpu());
    if (best_cpu() != portable_cpu) {
      EXPECT_EQ(verified(portable_cpu), good);
    }
    return wycheproof::judged(good);
  });
}

INSTANTIATE_TEST_SUITE_P(
    , EcdsaVectors,
    testing::Values(VectorFile{"ecdsa_secp256r1_sha256_test.json", KeyType::p256, HashAlgorithm::sha256},
                    VectorFile{"ecdsa_secp256r1_sha512_test.json", KeyType::p256, HashAlgorithm::sha512},
                    VectorFile{"ecdsa_secp384r1_sha256_test.json", KeyType::p384, HashAlgorithm::sha256},
                    VectorFile{"ecdsa_secp384r1_sha384_test.json", KeyType::p384, HashAlgorithm::sha384},
                    VectorFile{"ecdsa_secp384r1_sha512_test.json", KeyType::p384, HashAlgorithm::sha512}),
    [](const auto& tested) {
      const std::string name = tested.param.name;
      return name.substr(0, name.find("_test"));
    });

}  // namespace
}  // namespace limpid::crypto
