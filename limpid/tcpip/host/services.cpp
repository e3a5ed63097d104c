// UDP, and the two that speak it for the host itself: the DHCP client and the resolver.
#include "limpid/tcpip/host/host_step.hpp"

namespace limpid::tcpip {

void HostStep::delivered_udp(const ip::Deliver& packet) {
  const auto datagram = udp::receive(packet);
  if (!datagram) {
    return drop(datagram.error() == udp::Fault::checksum ? host::Drop::udp_checksum : host::Drop::udp_malformed);
  }
  const std::uint16_t port = datagram->to.port;
  if (state_.dhcp_ && port == dhcp::client_port) return run_dhcp(dhcp::Received{datagram->payload});
  if (state_.resolver_.listens_at(port, datagram->from)) {
    return run_resolver(dns::Datagram{datagram->from, port, datagram->payload});
  }
  if (state_.is_bound(port)) {
    actions_.push(host::DatagramReceived{port, datagram->from, datagram->to, datagram->payload});
    return;
  }
  drop(host::Drop::udp_no_socket);
  state_.ip_.refuse(config_.ip, now_, packet, out_);
}

bool HostStep::send_udp(const IpAddress& source, std::uint16_t source_port, const stream::Endpoint& to, Bytes payload) {
  std::array<Byte, wire::UdpHeader::size> encoded;
  Writer out(encoded);
  wire::UdpHeader{source_port, to.port, static_cast<std::uint16_t>(wire::UdpHeader::size + payload.size()), 0}.emit(
      out);
  return send({.source = source,
               .destination = address_of(to),
               .protocol = Protocol::udp,
               .header = out.written(),
               .checksum_offset = wire::UdpHeader::checksum_offset,
               .payload = {&payload, 1}}) == ip::SendResult::sent;
}

void HostStep::run_dhcp(const dhcp::Client::Event& event) {
  ActionSlots<dhcp::Client::Action, dhcp::Client::least_room.actions> buffer;
  const Room<dhcp::Client::Action> room{carve(dhcp::Client::least_room.bytes), buffer, budget_, cpu_};
  const auto progress = dhcp::Client::advance({}, *state_.dhcp_, now_, event, room);
  for (const auto& action : progress.actions) carry_out(action);
}

void HostStep::carry_out(const dhcp::Client::Action& action) {
  std::visit(Overloaded{
                 [this](const dhcp::Send& send) {
                   send_udp(send.source, dhcp::client_port, endpoint(send.destination, dhcp::server_port),
                            send.message);
                 },
                 [this](const dhcp::Leased& leased) {
                   const dhcp::Lease& lease = leased.lease;
                   std::optional<Duration> lifetime;
                   if (lease.times) lifetime = lease.times->expire - now_.monotonic;
                   set_mtu();
                   // One that stands in the configuration is not for a server to give, nor to take back.
                   const auto& configured = config_.ip.addresses;
                   if (std::none_of(configured.begin(), configured.end(),
                                    [&](const Cidr& cidr) { return cidr.address == lease.address.address; })) {
                     command_ip(ip::AddAddress{lease.address, lifetime, config_.ip.probe});
                     state_.leased_address_ = lease.address.address;
                   }
                   command_ip(ip::SetGateway{false, lease.gateway});
                   tell_servers();
                 },
                 [this](const dhcp::Lost&) {
                   if (state_.leased_address_) {
                     command_ip(ip::RemoveAddress{*std::exchange(state_.leased_address_, std::nullopt)});
                   }
                   command_ip(ip::SetGateway{false, config_.ip.gateway});
                   set_mtu();
                   tell_servers();
                 },
             },
             action);
}

// The device's, or what the lease says, if that is less.
void HostStep::set_mtu() {
  std::uint16_t mtu = config_.ip.mtu;
  if (state_.dhcp_ && state_.dhcp_->lease() && state_.dhcp_->lease()->mtu != 0) {
    mtu = std::min(mtu, state_.dhcp_->lease()->mtu);
  }
  if (mtu != state_.ip_.mtu()) command_ip(ip::SetMtu{mtu});
}

// The servers that were configured, then those of the lease, then those that routers advertise.
void HostStep::tell_servers() {
  dns::ServerList servers;
  const auto add = [&](std::span<const IpAddress> more) {
    for (const IpAddress& server : more) {
      if (!servers.contains(server)) servers.push_back(server);
    }
  };
  if (leads()) add(config_.dns_servers.span());
  if (state_.dhcp_ && state_.dhcp_->lease()) add(state_.dhcp_->lease()->dns_servers.span());
  add(state_.advertised_servers_.span());
  run_resolver(dns::Servers{servers});
}

void HostStep::run_resolver(const dns::Resolver::Event& event) {
  const dns::Resolver::Event tick{Tick{}};
  const dns::Resolver::Event* next = &event;
  for (bool more = true; more; next = &tick) {
    // The event cannot wait; what more there is to do can.
    const std::size_t needed = (next == &tick ? 2 : 1) * dns::Resolver::least_room.bytes;
    if (out_.room.size() < needed || actions_.free() < dns::Resolver::least_room.actions) {
      more_ = true;
      return;
    }
    ActionSlots<dns::Resolver::Action, dns::Resolver::least_room.actions> buffer;
    const Room<dns::Resolver::Action> room{carve(dns::Resolver::least_room.bytes), buffer, budget_, cpu_};
    const auto progress = dns::Resolver::advance({}, state_.resolver_, now_, *next, room);
    for (const auto& action : progress.actions) carry_out(action);
    more = progress.more;
  }
}

void HostStep::carry_out(const dns::Resolver::Action& action) {
  std::visit(Overloaded{
                 [this](const dns::SendDatagram& send) {
                   if (const auto source = state_.ip_.source_for(address_of(send.server))) {
                     send_udp(*source, send.source_port, send.server, send.message);
                   } else {
                     drop(host::Drop::unsent);
                   }
                 },
                 [this](const dns::AskOverTcp& ask) {
                   auto stream = Box<host::ResolverStream>::make(budget_, ask.question, Buffer(budget_));
                   const bool kept =
                       stream && state_.streams_.reserve(state_.streams_.size() + 1) && stream->bytes.append(ask.bytes);
                   const auto id = kept ? connect(ask.server, std::move(stream)) : std::unexpected(Refusal::no_memory);
                   if (!id || !state_.streams_.push_back(*id)) run_resolver(dns::TcpEnded{ask.question});
                 },
                 [this](const dns::CloseTcp& close) {
                   for (const ConnectionId& id : state_.streams_) {
                     const std::uint32_t index = state_.connections_.find(id);
                     if (index == host::no_index || state_.connections_[index].resolver->question != close.question) {
                       continue;
                     }
                     return leave(index);
                   }
                 },
                 [this](const dns::Resolved& resolved) { actions_.push(resolved); },
             },
             action);
}

}  // namespace limpid::tcpip
