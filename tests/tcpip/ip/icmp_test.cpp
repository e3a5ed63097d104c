// ICMP errors that come in, those that go out, and how many; path MTUs; multicast listener reports.
#include <set>

#include "tests/tcpip/ip/link.hpp"

#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/tcpip/ip/frames.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Drop;
using Words = std::vector<std::string>;

// An error about a segment of ours.
Frame error4(std::uint8_t type, std::uint8_t code, std::uint32_t rest, std::size_t quoted = 8,
             std::string_view from = "10.9.0.2", std::uint16_t offset = 0) {
  wire::Ipv4Header header;
  header.source = address(from);
  header.destination = address("192.0.2.1");
  header.protocol = Protocol::tcp;
  header.total_length = 1500;
  header.fragment_offset = offset;
  Frame message = emitted(wire::Icmpv4Header{static_cast<wire::Icmpv4Type>(type), code, rest});
  const Frame about = emitted(header);
  message.insert(message.end(), about.begin(), about.end());
  message.resize(message.size() + quoted, 0x55);
  Writer(MutableBytes(message).subspan(2, 2)).u16(wire::internet_checksum(message));
  return ipv4("10.9.0.1", "10.9.0.2", Protocol::icmp, message);
}

Frame error6(std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
  wire::Ipv6Header header;
  header.source = address("fd00:9::2");
  header.destination = address("2001:db8::1");
  header.next_header = Protocol::tcp;
  header.payload_length = 1440;
  Frame message = emitted(wire::Icmpv6Header{static_cast<wire::Icmpv6Type>(type), code, rest});
  const Frame about = emitted(header);
  message.insert(message.end(), about.begin(), about.end());
  message.resize(message.size() + 20, 0x55);
  return icmpv6("fe80::1", "fd00:9::2", message, 64);
}

TEST(IpIcmp, ErrorsAreToldAndChangeNothing) {
  struct Expected {
    Frame frame;
    std::string words;
  };
  const std::string far6 = text(address("2001:db8::1"));
  for (const Expected& e : {
           Expected{error4(3, 0, 0), "unreachable 192.0.2.1 soft"},
           Expected{error4(3, 1, 0), "unreachable 192.0.2.1 soft"},
           Expected{error4(3, 2, 0), "unreachable 192.0.2.1 hard"},
           Expected{error4(3, 3, 0), "unreachable 192.0.2.1 hard"},
           Expected{error4(3, 4, 1400), "unreachable 192.0.2.1 too big 1400"},
           Expected{error4(3, 13, 0), "unreachable 192.0.2.1 soft"},
           Expected{error4(11, 0, 0), "unreachable 192.0.2.1 soft"},
           Expected{error4(12, 0, 0), "unreachable 192.0.2.1 soft"},
           Expected{error6(1, 0, 0), "unreachable " + far6 + " soft"},
           Expected{error6(1, 4, 0), "unreachable " + far6 + " hard"},
           Expected{error6(2, 0, 1300), "unreachable " + far6 + " too big 1300"},
           Expected{error6(2, 0, 0xffffffff), "unreachable " + far6 + " too big 65535"},
           Expected{error6(3, 0, 0), "unreachable " + far6 + " soft"},
           Expected{error6(4, 1, 40), "unreachable " + far6 + " hard"},
           Expected{error6(4, 0, 40), "unreachable " + far6 + " soft"},
       }) {
    Link link;
    link.settle();
    link.receive(e.frame);
    EXPECT_EQ(link.told, Words{e.words});
    EXPECT_TRUE(link.sent.empty());
    EXPECT_EQ(link.state().path_mtu(address("192.0.2.1"), link.at), 1500);
  }
}

TEST(IpIcmp, ErrorsAboutWhatWeCannotHaveSentAreDropped) {
  for (const Frame& frame : {error4(3, 3, 0, 7), error4(3, 3, 0, 8, "10.9.0.77"), error4(3, 3, 0, 8, "10.9.0.2", 8)}) {
    Link link;
    link.settle();
    link.receive(frame);
    EXPECT_TRUE(link.told.empty());
    EXPECT_EQ(link.drops(Drop::icmp_error_foreign), 1u);
  }
}

TEST(IpIcmp, PathMtusAreConfirmedBoundedAndForgotten) {
  Link link;
  link.settle();
  ip::Interface& state = link.state();
  const IpAddress far = address("192.0.2.1"), far6 = address("2001:db8::1");
  const auto confirm = [&](const IpAddress& to, std::uint16_t mtu) {
    return state.confirm_path_mtu(link.config, link.now(), to, mtu);
  };
  EXPECT_FALSE(confirm(far, 1500));
  EXPECT_FALSE(confirm(far, 9000));
  EXPECT_TRUE(confirm(far, 1400));
  EXPECT_FALSE(confirm(far, 1400));
  EXPECT_FALSE(confirm(far, 1450));
  EXPECT_EQ(state.path_mtu(far, link.at), 1400);
  EXPECT_TRUE(confirm(far, 68));
  EXPECT_EQ(state.path_mtu(far, link.at), 552);
  EXPECT_FALSE(confirm(far6, 1279));
  EXPECT_EQ(state.path_mtu(far6, link.at), 1500);
  EXPECT_TRUE(confirm(far6, 1280));
  EXPECT_EQ(state.path_mtu(far6, link.at), 1280);
  EXPECT_EQ(state.path_mtu(address("192.0.2.2"), link.at), 1500);
  link.wait(seconds(599));
  EXPECT_EQ(state.path_mtu(far, link.at), 552);
  link.wait(seconds(1));
  EXPECT_EQ(state.path_mtu(far, link.at), 1500);
  // However many are confirmed, so many are kept.
  for (std::uint32_t i = 0; i < 10'000; ++i) confirm(IpAddress::v4(0x0b000000u + i), 1000);
  EXPECT_EQ(state.path_mtus().size(), link.config.limits.path_mtus);
}

// CVE-2020-25705 (SAD DNS): whoever asks in another's name learns nothing from what is left for himself.
TEST(IpIcmp, Cve2020_25705_SadDns) {
  Link link;
  link.settle();
  // Both are neighbours, so that answers are sent at once.
  for (const std::string_view who : {"10.9.0.1", "10.9.0.66"}) {
    link.receive(
        ethernet(wire::EtherType::arp,
                 emitted(wire::ArpPacket{wire::ArpOperation::request, peer_mac, address(who), {}, address("10.9.0.2")}),
                 {peer_mac, broadcast_mac}));
  }
  link.forget();
  Frame datagram = emitted(wire::UdpHeader{53, 2, 12});
  datagram.resize(12);
  const Frame in_his_name = ipv4("10.9.0.1", "10.9.0.2", Protocol::udp, datagram);
  const Frame in_mine = ipv4("10.9.0.66", "10.9.0.2", Protocol::udp, datagram);
  for (int i = 0; i < 1000; ++i) {
    link.receive(in_his_name);
    link.refuse();
  }
  // So many closed ports were told, so few answers: none more for open ones to change.
  EXPECT_EQ(link.sent.size(), ip::IcmpLimit::burst);
  EXPECT_EQ(link.drops(Drop::icmp_error_limited), 1000u - ip::IcmpLimit::burst);
  link.forget();
  for (int i = 0; i < 1000; ++i) {
    link.receive(in_mine);
    link.refuse();
  }
  EXPECT_EQ(link.sent.size(), ip::IcmpLimit::burst);
  link.forget();
  link.wait(seconds(2));
  link.receive(in_his_name);
  link.refuse();
  EXPECT_EQ(link.sent.size(), 1u);
}

// However many sources there are. Nor is it known how many are answered: a count of what is left for oneself says
// little.
TEST(IpIcmp, AnswersToForgedSourcesAreBoundedTogether) {
  std::set<std::uint64_t> refused;
  for (Byte seed = 1; seed <= 8; ++seed) {
    Link link(config_with({"10.9.0.2/8"}));
    link.start(seed);
    for (std::uint32_t i = 0; i < 200; ++i) {
      wire::Ipv4Header header;
      header.source = IpAddress::v4(0x0a0b0000u + i);
      header.destination = address("10.9.0.2");
      header.protocol = static_cast<Protocol>(132);
      link.receive(ipv4(header, Frame(20)));
    }
    refused.insert(link.drops(Drop::icmp_error_limited));
  }
  EXPECT_GE(*refused.begin(), 200u - ip::IcmpLimit::common_burst);
  EXPECT_GT(refused.size(), 3u);

  Link link(config_with({"10.9.0.2/8"}));
  link.settle();
  std::size_t used = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    wire::Ipv4Header header;
    header.source = IpAddress::v4(0x0a0b0000u + i);
    header.destination = address("10.9.0.2");
    header.protocol = static_cast<Protocol>(132);
    link.receive(ipv4(header, Frame(20)));
    if (i == 1000) used = link.budget.used();
  }
  EXPECT_LE(link.budget.used(), used);
  EXPECT_GT(link.drops(Drop::icmp_error_limited), 9'000u);
}

TEST(IpIcmp, NoErrorAboutErrorsGroupsAndFragments) {
  const auto answered = [](const Frame& packet) {
    return ip::may_complain(Bytes(packet).subspan(14), ip::IcmpComplaint::port_unreachable(packet[12] == 8));
  };
  EXPECT_TRUE(answered(from_hex(udp)));
  EXPECT_TRUE(answered(from_hex(udp6)));
  EXPECT_TRUE(answered(from_hex(echo_request)));
  EXPECT_FALSE(answered(from_hex(port_unreachable)));
  EXPECT_FALSE(answered(from_hex(port_unreachable6)));
  EXPECT_FALSE(answered(ipv4("10.9.0.1", "224.0.0.1", Protocol::udp, Frame(8))));
  EXPECT_FALSE(answered(ipv4("10.9.0.1", "255.255.255.255", Protocol::udp, Frame(8))));
  EXPECT_FALSE(answered(ipv4("0.0.0.0", "10.9.0.2", Protocol::udp, Frame(8))));
  EXPECT_FALSE(answered(ipv6("::", "fd00:9::2", Protocol::udp, Frame(8))));
  EXPECT_FALSE(answered(ipv6("fd00:9::1", "ff02::1", Protocol::udp, Frame(8))));
  wire::Ipv4Header later;
  later.source = address("10.9.0.1");
  later.destination = address("10.9.0.2");
  later.protocol = Protocol::udp;
  later.fragment_offset = 8;
  EXPECT_FALSE(answered(ipv4(later, Frame(8))));
}

TEST(IpIcmp, AnEchoThatDoesNotFitIsDropped) {
  Link link;
  link.settle();
  link.receive(neighbor_solicitation);
  link.forget();
  Frame message = emitted(wire::Icmpv6Header{wire::Icmpv6Type::echo_request, 0, 0});
  message.resize(1452);
  const Frame frame = icmpv6("fd00:9::1", "fd00:9::2", message, 64);
  Frame copy = frame;
  std::vector<Byte> room(ip::Interface::least_room.bytes);
  std::vector<ip::Interface::Action> slots(ip::Interface::least_room.actions);
  auto progress = ip::Interface::advance(link.config, link.state(), link.now(), FrameReceived{copy, {}},
                                         {room, slots, link.budget});
  EXPECT_EQ(progress.actions.size(), 1u);
}

// RFC 3810.
TEST(IpMulticast, GroupsAreReportedWhenJoinedAndWhenAsked) {
  Link link;
  link.start();
  link.wait(seconds(10));
  std::size_t reports = 0;
  for (const Frame& frame : link.sent) {
    if (frame.size() < 63 || to_hex(Bytes(frame).first(6)) != "333300000016") continue;
    ++reports;
    EXPECT_EQ(frame[14 + 7], 1);  // hop limit
    EXPECT_EQ(to_hex(Bytes(frame).subspan(54, 8)), "3a00050200000100");
    EXPECT_EQ(frame[62], 143);
    const auto said = wire::MldReport::parse(Bytes(frame).subspan(62));
    ASSERT_TRUE(said);
    EXPECT_TRUE(std::any_of(said->records.begin(), said->records.end(), [](const auto& record) {
      return record.multicast_address == address("ff02::1:ff00:2") &&
             record.type == wire::MldRecordType::change_to_exclude_mode;
    }));
  }
  EXPECT_EQ(reports, 2u);
  link.forget();
  for (int i = 0; i < 100; ++i) link.receive(mld_query);
  link.wait(milliseconds(1001));
  ASSERT_EQ(link.sent.size(), 1u);
  const auto said = wire::MldReport::parse(Bytes(link.sent[0]).subspan(62));
  ASSERT_TRUE(said);
  EXPECT_EQ(said->records.size(), 2u);
  EXPECT_EQ(said->records[0].type, wire::MldRecordType::mode_is_exclude);
  link.forget();
  link.tell(ip::RemoveAddress{address("fd00:9::2")});
  ASSERT_FALSE(link.sent.empty());
  const auto left = wire::MldReport::parse(Bytes(link.sent[0]).subspan(62));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->records[1].type, wire::MldRecordType::change_to_include_mode);
  EXPECT_EQ(left->records[1].multicast_address, address("ff02::1:ff00:2"));
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
