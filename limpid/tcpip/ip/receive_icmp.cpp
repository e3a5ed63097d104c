#include "limpid/tcpip/ip/interface_step.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/mld.hpp"

namespace limpid::tcpip::ip {
namespace {

using wire::Icmpv4Header;
using wire::Icmpv4Type;
using wire::Icmpv4Unreachable;
using wire::Icmpv6Header;
using wire::Icmpv6Type;
using wire::Icmpv6Unreachable;

// RFC 1122, section 4.2.3.9: port and protocol unreachable are hard. (It counts fragmentation needed, too, which RFC
// 1191 gave another meaning.)
UnreachableKind kind_of(const Icmpv4Header& header) {
  if (header.type != Icmpv4Type::destination_unreachable) return UnreachableKind::soft;
  switch (static_cast<Icmpv4Unreachable>(header.code)) {
    case Icmpv4Unreachable::protocol:
    case Icmpv4Unreachable::port:
      return UnreachableKind::hard;
    case Icmpv4Unreachable::fragmentation_needed:
      return UnreachableKind::packet_too_big;
    default:
      return UnreachableKind::soft;
  }
}

UnreachableKind kind_of(const Icmpv6Header& header) {
  if (header.type == Icmpv6Type::packet_too_big) return UnreachableKind::packet_too_big;
  // RFC 4443, section 3.4: code 1 says that the protocol is not known there.
  const bool no_port = header.type == Icmpv6Type::destination_unreachable &&
                       header.code == static_cast<std::uint8_t>(Icmpv6Unreachable::port);
  const bool no_protocol = header.type == Icmpv6Type::parameter_problem && header.code == 1;
  return no_port || no_protocol ? UnreachableKind::hard : UnreachableKind::soft;
}

}  // namespace

void InterfaceStep::receive_icmpv4(const IpHeaders& ip, Bytes message) {
  const auto parsed = Icmpv4Header::parse(message);
  if (!parsed) return drop(Drop::icmp_malformed);
  if (wire::internet_checksum(message) != 0) return drop(Drop::icmp_checksum);
  const Icmpv4Header& header = parsed->header;
  const Bytes rest = parsed->payload(message);
  if (header.type == Icmpv4Type::echo_request) {
    // RFC 1122, section 3.2.2.6: one to a group "MAY be silently discarded"; answered, it would be an amplifier.
    if (ip.to_group) return drop(Drop::icmp_group_echo);
    return answer_echo(ip, header.rest, rest);
  }
  if (header.type == Icmpv4Type::redirect) return drop(Drop::redirect_ignored);
  // RFC 6633: "a host MUST silently ignore ICMP Source Quench".
  if (!header.is_error() || header.type == Icmpv4Type::source_quench || ip.to_group) return drop(Drop::icmp_ignored);
  const UnreachableKind kind = kind_of(header);
  receive_error(
      rest, true, kind,
      kind == UnreachableKind::packet_too_big ? std::optional<std::uint32_t>(header.next_hop_mtu()) : std::nullopt);
}

void InterfaceStep::receive_icmpv6(const IpHeaders& ip, Bytes message, const Arrival& arrival, bool router_alert) {
  const auto parsed = Icmpv6Header::parse(message);
  if (!parsed) return drop(Drop::icmp_malformed);
  if (wire::transport_checksum(ip.source, ip.destination, Protocol::icmpv6, message) != 0) {
    return drop(Drop::icmp_checksum);
  }
  const Icmpv6Header& header = parsed->header;
  // Of who has the address that we would like to have, only his objection is of interest.
  const bool from_same = !arrival.looped && state_.addresses_.find(ip.source) != nullptr;
  if (from_same && header.type != Icmpv6Type::neighbor_advertisement) return drop(Drop::own_source);
  switch (header.type) {
    case Icmpv6Type::router_advertisement:
    case Icmpv6Type::neighbor_solicitation:
    case Icmpv6Type::neighbor_advertisement:
      return receive_ndp(ip, message, arrival);
    case Icmpv6Type::redirect:
      return drop(Drop::redirect_ignored);
    case Icmpv6Type::multicast_listener_query:
      return receive_mld_query(ip, message, router_alert);
    default:
      break;
  }
  if (ip.source.is_unspecified()) return drop(Drop::martian_source);
  const Bytes rest = parsed->payload(message);
  if (header.type == Icmpv6Type::echo_request) {
    // RFC 4443, section 4.2 would have one to a group answered: from the link only, lest it be an amplifier.
    if (ip.to_group && !ip.source.is_link_local()) return drop(Drop::icmp_group_echo);
    return answer_echo(ip, header.rest, rest);
  }
  if (!header.is_error() || ip.to_group) return drop(Drop::icmp_ignored);
  const UnreachableKind kind = kind_of(header);
  receive_error(rest, false, kind,
                kind == UnreachableKind::packet_too_big ? std::optional(header.mtu()) : std::nullopt);
}

void InterfaceStep::answer_echo(const IpHeaders& ip, std::uint32_t rest, Bytes data) {
  Packet reply;
  reply.destination = ip.source;
  reply.source = ip.destination;
  if (ip.to_group) {
    const auto source = state_.source_for(ip.source);
    if (!source) return drop(Drop::icmp_ignored);
    reply.source = *source;
  }
  const bool ipv4 = ip.source.is_ipv4();
  Byte header[Icmpv4Header::size];
  Writer out{MutableBytes(header)};
  if (ipv4) {
    Icmpv4Header{Icmpv4Type::echo_reply, 0, rest}.emit(out);
  } else {
    Icmpv6Header{Icmpv6Type::echo_reply, 0, rest}.emit(out);
  }
  const Bytes payload[] = {data};
  reply.protocol = ipv4 ? Protocol::icmp : Protocol::icmpv6;
  reply.ecn = 0;
  reply.header = header;
  reply.checksum_offset = Icmpv4Header::checksum_offset;
  reply.payload = payload;
  reply.copied = true;
  if (state_.send(config_, now_, reply, out_) == SendResult::no_room) drop(Drop::no_room);
}

// An error about something that we sent, or are said to have sent.
void InterfaceStep::receive_error(Bytes quoted, bool ipv4, UnreachableKind kind, std::optional<std::uint32_t> mtu) {
  Unreachable told;
  told.kind = kind;
  if (mtu) told.mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(*mtu, UINT16_MAX));
  if (ipv4) {
    const auto parsed = wire::Ipv4Header::parse_quoted(quoted);
    // Of later fragments nobody can say whose they were.
    if (!parsed || parsed->header.fragment_offset != 0) return drop(Drop::icmp_error_foreign);
    told.protocol = parsed->header.protocol;
    told.source = parsed->header.source;
    told.destination = parsed->header.destination;
    told.quoted = parsed->payload(quoted);
  } else {
    const auto parsed = wire::Ipv6Header::parse_quoted(quoted);
    if (!parsed) return drop(Drop::icmp_error_foreign);
    const Bytes payload = parsed->payload(quoted);
    const auto extensions = wire::walk_extensions(parsed->header.next_header, payload);
    if (!extensions || (extensions->fragment && extensions->fragment->fragment_offset != 0)) {
      return drop(Drop::icmp_error_foreign);
    }
    told.protocol = extensions->protocol;
    told.source = parsed->header.source;
    told.destination = parsed->header.destination;
    told.quoted = payload.subspan(extensions->offset);
  }
  constexpr std::size_t least_quoted = 8;  // RFC 792
  const bool ours = state_.addresses_.usable(told.source) != nullptr;
  const bool known = told.protocol == Protocol::tcp || told.protocol == Protocol::udp;
  if (!ours || !known || told.quoted.size() < least_quoted) return drop(Drop::icmp_error_foreign);
  out_.actions.push(told);
}

// RFC 3810, section 6.2.
void InterfaceStep::receive_mld_query(const IpHeaders& ip, Bytes message, bool router_alert) {
  const auto query = wire::MldQuery::parse(message);
  // "Upon reception of an MLD message that contains a Query, the node checks if the source address of the message is a
  // valid link-local address, if the Hop Limit is set to 1, and if the Router Alert option is present [...]. If any of
  // these checks fails, the packet is dropped."
  if (!query || !ip.source.is_link_local() || ip.hop_limit != 1 || !router_alert) return drop(Drop::mld_malformed);
  const IpAddress& group = query->multicast_address;
  if (!group.is_unspecified() && !state_.addresses_.in_solicited_node_group(group)) return drop(Drop::icmp_ignored);
  const std::uint64_t delay = random_below(std::uint64_t{query->maximum_response_delay_ms()} * 1000 + 1);
  state_.listener_.queried(now() + microseconds(1 + static_cast<std::int64_t>(delay)));
}

}  // namespace limpid::tcpip::ip
