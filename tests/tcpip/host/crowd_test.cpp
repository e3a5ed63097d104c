// Many connections, their ends, and what is left of them.
#include <set>

#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

TEST(Crowd, TenThousandConnectionsOfOneClient) {
  Station client(config_of(1), 1 << 30), server(config_of(2), 1 << 30);
  Wire wire(client, server);
  server.listen(80, 20'000);
  server.serve = [&](ConnectionId id) {
    const auto& received = server.stream(id).received;
    if (received.size() == 4 && server.stream(id).sent == 0) server.write(id, received);
  };
  const std::size_t count = 10'000;
  std::vector<ConnectionId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(client.connect(at("10.0.0.2", 80)));
    if (i % 100 == 0) wire.run_for(milliseconds(1));
  }
  ASSERT_TRUE(wire.run([&] { return client.state.counted(host::Count::connected) == count; }));
  EXPECT_EQ(server.state.connections().used(), count);
  for (std::size_t i = 0; i < count; ++i) client.write(ids[i], pattern(4, 8 * i));
  ASSERT_TRUE(wire.run([&] {
    for (const auto& id : ids) {
      if (client.stream(id).received.size() != 4) return false;
    }
    return true;
  }));
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(Bytes(client.stream(ids[i]).received), Bytes(pattern(4, 8 * i)));
    client.state.finish(client.context(), ids[i]);
  }
  server.serve = nullptr;
  ASSERT_TRUE(wire.run([&] { return server.stream(server.accepted().back()).peer_finished; }));
  wire.run_for(seconds(1));
  for (const auto id : server.accepted()) server.state.finish(server.context(), id);
  wire.run_for(seconds(2));
  EXPECT_EQ(client.state.connections().used(), 0u);
  EXPECT_EQ(server.state.connections().used(), 0u);
  EXPECT_EQ(client.state.time_waits(), count);
  wire.run_for(seconds(120));
  EXPECT_EQ(client.state.time_waits(), 0u);
}

struct Small {
  Station client{config_of(1)}, server{config_of(2)};
  Wire wire{client, server};
  Small() { server.listen(80); }
  std::pair<ConnectionId, ConnectionId> open() {
    const auto id = client.connect(at("10.0.0.2", 80));
    const auto& local = client.stream(id).local;
    std::optional<ConnectionId> other;
    EXPECT_TRUE(wire.run([&] {
      for (const auto theirs : server.accepted()) {
        if (server.stream(theirs).remote == local) other = theirs;
      }
      return client.stream(id).open && other;
    }));
    return {id, *other};
  }
};

// RFC 6191: the server closed first and waits; the client comes back from the same port.
TEST(Crowd, APortIsUsedAgainWhileTheOtherEndWaits) {
  Small small;
  const auto [a, b] = small.open();
  const auto local = small.client.stream(a).local;
  small.server.state.finish(small.server.context(), b);
  ASSERT_TRUE(small.wire.run([&] { return small.client.stream(a).peer_finished; }));
  small.client.state.finish(small.client.context(), a);
  ASSERT_TRUE(small.wire.run([&] { return small.client.stream(a).closed && small.server.stream(b).closed; }));
  ASSERT_EQ(small.server.state.time_waits(), 1u);

  wire::TcpHeader syn;
  syn.flags.syn = true;
  syn.sequence = 0;
  syn.window = 1000;
  syn.options.mss = 1460;
  // A SYN that could be an old duplicate is answered with an ACK, one that cannot be opens a connection.
  small.wire.run_for(seconds(2));
  const auto told = [&](const wire::TcpHeader& header) {
    small.server.tell(tcp_frame(1, 2, local, at("10.0.0.2", 80), header));
    small.server.flush();
    std::vector<SeenSegment> seen;
    for (const Frame& frame : std::exchange(small.server.sent, {})) {
      if (const auto segment = segment_in(frame)) seen.push_back(*segment);
    }
    return seen;
  };
  syn.options.timestamps = wire::TcpTimestamps{0, 0};
  auto seen = told(syn);
  ASSERT_LE(seen.size(), 1u);
  if (!seen.empty()) {
    EXPECT_FALSE(seen[0].header.flags.syn);
  }
  EXPECT_EQ(small.server.state.counted(host::Count::time_wait_reuse), 0u);
  std::optional<SeenSegment> fresh;
  for (std::uint32_t step = 0; step < 4 && !fresh; ++step) {
    syn.options.timestamps->value += 0x40000000;
    syn.sequence += 0x40000000;
    seen = told(syn);
    if (!seen.empty() && seen[0].header.flags.syn) fresh = seen[0];
  }
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(fresh->header.flags.ack);
  EXPECT_EQ(fresh->header.acknowledgment, syn.sequence + 1);
  EXPECT_EQ(small.server.state.counted(host::Count::time_wait_reuse), 1u);
  EXPECT_EQ(small.server.state.time_waits(), 0u);
}

TEST(Crowd, TimeWaitIsBoundedAndTheOldestGoesFirst) {
  Small small;
  small.client.config.limits.time_wait = 4;
  std::vector<stream::Endpoint> locals;
  for (int i = 0; i < 7; ++i) {
    const auto [a, b] = small.open();
    small.client.state.finish(small.client.context(), a);
    ASSERT_TRUE(small.wire.run([&, b = b] { return small.server.stream(b).peer_finished; }));
    small.server.state.finish(small.server.context(), b);
    ASSERT_TRUE(small.wire.run([&, a = a] { return small.client.stream(a).closed; }));
    EXPECT_LE(small.client.state.time_waits(), 4u);
  }
  EXPECT_EQ(small.client.state.time_waits(), 4u);
  EXPECT_EQ(small.client.state.dropped(host::Drop::time_wait_evicted), 3u);
}

TEST(Crowd, ConnectionsAreLimitedByConfiguration) {
  Small small;
  small.server.config.limits.connections = 3;
  std::vector<ConnectionId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(small.client.connect(at("10.0.0.2", 80)));
  small.wire.run_for(seconds(2));
  EXPECT_EQ(small.server.state.connections().used(), 3u);
  EXPECT_GE(small.server.state.counted(host::Count::cookies_sent), 2u);
  small.client.config.limits.connections = 5;
  EXPECT_EQ(small.client.state.connect(small.client.context(), at("10.0.0.2", 80)).error(), Refusal::no_memory);
}

// Who made no progress for longest goes before the last place is taken, so that there always is one.
TEST(Crowd, WhoHoldsConnectionsForNothingKeepsNobodyOut) {
  Small small;
  small.server.config.limits.connections = 32;
  const auto [over, theirs] = small.open();
  small.server.state.finish(small.server.context(), theirs);
  ASSERT_TRUE(small.wire.run([&, id = over] { return small.client.stream(id).peer_finished; }));
  small.client.state.finish(small.client.context(), over);
  ASSERT_TRUE(small.wire.run([&] { return small.server.state.time_waits() == 1; }));

  std::vector<std::pair<ConnectionId, ConnectionId>> open;
  for (int i = 0; i < 100; ++i) {
    open.push_back(small.open());
    small.wire.run_for(milliseconds(1));
    ASSERT_LE(small.server.state.connections().used(), 30u);
  }
  EXPECT_EQ(small.server.state.dropped(host::Drop::shed), 70u);
  for (std::size_t i = 0; i < open.size(); ++i) {
    EXPECT_EQ(small.server.stream(open[i].second).open, i >= 70) << i;
    EXPECT_EQ(small.client.stream(open[i].first).reset.has_value(), i < 70) << i;
  }
  // It is no lack of memory.
  EXPECT_EQ(small.server.state.time_waits(), 1u);
  EXPECT_EQ(small.server.state.dropped(host::Drop::time_wait_evicted), 0u);
}

// Only the peer's FIN begins a wait anew; other text is answered, and the record goes in its time.
TEST(Crowd, TimeWaitEndsInTimeWhateverElseComes) {
  Small small;
  const auto wait = [&] {
    const auto [a, b] = small.open();
    small.server.state.finish(small.server.context(), b);
    EXPECT_TRUE(small.wire.run([&, id = a] { return small.client.stream(id).peer_finished; }));
    small.client.state.finish(small.client.context(), a);
    EXPECT_TRUE(small.wire.run([&, id = b] { return small.server.stream(id).closed; }));
    return small.client.stream(a).local;
  };
  const Instant begin = small.server.now.monotonic;
  const auto first = wait();
  small.wire.run_for(seconds(20));
  const auto second = wait();
  ASSERT_EQ(small.server.state.time_waits(), 2u);
  const auto told = [&](const stream::Endpoint& from, wire::TcpHeader header, Bytes text) {
    header.flags.ack = true;
    header.options.timestamps = wire::TcpTimestamps{1, 1};
    small.server.tell(tcp_frame(1, 2, from, at("10.0.0.2", 80), header, text));
    std::optional<SeenSegment> answer;
    for (const Frame& frame : std::exchange(small.server.sent, {})) answer = segment_in(frame);
    return answer;
  };
  small.wire.run_for(seconds(10));
  const auto answer = told(first, {}, as_bytes("x"));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->header.flags.ack);
  small.wire.run_for(seconds(31));
  ASSERT_GT(small.server.now.monotonic, begin + small.server.config.tcp.time_wait);
  EXPECT_EQ(small.server.state.time_waits(), 1u);
  // The second one's FIN comes again: a whole wait from now on.
  const auto again = told(second, {}, as_bytes("x"));
  ASSERT_TRUE(again);
  wire::TcpHeader fin;
  fin.sequence = again->header.acknowledgment - 1;
  fin.flags.fin = true;
  EXPECT_TRUE(told(second, fin, {}));
  small.wire.run_for(seconds(59));
  EXPECT_EQ(small.server.state.time_waits(), 1u);
  small.wire.run_for(seconds(2));
  EXPECT_EQ(small.server.state.time_waits(), 0u);
}

TEST(Crowd, PortsOfOneDestinationRunOut) {
  Small small;
  small.wire.inspect = [](int, Frame&) { return false; };
  std::size_t opened = 0;
  std::set<std::uint16_t> ports;
  for (;; ++opened) {
    const auto id = small.client.state.connect(small.client.context(), at("10.0.0.2", 80));
    if (!id) {
      EXPECT_EQ(id.error(), Refusal::port_in_use);
      break;
    }
    const auto& flow = small.client.state.connections()[id->index].flow;
    EXPECT_GE(flow.local.port, 32768);
    EXPECT_TRUE(ports.insert(flow.local.port).second);
    if (opened > 40'000) FAIL() << "more connections than ports";
  }
  EXPECT_GT(opened, 30'000u);
  EXPECT_TRUE(small.client.state.connect(small.client.context(), at("10.0.0.2", 81)));
}

// What the device holds outlives the connection.
TEST(Crowd, ADeadConnectionsMemoryIsKeptUntilTheDeviceIsDone) {
  Small small;
  small.server.config.tcp.pins = true;
  small.server.keep_pins = true;
  const auto [a, b] = small.open();
  small.server.finish_transmitting();
  const auto content = pattern(8'000);
  small.server.write(b, content);
  small.server.flush();
  ASSERT_FALSE(small.server.lent.empty());
  ASSERT_TRUE(small.wire.run([&, a = a] { return small.client.stream(a).received.size() == content.size(); }));
  small.server.state.abort(small.server.context(), b);
  small.wire.run_for(seconds(1));
  EXPECT_TRUE(small.client.stream(a).reset);
  EXPECT_FALSE(small.server.state.is_open(b));
  EXPECT_EQ(small.server.state.connections().used(), 0u);
  EXPECT_EQ(small.server.state.connections().lent(), 1u);
  const std::size_t before = small.server.budget.used();
  const auto pins = small.server.lent;
  small.server.finish_transmitting();
  EXPECT_EQ(small.server.state.connections().lent(), 0u);
  EXPECT_LE(small.server.budget.used() + content.size(), before);
  EXPECT_EQ(small.server.state.stale_pins(), 0u);
  for (const Pin& pin : pins) small.server.tell(TransmitDone{pin});
  EXPECT_EQ(small.server.state.stale_pins(), pins.size());
}

// One that was loaded answers each frame as the one that was saved.
TEST(Crowd, ATwinGoesOnIdentically) {
  Small small;
  std::vector<std::pair<ConnectionId, ConnectionId>> open;
  for (int i = 0; i < 20; ++i) open.push_back(small.open());
  Station twin(config_of(2));
  Budget harness(1 << 28);
  const auto same = [&] {
    const auto a = save(small.server.state, small.server.now.monotonic, harness);
    const auto b = save(twin.state, twin.now.monotonic, harness);
    return a && b && Bytes(a->data(), a->size()) == Bytes(b->data(), b->size());
  };
  const auto saved = save(small.server.state, small.server.now.monotonic, harness);
  ASSERT_TRUE(saved);
  auto loaded = load<Host>({saved->data(), saved->size()}, {small.server.now.monotonic, twin.budget});
  ASSERT_TRUE(loaded);
  twin.state = std::move(*loaded);
  twin.streams = small.server.streams;
  twin.sent.clear();
  twin.now = small.server.now;
  // Both are told the same from here on.
  for (std::size_t i = 0; i < open.size(); ++i) {
    small.client.write(open[i].first, pattern(100 * i + 1, i));
    if (i % 3 == 0) small.client.state.finish(small.client.context(), open[i].first);
  }
  for (int round = 0; round < 50; ++round) {
    small.client.flush();
    auto frames = std::exchange(small.client.sent, {});
    for (const Frame& frame : frames) {
      small.server.tell(Frame(frame));
      twin.tell(Frame(frame));
      ASSERT_TRUE(same()) << "in round " << round;
    }
    small.server.flush();
    twin.flush();
    ASSERT_TRUE(same()) << "in round " << round;
    ASSERT_EQ(small.server.sent.size(), twin.sent.size());
    for (std::size_t i = 0; i < twin.sent.size(); ++i) ASSERT_EQ(small.server.sent[i].bytes, twin.sent[i].bytes);
    twin.sent.clear();
    for (Frame& frame : std::exchange(small.server.sent, {})) small.client.tell(std::move(frame));
    for (Station* station : {&small.client, &small.server, &twin}) {
      station->now.monotonic = station->now.monotonic + milliseconds(70);
      station->tell(Tick{});
    }
    ASSERT_EQ(small.server.deadline.has_value(), twin.deadline.has_value());
  }
}

}  // namespace
}  // namespace limpid::tcpip::test
