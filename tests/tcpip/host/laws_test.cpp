// The six laws over a host, for traces of what it was told while it spoke with another.
#include "limpid/sim/laws.hpp"
#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

struct Told {
  Budget budget{std::size_t{1} << 31};
  Buffer trace{budget};
};

void judge(const Host::Config& config, Told& told, sim::LawOptions options) {
  options.budget = 64 << 20;
  const auto outcome = sim::check_laws<Host>(config, {told.trace.data(), told.trace.size()}, options, told.budget);
  ASSERT_TRUE(outcome) << sim::describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                       << outcome.error().event;
}

// Everything once: connections both ways, some lost frames, datagrams, a stray, an end of each kind.
void live(const Host::Config& config, const Host::Config& other, Told& told, std::size_t size) {
  Station client(other), server(config, 64 << 20, &told.trace);
  Wire wire(client, server);
  wire.set({.loss = 30, .duplication = 30, .reordering = 100, .seed = 3});
  wire.run_for(seconds(3));
  server.listen(80, 2);
  server.tell(host::BindUdp{9});
  client.listen(81);
  const auto four = client.connect(at("10.0.0.2", 80)), six = client.connect(at("fd00::2", 80)),
             abandoned = client.connect(at("10.0.0.2", 80)), refused = client.connect(at("10.0.0.2", 82));
  const auto active = server.connect(at("10.0.0.1", 81)), nobody = server.connect(at("10.0.0.9", 81));
  const auto content = pattern(size);
  std::map<std::uint16_t, std::size_t> written;
  server.serve = [&](ConnectionId id) {
    auto& sent = server.stream(id).sent;
    if (sent < size) server.write(id, Bytes(content).subspan(sent));
    if (sent == size && server.stream(id).peer_finished) server.finish(id);
  };
  client.serve = [&](ConnectionId id) {
    if (id == abandoned) return;
    auto& sent = client.stream(id).sent;
    if (sent < size) client.write(id, Bytes(content).subspan(sent));
    if (sent == size) client.state.finish(client.context(), id);
  };
  ASSERT_TRUE(wire.run([&] {
    return client.stream(four).closed && client.stream(six).closed && client.stream(refused).reset &&
           client.stream(abandoned).open;
  }));
  client.state.abort(client.context(), abandoned);
  client.tell(host::BindUdp{5});
  client.tell(host::SendUdp{5, at("10.0.0.2", 9), content});
  client.tell(host::SendUdp{5, at("10.0.0.2", 10), as_bytes("?")});
  server.abort(active);
  wire.run_for(seconds(5));
  server.tell(host::Entropy{});
  server.tell(LinkChanged{false});
  server.tell(LinkChanged{true});
  server.tell(TransmitDone{{1, 2, 3}});
  server.tell(host::StopListening{80});
  server.tell(host::CloseUdp{9});
  server.finish(nobody);
  wire.run_for(seconds(200));
}

TEST(HostLaws, OfAServerAndClient) {
  Told told;
  live(config_of(2), config_of(1), told, 20'000);
  judge(config_of(2), told, {.refusals = 40});
}

TEST(HostLaws, WithADeviceThatHoldsSuperframes) {
  Told told;
  Host::Config config = config_of(2);
  config.ip.offload = {true, true};
  config.tcp.max_superframe = 65000;
  config.tcp.pins = true;
  live(config, config_of(1), told, 100'000);
  judge(config, told, {.refusals = 20});
}

TEST(HostLaws, OfAServerInAFlood) {
  Told told;
  Host::Config config = config_of(2);
  config.ip.gateway = ip("10.0.0.1");
  {
    Station client(config_of(1)), server(config, 64 << 20, &told.trace);
    Wire wire(client, server);
    server.listen(80, 3);
    std::mt19937 dice(4);
    for (int i = 0; i < 60; ++i) {
      wire::TcpHeader header;
      header.flags = wire::TcpFlags::from_byte(static_cast<std::uint8_t>(i % 3 == 0 ? dice() : 2));
      header.sequence = static_cast<std::uint32_t>(dice());
      header.acknowledgment = static_cast<std::uint32_t>(dice());
      header.window = static_cast<std::uint16_t>(dice());
      server.tell(tcp_frame(1, 2,
                            endpoint(IpAddress::v4(0xcb007100 + dice() % 8), static_cast<std::uint16_t>(i / 10 + 1)),
                            at("10.0.0.2", static_cast<std::uint16_t>(80 + dice() % 2)), header, pattern(dice() % 30)));
      wire.run_for(milliseconds(20));
    }
    const auto id = client.connect(at("10.0.0.2", 80));
    EXPECT_TRUE(wire.run([&] { return client.stream(id).open; }));
    wire.run_for(seconds(100));
  }
  judge(config, told, {.refusals = 100});
}

TEST(HostLaws, OfAHostThatWaitsForItsLease) {
  Told told;
  Host::Config config;
  config.ip.mac = mac_of(2);
  config.ip.slaac = true;
  config.dhcp = true;
  {
    Station alone(config, 64 << 20, &told.trace), nobody(config_of(1));
    Wire wire(alone, nobody);
    alone.tell(LinkChanged{true});
    alone.tell(host::Resolve{7, "example.com", dns::Family::any});
    wire.run_for(seconds(100));
    EXPECT_EQ(alone.resolved.size(), 1u);
  }
  judge(config, told, {});
}

}  // namespace
}  // namespace limpid::tcpip::test
