#include "limpid/core/snapshot.hpp"

#include <gtest/gtest.h>

namespace limpid {
namespace {

struct Inner {
  std::uint32_t number = 1;
  Secret<4> secret;
  Buffer bytes;
  std::optional<Instant> deadline;
  static void fields(auto& self, auto&& visit) { visit(self.number, self.secret, self.bytes, self.deadline); }
};

struct Outer {
  static constexpr SnapshotKind snapshot_kind{"demo", 1};
  std::variant<std::monostate, Inner> state;
  Box<Inner> box;
  Vec<std::uint16_t> numbers;
  static void fields(auto& self, auto&& visit) { visit(self.state, self.box, self.numbers); }
};

Outer example(Budget& budget) {
  Outer outer;
  outer.box = Box<Inner>::make(budget);
  outer.numbers = Vec<std::uint16_t>(budget);
  EXPECT_TRUE(outer.numbers.push_back(0x0102));
  outer.state.emplace<Inner>().deadline = Instant{5};
  return outer;
}

Bytes view(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

TEST(Snapshot, RoundTripIsIdentityInBothDirections) {
  Budget budget(1 << 20);
  const auto saved = save(example(budget), Instant{3}, budget);
  ASSERT_TRUE(saved);
  const auto loaded = load<Outer>(view(*saved), {Instant{3}, budget});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(view(*save(*loaded, Instant{3}, budget)), view(*saved));
}

TEST(Snapshot, DeadlinesAreSavedAsWhatRemains) {
  Budget budget(1 << 20);
  const auto saved = save(example(budget), Instant{3}, budget);
  const auto loaded = load<Outer>(view(*saved), {Instant{1000}, budget});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(std::get<Inner>(loaded->state).deadline, Instant{1002});
}

TEST(Snapshot, EveryTruncationAndEveryExtensionIsRefused) {
  Budget budget(1 << 20);
  auto saved = save(example(budget), Instant{3}, budget);
  for (std::size_t n = 0; n < saved->size(); ++n) {
    EXPECT_FALSE(load<Outer>(view(*saved).first(n), {Instant{3}, budget})) << n;
  }
  ASSERT_TRUE(saved->push_back(0));
  EXPECT_EQ(load<Outer>(view(*saved), {Instant{3}, budget}).error(), SnapshotFault::malformed);
}

TEST(Snapshot, WhatLoadsFromFlippedBitsSavesToTheSameBytes) {
  Budget budget(1 << 20);
  auto saved = save(example(budget), Instant{3}, budget);
  for (std::size_t bit = 0; bit < saved->size() * 8; ++bit) {
    (*saved)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    if (const auto loaded = load<Outer>(view(*saved), {Instant{3}, budget})) {
      EXPECT_EQ(view(*save(*loaded, Instant{3}, budget)), view(*saved));
    }
    (*saved)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
  }
}

TEST(Snapshot, EveryRefusedAllocationIsReported) {
  Budget budget(1 << 20);
  const auto saved = save(example(budget), Instant{3}, budget);
  const std::size_t used = budget.used();
  for (std::uint64_t n = 1; n <= 2; ++n) {
    budget.refuse_attempt(n);
    EXPECT_EQ(load<Outer>(view(*saved), {Instant{3}, budget}).error(), SnapshotFault::out_of_memory);
    EXPECT_EQ(budget.used(), used);
  }
}

}  // namespace
}  // namespace limpid
