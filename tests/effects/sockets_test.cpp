#include "limpid/effects/sockets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "limpid/effects/clock.hpp"

namespace limpid::effects {
namespace {

stream::Endpoint loopback(std::uint16_t port = 0) {
  auto endpoint = *parse_address("127.0.0.1");
  endpoint.port = port;
  return endpoint;
}

TEST(HostPorts, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_host_port("example.org:443"), (HostPort{"example.org", 443}));
  EXPECT_EQ(parse_host_port("[::1]:8443"), (HostPort{"::1", 8443}));
  EXPECT_EQ(parse_host_port(":80"), (HostPort{"", 80}));
  for (const char* wrong : {"", "example.org", "::1:80", "a:", "a:65536", "a:-1", "a:1x", "[::1:80", "a:+1"}) {
    EXPECT_FALSE(parse_host_port(wrong)) << wrong;
  }
}

TEST(Endpoints, AreWrittenAsPeopleReadThem) {
  for (const char* text : {"127.0.0.1", "10.1.2.3"}) {
    const auto endpoint = parse_address(text);
    ASSERT_TRUE(endpoint);
    EXPECT_TRUE(is_ipv4(*endpoint));
    EXPECT_EQ(to_string(*endpoint), std::string(text) + ":0");
  }
  EXPECT_EQ(to_string(*parse_address("2001:db8::1")), "[2001:db8::1]:0");
  for (const char* wrong : {"", "localhost", "1.2.3", "1.2.3.256", "[::1]"})
    EXPECT_FALSE(parse_address(wrong)) << wrong;
}

TEST(Resolve, AnAddressIsItsOwnAndLocalhostIsHere) {
  const auto address = resolve({"::1", 5}, std::nullopt);
  ASSERT_TRUE(address);
  EXPECT_EQ(to_string(address->at(0)), "[::1]:5");
  const auto named = resolve({"localhost", 5}, std::nullopt);
  ASSERT_TRUE(named);
  for (const auto& each : *named) EXPECT_TRUE(to_string(each) == "[::1]:5" || to_string(each) == "127.0.0.1:5");
}

TEST(Resolve, AnUnknownNameIsNamed) {
  const auto none = resolve({"no such host", 5}, std::nullopt);
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().text.starts_with("cannot find the address of 'no such host': ")) << none.error().text;
}

TEST(Listening, ABusyPortIsNoticedAlthoughSocketsShareIt) {
  const auto first = listen_on(loopback());
  ASSERT_TRUE(first);
  const auto endpoint = local_endpoint(*first);
  EXPECT_TRUE(listen_on(endpoint));
  const auto busy = check_free(endpoint);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().text, "cannot listen on " + to_string(endpoint) +
                                   ": the port is in use; stop what uses it or choose another with --listen");
}

TEST(Listening, AnAddressThatIsNotHere) {
  EXPECT_EQ(check_free({parse_address("192.0.2.1")->address, 1}).error().text,
            "cannot listen on 192.0.2.1:1: this host does not have that address; choose one that it has");
}

TEST(TcpClient, SendsReceivesAndSeesTheEnd) {
  const auto listener = listen_on(loopback());
  const auto endpoint = local_endpoint(*listener);
  auto client = Tcp::connect({"127.0.0.1", endpoint.port}, {endpoint}, std::nullopt);
  ASSERT_TRUE(client) << client.error().text;
  const Descriptor peer(::accept(listener->get(), nullptr, nullptr));
  ASSERT_TRUE(client->send(as_bytes("ping")));
  char got[8];
  ASSERT_EQ(::recv(peer.get(), got, sizeof got, 0), 4);
  ASSERT_EQ(::send(peer.get(), "pong!", 5, 0), 5);
  ::shutdown(peer.get(), SHUT_WR);
  std::array<Byte, 16> room;
  EXPECT_EQ(*client->receive(room, now().monotonic + milliseconds(5)), 5u);
  EXPECT_EQ(*client->receive(room, std::nullopt), 0u);
  client->finish();
  EXPECT_EQ(::recv(peer.get(), got, sizeof got, 0), 0);
}

TEST(TcpClient, GivesUpAtTheDeadline) {
  const auto listener = listen_on(loopback());
  const auto endpoint = local_endpoint(*listener);
  auto client = Tcp::connect({"127.0.0.1", endpoint.port}, {endpoint}, now().monotonic + milliseconds(30));
  ASSERT_TRUE(client);
  std::array<Byte, 16> room;
  const auto late = client->receive(room, std::nullopt);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().text, "gave up on 127.0.0.1:" + std::to_string(endpoint.port) +
                                   ": the time allowed by --max-time is over; allow more");
}

TEST(TcpClient, WakesEarlierIfAsked) {
  const auto listener = listen_on(loopback());
  const auto endpoint = local_endpoint(*listener);
  auto client = Tcp::connect({"127.0.0.1", endpoint.port}, {endpoint}, now().monotonic + seconds(20));
  std::array<Byte, 16> room;
  const auto woken = client->receive(room, now().monotonic + milliseconds(5));
  ASSERT_TRUE(woken);
  EXPECT_EQ(*woken, std::nullopt);
}

TEST(TcpClient, TriesTheNextAddress) {
  const auto listener = listen_on(loopback());
  const auto endpoint = local_endpoint(*listener);
  auto refused = endpoint;
  refused.address = parse_address("127.0.0.2")->address;
  EXPECT_TRUE(Tcp::connect({"twice", endpoint.port}, {refused, endpoint}, std::nullopt));
  const auto none = Tcp::connect({"once", endpoint.port}, {refused}, std::nullopt);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().text,
            "cannot connect to once:" + std::to_string(endpoint.port) +
                ": connection refused; nothing listens there; check the port and that the server runs");
}

}  // namespace
}  // namespace limpid::effects
