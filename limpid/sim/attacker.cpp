#include "limpid/sim/attacker.hpp"

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/ndp.hpp"

namespace limpid::sim {

using namespace tcpip;

namespace {

using wire::TcpHeader;

constexpr IpAddress v4_of_customer = IpAddress::v4({10, 9, 0, 2});
// Ports of those who have none.
constexpr std::uint16_t some_port = 999;

constexpr IpAddress all_nodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
IpAddress nobody(std::uint8_t n) { return IpAddress::v4({10, 9, 0, n}); }
IpAddress link_local(std::uint8_t n) { return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n}}; }

template <std::size_t n>
struct Message {
  std::array<Byte, n> bytes{};
  std::size_t size = 0;
  MutableBytes all() { return MutableBytes(bytes).first(size); }
};
template <std::size_t n = 256, class Wire>
Message<n> emitted(const Wire& message) {
  Message<n> out;
  Writer writer{MutableBytes(out.bytes)};
  message.emit(writer);
  out.size = writer.size();
  return out;
}

void segment(Mouth& mouth, const Envelope& envelope, std::uint16_t from, std::uint16_t to, const wire::TcpFlags& flags,
             wire::SeqNumber sequence, wire::SeqNumber acknowledgment = 0, Bytes payload = {}) {
  TcpHeader header;
  header.flags = flags;
  header.sequence = sequence;
  header.acknowledgment = acknowledgment;
  header.window = 5000;
  mouth.tcp(envelope, from, to, header, payload);
}
void datagram(Mouth& mouth, const Envelope& envelope, std::uint16_t to, std::size_t size = 4) {
  const Byte zeros[64] = {};
  mouth.udp(envelope, some_port, to, Bytes(zeros).first(size));
}
void arp(Mouth& mouth, const MacAddress& to, wire::ArpOperation operation, const IpAddress& sender,
         const IpAddress& target) {
  auto message = emitted(wire::ArpPacket{operation, mouth.mac(), sender, {}, target});
  mouth.ethernet(to, wire::EtherType::arp, message.all(), true);
}
void fragment(Mouth& mouth, Envelope envelope, std::uint16_t id, std::uint16_t offset, bool more, std::size_t size,
              Byte with = 7) {
  Byte piece[1500];
  std::fill(piece, piece + size, with);
  envelope.identification = id;
  envelope.fragment_offset = offset;
  envelope.more_fragments = more;
  envelope.checksum = false;
  mouth.ip(envelope, Protocol::udp, MutableBytes(piece).first(size));
}
void advertise_router(Mouth& mouth, const IpAddress& from, const wire::RouterAdvertisement& said) {
  auto message = emitted<512>(said);
  mouth.discovery({.source = from, .destination = all_nodes, .to = {{0x33, 0x33, 0, 0, 0, 1}}}, message.all());
}
wire::PrefixInformation prefix(std::uint8_t n, std::uint32_t valid) {
  return {64, true, true, valid, valid, {{0xfd, 0x77, 0, 0, 0, n}}};
}
// A packet of the host's, as an error would quote it.
Message<64> quoted(const IpAddress& source, const IpAddress& destination, std::uint16_t from, std::uint16_t to,
                   std::uint32_t sequence) {
  Message<64> out;
  Writer writer{MutableBytes(out.bytes)};
  wire::Ipv4Header header;
  header.total_length = 1000;
  header.protocol = Protocol::tcp;
  header.source = source;
  header.destination = destination;
  header.emit(writer);
  writer.u16(from);
  writer.u16(to);
  writer.u32(sequence);
  out.size = writer.size();
  return out;
}

constexpr wire::TcpFlags syn{.syn = true}, ack{.ack = true}, rst{.rst = true};

template <class Kind>
constexpr std::size_t index(Kind kind) {
  return static_cast<std::size_t>(kind);
}
constexpr Table by_ip = Table::dropped_by_ip, by_host = Table::dropped_by_host;

std::span<const Attack> all_attacks() {
  using ip::Drop;
  using wire::ArpOperation;
  using wire::EtherType;
  static constexpr Attack all[] = {
      // Ethernet and ARP.
      {"short frame",
       [](Attacker& a, Mouth& m) {
         Byte frame[13];
         copy(Bytes(a.target.mac.octets), frame);
         m.frame(Bytes(frame).first(a.dice.up_to(13)), true);
       },
       by_ip, index(Drop::frame_malformed)},
      {"another's frame",
       [](Attacker&, Mouth& m) {
         Byte rest[40] = {};
         m.ethernet({{2, 9, 9, 9, 9, 9}}, EtherType::ipv4, rest, true);
       },
       by_ip, index(Drop::frame_not_for_us)},
      {"strange type",
       [](Attacker& a, Mouth& m) {
         Byte rest[40] = {};
         m.ethernet(a.target.mac, static_cast<EtherType>(0x88cc), rest, true);
       },
       by_ip, index(Drop::ether_type_unknown)},
      {"truncated ARP",
       [](Attacker& a, Mouth& m) {
         auto message = emitted(wire::ArpPacket{ArpOperation::request, m.mac(), a.own_v4, {}, a.target.v4});
         m.ethernet(broadcast_mac, EtherType::arp, message.all().first(a.dice.up_to(27)), true);
       },
       by_ip, index(Drop::arp_malformed)},
      {"ARP of a martian",
       [](Attacker& a, Mouth& m) {
         arp(m, broadcast_mac, ArpOperation::request, IpAddress::v4({127, 0, 0, 1}), a.target.v4);
         arp(m, broadcast_mac, ArpOperation::request, IpAddress::v4({10, 9, 0, 255}), a.target.v4);
       },
       by_ip, index(Drop::arp_martian)},
      {"address taken",
       [](Attacker& a, Mouth& m) { arp(m, broadcast_mac, ArpOperation::reply, a.target.v4, a.target.v4); },
       by_ip, index(Drop::arp_conflict)},
      {"unasked ARP reply",
       [](Attacker& a, Mouth& m) { arp(m, a.target.mac, ArpOperation::reply, nobody(201), a.target.v4); },
       by_ip, index(Drop::arp_unsolicited)},
      {"forged ARP reply",
       [](Attacker& a, Mouth& m) {
         // Whoever was heard lately; it is asked itself before it is believed.
         arp(m, a.target.mac, ArpOperation::reply, v4_of_customer, a.target.v4);
       }},
      {"forged Neighbour Advertisement",
       [](Attacker& a, Mouth& m) {
         wire::NeighborAdvertisement said;
         said.override = true;
         said.solicited = a.dice.chance(500'000);
         said.router = a.dice.chance(500'000);
         said.target = {{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
         said.options.target_link_layer_address = m.mac();
         auto message = emitted(said);
         m.discovery(a.to_v6(), message.all());
       }},

      // IP.
      {"damaged IPv4 header",
       [](Attacker& a, Mouth& m) {
         Byte packet[20];
         for (Byte& byte : packet) byte = static_cast<Byte>(a.dice.next());
         packet[0] = 0x45;
         m.ethernet(a.target.mac, EtherType::ipv4, Bytes(packet).first(a.dice.up_to(20)), true);
       },
       by_ip, index(Drop::ipv4_malformed)},
      {"source route",
       [](Attacker& a, Mouth& m) {
         const Byte route[] = {131, 7, 4, 192, 0, 2, 1, 0};
         Envelope envelope = a.to_v4();
         envelope.options = route;
         datagram(m, envelope, Subject::datagrams);
       },
       by_ip, index(Drop::ipv4_source_route)},
      {"damaged IPv6 header",
       [](Attacker& a, Mouth& m) {
         Byte packet[40] = {0x60, 0, 0, 0, 0xff, 0xff};
         m.ethernet(a.target.mac, EtherType::ipv6, Bytes(packet).first(a.dice.up_to(40)), true);
       },
       by_ip, index(Drop::ipv6_malformed)},
      {"martian source",
       [](Attacker& a, Mouth& m) {
         const IpAddress sources[] = {IpAddress::v4({127, 0, 0, 1}), IpAddress::v4({224, 0, 0, 1}), any_ipv4,
                                      IpAddress::v4(UINT32_MAX), IpAddress::v4({10, 9, 0, 255})};
         Envelope envelope = a.to_v4();
         envelope.source = sources[a.dice.up_to(std::size(sources)) - 1];
         segment(m, envelope, some_port, Subject::silent, syn, 1);
       },
       by_ip, index(Drop::martian_source)},
      {"martian destination",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.destination = IpAddress::v4({127, 0, 0, 1});
         segment(m, envelope, some_port, Subject::silent, syn, 1);
       },
       by_ip, index(Drop::martian_destination)},
      {"our own source",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.source = a.target.v4;
         envelope.destination = nobody(200);
         datagram(m, envelope, Subject::datagrams);
       },
       by_ip, index(Drop::own_source)},
      {"LAND",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.dice.chance(500'000) ? a.to_v4() : a.to_v6();
         envelope.source = envelope.destination;
         segment(m, envelope, Subject::silent, Subject::silent, syn, 1);
       },
       by_ip, index(Drop::land)},
      {"for somebody else",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.destination = nobody(202);
         datagram(m, envelope, Subject::datagrams);
       },
       by_ip, index(Drop::not_for_us)},
      {"unicast in a broadcast frame",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.to = broadcast_mac;
         datagram(m, envelope, Subject::datagrams);
       },
       by_ip, index(Drop::unicast_in_group_frame)},
      {"SYN to everybody",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.to = broadcast_mac;
         envelope.destination = IpAddress::v4(UINT32_MAX);
         segment(m, envelope, some_port, Subject::silent, syn, 1);
       },
       by_ip, index(Drop::group_to_unicast_only)},
      {"extension header without an end",
       [](Attacker& a, Mouth& m) {
         const Byte extension[] = {58, 200, 0, 0, 0, 0, 0, 0};
         Envelope envelope = a.to_v6();
         envelope.extensions = extension;
         envelope.first = Protocol::hop_by_hop_options;
         datagram(m, envelope, Subject::datagrams);
       },
       by_ip, index(Drop::extension_malformed)},
      {"routing header 0",
       [](Attacker& a, Mouth& m) {
         const Byte extension[] = {17, 0, 0, 1, 0, 0, 0, 0};
         Envelope envelope = a.to_v6();
         envelope.extensions = extension;
         envelope.first = Protocol::routing;
         datagram(m, envelope, Subject::datagrams);
       },
       by_ip, index(Drop::extension_refused)},
      {"unknown protocol",
       [](Attacker& a, Mouth& m) {
         Byte rest[20] = {};
         m.ip(a.dice.chance(500'000) ? a.to_v4() : a.to_v6(), static_cast<Protocol>(99), rest);
       },
       by_ip, index(Drop::protocol_unknown)},

      // Fragments.
      {"header chain in two fragments",
       [](Attacker& a, Mouth& m) {
         Byte piece[8] = {};
         Envelope envelope = a.to_v6();
         envelope.more_fragments = true;
         envelope.identification = static_cast<std::uint16_t>(++a.serial);
         envelope.checksum = false;
         m.ip(envelope, Protocol::tcp, piece);
       },
       by_ip, index(Drop::header_chain_incomplete)},
      {"fragment of odd length",
       [](Attacker& a, Mouth& m) {
         const auto id = static_cast<std::uint16_t>(++a.serial);
         fragment(m, a.to_v4(), id, 0, true, 13);
         fragment(m, a.to_v4(), id, 65528, false, 64);
       },
       by_ip, index(Drop::fragment_malformed)},
      {"overlapping fragments",
       [](Attacker& a, Mouth& m) {
         const Envelope envelope = a.dice.chance(500'000) ? a.to_v4() : a.to_v6();
         const auto id = static_cast<std::uint16_t>(++a.serial);
         fragment(m, envelope, id, 0, true, 64);
         fragment(m, envelope, id, 32, true, 64, 9);
         fragment(m, envelope, id, 96, false, 8);
       },
       by_ip, index(Drop::fragment_overlap)},
      {"FragmentSmack",
       [](Attacker& a, Mouth& m) {
         const auto id = static_cast<std::uint16_t>(++a.serial);
         for (std::size_t i = 0; i < 140; ++i) {
           fragment(m, a.to_v4(), id, static_cast<std::uint16_t>(16 + 16 * (i * 37 % 141)), true, 8);
         }
       },
       by_ip, index(Drop::fragment_limit)},
      {"fragments of many packets",
       [](Attacker& a, Mouth& m) {
         for (std::size_t i = 0; i < 40; ++i) {
           fragment(m, a.dice.chance(500'000) ? a.to_v4() : a.to_v6(), static_cast<std::uint16_t>(++a.serial), 0, true, 1400);
         }
       },
       by_ip, index(Drop::reassembly_evicted)},
      {"a fragment without the rest",
       [](Attacker& a, Mouth& m) {
         fragment(m, a.dice.chance(500'000) ? a.to_v4() : a.to_v6(), static_cast<std::uint16_t>(++a.serial), 0, true, 1400);
       }},
      {"fragments that contradict each other",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         const auto id = static_cast<std::uint16_t>(++a.serial);
         envelope.ecn = 3;
         fragment(m, envelope, id, 0, true, 64);
         envelope.ecn = 0;
         fragment(m, envelope, id, 64, false, 64);
       },
       by_ip, index(Drop::reassembly_ecn)},
      {"a long echo",
       [](Attacker& a, Mouth& m) {
         const auto id = static_cast<std::uint16_t>(++a.serial);
         for (std::size_t i = 0; i < 22; ++i) {
           Byte piece[1400] = {};
           if (i == 0) {
             // An echo request of 30,800 bytes: all else is zero.
             piece[0] = 8;
             piece[2] = 0xf7;
             piece[3] = 0xff;
           }
           Envelope envelope = a.to_v4();
           envelope.identification = id;
           envelope.fragment_offset = static_cast<std::uint16_t>(i * sizeof(piece));
           envelope.more_fragments = i != 21;
           envelope.checksum = false;
           m.ip(envelope, Protocol::icmp, piece);
         }
       },
       by_ip, index(Drop::no_room)},

      // ICMP.
      {"truncated ICMP",
       [](Attacker& a, Mouth& m) {
         Byte message[7] = {8};
         m.ip(a.dice.chance(500'000) ? a.to_v4() : a.to_v6(), a.dice.chance(500'000) ? Protocol::icmp : Protocol::icmpv6,
              MutableBytes(message).first(a.dice.up_to(7)));
       }},
      {"truncated ICMPv4",
       [](Attacker& a, Mouth& m) {
         Byte message[7] = {8};
         m.ip(a.to_v4(), Protocol::icmp, MutableBytes(message).first(a.dice.up_to(7)));
       },
       by_ip, index(Drop::icmp_malformed)},
      {"ICMP with a wrong checksum",
       [](Attacker& a, Mouth& m) {
         Byte message[16] = {8, 0, 1, 2};
         Envelope envelope = a.to_v4();
         envelope.checksum = false;
         m.ip(envelope, Protocol::icmp, message);
       },
       by_ip, index(Drop::icmp_checksum)},
      {"ICMP that nobody answers",
       [](Attacker& a, Mouth& m) {
         m.icmp(a.to_v4(), 13, 0, 1, {});
         m.icmp(a.to_v4(), 4, 0, 0, {});
         m.icmp(a.to_v6(), 129, 0, 1, {});
       },
       by_ip, index(Drop::icmp_ignored)},
      {"smurf",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.to = broadcast_mac;
         envelope.destination = IpAddress::v4({10, 9, 0, 255});
         m.icmp(envelope, 8, 0, 1, {});
       },
       by_ip, index(Drop::icmp_group_echo)},
      {"an error about nothing of ours",
       [](Attacker& a, Mouth& m) {
         auto quote = quoted(nobody(203), a.own_v4, 80, 1000, 5);
         m.icmp(a.to_v4(), 3, 3, 0, quote.all());
       },
       by_ip, index(Drop::icmp_error_foreign)},
      {"an error about no connection",
       [](Attacker& a, Mouth& m) {
         auto quote = quoted(a.target.v4, a.own_v4, 80, 1000, static_cast<std::uint32_t>(a.dice.next()));
         m.icmp(a.to_v4(), 3, static_cast<std::uint8_t>(a.dice.up_to(4)), 500, quote.all());
       },
       by_host, index(host::Drop::error_unmatched)},
      {"errors about the customer, blindly",
       [](Attacker& a, Mouth& m) {
         auto quote = quoted(a.target.v4, v4_of_customer, Subject::service, a.customer_port,
                             static_cast<std::uint32_t>(a.dice.next()));
         m.icmp(a.to_v4(), 3, static_cast<std::uint8_t>(a.dice.up_to(4)), 68, quote.all());
       }},
      {"a datagram to everybody",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.to = broadcast_mac;
         envelope.destination = IpAddress::v4(UINT32_MAX);
         datagram(m, envelope, 9);
       },
       by_ip, index(Drop::icmp_error_unwarranted)},
      {"many datagrams for nobody",
       [](Attacker& a, Mouth& m) {
         for (int i = 0; i < 20; ++i) datagram(m, a.dice.chance(500'000) ? a.to_v4() : a.to_v6(), 9);
       },
       by_ip, index(Drop::icmp_error_limited)},
      {"redirect",
       [](Attacker& a, Mouth& m) {
         auto quote = quoted(a.target.v4, v4_of_customer, 80, 1000, 5);
         m.icmp(a.to_v4(), 5, 1, 0x0a090028, quote.all());
       },
       by_ip, index(Drop::redirect_ignored)},

      // Neighbour Discovery.
      {"solicitation from afar",
       [](Attacker& a, Mouth& m) {
         auto message = emitted(wire::NeighborSolicitation{a.target.v6, {}});
         Envelope envelope = a.to_v6();
         envelope.hop_limit = 63;
         m.discovery(envelope, message.all());
       },
       by_ip, index(Drop::ndp_hop_limit)},
      {"malformed Neighbour Discovery",
       [](Attacker& a, Mouth& m) {
         auto message = emitted(wire::NeighborSolicitation{a.target.v6, {}});
         message.size = 24 + 8;  // an option of length 0
         message.bytes[24] = 1;
         m.discovery(a.to_v6(), message.all());
         message.size = 8 + a.dice.up_to(15);
         m.discovery(a.to_v6(), message.all());
       },
       by_ip, index(Drop::ndp_malformed)},
      {"Neighbour Discovery in a fragment",
       [](Attacker& a, Mouth& m) {
         const Byte atomic[] = {58, 0, 0, 0, 0, 0, 0, 1};
         auto message = emitted(wire::NeighborSolicitation{a.target.v6, {}});
         Envelope envelope = a.to_v6();
         envelope.extensions = atomic;
         envelope.first = Protocol::fragment;
         m.discovery(envelope, message.all());
       },
       by_ip, index(Drop::ndp_fragmented)},
      {"IPv6 address taken",
       [](Attacker& a, Mouth& m) {
         wire::NeighborAdvertisement said;
         said.override = true;
         said.target = a.target.v6;
         said.options.target_link_layer_address = m.mac();
         auto message = emitted(said);
         m.discovery(a.to_v6(), message.all());
       },
       by_ip, index(Drop::ndp_conflict)},
      {"unasked Neighbour Advertisement",
       [](Attacker& a, Mouth& m) {
         wire::NeighborAdvertisement said;
         said.target = {{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xee}};
         said.options.target_link_layer_address = m.mac();
         auto message = emitted(said);
         m.discovery(a.to_v6(), message.all());
       },
       by_ip, index(Drop::ndp_unsolicited)},
      {"many routers",
       [](Attacker&, Mouth& m) {
         for (std::uint8_t i = 0; i < 8; ++i) {
           advertise_router(m, link_local(static_cast<std::uint8_t>(100 + i)), {.router_lifetime = 30});
         }
       },
       by_ip, index(Drop::router_limit)},
      {"many prefixes",
       [](Attacker&, Mouth& m) {
         for (std::uint8_t i = 0; i < 3; ++i) {
           wire::RouterAdvertisement said{.router_lifetime = 0};
           for (std::uint8_t n = 0; n < 8; ++n) {
             (void)said.options.prefixes.push_back(prefix(static_cast<std::uint8_t>(16 * i + n), 40));
           }
           advertise_router(m, link_local(99), said);
         }
       },
       by_ip, index(Drop::prefix_limit)},
      {"a lifetime cut short",
       [](Attacker&, Mouth& m) {
         for (const std::uint32_t valid : {86'400u, 60u, 50u}) {
           wire::RouterAdvertisement said{.router_lifetime = 0};
           (void)said.options.prefixes.push_back(prefix(1, valid));
           advertise_router(m, link_local(98), said);
         }
       },
       by_ip, index(Drop::lifetime_ignored)},
      {"MLD query without router alert",
       [](Attacker& a, Mouth& m) {
         auto message = emitted(wire::MldQuery{.maximum_response_code = 100});
         m.ip({.source = link_local(97),
               .destination = all_nodes,
               .to = {{0x33, 0x33, 0, 0, 0, 1}},
               .hop_limit = 1,
               .forged = true},
              Protocol::icmpv6, message.all());
         (void)a;
       },
       by_ip, index(Drop::mld_malformed)},
      {"MLD queries",
       [](Attacker& a, Mouth& m) {
         Byte alert[8];
         Writer out{MutableBytes(alert)};
         wire::emit_router_alert(out, Protocol::icmpv6);
         auto message = emitted(wire::MldQuery{.maximum_response_code = 100});
         m.ip({.source = link_local(97),
               .destination = all_nodes,
               .to = {{0x33, 0x33, 0, 0, 0, 1}},
               .hop_limit = 1,
               .extensions = alert,
               .first = Protocol::hop_by_hop_options,
               .forged = true},
              Protocol::icmpv6, message.all());
         (void)a;
       }},

      // Neighbours.
      {"many neighbours",
       [](Attacker& a, Mouth& m) {
         for (std::uint8_t i = 0; i < 100; ++i) {
           Envelope envelope = a.to_v4();
           envelope.source = nobody(static_cast<std::uint8_t>(100 + i));
           m.icmp(envelope, 8, 0, 1, {});
         }
       },
       by_ip, index(Drop::neighbour_limit)},
      {"many who ask",
       [](Attacker& a, Mouth& m) {
         for (std::uint8_t i = 100; i < 250; ++i) {
           arp(m, broadcast_mac, ArpOperation::request, nobody(i), a.target.v4);
         }
       }},
      {"packets for who is not there",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.source = nobody(static_cast<std::uint8_t>(220 + a.dice.up_to(20)));
         for (int i = 0; i < 6; ++i) m.icmp(envelope, 8, 0, 1, {});
       },
       by_ip, index(Drop::pending_limit)},
      {"neighbours that come and go",
       [](Attacker& a, Mouth& m) {
         // Heard of by their questions, used or not, and claimed by another one.
         const IpAddress them = nobody(static_cast<std::uint8_t>(205 + a.dice.up_to(4)));
         arp(m, broadcast_mac, ArpOperation::request, them, a.target.v4);
         Envelope envelope = a.to_v4();
         envelope.source = them;
         if (a.dice.chance(500'000)) m.icmp(envelope, 8, 0, 1, {});
         if (a.dice.chance(500'000)) arp(m, a.target.mac, ArpOperation::reply, them, a.target.v4);
         if (!a.dice.chance(300'000)) return;
         auto other = emitted(
             wire::ArpPacket{ArpOperation::reply, {{2, 7, 7, 7, 7, 7}}, them, a.target.mac, a.target.v4});
         m.ethernet(a.target.mac, EtherType::arp, other.all(), true);
       }},

      // UDP and TCP, for nobody or from nobody.
      {"UDP with a wrong checksum",
       [](Attacker& a, Mouth& m) {
         Byte message[12] = {3, 0xe7, 0, 7, 0, 12, 1, 1};
         Envelope envelope = a.to_v4();
         envelope.checksum = false;
         m.ip(envelope, Protocol::udp, message);
       },
       by_host, index(host::Drop::udp_checksum)},
      {"truncated UDP",
       [](Attacker& a, Mouth& m) {
         Byte message[12] = {3, 0xe7, 0, 7, 0, 200};
         Envelope envelope = a.to_v4();
         envelope.checksum = false;
         m.ip(envelope, Protocol::udp, MutableBytes(message).first(a.dice.up_to(12)));
       },
       by_host, index(host::Drop::udp_malformed)},
      {"UDP for nobody",
       [](Attacker& a, Mouth& m) { datagram(m, a.to_v4(), 9); },
       by_host, index(host::Drop::udp_no_socket)},
      {"TCP with a wrong checksum",
       [](Attacker& a, Mouth& m) {
         Byte message[20] = {3, 0xe7, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2};
         Envelope envelope = a.to_v4();
         envelope.checksum = false;
         m.ip(envelope, Protocol::tcp, message);
       },
       by_host, index(host::Drop::tcp_checksum)},
      {"malformed TCP",
       [](Attacker& a, Mouth& m) {
         segment(m, a.to_v4(), 0, Subject::silent, syn, 1);
         segment(m, a.to_v4(), some_port, Subject::silent, {.fin = true, .syn = true}, 1);
         Byte message[19] = {3, 0xe7, 0, 80};
         m.ip(a.to_v4(), Protocol::tcp, MutableBytes(message).first(a.dice.up_to(19)));
       },
       by_host, index(host::Drop::tcp_malformed)},
      {"a reset for nobody",
       [](Attacker& a, Mouth& m) { segment(m, a.to_v4(), some_port, Subject::silent, rst, 1); },
       by_host, index(host::Drop::stray_reset)},
      {"a segment for nobody",
       [](Attacker& a, Mouth& m) { segment(m, a.to_v4(), some_port, Subject::nobodys, ack, 1, 1); },
       by_host, index(host::Drop::stray_segment)},
      {"many segments for nobody",
       [](Attacker& a, Mouth& m) {
         for (int i = 0; i < host::SourceLimits::burst + 50; ++i) segment(m, a.to_v4(), some_port, Subject::nobodys, ack, 1, 1);
       },
       by_host, index(host::Drop::stray_limited)},
      {"SYN flood, and a cookie that is none",
       [](Attacker& a, Mouth& m) {
         for (int i = 0; i < 80; ++i) {
           Envelope envelope = a.to_v4();
           envelope.source = nobody(static_cast<std::uint8_t>(100 + a.dice.up_to(60)));
           segment(m, envelope, static_cast<std::uint16_t>(a.dice.next() | 1), Subject::flooded, syn,
                   static_cast<std::uint32_t>(a.dice.next()));
         }
         segment(m, a.to_v4(), some_port, Subject::flooded, ack, 1, static_cast<std::uint32_t>(a.dice.next()));
       },
       by_host, index(host::Drop::not_a_cookie)},
      {"a SYN from where no route leads",
       [](Attacker& a, Mouth& m) {
         Envelope envelope = a.to_v4();
         envelope.source = IpAddress::v4({192, 0, 2, 1});
         segment(m, envelope, some_port, Subject::nobodys, syn, 1);
       }},
      {"segments of the customer, blindly",
       [](Attacker& a, Mouth& m) {
         const Envelope envelope = a.as_customer();
         const wire::TcpFlags kinds[] = {syn, rst, ack, {.syn = true, .ack = true}, {.fin = true, .ack = true}};
         const Byte text[8] = {};
         segment(m, envelope, a.customer_port, Subject::service, kinds[a.dice.up_to(std::size(kinds)) - 1],
                 static_cast<std::uint32_t>(a.dice.next()), static_cast<std::uint32_t>(a.dice.next()),
                 a.dice.chance(500'000) ? Bytes(text) : Bytes());
       }},
      {"what was heard, damaged",
       [](Attacker& a, Mouth& m) {
         Byte frame[2048];
         const MutableBytes again = copy(a.heard().first(std::min(a.heard().size(), sizeof(frame))), frame);
         if (again.size() < 15) return;
         if (a.dice.chance(500'000)) return m.frame(again.first(14 + a.dice.up_to(again.size() - 14)), true);
         const std::size_t bit = a.dice.up_to((again.size() - 14) * 8) - 1;
         again[14 + bit / 8] ^= static_cast<Byte>(1 << bit % 8);
         m.frame(again, true);
       }},
  };
  return all;
}

}  // namespace

std::span<const Attack> attacks() { return all_attacks(); }

void Attacker::begin(const Puppets::Target& against, const IpAddress& of_customer, Instant from, Instant end,
                     Dice& from_dice) {
  target = against;
  customer = of_customer;
  from_ = from;
  end_ = end;
  dice = Dice(from_dice.next());
  offset_ = dice.up_to(attacks().size());
}

void Attacker::hear(Mouth& mouth, Instant now, Bytes frame) {
  const auto segment = segment_in(frame);
  if (!segment || segment->source != customer) return;
  customer_port = segment->header.source_port;
  if (now >= from_ && now < end_ && dice.chance(30'000)) {
    // RFC 5961: resets and SYNs that lie in the window, but not where the next segment will: nobody must notice them.
    const std::uint32_t behind = segment->header.sequence + segment->header.sequence_length(segment->payload.size());
    sim::segment(mouth, as_customer(), customer_port, Subject::service, dice.chance(500'000) ? rst : syn,
                 behind + 2 + static_cast<std::uint32_t>(dice.up_to(400)));
  }
  if (frame.size() > 1600 || !dice.chance(50'000)) return;
  heard_.clear();
  (void)heard_.append(frame);
}

std::optional<Instant> Attacker::speak(Mouth& mouth, Instant now) {
  if (now < from_) return from_;
  if (now >= end_) return std::nullopt;
  const std::span<const Attack> all = attacks();
  // Each once, and then any.
  const std::size_t which = next_ < all.size() ? (next_ + offset_) % all.size() : dice.up_to(all.size()) - 1;
  ++next_;
  all[which].perform(*this, mouth);
  return now + milliseconds(static_cast<std::int64_t>(dice.up_to(next_ < all.size() ? 60 : 400)));
}

}  // namespace limpid::sim
