#include "limpid/crypto/generator.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "limpid/crypto/keyed_hash.hpp"
#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"

namespace limpid::crypto {
namespace {

std::array<Byte, 32> seed_of(std::uint64_t number) {
  std::array<Byte, 32> seed;
  copy(test::Random(number).bytes(32), seed);
  return seed;
}

std::vector<Byte> drawn(Generator& generator, std::size_t size) {
  std::vector<Byte> bytes(size);
  generator.fill(bytes);
  return bytes;
}

// ChaCha20's key stream from counter 0 and nonce 0, by OpenSSL.
std::vector<Byte> key_stream(Bytes key, std::size_t size) {
  std::vector<Byte> out(size);
  const std::vector<Byte> zeros(size);
  const Byte iv[16]{};
  int written = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_chacha20(), nullptr, key.data(), iv);
  EVP_EncryptUpdate(context, out.data(), &written, zeros.data(), static_cast<int>(size));
  EVP_CIPHER_CTX_free(context);
  return out;
}

TEST(Generator, IsChaCha20WhoseFirstBytesAreTheNextKey) {
  const std::array<Byte, 32> seed = seed_of(1);
  std::vector<Byte> key(seed.begin(), seed.end());
  Generator generator(seed);
  for (const std::size_t size : {0, 1, 31, 32, 33, 95, 96, 97, 128, 1000, 70'000}) {
    const std::vector<Byte> stream = key_stream(key, 32 + size);
    EXPECT_EQ(drawn(generator, size), std::vector<Byte>(stream.begin() + 32, stream.end())) << size;
    key.assign(stream.begin(), stream.begin() + 32);
  }
}

TEST(Generator, IsDeterministicAndNeverRepeats) {
  Generator a(seed_of(2)), b(seed_of(2)), c(seed_of(3));
  const std::vector<Byte> first = drawn(a, 64);
  EXPECT_EQ(drawn(b, 64), first);
  EXPECT_NE(drawn(c, 64), first);
  EXPECT_NE(drawn(a, 64), first);
}

TEST(Generator, MixingChangesWhatFollowsAndDependsOnBoth) {
  Generator a(seed_of(4)), b(seed_of(4)), c(seed_of(5)), plain(seed_of(4));
  a.mix(as_bytes("entropy"));
  b.mix(as_bytes("entropz"));
  c.mix(as_bytes("entropy"));
  const std::vector<Byte> of_a = drawn(a, 32);
  EXPECT_NE(of_a, drawn(b, 32));
  EXPECT_NE(of_a, drawn(c, 32));
  EXPECT_NE(of_a, drawn(plain, 32));
}

TEST(Generator, IsLoadedAndGoesOn) {
  Generator generator(seed_of(6));
  drawn(generator, 77);
  std::optional<Generator> loaded = test::reloaded(generator);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(drawn(*loaded, 100), drawn(generator, 100));
}

// The first outputs of the SipHash authors' reference vectors: key 00 01 .. 0f, messages of 0, 1, ... bytes 00 01 ...
TEST(KeyedHash, ReferenceVectors) {
  HashTableKey key;
  for (std::size_t i = 0; i < 16; ++i) key.mutable_bytes()[i] = static_cast<Byte>(i);
  const std::vector<Byte> message{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  EXPECT_EQ(keyed_hash(key, {}), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(keyed_hash(key, Bytes(message).first(1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(keyed_hash(key, message), 0xa129ca6149be45e5u);
}

}  // namespace
}  // namespace limpid::crypto
