// Two connections back to back: every byte right, whatever the path does.
#include "tests/tcpip/tcp/pair.hpp"

namespace limpid::tcpip::tcp {
namespace {

void expect_done(Pair& pair, std::array<std::size_t, 2> size) {
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(pair.ends[i].closed.has_value()) << i << " is " << pair.ends[i].connection.state_name();
    EXPECT_FALSE(pair.ends[i].was_reset.has_value()) << i;
    EXPECT_EQ(pair.ends[i].received.size(), size[1 - i]);
    EXPECT_EQ(pair.ends[i].budget.used(), 0u) << "memory was left behind";
  }
}

TEST(TcpPair, TransfersBothWays) {
  Pair pair({}, {}, {});
  pair.open();
  pair.transfer({300'000, 200'000}, seconds(60));
  expect_done(pair, {300'000, 200'000});
  EXPECT_LT(pair.now - Instant{1'000'000}, seconds(2));
}

TEST(TcpPair, SurvivesLossReorderingAndDuplication) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Config a, b;
    if (seed % 2 == 0) a.max_superframe = 65536;
    if (seed % 3 == 0) a.pins = true;
    if (seed % 5 == 0) b.sack = false;
    if (seed % 7 == 0) b.timestamps = false;
    if (seed % 11 == 0) a.window_scale = false;
    if (seed % 4 == 0) a.congestion = CongestionControl::new_reno;
    Pair pair(a, b, {.loss = 30, .reorder = 50, .duplicate = 20, .seed = seed});
    const auto wrap = static_cast<wire::SeqNumber>(0 - 50'000 * seed);
    pair.open(wrap, wrap + 7);
    pair.transfer({200'000, 100'000}, seconds(600));
    expect_done(pair, {200'000, 100'000});
    if (testing::Test::HasFailure()) return;
  }
}

TEST(TcpPair, SurvivesAPathThatIsMostlyGone) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Config config;
    config.syn_retries = 15;
    Pair pair(config, config, {.loss = 300, .reorder = 200, .duplicate = 50, .seed = seed});
    pair.open();
    pair.transfer({65536, 1000}, seconds(3600));
    expect_done(pair, {65536, 1000});
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace limpid::tcpip::tcp
