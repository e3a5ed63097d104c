// Frames that others sent: what they say, and that emitting it gives them again byte for byte.
#include <gtest/gtest.h>

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/tcp.hpp"
#include "limpid/tcpip/wire/udp.hpp"
#include "tests/support/hex.hpp"
#include "tests/tcpip/wire/golden.hpp"

namespace limpid::tcpip::wire {
namespace {

constexpr MacAddress mac_a{{2, 0, 0, 0, 0, 0x0a}}, mac_b{{2, 0, 0, 0, 0, 0x0b}};
constexpr IpAddress a4 = IpAddress::v4({10, 9, 0, 1}), b4 = IpAddress::v4({10, 9, 0, 2});

IpAddress ip(std::string_view text) { return parse_ip_address(text).value(); }

template <class... Pieces>
std::vector<Byte> emitted(const Pieces&... pieces) {
  std::vector<Byte> room(70'000);
  Writer out(room);
  const auto put = [&](const auto& piece) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(piece)>, Bytes>) {
      out.bytes(piece);
    } else {
      piece.emit(out);
    }
  };
  (put(pieces), ...);
  EXPECT_FALSE(out.failed());
  room.resize(out.size());
  return room;
}

// A frame taken apart down to the transport protocol, with the checksum there verified and then cleared in `transport`.
struct Frame {
  explicit Frame(std::string_view hex) : bytes(test::from_hex(hex)) {
    const auto parsed = EthernetHeader::parse(bytes);
    EXPECT_TRUE(parsed);
    ethernet = parsed->header;
    const Bytes packet = parsed->payload(Bytes(bytes));
    packet_offset = parsed->payload_offset;
    Bytes payload;
    if (ethernet.ether_type == EtherType::ipv4) {
      const auto found = Ipv4Header::parse(packet);
      EXPECT_TRUE(found) << name(found.error());
      ipv4 = found->header;
      payload = found->payload(packet);
      protocol = ipv4.protocol;
      source = ipv4.source;
      destination = ipv4.destination;
      EXPECT_EQ(emitted(ipv4), std::vector<Byte>(packet.begin(), packet.begin() + found->payload_offset));
    } else if (ethernet.ether_type == EtherType::ipv6) {
      const auto found = Ipv6Header::parse(packet);
      EXPECT_TRUE(found) << name(found.error());
      ipv6 = found->header;
      source = ipv6.source;
      destination = ipv6.destination;
      EXPECT_EQ(emitted(ipv6), std::vector<Byte>(packet.begin(), packet.begin() + found->payload_offset));
      const Bytes behind = found->payload(packet);
      const auto walked = walk_extensions(ipv6.next_header, behind);
      EXPECT_TRUE(walked);
      extensions = *walked;
      protocol = extensions.protocol;
      payload = behind.subspan(extensions.offset);
    } else {
      payload = packet;
    }
    transport.assign(payload.begin(), payload.end());
  }

  // What emit gives has a checksum of 0; this one is first found to be right.
  std::vector<Byte> without_checksum(std::size_t offset) const {
    EXPECT_EQ(transport_checksum(source, destination, protocol, transport), 0);
    auto cleared = transport;
    cleared[offset] = cleared[offset + 1] = 0;
    return cleared;
  }

  std::vector<Byte> bytes, transport;
  std::size_t packet_offset = 0;
  EthernetHeader ethernet;
  Ipv4Header ipv4;
  Ipv6Header ipv6;
  Ipv6Extensions extensions;
  Protocol protocol{};
  IpAddress source, destination;
};

// A message that is emitted whole: parsed, as expected, and emitted again.
template <class Message>
void expect_message(const Frame& frame, const Message& expected) {
  EXPECT_EQ(frame.protocol, Protocol::icmpv6);
  const auto parsed = Message::parse(frame.transport);
  ASSERT_TRUE(parsed) << name(parsed.error());
  EXPECT_EQ(*parsed, expected);
  EXPECT_EQ(test::to_hex(emitted(expected)), test::to_hex(frame.without_checksum(Icmpv6Header::checksum_offset)));
  for (std::size_t size = 0; size < frame.transport.size(); ++size) {
    const std::vector<Byte> cut(frame.transport.begin(), frame.transport.begin() + size);
    const auto truncated = Message::parse(cut);
    EXPECT_TRUE(!truncated || !(*truncated == expected)) << size;
  }
}

// A header in front of something.
template <class Header>
Parsed<Header> expect_header(const Frame& frame, const Header& expected, std::size_t checksum_offset) {
  const auto parsed = Header::parse(frame.transport);
  EXPECT_TRUE(parsed) << name(parsed.error());
  EXPECT_EQ(parsed->header, expected);
  const Bytes payload = parsed->payload(Bytes(frame.transport));
  EXPECT_EQ(test::to_hex(emitted(expected, payload)), test::to_hex(frame.without_checksum(checksum_offset)));
  return *parsed;
}

TEST(Golden, Arp) {
  const Frame request(test::arp_request);
  EXPECT_EQ(request.ethernet, (EthernetHeader{broadcast_mac, mac_a, EtherType::arp}));
  const ArpPacket asked{ArpOperation::request, mac_a, a4, {}, b4};
  EXPECT_EQ(ArpPacket::parse(request.transport), asked);
  EXPECT_EQ(emitted(request.ethernet, asked), request.bytes);

  const Frame reply(test::arp_reply);
  EXPECT_EQ(reply.ethernet, (EthernetHeader{mac_a, mac_b, EtherType::arp}));
  const ArpPacket answered{ArpOperation::reply, mac_b, b4, mac_a, a4};
  EXPECT_EQ(ArpPacket::parse(reply.transport), answered);
  EXPECT_EQ(emitted(reply.ethernet, answered), reply.bytes);
}

TEST(Golden, TcpSyn) {
  const Frame frame(test::tcp_syn);
  EXPECT_EQ(frame.ethernet, (EthernetHeader{mac_b, mac_a, EtherType::ipv4}));
  EXPECT_EQ(frame.ipv4, (Ipv4Header{.total_length = 60,
                                    .identification = 7686,
                                    .dont_fragment = true,
                                    .time_to_live = 64,
                                    .protocol = Protocol::tcp,
                                    .source = a4,
                                    .destination = b4}));
  const TcpHeader syn{
      .source_port = 54618,
      .destination_port = 80,
      .sequence = 4022656908,
      .flags = {.syn = true},
      .window = 64240,
      .options = {.mss = 1460, .window_scale = 10, .sack_permitted = true, .timestamps = TcpTimestamps{3269458098, 0}}};
  EXPECT_EQ(expect_header(frame, syn, TcpHeader::checksum_offset).payload_size, 0u);
}

TEST(Golden, TcpSynOverIpv6) {
  const Frame frame(test::tcp_syn_ipv6);
  EXPECT_EQ(frame.ipv6, (Ipv6Header{.flow_label = 161368,
                                    .payload_length = 40,
                                    .next_header = Protocol::tcp,
                                    .hop_limit = 64,
                                    .source = ip("fd00:9::1"),
                                    .destination = ip("fd00:9::2")}));
  EXPECT_EQ(frame.extensions, (Ipv6Extensions{Protocol::tcp}));
  expect_header(frame,
                TcpHeader{.source_port = 50126,
                          .destination_port = 80,
                          .sequence = 3197931954,
                          .flags = {.syn = true},
                          .window = 64320,
                          .options = {.mss = 1340,
                                      .window_scale = 10,
                                      .sack_permitted = true,
                                      .timestamps = TcpTimestamps{2998481573, 0}}},
                TcpHeader::checksum_offset);
}

TEST(Golden, TcpData) {
  const Frame frame(test::tcp_data);
  const auto parsed = expect_header(frame,
                                    TcpHeader{.source_port = 54618,
                                              .destination_port = 80,
                                              .sequence = 4022656909,
                                              .acknowledgment = 76844647,
                                              .flags = {.psh = true, .ack = true},
                                              .window = 63,
                                              .options = {.timestamps = TcpTimestamps{3269458099, 2087588066}}},
                                    TcpHeader::checksum_offset);
  EXPECT_EQ(as_text(parsed.payload(Bytes(frame.transport))), "ping");
}

TEST(Golden, TcpSelectiveAcknowledgement) {
  const Frame frame(test::tcp_sack);
  const auto parsed = TcpHeader::parse(frame.transport);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.flags, (TcpFlags{.ack = true, .ece = true, .cwr = true}));
  EXPECT_EQ(parsed->header.options.timestamps, (TcpTimestamps{1, 2}));
  EXPECT_EQ(parsed->header.options.sack, (InlineList<SackBlock, 4>{{100, 200}, {0xffffff00, 16}, {300, 400}}));
  EXPECT_EQ(emitted(parsed->header), frame.without_checksum(TcpHeader::checksum_offset));
}

TEST(Golden, ATagIsLookedThroughAndIpv4OptionsAreKept) {
  const Frame frame(test::tcp_in_vlan);
  EXPECT_EQ(frame.ethernet, (EthernetHeader{mac_b, mac_a, EtherType::ipv4}));
  EXPECT_EQ(frame.packet_offset, 18u);
  EXPECT_EQ(test::to_hex(frame.ipv4.options), "94040000");
  EXPECT_EQ(TcpHeader::parse(frame.transport)->header.flags, TcpFlags{.rst = true});
  EXPECT_EQ(TcpHeader::parse(frame.transport)->header.urgent_pointer, 9);
}

TEST(Golden, Udp) {
  const Frame frame(test::udp);
  const auto parsed = UdpHeader::parse(frame.transport);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, (UdpHeader{39072, 53, 18, 0x89fc}));
  EXPECT_EQ(as_text(parsed->payload(Bytes(frame.transport))), "hello, udp");
  EXPECT_EQ(emitted(parsed->header, Bytes(as_bytes("hello, udp"))), frame.transport);
  EXPECT_EQ(transport_checksum(frame.source, frame.destination, Protocol::udp, frame.transport), 0);
}

TEST(Golden, IcmpEcho) {
  const Frame frame(test::icmp_echo_request);
  const Icmpv4Header echo{Icmpv4Type::echo_request, 0, 0x1234'0007};
  EXPECT_EQ(echo.identifier(), 0x1234);
  EXPECT_EQ(echo.sequence(), 7);
  EXPECT_FALSE(echo.is_error());
  EXPECT_EQ(expect_header(frame, echo, Icmpv4Header::checksum_offset).payload_size, 8u);

  const Icmpv6Header echo6{Icmpv6Type::echo_request, 0, 0x1234'0007};
  EXPECT_EQ(expect_header(Frame(test::icmpv6_echo_request), echo6, Icmpv6Header::checksum_offset).payload_size, 8u);
}

TEST(Golden, IcmpPortUnreachable) {
  const Frame frame(test::icmp_port_unreachable);
  EXPECT_EQ(frame.ipv4.dscp, 0x30);
  const Icmpv4Header error{Icmpv4Type::destination_unreachable, static_cast<std::uint8_t>(Icmpv4Unreachable::port), 0};
  EXPECT_TRUE(error.is_error());
  const auto parsed = expect_header(frame, error, Icmpv4Header::checksum_offset);
  const Bytes quoted = parsed.payload(Bytes(frame.transport));
  const auto packet = Ipv4Header::parse_quoted(quoted);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header.source, a4);
  EXPECT_EQ(UdpHeader::parse(packet->payload(quoted))->header.destination_port, 9);

  const Frame frame6(test::icmpv6_port_unreachable);
  const Icmpv6Header error6{Icmpv6Type::destination_unreachable, static_cast<std::uint8_t>(Icmpv6Unreachable::port), 0};
  EXPECT_TRUE(error6.is_error());
  const auto parsed6 = expect_header(frame6, error6, Icmpv6Header::checksum_offset);
  const Bytes quoted6 = parsed6.payload(Bytes(frame6.transport));
  const auto packet6 = Ipv6Header::parse_quoted(quoted6);
  ASSERT_TRUE(packet6);
  EXPECT_EQ(packet6->header.source, ip("fd00:9::1"));
  EXPECT_EQ(UdpHeader::parse(packet6->payload(quoted6))->header.destination_port, 9);
}

TEST(Golden, PathMtu) {
  const Frame frame(test::fragmentation_needed);
  const auto parsed = Icmpv4Header::parse(frame.transport);
  EXPECT_EQ(parsed->header.next_hop_mtu(), 1300);
  EXPECT_EQ(emitted(parsed->header, parsed->payload(Bytes(frame.transport))),
            frame.without_checksum(Icmpv4Header::checksum_offset));
  const Bytes quoted = parsed->payload(Bytes(frame.transport));
  EXPECT_EQ(Ipv4Header::parse(quoted).error(), WireFault::truncated);
  EXPECT_EQ(Ipv4Header::parse_quoted(quoted)->header.total_length, 1500);
  EXPECT_EQ(Ipv4Header::parse_quoted(quoted)->payload_size, 20u);

  const Frame frame6(test::packet_too_big);
  const auto parsed6 = Icmpv6Header::parse(frame6.transport);
  EXPECT_EQ(parsed6->header.type, Icmpv6Type::packet_too_big);
  EXPECT_EQ(parsed6->header.mtu(), 1280u);
  EXPECT_EQ(Ipv6Header::parse_quoted(parsed6->payload(Bytes(frame6.transport)))->payload_size, 20u);
}

TEST(Golden, Fragments) {
  const Frame frame(test::ipv4_fragment);
  EXPECT_EQ(frame.ipv4.fragment_offset, 185 * 8);
  EXPECT_TRUE(frame.ipv4.more_fragments && frame.ipv4.is_fragment() && !frame.ipv4.dont_fragment);
  EXPECT_EQ(as_text(frame.transport), "fragment");

  const Frame frame6(test::ipv6_fragment);
  const Ipv6FragmentHeader header{Protocol::udp, 169 * 8, true, 1255751933};
  EXPECT_EQ(frame6.extensions, (Ipv6Extensions{Protocol::udp, 16, header, 8}));
  EXPECT_EQ(as_text(frame6.transport), "fragment");
  EXPECT_EQ(test::to_hex(emitted(header)), test::to_hex(Bytes(frame6.bytes).subspan(14 + 40 + 8, 8)));
}

TEST(Golden, NeighborDiscovery) {
  const Frame asked(test::neighbor_solicitation);
  EXPECT_EQ(asked.ethernet.destination, multicast_mac(asked.destination));
  EXPECT_EQ(asked.ipv6.hop_limit, 255);
  expect_message(asked, NeighborSolicitation{ip("fd00:9::2"), {.source_link_layer_address = mac_a}});
  expect_message(
      Frame(test::duplicate_address_detection),
      NeighborSolicitation{ip("fe80::ff:fe00:b"), {.nonce = std::array<Byte, 6>{0xec, 0x84, 0x55, 0xe5, 0x2d, 0x58}}});
  expect_message(Frame(test::neighbor_advertisement),
                 NeighborAdvertisement{.router = false,
                                       .solicited = true,
                                       .override = true,
                                       .target = ip("fd00:9::2"),
                                       .options = {.target_link_layer_address = mac_b}});
  expect_message(Frame(test::router_solicitation), RouterSolicitation{{.source_link_layer_address = mac_b}});
  expect_message(
      Frame(test::redirect),
      Redirect{ip("fe80::2"), ip("fd00:10::1"), {.target_link_layer_address = MacAddress{{2, 0, 0, 0, 0, 0x0c}}}});
}

TEST(Golden, RouterAdvertisement) {
  const Frame frame(test::router_advertisement);
  const RouterAdvertisement expected{.current_hop_limit = 64,
                                     .preference = RouterAdvertisement::Preference::high,
                                     .router_lifetime = 12,
                                     .reachable_time = 30'000,
                                     .retrans_timer = 1000,
                                     .options = {.source_link_layer_address = mac_a,
                                                 .mtu = 1400,
                                                 .prefixes = {{64, true, true, 86'400, 14'400, ip("fd00:77::")}},
                                                 .servers = {{600, ip("fd00:9::53")}, {600, ip("fd00:9::54")}}}};
  EXPECT_EQ(RouterAdvertisement::parse(frame.transport), expected);
  // The order of options is free, and two servers of one lifetime may share one.
  EXPECT_EQ(RouterAdvertisement::parse(emitted(expected)), expected);
}

TEST(Golden, MulticastListenerDiscovery) {
  const Frame frame(test::multicast_listener_report);
  EXPECT_EQ(frame.ipv6.next_header, Protocol::hop_by_hop_options);
  EXPECT_EQ(frame.extensions, (Ipv6Extensions{Protocol::icmpv6, 8, {}, 0, true}));
  expect_message(frame, MldReport{{{MldRecordType::change_to_exclude_mode, ip("ff02::1:ff00:2")},
                                   {MldRecordType::change_to_exclude_mode, ip("ff02::1:ff00:b")}}});
  std::vector<Byte> alert(8);
  Writer out(alert);
  emit_router_alert(out, Protocol::icmpv6);
  EXPECT_EQ(alert, std::vector<Byte>(frame.bytes.begin() + 54, frame.bytes.begin() + 62));

  const auto source = ip("fd00::1");
  const MldQuery query{.maximum_response_code = 0x9234,
                       .multicast_address = ip("ff02::1234"),
                       .suppress_router_processing = true,
                       .robustness_variable = 2,
                       .query_interval_code = 125,
                       .sources = source.octets};
  EXPECT_EQ(query.maximum_response_delay_ms(), 0x1234u << 4);
  expect_message(Frame(test::multicast_listener_query), query);
  const MldQuery general{.version_1 = true, .maximum_response_code = 10'000};
  EXPECT_EQ(general.maximum_response_delay_ms(), 10'000u);
  expect_message(Frame(test::multicast_listener_query_v1), general);
  expect_message(Frame(test::multicast_listener_done),
                 MldVersion1Message{Icmpv6Type::multicast_listener_done, ip("ff02::1234")});
}

TEST(Golden, GroupAddressesOnEthernet) {
  EXPECT_EQ(multicast_mac(IpAddress::v4({239, 255, 1, 2})), (MacAddress{{0x01, 0, 0x5e, 0x7f, 1, 2}}));
  EXPECT_EQ(multicast_mac(ip("ff02::1:ff00:b")), (MacAddress{{0x33, 0x33, 0xff, 0, 0, 0x0b}}));
}

}  // namespace
}  // namespace limpid::tcpip::wire
