#include "limpid/tcpip/ip/interface_step.hpp"
#include "limpid/tcpip/ip/martians.hpp"

namespace limpid::tcpip::ip {

// RFC 826, "Packet Reception", and RFC 5227.
void InterfaceStep::receive_arp(Bytes bytes, const Arrival& arrival) {
  const auto packet = wire::ArpPacket::parse(bytes);
  if (!packet) return drop(Drop::arp_malformed);
  const IpAddress& sender = packet->sender_protocol_address;
  const MacAddress& sender_mac = packet->sender_hardware_address;
  const bool probe = sender == any_ipv4;  // RFC 5227, section 1.1
  if (sender_mac.is_group() || sender_mac == config_.mac || (!probe && is_martian_source(sender)) ||
      state_.addresses_.is_directed_broadcast(sender)) {
    return drop(Drop::arp_martian);
  }
  if (LocalAddress* const same = state_.addresses_.find(sender)) {
    drop(Drop::arp_conflict);
    return conflict(*same);
  }
  LocalAddress* const target = state_.addresses_.find(packet->target_protocol_address);
  const bool request = packet->operation == wire::ArpOperation::request;
  if (probe) {
    // RFC 5227, section 2.1.1: "if during this period the host receives any ARP Probe [for] the address being probed
    // for [...] and the packet's 'sender hardware address' is not the hardware address of any of the host's
    // interfaces, then the host SHOULD similarly treat this as an address conflict".
    if (request && target != nullptr && target->state == AddressState::tentative) {
      drop(Drop::arp_conflict);
      return conflict(*target);
    }
  } else {
    const bool asks_us = request && target != nullptr && target->usable();
    // Off the link it would never be used.
    const bool create = asks_us && state_.routers_.next_hop(state_.addresses_, sender) == sender;
    learn({sender, sender_mac, !request && !arrival.to_group, true, create});
  }
  if (!request || target == nullptr || !target->usable()) return;
  transmit_arp(sender_mac, {wire::ArpOperation::reply, config_.mac, target->address(), sender_mac, sender});
}

// RFC 5227, section 2.4: somebody else uses an address of ours, or is about to.
void InterfaceStep::conflict(LocalAddress& local) {
  constexpr Duration defend_interval = seconds(10);
  if (local.state == AddressState::lost) return;
  if (local.state != AddressState::ready) return lose(local, LostBecause::duplicate);
  const bool lately = local.defended && now() < *local.defended + defend_interval;
  if (!lately) {
    // "(b) [...] the host can elect to attempt to defend its address by [...] broadcasting one single ARP
    // Announcement".
    local.defended = now();
    local.announcements = std::max<std::uint8_t>(local.announcements, 1);
    local.next = now();
  } else if (local.origin != AddressOrigin::configured) {
    // "if this is not the first conflicting ARP packet the host has seen [...] then the host MUST immediately cease
    // using this address".
    lose(local, LostBecause::duplicate);
  }
  // "(c) If a host has been configured such that it should not give up its address under any circumstances [...] then
  // it MAY elect to defend its address indefinitely", once in an interval. Otherwise two forged packets would silence a
  // server.
}

void InterfaceStep::learn(const NeighbourClaim& claim) {
  if (state_.neighbours_.learn(now(), config_.limits, claim, state_.drops_)) {
    out_.actions.push(Resolved{claim.address});
  }
}

}  // namespace limpid::tcpip::ip
