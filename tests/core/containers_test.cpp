#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "limpid/core/box.hpp"
#include "limpid/core/deque.hpp"
#include "tests/support/allocator.hpp"

namespace limpid {
namespace {

// Counts how many of it are alive.
struct Tracked {
  static inline int alive = 0;
  int value = 0;
  Tracked() { ++alive; }
  explicit Tracked(int v) : value(v) { ++alive; }
  Tracked(Tracked&& other) noexcept : value(other.value) { ++alive; }
  Tracked& operator=(Tracked&&) = default;
  ~Tracked() { --alive; }
};

TEST(Budget, ChargesWhatWasRequestedAndGivesItBack) {
  Budget budget(100);
  void* a = budget.allocate(60);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_EQ(budget.allocate(41), nullptr);
  EXPECT_EQ(budget.refusals(), 1u);
  void* b = budget.allocate(40);
  ASSERT_NE(b, nullptr);
  budget.release(a, 60);
  EXPECT_EQ(budget.used(), 40u);
  EXPECT_EQ(budget.peak(), 100u);
  budget.release(b, 40);
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_EQ(budget.allocations(), 3u);
}

TEST(Budget, HugeRequestsAreRefusedWithoutOverflow) {
  Budget budget(100);
  void* a = budget.allocate(1);
  EXPECT_EQ(budget.allocate(SIZE_MAX), nullptr);
  EXPECT_FALSE(budget.reserve(SIZE_MAX));
  EXPECT_FALSE(budget.reserve(100));
  EXPECT_TRUE(budget.reserve(99));
  budget.unreserve(99);
  budget.release(a, 1);
}

TEST(Budget, APlantedRefusalHitsTheNamedAttemptOnly) {
  Budget budget(100);
  budget.refuse_attempt(2);
  void* a = budget.allocate(1);
  EXPECT_NE(a, nullptr);
  EXPECT_EQ(budget.allocate(1), nullptr);
  void* c = budget.allocate(1);
  EXPECT_NE(c, nullptr);
  budget.release(a, 1);
  budget.release(c, 1);
}

TEST(Vec, GrowsWithinItsBudgetAndKeepsItsContentWhenRefused) {
  Budget budget(64);
  Vec<std::uint32_t> vec(budget);
  std::uint32_t n = 0;
  while (vec.push_back(n)) ++n;
  EXPECT_GE(n, 4u);
  EXPECT_LE(budget.used(), 64u);
  for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(vec[i], i);
  EXPECT_EQ(vec.size(), n);
  vec.release();
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Vec, WithoutABudgetItIsEmptyAndRefusesToGrow) {
  Vec<int> vec;
  EXPECT_FALSE(vec.push_back(1));
  EXPECT_FALSE(vec.reserve(1));
  EXPECT_TRUE(vec.reserve(0));
  EXPECT_TRUE(vec.empty());
}

TEST(Vec, RefusesSizesThatOverflow) {
  Budget budget(SIZE_MAX);
  Vec<std::uint64_t> vec(budget);
  EXPECT_FALSE(vec.reserve(SIZE_MAX / 4));
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Vec, OfBytesGrowsByZerosAndLosesItsFront) {
  Budget budget(10'000);
  Buffer bytes(budget);
  const Byte content[] = {1, 2, 3, 4, 5};
  ASSERT_TRUE(bytes.append(content));
  bytes.erase_front(0);
  EXPECT_EQ(bytes.size(), 5u);
  bytes.erase_front(2);
  EXPECT_EQ(Bytes(bytes.data(), bytes.size()), Bytes(content).subspan(2));
  bytes.truncate(1);
  ASSERT_TRUE(bytes.resize(4));
  const Byte grown[] = {3, 0, 0, 0};
  EXPECT_EQ(Bytes(bytes.data(), bytes.size()), Bytes(grown));
  bytes.erase_front(4);
  EXPECT_TRUE(bytes.empty());
  Buffer none;
  ASSERT_TRUE(none.resize(0));
  none.erase_front(0);
}

TEST(Vec, DestroysEveryElementExactlyOnce) {
  Budget budget(10'000);
  {
    Vec<Tracked> vec(budget);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(vec.push_back(Tracked(i)));
    EXPECT_EQ(Tracked::alive, 20);
    vec.erase_front(5);
    EXPECT_EQ(Tracked::alive, 15);
    EXPECT_EQ(vec[0].value, 5);
    EXPECT_EQ(vec.back().value, 19);
    vec.truncate(3);
    EXPECT_EQ(Tracked::alive, 3);
    Vec<Tracked> moved(std::move(vec));
    EXPECT_EQ(moved.size(), 3u);
    EXPECT_TRUE(vec.empty());
    vec = std::move(moved);
    EXPECT_EQ(vec.size(), 3u);
    ASSERT_TRUE(vec.resize(7));
    EXPECT_EQ(Tracked::alive, 7);
    EXPECT_EQ(vec[6].value, 0);
    ASSERT_TRUE(vec.resize(1));
    EXPECT_EQ(Tracked::alive, 1);
  }
  EXPECT_EQ(Tracked::alive, 0);
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Vec, ExactReserveChargesExactly) {
  Budget budget(1000);
  Buffer buffer(budget);
  ASSERT_TRUE(buffer.reserve(37));
  EXPECT_EQ(budget.used(), 37u);
  EXPECT_EQ(buffer.capacity(), 37u);
}

TEST(Vec, BytesThatGrowLeaveNoCopyBehind) {
  static int blocks, marked;
  blocks = marked = 0;
  test::observe_release = [](Bytes block) {
    ++blocks;
    marked += std::count(block.begin(), block.end(), Byte{0xa5}) > 0;
  };
  Budget budget(1000);
  {
    Buffer buffer(budget);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(buffer.push_back(0xa5));
    EXPECT_GT(blocks, 3);
    EXPECT_EQ(marked, 0);
    for (const Byte byte : buffer) EXPECT_EQ(byte, 0xa5);
  }
  test::observe_release = nullptr;
}

TEST(Deque, OfBytesLosesItsFrontAndKeepsItsOrder) {
  Budget budget(1 << 16);
  Deque<Byte> bytes(budget);
  std::vector<Byte> expected;
  Byte next = 0;
  for (std::size_t round = 0; round < 300; ++round) {
    std::vector<Byte> more(round % 17);
    for (Byte& byte : more) byte = next++;
    ASSERT_TRUE(bytes.append(more));
    expected.insert(expected.end(), more.begin(), more.end());
    const std::size_t gone = std::min(expected.size(), round % 13);
    bytes.erase_front(gone);
    expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(gone));
    ASSERT_TRUE(std::ranges::equal(bytes, expected));
  }
  ASSERT_TRUE(bytes.insert(3, 77));
  expected.insert(expected.begin() + 3, 77);
  EXPECT_TRUE(std::ranges::equal(bytes, expected));
  EXPECT_LE(budget.used(), 8 * expected.size());
  EXPECT_FALSE(bytes.append(std::vector<Byte>(1 << 16)));
  EXPECT_TRUE(std::ranges::equal(bytes, expected));
  bytes.release();
  EXPECT_EQ(budget.used(), 0u);
}

TEST(Deque, GivesBackWhatItsFrontOwned) {
  {
    Budget budget(1 << 16);
    Deque<Tracked> values(budget);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(values.push_back(Tracked(i)));
    ASSERT_TRUE(values.insert(4, Tracked(40)));
    values.erase_front(3);
    values.pop_front();
    EXPECT_EQ(values.size(), 7u);
    EXPECT_EQ(values.front().value, 40);
    EXPECT_EQ(values.back().value, 9);
  }
  EXPECT_EQ(Tracked::alive, 0);
}

TEST(Box, OwnsOneValueOrNone) {
  Budget budget(sizeof(Tracked));
  {
    auto box = Box<Tracked>::make(budget, 7);
    ASSERT_TRUE(box);
    EXPECT_EQ(box->value, 7);
    EXPECT_FALSE(Box<Tracked>::make(budget, 8)) << "the budget is used up";
    Box<Tracked> moved = std::move(box);
    EXPECT_FALSE(box);
    EXPECT_EQ(moved->value, 7);
    box = std::move(moved);
    EXPECT_EQ(Tracked::alive, 1);
    box.reset();
    EXPECT_EQ(Tracked::alive, 0);
    EXPECT_FALSE(box);
  }
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace limpid
