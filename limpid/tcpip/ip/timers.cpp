#include "limpid/tcpip/ip/interface_step.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/ndp.hpp"

namespace limpid::tcpip::ip {
namespace {

// RFC 5227, section 1.1.
constexpr Duration probe_wait = seconds(1);
constexpr std::uint8_t probe_num = 3;
constexpr Duration probe_min = seconds(1);
constexpr Duration probe_max = seconds(2);
constexpr Duration announce_wait = seconds(2);
constexpr std::uint8_t announce_num = 2;
constexpr Duration announce_interval = seconds(2);

// RFC 4861, section 10; RFC 4862, section 5.1.
constexpr Duration max_rtr_solicitation_delay = seconds(1);
constexpr Duration rtr_solicitation_interval = seconds(4);
constexpr std::uint8_t max_rtr_solicitations = 3;
constexpr std::uint8_t dup_addr_detect_transmits = 1;
constexpr Duration retrans_timer = seconds(1);

constexpr std::uint8_t idgen_retries = 3;  // RFC 7217, section 7

}  // namespace

// Addresses.

void InterfaceStep::add_address(const Cidr& cidr, AddressOrigin origin, std::optional<Duration> lifetime, bool probe,
                                std::uint8_t attempt) {
  const auto until = lifetime ? std::optional(now() + *lifetime) : std::nullopt;
  if (LocalAddress* const known = state_.addresses_.find(cidr.address); known && known->state != AddressState::lost) {
    known->cidr = cidr;
    known->valid_until = until;
    return;
  }
  LocalAddress local;
  local.cidr = cidr;
  local.origin = origin;
  local.attempt = attempt;
  local.valid_until = until;
  if (cidr.address.is_ipv4() && !probe) {
    local.state = AddressState::ready;
    local.announcements = announce_num;
    local.next = now();
  } else {
    local.probes = cidr.address.is_ipv4() ? probe_num : dup_addr_detect_transmits;
    // RFC 5227, section 2.1.1 and RFC 4862, section 5.4.2: lest all hosts that get power at once ask at once.
    local.next =
        now() +
        microseconds(static_cast<std::int64_t>(random_below(static_cast<std::uint64_t>(probe_wait.microseconds))));
  }
  if (state_.addresses_.add(config_.limits, std::move(local), state_.drops_) == nullptr) return;
  if (!cidr.address.is_ipv4()) state_.listener_.changed(now());
}

void InterfaceStep::add_autoconfigured(const IpAddress& prefix, AddressOrigin origin, std::uint8_t attempt,
                                       std::optional<Instant> valid_until, std::optional<Instant> preferred_until) {
  const IpAddress address = stable_private_address(state_.address_secret_.bytes(), prefix, config_.mac, attempt);
  if (state_.addresses_.find(address) != nullptr) return;
  add_address({address, 64}, origin, std::nullopt, true, attempt);
  LocalAddress* const local = state_.addresses_.find(address);
  if (local == nullptr) return;
  local->state = AddressState::optimistic;
  local->valid_until = valid_until;
  local->preferred_until = preferred_until;
}

// RFC 4291, section 2.1: "All interfaces are required to have at least one Link-Local unicast address", if they speak
// IPv6.
void InterfaceStep::add_link_local() {
  for (const LocalAddress& local : state_.addresses_) {
    if (local.origin == AddressOrigin::link_local) return;
  }
  add_autoconfigured({{0xfe, 0x80}}, AddressOrigin::link_local, 0, std::nullopt, std::nullopt);
}

void InterfaceStep::lose(LocalAddress& local, LostBecause why) {
  local.state = AddressState::lost;
  local.why = why;
  local.next.reset();
  local.valid_until.reset();
  local.probes = local.announcements = 0;
  const bool again = why == LostBecause::duplicate && local.attempt < idgen_retries &&
                     (local.origin == AddressOrigin::autoconfigured || local.origin == AddressOrigin::link_local);
  if (!again) return;
  const LocalAddress lost = local;  // which moves when one is added
  add_autoconfigured(lost.address(), lost.origin, static_cast<std::uint8_t>(lost.attempt + 1), lost.valid_until,
                     lost.preferred_until);
}

// Tells the link again where our addresses are.
void InterfaceStep::announce_all() {
  bool ipv6 = false;
  for (LocalAddress& local : state_.addresses_) {
    ipv6 = ipv6 || !local.address().is_ipv4();
    if (local.state != AddressState::ready) continue;
    local.announcements = announce_num;
    local.next = now();
  }
  if (ipv6) state_.listener_.changed(now());
}

void InterfaceStep::look_for_routers() {
  state_.router_solicitations_ = max_rtr_solicitations;
  state_.solicit_routers_at_ = now() + microseconds(static_cast<std::int64_t>(random_below(
                                           static_cast<std::uint64_t>(max_rtr_solicitation_delay.microseconds))));
}

// What is due.

void InterfaceStep::serve() {
  const auto due = state_.deadline();
  if (due && *due <= now()) {
    serve_lifetimes();
    serve_reassembly();
    serve_listener();
    serve_addresses();
    serve_router_solicitation();
    serve_neighbours();
    receive_looped();
  }
  if (state_.addresses_.has_news()) {
    serve_news();
    serve_listener();
  }
  if (state_.neighbours_.has_pending()) serve_pending();
  if (state_.neighbours_.has_untold()) serve_askers();
}

void InterfaceStep::serve_lifetimes() {
  for (LocalAddress& local : state_.addresses_) {
    if (local.valid_until && *local.valid_until <= now()) lose(local, LostBecause::expired);
  }
  state_.routers_.expire(now());
}

void InterfaceStep::serve_news() {
  for (std::size_t i = 0; i < state_.addresses_.size();) {
    LocalAddress& local = state_.addresses_.begin()[i];
    const bool gained = local.usable() && !local.told;
    if (local.state != AddressState::lost && !gained) {
      ++i;
    } else if (!has_room()) {
      return;
    } else if (gained) {
      local.told = true;
      out_.actions.push(AddressReady{local.address()});
    } else {
      const IpAddress address = local.address();
      out_.actions.push(AddressLost{address, local.why});
      state_.addresses_.erase(local);
      if (!address.is_ipv4()) {
        const IpAddress group = solicited_node_group(address);
        const bool left = !state_.addresses_.in_solicited_node_group(group);
        state_.listener_.changed(now(), left ? std::optional(group) : std::nullopt);
      }
    }
  }
}

void InterfaceStep::serve_listener() {
  if (!state_.listener_.is_due(now()) || !has_room()) return;
  const auto random = static_cast<std::uint32_t>(random_below(UINT32_MAX));
  const auto report = state_.listener_.due(now(), state_.addresses_, random);
  if (!report || report->records.empty()) return;
  Byte message[wire::Icmpv6Header::size + wire::MldReport::most_records * 20];
  Writer out{MutableBytes(message)};
  report->emit(out);
  Byte extension[8];
  Writer alert{MutableBytes(extension)};
  wire::emit_router_alert(alert, Protocol::icmpv6);
  // RFC 3590: "MLD Report messages are allowed to be sent with the unspecified source address if a valid link-local
  // address is not available". RFC 3810, section 5.2.14: to all MLDv2-capable routers.
  constexpr IpAddress routers{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16}};
  const LocalAddress* const source = state_.addresses_.link_local();
  transmit_icmpv6(wire::multicast_mac(routers), source != nullptr ? source->address() : any_ipv6, routers,
                  out.written(), 1, extension);
}

void InterfaceStep::serve_addresses() {
  for (std::size_t i = 0; i < state_.addresses_.size(); ++i) {
    LocalAddress& local = state_.addresses_.begin()[i];
    if (!local.next || *local.next > now()) continue;
    if (!has_room()) return;
    serve_address(local);
  }
}

void InterfaceStep::serve_address(LocalAddress& local) {
  const bool ipv4 = local.address().is_ipv4();
  if (local.undecided() && !state_.link_up_) {
    local.next = now() + retrans_timer;  // nobody can object
  } else if (local.probes > 0) {
    --local.probes;
    if (ipv4) {
      // "a broadcast ARP Request [...] with an all-zero 'sender IP address'".
      transmit_arp(broadcast_mac, {wire::ArpOperation::request, config_.mac, any_ipv4, {}, local.address()});
      const auto spread = static_cast<std::uint64_t>(probe_max.microseconds - probe_min.microseconds);
      const Duration pause = local.probes == 0
                                 ? announce_wait
                                 : Duration{probe_min.microseconds + static_cast<std::int64_t>(random_below(spread))};
      local.next = now() + pause;
    } else {
      const IpAddress group = solicited_node_group(local.address());
      Byte message[wire::Icmpv6Header::size + 16 + 8];
      Writer out{MutableBytes(message)};
      wire::NeighborSolicitation{local.address()}.emit(out);
      transmit_icmpv6(wire::multicast_mac(group), any_ipv6, group, out.written());
      local.next = now() + retrans_timer;
    }
  } else if (local.undecided()) {
    local.state = AddressState::ready;
    local.next.reset();
    if (ipv4) {
      local.announcements = announce_num;
      local.next = now();
      serve_address(local);
    }
  } else if (local.announcements > 0) {
    --local.announcements;
    if (ipv4) {
      transmit_arp(broadcast_mac, {wire::ArpOperation::request, config_.mac, local.address(), {}, local.address()});
    } else {
      advertise(wire::multicast_mac(all_nodes), all_nodes, local, false);
    }
    local.next.reset();
    if (local.announcements > 0) local.next = now() + announce_interval;
  } else {
    local.next.reset();
  }
}

void InterfaceStep::serve_router_solicitation() {
  if (!state_.solicit_routers_at_ || *state_.solicit_routers_at_ > now() || !has_room()) return;
  const LocalAddress* const source = state_.addresses_.link_local();
  // RFC 4429, section 3.2: from an optimistic address, without the option; so not from the unspecified one either.
  wire::RouterSolicitation solicitation;
  if (source != nullptr && source->state == AddressState::ready) {
    solicitation.options.source_link_layer_address = config_.mac;
  }
  Byte message[wire::Icmpv6Header::size + 8];
  Writer out{MutableBytes(message)};
  solicitation.emit(out);
  transmit_icmpv6(wire::multicast_mac(all_routers), source != nullptr ? source->address() : any_ipv6, all_routers,
                  out.written());
  --state_.router_solicitations_;
  state_.solicit_routers_at_.reset();
  if (state_.router_solicitations_ > 0) state_.solicit_routers_at_ = now() + rtr_solicitation_interval;
}

void InterfaceStep::serve_neighbours() {
  while (has_room()) {
    Neighbour* const neighbour = state_.neighbours_.due(now());
    if (neighbour == nullptr) return;
    if (neighbour->solicitations < NeighbourCache::max_solicitations) {
      solicit(*neighbour);
      state_.neighbours_.asked(now(), *neighbour);
    } else {
      state_.routers_.suspect(neighbour->address);
      state_.neighbours_.forget(*neighbour, state_.drops_);
    }
  }
}

void InterfaceStep::serve_pending() {
  while (Neighbour* const neighbour = state_.neighbours_.with_pending()) {
    PendingFrame& pending = neighbour->pending[0];
    if (out_.actions.free() == 0 || out_.room.size() < pending.frame.size()) {
      more_ = true;
      return;
    }
    Transmit frame;
    const MutableBytes written = copy({pending.frame.data(), pending.frame.size()}, out_.room);
    copy(neighbour->mac.octets, written);
    out_.room = out_.room.subspan(written.size());
    frame.header = written;
    frame.offload = pending.offload;
    out_.actions.push(frame);
    neighbour->pending.erase_front(1);
  }
}

// What does not get there is asked for again.
void InterfaceStep::serve_askers() {
  while (Neighbour* const neighbour = state_.neighbours_.with_untold()) {
    if (!has_room()) return;
    const auto queue = static_cast<std::uint8_t>(std::countr_zero(neighbour->untold));
    neighbour->untold &= neighbour->untold - 1;
    out_.actions.push(
        NeighbourFound{queue, neighbour->address, neighbour->mac, state_.neighbours_.is_verified(now(), *neighbour)});
  }
}

void InterfaceStep::serve_reassembly() {
  while (has_room()) {
    const auto front = state_.reassembler_.expired(now(), state_.drops_);
    if (!front) return;
    if (front->empty()) continue;
    // RFC 8200, section 4.5: "If the first fragment (i.e., the one with a Fragment Offset of zero) has been received,
    // an ICMP Time Exceeded -- Fragment Reassembly Time Exceeded message should be sent".
    const Bytes packet(front->data(), front->size());
    IpHeaders ip;
    if (packet[0] >> 4 == 4) {
      const auto header = wire::Ipv4Header::parse_quoted(packet);
      if (header) ip = {header->header.source, header->header.destination};
    } else {
      const auto header = wire::Ipv6Header::parse_quoted(packet);
      if (header) ip = {header->header.source, header->header.destination};
    }
    if (out_.room.size() < Interface::least_room.bytes) {
      drop(Drop::no_room);
    } else {
      complain(packet, ip, {}, IcmpComplaint::reassembly_time_exceeded(ip.source.is_ipv4()));
    }
  }
}

// Messages of the link. A follower sends none of them.

void InterfaceStep::transmit(const MacAddress& to, const Packet& packet, Bytes extension) {
  if (!state_.link_up_) return;
  const Outgoing outgoing(config_, packet, state_.mtu_, packet.hop_limit, extension);
  if (outgoing.judge() != SendResult::sent || outgoing.frames() != 1 || outgoing.room() > out_.room.size() ||
      out_.actions.free() == 0) {
    return drop(Drop::no_room);
  }
  out_.actions.push(outgoing.write(0, to, out_.room));
}

void InterfaceStep::transmit_icmpv6(const MacAddress& to, const IpAddress& source, const IpAddress& destination,
                                    Bytes message, std::uint8_t hop_limit, Bytes extension) {
  const Bytes rest[] = {message.subspan(wire::Icmpv6Header::size)};
  Packet packet;
  packet.source = source;
  packet.destination = destination;
  packet.protocol = Protocol::icmpv6;
  packet.hop_limit = hop_limit;
  packet.dont_fragment = true;
  packet.header = message.first(wire::Icmpv6Header::size);
  packet.checksum_offset = wire::Icmpv6Header::checksum_offset;
  packet.payload = rest;
  packet.copied = true;
  transmit(to, packet, extension);
}

void InterfaceStep::transmit_arp(const MacAddress& to, const wire::ArpPacket& packet) {
  if (!state_.link_up_) return;
  constexpr std::size_t size = wire::EthernetHeader::size + wire::ArpPacket::size;
  if (out_.room.size() < size || out_.actions.free() == 0) return drop(Drop::no_room);
  Writer out(out_.room);
  wire::EthernetHeader{to, config_.mac, wire::EtherType::arp}.emit(out);
  packet.emit(out);
  Transmit frame;
  frame.header = out.written();
  out_.room = out_.room.subspan(out.size());
  out_.actions.push(frame);
}

// RFC 4861, section 7.2.2 and 7.3.3; RFC 826. Everybody is asked about a neighbour that is looked for, one that is
// verified itself. A follower asks the leader instead, as often.
void InterfaceStep::solicit(const Neighbour& neighbour) {
  if (!config_.queue.leads()) {
    const bool verify = neighbour.state != Reachability::incomplete;
    return out_.actions.push(NeighbourWanted{neighbour.address, neighbour.asking, verify});
  }
  const LocalAddress* const from = state_.addresses_.ready_near(neighbour.address, neighbour.asking);
  // RFC 4429, section 3.2: not from an optimistic address; one that is ready may come before it is too late.
  if (from == nullptr) return;
  const bool everybody = neighbour.state == Reachability::incomplete;
  if (neighbour.address.is_ipv4()) {
    return transmit_arp(everybody ? broadcast_mac : neighbour.mac,
                        {wire::ArpOperation::request, config_.mac, from->address(), {}, neighbour.address});
  }
  const IpAddress destination = everybody ? solicited_node_group(neighbour.address) : neighbour.address;
  wire::NeighborSolicitation solicitation{neighbour.address};
  solicitation.options.source_link_layer_address = config_.mac;
  Byte message[wire::Icmpv6Header::size + 16 + 8];
  Writer out{MutableBytes(message)};
  solicitation.emit(out);
  transmit_icmpv6(everybody ? wire::multicast_mac(destination) : neighbour.mac, from->address(), destination,
                  out.written());
}

// RFC 4861, section 7.2.4. RFC 4429, section 3.3: for an optimistic address the override flag is clear.
void InterfaceStep::advertise(const MacAddress& to, const IpAddress& destination, const LocalAddress& local,
                              bool solicited) {
  wire::NeighborAdvertisement advertisement;
  advertisement.solicited = solicited;
  advertisement.override = local.state == AddressState::ready;
  advertisement.target = local.address();
  advertisement.options.target_link_layer_address = config_.mac;
  Byte message[wire::Icmpv6Header::size + 16 + 8];
  Writer out{MutableBytes(message)};
  advertisement.emit(out);
  transmit_icmpv6(to, local.address(), destination, out.written());
}

}  // namespace limpid::tcpip::ip
