#include "limpid/sim/oracle.hpp"

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::sim {
namespace {

using namespace tcpip;
using namespace tcpip::wire;

constexpr Duration least_question_interval = milliseconds(900);  // a second, but clocks are not exact
constexpr Duration fragment_lifetime = seconds(30);
// What comes again so soon behind a tap was doubled by the network.
constexpr Duration doubled_within = milliseconds(5);

// Of the flow, the same for both directions. Not keyed: a hostile capture can only make itself slow to judge.
std::size_t hash_of(const SeenSegment& segment) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto both = static_cast<std::uint64_t>(segment.source.address[i] + segment.destination.address[i]);
    hash = (hash ^ both) * 0x100000001b3;
  }
  hash = (hash ^ (segment.source.port ^ segment.destination.port)) * 0x100000001b3;
  hash = (hash ^ static_cast<std::uint64_t>(segment.source.port + segment.destination.port)) * 0x100000001b3;
  return static_cast<std::size_t>(hash ^ hash >> 29);
}

// Strictly, where the header's parser is lenient: every option is one of known form, or of a length that can be.
bool are_well_formed(Bytes options) {
  while (!options.empty() && options[0] != 0) {
    if (options[0] == 1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return false;
    const std::uint8_t kind = options[0], size = options[1];
    const bool fits = kind == 2   ? size == 4
                      : kind == 3 ? size == 3
                      : kind == 4 ? size == 2
                      : kind == 5 ? size >= 10 && size % 8 == 2
                      : kind == 8 ? size == 10
                                  : true;
    if (!fits) return false;
    options = options.subspan(size);
  }
  return true;
}

bool is_solicited_node(const IpAddress& address) {
  constexpr Byte prefix[] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  return Bytes(address.octets).first(sizeof(prefix)) == Bytes(prefix);
}

}  // namespace

Oracle::Oracle(const OracleOptions& options, Budget& budget)
    : options_(options), budget_(&budget), report_(options_, budget), connections_(budget), buckets_(budget) {}

void Oracle::sent(const SeenFrame& frame) { look(frame, {true, false}); }
void Oracle::noted(const SeenFrame& frame) {
  report_.muted = true;
  look(frame, {true, false});
  report_.muted = false;
}
void Oracle::received(const SeenFrame& frame) { look(frame, {false, true}); }
void Oracle::intruded(const SeenFrame& frame) { look(frame, {.intruded = true}); }
void Oracle::captured(const SeenFrame& frame) { look(frame, {true, true}); }

void Oracle::finish(Instant now) {
  for (auto& connection : connections_) connection->finish(now, last_question_, report_);
}

void Oracle::violated(Rule rule, const Packet& packet, std::int64_t found, std::int64_t allowed) {
  report_.violated(
      {rule, packet.number, packet.at, endpoint(packet.source, 0), endpoint(packet.destination, 0), found, allowed});
}

void Oracle::look(const SeenFrame& frame, Moment moment) {
  if (moment.sent) {
    ++report_.frames;
    if (frame.size > frame.bytes.size()) ++report_.cut_short;
  }
  if (frame.bare) return ip(frame, frame.bytes, {}, moment);
  const auto ethernet = EthernetHeader::parse(frame.bytes);
  Packet packet;
  packet.number = frame.packet;
  packet.at = frame.at;
  if (!ethernet) {
    if (moment.sent) violated(Rule::frame_truncated, packet, static_cast<std::int64_t>(frame.bytes.size()), 14);
    return;
  }
  const EthernetHeader& header = ethernet->header;
  if (moment.sent && header.source.is_group()) violated(Rule::group_source, packet);
  const Bytes payload = ethernet->payload(frame.bytes);
  if (header.ether_type == EtherType::arp && moment.sent) arp(frame, payload, header.source);
  if (header.ether_type == EtherType::ipv4 || header.ether_type == EtherType::ipv6) {
    ip(frame, payload, header.source, moment);
  }
}

std::optional<Duration> Oracle::asked_before(const MacAddress& from, const IpAddress& target, Instant now) {
  last_question_ = now;
  const auto known = std::span(asked_).first(std::min(asked_count_, asked_.size()));
  for (Asked& asked : known) {
    if (asked.from != from || asked.target != target) continue;
    const Duration ago = now - asked.at;
    asked.at = now;
    return ago;
  }
  asked_[asked_count_++ % asked_.size()] = {from, target, now};
  return std::nullopt;
}

void Oracle::judge_rate(Rule rule, const Packet& packet, const IpAddress& target) {
  const auto ago = asked_before(packet.from, target, packet.at);
  if (!ago || *ago >= least_question_interval) return;
  if (options_.view == View::tapped && *ago < doubled_within) return;
  violated(rule, packet, ago->microseconds, least_question_interval.microseconds);
}

void Oracle::arp(const SeenFrame& frame, Bytes bytes, const MacAddress& from) {
  const auto parsed = ArpPacket::parse(bytes);
  Packet packet;
  packet.number = frame.packet;
  packet.at = frame.at;
  packet.from = from;
  if (!parsed) {
    if (parsed.error() == WireFault::truncated) violated(Rule::frame_truncated, packet);
    return;
  }
  packet.source = parsed->sender_protocol_address;
  packet.destination = parsed->target_protocol_address;
  if (parsed->sender_hardware_address != from) violated(Rule::arp_sender, packet);
  const bool announces = packet.source == packet.destination;
  if (parsed->operation == ArpOperation::request && !announces) judge_rate(Rule::arp_rate, packet, packet.destination);
}

void Oracle::ip(const SeenFrame& frame, Bytes bytes, const MacAddress& from, Moment moment) {
  Packet packet;
  packet.number = frame.packet;
  packet.at = frame.at;
  packet.from = from;
  packet.segment_size = frame.segment_size;
  const bool is_ipv6 = !bytes.empty() && bytes[0] >> 4 == 6;
  if (!(is_ipv6 ? ipv6(bytes, packet, moment) : ipv4(bytes, packet, moment))) return;
  if (!packet.whole() && frame.size == frame.bytes.size()) {
    if (moment.sent) violated(Rule::ip_header, packet);  // it announces more than there is
    return;
  }
  switch (packet.protocol) {
    case Protocol::tcp:
      return tcp(packet, moment);
    case Protocol::udp:
      return moment.sent ? udp(packet) : void();
    case Protocol::icmp:
      (void)checksum(packet, Icmpv4Header::checksum_offset, moment);
      return;
    case Protocol::icmpv6:
      return moment.sent ? icmpv6(packet) : void();
    default:
      return;
  }
}

bool Oracle::ipv4(Bytes bytes, Packet& packet, Moment moment) {
  auto parsed = Ipv4Header::parse(bytes);
  if (!parsed && parsed.error() == WireFault::truncated) parsed = Ipv4Header::parse_quoted(bytes);
  if (!parsed) {
    if (moment.sent) violated(Rule::ip_header, packet);
    return false;
  }
  const Ipv4Header& header = parsed->header;
  packet.source = header.source;
  packet.destination = header.destination;
  packet.protocol = header.protocol;
  packet.hop_limit = header.time_to_live;
  packet.payload = parsed->payload(bytes);
  packet.payload_size = header.total_length - parsed->payload_offset;
  if (moment.sent) {
    if (header.time_to_live == 0) violated(Rule::ip_time_to_live, packet);
    if (header.source.is_multicast() || header.source.is_limited_broadcast()) violated(Rule::ip_source, packet);
    if (header.source == header.destination && !header.source.is_loopback() && packet.from != MacAddress{}) {
      violated(Rule::ip_land, packet);
    }
    if (header.is_fragment()) fragment(packet, header);
  }
  return !header.is_fragment();
}

bool Oracle::ipv6(Bytes bytes, Packet& packet, Moment moment) {
  packet.ipv6 = true;
  const auto parsed = Ipv6Header::parse_quoted(bytes);
  if (!parsed) {
    if (moment.sent) violated(Rule::ip_header, packet);
    return false;
  }
  const Ipv6Header& header = parsed->header;
  packet.source = header.source;
  packet.destination = header.destination;
  packet.hop_limit = header.hop_limit;
  if (moment.sent) {
    if (header.hop_limit == 0) violated(Rule::ip_time_to_live, packet);
    if (header.source.is_multicast()) violated(Rule::ip_source, packet);
    if (header.source == header.destination && !header.source.is_loopback() && packet.from != MacAddress{}) {
      violated(Rule::ip_land, packet);
    }
  }
  const Bytes payload = parsed->payload(bytes);
  const auto walked = walk_extensions(header.next_header, payload);
  if (!walked || walked->fragment) return false;
  packet.protocol = walked->protocol;
  packet.payload = payload.subspan(walked->offset);
  packet.payload_size = header.payload_length - walked->offset;
  return true;
}

void Oracle::fragment(const Packet& packet, const Ipv4Header& header) {
  const SeenFragment now{packet.source,
                         packet.destination,
                         packet.protocol,
                         header.identification,
                         header.fragment_offset,
                         internet_checksum(packet.payload),
                         packet.at};
  const auto known = std::span(fragments_).first(std::min(fragment_count_, fragments_.size()));
  for (const SeenFragment& before : known) {
    const bool same = before.source == now.source && before.destination == now.destination &&
                      before.protocol == now.protocol && before.identification == now.identification &&
                      before.offset == now.offset && now.at - before.at < fragment_lifetime;
    if (same && before.checksum != now.checksum) {
      violated(Rule::fragment_identification, packet, now.identification, 0);
    }
    if (same) return;
  }
  fragments_[fragment_count_++ % fragments_.size()] = now;
}

bool Oracle::checksum(const Packet& packet, std::size_t offset, Moment moment) {
  if (!packet.whole() || packet.payload.size() < offset + 2) return true;
  if (transport_checksum(packet.source, packet.destination, packet.protocol, packet.payload) == 0) return true;
  const auto field = static_cast<std::uint16_t>(packet.payload[offset] << 8 | packet.payload[offset + 1]);
  const auto length = static_cast<std::uint32_t>(packet.payload_size);
  // A tap in front of the device sees what is left for that to finish.
  const bool left_to_device = options_.view == View::tapped && packet.protocol != Protocol::icmp &&
                              field == pseudo_header(packet.source, packet.destination, packet.protocol, length).sum();
  if (left_to_device) {
    if (moment.sent) ++report_.offloaded_checksums;
    return true;
  }
  if (moment.sent) violated(Rule::transport_checksum, packet, field, 0);
  return false;
}

void Oracle::udp(const Packet& packet) {
  const auto parsed = UdpHeader::parse(packet.payload);
  if (!parsed) {
    if (packet.whole()) violated(Rule::transport_header, packet);
    return;
  }
  if (parsed->header.checksum != 0) {
    (void)checksum(packet, UdpHeader::checksum_offset, {true, false});
  } else if (packet.ipv6) {
    violated(Rule::udp_checksum_missing, packet);
  }
}

void Oracle::icmpv6(const Packet& packet) {
  if (!checksum(packet, Icmpv6Header::checksum_offset, {true, false}) || !packet.whole()) return;
  const auto header = Icmpv6Header::parse(packet.payload);
  if (!header) return violated(Rule::transport_header, packet);
  const Icmpv6Type type = header->header.type;
  const bool discovery = type >= Icmpv6Type::router_solicitation && type <= Icmpv6Type::redirect;
  if (!discovery) return;
  if (packet.hop_limit != 255) violated(Rule::nd_hop_limit, packet, packet.hop_limit, 255);
  bool right = true;
  if (type == Icmpv6Type::router_solicitation) {
    const auto message = RouterSolicitation::parse(packet.payload);
    // RFC 4861, section 6.1.1: no source link-layer address "if the IP source address is the unspecified address".
    right = message && !(packet.source.is_unspecified() && message->options.source_link_layer_address);
  } else if (type == Icmpv6Type::router_advertisement) {
    const auto message = RouterAdvertisement::parse(packet.payload);
    right = message && packet.source.is_link_local();
    if (message && message->retrans_timer != 0) retrans_timer_known_ = false;
    router_seen_ = true;
  } else if (type == Icmpv6Type::neighbor_solicitation) {
    const auto message = NeighborSolicitation::parse(packet.payload);
    right = message.has_value();
    if (message && packet.source.is_unspecified()) {
      right = is_solicited_node(packet.destination) && !message->options.source_link_layer_address;
    }
    // An address whose prefix expires and is advertised again is looked for anew.
    const bool probes_anew = packet.source.is_unspecified() && router_seen_;
    if (message && retrans_timer_known_ && !probes_anew) judge_rate(Rule::nd_rate, packet, message->target);
  } else if (type == Icmpv6Type::neighbor_advertisement) {
    const auto message = NeighborAdvertisement::parse(packet.payload);
    right = message && !(message->solicited && packet.destination.is_multicast());
  } else {
    right = Redirect::parse(packet.payload).has_value() && packet.source.is_link_local();
  }
  if (!right) violated(Rule::nd_message, packet, static_cast<std::int64_t>(type), 0);
}

void Oracle::tcp(const Packet& packet, Moment moment) {
  const auto parsed = TcpHeader::parse(packet.payload);
  if (moment.sent) ++report_.tcp_segments;
  if (!parsed) {
    if (moment.sent && packet.whole()) violated(Rule::transport_header, packet);
    return;
  }
  if (!checksum(packet, TcpHeader::checksum_offset, moment)) return;
  SeenSegment segment;
  segment.packet = packet.number;
  segment.at = packet.at;
  segment.source = endpoint(packet.source, parsed->header.source_port);
  segment.destination = endpoint(packet.destination, parsed->header.destination_port);
  segment.header = parsed->header;
  segment.payload = parsed->payload(packet.payload);
  segment.payload_size = packet.payload_size - parsed->payload_offset;
  segment.options_size = parsed->payload_offset - TcpHeader::least_size;
  segment.superframe_size = packet.segment_size;
  segment.ipv6 = packet.ipv6;
  segment.last_question = last_question_;
  const Bytes options = packet.payload.subspan(TcpHeader::least_size, segment.options_size);
  if (moment.sent && !are_well_formed(options)) {
    report_.violated({Rule::tcp_options, segment.packet, segment.at, segment.source, segment.destination});
  }
  OracleConnection* const its = connection(segment, moment);
  if (its == nullptr) {
    if (moment.sent) ++report_.not_judged;
    return;
  }
  if (its->is_another(segment)) {
    moment.intruded = moment.intruded || moment.received;
    moment.sent = moment.received = false;
  }
  if (moment.sent) its->sent(segment, report_);
  if (moment.received) its->received(segment, report_);
  if (moment.intruded) its->intruded(segment);
}

OracleConnection* Oracle::connection(const SeenSegment& segment, Moment moment) {
  // Kept at most half full.
  if (buckets_.empty() || 2 * (connections_.size() + 1) > buckets_.size()) {
    const std::size_t size = std::max<std::size_t>(64, buckets_.size() * 2);
    Vec<std::uint32_t> larger(*budget_);
    if (!larger.resize(size)) return nullptr;
    for (const std::uint32_t index : buckets_) {
      if (index == 0) continue;
      SeenSegment key;
      key.source = connections_[index - 1]->endpoint(0);
      key.destination = connections_[index - 1]->endpoint(1);
      std::size_t at = hash_of(key) & (size - 1);
      while (larger[at] != 0) at = (at + 1) & (size - 1);
      larger[at] = index;
    }
    buckets_ = std::move(larger);
  }
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = hash_of(segment) & mask;
  for (; buckets_[at] != 0; at = (at + 1) & mask) {
    auto& known = connections_[buckets_[at] - 1];
    if (!known->is_of(segment.source, segment.destination)) continue;
    // Who keeps to the rules begins another connection when the one before is over, whatever was seen of it.
    const bool anew = moment.sent && known->is_another(segment) && (!report_.muted || known->is_over());
    if (!anew) return &*known;
    auto fresh = Box<OracleConnection>::make(*budget_, options_, *budget_);
    if (!fresh) return nullptr;
    ++report_.connections;
    known = std::move(fresh);
    return &*known;
  }
  const TcpFlags flags = segment.header.flags;
  if (!moment.sent || !flags.syn || flags.ack || connections_.size() == options_.most_connections) return nullptr;
  auto fresh = Box<OracleConnection>::make(*budget_, options_, *budget_);
  if (!fresh || !connections_.push_back(std::move(fresh))) return nullptr;
  ++report_.connections;
  buckets_[at] = static_cast<std::uint32_t>(connections_.size());
  return &*connections_.back();
}

void write_text(Writer& out, const Violation& violation) {
  const auto write_endpoint = [&](const stream::Endpoint& end) {
    const IpAddress address = address_of(end);
    const bool bracketed = !address.is_ipv4() && end.port != 0;
    if (bracketed) out.text("[");
    write_text(out, address);
    if (bracketed) out.text("]");
    if (end.port == 0) return;
    out.text(":");
    out.decimal(end.port);
  };
  const auto write_number = [&](std::int64_t number) {
    if (number < 0) out.text("-");
    out.decimal(number < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(number)
                           : static_cast<std::uint64_t>(number));
  };
  out.text(name(violation.rule));
  if (violation.source != violation.destination || violation.rule == Rule::ip_land) {
    out.text(": ");
    write_endpoint(violation.source);
    out.text(" > ");
    write_endpoint(violation.destination);
  }
  if (violation.found != 0 || violation.allowed != 0) {
    out.text(": found ");
    write_number(violation.found);
    out.text(", allowed ");
    write_number(violation.allowed);
  }
  out.text(" (");
  out.text(sentence(violation.rule));
  out.text(")");
}

}  // namespace limpid::sim
