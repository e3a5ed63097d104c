#include "limpid/core/secret.hpp"

#include <gtest/gtest.h>

#include <new>

namespace limpid {
namespace {

constexpr Byte key[] = {1, 2, 3, 4};

TEST(Secret, IsWipedWhenItDies) {
  alignas(Secret<4>) Byte memory[sizeof(Secret<4>)];
  auto* secret = new (memory) Secret<4>(key);
  EXPECT_EQ(Bytes(memory).first(4), Bytes(key));
  secret->~Secret();
  for (const Byte byte : memory) EXPECT_EQ(byte, 0);
}

TEST(Secret, IsWipedWhenItMovesAway) {
  Secret<4> from(key);
  Secret<4> to(std::move(from));
  EXPECT_EQ(Bytes(to.bytes()), Bytes(key));
  EXPECT_EQ(from, Secret<4>());
  from = std::move(to);
  EXPECT_EQ(to, Secret<4>());
  EXPECT_EQ(from, Secret<4>(key));
  from = std::move(from);
  EXPECT_EQ(from, Secret<4>(key)) << "moving onto itself keeps it";
}

TEST(Secret, ComparesContents) {
  for (std::size_t bit = 0; bit < 32; ++bit) {
    Secret<4> other(key);
    other.mutable_bytes()[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    EXPECT_FALSE(other == Secret<4>(key)) << bit;
  }
  EXPECT_TRUE(Secret<4>(key).clone() == Secret<4>(key));
}

TEST(SecretBytes, HoldsUpToItsMaximum) {
  const SecretBytes<3> cut{Bytes(key)};
  EXPECT_EQ(cut.bytes(), Bytes(key).first(3)) << "no more than its maximum is copied";
  SecretBytes<8> from{Bytes(key)};
  EXPECT_EQ(from.size(), 4u);
  SecretBytes<8> to(std::move(from));
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(to.bytes(), Bytes(key));
  EXPECT_FALSE(to == SecretBytes<8>{Bytes(key).first(3)});
  to.wipe();
  EXPECT_TRUE(to.empty());
}

TEST(ConstantTime, MasksAndSelection) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_EQ(mask_if_zero(value), value == 0 ? ~std::uint64_t{0} : 0) << value;
  }
  EXPECT_EQ(mask_from_bit(1), ~std::uint64_t{0});
  EXPECT_EQ(mask_from_bit(2), 0u);
  EXPECT_EQ(select(mask_from_bit(1), 5, 9), 5u);
  EXPECT_EQ(select(mask_from_bit(0), 5, 9), 9u);
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(Bytes(key), Bytes(key).first(3)));
}

}  // namespace
}  // namespace limpid
