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
using ecdsa::Number;
using ecdsa::RawSignature;

Number number(std::string_view hex) { return from_big_endian<4>(Bytes(from_hex(hex)).first<32>()); }

std::string hex_of(const Number& a) {
  std::array<Byte, 32> bytes{};
  to_big_endian(a, std::span(bytes));
  return to_hex(bytes);
}

std::array<Byte, 32> digest_of(std::string_view message) {
  std::array<Byte, 32> digest{};
  copy(hash(HashAlgorithm::sha256, as_bytes(message), best_cpu()).bytes(), digest);
  return digest;
}

p256::AffinePoint public_point(const Number& private_key) { return p256::to_affine(p256::multiply_base(private_key)); }

std::vector<Byte> encoded(const RawSignature& signature) {
  std::array<Byte, ecdsa::max_encoded_size> bytes{};
  const std::size_t size = ecdsa::encode(signature, bytes);
  return {bytes.begin(), bytes.begin() + size};
}

Number minus_one(Number a) {
  subtract(a, a, Number::from_word(1));
  return a;
}

// RFC 6979, section A.2.5.
const Number rfc6979_key = number("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");

TEST(Rfc6979, NoncesAndSignaturesOfTheAppendix) {
  for (const CpuFeatures cpu : test::cpu_paths()) {
    const struct {
      std::string_view message, k, r, s;
    } vectors[] = {
        {"sample", "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60",
         "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
         "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
        {"test", "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0",
         "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
         "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
    };
    for (const auto& [message, k, r, s] : vectors) {
      const auto digest = digest_of(message);
      Number nonce;
      ecdsa::NonceGenerator(rfc6979_key, digest, {}, cpu).next(nonce);
      EXPECT_EQ(hex_of(nonce), k);
      const RawSignature signature = ecdsa::sign(rfc6979_key, digest, {}, cpu);
      EXPECT_EQ(hex_of(signature.r), r);
      EXPECT_EQ(hex_of(signature.s), s);
      EXPECT_TRUE(ecdsa::verify(public_point(rfc6979_key), digest, signature));
    }
  }
}

// Section 3.6 appends further data to what seeds the generator; these two nonces each come from a few lines of Python.
TEST(Rfc6979, FurtherNoncesAndAdditionalData) {
  const auto digest = digest_of("sample");
  std::array<Byte, 32> hedge;
  for (std::size_t i = 0; i < 32; ++i) hedge[i] = static_cast<Byte>(i);
  Number first, second;
  ecdsa::NonceGenerator plain(rfc6979_key, digest, {}, best_cpu());
  plain.next(first);
  plain.next(second);
  EXPECT_EQ(hex_of(second), "8e83dc490bc5fc4d5992bd63cd87f254adffcb930f8a8011702a88870f638fdb");
  ecdsa::NonceGenerator hedged(rfc6979_key, digest, hedge, best_cpu());
  hedged.next(first);
  hedged.next(second);
  EXPECT_EQ(hex_of(first), "e7eb519fdfdf2373299ac1322cff7b26e78d5041e24740b2e2ecd18d01b56ebf");
  EXPECT_EQ(hex_of(second), "d80c774ba9abb2e3d3bc03a40b30edb18b718fdad0764a4fa7a6ed91976d89a1");
}

TEST(Ecdsa, ADigestAboveTheOrderIsReducedForTheNonceToo) {
  std::array<Byte, 32> digest;
  digest.fill(0xff);
  const RawSignature signature = ecdsa::sign(rfc6979_key, digest, {}, best_cpu());
  EXPECT_TRUE(ecdsa::verify(public_point(rfc6979_key), digest, signature));
  std::array<Byte, 32> reduced{};
  to_big_endian(p256::modulo_order.reduce_once(from_big_endian<4>(digest)), std::span(reduced));
  EXPECT_EQ(encoded(ecdsa::sign(rfc6979_key, reduced, {}, best_cpu())), encoded(signature));
}

TEST(Ecdsa, ANonceThatGivesZeroGivesNothing) {
  // With nonce 1, r is the x of G; a digest of -r x makes s zero.
  const Number nonce = Number::from_word(1);
  const Number r = p256::modulo_order.reduce_once(p256::leave_field(public_point(nonce).x));
  const Number key = number("0000000000000000000000000000000000000000000000000000000000000003");
  Number digest = p256::modulo_order.negate(p256::modulo_order.multiply(r, p256::modulo_order.enter(key)));
  std::array<Byte, 32> bytes{};
  to_big_endian(digest, std::span(bytes));
  EXPECT_FALSE(ecdsa::sign_with_nonce(key, bytes, nonce));
  bytes[31] ^= 1;
  EXPECT_TRUE(ecdsa::sign_with_nonce(key, bytes, nonce));
}

TEST(Ecdsa, EdgeKeysAndNoncesSignAndVerify) {
  const Number last = minus_one(p256::order);
  const auto digest = digest_of("edge");
  for (const Number& key : {Number::from_word(1), Number::from_word(2), minus_one(last), last}) {
    for (const Number& nonce : {Number::from_word(1), Number::from_word(2), minus_one(last), last}) {
      const auto signature = ecdsa::sign_with_nonce(key, digest, nonce);
      ASSERT_TRUE(signature);
      EXPECT_TRUE(ecdsa::verify(public_point(key), digest, *signature));
    }
  }
}

TEST(Ecdsa, NumbersOutOfRangeAreRefused) {
  const auto digest = digest_of("range");
  const auto key = public_point(rfc6979_key);
  const RawSignature good = ecdsa::sign(rfc6979_key, digest, {}, best_cpu());
  ASSERT_TRUE(ecdsa::verify(key, digest, good));
  Number r_plus_order, s_plus_order;
  for (const Number& bad : {Number{}, p256::order, Number{~Limb{0}, ~Limb{0}, ~Limb{0}, ~Limb{0}}}) {
    EXPECT_FALSE(ecdsa::verify(key, digest, {bad, good.s}));
    EXPECT_FALSE(ecdsa::verify(key, digest, {good.r, bad}));
  }
  // Equal modulo n, but not below it.
  if (add(s_plus_order, good.s, p256::order) == 0) {
    EXPECT_FALSE(ecdsa::verify(key, digest, {good.r, s_plus_order}));
  }
  if (add(r_plus_order, good.r, p256::order) == 0) {
    EXPECT_FALSE(ecdsa::verify(key, digest, {r_plus_order, good.s}));
  }
  // The negative of s verifies: ECDSA is malleable, and nothing here promises otherwise.
  EXPECT_TRUE(ecdsa::verify(key, digest, {good.r, p256::modulo_order.negate(good.s)}));
}

TEST(Ecdsa, ASumAtInfinityIsRefused) {
  // u1 G + u2 Q is infinity for Q = G and u1 = -u2: digest = -r.
  const Number r = Number::from_word(5);
  std::array<Byte, 32> digest{};
  to_big_endian(p256::modulo_order.negate(r), std::span(digest));
  EXPECT_FALSE(ecdsa::verify(public_point(Number::from_word(1)), digest, {r, Number::from_word(7)}));
}

TEST(EcdsaDer, RoundTripsNumbersOfEveryLength) {
  for (std::size_t bits = 0; bits <= 256; ++bits) {
    for (const bool ones : {false, true}) {
      Number a{};
      for (std::size_t i = 0; i < bits; ++i) {
        if (ones || i + 1 == bits) a[i / 64] |= Limb{1} << i % 64;
      }
      const RawSignature signature{a, rfc6979_key};
      const auto bytes = encoded(signature);
      const auto decoded = ecdsa::decode(bytes);
      ASSERT_TRUE(decoded);
      EXPECT_EQ(hex_of(decoded->r), hex_of(signature.r));
      EXPECT_EQ(hex_of(decoded->s), hex_of(signature.s));
      // As OpenSSL writes it.
      ECDSA_SIG* other = ECDSA_SIG_new();
      const auto big = from_hex(hex_of(a));
      ECDSA_SIG_set0(other, BN_bin2bn(big.data(), 32, nullptr),
                     BN_bin2bn(from_hex(hex_of(rfc6979_key)).data(), 32, nullptr));
      unsigned char* theirs = nullptr;
      const int size = i2d_ECDSA_SIG(other, &theirs);
      EXPECT_EQ(to_hex(bytes), to_hex({theirs, static_cast<std::size_t>(size)}));
      OPENSSL_free(theirs);
      ECDSA_SIG_free(other);
    }
  }
}

TEST(EcdsaDer, OnlyTheOneEncodingIsTaken) {
  EXPECT_TRUE(ecdsa::decode(from_hex("3006 020101 020102")));
  EXPECT_TRUE(ecdsa::decode(from_hex("3007 02020080 020102")));
  EXPECT_TRUE(ecdsa::decode(from_hex("3006 020100 020100")));  // for verify to refuse
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
           "3007 02810101 020102",                                                                // long form inside
           "3026 0221010000000000000000000000000000000000000000000000000000000000000000 020101",  // 2^256
       }) {
    EXPECT_FALSE(ecdsa::decode(from_hex(bad))) << bad;
  }
}

TEST(EcdsaDer, EveryTruncationIsRefused) {
  const auto good = encoded({p256::order, rfc6979_key});
  ASSERT_TRUE(ecdsa::decode(good));
  EXPECT_EQ(good.size(), 72u);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(ecdsa::decode(Bytes(good).first(n)));
}

TEST(Ecdsa, Wycheproof) {
  wycheproof::for_each("ecdsa_secp256r1_sha256_test.json", [](const wycheproof::Case& c) {
    const auto key =
        PublicKey::from_bytes(KeyType::p256, from_hex(c.group.at("publicKey").at("uncompressed").get<std::string>()));
    EXPECT_TRUE(key);
    return wycheproof::judged(
        key && verify(*key, SignatureScheme::ecdsa_secp256r1_sha256, c.bytes("msg"), c.bytes("sig"), best_cpu()));
  });
}

}  // namespace
}  // namespace limpid::crypto
