// What hosts are sent that nobody should send: floods, sockets held for nothing, guesses, forged errors, invented pins.
#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

// Station 2 serves port 80; its way to everywhere else leads through station 1.
Host::Config server_config() {
  Host::Config config = config_of(2);
  config.ip.gateway = ip("10.0.0.1");
  return config;
}

struct Attacked {
  Station client{config_of(1)}, server;
  Wire wire;

  explicit Attacked(std::size_t memory = 64 << 20, std::uint16_t backlog = 128)
      : server(server_config(), memory), wire(client, server) {
    server.listen(80, backlog);
    const auto id = client.connect(at("10.0.0.2", 80));  // and so they know each other's link-layer addresses
    EXPECT_TRUE(wire.run([&] { return client.stream(id).open && !server.accepted().empty(); }));
    client.state.abort(client.context(), id);
    wire.run_for(seconds(1));
  }
  std::vector<SeenSegment> tell(Frame frame) {
    server.tell(std::move(frame));
    return flush();
  }
  std::vector<SeenSegment> flush() {
    server.flush();
    std::vector<SeenSegment> seen;
    for (const Frame& frame : std::exchange(server.sent, {})) {
      if (const auto segment = segment_in(frame)) seen.push_back(*segment);
    }
    return seen;
  }
  bool serves_a_client(Duration patience = seconds(2)) {
    const auto before = server.accepted().size();
    const auto id = client.connect(at("10.0.0.2", 80));
    client.write(id, as_bytes("hello"));
    if (!wire.run([&] { return client.stream(id).open; }, patience)) return false;
    client.write(id, as_bytes("hello"));
    return wire.run(
        [&] {
          for (const auto theirs : server.accepted()) {
            if (server.stream(theirs).remote == client.stream(id).local &&
                as_text(server.stream(theirs).received) == "hello") {
              return server.accepted().size() > before;
            }
          }
          return false;
        },
        patience);
  }
};

wire::TcpHeader syn_of(std::uint32_t sequence) {
  wire::TcpHeader syn;
  syn.sequence = sequence;
  syn.flags.syn = true;
  syn.window = 65535;
  syn.options.mss = 1460;
  syn.options.window_scale = 7;
  syn.options.sack_permitted = true;
  return syn;
}

TEST(Attack, SynFloodLeavesMemoryFlatAndARealClientIsServed) {
  Attacked attacked;
  const stream::Endpoint server = at("10.0.0.2", 80);
  std::size_t answered = 0;
  const auto flood = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i) {
      const auto source = endpoint(IpAddress::v4(0xcb007100 + i * 2654435761u % 0x00ffffff),
                                   static_cast<std::uint16_t>(1024 + i % 60000));
      attacked.server.tell(tcp_frame(1, 2, source, server, syn_of(i * 7919)));
      answered += attacked.flush().size();
    }
  };
  flood(0, 2'000);
  const std::size_t before = attacked.server.budget.used();
  flood(2'000, 60'000);
  EXPECT_EQ(attacked.server.budget.used(), before);
  EXPECT_LE(attacked.server.state.connections().used(), 129u);
  EXPECT_TRUE(attacked.serves_a_client(milliseconds(900)));  // before a single retransmission
  flood(60'000, 120'000);
  EXPECT_GE(answered, 119'000u);
  EXPECT_GE(attacked.server.state.counted(host::Count::cookies_sent), 119'000u);
  EXPECT_GE(attacked.server.state.counted(host::Count::cookies_redeemed), 1u);
  // When it is over nothing is left of it.
  attacked.wire.run_for(seconds(300));
  EXPECT_LE(attacked.server.state.connections().used(), 1u);
}

TEST(Attack, ACookieIsNotGuessedAndOnlyTriedDuringAFlood) {
  Attacked attacked(64 << 20, 0);
  const stream::Endpoint server = at("10.0.0.2", 80), guesser = at("203.0.113.9", 4000);
  wire::TcpHeader ack;
  ack.flags.ack = true;
  ack.window = 1000;
  // The first connection of all was by cookie: that is a while ago.
  attacked.wire.run_for(seconds(300));
  for (std::uint32_t i = 0; i < 100; ++i) {
    ack.acknowledgment = i * 40'503;
    attacked.tell(tcp_frame(1, 2, guesser, server, ack));
  }
  EXPECT_EQ(attacked.server.state.dropped(host::Drop::not_a_cookie), 0u);
  attacked.tell(tcp_frame(1, 2, guesser, server, syn_of(1)));
  const auto redeemed = attacked.server.state.counted(host::Count::cookies_redeemed);
  for (std::uint32_t i = 0; i < 100; ++i) {
    ack.acknowledgment = i * 40'503;
    attacked.tell(tcp_frame(1, 2, guesser, server, ack));
  }
  EXPECT_EQ(attacked.server.state.dropped(host::Drop::not_a_cookie), 100u);
  EXPECT_EQ(attacked.server.state.counted(host::Count::cookies_redeemed), redeemed);
  EXPECT_EQ(attacked.server.state.connections().used(), 0u);
}

// Sockstress: connections that are opened, ask for much and then show a window of nothing, for ever.
TEST(Attack, SockstressIsShedBeforeThoseWhoMakeProgress) {
  Attacked attacked(6 << 20, 1024);
  Station& server = attacked.server;
  const auto content = pattern(64 << 10);
  server.serve = [&](ConnectionId id) {
    auto& stream = server.stream(id);
    if (stream.sent < content.size()) server.write(id, Bytes(content).subspan(stream.sent));
  };
  const stream::Endpoint address = at("10.0.0.2", 80);
  for (std::uint32_t i = 0; i < 400; ++i) {
    const auto source = endpoint(IpAddress::v4(0xcb007100 + i), 5000);
    const auto answers = attacked.tell(tcp_frame(1, 2, source, address, syn_of(i)));
    if (answers.size() != 1 || !answers[0].header.flags.syn) continue;
    wire::TcpHeader ack;
    ack.flags.ack = true;
    ack.sequence = i + 1;
    ack.acknowledgment = answers[0].header.sequence + 1;
    ack.window = 0;
    attacked.tell(tcp_frame(1, 2, source, address, ack));
  }
  attacked.flush();
  EXPECT_GT(server.state.dropped(host::Drop::shed), 0u);
  EXPECT_LE(server.budget.used(), server.budget.limit());
  // A client that takes what it asked for gets all of it.
  const auto id = attacked.client.connect(address);
  EXPECT_TRUE(attacked.wire.run([&] { return attacked.client.stream(id).received.size() == content.size(); }));
  EXPECT_EQ(Bytes(attacked.client.stream(id).received), Bytes(content));
}

// CVE-2016-5696: with one allowance of challenge ACKs for all, an attacker learns from how many he gets on a connection
// of his own whether his guesses hit another's.
TEST(Attack, ChallengeAcksOfOneConnectionTellNothingOfAnother) {
  const auto challenges = [](bool provoke) {
    Attacked attacked;
    const auto victim = attacked.client.connect(at("10.0.0.2", 80));
    const auto own = attacked.client.connect(at("10.0.0.2", 80));
    EXPECT_TRUE(attacked.wire.run([&] { return attacked.server.accepted().size() == 2; }));
    std::size_t got = 0;
    const auto provoke_on = [&](ConnectionId id, std::size_t times) {
      std::size_t seen = 0;
      for (std::size_t i = 0; i < times; ++i) {
        wire::TcpHeader syn = syn_of(static_cast<std::uint32_t>(i));
        syn.options.timestamps = wire::TcpTimestamps{0x7fffffff, 0};
        syn.flags.ack = true;  // RFC 5961, section 4.2: a SYN in a connection is answered with a challenge ACK
        seen += attacked.tell(tcp_frame(1, 2, attacked.client.stream(id).local, at("10.0.0.2", 80), syn)).size();
      }
      return seen;
    };
    if (provoke) {
      EXPECT_GT(provoke_on(victim, 500), 0u);
    }
    got = provoke_on(own, 500);
    return got;
  };
  const std::size_t undisturbed = challenges(false);
  EXPECT_GT(undisturbed, 0u);
  EXPECT_LT(undisturbed, 500u);
  EXPECT_EQ(challenges(true), undisturbed);
}

TEST(Attack, ResetsForStraysAreLimitedPerSource) {
  Attacked attacked;
  wire::TcpHeader ack;
  ack.flags.ack = true;
  std::size_t answers = 0;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    ack.acknowledgment = i;
    const auto seen = attacked.tell(tcp_frame(1, 2, at("203.0.113.1", 1000), at("10.0.0.2", 9), ack));
    answers += seen.size();
    for (const auto& segment : seen) {
      EXPECT_TRUE(segment.header.flags.rst);
      EXPECT_EQ(segment.header.sequence, i);  // "the reset takes its sequence number from the ACK field"
    }
  }
  EXPECT_EQ(answers, host::SourceLimits::burst);
  EXPECT_EQ(attacked.tell(tcp_frame(1, 2, at("203.0.113.2", 1000), at("10.0.0.2", 9), ack)).size(), 1u);
}

TEST(Attack, MalformedSegmentsAreCountedAndNotAnswered) {
  Attacked attacked;
  const auto& state = attacked.server.state;
  const stream::Endpoint source = at("203.0.113.1", 1000), server = at("10.0.0.2", 80);
  Frame broken = tcp_frame(1, 2, source, server, syn_of(1));
  broken.bytes.back() ^= 1;
  EXPECT_TRUE(attacked.tell(broken).empty());
  EXPECT_EQ(state.dropped(host::Drop::tcp_checksum), 1u);
  broken.offload.checksum_good = true;  // then the device has judged it
  EXPECT_EQ(attacked.tell(broken).size(), 1u);

  EXPECT_TRUE(attacked.tell(tcp_frame(1, 2, at("203.0.113.1", 0), server, syn_of(1))).empty());
  EXPECT_EQ(state.dropped(host::Drop::tcp_malformed), 1u);
  wire::TcpHeader syn_fin = syn_of(1);
  syn_fin.flags.fin = true;
  EXPECT_TRUE(attacked.tell(tcp_frame(1, 2, at("203.0.113.1", 3), server, syn_fin)).empty());
  EXPECT_EQ(state.dropped(host::Drop::tcp_malformed), 2u);
  wire::TcpHeader rst;
  rst.flags.rst = true;
  EXPECT_TRUE(attacked.tell(tcp_frame(1, 2, at("203.0.113.1", 3), server, rst)).empty());
  EXPECT_EQ(state.dropped(host::Drop::stray_reset), 1u);
  EXPECT_TRUE(
      attacked.tell(ipv4_frame(1, 2, ip("203.0.113.1"), ip("10.0.0.2"), Protocol::tcp, {0, 1, 0, 80, 0}, 0)).empty());
  EXPECT_EQ(state.dropped(host::Drop::tcp_checksum) + state.dropped(host::Drop::tcp_malformed), 4u);
}

TEST(Attack, ForgedErrorsChangeNothing) {
  Attacked attacked;
  const auto id = attacked.client.connect(at("10.0.0.2", 80));
  ASSERT_TRUE(
      attacked.wire.run([&] { return attacked.client.stream(id).open && !attacked.server.accepted().empty(); }));
  auto& server = attacked.server;
  const auto theirs = server.accepted().back();
  server.write(theirs, pattern(100));
  server.flush();
  ASSERT_EQ(server.sent.size(), 1u);
  const Frame data = std::exchange(server.sent, {})[0];

  // Quotes a segment that is not in flight.
  Frame other = data;
  other.bytes[14 + 20 + 4] ^= 0x40;
  server.tell(icmp_error(1, 2, ip("203.0.113.7"), 4, 600, other));
  EXPECT_EQ(server.state.dropped(host::Drop::error_unmatched), 1u);
  EXPECT_EQ(server.state.interface().path_mtu(ip("10.0.0.1"), server.now.monotonic), 1500);
  // Quotes a connection that does not exist.
  other = data;
  other.bytes[14 + 20 + 3] ^= 1;
  server.tell(icmp_error(1, 2, ip("203.0.113.7"), 4, 600, other));
  server.tell(icmp_error(1, 2, ip("203.0.113.7"), 3, 0, other));
  EXPECT_EQ(server.state.dropped(host::Drop::error_unmatched), 3u);
  // A hard error about what is in flight does not end an established connection (RFC 5461).
  server.tell(icmp_error(1, 2, ip("203.0.113.7"), 3, 0, data));
  EXPECT_TRUE(server.stream(theirs).open);
  // But this is what a router says whose next link is narrow.
  server.tell(icmp_error(1, 2, ip("203.0.113.7"), 4, 600, data));
  EXPECT_EQ(server.state.interface().path_mtu(ip("10.0.0.1"), server.now.monotonic), 600);
  server.write(theirs, pattern(3'000));
  server.flush();
  ASSERT_FALSE(server.sent.empty());
  for (const Frame& frame : server.sent) EXPECT_LE(frame.bytes.size(), 614u);
  for (Frame& frame : std::exchange(server.sent, {})) attacked.client.tell(std::move(frame));
  EXPECT_TRUE(attacked.wire.run([&] { return attacked.client.stream(id).received.size() == 3'100; }, seconds(10)));
}

TEST(Attack, InventedPinsAreCountedAndIgnored) {
  Attacked attacked;
  auto& server = attacked.server;
  server.config.tcp.pins = true;
  const auto id = attacked.client.connect(at("10.0.0.2", 80));
  ASSERT_TRUE(
      attacked.wire.run([&] { return attacked.client.stream(id).open && !attacked.server.accepted().empty(); }));
  const auto theirs = server.accepted().back();
  const auto content = pattern(200'000);
  server.write(theirs, content);
  std::mt19937_64 dice(5);
  for (int i = 0; i < 2'000; ++i) {
    Pin pin{dice(), static_cast<std::uint32_t>(dice()), static_cast<std::uint8_t>(dice())};
    if (i % 2 == 0) pin.connection = std::uint64_t{theirs.generation} << 32 | theirs.index;
    if (i % 4 == 0) pin.first %= 8;
    server.tell(TransmitDone{pin});
  }
  EXPECT_GT(server.state.stale_pins(), 900u);
  EXPECT_TRUE(attacked.wire.run([&] { return attacked.client.stream(id).received.size() == content.size(); }));
  EXPECT_EQ(Bytes(attacked.client.stream(id).received), Bytes(content));
}

}  // namespace
}  // namespace limpid::tcpip::test
