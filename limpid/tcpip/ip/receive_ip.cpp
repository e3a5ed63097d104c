#include "limpid/tcpip/ip/interface_step.hpp"
#include "limpid/tcpip/ip/martians.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/tcp.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::tcpip::ip {
namespace {

using wire::Ipv4Header;
using wire::Ipv6Header;

// RFC 791, section 3.1: loose and strict source routes. "A system MUST support a setting [to] discard datagrams with
// source routes" (RFC 7126, sections 4.3 and 4.4, which make that the default).
bool has_source_route(Bytes options) {
  constexpr std::uint8_t end_of_list = 0, no_operation = 1, loose_source_route = 131, strict_source_route = 137;
  while (!options.empty() && options[0] != end_of_list) {
    if (options[0] == loose_source_route || options[0] == strict_source_route) return true;
    const std::size_t size = options[0] == no_operation ? 1 : options.size() > 1 ? options[1] : 0;
    if (size == 0 || (options[0] != no_operation && size < 2) || size > options.size()) return false;
    options = options.subspan(size);
  }
  return false;
}

// RFC 7112: "a host [...] MUST include the entire IPv6 header chain in the first fragment"; the chain ends with the
// upper layer's header.
std::size_t least_header(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return wire::TcpHeader::least_size;
    case Protocol::udp:
      return wire::UdpHeader::size;
    case Protocol::icmpv6:
      return wire::Icmpv6Header::size;
    default:
      return 0;
  }
}

// Where an IPv6 header names the next one.
constexpr std::size_t next_header_offset = 6;

}  // namespace

std::optional<Drop> InterfaceStep::judge_addresses(const IpHeaders& ip, const Arrival& arrival) const {
  if (arrival.looped) return std::nullopt;
  const AddressList& ours = state_.addresses_;
  if (const LocalAddress* const same = ours.find(ip.source)) {
    // Whoever has an address that we would like to have says so from that very address (RFC 4862, section 5.4.4).
    const bool may_object = same->undecided() && ip.protocol == Protocol::icmpv6 && ip.to_group;
    if (!may_object) return ip.source == ip.destination ? Drop::land : Drop::own_source;
  }
  // Only those who look for an address of their own have none, and they speak NDP or MLD.
  const bool nameless = ip.source == any_ipv6 && ip.protocol == Protocol::icmpv6;
  if ((is_martian_source(ip.source) && !nameless) || ours.is_directed_broadcast(ip.source)) {
    return Drop::martian_source;
  }
  if (is_martian_destination(ip.destination)) return Drop::martian_destination;
  if (!ip.to_group) {
    if (ours.usable(ip.destination) == nullptr) return Drop::not_for_us;
    // "a host SHOULD silently discard a datagram that is received via a link-layer broadcast [...] but does not specify
    // an IP multicast or broadcast destination address."
    return arrival.to_group ? std::optional(Drop::unicast_in_group_frame) : std::nullopt;
  }
  if (ip.destination.is_ipv4()) {
    return ip.destination.is_multicast() ? std::optional(Drop::not_for_us) : std::nullopt;
  }
  const bool listened = ip.destination == all_nodes || ours.in_solicited_node_group(ip.destination);
  return listened ? std::nullopt : std::optional(Drop::not_for_us);
}

void InterfaceStep::receive_ipv4(MutableBytes packet, const Arrival& arrival) {
  const auto parsed = Ipv4Header::parse(packet);
  if (!parsed) return drop(Drop::ipv4_malformed);
  const Ipv4Header& header = parsed->header;
  const IpHeaders ip{header.source,
                     header.destination,
                     header.protocol,
                     header.ecn,
                     header.time_to_live,
                     header.destination.is_multicast() || header.destination.is_limited_broadcast() ||
                         state_.addresses_.is_directed_broadcast(header.destination)};
  if (const auto why = judge_addresses(ip, arrival)) return drop(*why);
  if (has_source_route(header.options)) return drop(Drop::ipv4_source_route);
  const Bytes whole = Bytes(packet).first(header.total_length);
  if (header.is_fragment()) return reassemble_ipv4(*parsed, whole, arrival);
  receive_upper(ip, whole, parsed->payload(packet), arrival, 0);
}

void InterfaceStep::receive_ipv6(MutableBytes packet, const Arrival& arrival) {
  const auto parsed = Ipv6Header::parse(packet);
  if (!parsed) return drop(Drop::ipv6_malformed);
  const Ipv6Header& header = parsed->header;
  IpHeaders ip{header.source, header.destination, header.next_header,
               header.ecn,    header.hop_limit,   header.destination.is_multicast()};
  const MutableBytes payload = parsed->payload(packet);
  const Bytes whole = Bytes(packet).first(Ipv6Header::size + payload.size());
  const auto extensions = wire::walk_extensions(header.next_header, payload);
  if (extensions) ip.protocol = extensions->protocol;
  if (const auto why = judge_addresses(ip, arrival)) return drop(*why);
  if (!extensions) {
    const wire::Ipv6ExtensionProblem& problem = extensions.error();
    if (problem.reply == wire::Ipv6ExtensionProblem::Reply::none) return drop(Drop::extension_malformed);
    drop(Drop::extension_refused);
    const auto pointer = static_cast<std::uint32_t>(Ipv6Header::size + problem.pointer);
    const bool about_groups = problem.reply == wire::Ipv6ExtensionProblem::Reply::parameter_problem;
    return complain(whole, ip, arrival, IcmpComplaint::parameter_problem(problem.code, pointer, about_groups));
  }
  // A fragment within a fragment: nobody sends that.
  if (extensions->fragment && arrival.reassembled) return drop(Drop::fragment_malformed);
  if (extensions->fragment) return reassemble_ipv6(header, *extensions, whole, payload, arrival);
  const MutableBytes upper = payload.subspan(extensions->offset);
  if (ip.protocol == Protocol::icmpv6) {
    Arrival how = arrival;
    how.reassembled = how.reassembled || extensions->atomic_fragment;
    return receive_icmpv6(ip, upper, how, extensions->router_alert);
  }
  receive_upper(ip, whole, upper, arrival,
                extensions->next_header_at ? Ipv6Header::size + *extensions->next_header_at : next_header_offset);
}

void InterfaceStep::receive_upper(const IpHeaders& ip, Bytes packet, MutableBytes payload, const Arrival& arrival,
                                  std::size_t next_header_at) {
  const bool ipv4 = ip.source.is_ipv4();
  if (ip.protocol == Protocol::icmp && ipv4) return receive_icmpv4(ip, payload);
  if (ip.protocol == Protocol::tcp || ip.protocol == Protocol::udp) {
    // RFC 9293, section 3.9.2.3: "MUST silently discard an incoming segment [...] addressed to a broadcast or multicast
    // address".
    const bool to_group = ip.to_group || arrival.to_group;
    if (to_group && ip.protocol == Protocol::tcp) return drop(Drop::group_to_unicast_only);
    Deliver delivered;
    delivered.protocol = ip.protocol;
    delivered.source = ip.source;
    delivered.destination = ip.destination;
    delivered.payload = payload;
    delivered.packet = packet;
    delivered.ecn = ip.ecn;
    delivered.hop_limit = ip.hop_limit;
    delivered.checksum_good = arrival.looped || (arrival.offload.checksum_good && !arrival.reassembled);
    delivered.segment_size = arrival.reassembled ? std::uint16_t{0} : arrival.offload.segment_size;
    delivered.broadcast_or_multicast = to_group;
    delivers_ = true;
    return out_.actions.push(delivered);
  }
  drop(Drop::protocol_unknown);
  // RFC 8200, section 4.7: "No Next Header" is no error.
  if (ip.to_group || ip.protocol == Protocol::no_next_header) return;
  complain(packet, ip, arrival, IcmpComplaint::protocol_unreachable(ipv4, static_cast<std::uint32_t>(next_header_at)));
}

// Fragments.

void InterfaceStep::reassemble_ipv4(const wire::Parsed<Ipv4Header>& parsed, Bytes packet, const Arrival& arrival) {
  Ipv4Header header = parsed.header;
  const FragmentKey key{header.source, header.destination, header.identification, header.protocol};
  Fragment fragment{header.fragment_offset, header.more_fragments, header.ecn, parsed.payload(packet)};
  // As the first piece alone would have it: so it is quoted if the others do not come.
  Byte kept[Ipv4Header::least_size];
  header.options = {};
  header.total_length = static_cast<std::uint16_t>(Ipv4Header::least_size + fragment.bytes.size());
  Writer out{MutableBytes(kept)};
  header.emit(out);
  fragment.header = kept;
  auto whole = state_.reassembler_.add(now(), config_.limits, key, fragment, state_.drops_);
  if (!whole) return;
  const MutableBytes bytes(whole->packet.data(), whole->packet.size());
  header = Ipv4Header::parse_quoted(bytes)->header;
  header.more_fragments = header.dont_fragment = false;
  header.total_length = static_cast<std::uint16_t>(bytes.size());
  header.ecn = whole->ecn;
  Writer front(bytes);
  header.emit(front);
  state_.delivered_ = std::move(whole->packet);
  Arrival how = arrival;
  how.reassembled = true;
  receive_ipv4({state_.delivered_.data(), state_.delivered_.size()}, how);
}

void InterfaceStep::reassemble_ipv6(const Ipv6Header& received, const wire::Ipv6Extensions& extensions, Bytes packet,
                                    Bytes payload, const Arrival& arrival) {
  constexpr std::uint8_t erroneous_field = 0, incomplete_header_chain = 3;  // RFC 4443, RFC 7112
  const wire::Ipv6FragmentHeader& said = *extensions.fragment;
  const IpHeaders ip{received.source, received.destination, extensions.protocol,
                     received.ecn,    received.hop_limit,   received.destination.is_multicast()};
  const Bytes carried = payload.subspan(extensions.offset);
  // RFC 8200, section 4.5: "If the length of a fragment [...] is not a multiple of 8 octets and the M flag of that
  // fragment packet is 1 [...] an ICMP Parameter Problem, Code 0, message should be sent [...] pointing to the Payload
  // Length field"; and for what goes beyond 65535 bytes "to the Fragment Offset field".
  if (said.more_fragments && carried.size() % 8 != 0) {
    drop(Drop::fragment_malformed);
    return complain(packet, ip, arrival, IcmpComplaint::parameter_problem(erroneous_field, 4, false));
  }
  if (said.fragment_offset + carried.size() > UINT16_MAX) {
    drop(Drop::fragment_malformed);
    const std::size_t at = Ipv6Header::size + extensions.offset - wire::Ipv6FragmentHeader::size + 2;
    return complain(packet, ip, arrival,
                    IcmpComplaint::parameter_problem(erroneous_field, static_cast<std::uint32_t>(at), false));
  }
  if (said.fragment_offset == 0) {
    const auto chain = wire::walk_extensions(said.next_header, carried);
    // "If the first fragment does not include all headers through an Upper-Layer header, then that fragment should be
    // discarded and an ICMP Parameter Problem, Code 3, message should be sent".
    const bool cut = !chain && chain.error().fault == wire::WireFault::truncated;
    if (cut || (chain && carried.size() - chain->offset < least_header(chain->protocol))) {
      drop(Drop::header_chain_incomplete);
      return complain(packet, ip, arrival, IcmpComplaint::parameter_problem(incomplete_header_chain, 0, false));
    }
  }

  const FragmentKey key{received.source, received.destination, said.identification};
  Fragment fragment{said.fragment_offset, said.more_fragments, received.ecn, carried};
  // "The Fragment header is not present in the final, reassembled packet." What stood in front of it was judged.
  Byte kept[Ipv6Header::size];
  Ipv6Header header = received;
  header.next_header = said.next_header;
  header.payload_length = static_cast<std::uint16_t>(carried.size());
  Writer out{MutableBytes(kept)};
  header.emit(out);
  fragment.header = kept;
  auto whole = state_.reassembler_.add(now(), config_.limits, key, fragment, state_.drops_);
  if (!whole) return;
  const MutableBytes bytes(whole->packet.data(), whole->packet.size());
  header = Ipv6Header::parse_quoted(bytes)->header;
  header.payload_length = static_cast<std::uint16_t>(bytes.size() - Ipv6Header::size);
  header.ecn = whole->ecn;
  Writer front(bytes);
  header.emit(front);
  state_.delivered_ = std::move(whole->packet);
  Arrival how = arrival;
  how.reassembled = true;
  receive_ipv6({state_.delivered_.data(), state_.delivered_.size()}, how);
}

// What we sent to ourselves.
void InterfaceStep::receive_looped() {
  if (!state_.looped_due_ || *state_.looped_due_ > now()) return;
  // One a step: there is one place to point into, and whoever gets a packet may have more to do about it first.
  if (delivers_ || !state_.delivered_.empty()) more_ = true;
  if (!has_room()) return;
  state_.delivered_ = std::move(state_.looped_[0].frame);
  state_.looped_.erase_front(1);
  if (state_.looped_.empty()) {
    state_.looped_due_.reset();
  } else {
    more_ = true;
  }
  const MutableBytes frame(state_.delivered_.data(), state_.delivered_.size());
  const auto parsed = wire::EthernetHeader::parse(frame);
  if (!parsed) return drop(Drop::frame_malformed);
  Arrival arrival;
  arrival.looped = true;
  if (parsed->header.ether_type == wire::EtherType::ipv4) return receive_ipv4(parsed->payload(frame), arrival);
  receive_ipv6(parsed->payload(frame), arrival);
}

void InterfaceStep::complain(Bytes packet, const IpHeaders& ip, const Arrival& arrival,
                             const IcmpComplaint& complaint) {
  if (arrival.to_group && !complaint.about_groups) return drop(Drop::icmp_error_unwarranted);
  const auto from = state_.may_answer(now_, packet, ip.source, ip.destination, complaint);
  if (!from) return;
  const IcmpError error(complaint, *from, ip.source, packet);
  if (state_.send(config_, now_, error.packet(), out_) == SendResult::no_room) drop(Drop::no_room);
}

}  // namespace limpid::tcpip::ip
