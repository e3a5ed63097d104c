#include "limpid/crypto/hash.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"

namespace limpid::crypto {
namespace {

constexpr HashAlgorithm algorithms[] = {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512};

const EVP_MD* openssl(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256   ? EVP_sha256()
         : algorithm == HashAlgorithm::sha384 ? EVP_sha384()
                                              : EVP_sha512();
}

std::string hex_hash(HashAlgorithm algorithm, std::string_view message) {
  const Digest digest = hash(algorithm, as_bytes(message), portable_cpu);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    EXPECT_EQ(hash(algorithm, as_bytes(message), cpu), digest) << test::name_of(cpu);
  }
  return test::to_hex(digest.bytes());
}

// The examples of FIPS 180-4, published with it by NIST.
TEST(Hash, StandardExamples) {
  EXPECT_EQ(hex_hash(HashAlgorithm::sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_hash(HashAlgorithm::sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex_hash(HashAlgorithm::sha384, "abc"),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(
      hex_hash(HashAlgorithm::sha512, "abc"),
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
      "2a9ac94fa54ca49f");
  EXPECT_EQ(hex_hash(HashAlgorithm::sha256, std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, AgreesWithOpenSslAtEveryLength) {
  test::Random random(1);
  const std::vector<Byte> message = random.bytes(600);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const HashAlgorithm algorithm : algorithms) {
      for (std::size_t n = 0; n <= message.size(); ++n) {
        Byte expected[64];
        unsigned size = 0;
        EVP_Digest(message.data(), n, expected, &size, openssl(algorithm), nullptr);
        ASSERT_EQ(hash(algorithm, Bytes(message).first(n), cpu).bytes(), Bytes(expected, size)) << n;
      }
    }
  }
}

TEST(Hash, IsTheSameForEverySplit) {
  test::Random random(2);
  const std::vector<Byte> bytes = random.bytes(300);
  const Bytes message(bytes);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const HashAlgorithm algorithm : algorithms) {
      const Digest whole = hash(algorithm, message, cpu);
      for (std::size_t i = 0; i <= message.size(); ++i) {
        for (std::size_t j = i; j <= message.size(); j += 7) {
          Hash hash(algorithm);
          hash.update(message.first(i), cpu);
          hash.update(message.subspan(i, j - i), cpu);
          hash.update(message.subspan(j), cpu);
          ASSERT_EQ(hash.finish(cpu), whole) << i << " " << j;
        }
      }
    }
  }
}

TEST(Hash, EveryPathGoesOnFromEveryOther) {
  test::Random random(4);
  const std::vector<Byte> message = random.bytes(1000);
  for (const HashAlgorithm algorithm : algorithms) {
    const Digest whole = hash(algorithm, message, portable_cpu);
    for (const CpuFeatures first : test::cpu_paths()) {
      for (const CpuFeatures second : test::cpu_paths()) {
        const std::size_t cut = random.below(message.size());
        Hash hash(algorithm);
        hash.update(Bytes(message).first(cut), first);
        hash.update(Bytes(message).subspan(cut), second);
        EXPECT_EQ(hash.finish(first), whole) << cut;
      }
    }
  }
}

TEST(Hash, GoesOnAfterFinishAndAsACopy) {
  Hash hash(HashAlgorithm::sha384);
  hash.update(as_bytes("client hello"), portable_cpu);
  const Digest early = hash.finish(portable_cpu);
  Hash copy = hash;
  hash.update(as_bytes("server hello"), portable_cpu);
  copy.update(as_bytes("another"), portable_cpu);
  EXPECT_EQ(early, crypto::hash(HashAlgorithm::sha384, as_bytes("client hello"), portable_cpu));
  EXPECT_EQ(hash.finish(portable_cpu),
            crypto::hash(HashAlgorithm::sha384, as_bytes("client helloserver hello"), portable_cpu));
  EXPECT_EQ(copy.finish(portable_cpu),
            crypto::hash(HashAlgorithm::sha384, as_bytes("client helloanother"), portable_cpu));
}

TEST(Hash, IsLoadedAtEveryLengthAndGoesOn) {
  test::Random random(3);
  const std::vector<Byte> bytes = random.bytes(300);
  const Bytes message(bytes);
  for (const HashAlgorithm algorithm : algorithms) {
    for (std::size_t n = 0; n <= message.size(); ++n) {
      Hash before(algorithm);
      before.update(message.first(n), portable_cpu);
      std::optional<Hash> after = test::reloaded(before);
      ASSERT_TRUE(after) << n;
      after->update(message.subspan(n), portable_cpu);
      ASSERT_EQ(after->finish(portable_cpu), hash(algorithm, message, portable_cpu)) << n;
    }
  }
}

// Offsets into the encoding: algorithm 1, length 8, chaining 64, pending 128.
TEST(Hash, RefusesSnapshotsOfNoHash) {
  Hash hash(HashAlgorithm::sha256);
  hash.update(as_bytes("abc"), portable_cpu);
  const std::vector<Byte> good = test::encoded(hash);
  ASSERT_EQ(good.size(), 1u + 8 + 64 + 128);
  ASSERT_TRUE(test::decoded<Hash>(good));
  const auto refused_with = [&](std::size_t at, Byte value) {
    std::vector<Byte> bad = good;
    bad[at] = value;
    return !test::decoded<Hash>(bad);
  };
  EXPECT_TRUE(refused_with(0, 3)) << "no such algorithm";
  EXPECT_TRUE(refused_with(1, 0x20)) << "a length whose bits do not fit";
  EXPECT_TRUE(refused_with(8, 2)) << "bytes pending beyond the length";
  EXPECT_TRUE(refused_with(9 + 3, 1)) << "a chaining word wider than SHA-256's";
  EXPECT_TRUE(refused_with(good.size() - 1, 1)) << "bytes pending beyond the block";
}

TEST(Digest, RoundTripsAndRefusesWhatIsNotCanonical) {
  const Digest digest = hash(HashAlgorithm::sha256, as_bytes("abc"), portable_cpu);
  EXPECT_EQ(test::reloaded(digest), digest);
  std::vector<Byte> bad = test::encoded(digest);
  bad[0] = 65;
  EXPECT_FALSE(test::decoded<Digest>(bad)) << "longer than any digest";
  bad[0] = 31;
  EXPECT_FALSE(test::decoded<Digest>(bad)) << "bytes beyond the size";
}

TEST(Hash, LeavesNothingBehind) {
  alignas(Hash) Byte memory[sizeof(Hash)];
  Hash* hash = new (memory) Hash(HashAlgorithm::sha256);
  hash->update(as_bytes("a secret that nobody should find"), portable_cpu);
  hash->~Hash();
  EXPECT_EQ(as_text(Bytes(memory)).find("secret"), std::string_view::npos);
}

}  // namespace
}  // namespace limpid::crypto
