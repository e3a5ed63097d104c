// RFC 4861's neighbour states over ARP and NDP, claims that are not believed, and floods of them.
#include "tests/tcpip/ip/link.hpp"

#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/tcpip/ip/frames.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Drop;
using ip::Reachability;
using ip::SendResult;

const MacAddress other_mac{{2, 0, 0, 0, 0, 9}};

Frame arp(wire::ArpOperation operation, MacAddress sender, std::string_view from, std::string_view to,
          MacAddress frame_to) {
  return ethernet(wire::EtherType::arp, emitted(wire::ArpPacket{operation, sender, address(from), {}, address(to)}),
                  {sender, frame_to});
}

Frame advertisement(std::string_view target, MacAddress mac, bool solicited, bool override, bool router = false) {
  wire::NeighborAdvertisement said;
  said.router = router;
  said.solicited = solicited;
  said.override = override;
  said.target = address(target);
  said.options.target_link_layer_address = mac;
  return icmpv6(target, "fd00:9::2", emitted(said), 255, {mac, our_mac});
}

SendResult send_to(Link& link, const IpAddress& to, std::size_t size = 4) {
  Frame bytes(size);
  const Frame header = emitted(wire::UdpHeader{1, 2, static_cast<std::uint16_t>(8 + size)});
  const Bytes pieces[] = {Bytes(bytes)};
  ip::Packet packet;
  packet.source = to.is_ipv4() ? address("10.9.0.2") : address("fd00:9::2");
  packet.destination = to;
  packet.protocol = Protocol::udp;
  packet.header = header;
  packet.checksum_offset = 6;
  packet.payload = pieces;
  return link.send(packet);
}

Reachability state_of(Link& link, std::string_view who) {
  const ip::Neighbour* const neighbour = link.state().neighbours().find(address(who));
  return neighbour != nullptr ? neighbour->state : Reachability::incomplete;
}
MacAddress mac_of(Link& link, std::string_view who) { return link.state().neighbours().find(address(who))->mac; }

TEST(IpNeighbours, OneThatIsNotThereIsAskedThreeTimes) {
  for (const std::string_view who : {"10.9.0.1", "fd00:9::1"}) {
    Link link;
    link.settle();
    EXPECT_EQ(send_to(link, address(who)), SendResult::queued);
    EXPECT_EQ(send_to(link, address(who)), SendResult::queued);
    link.tell(Tick{});
    EXPECT_EQ(link.sent.size(), 1u);
    link.wait(milliseconds(999));
    EXPECT_EQ(link.sent.size(), 1u);
    link.wait(seconds(10));
    EXPECT_EQ(link.sent.size(), 3u);
    EXPECT_EQ(link.drops(Drop::neighbour_unreachable), 2u);
    EXPECT_EQ(link.state().neighbours().size(), 0u);
    EXPECT_FALSE(link.deadline);
  }
}

TEST(IpNeighbours, OnlySoManyPacketsWait) {
  Link link;
  link.settle();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(send_to(link, address("10.9.0.1"), static_cast<std::size_t>(i)), SendResult::queued);
  EXPECT_EQ(link.drops(Drop::pending_limit), 2u);
  // What is too large to be kept is said to be.
  EXPECT_EQ(send_to(link, address("10.9.0.1"), 3000), SendResult::unresolved);
  link.receive(arp(wire::ArpOperation::reply, peer_mac, "10.9.0.1", "10.9.0.2", our_mac));
  ASSERT_EQ(link.sent.size(), 3u);
  // The newest three, in order.
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(link.sent[i].size(), 14u + 28 + 2 + i);
}

TEST(IpNeighbours, ReachableStaleDelayProbe) {
  Link link;
  link.settle();
  send_to(link, address("fd00:9::1"));
  link.tell(Tick{});
  link.receive(advertisement("fd00:9::1", peer_mac, true, true));
  EXPECT_EQ(state_of(link, "fd00:9::1"), Reachability::reachable);
  link.wait(seconds(31));
  link.forget();
  EXPECT_EQ(send_to(link, address("fd00:9::1")), SendResult::sent);
  EXPECT_EQ(state_of(link, "fd00:9::1"), Reachability::delay);
  link.wait(milliseconds(4999));
  EXPECT_EQ(link.sent.size(), 1u);
  link.wait(milliseconds(1));
  EXPECT_EQ(state_of(link, "fd00:9::1"), Reachability::probe);
  ASSERT_EQ(link.sent.size(), 2u);
  // To itself, not to the group.
  EXPECT_EQ(Bytes(link.sent[1]).first(6), Bytes(peer_mac.octets));
  link.receive(advertisement("fd00:9::1", peer_mac, true, true));
  EXPECT_EQ(state_of(link, "fd00:9::1"), Reachability::reachable);

  // Without an answer it is forgotten.
  link.wait(seconds(31));
  send_to(link, address("fd00:9::1"));
  link.wait(seconds(9));
  EXPECT_EQ(link.state().neighbours().size(), 0u);
}

TEST(IpNeighbours, ProgressAboveConfirms) {
  Link link;
  link.settle();
  link.receive(arp_request);
  send_to(link, address("10.9.0.1"));
  EXPECT_EQ(state_of(link, "10.9.0.1"), Reachability::delay);
  link.state().confirm_reachable(link.config, link.now(), address("10.9.0.1"));
  EXPECT_EQ(state_of(link, "10.9.0.1"), Reachability::reachable);
  link.forget();
  link.wait(seconds(10));
  EXPECT_TRUE(link.sent.empty());
}

TEST(IpNeighbours, NobodyTakesTheAddressOfOneThatAnswers) {
  for (const std::string_view who : {"10.9.0.1", "fd00:9::1"}) {
    Link link;
    link.settle();
    send_to(link, address(who));
    link.tell(Tick{});
    const auto claim = [&](MacAddress mac) {
      return address(who).is_ipv4() ? arp(wire::ArpOperation::reply, mac, who, "10.9.0.2", our_mac)
                                    : advertisement(who, mac, true, true);
    };
    link.receive(claim(peer_mac));
    link.forget();
    link.receive(claim(other_mac));
    EXPECT_EQ(link.drops(Drop::neighbour_locked), 1u);
    EXPECT_EQ(mac_of(link, who), peer_mac);
    // It is asked, though not sooner than a second after the last question, and stays.
    EXPECT_EQ(state_of(link, who), Reachability::probe);
    EXPECT_TRUE(link.sent.empty());
    link.wait(seconds(1));
    ASSERT_EQ(link.sent.size(), 1u);
    EXPECT_EQ(Bytes(link.sent[0]).first(6), Bytes(peer_mac.octets));
    link.receive(claim(other_mac));
    EXPECT_EQ(link.sent.size(), 1u);
    link.receive(claim(peer_mac));
    EXPECT_EQ(state_of(link, who), Reachability::reachable);

    // If it is gone, whoever answers has it.
    link.receive(claim(other_mac));
    link.wait(seconds(5));
    send_to(link, address(who));
    link.tell(Tick{});
    link.receive(claim(other_mac));
    EXPECT_EQ(mac_of(link, who), other_mac);
  }
}

// RFC 1122, section 2.3.2.1: "The recommended maximum rate is 1 per second per destination."
TEST(IpNeighbours, ClaimsDoNotMakeUsAskMoreOften) {
  for (const std::string_view who : {"10.9.0.1", "fd00:9::1"}) {
    ip::Config config = config_with({"10.9.0.2/24", "fd00:9::2/64"});
    config.slaac = true;
    Link link(config);
    link.settle();
    // A router has a say in what is asked by Neighbour Discovery, down to half a second.
    wire::RouterAdvertisement said;
    said.retrans_timer = 1;
    link.receive(icmpv6("fe80::1", "ff02::1", emitted(said), 255, {peer_mac, {{0x33, 0x33, 0, 0, 0, 1}}}));
    const auto claim = [&](MacAddress mac) {
      return address(who).is_ipv4() ? arp(wire::ArpOperation::reply, mac, who, "10.9.0.2", our_mac)
                                    : advertisement(who, mac, true, true);
    };
    send_to(link, address(who));
    link.tell(Tick{});
    link.receive(claim(peer_mac));
    link.forget();
    // Each question is answered, and followed by the next claim.
    std::size_t answered = 0;
    for (int ms = 0; ms < 10'000; ms += 10) {
      link.receive(claim(other_mac));
      link.wait(milliseconds(10));
      for (; answered < link.sent.size(); ++answered) link.receive(claim(peer_mac));
    }
    EXPECT_EQ(mac_of(link, who), peer_mac);
    EXPECT_LE(link.sent.size(), address(who).is_ipv4() ? 10u : 20u);
    EXPECT_GE(link.sent.size(), 5u);
  }
}

TEST(IpNeighbours, AStaleOneMayMove) {
  Link link;
  link.settle();
  link.receive(arp_request);
  EXPECT_EQ(mac_of(link, "10.9.0.1"), peer_mac);
  link.receive(arp(wire::ArpOperation::request, other_mac, "10.9.0.1", "10.9.0.1", broadcast_mac));
  EXPECT_EQ(mac_of(link, "10.9.0.1"), other_mac);
  // Without the override flag it may not (RFC 4861, section 7.2.5).
  link.receive(neighbor_solicitation);
  link.receive(advertisement("fd00:9::1", other_mac, false, false));
  EXPECT_EQ(mac_of(link, "fd00:9::1"), peer_mac);
  link.receive(advertisement("fd00:9::1", other_mac, false, true));
  EXPECT_EQ(mac_of(link, "fd00:9::1"), other_mac);
}

TEST(IpNeighbours, ThousandsOfClaimsDisplaceOneAnother) {
  Link link(config_with({"10.9.0.2/8", "fd00:9::2/64"}));
  link.settle();
  send_to(link, address("10.9.0.1"));
  link.tell(Tick{});
  link.receive(arp(wire::ArpOperation::reply, peer_mac, "10.9.0.1", "10.9.0.2", our_mac));
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const MacAddress mac{{2, 1, static_cast<Byte>(i >> 16), static_cast<Byte>(i >> 8), static_cast<Byte>(i), 0}};
    const IpAddress from = IpAddress::v4(0x0a0a0000u + i);
    link.receive(ethernet(wire::EtherType::arp,
                          emitted(wire::ArpPacket{wire::ArpOperation::request, mac, from, {}, address("10.9.0.2")}),
                          {mac, broadcast_mac}));
    link.forget();
    if (i == 2000) most = link.budget.used();
  }
  EXPECT_EQ(link.state().neighbours().size(), link.config.limits.neighbours);
  EXPECT_EQ(link.budget.used(), most);
  // The one that is in use was not forgotten.
  EXPECT_EQ(send_to(link, address("10.9.0.1")), SendResult::sent);
  EXPECT_EQ(Bytes(link.sent.back()).first(6), Bytes(peer_mac.octets));
}

TEST(IpNeighbours, ThousandsThatAreNotThereAreNotAllLookedFor) {
  Link link(config_with({"10.9.0.2/8", "fd00:9::2/64"}));
  link.settle();
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    IpAddress to = address("fd00:9::8000:0");
    Writer(MutableBytes(to.octets).last(2)).u16(static_cast<std::uint16_t>(i));
    send_to(link, to, 1000);
    link.tell(Tick{});
  }
  EXPECT_EQ(link.state().neighbours().size(), link.config.limits.unresolved);
  EXPECT_EQ(link.sent.size(), link.config.limits.unresolved);
  EXPECT_EQ(link.drops(Drop::neighbour_limit), 10'000u - link.config.limits.unresolved);
  EXPECT_LT(link.budget.used(), 128u * 1024);
  // Who asks us is answered and reachable nevertheless.
  link.receive(neighbor_solicitation);
  EXPECT_EQ(send_to(link, address("fd00:9::1")), SendResult::sent);
  link.wait(seconds(5));
  EXPECT_EQ(link.state().neighbours().size(), 1u);
}

TEST(IpNeighbours, RefusedMemoryLosesAPacketAndNothingElse) {
  for (std::uint64_t n = 1; n < 8; ++n) {
    Link link;
    link.settle();
    link.budget.refuse_attempt(n);
    send_to(link, address("10.9.0.1"));
    link.tell(Tick{});
    link.receive(arp(wire::ArpOperation::reply, peer_mac, "10.9.0.1", "10.9.0.2", our_mac));
    link.receive(arp_request);
    EXPECT_EQ(send_to(link, address("10.9.0.1")), SendResult::sent) << n;
  }
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
