#include "limpid/crypto/seal.hpp"

#include <gtest/gtest.h>

#include "tests/support/random.hpp"

namespace limpid::crypto {
namespace {

constexpr SealId id{1, 2, 3};
constexpr SealSalt salt{4, 5, 6};

SealKey key_of(Byte first) {
  SealKey key;
  key.mutable_bytes()[0] = first;
  return key;
}

Bytes view(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

TEST(Seal, OpensToWhatWasSealedAtEveryLength) {
  Budget budget(1 << 20);
  const std::vector<Byte> text = test::Random(1).bytes(300);
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const auto blob = seal(Bytes(text).first(n), key_of(1), id, salt, budget, portable_cpu);
    ASSERT_TRUE(blob);
    ASSERT_EQ(blob->size(), n + seal_overhead);
    EXPECT_EQ(sealed_id(view(*blob)), id);
    const auto opened = open(view(*blob), key_of(1), budget, portable_cpu);
    ASSERT_TRUE(opened);
    ASSERT_EQ(view(*opened), Bytes(text).first(n));
  }
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Seal, EveryTruncationExtensionAndFlippedBitIsRefused) {
  Budget budget(1 << 20);
  auto blob = seal(as_bytes("the saved state of a connection"), key_of(1), id, salt, budget, portable_cpu);
  ASSERT_TRUE(blob);
  for (std::size_t n = 0; n < blob->size(); ++n) {
    EXPECT_FALSE(open(view(*blob).first(n), key_of(1), budget, portable_cpu)) << n;
  }
  for (std::size_t bit = 0; bit < blob->size() * 8; ++bit) {
    (*blob)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    const auto opened = open(view(*blob), key_of(1), budget, portable_cpu);
    ASSERT_FALSE(opened) << bit;
    EXPECT_EQ(opened.error(), bit < 14 * 8 ? SealFault::not_sealed : SealFault::not_authentic) << bit;
    (*blob)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
  }
  ASSERT_TRUE(blob->push_back(0));
  EXPECT_EQ(open(view(*blob), key_of(1), budget, portable_cpu).error(), SealFault::not_authentic);
}

TEST(Seal, KeyIdAndSaltEachMakeAnotherBlob) {
  Budget budget(1 << 20);
  const Bytes text = as_bytes("the same text each time");
  const auto ciphertext = [&](Byte key, const SealId& with_id, const SealSalt& with_salt) {
    const auto blob = seal(text, key_of(key), with_id, with_salt, budget, portable_cpu);
    const Bytes bytes = view(*blob).subspan(seal_overhead - 16);
    return std::vector<Byte>(bytes.begin(), bytes.end());
  };
  const auto first = ciphertext(1, id, salt);
  EXPECT_EQ(ciphertext(1, id, salt), first);
  EXPECT_NE(ciphertext(2, id, salt), first);
  EXPECT_NE(ciphertext(1, SealId{9}, salt), first);
  EXPECT_NE(ciphertext(1, id, SealSalt{9}), first);
  const auto blob = seal(text, key_of(1), id, salt, budget, portable_cpu);
  EXPECT_EQ(open(view(*blob), key_of(2), budget, portable_cpu).error(), SealFault::not_authentic);
}

TEST(Seal, EveryRefusedAllocationIsReported) {
  Budget budget(1 << 20);
  const auto blob = seal(as_bytes("text"), key_of(1), id, salt, budget, portable_cpu);
  const std::size_t used = budget.used();
  budget.refuse_attempt(1);
  EXPECT_EQ(seal(as_bytes("text"), key_of(1), id, salt, budget, portable_cpu).error(), SealFault::out_of_memory);
  budget.refuse_attempt(1);
  EXPECT_EQ(open(view(*blob), key_of(1), budget, portable_cpu).error(), SealFault::out_of_memory);
  EXPECT_EQ(budget.used(), used);
}

}  // namespace
}  // namespace limpid::crypto
