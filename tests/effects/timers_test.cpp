#include "limpid/effects/timers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

namespace limpid::effects {
namespace {

Instant at(std::int64_t n) { return {n}; }

TEST(Timers, FireInOrderOnceEach) {
  Timers timers;
  std::array<Timer, 3> each;
  for (std::size_t i = 0; i < 3; ++i) each[i].name = i;
  timers.set(each[0], at(30));
  timers.set(each[1], at(10));
  timers.set(each[2], at(20));
  EXPECT_EQ(timers.next(), at(10));
  EXPECT_EQ(timers.expired(at(9)), std::nullopt);
  EXPECT_EQ(timers.expired(at(25)), 1u);
  EXPECT_EQ(timers.expired(at(25)), 2u);
  EXPECT_EQ(timers.expired(at(25)), std::nullopt);
  EXPECT_EQ(timers.next(), at(30));
  timers.remove(each[0]);
  EXPECT_EQ(timers.next(), std::nullopt);
}

TEST(Timers, ALaterDeadlineWaitsAndAClearedOneNeverFires) {
  Timers timers;
  Timer timer;
  timers.set(timer, at(10));
  timers.set(timer, at(50));
  EXPECT_EQ(timers.expired(at(20)), std::nullopt);
  timers.set(timer, at(40));
  EXPECT_EQ(timers.expired(at(45)), 0u);
  timers.set(timer, at(60));
  timers.set(timer, std::nullopt);
  EXPECT_EQ(timers.expired(at(99)), std::nullopt);
  EXPECT_EQ(timers.next(), std::nullopt);
}

// Against a plain set that does the same slowly.
TEST(Timers, AgreeWithASet) {
  std::mt19937 random(7);
  Timers timers;
  std::array<Timer, 60> each;
  std::set<std::pair<std::int64_t, std::uint64_t>> expected;
  for (std::size_t i = 0; i < each.size(); ++i) each[i].name = i;
  std::int64_t now = 0;
  const auto forget = [&](std::uint64_t name) {
    std::erase_if(expected, [&](const auto& entry) { return entry.second == name; });
  };
  for (int round = 0; round < 20000; ++round) {
    const auto name = random() % each.size();
    forget(name);
    switch (random() % 4) {
      case 0:
        timers.remove(each[name]);
        break;
      case 1:
        timers.set(each[name], std::nullopt);
        break;
      default: {
        const auto deadline = now + 1 + static_cast<std::int64_t>(random() % 500);
        timers.set(each[name], at(deadline));
        expected.insert({deadline, name});
      }
    }
    now += static_cast<std::int64_t>(random() % 20);
    std::set<std::uint64_t> due, fired;
    while (!expected.empty() && expected.begin()->first <= now) {
      due.insert(expected.begin()->second);
      expected.erase(expected.begin());
    }
    while (const auto expired = timers.expired(at(now))) fired.insert(*expired);
    ASSERT_EQ(fired, due);
    if (!expected.empty()) {
      ASSERT_TRUE(timers.next());
      ASSERT_LE(*timers.next(), at(expected.begin()->first));
    }
  }
}

}  // namespace
}  // namespace limpid::effects
