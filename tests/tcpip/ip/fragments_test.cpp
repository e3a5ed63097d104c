// Packets in pieces: in every order, twice, overlapping, too many, too late.
#include "tests/tcpip/ip/link.hpp"

#include "limpid/tcpip/wire/udp.hpp"
#include "tests/support/random.hpp"
#include "tests/tcpip/ip/frames.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Drop;

struct Piece {
  std::size_t begin, end;
  bool more;
};

// What all pieces carry: a datagram's header, and bytes that tell where they were.
Frame content(std::size_t size) {
  Frame bytes = emitted(wire::UdpHeader{1, 2, static_cast<std::uint16_t>(size)});
  for (std::size_t i = bytes.size(); i < size; ++i) bytes.push_back(static_cast<Byte>(i * 5 + i / 256));
  return bytes;
}

Frame frame_of(bool v6, const Frame& all, Piece piece, std::uint32_t id = 7, std::uint8_t ecn = 0,
               std::string_view source = {}) {
  const Bytes part = Bytes(all).subspan(piece.begin, piece.end - piece.begin);
  if (!v6) {
    wire::Ipv4Header header;
    header.source = address(source.empty() ? "10.9.0.1" : source);
    header.destination = address("10.9.0.2");
    header.protocol = Protocol::udp;
    header.identification = static_cast<std::uint16_t>(id);
    header.fragment_offset = static_cast<std::uint16_t>(piece.begin);
    header.more_fragments = piece.more;
    header.ecn = ecn;
    return ipv4(header, part);
  }
  Frame payload =
      emitted(wire::Ipv6FragmentHeader{Protocol::udp, static_cast<std::uint16_t>(piece.begin), piece.more, id});
  payload.insert(payload.end(), part.begin(), part.end());
  wire::Ipv6Header header;
  header.source = address(source.empty() ? "fd00:9::1" : source);
  header.destination = address("fd00:9::2");
  header.next_header = Protocol::fragment;
  header.ecn = ecn;
  return ipv6(header, payload);
}

class IpFragments : public testing::TestWithParam<bool> {
 protected:
  IpFragments() {
    link.settle();
    link.receive(arp_request);
    link.receive(neighbor_solicitation);
    link.forget();
  }
  void receive(Piece piece, std::uint32_t id = 7, std::uint8_t ecn = 0) {
    link.receive(frame_of(GetParam(), all, piece, id, ecn));
  }
  Frame all = content(4000);
  Link link;
};
INSTANTIATE_TEST_SUITE_P(BothVersions, IpFragments, testing::Values(false, true));

TEST_P(IpFragments, InEveryOrder) {
  const Piece pieces[] = {{0, 1000, true}, {1000, 1008, true}, {1008, 3000, true}, {3000, 4000, false}};
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  std::uint32_t id = 1;
  do {
    link.forget();
    for (const std::size_t i : order) {
      EXPECT_TRUE(link.delivered.empty());
      receive(pieces[i], id);
      receive(pieces[i], id + 1000);  // another packet, at the same time
    }
    ASSERT_EQ(link.delivered.size(), 2u);
    EXPECT_EQ(link.delivered[0].payload, all);
    EXPECT_FALSE(link.delivered[0].checksum_good);
    ++id;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(link.state().reassembler().size(), 0u);
  EXPECT_EQ(link.state().reassembler().bytes(), 0u);
}

TEST_P(IpFragments, ADuplicateIsNoOverlap) {
  receive({0, 1000, true});
  receive({0, 1000, true});
  receive({1000, 4000, false});
  ASSERT_EQ(link.delivered.size(), 1u);
  EXPECT_EQ(link.delivered[0].payload, all);
}

// RFC 5722: Teardrop and its kin.
TEST_P(IpFragments, OverlapsSpoilThePacket) {
  const Frame other(4000, 'y');
  const std::vector<std::vector<std::pair<Piece, bool>>> attacks = {
      {{{0, 1000, true}, false}, {{992, 4000, false}, false}},
      {{{1000, 4000, false}, false}, {{0, 1008, true}, false}},
      {{{0, 3000, true}, false}, {{1000, 2000, true}, false}},
      {{{1000, 2000, true}, false}, {{0, 3000, true}, false}},
      {{{0, 1000, true}, false}, {{0, 1000, true}, true}},    // the same place, other bytes
      {{{8, 1000, true}, false}, {{8, 1000, false}, false}},  // the last one, and not
      {{{1000, 4000, false}, false}, {{1000, 3000, false}, false}},
      {{{1000, 4000, false}, false}, {{3992, 4000, true}, false}},
      {{{2000, 3000, true}, false}, {{8, 1000, false}, false}},  // ends before what is there
  };
  for (const auto& attack : attacks) {
    Link fresh;
    fresh.settle();
    for (const auto& [piece, differs] : attack) {
      const auto index = static_cast<std::size_t>(&attack - attacks.data());
      EXPECT_EQ(fresh.drops(Drop::fragment_overlap), 0u) << index;
      fresh.receive(frame_of(GetParam(), differs ? other : all, piece));
    }
    EXPECT_EQ(fresh.drops(Drop::fragment_overlap), 1u);
    // "including those not yet received"
    fresh.receive(frame_of(GetParam(), all, {0, 1000, true}));
    fresh.receive(frame_of(GetParam(), all, {1000, 4000, false}));
    EXPECT_TRUE(fresh.delivered.empty());
    EXPECT_EQ(fresh.state().reassembler().bytes(), 0u);
    fresh.wait(seconds(61));
    EXPECT_TRUE(fresh.sent.empty() || fresh.sent.back()[12] == 0x08);  // no ICMP about it
    EXPECT_EQ(fresh.state().reassembler().size(), 0u);
    fresh.receive(frame_of(GetParam(), all, {0, 1000, true}));
    fresh.receive(frame_of(GetParam(), all, {1000, 4000, false}));
    EXPECT_EQ(fresh.delivered.size(), 1u);
  }
}

TEST_P(IpFragments, WhatIsNotCompletedInTimeIsToldAndForgotten) {
  receive({0, 1000, true}, 1);
  receive({1000, 2000, true}, 2);
  link.wait(seconds(GetParam() ? 59 : 29));
  EXPECT_EQ(link.state().reassembler().size(), 2u);
  link.forget();
  link.wait(seconds(1));
  EXPECT_EQ(link.state().reassembler().size(), 0u);
  EXPECT_EQ(link.drops(Drop::reassembly_expired), 2u);
  // Only about the one whose first piece is here.
  std::size_t told = 0;
  for (const Frame& frame : link.sent) {
    const Bytes packet = Bytes(frame).subspan(14);
    told += GetParam() ? to_hex(packet.subspan(40, 2)) == "0301"
                       : packet.size() > 22 && to_hex(packet.subspan(20, 2)) == "0b01";
  }
  EXPECT_EQ(told, 1u);
}

// What is told quotes the first piece as it was, whatever it is a piece of.
TEST(IpFragments4, TimeExceededQuotesTheFirstPiece) {
  Link link;
  link.settle();
  link.receive(arp_request);
  link.forget();
  Frame echo = emitted(wire::Icmpv4Header{wire::Icmpv4Type::echo_request, 0, 7});
  echo.resize(1000, 0x55);
  wire::Ipv4Header header;
  header.source = address("10.9.0.1");
  header.destination = address("10.9.0.2");
  header.protocol = Protocol::icmp;
  header.identification = 9;
  header.more_fragments = true;
  link.receive(ipv4(header, echo));
  link.wait(seconds(31));
  ASSERT_EQ(link.sent.size(), 1u);
  const Bytes packet = Bytes(link.sent[0]).subspan(14);
  EXPECT_EQ(to_hex(packet.subspan(20, 2)), "0b01");
  const auto quoted = wire::Ipv4Header::parse_quoted(packet.subspan(28));
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->header.total_length, 1020);
  EXPECT_TRUE(quoted->header.more_fragments);
  EXPECT_EQ(quoted->header.identification, 9);
}

// Who fills every place and all of the memory displaces himself: what another source had begun is completed.
TEST_P(IpFragments, FromOneSourceDisplaceTheirOwn) {
  Link crowded;
  crowded.settle();
  crowded.receive(arp_request);
  crowded.receive(neighbor_solicitation);
  crowded.receive(frame_of(GetParam(), all, {0, 1000, true}));
  const std::string_view other = GetParam() ? "fd00:9::66" : "10.9.0.66";
  const Frame large = content(60000);
  for (std::uint32_t id = 0; id < 100; ++id) {
    crowded.receive(frame_of(GetParam(), large, {48000, 49000, true}, id, 0, other));
  }
  EXPECT_GT(crowded.drops(Drop::reassembly_evicted), 80u);
  crowded.forget();
  crowded.receive(frame_of(GetParam(), all, {1000, 4000, false}));
  EXPECT_EQ(crowded.delivered.size(), 1u);
}

// A packet to ourselves that is due when another was put together has its own step: there is one place for both.
TEST_P(IpFragments, APacketToOurselvesHasAStepOfItsOwn) {
  const bool v6 = GetParam();
  const Frame datagram = content(100);
  const auto loop = [&] {
    ip::Packet packet;
    packet.source = packet.destination = address(v6 ? "fd00:9::2" : "10.9.0.2");
    packet.protocol = Protocol::udp;
    packet.header = Bytes(datagram).first(8);
    packet.checksum_offset = wire::UdpHeader::checksum_offset;
    EXPECT_EQ(link.send(packet), ip::SendResult::sent);
    link.at = link.at + milliseconds(1);
  };
  // As the driver steps it: no deadline that has come is left, unless there is more to do at once.
  const auto delivers = [&](Frame frame) {
    std::vector<std::size_t> each;
    ip::Interface::Event event = FrameReceived{frame, {}};
    for (bool more = true; more; event = Tick{}) {
      const std::size_t before = link.delivered.size();
      more = link.step(event);
      each.push_back(link.delivered.size() - before);
      EXPECT_TRUE(more || !link.deadline || *link.deadline > link.at);
    }
    return each;
  };
  receive({0, 1000, true});
  loop();
  EXPECT_EQ(delivers(frame_of(v6, all, {1000, 4000, false})), (std::vector<std::size_t>{1, 1}));
  loop();
  EXPECT_EQ(delivers(from_hex(v6 ? udp6 : udp)), (std::vector<std::size_t>{1, 1}));
}

// FragmentSmack (CVE-2018-5391): many small pieces that never become a packet.
TEST_P(IpFragments, FragmentSmack) {
  const Frame large = content(60000);
  for (std::size_t i = 0; i < 7000; ++i) link.receive(frame_of(GetParam(), large, {8 * i + 8, 8 * i + 16, true}));
  EXPECT_EQ(link.drops(Drop::fragment_limit), 1u);
  EXPECT_EQ(link.state().reassembler().bytes(), 0u);
  // Of ten thousand packets, each begun.
  std::size_t used = 0;
  for (std::uint32_t id = 0; id < 10'000; ++id) {
    link.receive(frame_of(GetParam(), large, {40000 + id % 8 * 8, 41000 + id % 8 * 8, true}, 100 + id));
    EXPECT_LE(link.state().reassembler().bytes(), link.config.limits.reassembly_bytes);
    if (id == 100) used = link.budget.used();
  }
  EXPECT_LE(link.state().reassembler().size(), link.config.limits.reassemblies);
  EXPECT_LE(link.budget.used(), used + 1000);
  EXPECT_GT(link.drops(Drop::reassembly_evicted), 9000u);
  // A whole packet gets through nevertheless.
  receive({0, 1000, true}, 50'000);
  receive({1000, 4000, false}, 50'000);
  EXPECT_EQ(link.delivered.size(), 1u);
}

TEST_P(IpFragments, CongestionSeenByOnePieceIsSeen) {
  const auto joined = [&](std::uint8_t a, std::uint8_t b) -> int {
    link.forget();
    static std::uint32_t id = 200;
    receive({0, 1000, true}, ++id, a);
    receive({1000, 4000, false}, id, b);
    return link.delivered.empty() ? -1 : link.delivered[0].ecn;
  };
  EXPECT_EQ(joined(2, 3), 3);
  EXPECT_EQ(joined(1, 1), 1);
  EXPECT_EQ(joined(2, 2), 2);
  EXPECT_EQ(joined(0, 2), 0);
  EXPECT_EQ(joined(0, 3), -1);
  EXPECT_EQ(link.drops(Drop::reassembly_ecn), 1u);
}

TEST_P(IpFragments, RefusedMemoryLosesAPacketAndNothingElse) {
  for (std::uint64_t n = 1; n < 12; ++n) {
    Link fresh;
    fresh.settle();
    fresh.budget.refuse_attempt(n);
    for (std::uint32_t id = 1; id < 4; ++id) {
      for (std::size_t begin = 0; begin < 4000; begin += 400) {
        fresh.receive(frame_of(GetParam(), all, {begin, begin + 400, begin + 400 < 4000}, id));
      }
    }
    EXPECT_GE(fresh.delivered.size(), 2u) << n;
    for (const auto& delivered : fresh.delivered) EXPECT_EQ(delivered.payload, all);
  }
}

// Any pieces of any packets: what is delivered is what was sent, and memory stays within its bounds.
TEST_P(IpFragments, RandomPieces) {
  Random random(GetParam() ? 17 : 18);
  for (int round = 0; round < 3000; ++round) {
    const std::size_t size = 16 + random.below(4000);
    const Frame packet = content(size);
    const auto id = static_cast<std::uint32_t>(random.below(4));
    const std::size_t begin = random.below(size / 8) * 8;
    const std::size_t end = std::min(size, begin + 8 + random.below(200) * 8);
    link.receive(frame_of(GetParam(), packet, {begin, end, end < size}, id));
    ASSERT_LE(link.state().reassembler().bytes(), link.config.limits.reassembly_bytes);
    if (round % 50 == 0) link.wait(seconds(70));
    for (const auto& delivered : link.delivered) EXPECT_EQ(delivered.payload, content(delivered.payload.size()));
    link.forget();
  }
}

TEST(IpFragmentsIpv6, AWholePacketInAFragmentIsAlone) {
  // RFC 6946: "MUST be processed in isolation from any other packets/fragments, even if such packets/fragments contain
  // the same set {IPv6 Source Address, IPv6 Destination Address, Fragment Identification}".
  Link link;
  link.settle();
  const Frame all = content(4000), small = content(100);
  link.receive(frame_of(true, all, {0, 1000, true}));
  link.receive(frame_of(true, small, {0, 100, false}));
  ASSERT_EQ(link.delivered.size(), 1u);
  EXPECT_EQ(link.delivered[0].payload, small);
  link.receive(frame_of(true, all, {1000, 4000, false}));
  ASSERT_EQ(link.delivered.size(), 2u);
  EXPECT_EQ(link.delivered[1].payload, all);
}

TEST(IpFragmentsIpv6, WhatNoSenderMakesIsAnswered) {
  Link link;
  link.settle();
  link.receive(neighbor_solicitation);
  link.forget();
  const Frame all = content(4000);
  link.receive(frame_of(true, all, {0, 1001, true}));
  ASSERT_EQ(link.sent.size(), 1u);
  EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(54, 2)), "0400");
  EXPECT_EQ(to_hex(Bytes(link.sent[0]).subspan(58, 4)), "00000004");
  Frame payload = emitted(wire::Ipv6FragmentHeader{Protocol::udp, 65528, false, 7});
  payload.resize(8 + 100);
  link.receive(ipv6("fd00:9::1", "fd00:9::2", Protocol::fragment, payload));
  ASSERT_EQ(link.sent.size(), 2u);
  EXPECT_EQ(to_hex(Bytes(link.sent[1]).subspan(58, 4)), "0000002a");
}

// RFC 8200, section 4.5: a length that is no multiple of 8, and one that leads beyond what a packet may have.
TEST(IpFragmentsOfVersion6, ThoseThatNoSenderMakesAreCounted) {
  Link link;
  link.settle();
  link.receive(frame_of(true, content(100), {0, 13, true}));
  EXPECT_EQ(link.drops(Drop::fragment_malformed), 1u);
  Frame payload = emitted(wire::Ipv6FragmentHeader{Protocol::udp, 65528, false, 8});
  payload.resize(payload.size() + 16);
  wire::Ipv6Header header;
  header.source = address("fd00:9::1");
  header.destination = address("fd00:9::2");
  header.next_header = Protocol::fragment;
  link.receive(ipv6(header, payload));
  EXPECT_EQ(link.drops(Drop::fragment_malformed), 2u);
}

// One that is spoiled holds nothing that others could have, and must be remembered: a piece of it would begin it anew.
TEST_P(IpFragments, WhatIsSpoiledDoesNotMakeRoom) {
  link.config.limits.reassembly_bytes = 3000;
  receive({0, 1000, true}, 1);
  receive({504, 1504, true}, 1);
  EXPECT_EQ(link.drops(Drop::fragment_overlap), 1u);
  receive({0, 2000, true}, 2);
  receive({0, 2000, true}, 3);
  EXPECT_EQ(link.drops(Drop::reassembly_evicted), 1u);
  receive({2000, 4000, false}, 1);
  EXPECT_EQ(link.drops(Drop::fragment_overlap), 2u);
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
