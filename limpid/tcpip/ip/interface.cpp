#include "limpid/tcpip/ip/interface.hpp"

#include "limpid/tcpip/ip/interface_step.hpp"
#include "limpid/tcpip/ip/martians.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"

namespace limpid::tcpip::ip {
namespace {

constexpr Instant never{INT64_MAX};

}  // namespace

Progress<Interface::Action> Interface::advance(const Config& config, Interface& state, Time now, const Event& event,
                                               const Room<Action>& room) {
  ActionList<Action> actions(room.actions);
  Outlet<Action> out{room.bytes, actions};
  return advance(config, state, now, event, room.budget, out);
}

Progress<Interface::Action> Interface::advance(const Config& config, Interface& state, Time now, const Event& event,
                                               Budget& budget, Outlet<Action>& out) {
  if (out.actions.free() < least_room.actions || out.room.size() < least_room.bytes) {
    const auto due = state.deadline();
    return {0, out.actions.all(), false, Wants::room, due && *due > now.monotonic ? due : std::nullopt};
  }
  return InterfaceStep(config, state, now, budget, out).take(event);
}

std::optional<Instant> Interface::deadline() const {
  if (!started_) return std::nullopt;
  Instant soonest = never;
  const auto consider = [&soonest](std::optional<Instant> at) { soonest = std::min(soonest, at.value_or(never)); };
  consider(addresses_.deadline());
  consider(neighbours_.deadline());
  consider(routers_.deadline());
  consider(solicit_routers_at_);
  consider(listener_.deadline());
  consider(reassembler_.deadline());
  consider(looped_due_);
  return soonest == never ? std::nullopt : std::optional(soonest);
}

std::optional<IpAddress> Interface::source_for(const IpAddress& destination) const {
  // Within the node, the address itself is as good as any.
  if (destination.is_loopback()) return destination;
  const auto next_hop = routers_.next_hop(addresses_, destination);
  if (!next_hop) return std::nullopt;
  const LocalAddress* const source = addresses_.source_for(destination, *next_hop, last_seen_);
  return source == nullptr ? std::nullopt : std::optional(source->address());
}

bool Interface::is_ours(const IpAddress& address) const { return addresses_.usable(address) != nullptr; }

std::uint16_t Interface::link_mtu(const IpAddress& destination) const {
  return destination.is_ipv4() || !routers_.mtu ? mtu_ : std::min(mtu_, *routers_.mtu);
}

std::uint16_t Interface::path_mtu(const IpAddress& destination, Instant now) const {
  return path_mtus_.of(destination, link_mtu(destination), now);
}

bool Interface::confirm_path_mtu(const Config& config, Time now, const IpAddress& destination, std::uint16_t mtu) {
  return path_mtus_.narrow(config.limits, now.monotonic, destination, mtu, link_mtu(destination));
}

std::optional<IpAddress> Interface::confirm_reachable(const Config& config, Time now, const IpAddress& destination) {
  const auto next_hop = routers_.next_hop(addresses_, destination);
  if (!next_hop) return std::nullopt;
  if (config.queue.leads()) {
    neighbours_.confirm(now.monotonic, *next_hop);
    return std::nullopt;
  }
  if (neighbours_.confirmed_lately(now.monotonic, *next_hop)) return std::nullopt;
  neighbours_.confirm(now.monotonic, *next_hop);
  return next_hop;
}

std::uint8_t Interface::hop_limit(const Config& config, const Packet& packet) const {
  if (packet.hop_limit != 0) return packet.hop_limit;
  return packet.source.is_ipv4() ? config.hop_limit : routers_.hop_limit.value_or(config.hop_limit);
}

// Sending.

std::expected<MacAddress, SendResult> Interface::admit(const Config& config, Time now, const Packet& packet,
                                                       Outgoing& outgoing, std::size_t room, std::size_t actions) {
  const auto refused = [](SendResult why) { return std::unexpected(why); };
  if (!started_ || !link_up_) return refused(SendResult::no_link);
  if (outgoing.judge() != SendResult::sent) return refused(outgoing.judge());
  if (packet.destination.is_loopback() || is_ours(packet.destination)) return refused(loop(now, outgoing));
  // RFC 2131, section 4.1: until it has an address, a client asks from 0.0.0.0.
  const bool asks_for_address = packet.source == any_ipv4 && packet.destination.is_limited_broadcast();
  if (!asks_for_address && !is_ours(packet.source)) return refused(SendResult::no_source);
  if (outgoing.room() > room || outgoing.frames() > actions) return refused(SendResult::no_room);
  const auto next_hop = routers_.next_hop(addresses_, packet.destination);
  if (!next_hop || packet.destination.is_unspecified()) return refused(SendResult::no_route);

  if (outgoing.needs_identification()) {
    // RFC 7739: not to be guessed, or others could add pieces to our packets.
    Byte drawn[4];
    generator_.fill(drawn);
    outgoing.identify(Reader(drawn).u32());
  }
  if (next_hop->is_multicast()) return wire::multicast_mac(*next_hop);
  if (next_hop->is_limited_broadcast() || addresses_.is_directed_broadcast(*next_hop)) return broadcast_mac;
  if (const MacAddress* const mac = neighbours_.use(now.monotonic, *next_hop)) return *mac;
  return refused(queue(config, now, packet, outgoing, *next_hop));
}

SendResult Interface::queue(const Config& config, Time now, const Packet& packet, const Outgoing& outgoing,
                            const IpAddress& next_hop) {
  Neighbour* const neighbour =
      neighbours_.look_for(now.monotonic, config.limits, next_hop, packet.source, routers_.is_router(next_hop), drops_);
  if (neighbour == nullptr) return SendResult::unresolved;
  // Superframes and packets in many pieces are not kept: those who send them send them again.
  Byte written[PendingFrame::most_bytes];
  const Limits& limits = config.limits;
  if (outgoing.frames() > 1 || outgoing.size() > sizeof(written) || limits.pending_packets == 0) {
    return SendResult::unresolved;
  }
  MutableBytes room(written);
  const Transmit frame = outgoing.write(0, {}, room);
  PendingFrame pending{Buffer(*neighbour->pending.budget()), frame.offload};
  bool kept = pending.frame.reserve(outgoing.size()) && pending.frame.append(frame.header);
  for (const Bytes& piece : frame.payload) kept = kept && pending.frame.append(piece);
  if (kept && neighbour->pending.size() >= limits.pending_packets) {
    // RFC 4861, section 7.2.2: "the new arrival SHOULD replace the oldest entry".
    neighbour->pending.erase_front(1);
    drops_.add(Drop::pending_limit);
  }
  if (!kept || !neighbour->pending.push_back(std::move(pending))) {
    drops_.add(Drop::no_memory);
    return SendResult::unresolved;
  }
  return SendResult::queued;
}

SendResult Interface::loop(Time now, const Outgoing& outgoing) {
  if (looped_.budget() == nullptr || looped_.size() >= most_looped || outgoing.frames() > 1) {
    drops_.add(Drop::pending_limit);
    return SendResult::unresolved;
  }
  Looped looped{Buffer(*looped_.budget())};
  const bool kept = looped.frame.resize(outgoing.room()) && looped.frame.reserve(outgoing.size());
  if (kept) {
    MutableBytes room(looped.frame.data(), looped.frame.size());
    const Transmit frame = outgoing.write(0, {}, room);
    for (const Bytes& piece : frame.payload) {
      if (!looped.frame.append(piece)) break;  // never: it was reserved
    }
  }
  if (!kept || !looped_.push_back(std::move(looped))) {
    drops_.add(Drop::no_memory);
    return SendResult::unresolved;
  }
  // As soon as time goes on.
  if (!looped_due_) looped_due_ = std::max(last_seen_, now.monotonic) + microseconds(1);
  return SendResult::sent;
}

std::optional<IpAddress> Interface::may_answer(Time now, Bytes packet, const IpAddress& source,
                                               const IpAddress& destination, const IcmpComplaint& complaint) {
  const LocalAddress* from = addresses_.usable(destination);
  if (from == nullptr && destination.is_multicast()) from = addresses_.source_for(source, source, now.monotonic);
  if (from == nullptr || !may_complain(packet, complaint) || addresses_.is_directed_broadcast(source)) {
    drops_.add(Drop::icmp_error_unwarranted);
    return std::nullopt;
  }
  if (!icmp_limit_.allows(now.monotonic, source, generator_)) {
    drops_.add(Drop::icmp_error_limited);
    return std::nullopt;
  }
  return from->address();
}

bool Interface::Looped::restored(const LoadContext&) const { return frame.size() >= wire::EthernetHeader::size; }

bool Interface::restored(const LoadContext&) const {
  return (!started_ || mtu_ >= least_mtu) && looped_due_.has_value() == !looped_.empty() &&
         solicit_routers_at_.has_value() == (router_solicitations_ > 0);
}

// Steps.

Progress<Interface::Action> InterfaceStep::take(const Interface::Event& event) {
  std::visit([this](const auto& e) { on(e); }, event);
  if (state_.started_) serve();
  return {1, out_.actions.all(), more_, Wants::event, more_ ? std::nullopt : state_.deadline()};
}

std::uint64_t InterfaceStep::random_below(std::uint64_t bound) {
  Byte drawn[8];
  state_.generator_.fill(drawn);
  return Reader(drawn).u64() % bound;
}

void InterfaceStep::on(const Started& event) {
  if (state_.started_) {
    state_.generator_.mix(event.entropy);
    if (config_.queue.leads()) announce_all();
    return;
  }
  state_.started_ = true;
  state_.mtu_ = std::max(config_.mtu, Interface::least_mtu);
  state_.generator_ = crypto::Generator(event.entropy);
  state_.address_secret_ = crypto::draw<16>(state_.generator_);
  state_.addresses_ = AddressList(budget_);
  state_.neighbours_ = NeighbourCache(budget_);
  state_.routers_ = RouterList(budget_);
  state_.reassembler_ = Reassembler(budget_);
  state_.path_mtus_ = PathMtuCache(budget_);
  state_.icmp_limit_ = IcmpLimit(budget_);
  state_.looped_ = Vec<Interface::Looped>(budget_);
  if (!config_.queue.leads()) return;
  state_.routers_.configure(false, config_.gateway);
  state_.routers_.configure(true, config_.gateway6);
  for (const Cidr& cidr : config_.addresses) {
    add_address(cidr, AddressOrigin::configured, std::nullopt, config_.probe);
  }
  if (config_.ipv6()) add_link_local();
  if (config_.slaac) look_for_routers();
}

void InterfaceStep::on(const FrameReceived& event) {
  if (!state_.started_ || !state_.link_up_) return drop(Drop::not_started);
  const auto parsed = wire::EthernetHeader::parse(event.frame);
  if (!parsed || parsed->header.source.is_group() || parsed->header.source == config_.mac) {
    return drop(Drop::frame_malformed);
  }
  const wire::EthernetHeader& header = parsed->header;
  Arrival arrival;
  arrival.offload = event.offload;
  arrival.from = header.source;
  arrival.to_group = header.destination.is_group();
  if (!arrival.to_group && header.destination != config_.mac) return drop(Drop::frame_not_for_us);
  const MutableBytes payload = parsed->payload(event.frame);
  switch (header.ether_type) {
    case wire::EtherType::ipv4:
      return receive_ipv4(payload, arrival);
    case wire::EtherType::ipv6:
      return receive_ipv6(payload, arrival);
    case wire::EtherType::arp:
      return receive_arp(payload, arrival);
    case wire::EtherType::vlan:
      break;
  }
  drop(Drop::ether_type_unknown);
}

void InterfaceStep::on(const LinkChanged& event) {
  if (!config_.queue.leads()) return;  // that is a part of what it is told
  const bool came_up = event.up && !state_.link_up_;
  state_.link_up_ = event.up;
  // What waits was written for this link: under another one neither its addresses nor ours need be the same.
  if (!event.up) state_.neighbours_.drop_pending(state_.drops_);
  if (!came_up || !state_.started_) return;
  // It may be another link: its switches know nothing of us, its routers may be others.
  announce_all();
  if (config_.slaac) look_for_routers();
}

void InterfaceStep::on(const AddAddress& event) {
  if (!state_.started_ || is_martian_source(event.cidr.address)) return;
  if (!event.cidr.address.is_ipv4()) add_link_local();
  add_address(event.cidr, AddressOrigin::learned, event.lifetime, event.probe);
}

void InterfaceStep::on(const RemoveAddress& event) {
  LocalAddress* const local = state_.addresses_.find(event.address);
  if (local != nullptr && local->state != AddressState::lost) lose(*local, LostBecause::removed);
}

void InterfaceStep::on(const SetGateway& event) {
  if (event.gateway && (event.gateway->is_ipv4() == event.ipv6 || is_martian_source(*event.gateway))) return;
  state_.routers_.configure(event.ipv6, event.gateway);
}

void InterfaceStep::on(const SetMtu& event) {
  if (state_.started_) state_.mtu_ = std::max(event.mtu, Interface::least_mtu);
}

}  // namespace limpid::tcpip::ip
