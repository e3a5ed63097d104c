// The six laws over a connection, told what a conversation over a bad path told it.
#include "tests/tcpip/tcp/pair.hpp"

namespace limpid::tcpip::tcp {
namespace {

class TcpLaws : public testing::Test {
 protected:
  void check(const Config& config, Buffer& trace, std::uint64_t refusals = 64) {
    sim::LawOptions options;
    options.budget = 1 << 23;
    options.refusals = refusals;
    options.smallest_cut = 1 << 14;  // there is no stream to cut
    const auto outcome = sim::check_laws<Connection>(config, {trace.data(), trace.size()}, options, harness);
    if (!outcome) {
      ADD_FAILURE() << describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                    << outcome.error().event;
      return;
    }
    EXPECT_GT(outcome->log.bytes().size(), 50u);
    judged += outcome->log.bytes().size();
  }

  Budget harness{1 << 30};
  std::size_t judged = 0;  // bytes of actions
};

TEST_F(TcpLaws, BothEndsKeepThemOverABadPath) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Config config;
    config.ecn = seed % 2 == 0;
    config.pins = seed % 3 == 0;
    config.max_superframe = seed % 4 == 0 ? 65536 : 0;
    config.sack = seed % 5 != 0;
    config.keepalive_idle = seconds(seed % 2 == 0 ? 1 : 0);
    config.user_timeout = seconds(seed % 3 == 0 ? 100 : 0);
    config.send_buffer = seed % 2 == 0 ? 16384 : 1 << 20;
    config.congestion = seed % 2 == 0 ? CongestionControl::new_reno : CongestionControl::cubic;
    Buffer traces[2]{Buffer(harness), Buffer(harness)};
    Pair pair(config, config, {.loss = 50, .reorder = 100, .duplicate = 30, .seed = seed});
    for (int i = 0; i < 2; ++i) pair.ends[i].trace = &traces[i];
    pair.open(static_cast<wire::SeqNumber>(0) - 5000, 0x7ffffff0);
    pair.transfer({40'000, 30'000}, seconds(300));
    for (Buffer& trace : traces) check(config, trace);
    if (HasFailure()) return;
  }
  EXPECT_GT(judged, 1'000'000u);
}

TEST_F(TcpLaws, SlowReadersAndSuddenEndsKeepThem) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Config config;
    config.initial_receive_window = 5000;
    config.max_receive_window = 5000;
    Buffer traces[2]{Buffer(harness), Buffer(harness)};
    Pair pair(config, config, {.loss = 20, .seed = seed});
    pair.consume = false;
    for (int i = 0; i < 2; ++i) pair.ends[i].trace = &traces[i];
    pair.open();
    pair.transfer({20'000, 0}, seconds(40));
    pair.ends[1].tell(Consumed{3000});
    pair.ends[1].tell(MemoryPressure{true});
    pair.settle();
    while (pair.now < Instant{60'000'000} && pair.next()) {
    }
    pair.ends[0].tell(PathMtu{500});
    pair.ends[1].tell(MemoryPressure{false});
    pair.ends[1].tell(Consumed{9000});
    pair.settle();
    while (pair.now < Instant{70'000'000} && pair.next()) {
    }
    pair.ends[seed % 2].tell(Abort{});
    pair.settle();
    while (pair.now < Instant{80'000'000} && pair.next()) {
    }
    for (Buffer& trace : traces) check(config, trace, 16);
    if (HasFailure()) return;
  }
}

TEST_F(TcpLaws, CallsThatFailKeepThem) {
  Config config;
  for (const bool hard : {true, false}) {
    Buffer trace(harness);
    End end(config);
    end.trace = &trace;
    end.tell(Tick{});
    end.tell(Write{as_bytes("early")});
    end.tell(Connect{{here, there, 7, 0, 1460}});
    end.flush();
    end.tell(Unreachable{hard, 6});
    end.tell(Unreachable{hard, 7});
    while (!end.was_reset) end.wait(seconds(1000));
    end.tell(Write{as_bytes("late")});
    end.tell(Flush{});
    check(config, trace);
  }
}

TEST_F(TcpLaws, DamagedSnapshotsAreRefusedOrStep) {
  Config config;
  Pair pair(config, config, {.loss = 50, .reorder = 100, .seed = 3});
  pair.open();
  pair.transfer({60'000, 60'000}, milliseconds(150));
  Budget budget(1 << 24);
  std::uint64_t seed = 1;
  for (End& end : pair.ends) {
    auto saved = save(end.connection, end.now, budget);
    ASSERT_TRUE(saved);
    for (std::size_t round = 0; round < 4000; ++round) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const std::size_t at = round < saved->size() ? round : (seed >> 33) % saved->size();
      Byte& byte = (*saved)[at];
      const Byte before = byte;
      byte ^= static_cast<Byte>(1u << (seed >> 60 & 7));
      if (auto loaded = load<Connection>({saved->data(), saved->size()}, {end.now, budget})) {
        std::vector<Connection::Action> slots(16);
        Instant now = end.now;
        for (int step = 0; step < 40; ++step) {
          const Room<Connection::Action> room{{}, slots, budget};
          const auto tick = Connection::advance(config, *loaded, {now, {}}, Tick{}, room);
          if (tick.wants == Wants::nothing) break;
          const auto flushed = Connection::advance(config, *loaded, {now, {}}, Flush{}, room);
          if (!flushed.more && flushed.deadline) now = std::max(now, *flushed.deadline);
        }
      }
      byte = before;
    }
  }
}

}  // namespace
}  // namespace limpid::tcpip::tcp
