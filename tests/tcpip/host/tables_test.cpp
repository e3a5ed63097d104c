// The tables below a host: slabs, lists by index, the table of flows, the heap of timers, allowances.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "limpid/tcpip/host/flow.hpp"
#include "limpid/tcpip/host/flow_table.hpp"
#include "limpid/tcpip/host/index_list.hpp"
#include "limpid/tcpip/host/source_limits.hpp"
#include "limpid/tcpip/host/timer_heap.hpp"

namespace limpid::tcpip::host {
namespace {

struct Value {
  std::uint32_t number = 0;
  ListLink link;
  static void fields(auto& self, auto&& visit) { visit(self.number, self.link); }
};
using Values = Slab<Value>;
using List = IndexList<Value, &Value::link>;

struct Both {
  static constexpr SnapshotKind snapshot_kind{"both", 1};
  Values values;
  List list;
  static void fields(auto& self, auto&& visit) { visit(self.values, self.list); }
  bool restored(const LoadContext&) { return list.restored_over(values); }
};

TEST(Slab, IndicesAreUsedAgainWithAnotherGeneration) {
  Budget budget(1 << 20);
  Values slab(budget);
  const auto a = slab.insert(budget, {1, {}});
  const auto b = slab.insert(budget, {2, {}});
  ASSERT_NE(a, b);
  const auto old = slab.generation(a);
  ASSERT_NE(slab.find(a, old), nullptr);
  slab.remove(a);
  EXPECT_EQ(slab.find(a, old), nullptr);
  EXPECT_EQ(slab.find(a, slab.generation(a)), nullptr);
  EXPECT_EQ(slab.insert(budget, {3, {}}), a);
  EXPECT_EQ(slab.find(a, old), nullptr);
  EXPECT_EQ(slab.find(a, old + 1)->number, 3u);
  EXPECT_EQ(slab.find(99, 0), nullptr);
  EXPECT_EQ(slab.used(), 2u);
}

TEST(Slab, ARefusedAllocationChangesNothing) {
  for (int n = 1; n <= 2; ++n) {
    Budget budget(1 << 20);
    Values slab(budget);
    budget.refuse_attempt(static_cast<std::uint64_t>(n));
    EXPECT_EQ(slab.insert(budget, {1, {}}), no_index);
    EXPECT_EQ(slab.used(), 0u);
    EXPECT_EQ(slab.insert(budget, {1, {}}), 0u);
  }
}

TEST(Slab, AgreesWithAMapAndSavesAsItIs) {
  Budget budget(1 << 24);
  Both both{Values(budget), {}};
  std::map<std::uint32_t, std::uint32_t> model;
  std::mt19937 dice(7);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    if (model.empty() || dice() % 2 == 0) {
      const auto index = both.values.insert(budget, {i, {}});
      ASSERT_TRUE(model.emplace(index, i).second);
    } else {
      const auto victim = std::next(model.begin(), dice() % model.size());
      ASSERT_EQ(both.values[victim->first].number, victim->second);
      both.list.remove(both.values, victim->first);
      both.values.remove(victim->first);
      model.erase(victim);
    }
    if (!model.empty() && dice() % 2 == 0) {
      const auto chosen = std::next(model.begin(), dice() % model.size())->first;
      dice() % 3 == 0 ? both.list.remove(both.values, chosen) : both.list.move_to_back(both.values, chosen);
    }
    if (i % 2'000 != 0) continue;
    const auto saved = save(both, {}, budget);
    ASSERT_TRUE(saved);
    auto loaded = load<Both>({saved->data(), saved->size()}, {{}, budget});
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->list.size(), both.list.size());
    EXPECT_EQ(loaded->values.used(), both.values.used());
    EXPECT_EQ(loaded->values.next_index(), both.values.next_index());
    const auto again = save(*loaded, {}, budget);
    ASSERT_TRUE(again);
    EXPECT_EQ(Bytes(again->data(), again->size()), Bytes(saved->data(), saved->size()));
  }
}

TEST(Slab, DamagedSnapshotsAreRefusedOrCanonical) {
  Budget budget(1 << 24);
  Both both{Values(budget), {}};
  for (std::uint32_t i = 0; i < 6; ++i) both.list.push_back(both.values, both.values.insert(budget, {i, {}}));
  both.list.remove(both.values, 2);
  both.values.remove(2);
  both.list.remove(both.values, 4);
  both.values.remove(4);
  auto saved = save(both, {}, budget);
  ASSERT_TRUE(saved);
  for (std::size_t bit = 0; bit < saved->size() * 8; ++bit) {
    (*saved)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    auto loaded = load<Both>({saved->data(), saved->size()}, {{}, budget});
    if (loaded) {
      const auto again = save(*loaded, {}, budget);
      ASSERT_TRUE(again);
      EXPECT_EQ(Bytes(again->data(), again->size()), Bytes(saved->data(), saved->size()));
      while (!loaded->list.empty()) loaded->list.remove(loaded->values, loaded->list.front());
    }
    (*saved)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
  }
}

TEST(IndexList, KeepsTheOrderInWhichTheyCame) {
  Budget budget(1 << 20);
  Values slab(budget);
  List list;
  for (std::uint32_t i = 0; i < 5; ++i) list.push_back(slab, slab.insert(budget, {i, {}}));
  list.push_back(slab, 0);  // is in it already
  list.remove(slab, 2);
  list.remove(slab, 2);
  list.move_to_back(slab, 0);
  list.move_to_back(slab, 0);
  std::vector<std::uint32_t> order;
  while (!list.empty()) {
    order.push_back(list.front());
    list.remove(slab, list.front());
  }
  EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 3, 4, 0}));
}

TEST(FlowTable, FindsWhatIsThereAndNothingElse) {
  Budget budget(1 << 24);
  FlowTable table(budget);
  const crypto::HashTableKey key;
  std::map<std::uint32_t, Flow> model;
  std::mt19937 dice(3);
  const auto flow_of = [](std::uint32_t i) {
    Flow flow;
    flow.remote = endpoint(IpAddress::v4(0x0a000000 + i / 7), static_cast<std::uint16_t>(i * 7));
    return flow;
  };
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const std::uint32_t index = static_cast<std::uint32_t>(dice() % 3'000);
    const Flow flow = flow_of(index);
    const auto found = table.find(hash_of(key, flow), [&](std::uint32_t at) { return model[at] == flow; });
    ASSERT_EQ(found, model.contains(index) ? index : no_index);
    if (found == no_index) {
      ASSERT_TRUE(table.reserve(index + 1));
      table.insert(index, hash_of(key, flow));
      model[index] = flow;
    } else {
      table.remove(index);
      model.erase(index);
    }
  }
}

TEST(FlowTable, WorksOnWhenItMayNotGrow) {
  for (std::uint64_t n = 1; n <= 2; ++n) {
    Budget budget(1 << 20);
    FlowTable table(budget);
    ASSERT_TRUE(table.reserve(8));
    for (std::uint32_t i = 0; i < 8; ++i) table.insert(i, i * 0x9e3779b97f4a7c15u);
    budget.refuse_attempt(n);
    EXPECT_FALSE(table.reserve(9));
    for (std::uint32_t i = 0; i < 8; ++i) {
      EXPECT_EQ(table.find(i * 0x9e3779b97f4a7c15u, [](std::uint32_t) { return true; }), i);
    }
    EXPECT_TRUE(table.reserve(9));
    for (std::uint32_t i = 0; i < 8; ++i) {
      EXPECT_EQ(table.find(i * 0x9e3779b97f4a7c15u, [](std::uint32_t) { return true; }), i);
    }
  }
}

// Each index expires at its true deadline, the earliest first, however often it moved, and whatever stood in the heap.
TEST(TimerHeap, ExpiresInTheOrderOfTrueDeadlines) {
  Budget budget(1 << 24);
  std::mt19937 dice(11);
  TimerHeap heap(budget);
  ASSERT_TRUE(heap.reserve(500));
  std::map<std::uint32_t, Instant> deadlines;
  const auto deadline_of = [&](std::uint32_t index) -> std::optional<Instant> {
    const auto at = deadlines.find(index);
    return at == deadlines.end() ? std::nullopt : std::optional(at->second);
  };
  Instant now;
  for (int round = 0; round < 2'000; ++round) {
    for (int i = 0; i < 20; ++i) {
      const std::uint32_t index = static_cast<std::uint32_t>(dice() % 500);
      if (dice() % 8 == 0) {
        deadlines.erase(index);
        if (dice() % 2 == 0) heap.disarm(index);  // or it is found to have none
      } else {
        deadlines[index] = now + microseconds(1 + dice() % 400);
        heap.arm(index, deadlines[index]);
      }
    }
    now = now + microseconds(dice() % 60);
    std::set<std::pair<Instant, std::uint32_t>> due;
    for (const auto& [index, at] : deadlines) {
      if (at <= now) due.emplace(at, index);
    }
    for (const auto& [at, index] : due) {
      std::size_t looks = SIZE_MAX;
      ASSERT_EQ(heap.expired(now, looks, deadline_of), index);
      deadlines.erase(index);
    }
    std::size_t looks = SIZE_MAX;
    ASSERT_EQ(heap.expired(now, looks, deadline_of), no_index);
    if (heap.next()) {
      ASSERT_GT(*heap.next(), now);
    }
  }
}

TEST(TimerHeap, LooksAtNoMoreThanItIsTold) {
  Budget budget(1 << 20);
  TimerHeap heap(budget);
  ASSERT_TRUE(heap.reserve(100));
  for (std::uint32_t i = 0; i < 100; ++i) heap.arm(i, Instant{1});
  std::size_t looks = 64, asked = 0;
  EXPECT_EQ(heap.expired(Instant{1}, looks, [&](std::uint32_t) { return ++asked, std::optional(Instant{5}); }),
            no_index);
  EXPECT_EQ(asked, 64u);
  EXPECT_EQ(heap.next(), Instant{1});
}

TEST(SourceLimits, ABurstAndThenARate) {
  Budget budget(1 << 20);
  crypto::Generator generator;
  SourceLimits limits(budget);
  const IpAddress source = IpAddress::v4({10, 0, 0, 1});
  int answered = 0;
  for (int i = 0; i < 1'000; ++i) answered += limits.allow(generator, source, Instant{0}) ? 1 : 0;
  EXPECT_EQ(answered, SourceLimits::burst);
  const Instant then = Instant{0} + SourceLimits::interval;
  EXPECT_FALSE(limits.allow(generator, source, Instant{then.microseconds - 1}));
  EXPECT_TRUE(limits.allow(generator, source, then));
  EXPECT_FALSE(limits.allow(generator, source, then));
  // Nobody else's allowance is less for that, whoever it is.
  for (std::uint32_t i = 1; i < SourceLimits::most_sources; ++i) {
    for (int n = 0; n < SourceLimits::burst; ++n) {
      ASSERT_TRUE(limits.allow(generator, IpAddress::v4(0x0a000100 + i), then)) << i;
    }
    if (i + 1 < SourceLimits::most_sources) {
      ASSERT_FALSE(limits.allow(generator, IpAddress::v4(0x0a000100 + i), then));
    }
  }
}

// Who fills the table with sources of his own finds some of them forgotten, whether or not there was a new one.
TEST(SourceLimits, AFullTableTellsNobodyWhoElseWasAnswered) {
  Budget budget(1 << 20);
  crypto::Generator generator;
  SourceLimits limits(budget);
  const auto own = [](std::uint32_t i) { return IpAddress::v4(0x0a000100 + i); };
  const auto look = [&] {
    int answered = 0;
    for (std::uint32_t i = 0; i < SourceLimits::most_sources; ++i) {
      answered += limits.allow(generator, own(i), Instant{0}) ? 1 : 0;
    }
    EXPECT_LE(limits.size(), SourceLimits::most_sources);
    return answered;
  };
  for (int n = 0; n < SourceLimits::burst; ++n) look();
  for (int round = 0; round < 10; ++round) EXPECT_GT(look(), 10);
  limits.allow(generator, IpAddress::v4(1), Instant{0});
  EXPECT_GT(look(), 10);
}

TEST(SourceLimits, WhatCannotBeRememberedIsNotAnswered) {
  Budget budget(1 << 20);
  crypto::Generator generator;
  SourceLimits limits(budget);
  budget.refuse_attempt(1);
  EXPECT_FALSE(limits.allow(generator, IpAddress::v4(1), Instant{0}));
  EXPECT_TRUE(limits.allow(generator, IpAddress::v4(1), Instant{0}));
  EXPECT_FALSE(SourceLimits().allow(generator, IpAddress::v4(1), Instant{0}));
}

}  // namespace
}  // namespace limpid::tcpip::host
