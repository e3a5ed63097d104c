#include "limpid/tcpip/ip/interface_step.hpp"
#include "limpid/tcpip/wire/ndp.hpp"

namespace limpid::tcpip::ip {

void InterfaceStep::receive_ndp(const IpHeaders& ip, Bytes message, const Arrival& arrival) {
  // RFC 4861, sections 6.1 and 7.1: "The IP Hop Limit field has a value of 255, i.e., the packet could not possibly
  // have been forwarded by a router."
  if (ip.hop_limit != 255) return drop(Drop::ndp_hop_limit);
  // RFC 6980, section 5: "Nodes MUST silently ignore [these] messages [...] if the packet carrying them contains an
  // IPv6 Fragment Header".
  if (arrival.reassembled) return drop(Drop::ndp_fragmented);
  switch (static_cast<wire::Icmpv6Type>(message[0])) {
    case wire::Icmpv6Type::router_advertisement:
      return receive_router(ip, message);
    case wire::Icmpv6Type::neighbor_solicitation:
      return receive_solicitation(ip, message, arrival);
    default:
      return receive_advertisement(ip, message);
  }
}

// RFC 4861, section 7.2.3; RFC 4862, section 5.4.3; RFC 4429, section 3.3.
void InterfaceStep::receive_solicitation(const IpHeaders& ip, Bytes message, const Arrival& arrival) {
  const auto said = wire::NeighborSolicitation::parse(message);
  if (!said) return drop(Drop::ndp_malformed);
  const auto& link_layer = said->options.source_link_layer_address;
  const bool nameless = ip.source.is_unspecified();
  // "If the IP source address is the unspecified address, the IP destination address is a solicited-node multicast
  // address", and "there is no source link-layer address option in the message."
  if (nameless && (link_layer || ip.destination != solicited_node_group(said->target))) {
    return drop(Drop::ndp_malformed);
  }
  if (link_layer && (link_layer->is_group() || *link_layer == config_.mac)) return drop(Drop::ndp_malformed);
  LocalAddress* const local = state_.addresses_.find(said->target);
  if (local == nullptr || local->state == AddressState::lost) return drop(Drop::not_for_us);
  if (local->undecided() && nameless) {
    // "If the source address of the Neighbor Solicitation is the unspecified address, the solicitation is from a node
    // performing Duplicate Address Detection. [...] the tentative address is a duplicate".
    drop(Drop::ndp_conflict);
    return lose(*local, LostBecause::duplicate);
  }
  if (!local->usable()) return;  // "If the target address is tentative [...] silently ignored."
  if (nameless) return advertise({{0x33, 0x33, 0, 0, 0, 1}}, all_nodes, *local, false);
  const MacAddress mac = link_layer.value_or(arrival.from);
  if (link_layer) {
    const bool on_link = state_.routers_.next_hop(state_.addresses_, ip.source) == ip.source;
    learn({ip.source, mac, false, true, on_link});
  }
  advertise(mac, ip.source, *local, true);
}

// RFC 4861, section 7.2.5; RFC 4862, section 5.4.4.
void InterfaceStep::receive_advertisement(const IpHeaders& ip, Bytes message) {
  const auto said = wire::NeighborAdvertisement::parse(message);
  // "If the IP Destination Address is a multicast address the Solicited flag is zero."
  if (!said || (ip.to_group && said->solicited) || ip.source.is_unspecified()) return drop(Drop::ndp_malformed);
  const auto& link_layer = said->options.target_link_layer_address;
  if (link_layer && (link_layer->is_group() || *link_layer == config_.mac)) return drop(Drop::ndp_malformed);
  if (LocalAddress* const local = state_.addresses_.find(said->target)) {
    drop(Drop::ndp_conflict);
    if (local->undecided()) lose(*local, LostBecause::duplicate);
    return;
  }
  const Neighbour* const known = state_.neighbours_.find(said->target);
  if (known == nullptr) return drop(Drop::ndp_unsolicited);
  if (!link_layer) {
    // Without its address it says only that it is there; to who looks for the address, nothing.
    if (known->state == Reachability::incomplete || !said->solicited) return drop(Drop::ndp_unsolicited);
    state_.neighbours_.confirm(now(), said->target);
    state_.neighbours_.tell_askers(*state_.neighbours_.find(said->target));
  } else {
    learn({said->target, *link_layer, said->solicited, said->override, false});
  }
  if (said->router) {
    state_.routers_.trusted(said->target);
  } else if (!link_layer || (known->state != Reachability::incomplete && known->mac == *link_layer)) {
    // Not on the word of somebody else. "If the IsRouter flag changes from TRUE to FALSE as a result of this update,
    // the node MUST remove that router from the Default Router List".
    state_.routers_.remove(said->target);
  }
}

// RFC 4861, section 6.3.4.
void InterfaceStep::receive_router(const IpHeaders& ip, Bytes message) {
  if (!config_.slaac) return drop(Drop::icmp_ignored);
  const auto said = wire::RouterAdvertisement::parse(message);
  if (!said || !ip.source.is_link_local()) return drop(Drop::ndp_malformed);
  const wire::NdpOptions& options = said->options;
  const auto& link_layer = options.source_link_layer_address;
  if (link_layer && (link_layer->is_group() || *link_layer == config_.mac)) return drop(Drop::ndp_malformed);
  // One that may be lost on us is asked for again, until a router has answered.
  if (said->router_lifetime != 0) {
    state_.router_solicitations_ = 0;
    state_.solicit_routers_at_.reset();
  }
  if (state_.routers_.heard(now(), config_.limits, ip.source, *said, state_.drops_)) {
    out_.actions.push(RouterFound{ip.source});
  }
  state_.neighbours_.set_times(said->reachable_time, said->retrans_timer);
  if (link_layer) learn({ip.source, *link_layer, false, true, state_.routers_.is_router(ip.source)});
  // "If the value is smaller than the IPv6 minimum link MTU", it is not one.
  if (options.mtu && *options.mtu >= PathMtu::least(any_ipv6) && *options.mtu <= UINT16_MAX) {
    state_.routers_.mtu = static_cast<std::uint16_t>(*options.mtu);
  }
  for (const wire::PrefixInformation& prefix : options.prefixes) {
    state_.routers_.heard_prefix(now(), config_.limits, prefix, state_.drops_);
    if (prefix.autonomous) autoconfigure(prefix);
  }
  if (options.servers.empty()) return;
  DnsServersFound found;
  for (const wire::RecursiveDnsServer& server : options.servers) {
    // All of one message have one lifetime, but for unusual routers.
    if (found.servers.empty()) found.lifetime = seconds(server.lifetime);
    if (seconds(server.lifetime) == found.lifetime) found.servers.push_back(server.address);
  }
  out_.actions.push(found);
}

// RFC 4862, section 5.5.3.
void InterfaceStep::autoconfigure(const wire::PrefixInformation& said) {
  // "(b) If the prefix is the link-local prefix, silently ignore", "(c) If the preferred lifetime is greater than the
  // valid lifetime, silently ignore"; "(d) If the sum of the prefix length and interface identifier length does not
  // equal 128 bits, the Prefix Information option MUST be ignored."
  constexpr std::uint8_t prefix_bits = 64;
  if (said.prefix.is_link_local() || said.prefix.is_multicast() || said.preferred_lifetime > said.valid_lifetime ||
      said.prefix_bits != prefix_bits) {
    return;
  }
  const auto valid_until = lifetime_end(now(), said.valid_lifetime);
  const auto preferred_until = lifetime_end(now(), said.preferred_lifetime);
  bool known = false;
  std::size_t autoconfigured = 0;
  for (LocalAddress& local : state_.addresses_) {
    if (local.origin != AddressOrigin::autoconfigured || local.state == AddressState::lost) continue;
    ++autoconfigured;
    if (!Cidr{said.prefix, prefix_bits}.contains(local.address())) continue;
    known = true;
    local.preferred_until = preferred_until;
    // "(e) [...] 1. If the received Valid Lifetime is greater than 2 hours or greater than RemainingLifetime, set [...]
    // 2. If RemainingLifetime is less than or equal to 2 hours, ignore [...] 3. Otherwise, [...] to 2 hours."
    const Instant two_hours = now() + seconds(7200);
    const bool longer = !valid_until || (local.valid_until && *valid_until > *local.valid_until);
    if (longer || *valid_until > two_hours) {
      local.valid_until = valid_until;
    } else if (local.valid_until && *local.valid_until <= two_hours) {
      drop(Drop::lifetime_ignored);
    } else {
      drop(Drop::lifetime_ignored);
      local.valid_until = two_hours;
    }
  }
  if (known || said.valid_lifetime == 0) return;
  // Of what is left, others have a use.
  if (autoconfigured >= config_.limits.prefixes) return drop(Drop::prefix_limit);
  add_autoconfigured(said.prefix, AddressOrigin::autoconfigured, 0, valid_until, preferred_until);
}

}  // namespace limpid::tcpip::ip
