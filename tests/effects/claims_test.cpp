#include "limpid/effects/claims.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "limpid/effects/entropy.hpp"

namespace limpid::effects {
namespace {

class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "limpid-claims-XXXXXX").string();
    root = ::mkdtemp(name.data());
  }
  ~ClaimsTest() override { std::filesystem::remove_all(root); }
  static crypto::SealId id(Byte n) {
    crypto::SealId id{};
    id[15] = n;
    return id;
  }
  std::filesystem::path root;
};

TEST_F(ClaimsTest, AnIdIsClaimedOnce) {
  const auto claims = Claims::open(root / "claims");
  ASSERT_TRUE(claims);
  const auto first = claims->claim(id(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id(), id(1));
  EXPECT_TRUE(claims->claim(id(2)));
  const auto second = claims->claim(id(1));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text,
            "the snapshot 00000000000000000000000000000001 was resumed before; a second copy of a live connection is "
            "refused");
  const auto again = Claims::open(root / "claims");
  EXPECT_FALSE(again->claim(id(1)));
}

TEST_F(ClaimsTest, WhatIsClaimedIsKnown) {
  const auto claims = Claims::open(root);
  EXPECT_FALSE(claims->is_claimed(id(1)));
  EXPECT_TRUE(claims->claim(id(1)));
  EXPECT_TRUE(claims->is_claimed(id(1)));
  EXPECT_FALSE(claims->is_claimed(id(2)));
  // The same folder by its descriptor.
  const auto same = Claims::at(Descriptor(::dup(claims->folder())));
  EXPECT_TRUE(same.is_claimed(id(1)));
  EXPECT_FALSE(same.claim(id(1)));
  EXPECT_TRUE(same.claim(id(2)));
  EXPECT_FALSE(claims->claim(id(2)));
}

TEST_F(ClaimsTest, ASeriesGivesEachPlaceOnce) {
  crypto::SealId first{};
  first[0] = 9;
  stack::ClaimSeries series(*Claims::open(root)->claim(first));
  const auto place = [&](std::uint32_t n) { return stack::ClaimSeries::id(first, n); };
  EXPECT_EQ(place(0), first);
  EXPECT_EQ(series.claim(1)->id(), place(1));
  EXPECT_FALSE(series.claim(1));
  EXPECT_FALSE(series.claim(0));
  EXPECT_EQ(series.claim(0x10203)->id(), (crypto::SealId{9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}));
  EXPECT_FALSE(series.claim(2));
}

TEST_F(ClaimsTest, OfManyWhoTryOneHasIt) {
  const auto claims = Claims::open(root);
  std::atomic<int> granted = 0;
  for (Byte n = 0; n < 20; ++n) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { granted += claims->claim(id(n)).has_value(); });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(granted, 20);
}

TEST_F(ClaimsTest, WhereOthersCouldRemoveThem) {
  std::filesystem::permissions(root, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  EXPECT_FALSE(Claims::open(root));
  std::filesystem::permissions(root, std::filesystem::perms::others_write, std::filesystem::perm_options::remove);
  EXPECT_TRUE(Claims::open(root));
}

TEST_F(ClaimsTest, WhereNothingCanBeKept) {
  EXPECT_FALSE(Claims::open("/proc/none"));
  const auto claims = Claims::open(root / "gone");
  std::filesystem::remove(root / "gone");
  EXPECT_FALSE(claims->claim(id(1)));
}

}  // namespace
}  // namespace limpid::effects
