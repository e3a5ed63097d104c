#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "limpid/crypto/hkdf.hpp"
#include "limpid/crypto/portable/hmac_sha256.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/wycheproof.hpp"

namespace limpid::crypto {
namespace {

namespace wycheproof = test::wycheproof;
using test::from_hex;
using test::to_hex;

constexpr HashAlgorithm algorithms[] = {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512};
constexpr const char* names[] = {"sha256", "sha384", "sha512"};

std::string hex_hmac(HashAlgorithm algorithm, Bytes key, Bytes message) {
  return to_hex(hmac(algorithm, key, message, portable_cpu).bytes());
}

// Whether `right(cpu)`, which every path must answer as the vector says.
wycheproof::Outcome judge_on_every_path(const wycheproof::Case& c, auto&& right) {
  bool accepted = false;
  for (const CpuFeatures cpu : test::cpu_paths()) {
    accepted = right(cpu);
    EXPECT_EQ(accepted, c.valid()) << test::name_of(cpu);
  }
  return wycheproof::judged(accepted);
}

// RFC 4231, sections 4.3 and 4.7.
TEST(Hmac, Rfc4231) {
  const Bytes jefe = as_bytes("Jefe");
  const Bytes question = as_bytes("what do ya want for nothing?");
  EXPECT_EQ(hex_hmac(HashAlgorithm::sha256, jefe, question),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_hmac(HashAlgorithm::sha384, jefe, question),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(
      hex_hmac(HashAlgorithm::sha512, jefe, question),
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b"
      "636e070a38bce737");
  const std::vector<Byte> long_key(131, 0xaa);
  EXPECT_EQ(
      hex_hmac(HashAlgorithm::sha256, long_key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, AgreesWithOpenSslAtEveryKeyLength) {
  test::Random random(1);
  const EVP_MD* const digests[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
  const std::vector<Byte> bytes = random.bytes(300);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (int a = 0; a < 3; ++a) {
      for (std::size_t n = 0; n <= bytes.size(); ++n) {
        Byte expected[64];
        unsigned size = 0;
        HMAC(digests[a], bytes.data(), static_cast<int>(n), bytes.data() + n, bytes.size() - n, expected, &size);
        ASSERT_EQ(hmac(algorithms[a], Bytes(bytes).first(n), Bytes(bytes).subspan(n), cpu).bytes(),
                  Bytes(expected, size));
      }
    }
  }
}

TEST(Hmac, IsTheSameForEverySplitAndGoesOnAsACopy) {
  test::Random random(2);
  const std::vector<Byte> bytes = random.bytes(200);
  const Bytes message(bytes);
  for (const HashAlgorithm algorithm : algorithms) {
    const Hmac keyed(algorithm, as_bytes("key"), portable_cpu);
    const HashSecret whole = hmac(algorithm, as_bytes("key"), message, portable_cpu);
    for (std::size_t i = 0; i <= message.size(); ++i) {
      Hmac hmac = keyed;
      hmac.update(message.first(i), portable_cpu);
      hmac.update(message.subspan(i), portable_cpu);
      ASSERT_EQ(hmac.finish(portable_cpu), whole);
    }
  }
}

TEST(Hmac, TheGeneratorsOwnIsTheSameAtEveryLength) {
  Secret<32> key;
  for (std::size_t i = 0; i < 32; ++i) key.mutable_bytes()[i] = static_cast<Byte>(i * 37 + 1);
  std::array<Byte, 200> message;
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<Byte>(i ^ 0x5a);
  for (std::size_t size = 0; size <= message.size(); ++size) {
    const Bytes part = Bytes(message).first(size);
    const auto own = portable::hmac_sha256(key.bytes(), part);
    EXPECT_EQ(Bytes(own.bytes()), hmac(HashAlgorithm::sha256, key.bytes(), part, portable_cpu).bytes()) << size;
  }
}

TEST(Hmac, Wycheproof) {
  for (int a = 0; a < 3; ++a) {
    wycheproof::for_each(std::string("hmac_") + names[a] + "_test.json", [&](const wycheproof::Case& c) {
      return judge_on_every_path(c, [&](CpuFeatures cpu) {
        const HashSecret tag = hmac(algorithms[a], c.bytes("key"), c.bytes("msg"), cpu);
        return tag.bytes().first(c.number("tagSize") / 8) == Bytes(c.bytes("tag"));
      });
    });
  }
}

// RFC 5869, appendix A.1 and A.3.
TEST(Hkdf, Rfc5869) {
  const std::vector<Byte> ikm(22, 0x0b);
  HashSecret prk = hkdf_extract(HashAlgorithm::sha256, from_hex("000102030405060708090a0b0c"), ikm, portable_cpu);
  EXPECT_EQ(to_hex(prk.bytes()), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  Byte okm[42];
  hkdf_expand(HashAlgorithm::sha256, prk.bytes(), from_hex("f0f1f2f3f4f5f6f7f8f9"), okm, portable_cpu);
  EXPECT_EQ(to_hex(Bytes(okm)), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");

  prk = hkdf_extract(HashAlgorithm::sha256, {}, ikm, portable_cpu);
  EXPECT_EQ(to_hex(prk.bytes()), "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
  hkdf_expand(HashAlgorithm::sha256, prk.bytes(), {}, okm, portable_cpu);
  EXPECT_EQ(to_hex(Bytes(okm)), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, Wycheproof) {
  for (int a = 0; a < 3; ++a) {
    wycheproof::for_each(std::string("hkdf_") + names[a] + "_test.json", [&](const wycheproof::Case& c) {
      // The invalid ones ask for more than HKDF gives: see IsTotalUpToItsMaximum.
      if (c.number("size") > hkdf_max_output(algorithms[a])) return wycheproof::judged(false);
      return judge_on_every_path(c, [&](CpuFeatures cpu) {
        const HashSecret prk = hkdf_extract(algorithms[a], c.bytes("salt"), c.bytes("ikm"), cpu);
        std::vector<Byte> okm(c.number("size"));
        hkdf_expand(algorithms[a], prk.bytes(), c.bytes("info"), okm, cpu);
        return okm == c.bytes("okm");
      });
    });
  }
}

TEST(HkdfDeathTest, IsTotalUpToItsMaximumAndAbortsBeyond) {
  for (const HashAlgorithm algorithm : algorithms) {
    std::vector<Byte> okm(hkdf_max_output(algorithm) + 1);
    hkdf_expand(algorithm, as_bytes("prk"), {}, MutableBytes(okm).first(okm.size() - 1), portable_cpu);
    EXPECT_DEATH(hkdf_expand(algorithm, as_bytes("prk"), {}, okm, portable_cpu), "");
  }
}

}  // namespace
}  // namespace limpid::crypto
