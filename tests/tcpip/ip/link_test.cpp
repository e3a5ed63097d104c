// The ordinary way: an interface that is started, found, pinged, sent to.
#include "tests/tcpip/ip/link.hpp"

#include "limpid/tcpip/wire/udp.hpp"
#include "tests/tcpip/ip/frames.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Drop;
using ip::SendResult;

Frame udp_header(std::uint16_t source = 1000, std::uint16_t destination = 53, std::uint16_t length = 12) {
  return emitted(wire::UdpHeader{source, destination, length});
}

// A packet whose views live as long as it.
struct Datagram {
  Datagram(std::string_view from, std::string_view to, std::size_t size, Byte filled = 'x')
      : bytes(size, filled), header(udp_header(1000, 53, static_cast<std::uint16_t>(8 + size))), pieces{Bytes(bytes)} {
    packet.source = address(from);
    packet.destination = address(to);
    packet.protocol = Protocol::udp;
    packet.header = header;
    packet.checksum_offset = wire::UdpHeader::checksum_offset;
    packet.payload = pieces;
  }
  Datagram(const Datagram&) = delete;
  Frame bytes;
  Frame header;
  std::array<Bytes, 1> pieces;
  ip::Packet packet;
};

TEST(IpLink, Ipv4CanBeUsedAtOnceAndIsAnnounced) {
  Link link(config_with({"10.9.0.2/24"}));
  link.start();
  EXPECT_EQ(link.told, std::vector<std::string>{"ready 10.9.0.2"});
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(to_hex(link.sent[0]), arp_announcement);
  link.receive(arp_request);
  ASSERT_EQ(link.sent.size(), 2u);
  EXPECT_EQ(to_hex(link.sent[1]), arp_reply);
  link.wait(seconds(60));
  // RFC 5227: ANNOUNCE_NUM is 2.
  ASSERT_EQ(link.sent.size(), 3u);
  EXPECT_EQ(link.sent[2], link.sent[0]);
  EXPECT_FALSE(link.deadline);
}

TEST(IpLink, AnswersAnEcho) {
  Link link;
  link.settle();
  link.receive(arp_request);
  link.receive(echo_request);
  ASSERT_EQ(link.sent.size(), 2u);
  EXPECT_EQ(to_hex(anonymous(link.sent[1])), echo_reply_fields);
}

TEST(IpLink, AnswersAnEchoOverIpv6) {
  Link link;
  link.settle();
  link.receive(neighbor_solicitation);
  link.receive(echo_request6);
  ASSERT_EQ(link.sent.size(), 2u);
  EXPECT_EQ(to_hex(link.sent[0]), neighbor_advertisement);
  EXPECT_EQ(to_hex(link.sent[1]), echo_reply6);
}

TEST(IpLink, StaticIpv6IsReadyWhenNobodyObjected) {
  Link link(config_with({"fd00:9::2/64"}));
  link.start();
  // The link-local address is optimistic, the static one is not.
  ASSERT_EQ(link.told.size(), 1u);
  EXPECT_TRUE(link.told[0].starts_with("ready fe80"));
  link.receive(neighbor_solicitation);
  const std::size_t before = link.sent.size();
  link.wait(seconds(3));
  ASSERT_EQ(link.told.size(), 2u);
  EXPECT_EQ(link.told[1], "ready " + text(address("fd00:9::2")));
  EXPECT_EQ(std::count_if(link.sent.begin(), link.sent.end(), [](const Frame& f) { return to_hex(f) == dad; }), 1);
  EXPECT_EQ(std::count_if(link.sent.begin(), link.sent.begin() + static_cast<std::ptrdiff_t>(before),
                          [](const Frame& f) { return to_hex(f) == neighbor_advertisement; }),
            0);
}

TEST(IpLink, PortUnreachableQuotesThePacket) {
  Link link;
  link.settle();
  link.receive(arp_request);
  link.receive(neighbor_solicitation);
  link.forget();
  link.receive(udp);
  ASSERT_EQ(link.delivered.size(), 1u);
  EXPECT_EQ(link.delivered[0].protocol, Protocol::udp);
  EXPECT_EQ(text(link.delivered[0].source), "10.9.0.1");
  EXPECT_EQ(link.delivered[0].payload.size(), 12u);
  EXPECT_FALSE(link.delivered[0].checksum_good);
  link.refuse();
  link.receive(udp6);
  link.refuse();
  ASSERT_EQ(link.sent.size(), 2u);
  EXPECT_EQ(to_hex(anonymous(link.sent[0])), port_unreachable);
  EXPECT_EQ(to_hex(link.sent[1]), port_unreachable6);
}

TEST(IpLink, SendsToANeighbourOnceItHasAnswered) {
  Link link;
  link.settle();
  const Datagram datagram("10.9.0.2", "10.9.0.1", 4);
  EXPECT_EQ(link.send(datagram.packet), SendResult::queued);
  link.tell(Tick{});
  ASSERT_EQ(link.sent.size(), 1u);
  const auto asked = wire::ArpPacket::parse(Bytes(link.sent[0]).subspan(14));
  ASSERT_TRUE(asked);
  EXPECT_EQ(text(asked->target_protocol_address), "10.9.0.1");
  EXPECT_EQ(text(asked->sender_protocol_address), "10.9.0.2");
  link.receive(
      ethernet(wire::EtherType::arp, emitted(wire::ArpPacket{wire::ArpOperation::reply, peer_mac, address("10.9.0.1"),
                                                             our_mac, address("10.9.0.2")})));
  EXPECT_EQ(link.told, std::vector<std::string>{"resolved 10.9.0.1"});
  ASSERT_EQ(link.sent.size(), 2u);
  const Frame kept = anonymous(link.sent[1]);
  EXPECT_EQ(link.send(datagram.packet), SendResult::sent);
  ASSERT_EQ(link.sent.size(), 3u);
  EXPECT_EQ(anonymous(link.sent[2]), kept);
  const auto parsed = wire::Ipv4Header::parse(Bytes(kept).subspan(14));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(wire::transport_checksum(address("10.9.0.2"), address("10.9.0.1"), Protocol::udp, Bytes(kept).subspan(34)),
            0);
}

TEST(IpLink, ASuperframeGoesOutWithOneHeader) {
  ip::Config config = config_with({"10.9.0.2/24"});
  config.offload = {true, true};
  Link link(config);
  link.settle();
  link.receive(arp_request);
  link.forget();
  Datagram datagram("10.9.0.2", "10.9.0.1", 60000);
  datagram.packet.protocol = Protocol::tcp;
  datagram.header.resize(20);
  datagram.packet.header = datagram.header;
  datagram.packet.checksum_offset = 16;
  datagram.packet.segment_size = 1460;
  datagram.packet.dont_fragment = true;
  ASSERT_EQ(link.send(datagram.packet), SendResult::sent);
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(link.sent[0].size(), 14u + 20 + 20 + 60000);
  EXPECT_EQ(link.offloads[0], (TransmitOffload{34, 16, 1460}));
  const auto parsed = wire::Ipv4Header::parse(Bytes(link.sent[0]).subspan(14));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.total_length, 60040);
  EXPECT_TRUE(parsed->header.dont_fragment);
  // The field holds the sum of the pseudo-header, for the device to go on from.
  EXPECT_EQ(Reader(Bytes(link.sent[0]).subspan(50, 2)).u16(),
            wire::pseudo_header(address("10.9.0.2"), address("10.9.0.1"), Protocol::tcp, 60020).sum());

  datagram.packet.segment_size = 1461;
  EXPECT_EQ(link.send(datagram.packet), SendResult::too_big);
  link.config.offload = {};
  datagram.packet.segment_size = 1460;
  EXPECT_EQ(link.send(datagram.packet), SendResult::too_big);
}

TEST(IpLink, WhatIsLargerThanTheMtuGoesInPiecesThatFitTogether) {
  for (const bool v6 : {false, true}) {
    for (const std::size_t size : {1460u, 1473u, 4000u, 65000u}) {
      Link link;
      link.settle();
      link.receive(arp_request);
      link.receive(neighbor_solicitation);
      link.forget();
      Datagram datagram(v6 ? "fd00:9::2" : "10.9.0.2", v6 ? "fd00:9::1" : "10.9.0.1", size);
      for (std::size_t i = 0; i < size; ++i) datagram.bytes[i] = static_cast<Byte>(i * 7 + i / 251);
      ASSERT_EQ(link.send(datagram.packet), SendResult::sent) << size;
      // Another interface, which has the peer's address, puts them together in any order.
      ip::Config there = config_with({v6 ? "fd00:9::1/64" : "10.9.0.1/24"});
      there.mac = peer_mac;
      Link peer(there);
      peer.settle();
      auto frames = link.sent;
      std::reverse(frames.begin(), frames.end());
      for (const Frame& frame : frames) {
        EXPECT_LE(frame.size(), 1514u);
        EXPECT_TRUE(peer.delivered.empty());
        peer.receive(frame);
      }
      ASSERT_EQ(peer.delivered.size(), 1u);
      const Frame& payload = peer.delivered[0].payload;
      EXPECT_EQ(wire::transport_checksum(datagram.packet.source, datagram.packet.destination, Protocol::udp, payload),
                0);
      EXPECT_EQ(Bytes(payload).subspan(8), Bytes(datagram.bytes));
      EXPECT_EQ(peer.state().reassembler().size(), 0u);

      datagram.packet.dont_fragment = true;
      EXPECT_EQ(link.send(datagram.packet), size > 1472         ? SendResult::too_big
                                            : v6 && size > 1452 ? SendResult::too_big
                                                                : SendResult::sent);
    }
  }
}

TEST(IpLink, SaysWhyItDoesNotSend) {
  Link link(config_with({"10.9.0.2/24"}));
  const Datagram near("10.9.0.2", "10.9.0.1", 4), far("10.9.0.2", "192.0.2.1", 4), foreign("10.9.0.3", "10.9.0.1", 4),
      mixed("10.9.0.2", "fd00::1", 4), huge("10.9.0.2", "10.9.0.1", 65508);
  EXPECT_EQ(link.send(near.packet), SendResult::no_link);
  link.settle();
  EXPECT_EQ(link.send(far.packet), SendResult::no_route);
  EXPECT_EQ(link.send(foreign.packet), SendResult::no_source);
  EXPECT_EQ(link.send(mixed.packet), SendResult::too_big);
  EXPECT_EQ(link.send(huge.packet), SendResult::too_big);
  link.receive(arp_request);
  link.forget();
  EXPECT_EQ(link.send(near.packet, 20), SendResult::no_room);
  EXPECT_EQ(link.send(near.packet, 100, 0), SendResult::no_room);
  EXPECT_TRUE(link.sent.empty());
  link.tell(LinkChanged{false});
  EXPECT_EQ(link.send(near.packet), SendResult::no_link);
  link.tell(LinkChanged{true});
  // Whoever was there is told where we are.
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(to_hex(link.sent[0]), arp_announcement);
}

TEST(IpLink, ARouterGetsWhatIsNotOnTheLink) {
  ip::Config config = config_with({"10.9.0.2/24"});
  config.gateway = address("10.9.0.1");
  Link link(config);
  link.settle();
  link.receive(arp_request);
  link.forget();
  const Datagram far("10.9.0.2", "192.0.2.1", 4);
  EXPECT_EQ(link.send(far.packet), SendResult::sent);
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(Bytes(link.sent[0]).first(6), Bytes(peer_mac.octets));
  link.tell(ip::SetGateway{false, std::nullopt});
  EXPECT_EQ(link.send(far.packet), SendResult::no_route);
}

TEST(IpLink, BroadcastAndGroupsNeedNoNeighbour) {
  Link link;
  link.settle();
  for (const auto& [to, mac] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"255.255.255.255", "ffffffffffff"}, {"10.9.0.255", "ffffffffffff"}, {"224.0.0.251", "01005e0000fb"}}) {
    const Datagram datagram("10.9.0.2", to, 4);
    ASSERT_EQ(link.send(datagram.packet), SendResult::sent) << to;
    EXPECT_EQ(to_hex(Bytes(link.sent.back()).first(6)), mac);
  }
  // A DHCP client has no address yet.
  const Datagram discover("0.0.0.0", "255.255.255.255", 4);
  EXPECT_EQ(link.send(discover.packet), SendResult::sent);
  const Datagram other("0.0.0.0", "10.9.0.1", 4);
  EXPECT_EQ(link.send(other.packet), SendResult::no_source);
}

TEST(IpLink, WhatGoesToOurselvesComesBack) {
  Link link;
  link.settle();
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"10.9.0.2", "10.9.0.2"}, {"127.0.0.1", "127.0.0.1"}, {"fd00:9::2", "fd00:9::2"}, {"::1", "::1"}}) {
    link.forget();
    EXPECT_EQ(link.state().source_for(address(to)), address(from));
    const Datagram datagram(from, to, 4);
    EXPECT_EQ(link.send(datagram.packet), SendResult::sent);
    EXPECT_EQ(link.send(datagram.packet), SendResult::sent);
    EXPECT_TRUE(link.delivered.empty());
    ASSERT_TRUE(link.deadline);
    EXPECT_GT(*link.deadline, link.at);
    link.wait(milliseconds(1));
    ASSERT_EQ(link.delivered.size(), 2u) << to;
    EXPECT_EQ(link.delivered[0].payload.size(), 12u);
    EXPECT_TRUE(link.delivered[0].checksum_good);
    EXPECT_TRUE(link.sent.empty());
  }
}

TEST(IpLink, WhatTheDeviceJudgedIsPassedOn) {
  Link link;
  link.settle();
  link.receive(from_hex(udp), {true, 1400});
  ASSERT_EQ(link.delivered.size(), 1u);
  EXPECT_TRUE(link.delivered[0].checksum_good);
  EXPECT_EQ(link.delivered[0].segment_size, 1400);
}

TEST(IpLink, AVlanTagIsLookedThrough) {
  Link link;
  link.settle();
  Frame tagged = from_hex(udp);
  const Frame tag = from_hex("81000005");
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  link.receive(tagged);
  EXPECT_EQ(link.delivered.size(), 1u);
}

TEST(IpLink, TooLittleRoomConsumesNothing) {
  Link link;
  link.settle();
  Frame frame = from_hex(udp);
  const auto progress = ip::Interface::advance(link.config, link.state(), link.now(), FrameReceived{frame, {}},
                                               {MutableBytes(), link.room().actions, link.budget});
  EXPECT_EQ(progress.consumed, 0u);
  EXPECT_EQ(progress.wants, Wants::room);
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
