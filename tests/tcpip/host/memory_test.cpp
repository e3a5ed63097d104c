// Memory: what is refused, in which order a host gives, and what a hostile snapshot can do.
#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

struct Pressed {
  Station client{config_of(1)}, server;
  Wire wire;
  explicit Pressed(std::size_t memory) : server(config_of(2), memory), wire(client, server) {
    server.listen(80, 1'000);
    client.listen(80);
  }
  ConnectionId open() {
    const auto id = client.connect(at("10.0.0.2", 80));
    EXPECT_TRUE(wire.run([&] { return client.stream(id).open && server.stream(theirs(id)).open; }));
    return id;
  }
  ConnectionId theirs(ConnectionId id) {
    for (const auto& [key, stream] : server.streams) {
      if (stream.remote == client.stream(id).local && stream.open) return {key.first, key.second};
    }
    return {};
  }
};

// Takes memory of the budget until so many sixteenths are used.
struct Hog {
  Budget& budget;
  std::size_t taken = 0;
  void until(std::size_t sixteenths) {
    release();
    const std::size_t goal = budget.limit() / 16 * sixteenths + 1;
    if (budget.used() < goal) taken = goal - budget.used();
    EXPECT_TRUE(budget.reserve(taken));
  }
  void release() { budget.unreserve(std::exchange(taken, 0)); }
};

TEST(Memory, AHostGivesInTheStatedOrder) {
  Pressed pressed(8 << 20);
  Hog hog{pressed.server.budget};
  // A record in TIME-WAIT, one connection that makes progress, and one that makes none.
  const auto over = pressed.open();
  pressed.server.state.finish(pressed.server.context(), pressed.theirs(over));
  ASSERT_TRUE(pressed.wire.run([&] { return pressed.client.stream(over).peer_finished; }));
  pressed.client.state.finish(pressed.client.context(), over);
  ASSERT_TRUE(pressed.wire.run([&] { return pressed.server.state.time_waits() == 1; }));
  const auto idle = pressed.open();
  pressed.wire.run_for(seconds(2));
  const auto busy = pressed.open();
  const auto cookies = [&] { return pressed.server.state.counted(host::Count::cookies_sent); };

  // From a half on windows shrink: the next ACK shows it.
  hog.until(8);
  std::uint16_t window = 0;
  pressed.wire.inspect = [&](int from, Frame& frame) {
    if (const auto segment = segment_in(frame); from == 1 && segment) window = segment->header.window;
    return true;
  };
  pressed.server.consume = false;
  std::size_t sent = 0;
  for (int i = 0; i < 10; ++i) {
    sent += pressed.client.write(busy, pattern(4'000, sent));
    pressed.wire.run_for(milliseconds(200));
  }
  const std::uint16_t small = window;
  pressed.server.consume = true;
  pressed.server.state.consumed(pressed.server.context(), pressed.theirs(busy), sent);
  hog.release();
  sent += pressed.client.write(busy, pattern(4'000, sent));
  pressed.wire.run_for(seconds(1));
  EXPECT_GT(window, small);
  EXPECT_EQ(pressed.server.state.time_waits(), 1u);

  // From three quarters on a SYN costs nothing; it is served all the same.
  hog.until(12);
  EXPECT_EQ(cookies(), 0u);
  pressed.open();
  EXPECT_EQ(cookies(), 1u);
  EXPECT_EQ(pressed.server.state.time_waits(), 1u);

  // From seven eighths on TIME-WAIT goes.
  hog.until(14);
  pressed.server.tell(Tick{});
  EXPECT_EQ(pressed.server.state.time_waits(), 0u);
  EXPECT_EQ(pressed.server.state.dropped(host::Drop::time_wait_evicted), 1u);
  EXPECT_EQ(pressed.server.state.dropped(host::Drop::shed), 0u);

  // Then who made no progress for longest. Its application hears of it, and so does its peer.
  const auto victim = pressed.theirs(idle);
  hog.until(15);
  pressed.server.config.tcp.delayed_ack = {};
  pressed.server.tell(Flush{});
  EXPECT_GE(pressed.server.state.dropped(host::Drop::shed), 1u);
  EXPECT_EQ(pressed.server.stream(victim).reset, stream::ResetReason::timed_out);
  hog.release();
  EXPECT_TRUE(pressed.wire.run([&] { return pressed.client.stream(idle).reset.has_value(); }));
}

// From the first segment on: who comes while memory is short gets no more of it than who was there before.
TEST(Memory, AConnectionThatIsBornUnderPressureShowsASmallWindow) {
  const auto window_at = [](std::size_t sixteenths) {
    Pressed pressed(8 << 20);
    Hog hog{pressed.server.budget};
    if (sixteenths != 0) hog.until(sixteenths);
    std::uint16_t window = 0;
    pressed.wire.inspect = [&](int from, Frame& frame) {
      if (const auto segment = segment_in(frame); from == 1 && segment) window = segment->header.window;
      return true;
    };
    const auto id = pressed.open();
    EXPECT_EQ(pressed.server.state.counted(host::Count::cookies_sent), sixteenths >= 12 ? 1u : 0u);
    // A window is not taken back: what it was at first has to be used up.
    std::size_t sent = 0;
    while (sent < 120'000) {
      sent += pressed.client.write(id, pattern(4'000, sent));
      pressed.wire.run_for(milliseconds(10));
    }
    EXPECT_TRUE(pressed.wire.run([&] { return pressed.server.stream(pressed.theirs(id)).received.size() == sent; }));
    hog.release();
    return window << 7;
  };
  EXPECT_GE(window_at(0), 65'000);
  EXPECT_LE(window_at(8), 20 * 1024);   // accepted as half-open
  EXPECT_LE(window_at(12), 20 * 1024);  // by a cookie
}

// The n-th allocation is refused, for every n: the connection goes on or ends, and nothing is left behind.
TEST(Memory, EveryAllocationMayBeRefused) {
  bool reached = true;
  for (std::uint64_t n = 1; reached; ++n) {
    Pressed pressed(8 << 20);
    const std::uint64_t before = pressed.server.budget.refusals();
    pressed.server.budget.refuse_attempt(n);
    const auto id = pressed.client.connect(at("10.0.0.2", 80));
    const auto content = pattern(30'000);
    std::size_t sent = 0;
    pressed.client.serve = [&](ConnectionId open) { sent += pressed.client.write(open, Bytes(content).subspan(sent)); };
    pressed.server.serve = [&](ConnectionId open) {
      const auto& received = pressed.server.stream(open).received;
      auto& echoed = pressed.server.stream(open).sent;
      if (echoed < received.size()) pressed.server.write(open, Bytes(received).subspan(echoed));
    };
    const auto other = pressed.server.state.connect(pressed.server.context(), at("10.0.0.1", 80));
    // What was not received for lack of memory comes again.
    EXPECT_TRUE(
        pressed.wire.run([&] { return pressed.client.stream(id).received.size() == content.size(); }, seconds(100)))
        << n;
    EXPECT_EQ(Bytes(pressed.client.stream(id).received), Bytes(content));
    reached = pressed.server.budget.refusals() != before;
    if (!reached) {
      EXPECT_TRUE(other);
    }
    pressed.server.budget.refuse_attempt(0);
    pressed.server.state = Host{};
    EXPECT_EQ(pressed.server.budget.used(), 0u);
    ASSERT_LT(n, 1'000u);
  }
}

// Snapshots of a host with connections in every phase, each bit flipped: refused, or a host that can be used.
TEST(Memory, DamagedSnapshotsAreRefusedOrUsable) {
  Pressed pressed(8 << 20);
  const auto a = pressed.open(), b = pressed.open(), c = pressed.open();
  pressed.server.write(pressed.theirs(a), pattern(3'000));
  pressed.server.state.finish(pressed.server.context(), pressed.theirs(b));
  pressed.wire.run_for(milliseconds(1));
  pressed.client.state.finish(pressed.client.context(), b);
  pressed.wire.run_for(milliseconds(1));
  pressed.client.state.finish(pressed.client.context(), c);
  pressed.wire.run_for(milliseconds(1));
  pressed.server.connect(at("10.0.0.1", 80));
  pressed.server.tell(tcp_frame(1, 2, at("10.0.0.1", 999), at("10.0.0.2", 80), [] {
    wire::TcpHeader syn;
    syn.flags.syn = true;
    syn.options.mss = 1000;
    return syn;
  }()));
  ASSERT_EQ(pressed.server.state.time_waits(), 1u);
  Budget harness(1 << 28);
  auto saved = save(pressed.server.state, pressed.server.now.monotonic, harness);
  ASSERT_TRUE(saved);
  std::size_t usable = 0;
  for (std::size_t bit = 0; bit < saved->size() * 8; bit += 1 + bit % 3) {
    (*saved)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    Budget budget(8 << 20);
    auto loaded = load<Host>({saved->data(), saved->size()}, {pressed.server.now.monotonic, budget});
    if (loaded) {
      ++usable;
      const auto again = save(*loaded, pressed.server.now.monotonic, harness);
      ASSERT_TRUE(again);
      ASSERT_EQ(Bytes(again->data(), again->size()), Bytes(saved->data(), saved->size())) << bit;
      // It steps, whatever it now believes.
      std::vector<Byte> room(1 << 16);
      std::vector<Host::Action> slots(64);
      Time now = pressed.server.now;
      for (const Host::Event& event : {Host::Event{Flush{}}, Host::Event{Tick{}}, Host::Event{Flush{}}}) {
        Host::Event next = event;
        for (int turns = 0; turns < 2'000; ++turns) {
          const auto progress = Host::advance(pressed.server.config, *loaded, now, next, {room, slots, budget});
          if (progress.consumed != 0) next = Tick{};
          if (!progress.more) break;
          ASSERT_LT(turns, 1'999) << bit;
        }
        now.monotonic = now.monotonic + seconds(3);
      }
    }
    (*saved)[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
  }
  EXPECT_GT(usable, 0u);
}

}  // namespace
}  // namespace limpid::tcpip::test
