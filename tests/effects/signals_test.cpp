#include "limpid/effects/signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/entropy.hpp"

namespace limpid::effects {
namespace {

TEST(Signals, AreTakenInsteadOfEndingTheProcess) {
  Signals signals;
  EXPECT_EQ(signals.take(), std::nullopt);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(signals.take(), SIGTERM);
  EXPECT_EQ(signals.take(), std::nullopt);
}

TEST(Clock, MovesForwardAndKnowsTheCentury) {
  const Time first = now();
  const Time second = now();
  EXPECT_LE(first.monotonic, second.monotonic);
  EXPECT_GT(first.wall.seconds, 1'700'000'000);
}

TEST(Entropy, IsNeverTheSame) { EXPECT_NE(entropy(), entropy()); }

}  // namespace
}  // namespace limpid::effects
