// How addresses become ours and cease to be: RFC 5227, 4862, 4429, 7217; which one is sent from: RFC 6724.
#include "tests/tcpip/ip/link.hpp"

#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/tcpip/ip/frames.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Drop;

const MacAddress other_mac{{2, 0, 0, 0, 0, 9}};
using Words = std::vector<std::string>;

Frame arp_from_other(std::string_view sender, std::string_view target) {
  return ethernet(
      wire::EtherType::arp,
      emitted(wire::ArpPacket{wire::ArpOperation::request, other_mac, address(sender), {}, address(target)}),
      {other_mac, broadcast_mac});
}

Frame other_probes(const IpAddress& target) {
  const IpAddress group = ip::solicited_node_group(target);
  Frame said = emitted(wire::NeighborSolicitation{target});
  Writer(MutableBytes(said).subspan(2, 2)).u16(wire::transport_checksum(any_ipv6, group, Protocol::icmpv6, said));
  wire::Ipv6Header header;
  header.destination = group;
  header.next_header = Protocol::icmpv6;
  header.hop_limit = 255;
  return ipv6(header, said, {other_mac, wire::multicast_mac(group)});
}

Frame router_says(const wire::RouterAdvertisement& said, std::string_view from = "fe80::1") {
  return icmpv6(from, "ff02::1", emitted(said), 255, {peer_mac, {{0x33, 0x33, 0, 0, 0, 1}}});
}

wire::RouterAdvertisement prefix_for(std::string_view prefix, std::uint32_t valid, std::uint32_t preferred) {
  wire::RouterAdvertisement said;
  said.router_lifetime = 1800;
  wire::PrefixInformation information;
  information.prefix_bits = 64;
  information.on_link = information.autonomous = true;
  information.valid_lifetime = valid;
  information.preferred_lifetime = preferred;
  information.prefix = address(prefix);
  said.options.prefixes.push_back(information);
  return said;
}

ip::Config slaac() {
  ip::Config config = config_with({});
  config.slaac = true;
  return config;
}

TEST(IpAddresses, ProbesFirstIfAsked) {
  ip::Config config = config_with({"10.9.0.2/24"});
  config.probe = true;
  Link link(config);
  link.start();
  EXPECT_TRUE(link.told.empty());
  link.receive(arp_request);  // not answered yet
  link.wait(seconds(8));
  EXPECT_EQ(link.told, Words{"ready 10.9.0.2"});
  ASSERT_GE(link.sent.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(to_hex(link.sent[i]), arp_probe);
  EXPECT_EQ(to_hex(link.sent[3]), arp_announcement);
}

TEST(IpAddresses, ATakenOneIsNotUsed) {
  for (const auto& objection : {arp_from_other("10.9.0.2", "10.9.0.2"), arp_from_other("0.0.0.0", "10.9.0.2")}) {
    Link link(config_with({}));
    link.start();
    link.tell(ip::AddAddress{*parse_cidr("10.9.0.2/24"), std::nullopt, true});
    link.wait(seconds(1));
    link.receive(objection);
    EXPECT_EQ(link.told, Words{"lost 10.9.0.2 duplicate"});
    EXPECT_EQ(link.drops(Drop::arp_conflict), 1u);
    link.wait(seconds(30));
    EXPECT_EQ(link.told.size(), 1u);
    EXPECT_FALSE(link.state().is_ours(address("10.9.0.2")));
  }
}

TEST(IpAddresses, AreDefendedOnceInAWhile) {
  Link link(config_with({"10.9.0.2/24"}));
  link.settle();
  for (int i = 0; i < 100; ++i) link.receive(arp_from_other("10.9.0.2", "10.9.0.1"));
  // A configured one stays.
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(to_hex(link.sent[0]), arp_announcement);
  EXPECT_TRUE(link.told.empty());
  EXPECT_EQ(link.state().neighbours().size(), 0u);
  link.wait(seconds(11));
  link.receive(arp_from_other("10.9.0.2", "10.9.0.1"));
  EXPECT_EQ(link.sent.size(), 2u);

  // One that was leased is given up: another one can be had.
  link.tell(ip::AddAddress{*parse_cidr("10.9.0.3/24"), seconds(3600), false});
  link.wait(seconds(5));
  link.forget();
  link.receive(arp_from_other("10.9.0.3", "10.9.0.1"));
  EXPECT_TRUE(link.told.empty());
  link.receive(arp_from_other("10.9.0.3", "10.9.0.1"));
  EXPECT_EQ(link.told, Words{"lost 10.9.0.3 duplicate"});
}

TEST(IpAddresses, TheFirstOfIpv6BringsALinkLocalOne) {
  Link link(config_with({"10.9.0.2/24"}));
  link.settle();
  EXPECT_EQ(link.state().addresses().link_local(), nullptr);
  link.tell(ip::AddAddress{*parse_cidr("fd00:9::7/64"), std::nullopt, false});
  EXPECT_NE(link.state().addresses().link_local(), nullptr);
  EXPECT_FALSE(link.state().is_ours(address("fd00:9::7")));
  link.wait(seconds(3));
  EXPECT_TRUE(link.state().is_ours(address("fd00:9::7")));
  link.receive(arp_request);
  link.tell(ip::AddAddress{*parse_cidr("fd00:9::8/64"), std::nullopt, false});
  EXPECT_EQ(link.state().addresses().size(), 4u);
}

// RFC 4191, section 3.2: type B hosts.
TEST(IpAddresses, TheRouterThatIsPreferredIsTheNextHop) {
  using Preference = wire::RouterAdvertisement::Preference;
  Link link(slaac());
  link.settle();
  const auto next_hop = [&] {
    return link.state().routers().next_hop(link.state().addresses(), address("2001:db8::1"));
  };
  wire::RouterAdvertisement said;
  said.router_lifetime = 1800;
  for (const auto& [router, preference] :
       {std::pair("fe80::1", Preference::low), std::pair("fe80::2", Preference::medium),
        std::pair("fe80::3", Preference::high), std::pair("fe80::4", Preference::high)}) {
    said.preference = preference;
    link.receive(router_says(said, router));
    EXPECT_EQ(next_hop(), address(router == std::string_view("fe80::4") ? "fe80::3" : router));
  }
}

TEST(IpAddresses, NoneIsAddedThatNoHostCanHave) {
  Link link(config_with({}));
  link.start();
  for (const std::string_view cidr : {"127.0.0.5/8", "224.0.0.5/24", "255.255.255.255/32"}) {
    link.tell(ip::AddAddress{*parse_cidr(cidr), std::nullopt, false});
  }
  EXPECT_EQ(link.state().addresses().size(), 0u);
}

TEST(IpAddresses, ExpireAndAreRemoved) {
  Link link(config_with({}));
  link.start();
  link.tell(ip::AddAddress{*parse_cidr("10.9.0.3/24"), seconds(60), false});
  link.tell(ip::AddAddress{*parse_cidr("10.9.0.4/24"), std::nullopt, false});
  link.wait(seconds(30));
  // A renewal.
  link.tell(ip::AddAddress{*parse_cidr("10.9.0.3/24"), seconds(60), false});
  link.wait(seconds(59));
  link.forget();
  link.wait(seconds(1));
  EXPECT_EQ(link.told, Words{"lost 10.9.0.3 expired"});
  link.tell(ip::RemoveAddress{address("10.9.0.4")});
  EXPECT_EQ(link.told.back(), "lost 10.9.0.4 removed");
  link.tell(ip::RemoveAddress{address("10.9.0.4")});
  EXPECT_EQ(link.told.size(), 2u);
  EXPECT_EQ(link.state().addresses().size(), 0u);
}

TEST(IpAddresses, AStaticIpv6AddressThatAnotherHasIsNotUsed) {
  wire::NeighborAdvertisement said;
  said.target = address("fd00:9::2");
  said.override = true;
  const Frame objections[] = {other_probes(address("fd00:9::2")), icmpv6("fd00:9::2", "ff02::1", emitted(said), 255,
                                                                         {other_mac, {{0x33, 0x33, 0, 0, 0, 1}}})};
  {
    Link link;
    link.start();
    link.receive(objections[0]);
    EXPECT_EQ(link.told.back(), "lost " + text(address("fd00:9::2")) + " duplicate");
    link.wait(seconds(10));
    EXPECT_FALSE(link.state().is_ours(address("fd00:9::2")));
    EXPECT_EQ(link.drops(Drop::ndp_conflict), 1u);
  }
  {
    // The holder answers from the address itself.
    Link link;
    link.start();
    link.receive(objections[1]);
    EXPECT_EQ(link.told.back(), "lost " + text(address("fd00:9::2")) + " duplicate");
    EXPECT_EQ(link.drops(Drop::ndp_conflict), 1u);
  }
  {
    Link link(slaac());
    link.start();
    link.receive(router_says(prefix_for("fd00:7::", 86400, 14400)));
    const IpAddress ours = *link.state().source_for(address("fd00:7::1"));
    said.target = ours;
    Frame message = emitted(said);
    Writer(MutableBytes(message).subspan(2, 2))
        .u16(wire::transport_checksum(ours, ip::all_nodes, Protocol::icmpv6, message));
    wire::Ipv6Header header;
    header.source = ours;
    header.destination = ip::all_nodes;
    header.next_header = Protocol::icmpv6;
    header.hop_limit = 255;
    link.forget();
    link.receive(ipv6(header, message, {other_mac, {{0x33, 0x33, 0, 0, 0, 1}}}));
    ASSERT_EQ(link.told.size(), 2u);
    EXPECT_EQ(link.told[0], "lost " + text(ours) + " duplicate");
    EXPECT_TRUE(link.told[1].starts_with("ready fd000007"));
  }
  // Later it is too late to object.
  Link link;
  link.settle();
  link.receive(objections[0]);
  EXPECT_TRUE(link.told.empty());
  // To who has no address, everybody is told.
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(to_hex(Bytes(link.sent[0]).first(6)), "333300000001");
}

TEST(IpAddresses, OptimisticOnesAreUsedAtOnce) {
  Link link(slaac());
  link.start();
  link.receive(router_advertisement);
  ASSERT_EQ(link.told.size(), 4u);
  EXPECT_EQ(link.told[1], "router " + text(address("fe80::1")));
  EXPECT_EQ(link.told[2], "dns 1 for 600");
  const auto source = link.state().source_for(address("2001:db8::1"));
  ASSERT_TRUE(source);
  EXPECT_EQ(link.told[3], "ready " + text(*source));
  EXPECT_TRUE(Bytes(source->octets).first(8) == Bytes(address("fd00:7::").octets).first(8));
  EXPECT_EQ(link.state().path_mtu(address("2001:db8::1"), link.at), 1400);
  EXPECT_EQ(link.state().path_mtu(address("10.9.0.1"), link.at), 1500);
  link.forget();

  // Asked for, it says where it is, without insisting (RFC 4429).
  const IpAddress group = ip::solicited_node_group(*source);
  wire::NeighborSolicitation asked{*source};
  asked.options.source_link_layer_address = peer_mac;
  Frame message = emitted(asked);
  Writer(MutableBytes(message).subspan(2, 2))
      .u16(wire::transport_checksum(address("fe80::1"), group, Protocol::icmpv6, message));
  wire::Ipv6Header header;
  header.source = address("fe80::1");
  header.destination = group;
  header.next_header = Protocol::icmpv6;
  header.hop_limit = 255;
  link.receive(ipv6(header, message, {peer_mac, wire::multicast_mac(group)}));
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(54, 1)), "88");
  EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(58, 1)), "40");
  link.wait(seconds(3));
  link.forget();
  link.receive(ipv6(header, message, {peer_mac, wire::multicast_mac(group)}));
  EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(58, 1)), "60");
}

TEST(IpAddresses, AnAutoconfiguredDuplicateIsReplaced) {
  Link link(slaac());
  link.start();
  ASSERT_EQ(link.told.size(), 1u);
  for (int i = 0; i < 4; ++i) {
    const ip::LocalAddress* const local = link.state().addresses().link_local();
    ASSERT_NE(local, nullptr);
    const IpAddress lost = local->address();
    link.forget();
    link.receive(other_probes(lost));
    ASSERT_FALSE(link.told.empty());
    EXPECT_EQ(link.told[0], "lost " + text(lost) + " duplicate");
    EXPECT_EQ(link.told.size(), i < 3 ? 2u : 1u);  // RFC 7217: IDGEN_RETRIES is 3
  }
  EXPECT_EQ(link.state().addresses().size(), 0u);
}

TEST(IpAddresses, StablePrivateOnesAreStableAndPrivate) {
  const auto made = [](Byte secret, std::string_view prefix, std::uint8_t attempt = 0) {
    std::array<Byte, 16> key{secret};
    return ip::stable_private_address(key, address(prefix), our_mac, attempt);
  };
  EXPECT_EQ(made(1, "fd00::"), made(1, "fd00::"));
  EXPECT_NE(made(1, "fd00::"), made(2, "fd00::"));
  EXPECT_NE(made(1, "fd00::"), made(1, "fd00::", 1));
  EXPECT_NE(Bytes(made(1, "fd00::").octets).last(8), Bytes(made(1, "fd01::").octets).last(8));
}

TEST(IpAddresses, RoutersAreAskedForThreeTimes) {
  Link link(slaac());
  link.start();
  link.wait(seconds(30));
  std::size_t asked = 0;
  for (const Frame& frame : link.sent) asked += frame.size() > 54 && frame[54] == 133;
  EXPECT_EQ(asked, 3u);
  Link answered(slaac());
  answered.start();
  answered.receive(router_advertisement);
  answered.wait(seconds(30));
  for (const Frame& frame : answered.sent) EXPECT_FALSE(frame.size() > 54 && frame[54] == 133);
}

TEST(IpAddresses, WithoutAutoconfigurationRoutersAreNotBelieved) {
  Link link;
  link.settle();
  link.receive(router_advertisement);
  EXPECT_EQ(link.drops(Drop::icmp_ignored), 1u);
  EXPECT_FALSE(link.state().source_for(address("2001:db8::1")));
}

// RFC 4862, section 5.5.3 (e).
TEST(IpAddresses, LifetimesAreNotCutShortByAnybody) {
  Link link(slaac());
  link.start();
  link.receive(router_says(prefix_for("fd00:7::", 86400, 14400)));
  link.wait(seconds(10));
  const auto until = [&] {
    for (const ip::LocalAddress& local : link.state().addresses()) {
      if (local.origin == ip::AddressOrigin::autoconfigured)
        return (*local.valid_until - link.at).microseconds / 1'000'000;
    }
    return std::int64_t{-1};
  };
  link.receive(router_says(prefix_for("fd00:7::", 0, 0)));
  EXPECT_EQ(until(), 7200);
  EXPECT_EQ(link.drops(Drop::lifetime_ignored), 1u);
  link.receive(router_says(prefix_for("fd00:7::", 60, 60)));
  EXPECT_EQ(until(), 7200);
  link.receive(router_says(prefix_for("fd00:7::", 9000, 60)));
  EXPECT_EQ(until(), 9000);
  // Deprecated, it is still an address.
  link.wait(seconds(100));
  EXPECT_TRUE(link.state().source_for(address("fd00:7::1")));
  link.forget();
  link.wait(seconds(9000));
  EXPECT_EQ(link.told.size(), 1u);
  EXPECT_TRUE(link.told[0].ends_with("expired"));
}

TEST(IpAddresses, ThousandsOfAdvertisementsLeaveMemoryFlat) {
  Link link(slaac());
  link.start();
  link.receive(router_advertisement);
  std::size_t used = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    wire::RouterAdvertisement said = prefix_for("fd00:8::", 86400, 14400);
    wire::PrefixInformation information = said.options.prefixes[0];
    said.options.prefixes = {};
    for (std::uint32_t j = 0; j < 4; ++j) {
      Writer(MutableBytes(information.prefix.octets).subspan(2, 4)).u32(i * 4 + j);
      said.options.prefixes.push_back(information);
    }
    IpAddress router = address("fe80::");
    Writer(MutableBytes(router.octets).last(4)).u32(i + 2);
    Frame message = emitted(said);
    Writer(MutableBytes(message).subspan(2, 2))
        .u16(wire::transport_checksum(router, ip::all_nodes, Protocol::icmpv6, message));
    wire::Ipv6Header header;
    header.source = router;
    header.destination = ip::all_nodes;
    header.next_header = Protocol::icmpv6;
    header.hop_limit = 255;
    link.receive(ipv6(header, message, {peer_mac, {{0x33, 0x33, 0, 0, 0, 1}}}));
    if (i == 100) used = link.budget.used();
  }
  EXPECT_EQ(link.state().routers().size(), link.config.limits.routers);
  EXPECT_EQ(link.state().routers().prefixes(), link.config.limits.prefixes);
  EXPECT_LE(link.state().addresses().size(), link.config.limits.addresses);
  EXPECT_EQ(link.budget.used(), used);
  EXPECT_GT(link.drops(Drop::router_limit), 9000u);
  EXPECT_GT(link.drops(Drop::prefix_limit), 9000u);
  // The first router was not displaced.
  EXPECT_TRUE(link.state().routers().is_router(address("fe80::1")));
  EXPECT_TRUE(link.state().source_for(address("2001:db8::1")));
}

TEST(IpAddresses, RoutersThatDoNotAnswerMakeRoom) {
  Link link(slaac());
  link.start();
  wire::RouterAdvertisement said = prefix_for("fd00:7::", 86400, 14400);
  for (const std::string_view made_up : {"fe80::a", "fe80::b", "fe80::c", "fe80::d"}) {
    link.receive(router_says(said, made_up));
  }
  link.wait(seconds(5));
  link.receive(router_says(said, "fe80::1"));
  EXPECT_FALSE(link.state().routers().is_router(address("fe80::1")));
  EXPECT_EQ(link.drops(Drop::router_limit), 1u);
  ip::Packet packet;
  packet.source = *link.state().source_for(address("2001:db8::1"));
  packet.destination = address("2001:db8::1");
  packet.protocol = Protocol::udp;
  const Frame header = emitted(wire::UdpHeader{1, 2, 8});
  packet.header = header;
  packet.checksum_offset = wire::UdpHeader::checksum_offset;
  EXPECT_EQ(link.send(packet), ip::SendResult::queued);
  link.wait(seconds(4));
  link.receive(router_says(said, "fe80::1"));
  EXPECT_TRUE(link.state().routers().is_router(address("fe80::1")));
  EXPECT_EQ(link.state().routers().size(), link.config.limits.routers);
}

TEST(IpAddresses, ARouterThatSaysSoOrExpiresIsNone) {
  Link link(slaac());
  link.start();
  link.receive(router_advertisement);
  EXPECT_TRUE(link.state().routers().is_router(address("fe80::1")));
  wire::RouterAdvertisement gone;
  link.receive(router_says(gone));
  EXPECT_FALSE(link.state().routers().is_router(address("fe80::1")));
  link.receive(router_advertisement);
  link.wait(seconds(1801));
  EXPECT_FALSE(link.state().routers().is_router(address("fe80::1")));
}

// The form of IPv4's addresses within a node is nothing that IPv6's messages may speak about.
TEST(IpAddresses, RoutersAndNeighboursOfIPv6SayNothingAboutIPv4) {
  ip::Config config = config_with({"10.9.0.2/24"});
  config.gateway = address("10.9.0.254");
  config.slaac = true;
  Link link(config);
  link.settle();
  for (const int bits : {0, 24, 64, 120}) {
    wire::RouterAdvertisement said = prefix_for("::ffff:0.0.0.0", 86400, 14400);
    wire::PrefixInformation information = said.options.prefixes[0];
    information.prefix_bits = static_cast<std::uint8_t>(bits);
    said.options.prefixes = {information};
    link.receive(router_says(said));
  }
  wire::RouterAdvertisement said;
  said.options.servers.push_back({600, address("::ffff:192.0.2.53")});
  link.receive(router_says(said));
  EXPECT_EQ(link.state().routers().prefixes(), 0u);
  EXPECT_TRUE(link.told.empty());
  EXPECT_EQ(link.drops(Drop::ndp_malformed), 5u);
  // Its way leads through the gateway still, and the state can be loaded.
  EXPECT_EQ(link.state().routers().next_hop(link.state().addresses(), address("192.0.2.1")), address("10.9.0.254"));
  Budget budget(1 << 20);
  const auto saved = save(link.state(), link.at, budget);
  ASSERT_TRUE(saved);
  EXPECT_TRUE(load<ip::Interface>({saved->data(), saved->size()}, {link.at, budget}));

  link.receive(arp_request);
  const MacAddress known = link.state().neighbours().find(address("10.9.0.1"))->mac;
  link.forget();
  const auto neighbour_says = [&](Frame message) {
    wire::Ipv6Header header;
    header.source = address("fe80::1");
    header.destination = link.state().addresses().link_local()->address();
    header.next_header = Protocol::icmpv6;
    header.hop_limit = 255;
    Writer(MutableBytes(message).subspan(2, 2))
        .u16(wire::transport_checksum(header.source, header.destination, Protocol::icmpv6, message));
    link.receive(ipv6(header, message));
  };
  wire::NeighborAdvertisement claim{.solicited = true, .override = true, .target = address("::ffff:10.9.0.1")};
  claim.options.target_link_layer_address = other_mac;
  neighbour_says(emitted(claim));
  EXPECT_EQ(link.state().neighbours().find(address("10.9.0.1"))->mac, known);
  neighbour_says(emitted(wire::NeighborSolicitation{address("::ffff:10.9.0.2")}));
  EXPECT_EQ(link.drops(Drop::ndp_malformed), 7u);
  EXPECT_EQ(link.drops(Drop::no_room), 0u);
  EXPECT_TRUE(link.sent.empty());
}

TEST(IpAddresses, ATinyHopLimitIsNotBelieved) {
  Link link(slaac());
  link.start();
  wire::RouterAdvertisement said;
  said.router_lifetime = 1800;
  said.current_hop_limit = 1;
  link.receive(router_says(said));
  EXPECT_FALSE(link.state().routers().hop_limit);
  said.current_hop_limit = 128;
  link.receive(router_says(said));
  EXPECT_EQ(link.state().routers().hop_limit, 128);
}

TEST(IpAddresses, SourceSelection) {
  ip::Config config =
      config_with({"10.9.0.2/24", "192.168.7.2/24", "fd00:9::2/64", "2001:db8:1::2/64", "2001:db8:2::2/64"});
  config.gateway = address("192.168.7.1");
  config.gateway6 = address("fe80::1");
  Link link(config);
  link.settle();
  const auto source = [&](std::string_view to) {
    return text(link.state().source_for(address(to)).value_or(any_ipv6));
  };
  EXPECT_EQ(source("10.9.0.77"), "10.9.0.2");
  EXPECT_EQ(source("192.168.7.9"), "192.168.7.2");
  EXPECT_EQ(source("198.51.100.1"), "192.168.7.2");  // the gateway's network
  EXPECT_EQ(source("fd00:9::1"), text(address("fd00:9::2")));
  EXPECT_EQ(source("fd00:a::1"), text(address("fd00:9::2")));          // rule 6: the label of fc00::/7
  EXPECT_EQ(source("2001:db8:2::1"), text(address("2001:db8:2::2")));  // rule 8
  EXPECT_EQ(source("2001:db8:1::1"), text(address("2001:db8:1::2")));
  EXPECT_TRUE(source("fe80::7").starts_with("fe80"));  // rule 2
  EXPECT_TRUE(source("ff02::1").starts_with("fe80"));
  EXPECT_EQ(source("2001:db8:1::2"), text(address("2001:db8:1::2")));  // rule 1
}

TEST(IpAddresses, AreAnnouncedAgainWhereTheStateWasRestored) {
  Link link;
  link.settle();
  link.start(2);
  std::size_t arps = 0, advertisements = 0;
  for (const Frame& frame : link.sent) {
    arps += to_hex(frame) == arp_announcement;
    advertisements += frame.size() > 58 && frame[54] == 136;
  }
  EXPECT_EQ(arps, 1u);
  EXPECT_EQ(advertisements, 2u);
  EXPECT_TRUE(link.told.empty());
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
