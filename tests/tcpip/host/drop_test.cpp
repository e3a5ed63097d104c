// Every reason to drop something, with what leads to it.
#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

using host::Drop;

class Drops : public testing::Test {
 protected:
  Drops() {
    server.listen(80);
    const auto id = client.connect(at("10.0.0.2", 80));
    EXPECT_TRUE(wire.run([&] { return client.stream(id).open && !server.accepted().empty(); }));
    theirs = server.accepted()[0];
  }
  void tell(Frame frame) {
    server.tell(std::move(frame));
    server.flush();
  }
  // Exactly one of it, and nothing else.
  void expect_one(Drop expected) {
    for (std::size_t i = 0; i < host::drop_kinds; ++i) {
      const auto drop = static_cast<Drop>(i);
      EXPECT_EQ(server.state.dropped(drop), drop == expected ? 1u : 0u) << name(drop);
    }
  }
  std::vector<Byte> datagram(std::uint16_t port, std::uint16_t length, std::uint16_t checksum) const {
    std::array<Byte, 8> head;
    Writer out(head);
    wire::UdpHeader{1000, port, length, checksum}.emit(out);
    return {out.written().begin(), out.written().end()};
  }
  wire::TcpHeader with(std::uint8_t flags) const {
    wire::TcpHeader header;
    header.flags = wire::TcpFlags::from_byte(flags);
    header.window = 1000;
    return header;
  }

  static constexpr std::uint8_t fin = 1, syn = 2, rst = 4, ack = 16;
  const stream::Endpoint stranger = at("10.0.0.1", 999), web = at("10.0.0.2", 80), nobody = at("10.0.0.2", 81);
  Station client{config_of(1)}, server{config_of(2)};
  Wire wire{client, server};
  ConnectionId theirs;
};

// RFC 9293, section 3.9.2.3: "a TCP implementation MUST silently discard an incoming SYN segment that is addressed to a
// broadcast or multicast address". The network layer does.
TEST_F(Drops, TcpIsUnicastOnly) {
  for (const IpAddress to : {ip("10.0.0.2"), ip("10.0.0.255"), ip("255.255.255.255"), ip("224.0.0.1")}) {
    Frame frame = tcp_frame(1, 2, stranger, endpoint(to, 80), with(syn));
    std::fill_n(frame.bytes.begin(), 6, Byte{0xff});
    tell(frame);
  }
  EXPECT_TRUE(server.sent.empty());
  EXPECT_EQ(server.state.connections().used(), 1u);
}
TEST_F(Drops, TcpChecksum) {
  Frame frame = tcp_frame(1, 2, stranger, web, with(syn));
  frame.bytes.back() ^= 1;
  tell(frame);
  expect_one(Drop::tcp_checksum);
}
TEST_F(Drops, TcpMalformed) {
  tell(tcp_frame(1, 2, stranger, web, with(syn | fin)));
  expect_one(Drop::tcp_malformed);
}
TEST_F(Drops, StrayReset) {
  tell(tcp_frame(1, 2, stranger, nobody, with(rst)));
  expect_one(Drop::stray_reset);
  EXPECT_TRUE(server.sent.empty());
}
TEST_F(Drops, StraySegment) {
  tell(tcp_frame(1, 2, stranger, nobody, with(syn)));
  expect_one(Drop::stray_segment);
  EXPECT_EQ(server.sent.size(), 1u);
}
TEST_F(Drops, StrayLimited) {
  for (int i = 0; i <= host::SourceLimits::burst; ++i) tell(tcp_frame(1, 2, stranger, nobody, with(ack)));
  EXPECT_EQ(server.state.dropped(Drop::stray_limited), 1u);
  EXPECT_EQ(server.state.dropped(Drop::stray_segment), std::uint64_t{host::SourceLimits::burst});
}
TEST_F(Drops, TimeWaitSegment) {
  const auto& local = server.stream(theirs).remote;
  server.state.finish(server.context(), theirs);
  wire.run_for(seconds(1));
  for (const auto& [key, stream] : client.streams) client.finish({key.first, key.second});
  wire.run_for(seconds(1));
  ASSERT_EQ(server.state.time_waits(), 1u);
  tell(tcp_frame(1, 2, local, web, with(rst)));  // RFC 1337
  expect_one(Drop::time_wait_segment);
  EXPECT_EQ(server.state.time_waits(), 1u);
}
TEST_F(Drops, NotACookie) {
  server.listen(90, 0);
  tell(tcp_frame(1, 2, stranger, at("10.0.0.2", 90), with(syn)));
  tell(tcp_frame(1, 2, stranger, at("10.0.0.2", 90), with(ack)));
  expect_one(Drop::not_a_cookie);
  EXPECT_EQ(server.state.counted(host::Count::cookies_sent), 1u);
}
TEST_F(Drops, CookieUnaffordable) {
  server.config.limits.connections = 1;
  const auto id = client.connect(web);
  wire.run_for(milliseconds(5));
  EXPECT_TRUE(client.stream(id).open);
  expect_one(Drop::cookie_unaffordable);
  // Memory is there again: what the client sends now opens it.
  server.config.limits.connections = 2;
  client.write(id, as_bytes("late"));
  EXPECT_TRUE(wire.run([&] { return server.accepted().size() == 2; }));
}
TEST_F(Drops, UdpChecksum) {
  tell(ipv4_frame(1, 2, ip("10.0.0.1"), ip("10.0.0.2"), Protocol::udp, datagram(7, 8, 0x1234), 0));
  expect_one(Drop::udp_checksum);
}
TEST_F(Drops, UdpMalformed) {
  tell(ipv4_frame(1, 2, ip("10.0.0.1"), ip("10.0.0.2"), Protocol::udp, datagram(7, 9, 0), 0));
  expect_one(Drop::udp_malformed);
}
TEST_F(Drops, UdpNoSocket) {
  tell(ipv4_frame(1, 2, ip("10.0.0.1"), ip("10.0.0.2"), Protocol::udp, datagram(7, 8, 0), 0));
  expect_one(Drop::udp_no_socket);
  EXPECT_EQ(server.sent.size(), 1u);  // port unreachable
}
TEST_F(Drops, ErrorUnmatched) {
  tell(icmp_error(1, 2, ip("10.0.0.1"), 3, 0, tcp_frame(2, 1, nobody, stranger, with(syn))));
  expect_one(Drop::error_unmatched);
}
TEST_F(Drops, StaleId) {
  server.tell(host::Finish{{theirs.index, theirs.generation + 1}});
  expect_one(Drop::stale_id);
}
TEST_F(Drops, Unsent) {
  server.tell(LinkChanged{false});
  server.write(theirs, as_bytes("into nothing"));
  server.flush();
  expect_one(Drop::unsent);
  // The link is back: it is sent again.
  server.tell(LinkChanged{true});
  EXPECT_TRUE(wire.run([&] { return client.streams.begin()->second.received.size() == 12; }));
}

}  // namespace
}  // namespace limpid::tcpip::test
