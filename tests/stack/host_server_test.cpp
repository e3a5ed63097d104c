// A whole server over its own TCP/IP, frame by frame.
#include <gtest/gtest.h>

#include "tests/stack/host_pair.hpp"

namespace limpid {
namespace {

using test::Exchange;
using test::HostPair;

// Fetches `target` and gives what came.
test::ClientApplication& fetch(HostPair& pair, Exchange& exchange, const std::string& target, bool ipv6 = false) {
  // A static IPv6 address is usable once nobody else has it.
  pair.run([] { return false; }, seconds(5));
  pair.fetching.emplace(exchange.client_config, target, exchange.authority.anchors(), pair.client_budget);
  pair.id = pair.connect(443, ipv6);
  EXPECT_TRUE(pair.run([&] { return pair.fetching->wants == Wants::nothing; }));
  return pair.fetching->application;
}

TEST(HostServer, ServesAPageOverTls) {
  Exchange exchange("/");
  HostPair pair(exchange);
  const auto& got = fetch(pair, exchange, "/");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "<h1>hello</h1>\n");
  ASSERT_EQ(pair.served.size(), 1u);
  EXPECT_TRUE(pair.run([&] { return pair.ended.size() == 1; }, seconds(200)));
  EXPECT_EQ(pair.open_files(), 0u);
  EXPECT_EQ(pair.server.connections(), 0u);
}

TEST(HostServer, ServesOverIpv6) {
  Exchange exchange("/");
  HostPair pair(exchange);
  EXPECT_EQ(fetch(pair, exchange, "/", true).body, "<h1>hello</h1>\n");
}

TEST(HostServer, ServesWithoutTls) {
  Exchange exchange("/", {}, false);
  HostPair pair(exchange);
  const auto& got = fetch(pair, exchange, "/big.bin");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, exchange.site.files["big.bin"].content);
}

TEST(HostServer, EveryByteArrivesOverABadLink) {
  for (const bool with_tls : {true, false}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      Exchange exchange("/", {}, with_tls);
      sim::LinkConditions bad;
      bad.latency = milliseconds(20);
      bad.loss = 50'000;
      bad.reordering = 100'000;
      bad.duplication = 30'000;
      bad.corruption = 10'000;
      HostPair pair(exchange, bad, seed);
      EXPECT_EQ(fetch(pair, exchange, "/big.bin").body, exchange.site.files["big.bin"].content) << seed;
    }
  }
}

TEST(HostServer, IsRestoredInMidTransfer) {
  Exchange exchange("/");
  HostPair pair(exchange);
  pair.run([] { return false; }, seconds(5));
  pair.fetching.emplace(exchange.client_config, "/big.bin", exchange.authority.anchors(), pair.client_budget);
  pair.id = pair.connect(443);
  for (std::size_t at = 20'000; at < 200'000; at += 40'000) {
    ASSERT_TRUE(pair.run([&] { return pair.fetching->application.body.size() >= at; }));
    const crypto::SealKey key;
    Budget budget(256 << 20);
    auto sealed = stack::seal(std::move(pair.server), pair.now.monotonic, key, {}, {}, budget, {});
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(pair.server_budget.used(), 0u) << "the sealed state left memory behind";
    auto opened = stack::open<stack::HostServer>(stack::Claim::granted({}), {sealed->data(), sealed->size()}, key,
                                                 {pair.now.monotonic, pair.server_budget, {}});
    ASSERT_TRUE(opened.has_value());
    std::vector<Byte> bytes(256 << 10);
    std::vector<stack::HostServer::Action> slots(192);
    auto woken = std::move(*opened).wake(pair.server_config, pair.now, {5}, {bytes, slots, pair.server_budget, {}});
    pair.server = std::move(woken.state);
  }
  EXPECT_TRUE(pair.run([&] { return pair.fetching->wants == Wants::nothing; }));
  EXPECT_EQ(pair.fetching->application.body, exchange.site.files["big.bin"].content);
}

TEST(HostServer, TestServices) {
  Exchange exchange("/");
  HostPair pair(exchange);
  pair.run([] { return false; }, seconds(5));

  pair.id = pair.connect(7);
  ASSERT_TRUE(pair.run([&] { return pair.opened; }));
  const std::string said = "what comes back is what was said\n";
  pair.tell_client(tcpip::host::Write{pair.id, as_bytes(said)});
  EXPECT_TRUE(pair.run([&] { return pair.received == said; }));
  pair.client.finish(pair.context(), pair.id);
  EXPECT_TRUE(pair.run([&] { return pair.finished; }));

  pair.received.clear();
  pair.id = pair.connect(19);
  EXPECT_TRUE(pair.run([&] { return pair.received.size() > 100'000; }));
  EXPECT_EQ(pair.received.substr(0, 148),
            " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n"
            "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n");
  EXPECT_EQ(pair.received.substr(95 * 74, 1000), pair.received.substr(0, 1000));
  pair.client.abort(pair.context(), pair.id);
  EXPECT_TRUE(pair.run([&] { return pair.server.connections() == 0; }, seconds(200)));
}

TEST(HostServer, AnIdleConnectionHoldsNoRoom) {
  for (const bool with_tls : {true, false}) {
    Exchange exchange("/", {}, with_tls);
    HostPair pair(exchange);
    pair.run([] { return false; }, seconds(3));
    const std::size_t before = pair.server_budget.used();
    pair.id = pair.connect(443);
    ASSERT_TRUE(pair.run([&] { return pair.opened && pair.server.connections() == 1; }));
    pair.run([] { return false; }, seconds(2));
    EXPECT_EQ(pair.server.connections(), 1u);
    EXPECT_LT(pair.server_budget.used() - before, 8192u);
  }
}

// The peer has all of the answer and does not end; or he stops taking it. Either way he has had his time.
TEST(HostServer, WhoLingersIsGivenUp) {
  Exchange exchange("/");
  HostPair pair(exchange);
  pair.run([] { return false; }, seconds(3));
  pair.id = pair.connect(19);
  ASSERT_TRUE(pair.run([&] { return pair.received.size() > 10'000; }));
  pair.tell_server(http::Drain{});
  pair.run([] { return false; }, seconds(70));
  EXPECT_EQ(pair.server.connections(), 0u);
  EXPECT_TRUE(pair.reset.has_value());
}

TEST(HostServer, DrainsAndTakesNobody) {
  Exchange exchange("/");
  HostPair pair(exchange);
  EXPECT_EQ(fetch(pair, exchange, "/").status, 200);
  pair.tell_server(http::Drain{});
  EXPECT_TRUE(pair.run([&] { return pair.server.connections() == 0; }, seconds(200)));
  pair.fetching.reset();
  pair.reset.reset();
  pair.id = pair.connect(443);
  EXPECT_TRUE(pair.run([&] { return pair.reset.has_value(); }));
  EXPECT_FALSE(pair.opened);
}

// Whatever allocation is refused, nothing is left behind and others are served.
TEST(HostServer, SurvivesEveryRefusedAllocation) {
  for (std::uint64_t n = 1; n < 400; n += 3) {
    Exchange exchange("/");
    HostPair pair(exchange);
    pair.server_budget.refuse_attempt(n);
    pair.run([] { return false; }, seconds(5));
    pair.fetching.emplace(exchange.client_config, "/", exchange.authority.anchors(), pair.client_budget);
    pair.id = pair.connect(443);
    pair.run([&] { return pair.fetching->wants == Wants::nothing || pair.reset; }, seconds(30));
    if (pair.server_budget.refusals() == 0) break;
    if (pair.fetching->application.status == 200) {
      EXPECT_EQ(pair.fetching->application.body, "<h1>hello</h1>\n");
    }
  }
}

}  // namespace
}  // namespace limpid
