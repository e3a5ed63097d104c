// Truncated and malformed input, and random values there and back.
#include <gtest/gtest.h>

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/tcp.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"

namespace limpid::tcpip::wire {
namespace {

template <class T>
std::vector<Byte> emitted(const T& value) {
  std::vector<Byte> room(3000);
  Writer out(room);
  value.emit(out);
  EXPECT_FALSE(out.failed());
  room.resize(out.size());
  return room;
}

// A byte string of exactly its size on the heap, so that a sanitizer sees the first byte beyond.
std::vector<Byte> cut(const std::vector<Byte>& bytes, std::size_t size) {
  return std::vector<Byte>(bytes.begin(), bytes.begin() + size);
}

class Values {
 public:
  explicit Values(std::uint64_t seed) : random_(seed) {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(random_.next()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(random_.next()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(random_.next()); }
  bool flag() { return random_.below(2) == 0; }
  std::size_t below(std::size_t n) { return random_.below(n); }
  MacAddress mac() {
    MacAddress mac;
    copy(random_.bytes(6), mac.octets);
    return mac;
  }
  IpAddress v4() { return IpAddress::v4(u32()); }
  IpAddress v6() {
    IpAddress address;
    copy(random_.bytes(16), address.octets);
    address.octets[0] = 0xfd;
    return address;
  }
  Bytes bytes(std::size_t size) {
    kept_ = random_.bytes(size);
    return kept_;
  }

 private:
  test::Random random_;
  std::vector<Byte> kept_;
};

// Random values, each with its fields filled by `fill`; every truncation is refused.
template <class T>
void round_trips(const auto& fill) {
  Values values(7);
  for (int i = 0; i < 500; ++i) {
    T value;
    fill(value, values);
    const auto bytes = emitted(value);
    const auto parsed = T::parse(bytes);
    ASSERT_TRUE(parsed) << name(parsed.error()) << " " << test::to_hex(bytes);
    if constexpr (requires { parsed->header; }) {
      ASSERT_EQ(parsed->header, value);
    } else {
      ASSERT_EQ(*parsed, value);
    }
    if (i >= 20) continue;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto truncated = T::parse(cut(bytes, size));
      // What ends with options or records of its own count may be cut between two of them.
      if constexpr (requires { truncated->header; }) {
        EXPECT_FALSE(truncated) << size;
      } else {
        EXPECT_TRUE(!truncated || !(*truncated == value)) << size;
      }
    }
  }
}

TEST(RoundTrip, Headers) {
  round_trips<EthernetHeader>([](auto& h, Values& v) { h = {v.mac(), v.mac(), EtherType::ipv6}; });
  round_trips<ArpPacket>([](auto& p, Values& v) {
    p = {v.flag() ? ArpOperation::request : ArpOperation::reply, v.mac(), v.v4(), v.mac(), v.v4()};
  });
  round_trips<Ipv4Header>([](auto& h, Values& v) {
    h.dscp = v.u8() >> 2;
    h.ecn = v.u8() >> 6;
    h.identification = v.u16();
    h.dont_fragment = v.flag();
    h.more_fragments = v.flag();
    h.fragment_offset = v.u16() & 0xfff8;
    h.time_to_live = v.u8();
    h.protocol = static_cast<Protocol>(v.u8());
    h.source = v.v4();
    h.destination = v.v4();
    h.options = v.bytes(v.below(11) * 4);
    h.total_length = static_cast<std::uint16_t>(h.size());
  });
  round_trips<Ipv6Header>([](auto& h, Values& v) {
    h.dscp = v.u8() >> 2;
    h.ecn = v.u8() >> 6;
    h.flow_label = v.u32() >> 12;
    h.next_header = static_cast<Protocol>(v.u8());
    h.hop_limit = v.u8();
    h.source = v.v6();
    h.destination = v.v6();
  });
  round_trips<Icmpv4Header>([](auto& h, Values& v) { h = {static_cast<Icmpv4Type>(v.u8()), v.u8(), v.u32()}; });
  round_trips<Icmpv6Header>([](auto& h, Values& v) { h = {static_cast<Icmpv6Type>(v.u8()), v.u8(), v.u32()}; });
  round_trips<UdpHeader>([](auto& h, Values& v) { h = {v.u16(), v.u16(), 8, v.u16()}; });
}

void fill(TcpOptions& options, Values& v) {
  if (v.flag()) options.mss = v.u16();
  if (v.flag()) options.window_scale = v.u8();
  options.sack_permitted = v.flag();
  if (v.flag()) options.timestamps = TcpTimestamps{v.u32(), v.u32()};
  for (std::size_t n = v.below(5); n > 0; --n) {
    const SackBlock block{v.u32(), v.u32()};
    TcpOptions longer = options;
    longer.sack.push_back(block);
    if (longer.size() <= TcpOptions::most_size && longer.size() > options.size()) options = longer;
  }
}

TEST(RoundTrip, Tcp) {
  round_trips<TcpHeader>([](auto& h, Values& v) {
    h = {v.u16(), v.u16(), v.u32(), v.u32(), TcpFlags::from_byte(v.u8()), v.u16(), v.u16(), {}};
    fill(h.options, v);
    EXPECT_EQ(emitted(h).size(), h.size());
    EXPECT_LE(h.size(), TcpHeader::most_size);
    EXPECT_EQ(test::reloaded(h), h);
  });
  for (unsigned byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(TcpFlags::from_byte(static_cast<std::uint8_t>(byte)).byte(), byte);
  }
}

void fill(NdpOptions& options, Values& v) {
  if (v.flag()) options.source_link_layer_address = v.mac();
  if (v.flag()) options.target_link_layer_address = v.mac();
  if (v.flag()) options.mtu = v.u32();
  if (v.flag()) options.nonce = v.mac().octets;
  for (std::size_t n = v.below(9); n > 0; --n) {
    const PrefixInformation prefix{
        static_cast<std::uint8_t>(v.below(129)), v.flag(), v.flag(), v.u32(), v.u32(), v.v6()};
    options.prefixes.push_back(prefix);
  }
  for (std::size_t n = v.below(9); n > 0; --n) options.servers.push_back({v.u32(), v.v6()});
}

TEST(RoundTrip, NeighborDiscovery) {
  round_trips<RouterSolicitation>([](auto& m, Values& v) { fill(m.options, v); });
  round_trips<RouterAdvertisement>([](auto& m, Values& v) {
    using Preference = RouterAdvertisement::Preference;
    m.current_hop_limit = v.u8();
    m.managed = v.flag();
    m.other_configuration = v.flag();
    m.preference = v.flag() ? Preference::low : v.flag() ? Preference::medium : Preference::high;
    m.router_lifetime = v.u16();
    m.reachable_time = v.u32();
    m.retrans_timer = v.u32();
    fill(m.options, v);
  });
  round_trips<NeighborSolicitation>([](auto& m, Values& v) {
    m.target = v.v6();
    fill(m.options, v);
  });
  round_trips<NeighborAdvertisement>([](auto& m, Values& v) {
    m = {v.flag(), v.flag(), v.flag(), v.v6(), {}};
    fill(m.options, v);
  });
  round_trips<Redirect>([](auto& m, Values& v) {
    m.target = v.v6();
    m.destination = v.v6();
    fill(m.options, v);
  });
}

TEST(RoundTrip, MulticastListenerDiscovery) {
  round_trips<MldQuery>([](auto& m, Values& v) {
    m.version_1 = v.flag();
    m.maximum_response_code = v.u16();
    m.multicast_address = v.v6();
    if (m.version_1) return;
    m.suppress_router_processing = v.flag();
    m.robustness_variable = v.u8() & 7;
    m.query_interval_code = v.u8();
    m.sources = v.bytes(v.below(4) * 16);
  });
  round_trips<MldReport>([](auto& m, Values& v) {
    const Bytes sources = v.bytes(48);
    for (std::size_t n = v.below(33); n > 0; --n) {
      m.records.push_back({static_cast<MldRecordType>(v.u8()), v.v6(), sources.first(v.below(4) * 16)});
    }
  });
  round_trips<MldVersion1Message>([](auto& m, Values& v) {
    m = {v.flag() ? Icmpv6Type::multicast_listener_report : Icmpv6Type::multicast_listener_done, v.v6()};
  });
}

TEST(Faults, Ethernet) {
  const auto tagged = test::from_hex("0200000000010200000000028100000508004500");
  EXPECT_EQ(EthernetHeader::parse(cut(tagged, 17)).error(), WireFault::truncated);
  EXPECT_EQ(EthernetHeader::parse(cut(tagged, 18))->payload_size, 0u);
}

TEST(Faults, Arp) {
  const auto right = emitted(ArpPacket{});
  const auto fault_with = [&](std::size_t at, Byte value) {
    auto bytes = right;
    bytes[at] = value;
    return ArpPacket::parse(bytes).error();
  };
  EXPECT_EQ(fault_with(1, 6), WireFault::wrong_value);
  EXPECT_EQ(fault_with(2, 0x86), WireFault::wrong_value);
  EXPECT_EQ(fault_with(4, 8), WireFault::wrong_length);
  EXPECT_EQ(fault_with(5, 16), WireFault::wrong_length);
  EXPECT_EQ(fault_with(7, 3), WireFault::wrong_value);
  auto padded = right;
  padded.resize(46);
  EXPECT_TRUE(ArpPacket::parse(padded));
}

TEST(Faults, Ipv4) {
  auto bytes = emitted(Ipv4Header{.total_length = 24});
  bytes.resize(30);
  EXPECT_EQ(Ipv4Header::parse(bytes)->payload_size, 4u) << "padding is cut off";
  EXPECT_EQ(Ipv4Header::parse(cut(bytes, 23)).error(), WireFault::truncated);
  const auto fault_with = [&](std::size_t at, Byte value) {
    auto changed = bytes;
    changed[at] = value;
    return Ipv4Header::parse(changed).error();
  };
  EXPECT_EQ(fault_with(0, 0x65), WireFault::wrong_version);
  EXPECT_EQ(fault_with(0, 0x44), WireFault::wrong_length);
  EXPECT_EQ(fault_with(0, 0x4f), WireFault::truncated);
  EXPECT_EQ(fault_with(3, 19), WireFault::wrong_length);
  EXPECT_EQ(fault_with(2, 1), WireFault::truncated);
  EXPECT_EQ(fault_with(8, 63), WireFault::wrong_checksum);
}

TEST(Faults, Ipv6) {
  auto bytes = emitted(Ipv6Header{.payload_length = 4, .source = {{1}}, .destination = {{2}}});
  bytes.resize(50);
  EXPECT_EQ(Ipv6Header::parse(bytes)->payload_size, 4u);
  EXPECT_EQ(Ipv6Header::parse(cut(bytes, 43)).error(), WireFault::truncated);
  bytes[0] = 0x45;
  EXPECT_EQ(Ipv6Header::parse(bytes).error(), WireFault::wrong_version);
  const auto mapped = emitted(Ipv6Header{.source = IpAddress::v4(1u), .destination = {{2}}});
  EXPECT_EQ(Ipv6Header::parse(mapped).error(), WireFault::wrong_value);
}

using Reply = Ipv6ExtensionProblem::Reply;

Ipv6ExtensionProblem problem(Protocol first, std::string_view hex) {
  const auto walked = walk_extensions(first, test::from_hex(hex));
  EXPECT_FALSE(walked);
  return walked ? Ipv6ExtensionProblem{} : walked.error();
}

TEST(Ipv6Extensions, AreWalkedToTheUpperLayer) {
  const auto walked =
      walk_extensions(Protocol::hop_by_hop_options, test::from_hex("3c00010400000000 2b01010a000000000000000000000000 "
                                                                   "2c00040000000000 0600000012345678 aabb"));
  ASSERT_TRUE(walked);
  EXPECT_EQ(*walked, (Ipv6Extensions{Protocol::tcp, 40, {}, 32, false, true}))
      << "a fragment that is whole is walked through";
  EXPECT_EQ(walk_extensions(Protocol::udp, {}), (Ipv6Extensions{Protocol::udp}));
  EXPECT_EQ(walk_extensions(Protocol::no_next_header, {}), (Ipv6Extensions{Protocol::no_next_header}));
  EXPECT_EQ(walk_extensions(Protocol::routing, test::from_hex("06000000 00000000"))->protocol, Protocol::tcp)
      << "RFC 5095: type 0 with no segments left is ignored";
  EXPECT_EQ(walk_extensions(Protocol::fragment, test::from_hex("3c000000 00000000 0600010400000000"))->protocol,
            Protocol::tcp);
}

TEST(Ipv6Extensions, ProblemsAndWhoIsTold) {
  EXPECT_EQ(problem(Protocol::routing, "0600000100000000"),
            (Ipv6ExtensionProblem{WireFault::wrong_value, Reply::parameter_problem_unless_multicast, 0, 2}));
  EXPECT_EQ(problem(Protocol::destination_options, "0000010400000000 0600010400000000"),
            (Ipv6ExtensionProblem{WireFault::wrong_value, Reply::parameter_problem_unless_multicast, 1, 0}));
  EXPECT_EQ(walk_extensions(Protocol::destination_options, test::from_hex("06003e0400000000"))->protocol, Protocol::tcp)
      << "00: skip over it";
  EXPECT_EQ(problem(Protocol::destination_options, "06007e0400000000"),
            (Ipv6ExtensionProblem{WireFault::wrong_option, Reply::none, 2, 2}));
  EXPECT_EQ(problem(Protocol::destination_options, "06000100be010000"),
            (Ipv6ExtensionProblem{WireFault::wrong_option, Reply::parameter_problem, 2, 4}));
  EXPECT_EQ(problem(Protocol::destination_options, "0600fe0400000000"),
            (Ipv6ExtensionProblem{WireFault::wrong_option, Reply::parameter_problem_unless_multicast, 2, 2}));
  EXPECT_EQ(problem(Protocol::destination_options, "0600010500000000").fault, WireFault::wrong_option);
  EXPECT_EQ(problem(Protocol::destination_options, "0600000000000001").fault, WireFault::wrong_option);
}

TEST(Ipv6Extensions, AreBounded) {
  std::string chain;
  for (std::size_t i = 0; i <= most_extension_headers; ++i) chain += "3c00010400000000";
  EXPECT_EQ(problem(Protocol::destination_options, chain).fault, WireFault::wrong_length);
  std::string pads = "3b08";
  for (std::size_t i = 0; i < 70; ++i) pads += "00";
  EXPECT_EQ(problem(Protocol::destination_options, pads).fault, WireFault::wrong_option);
}

TEST(Ipv6Extensions, EveryTruncation) {
  const auto bytes = test::from_hex("3c00010400000000 2c01010a000000000000000000000000 0600000012345678");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto walked = walk_extensions(Protocol::hop_by_hop_options, cut(bytes, size));
    ASSERT_FALSE(walked) << size;
    EXPECT_EQ(walked.error().fault, WireFault::truncated);
  }
}

TEST(Faults, Udp) {
  EXPECT_EQ(UdpHeader::parse(test::from_hex("0001000200070000")).error(), WireFault::wrong_length);
  EXPECT_EQ(UdpHeader::parse(test::from_hex("0001000200090000")).error(), WireFault::truncated);
  EXPECT_EQ(UdpHeader::parse(test::from_hex("0001000200080000ff"))->payload_size, 0u);
}

TEST(Faults, TcpDataOffset) {
  auto bytes = emitted(TcpHeader{});
  bytes[12] = 0x40;
  EXPECT_EQ(TcpHeader::parse(bytes).error(), WireFault::wrong_length);
  bytes[12] = 0x60;
  EXPECT_EQ(TcpHeader::parse(bytes).error(), WireFault::truncated);
  bytes[12] = 0x5f;
  EXPECT_EQ(TcpHeader::parse(bytes)->header, TcpHeader{}) << "reserved bits are ignored";
}

TEST(TcpOptions, WhatIsNotUnderstoodIsSkipped) {
  const auto parse = [](std::string_view hex) { return TcpOptions::parse(test::from_hex(hex)); };
  EXPECT_EQ(parse("1e04aabb 020405b4"), TcpOptions{.mss = 1460});
  EXPECT_EQ(parse("020305 020405b4"), TcpOptions{.mss = 1460}) << "not of its kind's length";
  EXPECT_EQ(parse("00 020405b4"), TcpOptions{}) << "behind the end of the list";
  EXPECT_EQ(parse("020405b4 0100"), TcpOptions{.mss = 1460});
  EXPECT_EQ(parse("020405b4 0201 0402"), TcpOptions{.mss = 1460}) << "a length below 2 ends the list";
  EXPECT_EQ(parse("020405b4 0200 0402"), TcpOptions{.mss = 1460});
  EXPECT_EQ(parse("020405b4 0405"), TcpOptions{.mss = 1460}) << "beyond the header";
  EXPECT_EQ(parse("020405b4 04"), TcpOptions{.mss = 1460});
  EXPECT_EQ(parse("0502"), TcpOptions{});
  EXPECT_EQ(parse("050600000001"), TcpOptions{});
  EXPECT_EQ(parse("020405b4 02040001"), TcpOptions{.mss = 1}) << "the last one counts";
  EXPECT_EQ(parse("03030f"), TcpOptions{.window_scale = 15}) << "too large, which its receiver judges";
}

TEST(TcpOptions, WhatDoesNotFitIsLeftOut) {
  TcpOptions options{.timestamps = TcpTimestamps{1, 2}, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}};
  EXPECT_EQ(options.size(), 40u);
  EXPECT_EQ(TcpOptions::parse(emitted(options)).sack.size(), 3u);
  options.timestamps.reset();
  EXPECT_EQ(options.size(), 36u);
  EXPECT_EQ(TcpOptions::parse(emitted(options)), options);
  TcpOptions full{.mss = 1, .window_scale = 1, .sack_permitted = true, .timestamps = TcpTimestamps{}, .sack = {{1, 2}}};
  EXPECT_EQ(full.size(), 32u);
  full.sack.push_back({3, 4});
  EXPECT_EQ(full.size(), 40u);
}

TEST(Faults, NeighborDiscoveryOptions) {
  const std::string head = "85000000 00000000";
  const auto parse = [&](std::string_view options) {
    return RouterSolicitation::parse(test::from_hex(head + std::string(options)));
  };
  EXPECT_TRUE(parse(""));
  EXPECT_EQ(parse("0100 000000000000").error(), WireFault::wrong_option) << "a length of zero";
  EXPECT_EQ(parse("0102 000000000000").error(), WireFault::wrong_option) << "beyond the end";
  EXPECT_EQ(parse("01").error(), WireFault::wrong_option);
  EXPECT_EQ(parse("0102 0000000000000000 000000000000").error(), WireFault::wrong_option) << "not of its kind's length";
  EXPECT_EQ(parse("0301 000000000000").error(), WireFault::wrong_option);
  EXPECT_EQ(parse("1902 0000000000000000 000000000000").error(), WireFault::wrong_option);
  EXPECT_TRUE(parse("fe01 000000000000")) << "an unknown option is ignored";
  EXPECT_EQ(RouterSolicitation::parse(test::from_hex("85010000 00000000")).error(), WireFault::wrong_value);
  EXPECT_EQ(RouterSolicitation::parse(test::from_hex("86000000 00000000")).error(), WireFault::wrong_value);
  const auto multicast = emitted(NeighborSolicitation{{{0xff, 2}}, {}});
  EXPECT_EQ(NeighborSolicitation::parse(multicast).error(), WireFault::wrong_value);
  auto long_prefix = emitted(NdpOptions{.prefixes = {{.prefix_bits = 129}}});
  EXPECT_EQ(NdpOptions::parse(long_prefix).error(), WireFault::wrong_option);
  const auto reserved = emitted(RouterAdvertisement{.preference = static_cast<RouterAdvertisement::Preference>(2)});
  EXPECT_EQ(RouterAdvertisement::parse(reserved)->preference, RouterAdvertisement::Preference::medium);
}

TEST(Faults, MulticastListenerDiscovery) {
  auto query = emitted(MldQuery{});
  EXPECT_EQ(query.size(), 28u);
  for (const std::size_t size : {25u, 26u, 27u})
    EXPECT_EQ(MldQuery::parse(cut(query, size)).error(), WireFault::truncated);
  query[27] = 1;
  EXPECT_EQ(MldQuery::parse(query).error(), WireFault::truncated);
  auto report = emitted(MldReport{{{MldRecordType::mode_is_include, IpAddress{{0xff}}}}});
  report[7] = 2;
  EXPECT_EQ(MldReport::parse(report).error(), WireFault::truncated);
  report[0] = 142;
  EXPECT_EQ(MldReport::parse(report).error(), WireFault::wrong_value);
}

TEST(Faults, EmittingIntoTooLittleRoomFails) {
  std::vector<Byte> room(19);
  Writer tcp(room), ipv4(room);
  TcpHeader{}.emit(tcp);
  Ipv4Header{}.emit(ipv4);
  EXPECT_TRUE(tcp.failed() && ipv4.failed());
}

TEST(Sequence, WrapsAround) {
  EXPECT_TRUE(seq_before(0xffffffff, 0));
  EXPECT_TRUE(seq_after(5, 0xfffffff0));
  EXPECT_FALSE(seq_before(7, 7));
  EXPECT_TRUE(seq_at_most(7, 7) && seq_at_least(7, 7));
  EXPECT_TRUE(seq_within(2, 0xfffffffe, 4));
  EXPECT_FALSE(seq_within(4, 0xfffffffe, 4));
  EXPECT_FALSE(seq_within(0xfffffffd, 0xfffffffe, 4));
  EXPECT_EQ(seq_max(0xffffffff, 1), 1u);
  EXPECT_EQ(seq_min(0xffffffff, 1), 0xffffffffu);
}

TEST(Names, OfFaults) {
  for (std::uint8_t i = 0; is_valid(static_cast<WireFault>(i)); ++i)
    EXPECT_FALSE(name(static_cast<WireFault>(i)).empty());
}

}  // namespace
}  // namespace limpid::tcpip::wire
