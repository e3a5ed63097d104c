// Two hosts on a wire: connections from the first SYN to the last ACK, datagrams, and the edges of the commands.
#include "tests/tcpip/host/station.hpp"

namespace limpid::tcpip::test {
namespace {

struct Pair {
  Station client{config_of(1)}, server{config_of(2)};
  Wire wire{client, server};

  // A connection that is open on both sides.
  struct Ends {
    ConnectionId client, server;
  };
  Ends open(std::string_view address = "10.0.0.2", std::uint16_t port = 80) {
    if (!listening_) server.listen(port);
    listening_ = true;
    const auto before = server.accepted().size();
    const ConnectionId id = client.connect(at(address, port));
    EXPECT_TRUE(wire.run([&] { return client.stream(id).open && server.accepted().size() > before; }));
    for (const ConnectionId theirs : server.accepted()) {
      if (server.stream(theirs).remote == client.stream(id).local) return {id, theirs};
    }
    return {id, {}};
  }

 private:
  bool listening_ = false;
};

// A device that was taken away and comes back with another MTU: connections go on over it, whatever they had under way.
TEST(Host, AConnectionGoesOnOverALinkOfAnotherMtu) {
  for (const std::string_view address : {"10.0.0.2", "fd00::2"}) {
    SCOPED_TRACE(address);
    const bool ipv4 = address == "10.0.0.2";
    Pair pair;
    Station& client = pair.client;
    std::size_t largest = 0;
    std::optional<std::uint16_t> mss;  // of the last SYN
    pair.wire.inspect = [&](int from, Frame& frame) {
      if (from != 0) return true;
      largest = std::max(largest, frame.bytes.size());
      const auto segment = wire::TcpHeader::parse(Bytes(frame.bytes).subspan(ipv4 ? 34 : 54));
      if (segment && segment->header.flags.syn) mss = segment->header.options.mss;
      return true;
    };
    pair.wire.run_for(seconds(3));
    const auto [a, b] = pair.open(address);
    const auto content = pattern(60'000);
    std::size_t said = 0;
    const auto write = [&](std::size_t size) { said += client.write(a, Bytes(content).subspan(said, size)); };
    const auto arrived = [&] { return pair.server.stream(b).received.size() == said; };
    const auto again = [&](std::uint16_t mtu) {
      client.tell(LinkChanged{false});
      write(10'000);
      client.flush();
      client.config.ip.mtu = mtu;
      client.tell(LinkChanged{true});
      EXPECT_EQ(client.state.interface().mtu(), mtu);
      largest = 0;
      write(10'000);
      EXPECT_TRUE(pair.wire.run(arrived));
    };
    write(10'000);
    EXPECT_TRUE(pair.wire.run(arrived));
    EXPECT_EQ(largest, 1514u);
    again(1400);
    EXPECT_EQ(largest, 1414u);
    pair.open(address);
    EXPECT_EQ(mss, ipv4 ? 1360 : 1340);
    again(1500);
    EXPECT_EQ(largest, 1414u) << "as a path that was found to be narrow";
    const auto [c, d] = pair.open(address);
    EXPECT_EQ(mss, ipv4 ? 1460 : 1440);
    client.write(c, Bytes(content).first(10'000));
    const ConnectionId other = d;
    EXPECT_TRUE(pair.wire.run([&] { return pair.server.stream(other).received.size() == 10'000; }));
    EXPECT_EQ(largest, 1514u);
    EXPECT_EQ(said, 50'000u);
    EXPECT_TRUE(std::equal(content.begin(), content.begin() + 50'000, pair.server.stream(b).received.begin()));
  }
}

TEST(Host, OpensTransfersAndClosesOverIpv4AndIpv6) {
  for (const std::string_view address : {"10.0.0.2", "fd00::2"}) {
    Pair pair;
    pair.wire.run_for(seconds(3));  // IPv6's duplicate address detection
    const auto [a, b] = pair.open(address);
    EXPECT_EQ(pair.client.stream(a).remote, at(address, 80));
    EXPECT_EQ(pair.client.stream(a).listener, 0);
    EXPECT_EQ(pair.server.stream(b).listener, 80);
    EXPECT_EQ(pair.server.stream(b).local, at(address, 80));

    EXPECT_EQ(pair.client.write(a, as_bytes("GET /")), 5u);
    ASSERT_TRUE(pair.wire.run([&] { return pair.server.stream(b).received.size() == 5; }));
    pair.server.write(b, as_bytes("hello"));
    pair.server.state.finish(pair.server.context(), b);
    ASSERT_TRUE(pair.wire.run([&] { return pair.client.stream(a).peer_finished; }));
    EXPECT_EQ(as_text(pair.client.stream(a).received), "hello");
    EXPECT_TRUE(pair.client.stream(a).open);
    pair.client.state.finish(pair.client.context(), a);
    ASSERT_TRUE(pair.wire.run([&] { return pair.client.stream(a).closed && pair.server.stream(b).closed; }));
    EXPECT_FALSE(pair.client.state.is_open(a));
    // Who finished first waits; nothing else is left.
    EXPECT_EQ(pair.server.state.time_waits(), 1u);
    EXPECT_EQ(pair.client.state.time_waits(), 0u);
    EXPECT_EQ(pair.client.state.connections().used(), 0u);
    EXPECT_EQ(pair.server.state.connections().used(), 0u);
    pair.wire.run_for(seconds(120));
    EXPECT_EQ(pair.server.state.time_waits(), 0u);
  }
}

// Sends all of `bytes` from one end as the other takes them.
void transfer(Pair& pair, Station& from, ConnectionId sender, Station& to, ConnectionId receiver, std::size_t size,
              Duration patience = seconds(600)) {
  const auto bytes = pattern(size);
  std::size_t written = 0;
  const auto write_more = [&](ConnectionId id) {
    if (id == sender) written += from.write(id, Bytes(bytes).subspan(written));
  };
  from.serve = write_more;
  write_more(sender);
  ASSERT_TRUE(pair.wire.run([&] { return to.stream(receiver).received.size() >= size; }, patience))
      << to.stream(receiver).received.size() << " of " << size << ", written " << written;
  from.serve = nullptr;
  EXPECT_EQ(Bytes(to.stream(receiver).received), Bytes(bytes));
}

TEST(Host, CarriesMegabytes) {
  Pair pair;
  const auto [a, b] = pair.open();
  transfer(pair, pair.client, a, pair.server, b, 8 << 20);
  transfer(pair, pair.server, b, pair.client, a, 8 << 20);
}

TEST(Host, CarriesMegabytesAsSuperframesThatTheDeviceHolds) {
  Pair pair;
  for (Station* station : {&pair.client, &pair.server}) {
    station->config.ip.offload = {true, true};
    station->config.tcp.max_superframe = 65000;
    station->config.tcp.pins = true;
  }
  const auto [a, b] = pair.open();
  transfer(pair, pair.client, a, pair.server, b, 8 << 20);
  EXPECT_LT(pair.wire.frames, 2'000u);
}

// So that its application can write on before there is too little for a whole superframe.
TEST(Host, OneFlushEmitsOneBurstOfEachConnection) {
  Pair pair;
  Station& client = pair.client;
  for (Station* station : {&client, &pair.server}) {
    station->config.ip.offload = {true, true};
    station->config.tcp.max_superframe = 65000;
  }
  const auto [a, b] = pair.open();
  transfer(pair, client, a, pair.server, b, 4 << 20);  // now its window takes all that it may have unsent
  constexpr std::size_t size = 124 * 1448;             // whole segments, so that none waits for Nagle
  ASSERT_EQ(client.write(a, pattern(size)), size);
  std::vector<Byte> room(1 << 16);
  std::vector<Host::Action> slots(64);
  std::size_t left = 0;
  const auto flush = [&] {
    const auto progress = Host::advance(client.config, client.state, client.now, Flush{}, {room, slots, client.budget});
    for (const auto& action : progress.actions) {
      const auto* frame = std::get_if<Transmit>(&action);
      for (const Bytes& piece : frame != nullptr ? frame->payload.span() : std::span<const Bytes>{})
        left += piece.size();
    }
    return progress;
  };
  const auto first = flush();
  EXPECT_EQ(first.consumed, 0u);
  EXPECT_TRUE(first.more);
  EXPECT_LT(left, size);
  const auto second = flush();
  EXPECT_EQ(second.consumed, 1u);
  EXPECT_FALSE(second.more);
  EXPECT_EQ(left, size);
}

TEST(Host, EveryByteArrivesOverAWireThatLosesDoublesAndReorders) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    Pair pair;
    pair.wire.set({.loss = 50, .duplication = 20, .reordering = 50, .seed = seed});
    const auto [a, b] = pair.open();
    transfer(pair, pair.client, a, pair.server, b, 1 << 20);
    transfer(pair, pair.server, b, pair.client, a, 1 << 20);
    pair.client.state.finish(pair.client.context(), a);
    pair.server.state.finish(pair.server.context(), b);
    EXPECT_TRUE(pair.wire.run([&] { return pair.client.stream(a).closed && pair.server.stream(b).closed; }));
  }
}

TEST(Host, AConnectionGoesOnWhenBothHostsAreSavedAndLoadedAllTheTime) {
  Pair pair;
  pair.wire.set({.loss = 20, .duplication = 20, .reordering = 50, .seed = 9});
  int count = 0;
  pair.wire.after = [&] {
    if (++count % 7 == 0) pair.client.reload();
    if (count % 5 == 0) pair.server.reload();
  };
  const auto [a, b] = pair.open();
  transfer(pair, pair.client, a, pair.server, b, 1 << 20);
  transfer(pair, pair.server, b, pair.client, a, 1 << 20);
}

TEST(Host, AnotherConnectionIsRefusedWithAResetWhereNobodyListens) {
  Pair pair;
  const auto id = pair.client.connect(at("10.0.0.2", 81));
  ASSERT_TRUE(pair.wire.run([&] { return pair.client.stream(id).reset.has_value(); }, seconds(1)));
  EXPECT_EQ(*pair.client.stream(id).reset, stream::ResetReason::reset);
  EXPECT_EQ(pair.server.state.counted(host::Count::resets_sent), 1u);
  EXPECT_EQ(pair.client.state.connections().used(), 0u);
}

TEST(Host, NobodyThereTimesOut) {
  Station lonely(config_of(1)), deaf(config_of(2));
  Wire wire(lonely, deaf);
  wire.inspect = [](int, Frame&) { return false; };
  const auto id = lonely.connect(at("10.0.0.2", 80));
  ASSERT_TRUE(wire.run([&] { return lonely.stream(id).reset.has_value(); }, seconds(600)));
  EXPECT_NE(*lonely.stream(id).reset, stream::ResetReason::reset);
}

TEST(Host, AbortResetsThePeerAndIsSilentHere) {
  Pair pair;
  const auto [a, b] = pair.open();
  pair.client.state.abort(pair.client.context(), a);
  EXPECT_FALSE(pair.client.state.is_open(a));
  EXPECT_TRUE(pair.client.state.reserve(pair.client.context(), a, 10).empty());
  ASSERT_TRUE(pair.wire.run([&] { return pair.server.stream(b).reset.has_value(); }, seconds(1)));
  EXPECT_FALSE(pair.client.stream(a).reset);
  EXPECT_FALSE(pair.client.stream(a).closed);
  EXPECT_EQ(pair.client.state.connections().used(), 0u);
  // What is done to it afterwards is done to nobody.
  pair.client.state.abort(pair.client.context(), a);
  pair.client.state.commit(pair.client.context(), a, 5);
  pair.client.tell(host::Finish{a});
  EXPECT_EQ(pair.client.state.dropped(host::Drop::stale_id), 3u);
}

TEST(Host, AnApplicationThatDoesNotConsumeClosesTheWindow) {
  Pair pair;
  pair.server.consume = false;
  const auto [a, b] = pair.open();
  const auto bytes = pattern(16 << 20);
  std::size_t written = 0;
  pair.client.serve = [&](ConnectionId id) { written += pair.client.write(id, Bytes(bytes).subspan(written)); };
  pair.client.serve(a);
  pair.wire.run_for(seconds(20));
  const std::size_t held = pair.server.stream(b).received.size();
  EXPECT_LE(held, pair.server.config.tcp.max_receive_window);
  EXPECT_GE(held, 32'000u);
  // It consumes: all arrives.
  pair.server.consume = true;
  pair.server.state.consumed(pair.server.context(), b, held);
  EXPECT_TRUE(pair.wire.run([&] { return pair.server.stream(b).received.size() == bytes.size(); }, seconds(300)));
  EXPECT_EQ(Bytes(pair.server.stream(b).received), Bytes(bytes));
}

TEST(Host, CommandsAsEvents) {
  Pair pair;
  pair.server.tell(host::Listen{7, 4});
  pair.server.tell(host::Listen{7, 4});
  ASSERT_EQ(pair.server.refused.size(), 1u);
  EXPECT_EQ(pair.server.refused[0].why, Refusal::port_in_use);
  pair.client.tell(host::Connect{at("10.0.0.2", 7), 42});
  ASSERT_TRUE(pair.client.connecting);
  const ConnectionId a = *pair.client.connecting;
  ASSERT_TRUE(pair.wire.run([&] { return pair.server.accepted().size() == 1; }));
  const ConnectionId b = pair.server.accepted()[0];
  pair.client.tell(host::Write{a, as_bytes("abc")});
  pair.client.tell(host::Finish{a});
  ASSERT_TRUE(pair.wire.run([&] { return pair.server.stream(b).peer_finished; }));
  EXPECT_EQ(as_text(pair.server.stream(b).received), "abc");
  pair.client.tell(host::Write{a, as_bytes("late")});
  ASSERT_EQ(pair.client.refused.size(), 1u);
  EXPECT_EQ(pair.client.refused[0].why, Refusal::not_writable);
  pair.server.tell(host::Abort{b});
  EXPECT_TRUE(pair.wire.run([&] { return pair.client.stream(a).reset.has_value(); }));

  pair.client.tell(host::Connect{at("192.0.2.1", 7), 43});
  ASSERT_EQ(pair.client.refused.size(), 2u);
  EXPECT_EQ(pair.client.refused[1].why, Refusal::no_address);
  EXPECT_EQ(pair.client.refused[1].token, 43u);
  pair.server.tell(host::StopListening{7});
  pair.server.tell(host::StopListening{7});
  EXPECT_EQ(pair.server.refused.back().why, Refusal::no_such);
}

TEST(Host, BeforeStartedItTakesNothing) {
  const auto config = config_of(1);
  Budget budget(1 << 20);
  std::vector<Byte> room(1 << 16);
  std::vector<Host::Action> slots(64);
  Host host;
  for (const Host::Event& event : {Host::Event{Tick{}}, Host::Event{Flush{}}, Host::Event{host::Listen{80, 1}}}) {
    const auto progress = Host::advance(config, host, {}, event, {room, slots, budget});
    EXPECT_EQ(progress.consumed, 0u);
    EXPECT_EQ(progress.wants, Wants::entropy);
    EXPECT_FALSE(progress.more);
  }
  EXPECT_EQ(host.listen({config, {}, budget}, 80, 1).error(), Refusal::not_started);
  EXPECT_EQ(host.connect({config, {}, budget}, at("10.0.0.2", 80)).error(), Refusal::not_started);
}

TEST(Host, Datagrams) {
  Pair pair;
  ASSERT_TRUE(pair.client.state.bind_udp(pair.client.context(), 5000));
  ASSERT_TRUE(pair.server.state.bind_udp(pair.server.context(), 53));
  EXPECT_EQ(pair.server.state.bind_udp(pair.server.context(), 53).error(), Refusal::port_in_use);
  EXPECT_EQ(pair.server.state.bind_udp(pair.server.context(), 0).error(), Refusal::bad_argument);
  pair.client.tell(host::SendUdp{5000, at("10.0.0.2", 53), as_bytes("question")});
  ASSERT_TRUE(pair.wire.run([&] { return !pair.server.datagrams.empty(); }));
  const auto& got = pair.server.datagrams[0];
  EXPECT_EQ(got.port, 53);
  EXPECT_EQ(got.from, at("10.0.0.1", 5000));
  EXPECT_EQ(got.to, at("10.0.0.2", 53));
  EXPECT_EQ(as_text(got.bytes), "question");

  // In fragments, too.
  const auto large = pattern(20'000);
  pair.server.tell(host::SendUdp{53, got.from, large});
  ASSERT_TRUE(pair.wire.run([&] { return !pair.client.datagrams.empty(); }));
  EXPECT_EQ(Bytes(pair.client.datagrams[0].bytes), Bytes(large));

  pair.client.tell(host::SendUdp{5001, at("10.0.0.2", 53), as_bytes("x")});
  EXPECT_EQ(pair.client.refused.back().why, Refusal::no_such);
  pair.client.tell(host::SendUdp{5000, at("10.0.0.2", 0), as_bytes("x")});
  EXPECT_EQ(pair.client.refused.back().why, Refusal::bad_argument);

  // Nobody at that port: ICMP says so, and here it is about no connection.
  pair.client.tell(host::SendUdp{5000, at("10.0.0.2", 54), as_bytes("x")});
  pair.wire.run_for(seconds(1));
  EXPECT_EQ(pair.server.state.dropped(host::Drop::udp_no_socket), 1u);
  EXPECT_EQ(pair.client.state.dropped(host::Drop::error_unmatched), 1u);
}

}  // namespace
}  // namespace limpid::tcpip::test
