// A million SYNs from invented sources: what the host uses stays the same, and who means it is served.
#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

constexpr std::uint32_t syns = 1'000'000;

TEST(SynFlood, AMillionSpoofedSynsLeaveMemoryFlatAndClientsAreServed) {
  Station client(config_of(1));
  Host::Config config = config_of(2);
  config.ip.gateway = ip("10.0.0.1");
  Station server(config, 64 << 20);
  Wire wire(client, server);
  const stream::Endpoint web = at("10.0.0.2", 80);
  server.listen(80);
  // Within one retransmission: the first one comes after a second.
  const auto is_served = [&] {
    const auto id = client.connect(web);
    if (!wire.run([&] { return client.stream(id).open; }, milliseconds(2'000))) return false;
    client.write(id, as_bytes("hello"));
    const auto heard = [&] {
      for (const auto theirs : server.accepted()) {
        if (server.stream(theirs).remote == client.stream(id).local) {
          return as_text(server.stream(theirs).received) == "hello";
        }
      }
      return false;
    };
    const bool served = wire.run(heard, milliseconds(2'000));
    client.state.abort(client.context(), id);
    wire.run_for(milliseconds(10));
    return served;
  };
  ASSERT_TRUE(is_served());

  // One frame, in which source, port and sequence number change; its device says that it has judged the checksum.
  wire::TcpHeader syn;
  syn.flags.syn = true;
  syn.window = 65535;
  syn.options.mss = 1460;
  syn.options.window_scale = 7;
  syn.options.sack_permitted = true;
  std::uint64_t answers = 0;
  std::size_t most = 0, flat = 0;
  for (std::uint32_t i = 0; i < syns; ++i) {
    const auto source =
        endpoint(IpAddress::v4(0xcb000000 + (i * 2654435761u >> 8)), static_cast<std::uint16_t>(1024 + i % 60'000));
    syn.sequence = i * 7919;
    server.tell(tcp_frame(1, 2, source, web, syn));
    answers += std::exchange(server.sent, {}).size();
    // Five thousand in a second, so that half-open ones time out and others take their places.
    if (i % 1'000 == 999) wire.run_for(milliseconds(200));
    most = std::max(most, server.budget.used());
    // First the flood alone, then with clients: one of each is the most there ever is.
    if (i == 1'000 || i == 200'000) flat = most;
    if (i == 99'998) {
      EXPECT_EQ(most, flat);
    }
    if (i % 100'000 == 99'999) {
      EXPECT_TRUE(is_served()) << "after " << i;
    }
  }
  EXPECT_EQ(most, flat);
  EXPECT_LE(most, 256u << 10);
  EXPECT_LE(server.state.connections().used(), 129u);
  EXPECT_GE(server.state.counted(host::Count::cookies_redeemed), 10u);
  EXPECT_GE(answers, syns - 1'000);
  EXPECT_LT(answers, syns - 128);
  std::printf("%llu answers, at most %zu bytes in use\n", static_cast<unsigned long long>(answers), most);
}

}  // namespace
}  // namespace limpid::tcpip::test
