// Each malformed, misdirected or forged frame is dropped under its name, answered or not as its RFC says, and changes
// nothing else. A name that no case here has fails a test.
#include "tests/tcpip/ip/link.hpp"

#include <set>

#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/tcpip/ip/frames.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Drop;
using wire::EtherType;

const MacAddress everybody = broadcast_mac;
const MacAddress all_nodes_mac{{0x33, 0x33, 0, 0, 0, 1}};
const MacAddress solicited_mac{{0x33, 0x33, 0xff, 0, 0, 2}};

struct Case {
  Drop drop;
  std::string name;
  Frame frame;
  std::string_view answer = "";  // what is sent about it, but for IPv4's identification
};

Frame arp(wire::ArpOperation operation, MacAddress sender, std::string_view from, std::string_view to,
          From how = {peer_mac, broadcast_mac}) {
  return ethernet(EtherType::arp, emitted(wire::ArpPacket{operation, sender, address(from), {}, address(to)}), how);
}

Frame udp_bytes(std::size_t size = 4) {
  Frame bytes = emitted(wire::UdpHeader{1, 2, static_cast<std::uint16_t>(8 + size)});
  bytes.resize(8 + size);
  return bytes;
}

Frame udp4(std::string_view from, std::string_view to, From how = {}) {
  return ipv4(from, to, Protocol::udp, udp_bytes(), how);
}
Frame from6(std::string_view from, std::string_view to, From how = {}) {
  return ipv6(from, to, Protocol::udp, udp_bytes(), 64, how);
}

Frame icmp4(wire::Icmpv4Type type, std::uint8_t code, std::string_view quoted, From how = {},
            std::string_view to = "10.9.0.2") {
  Frame message = emitted(wire::Icmpv4Header{type, code, 0});
  const Frame rest = from_hex(quoted);
  message.insert(message.end(), rest.begin(), rest.end());
  Writer(MutableBytes(message).subspan(2, 2)).u16(wire::internet_checksum(message));
  return ipv4("10.9.0.1", to, Protocol::icmp, message, how);
}

Frame cut(Frame frame, std::size_t by) {
  frame.resize(frame.size() - by);
  return frame;
}

Frame solicitation(std::string_view from, std::string_view to, std::string_view target,
                   std::optional<MacAddress> link_layer, std::uint8_t hop_limit = 255) {
  wire::NeighborSolicitation said{address(target)};
  said.options.source_link_layer_address = link_layer;
  return icmpv6(from, to, emitted(said), hop_limit, {peer_mac, solicited_mac});
}
Frame advertisement(std::string_view to, std::string_view target, bool solicited,
                    std::optional<MacAddress> link_layer = peer_mac) {
  wire::NeighborAdvertisement said;
  said.solicited = solicited;
  said.override = true;
  said.target = address(target);
  said.options.target_link_layer_address = link_layer;
  return icmpv6("fd00:9::1", to, emitted(said));
}

// Extension headers in front of a datagram.
Frame extended(Protocol first, std::string_view headers, std::string_view to = "fd00:9::2", From how = {}) {
  Frame payload = from_hex(headers);
  const Frame datagram = udp_bytes();
  payload.insert(payload.end(), datagram.begin(), datagram.end());
  return ipv6("fd00:9::1", to, first, payload, 64, how);
}

Frame fragment4(std::uint16_t offset, bool more, std::size_t size) {
  wire::Ipv4Header header;
  header.source = address("10.9.0.1");
  header.destination = address("10.9.0.2");
  header.protocol = Protocol::udp;
  header.identification = 77;
  header.fragment_offset = offset;
  header.more_fragments = more;
  return ipv4(header, Frame(size));
}

std::vector<Case> cases() {
  using Type = wire::Icmpv4Type;
  using Operation = wire::ArpOperation;
  const From to_all{peer_mac, everybody};
  const From to_nodes{peer_mac, all_nodes_mac};
  const std::string quoted_foreign = to_hex(Bytes(udp4("10.9.0.9", "192.0.2.1")).subspan(14));
  Frame bad_checksum = icmp4(Type::echo_request, 0, "");
  bad_checksum.back() ^= 1;
  wire::Ipv4Header routed;
  routed.source = address("10.9.0.1");
  routed.destination = address("10.9.0.2");
  routed.protocol = Protocol::udp;
  const Frame source_route = from_hex("0183070400000000");
  routed.options = source_route;
  wire::Redirect redirect{address("fe80::1"), address("2001:db8::1")};
  Frame own = udp4("10.9.0.1", "10.9.0.2", {our_mac, our_mac});
  Frame ndp_in_fragment = from_hex("3a000000000000aa");
  const Frame inner = Frame(emitted(wire::NeighborSolicitation{address("fd00:9::2")}));
  ndp_in_fragment.insert(ndp_in_fragment.end(), inner.begin(), inner.end());
  Writer(MutableBytes(ndp_in_fragment).subspan(10, 2))
      .u16(wire::transport_checksum(address("fd00:9::1"), address("fd00:9::2"), Protocol::icmpv6, inner));

  return {
      {Drop::frame_malformed, "a frame that ends in its header", cut(udp4("10.9.0.1", "10.9.0.2"), 36)},
      {Drop::frame_malformed, "a frame from a group", udp4("10.9.0.1", "10.9.0.2", {{{1, 0, 0, 0, 0, 1}}, our_mac})},
      {Drop::frame_malformed, "a frame of our own", own},
      {Drop::frame_not_for_us, "another's frame", udp4("10.9.0.1", "10.9.0.2", {peer_mac, {{2, 0, 0, 0, 0, 9}}})},
      {Drop::ether_type_unknown, "LLDP", ethernet(static_cast<EtherType>(0x88cc), Frame(40))},
      {Drop::arp_malformed, "ARP cut short", cut(from_hex(arp_request), 1)},
      {Drop::arp_martian, "ARP from a group", arp(Operation::request, {{1, 0, 0, 0, 0, 1}}, "10.9.0.1", "10.9.0.2")},
      {Drop::arp_martian, "ARP from loopback", arp(Operation::request, peer_mac, "127.0.0.1", "10.9.0.2")},
      {Drop::arp_martian, "ARP from the broadcast address",
       arp(Operation::request, peer_mac, "255.255.255.255", "10.9.0.2")},
      {Drop::arp_martian, "ARP from the link's broadcast address",
       arp(Operation::request, peer_mac, "10.9.0.255", "10.9.0.2")},
      {Drop::arp_martian, "ARP from a multicast address", arp(Operation::request, peer_mac, "224.0.0.1", "10.9.0.2")},
      {Drop::arp_unsolicited, "a reply to nothing", arp(Operation::reply, peer_mac, "10.9.0.77", "10.9.0.2")},
      {Drop::arp_unsolicited, "others' questions", arp(Operation::request, peer_mac, "10.9.0.77", "10.9.0.78")},
      {Drop::ipv4_malformed, "IPv4 cut short", cut(udp4("10.9.0.1", "10.9.0.2"), 1)},
      {Drop::ipv4_source_route, "a loose source route", ipv4(routed, udp_bytes())},
      {Drop::ipv6_malformed, "IPv6 cut short", cut(from6("fd00:9::1", "fd00:9::2"), 1)},
      {Drop::ipv6_malformed, "IPv4 in IPv6's clothes", from6("::ffff:10.9.0.1", "::ffff:10.9.0.2")},
      {Drop::martian_source, "from loopback", udp4("127.0.0.1", "10.9.0.2")},
      {Drop::martian_source, "from a group", udp4("224.0.0.5", "10.9.0.2")},
      {Drop::martian_source, "from everybody", udp4("255.255.255.255", "10.9.0.2")},
      {Drop::martian_source, "from the link's broadcast address", udp4("10.9.0.255", "10.9.0.2")},
      {Drop::martian_source, "from nobody", udp4("0.0.0.0", "10.9.0.2")},
      {Drop::martian_source, "from class E", udp4("240.0.0.1", "10.9.0.2")},
      {Drop::martian_source, "from loopback, IPv6", from6("::1", "fd00:9::2")},
      {Drop::martian_source, "from a group, IPv6", from6("ff02::1", "fd00:9::2")},
      {Drop::martian_source, "from nobody, IPv6", from6("::", "fd00:9::2")},
      {Drop::martian_source, "an echo from nobody",
       icmpv6("::", "fd00:9::2", emitted(wire::Icmpv6Header{wire::Icmpv6Type::echo_request, 0, 0}), 64)},
      {Drop::martian_destination, "to loopback", udp4("10.9.0.1", "127.0.0.1")},
      {Drop::martian_destination, "to loopback, IPv6", from6("fd00:9::1", "::1")},
      {Drop::martian_destination, "to a node's own group", from6("fd00:9::1", "ff01::1", to_nodes)},
      {Drop::own_source, "from us", udp4("10.9.0.2", "10.9.0.3")},
      {Drop::own_source, "from us, IPv6", from6("fd00:9::2", "fd00:9::3")},
      {Drop::land, "LAND", udp4("10.9.0.2", "10.9.0.2")},
      {Drop::land, "LAND, IPv6", from6("fd00:9::2", "fd00:9::2")},
      {Drop::not_for_us, "to another", udp4("10.9.0.1", "10.9.0.3")},
      {Drop::not_for_us, "to another, IPv6", from6("fd00:9::1", "fd00:9::3")},
      {Drop::not_for_us, "to a group that nobody joined", udp4("10.9.0.1", "239.1.2.3", to_nodes)},
      {Drop::not_for_us, "to a group that nobody joined, IPv6", from6("fd00:9::1", "ff02::1:ff00:3", to_nodes)},
      {Drop::unicast_in_group_frame, "hole 196", udp4("10.9.0.1", "10.9.0.2", to_all)},
      {Drop::unicast_in_group_frame, "hole 196, IPv6", from6("fd00:9::1", "fd00:9::2", to_nodes)},
      {Drop::group_to_unicast_only, "TCP to everybody",
       ipv4("10.9.0.1", "10.9.0.255", Protocol::tcp, Frame(20), to_all)},
      {Drop::group_to_unicast_only, "TCP to all nodes",
       ipv6("fd00:9::1", "ff02::1", Protocol::tcp, Frame(20), 64, to_nodes)},
      {Drop::extension_malformed, "a header that goes beyond the packet",
       extended(Protocol::destination_options, "11ff010400000000")},
      {Drop::extension_malformed, "an option that says: discard",
       extended(Protocol::destination_options, "1100410400000000")},
      {Drop::extension_refused, "routing header 0", from_hex(routing_header_0), parameter_problem},
      {Drop::header_chain_incomplete, "a first fragment without its headers",
       ipv6("fd00:9::1", "fd00:9::2", Protocol::fragment, from_hex("3c000001000000aa1103010400000000")),
       "parameter problem, code 3"},
      {Drop::header_chain_incomplete, "a first fragment with a part of a header",
       ipv6("fd00:9::1", "fd00:9::2", Protocol::fragment, from_hex("06000001000000aa1103010400000000")),
       "parameter problem, code 3"},
      {Drop::fragment_malformed, "a piece beyond 65535 bytes", fragment4(65528, false, 100)},
      {Drop::fragment_malformed, "a piece that leaves a gap", fragment4(0, true, 101)},
      {Drop::icmp_malformed, "ICMP cut short", ipv4("10.9.0.1", "10.9.0.2", Protocol::icmp, Frame(7))},
      {Drop::icmp_malformed, "ICMPv6 cut short", ipv6("fd00:9::1", "fd00:9::2", Protocol::icmpv6, Frame(7))},
      {Drop::icmp_checksum, "a wrong checksum", bad_checksum},
      {Drop::icmp_ignored, "an address mask request", icmp4(static_cast<Type>(17), 0, "00000000")},
      {Drop::icmp_ignored, "a timestamp request", icmp4(static_cast<Type>(13), 0, "000000000000000000000000")},
      {Drop::icmp_ignored, "source quench", icmp4(Type::source_quench, 0, quoted_foreign)},
      {Drop::icmp_group_echo, "smurf", icmp4(Type::echo_request, 0, "", to_all, "10.9.0.255")},
      {Drop::icmp_group_echo, "smurf, IPv6",
       icmpv6("fd00:9::1", "ff02::1", emitted(wire::Icmpv6Header{wire::Icmpv6Type::echo_request, 0, 0}), 64, to_nodes)},
      {Drop::icmp_error_foreign, "an error about another's packet",
       icmp4(Type::destination_unreachable, 3, quoted_foreign)},
      {Drop::icmp_error_foreign, "an error about nothing", icmp4(Type::destination_unreachable, 3, "45")},
      {Drop::redirect_ignored, "a redirect", icmp4(Type::redirect, 0, quoted_foreign)},
      {Drop::redirect_ignored, "a redirect, IPv6", icmpv6("fe80::1", "fd00:9::2", emitted(redirect))},
      {Drop::ndp_hop_limit, "a neighbour from far away",
       solicitation("fd00:9::1", "ff02::1:ff00:2", "fd00:9::2", peer_mac, 254)},
      {Drop::ndp_hop_limit, "a router from far away",
       [] {
         Frame frame = from_hex(router_advertisement);
         frame[14 + 7] = 254;
         return frame;
       }()},
      {Drop::ndp_malformed, "an option of length 0",
       [] {
         Frame said = emitted(wire::NeighborSolicitation{address("fd00:9::2")});
         said.resize(said.size() + 8);
         return icmpv6("fd00:9::1", "fd00:9::2", said);
       }()},
      {Drop::ndp_malformed, "a code that is not 0",
       [] {
         Frame said = emitted(wire::NeighborSolicitation{address("fd00:9::2")});
         said[1] = 1;
         return icmpv6("fd00:9::1", "fd00:9::2", said);
       }()},
      {Drop::ndp_malformed, "one without an address that has a link-layer address",
       solicitation("::", "ff02::1:ff00:2", "fd00:9::2", peer_mac)},
      {Drop::ndp_malformed, "a link-layer address that is a group's",
       solicitation("fd00:9::1", "ff02::1:ff00:2", "fd00:9::2", all_nodes_mac)},
      {Drop::ndp_malformed, "an answer to all that says it was asked",
       [] {
         wire::NeighborAdvertisement said;
         said.solicited = true;
         said.target = address("fd00:9::1");
         return icmpv6("fd00:9::1", "ff02::1", emitted(said), 255, {peer_mac, all_nodes_mac});
       }()},
      {Drop::ndp_fragmented, "NDP in an atomic fragment",
       ipv6("fd00:9::1", "fd00:9::2", Protocol::fragment, ndp_in_fragment, 255)},
      {Drop::ndp_conflict, "somebody says that he is us", advertisement("fd00:9::2", "fd00:9::2", false)},
      {Drop::ndp_unsolicited, "an answer to nothing", advertisement("fd00:9::2", "fd00:9::77", true)},
      {Drop::mld_malformed, "a query through a router",
       [] {
         Frame frame = from_hex(mld_query);
         frame[14 + 7] = 2;
         return frame;
       }()},
      {Drop::protocol_unknown, "no next header", ipv6("fd00:9::1", "fd00:9::2", Protocol::no_next_header, Frame(4))},
      {Drop::protocol_unknown, "SCTP", ipv4("10.9.0.1", "10.9.0.2", static_cast<Protocol>(132), Frame(20)),
       "protocol unreachable"},
      {Drop::protocol_unknown, "SCTP, IPv6", ipv6("fd00:9::1", "fd00:9::2", static_cast<Protocol>(132), Frame(20)),
       "parameter problem, code 1"},
  };
}

TEST(IpDrop, EachUnderItsName) {
  for (const Case& c : cases()) {
    Link link;
    link.settle();
    // Who is answered is known.
    link.receive(arp_request);
    link.receive(solicitation("fd00:9::1", "ff02::1:ff00:2", "fd00:9::2", peer_mac));
    link.forget();
    const auto before = link.drops(c.drop);
    const auto all = [&] {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < ip::drop_kinds; ++i) sum += link.drops(static_cast<Drop>(i));
      return sum;
    };
    const auto sum = all();
    link.receive(c.frame);
    EXPECT_EQ(link.drops(c.drop), before + 1) << c.name;
    EXPECT_EQ(all(), sum + 1) << c.name << ": more than one drop";
    EXPECT_TRUE(link.delivered.empty()) << c.name;
    EXPECT_TRUE(link.told.empty()) << c.name;
    if (c.answer.empty()) {
      EXPECT_TRUE(link.sent.empty()) << c.name;
      continue;
    }
    ASSERT_EQ(link.sent.size(), 1u) << c.name;
    const Bytes packet = Bytes(link.sent[0]).subspan(14);
    if (c.answer.size() > 40) {
      EXPECT_EQ(to_hex(link.sent[0]), c.answer) << c.name;
    } else if (c.answer == "protocol unreachable") {
      EXPECT_EQ(to_hex(packet.subspan(20, 2)), "0302") << c.name;
    } else if (c.answer == "parameter problem, code 1") {
      EXPECT_EQ(to_hex(packet.subspan(40, 2)), "0401") << c.name;
      EXPECT_EQ(to_hex(packet.subspan(44, 4)), "00000006") << c.name;
    } else {
      EXPECT_EQ(to_hex(packet.subspan(40, 2)), "0403") << c.name;
    }
  }
}

// An empty cell of the table fails.
TEST(IpDrop, EveryNameHasACase) {
  std::set<Drop> seen = {
      Drop::not_started,            // BeforeItIsStarted
      Drop::arp_conflict,           // addresses_test
      Drop::lifetime_ignored,       //
      Drop::router_limit,           //
      Drop::prefix_limit,           //
      Drop::fragment_overlap,       // fragments_test
      Drop::fragment_limit,         //
      Drop::reassembly_evicted,     //
      Drop::reassembly_expired,     //
      Drop::reassembly_ecn,         //
      Drop::neighbour_limit,        // neighbours_test
      Drop::neighbour_locked,       //
      Drop::neighbour_unreachable,  //
      Drop::pending_limit,          //
      Drop::icmp_error_limited,     // icmp_test
      Drop::icmp_error_unwarranted,
      Drop::no_room,
      Drop::no_memory,
  };
  for (const Case& c : cases()) seen.insert(c.drop);
  for (std::size_t i = 0; i < ip::drop_kinds; ++i) {
    EXPECT_TRUE(seen.contains(static_cast<Drop>(i))) << ip::name(static_cast<Drop>(i));
    EXPECT_FALSE(ip::name(static_cast<Drop>(i)).empty());
  }
}

TEST(IpDrop, WhatIsNotAnsweredOrDoesNotFit) {
  Link link;
  link.settle();
  link.receive(arp_request);
  // A datagram to everybody that nobody wants.
  link.receive(ipv4("10.9.0.1", "10.9.0.255", Protocol::udp, udp_bytes(), {peer_mac, broadcast_mac}));
  ASSERT_EQ(link.delivered.size(), 1u);
  link.forget();
  link.refuse();
  EXPECT_TRUE(link.sent.empty());
  EXPECT_EQ(link.drops(Drop::icmp_error_unwarranted), 1u);

  // An echo whose fragments need more actions than there are.
  Frame message = emitted(wire::Icmpv4Header{wire::Icmpv4Type::echo_request, 0, 0});
  message.resize(4000);
  Writer(MutableBytes(message).subspan(2, 2)).u16(wire::internet_checksum(message));
  std::vector<Byte> room(1 << 16);
  std::vector<ip::Interface::Action> slots(4);
  const auto step = [&](std::uint16_t offset, bool more) {
    wire::Ipv4Header header;
    header.source = address("10.9.0.1");
    header.destination = address("10.9.0.2");
    header.protocol = Protocol::icmp;
    header.fragment_offset = offset;
    header.more_fragments = more;
    Frame frame = ipv4(header, Bytes(message).subspan(offset, more ? 2000 : message.size() - offset));
    return ip::Interface::advance(link.config, link.state(), link.now(), FrameReceived{frame, {}},
                                  {MutableBytes(room).first(3000), slots, link.budget});
  };
  step(0, true);
  step(2000, false);
  EXPECT_EQ(link.drops(Drop::no_room), 1u);

  // No memory for a neighbour.
  Link poor(config_with({"10.9.0.2/24"}), 4096);
  poor.settle();
  for (Byte i = 3; i < 200; ++i) {
    poor.receive(ethernet(EtherType::arp,
                          emitted(wire::ArpPacket{wire::ArpOperation::request,
                                                  {{2, 0, 0, 0, 1, i}},
                                                  IpAddress::v4(0x0a090000u + i),
                                                  {},
                                                  address("10.9.0.2")}),
                          {peer_mac, broadcast_mac}));
  }
  EXPECT_GT(poor.drops(Drop::no_memory), 0u);
  EXPECT_EQ(poor.sent.size(), 197u);  // all were answered nevertheless
}

TEST(IpDrop, EveryTruncationOfEveryFrame) {
  for (const std::string_view hex : {arp_request, echo_request, neighbor_solicitation, echo_request6,
                                     router_advertisement, mld_query, udp, test::udp6, routing_header_0}) {
    const Frame whole = from_hex(hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Link link;
      link.settle();
      link.receive(Frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      EXPECT_TRUE(link.delivered.empty());
      EXPECT_TRUE(link.sent.empty());
      EXPECT_TRUE(link.told.empty());
    }
  }
}

TEST(IpDrop, BeforeItIsStarted) {
  Link link;
  link.receive(udp);
  EXPECT_EQ(link.drops(Drop::not_started), 1u);
  EXPECT_FALSE(link.deadline);
}

// What an option's two high bits ask for (RFC 8200, section 4.2), to us and to a group.
TEST(IpDrop, UnknownOptions) {
  struct Expected {
    std::string_view type;
    bool unicast_answered, group_answered, delivered;
  };
  for (const Expected& e : {Expected{"1e", false, false, true}, Expected{"5e", false, false, false},
                            Expected{"9e", true, true, false}, Expected{"de", true, false, false}}) {
    for (const bool group : {false, true}) {
      Link link;
      link.settle();
      link.receive(neighbor_solicitation);
      link.forget();
      const std::string headers = "1100" + std::string(e.type) + "0400000000";
      link.receive(group ? extended(Protocol::destination_options, headers, "ff02::1", {peer_mac, all_nodes_mac})
                         : extended(Protocol::destination_options, headers));
      EXPECT_EQ(link.delivered.size(), e.delivered ? 1u : 0u) << e.type;
      ASSERT_EQ(link.sent.size(), (group ? e.group_answered : e.unicast_answered) ? 1u : 0u) << e.type << group;
      if (link.sent.empty()) continue;
      EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(54, 2)), "0402");
      EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(58, 4)), "0000002a");
    }
  }
}

TEST(IpDrop, ARoutingHeaderWithNothingLeftIsIgnored) {
  Link link;
  link.settle();
  link.receive(extended(Protocol::routing, "1100000000000000"));
  EXPECT_EQ(link.delivered.size(), 1u);
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
