#include "limpid/sim/liar.hpp"

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/ndp.hpp"

namespace limpid::sim {

using namespace tcpip;
using dhcp::MessageType;

namespace {

constexpr std::size_t dhcp_lies = 15;
constexpr std::string_view names[] = {"www.example", "a.b.c.example", "alias.example", "no such name"};

}  // namespace

void Liar::begin(const Puppets::Target& target, Instant from, Instant end, Dice& dice) {
  target_ = target;
  from_ = from;
  end_ = end;
  dice_ = Dice(dice.next());
  lease_time_ = static_cast<std::uint32_t>(20 + dice_.up_to(30));
}

void Liar::hear(Mouth& mouth, Instant, Bytes frame) {
  if (const auto datagram = datagram_in(frame)) {
    if (datagram->destination_port == dhcp::server_port) {
      const auto message = dhcp::Message::parse(datagram->payload);
      if (message && message->operation == dhcp::Operation::request) hear_dhcp(mouth, *message);
    } else if (datagram->destination_port == dns::server_port && has(datagram->destination)) {
      hear_dns(mouth, *datagram);
    }
  } else if (const auto segment = segment_in(frame); segment && has(segment->destination)) {
    hear_stream(mouth, *segment);
  }
}

std::optional<Instant> Liar::speak(Mouth& mouth, Instant now) {
  if (now < from_) return from_;
  if (now >= end_) return std::nullopt;
  switch (dice_.up_to(6)) {
    case 1:
      // Not so often that no lease would last.
      if (dice_.chance(200'000)) contest(mouth);
      break;
    case 2:
      advertise(mouth);
      break;
    case 3:
      // Out of the blue, at whatever state the client is in.
      if (asked_) dhcp_lie(mouth, *asked_, dice_.up_to(dhcp_lies) - 1);
      break;
    case 4:
      if (asked_) {
        constexpr MessageType types[] = {MessageType::offer, MessageType::ack, MessageType::nak, MessageType::inform};
        say(mouth, reply(*asked_, types[dice_.up_to(4) - 1]));
      }
      break;
    default:
      subject_.tell(dns::Resolve{++token_, names[dice_.up_to(std::size(names)) - 1],
                                 static_cast<dns::Family>(dice_.up_to(3) - 1)});
      break;
  }
  return now + milliseconds(static_cast<std::int64_t>(dice_.up_to(1500)));
}

// DHCP.

dhcp::Message Liar::reply(const dhcp::Message& asked, MessageType type) const {
  dhcp::Message message;
  message.operation = dhcp::Operation::reply;
  message.xid = asked.xid;
  message.chaddr = asked.chaddr;
  message.type = type;
  message.server_identifier = own_v4_;
  if (type == MessageType::nak) return message;
  message.yiaddr = IpAddress::v4({10, 9, 0, leased_});
  message.subnet_mask = IpAddress::v4({255, 255, 255, 0});
  message.lease_time = lease_time_;
  // So that it is long in each of its states.
  message.renewal_time = lease_time_ / 4;
  message.rebinding_time = lease_time_ / 3;
  (void)message.routers.push_back(own_v4_);
  (void)message.domain_name_servers.push_back(own_v4_);
  message.interface_mtu = 1400;
  return message;
}

void Liar::say(Mouth& mouth, const dhcp::Message& message) {
  Byte bytes[dhcp::largest_emitted];
  Writer out{MutableBytes(bytes)};
  message.emit(out);
  // To everybody, as is asked for, or to the one that has the address.
  mouth.udp({.source = own_v4_, .destination = IpAddress::v4(UINT32_MAX), .to = broadcast_mac}, dhcp::server_port,
            dhcp::client_port, out.written());
}

void Liar::hear_dhcp(Mouth& mouth, const dhcp::Message& asked) {
  asked_ = asked;
  if (asked.type != MessageType::discover && asked.type != MessageType::request) return;
  if (dice_.chance(400'000)) {
    for (std::size_t n = dice_.up_to(4); n > 0; --n) dhcp_lie(mouth, asked, dice_.up_to(dhcp_lies) - 1);
  }
  // Silence, more often to who has a lease: so he stays in his states longer.
  if (dice_.chance(asked.ciaddr != any_ipv4 ? 600'000 : 250'000)) return;
  if (asked.type == MessageType::discover) {
    leased_ = static_cast<std::uint8_t>(100 + dice_.up_to(8));
    return say(mouth, reply(asked, MessageType::offer));
  }
  if (asked.requested_address) leased_ = asked.requested_address->octets[15];
  if (asked.ciaddr != any_ipv4) leased_ = asked.ciaddr.octets[15];
  say(mouth, reply(asked, dice_.chance(250'000) ? MessageType::nak : MessageType::ack));
}

void Liar::dhcp_lie(Mouth& mouth, const dhcp::Message& asked, std::size_t which) {
  const bool discover = asked.type == MessageType::discover;
  dhcp::Message lie = reply(asked, discover ? MessageType::offer : MessageType::ack);
  const Byte rubbish[50] = {2, 1, 6};
  switch (which) {
    case 0:
      return mouth.udp({.source = own_v4_, .destination = IpAddress::v4(UINT32_MAX), .to = broadcast_mac},
                       dhcp::server_port, dhcp::client_port, rubbish);
    case 1:
      lie.operation = dhcp::Operation::request;
      break;
    case 2:
      lie.xid ^= 1;
      break;
    case 3:
      lie.chaddr.octets[5] ^= 1;
      break;
    case 4:
      lie.client_identifier = {1, 2, 3};
      break;
    case 5:
      lie.server_identifier.reset();
      break;
    case 6:
      lie.yiaddr = IpAddress::v4({127, 0, 0, 1});
      break;
    case 7:
      lie.subnet_mask = IpAddress::v4({255, 0, 255, 0});
      break;
    case 8:
      lie.lease_time.reset();
      break;
    case 9:
      lie.lease_time = 3;
      break;
    case 10:
      lie.server_identifier = IpAddress::v4({10, 9, 0, 77});
      break;
    case 11:
      lie.type = discover ? MessageType::ack : MessageType::offer;
      break;
    case 12:
      lie = reply(asked, MessageType::nak);
      break;
    case 13:
      lie.type = MessageType::inform;
      break;
    default:
      // The host's own address, that of another one, a network's.
      lie.yiaddr = dice_.chance(300'000) ? IpAddress::v4({10, 9, 0, 0}) : IpAddress::v4({10, 9, 0, 1});
      break;
  }
  say(mouth, lie);
}

void Liar::contest(Mouth& mouth) {
  const IpAddress leased = IpAddress::v4({10, 9, 0, leased_});
  for (int i = 0; i < 2; ++i) {
    Byte message[wire::ArpPacket::size];
    Writer out{MutableBytes(message)};
    wire::ArpPacket{wire::ArpOperation::reply, mouth.mac(), leased, {}, leased}.emit(out);
    mouth.ethernet(broadcast_mac, wire::EtherType::arp, out.written(), true);
  }
}

// DNS.

void Liar::hear_dns(Mouth& mouth, const HeardDatagram& asked) {
  Byte bytes[1024];
  Reader in(asked.payload);
  const auto question = dns::Header::parse(in);
  if (!question) return;
  dns::Header header = *question;
  header.response = header.recursion_available = true;
  Envelope back{.source = asked.destination, .destination = asked.source, .to = target_.mac};
  std::uint16_t from = dns::server_port;
  std::uint16_t to = asked.source_port;
  std::size_t cut = 0;
  int times = 1;
  switch (dice_.up_to(14)) {
    case 1:
      header.id ^= 1;
      times = 12;
      break;
    case 2:
      header.response = false;
      break;
    case 3:
      header.questions = 2;
      break;
    case 4:
      header.answers = 3;
      cut = 5;
      break;
    case 5:
      header.code = dns::ResponseCode::server_failure;
      break;
    case 6:
    case 7:
      header.truncated = true;
      break;
    case 8:
      from = 54;
      break;
    case 9:
      to = static_cast<std::uint16_t>(to ^ 1);
      break;
    case 10:
      header.code = dns::ResponseCode::name_error;
      break;
    case 11:
      return;
    default:
      header.answers = static_cast<std::uint16_t>(dice_.up_to(4));
      break;
  }
  const std::size_t size = answer_to(asked.payload, header, bytes) - cut;
  for (int i = 0; i < times; ++i) mouth.udp(back, from, to, Bytes(bytes).first(size));
}

std::size_t Liar::answer_to(Bytes question, dns::Header header, MutableBytes room) {
  Reader in(question);
  (void)dns::Header::parse(in);
  const auto asked = dns::Question::parse(question, in);
  Writer out(room);
  header.emit(out);
  if (!asked) return out.size();
  asked->emit(out);
  for (std::uint16_t i = 0; i < header.answers; ++i) {
    out.u16(0xc00c);  // the name of the question
    out.u16(static_cast<std::uint16_t>(asked->type));
    out.u16(dns::internet_class);
    out.u32(60);
    const bool long_one = asked->type == dns::RecordType::aaaa;
    out.u16(long_one ? 16 : 4);
    if (long_one) {
      out.bytes(Bytes(IpAddress{{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}.octets));
    } else {
      out.u32(0x0a090002);
    }
  }
  return out.size();
}

// Of TCP as little as an answer takes: what is to be said follows from what was heard.
void Liar::hear_stream(Mouth& mouth, const HeardSegment& heard) {
  const wire::TcpHeader& asked = heard.header;
  if (asked.flags.rst) return;
  wire::TcpHeader header;
  header.flags.ack = true;
  header.window = 8000;
  header.sequence = asked.acknowledgment;
  header.acknowledgment = asked.sequence + asked.sequence_length(heard.payload.size());
  const Envelope back{.source = heard.destination, .destination = heard.source, .to = target_.mac};
  Byte bytes[1024];
  Bytes payload;
  if (asked.destination_port != dns::server_port) {
    header.flags = {.rst = true, .ack = true};
  } else if (asked.flags.syn) {
    header.flags.syn = true;
    header.sequence = asked.sequence + 77;
    const std::size_t mood = dice_.up_to(8);
    if (mood == 1) return;
    if (mood == 2) header.flags = {.rst = true, .ack = true};
  } else if (heard.payload.size() > 2) {
    Reader in(heard.payload.subspan(2));
    auto answer = dns::Header::parse(in);
    if (!answer) return;
    answer->response = answer->recursion_available = true;
    answer->answers = 2;
    const std::size_t mood = dice_.up_to(7);
    if (mood == 1) return;
    if (mood == 2) answer->id ^= 1;
    const std::size_t size = answer_to(heard.payload.subspan(2), *answer, MutableBytes(bytes).subspan(2));
    Writer length{MutableBytes(bytes)};
    length.u16(mood == 3 ? 0xffff : static_cast<std::uint16_t>(size));
    payload = Bytes(bytes).first(2 + (mood == 4 ? size / 2 : size));
    header.flags.fin = mood == 4 || mood == 5;
    if (mood == 6) {
      header.flags = {.rst = true, .ack = true};
      payload = {};
    }
  } else if (asked.flags.fin) {
    header.flags.fin = true;
  } else {
    return;
  }
  mouth.tcp(back, asked.destination_port, asked.source_port, header, payload);
}

void Liar::advertise(Mouth& mouth) {
  wire::RouterAdvertisement said;
  said.router_lifetime = static_cast<std::uint16_t>(dice_.up_to(3) * 5);
  said.retrans_timer = dice_.chance(300'000) ? 1 : 0;
  said.reachable_time = dice_.chance(300'000) ? 1 : 0;
  said.options.source_link_layer_address = mouth.mac();
  if (dice_.chance(500'000)) said.options.mtu = static_cast<std::uint32_t>(1000 + dice_.up_to(600));
  (void)said.options.prefixes.push_back({64,
                                         true,
                                         true,
                                         static_cast<std::uint32_t>(dice_.up_to(9)),
                                         1,
                                         {{0xfd, 0x66, 0, 0, 0, static_cast<Byte>(dice_.up_to(3))}}});
  for (std::size_t n = dice_.up_to(3) - 1; n > 0; --n) {
    (void)said.options.servers.push_back({static_cast<std::uint32_t>(dice_.up_to(8)), own_v6_});
  }
  Byte message[512];
  Writer out{MutableBytes(message)};
  said.emit(out);
  constexpr IpAddress all_nodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  mouth.discovery({.source = {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50}},
                   .destination = all_nodes,
                   .to = {{0x33, 0x33, 0, 0, 0, 1}}},
                  out.written());
}

}  // namespace limpid::sim
