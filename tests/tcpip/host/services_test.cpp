// What a host does for itself: it asks for a lease, and for the addresses of names, over UDP and over TCP.
#include "limpid/tcpip/dhcp/message.hpp"
#include "limpid/tcpip/wire/arp.hpp"
#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {
namespace {

// Station 1 serves what station 2 asks for.
struct Served {
  Station server{config_of(1)};
  Station client;
  Wire wire{server, client};

  explicit Served(const Host::Config& config) : client(config) {}

  // Answers DHCP from now on. (No host of ours takes what comes from 0.0.0.0.)
  void lease(std::uint32_t lifetime) {
    wire.inspect = [this, lifetime](int from, Frame& frame) {
      const auto ethernet = wire::EthernetHeader::parse(frame.bytes);
      if (from != 1 || ethernet->header.ether_type != wire::EtherType::ipv4) return true;
      const Bytes packet = ethernet->payload(Bytes(frame.bytes));
      const auto ip_header = wire::Ipv4Header::parse(packet);
      if (ip_header->header.protocol != Protocol::udp) return true;
      const Bytes datagram = ip_header->payload(packet);
      EXPECT_EQ(
          wire::transport_checksum(ip_header->header.source, ip_header->header.destination, Protocol::udp, datagram),
          0);
      const auto udp = wire::UdpHeader::parse(datagram);
      if (udp->header.destination_port != dhcp::server_port) return true;
      auto message = *dhcp::Message::parse(udp->payload(datagram));
      const MacAddress& mac = client.config.ip.mac;
      EXPECT_EQ(message.chaddr, mac);
      asked.push_back(message.type);
      message.operation = dhcp::Operation::reply;
      message.type = message.type == dhcp::MessageType::discover ? dhcp::MessageType::offer : dhcp::MessageType::ack;
      message.yiaddr = ip(mac == mac_of(2) ? "10.0.0.77" : "10.0.0.78");
      message.server_identifier = ip("10.0.0.1");
      message.subnet_mask = ip("255.255.255.0");
      message.routers.push_back(ip("10.0.0.1"));
      message.domain_name_servers.push_back(ip("10.0.0.1"));
      message.interface_mtu = 1400;
      message.lease_time = lifetime;
      message.requested_address.reset();
      message.maximum_message_size.reset();
      message.parameter_request_list = {};
      std::array<Byte, 600> bytes;
      Writer out(bytes);
      out.u16(dhcp::server_port);
      out.u16(dhcp::client_port);
      out.u32(0);
      message.emit(out);
      Writer(MutableBytes(bytes).subspan(4)).u16(static_cast<std::uint16_t>(out.size()));
      const IpAddress to = message.broadcast ? IpAddress::v4(UINT32_MAX) : message.yiaddr;
      replies.push_back(ipv4_frame(1, mac.octets[5], ip("10.0.0.1"), to, Protocol::udp,
                                   {out.written().begin(), out.written().end()}, wire::UdpHeader::checksum_offset));
      if (message.broadcast) std::fill_n(replies.back().bytes.begin(), 6, Byte{0xff});
      return false;
    };
    wire.after = [this] {
      for (Frame& reply : std::exchange(replies, {})) client.tell(std::move(reply));
    };
  }
  std::vector<Frame> replies;
  std::vector<dhcp::MessageType> asked;
};

Host::Config without_address() {
  Host::Config config;
  config.ip.mac = mac_of(2);
  config.dhcp = true;
  return config;
}

TEST(Services, ALeaseIsUsedRenewedAndLost) {
  Served served(without_address());
  served.lease(1'000);
  served.server.listen(80);
  served.client.tell(LinkChanged{true});
  EXPECT_EQ(served.client.state.connect(served.client.context(), at("10.0.0.1", 80)).error(), Refusal::no_address);
  const IpAddress leased = ip("10.0.0.77");
  ASSERT_TRUE(served.wire.run([&] { return !served.client.addresses.empty(); }));
  EXPECT_EQ(served.client.addresses[0], std::pair(leased, true));
  EXPECT_EQ(served.asked, (std::vector{dhcp::MessageType::discover, dhcp::MessageType::request}));
  EXPECT_EQ(served.client.state.interface().mtu(), 1400);
  // Through the router that came with it, to anywhere.
  EXPECT_EQ(served.client.state.interface().source_for(ip("192.0.2.1")), leased);
  const auto id = served.client.connect(at("10.0.0.1", 80));
  EXPECT_TRUE(served.wire.run([&] { return served.client.stream(id).open; }));
  EXPECT_EQ(served.client.stream(id).local.address, leased.octets);

  served.wire.run_for(seconds(800));
  EXPECT_EQ(served.asked.size(), 3u);  // renewed at half of its time
  EXPECT_EQ(served.client.addresses.size(), 1u);
  EXPECT_TRUE(served.client.stream(id).open);

  // The server is gone: the lease expires.
  served.wire.inspect = [&](int from, Frame&) { return from == 0; };
  ASSERT_TRUE(served.wire.run([&] { return served.client.addresses.size() == 2; }, seconds(1'001)));
  EXPECT_EQ(served.client.addresses[1], std::pair(leased, false));
  EXPECT_FALSE(served.client.state.interface().source_for(ip("192.0.2.1")));
}

// A server that offers the address that the host was configured with can end its own lease, not the address.
TEST(Services, AConfiguredAddressIsNotForAServerToTakeBack) {
  Host::Config config = without_address();
  config.ip.addresses.push_back(*parse_cidr("10.0.0.77/24"));
  Served served(config);
  served.lease(1'000);
  served.client.tell(LinkChanged{true});
  ASSERT_TRUE(served.wire.run([&] { return served.client.state.interface().mtu() == 1400; }));
  served.wire.inspect = [&](int from, Frame&) { return from == 0; };
  served.wire.run_for(seconds(1'001));
  EXPECT_TRUE(served.client.state.interface().is_ours(ip("10.0.0.77")));
  EXPECT_EQ(served.client.addresses.size(), 1u);  // as usable, once
  // Nor does what came with the lease outlive it.
  EXPECT_FALSE(served.client.state.interface().source_for(ip("192.0.2.1")));
}

// However much else is due in the step in which it comes, and however little room there is, a lease is taken whole.
TEST(Services, ALeaseIsTakenWholeInTheLeastRoom) {
  const auto narrowest = Host::least_room;
  for (const std::size_t actions : {narrowest.actions, narrowest.actions + 200}) {
    for (std::size_t due = 0; due <= 200; due += actions == narrowest.actions ? 1 : 3) {
      Host::Config config = without_address();
      config.ip.addresses.push_back({ip("10.9.0.2"), 16});
      Served served(config);
      served.client.narrow(narrowest.bytes, actions);
      served.lease(1'000);
      served.client.tell(LinkChanged{true});
      const auto answer = std::exchange(served.wire.after, nullptr);
      ASSERT_TRUE(served.wire.run([&] {
        if (served.asked.size() == 1 && !served.replies.empty()) answer();
        return served.asked.size() == 2;
      }));
      ASSERT_EQ(served.replies.size(), 1u);
      // So many neighbours are asked for again when it comes.
      ASSERT_TRUE(served.client.state.bind_udp(served.client.context(), 7));
      for (std::size_t i = 0; i < due; ++i) {
        served.client.tell(
            host::SendUdp{7, endpoint(IpAddress::v4(0x0a090100 + static_cast<std::uint32_t>(i)), 9), {}});
      }
      served.client.now.monotonic = served.client.now.monotonic + seconds(1);
      served.client.sent.clear();
      answer();
      EXPECT_EQ(served.client.state.interface().mtu(), 1400) << due;
      EXPECT_EQ(served.client.state.interface().source_for(ip("10.0.0.9")), ip("10.0.0.77")) << due;
      ASSERT_TRUE(served.client.state.interface().source_for(ip("192.0.2.1"))) << due << " of " << actions;
    }
  }
}

// Its device was taken away and is there again as another one. The old lease is gone before anybody hears of it,
// however little room there is and however much else is due.
TEST(Services, UnderAnotherHardwareAddressALeaseIsAskedForAnew) {
  const IpAddress before = ip("10.0.0.77"), after = ip("10.0.0.78");
  for (const std::uint32_t due : {0u, 1u, 5u, 200u}) {
    for (const bool narrow : {false, true}) {
      SCOPED_TRACE(testing::Message() << due << (narrow ? ", narrow" : ""));
      Served served(without_address());
      served.lease(1'000);
      const auto lease = std::exchange(served.wire.inspect, nullptr);
      std::vector<Frame> sent;
      served.wire.inspect = [&](int from, Frame& frame) {
        if (from == 1) sent.push_back(frame);
        return lease(from, frame);
      };
      served.client.tell(LinkChanged{true});
      ASSERT_TRUE(served.wire.run([&] { return !served.client.addresses.empty(); }));
      if (narrow) served.client.narrow(Host::least_room.bytes, Host::least_room.actions);
      ASSERT_TRUE(served.client.state.bind_udp(served.client.context(), 7));
      for (std::uint32_t i = 0; i < due; ++i) {
        const auto nobody = endpoint(IpAddress::v4(0x0a000010 + i % 50), 9);
        served.client.tell(host::SendUdp{7, nobody, {}});
        served.client.tell(host::Resolve{i, "www.example", dns::Family::any});
      }
      served.client.tell(LinkChanged{false});
      served.client.config.ip.mac = mac_of(3);
      served.client.reload();
      EXPECT_TRUE(served.client.state.interface().is_ours(before)) << "till then it may be the old one";
      served.client.now.monotonic = served.client.now.monotonic + seconds(1);
      sent.clear();
      served.client.sent.clear();
      served.asked.clear();
      served.client.tell(LinkChanged{true});
      EXPECT_FALSE(served.client.state.interface().is_ours(before));
      EXPECT_FALSE(served.client.state.interface().source_for(ip("192.0.2.1")));
      ASSERT_TRUE(served.wire.run([&] { return served.client.addresses.size() >= 3; }));
      EXPECT_EQ(served.client.addresses,
                (std::vector<std::pair<IpAddress, bool>>{{before, true}, {before, false}, {after, true}}));
      EXPECT_EQ(served.asked, (std::vector{dhcp::MessageType::discover, dhcp::MessageType::request}));
      EXPECT_EQ(served.client.state.interface().source_for(ip("192.0.2.1")), after);
      EXPECT_EQ(served.client.state.interface().mtu(), 1400);
      served.wire.run_for(seconds(10));
      bool announced = false;
      for (const Frame& frame : sent) {
        const auto ethernet = wire::EthernetHeader::parse(frame.bytes);
        EXPECT_EQ(ethernet->header.source, mac_of(3));
        if (ethernet->header.ether_type != wire::EtherType::arp) continue;
        const auto arp = wire::ArpPacket::parse(ethernet->payload(Bytes(frame.bytes)));
        if (arp->sender_protocol_address == before) ADD_FAILURE() << "the old lease is used";
        announced = announced || arp->sender_protocol_address == after;
      }
      EXPECT_TRUE(announced);
    }
  }
}

// The same device again: its lease is verified, and kept.
TEST(Services, UnderTheSameHardwareAddressALeaseIsKept) {
  Served served(without_address());
  served.lease(1'000);
  served.client.tell(LinkChanged{true});
  ASSERT_TRUE(served.wire.run([&] { return !served.client.addresses.empty(); }));
  served.client.tell(LinkChanged{false});
  served.asked.clear();
  served.client.tell(LinkChanged{true});
  served.wire.run_for(seconds(10));
  EXPECT_EQ(served.asked, std::vector{dhcp::MessageType::request});
  EXPECT_EQ(served.client.addresses, (std::vector{std::pair(ip("10.0.0.77"), true)}));
}

TEST(Services, TheMtuIsTheDevicesOrTheLeasesWhicheverIsLess) {
  Served served(without_address());
  const auto mtu = [&] { return served.client.state.interface().mtu(); };
  const auto again = [&](std::uint16_t device) {
    served.client.tell(LinkChanged{false});
    served.client.config.ip.mtu = device;
    served.client.tell(LinkChanged{true});
  };
  served.lease(1'000);
  again(1500);
  EXPECT_EQ(mtu(), 1500);
  ASSERT_TRUE(served.wire.run([&] { return !served.client.addresses.empty(); }));
  EXPECT_EQ(mtu(), 1400);
  again(1300);
  EXPECT_EQ(mtu(), 1300);
  served.wire.run_for(seconds(1));
  EXPECT_EQ(mtu(), 1300) << "verified";
  again(20);
  EXPECT_EQ(mtu(), 576);
  again(9000);
  EXPECT_EQ(mtu(), 1400) << "before it is verified";
  // The server is gone, the lease expires, and what it said with it.
  served.wire.inspect = [&](int from, Frame&) { return from == 0; };
  again(1500);
  EXPECT_EQ(mtu(), 1400);
  ASSERT_TRUE(served.wire.run([&] { return served.client.addresses.size() == 2; }, seconds(1'001)));
  EXPECT_EQ(mtu(), 1500);
}

// An answer to a question for A: a copy of its header and question, and one record if it is not cut short.
std::vector<Byte> answer(Bytes question, bool cut, std::array<Byte, 4> address) {
  std::vector<Byte> reply(question.begin(), question.end());
  std::size_t end = 12;
  while (reply[end] != 0) end += reply[end] + 1u;
  reply.resize(end + 5);
  reply[2] = cut ? 0x83 : 0x81;
  reply[3] = 0x80;
  for (std::size_t i = 6; i < 12; ++i) reply[i] = 0;
  if (cut) return reply;
  reply[7] = 1;
  const Byte record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, address[0], address[1], address[2], address[3]};
  reply.insert(reply.end(), std::begin(record), std::end(record));
  return reply;
}

Host::Config with_resolver() {
  Host::Config config = config_of(2);
  config.dns_servers.push_back(ip("10.0.0.1"));
  return config;
}

TEST(Services, ANameIsResolvedOverUdp) {
  Served served(with_resolver());
  ASSERT_TRUE(served.server.state.bind_udp(served.server.context(), 53));
  served.wire.after = [&] {
    for (const auto& got : std::exchange(served.server.datagrams, {})) {
      EXPECT_EQ(got.from.address, ip("10.0.0.2").octets);
      served.server.tell(host::SendUdp{53, got.from, answer(got.bytes, false, {192, 0, 2, 7})});
    }
  };
  served.client.tell(host::Resolve{5, "www.example", dns::Family::ipv4});
  ASSERT_TRUE(served.wire.run([&] { return !served.client.resolved.empty(); }));
  EXPECT_EQ(served.client.resolved[0].token, 5u);
  EXPECT_EQ(served.client.resolved[0].outcome, dns::Outcome::found);
  ASSERT_EQ(served.client.resolved[0].addresses.size(), 1u);
  EXPECT_EQ(served.client.resolved[0].addresses[0], ip("192.0.2.7"));
}

// Whoever looks for the port of a question, to forge its answer, finds it as closed as any (CVE-2020-25705).
TEST(Services, APortWithAQuestionIsClosedToOthers) {
  Served served(with_resolver());
  ASSERT_TRUE(served.server.state.bind_udp(served.server.context(), 53));
  served.client.tell(host::Resolve{5, "www.example", dns::Family::ipv4});
  ASSERT_TRUE(served.wire.run([&] { return !served.server.datagrams.empty(); }));
  const std::uint16_t asked = served.server.datagrams[0].from.port;
  // How many ICMP errors a datagram from the server's address is answered with.
  const auto errors = [&](std::uint16_t from, std::uint16_t to) {
    std::array<Byte, 12> datagram{};
    Writer out(datagram);
    wire::UdpHeader{from, to, 12}.emit(out);
    served.client.sent.clear();
    served.client.tell(ipv4_frame(1, 2, ip("10.0.0.1"), ip("10.0.0.2"), Protocol::udp,
                                  {datagram.begin(), datagram.end()}, wire::UdpHeader::checksum_offset));
    return served.client.sent.size();
  };
  EXPECT_EQ(errors(53, asked), 0u);
  EXPECT_EQ(errors(54, asked), 1u);
  EXPECT_EQ(errors(54, asked ^ 1), 1u);
}

TEST(Services, AnAnswerThatWasCutIsAskedForOverTcp) {
  for (const bool reload : {false, true}) {
    Served served(with_resolver());
    ASSERT_TRUE(served.server.state.bind_udp(served.server.context(), 53));
    served.server.listen(53);
    served.server.serve = [&](ConnectionId id) {
      const auto& received = served.server.stream(id).received;
      if (received.size() < 2 || received.size() < 2u + received[1] || served.server.stream(id).sent != 0) return;
      const auto reply = answer(Bytes(received).subspan(2), false, {192, 0, 2, 8});
      const Byte length[] = {0, static_cast<Byte>(reply.size())};
      served.server.write(id, length);
      served.server.write(id, reply);
    };
    served.wire.after = [&] {
      if (reload) served.client.reload();
      for (const auto& got : std::exchange(served.server.datagrams, {})) {
        served.server.tell(host::SendUdp{53, got.from, answer(got.bytes, true, {})});
      }
    };
    served.client.tell(host::Resolve{6, "www.example", dns::Family::ipv4});
    ASSERT_TRUE(served.wire.run([&] { return !served.client.resolved.empty(); }));
    EXPECT_EQ(served.client.resolved[0].outcome, dns::Outcome::found);
    ASSERT_EQ(served.client.resolved[0].addresses.size(), 1u);
    EXPECT_EQ(served.client.resolved[0].addresses[0], ip("192.0.2.8"));
    // The application has heard nothing of that connection, and it is gone.
    EXPECT_TRUE(served.client.streams.empty());
    served.wire.run_for(seconds(1));
    EXPECT_EQ(served.client.state.connections().used(), 0u);
  }
}

TEST(Services, AServerThatRefusesTcpIsNoEndlessWait) {
  Served served(with_resolver());
  ASSERT_TRUE(served.server.state.bind_udp(served.server.context(), 53));
  served.wire.after = [&] {
    for (const auto& got : std::exchange(served.server.datagrams, {})) {
      served.server.tell(host::SendUdp{53, got.from, answer(got.bytes, true, {})});
    }
  };
  served.client.tell(host::Resolve{6, "www.example", dns::Family::ipv4});
  ASSERT_TRUE(served.wire.run([&] { return !served.client.resolved.empty(); }));
  EXPECT_EQ(served.client.resolved[0].outcome, dns::Outcome::no_answer);
  served.wire.run_for(seconds(1));
  EXPECT_EQ(served.client.state.connections().used(), 0u);
}

// Every counter has a name of its own.
TEST(Services, ReportsByName) {
  Served served(without_address());
  std::map<std::string, std::uint64_t> seen;
  served.client.state.report([&](std::string_view group, std::string_view name, std::uint64_t value) {
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(seen.emplace(std::string(group) + "." + std::string(name), value).second) << name;
  });
  EXPECT_TRUE(seen.contains("host.connections"));
  EXPECT_TRUE(seen.contains("dropped.tcp_checksum"));
  EXPECT_TRUE(seen.contains("dropped_by_ip.land"));
  EXPECT_TRUE(seen.contains("dropped_by_tcp.old_timestamp"));
  EXPECT_TRUE(seen.contains("dropped_by_dhcp.malformed"));
  EXPECT_TRUE(seen.contains("host.neighbours"));
}

}  // namespace
}  // namespace limpid::tcpip::test
