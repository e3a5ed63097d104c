// What applications ask of a host: the methods, and the events that are the same.
#include "limpid/tcpip/host/host_step.hpp"

namespace limpid::tcpip {

using host::no_index;
using Stage = host::Entry::Stage;

namespace {

// RFC 6335, section 6: the dynamic ports; RFC 6056, section 3.2, would take more, but what is below may be somebody's.
constexpr std::uint32_t first_ephemeral = 32768;
constexpr std::uint32_t ephemeral_ports = 65536 - first_ephemeral;
// So many ports of a queue's own are tried for one connection.
constexpr std::uint32_t most_tries = 256;

}  // namespace

// Methods.

std::expected<void, Refusal> Host::listen(const Context& context, std::uint16_t port, std::uint16_t backlog) {
  return HostStep(context, *this).listen(port, backlog);
}

void Host::stop_listening(std::uint16_t port) {
  Listener* gone = listener(port);
  if (gone == nullptr) return;
  *gone = listeners_.back();
  listeners_.truncate(listeners_.size() - 1);
}

std::expected<ConnectionId, Refusal> Host::connect(const Context& context, const stream::Endpoint& remote) {
  return HostStep(context, *this).connect(remote, {});
}

MutableBytes Host::reserve(const Context& context, ConnectionId id, std::size_t size) {
  const std::uint32_t index = connections_.find(id);
  if (index == no_index || connections_[index].stage != Stage::open) return {};
  return connections_[index].tcp.reserve(context.config.tcp, size, context.budget);
}

void Host::commit(const Context& context, ConnectionId id, std::size_t size) {
  HostStep(context, *this).tell(id, tcp::Commit{static_cast<std::uint32_t>(size)});
}

std::size_t Host::writable(const Context& context, ConnectionId id) const {
  const std::uint32_t index = connections_.find(id);
  if (index == no_index || connections_[index].stage != Stage::open) return 0;
  return connections_[index].tcp.writable(context.config.tcp);
}

std::size_t Host::unacknowledged(ConnectionId id) const {
  const std::uint32_t index = connections_.find(id);
  return index == no_index ? 0 : connections_[index].tcp.unacknowledged();
}

void Host::consumed(const Context& context, ConnectionId id, std::size_t size) {
  HostStep(context, *this).tell(id, tcp::Consumed{static_cast<std::uint32_t>(size)});
}

void Host::finish(const Context& context, ConnectionId id) { HostStep(context, *this).tell(id, stream::Finish{}); }
void Host::abort(const Context& context, ConnectionId id) { HostStep(context, *this).abort(id); }
bool Host::is_open(ConnectionId id) const { return connections_.find(id) != no_index; }

std::expected<void, Refusal> Host::bind_udp(const Context& context, std::uint16_t port) {
  return HostStep(context, *this).bind_udp(port);
}

void Host::close_udp(std::uint16_t port) {
  for (std::uint16_t& bound : udp_ports_) {
    if (bound != port) continue;
    bound = udp_ports_.back();
    return udp_ports_.truncate(udp_ports_.size() - 1);
  }
}

std::expected<void, Refusal> HostStep::listen(std::uint16_t port, std::uint16_t backlog) {
  if (!state_.started_) return std::unexpected(Refusal::not_started);
  if (port == 0) return std::unexpected(Refusal::bad_argument);
  if (state_.listener(port) != nullptr) return std::unexpected(Refusal::port_in_use);
  if (state_.listeners_.size() >= config_.limits.listeners || !state_.listeners_.push_back({port, backlog, 0})) {
    return std::unexpected(Refusal::no_memory);
  }
  // Half-open connections of an earlier listener at this port are this one's.
  for (std::uint32_t i = 0; i < state_.connections_.size(); ++i) {
    if (state_.connections_.holds(i) && state_.connections_[i].stage == Stage::half_open &&
        state_.connections_[i].listener == port) {
      ++state_.listeners_.back().half_open;
    }
  }
  return {};
}

std::expected<void, Refusal> HostStep::bind_udp(std::uint16_t port) {
  if (!state_.started_) return std::unexpected(Refusal::not_started);
  if (!leads()) return std::unexpected(Refusal::other_queue);
  if (port == 0) return std::unexpected(Refusal::bad_argument);
  if (state_.is_bound(port) || (state_.dhcp_ && port == dhcp::client_port)) {
    return std::unexpected(Refusal::port_in_use);
  }
  if (state_.udp_ports_.size() >= config_.limits.udp_sockets || !state_.udp_ports_.push_back(port)) {
    return std::unexpected(Refusal::no_memory);
  }
  return {};
}

std::expected<ConnectionId, Refusal> HostStep::connect(const stream::Endpoint& remote,
                                                       Box<host::ResolverStream> resolver) {
  if (!state_.started_) return std::unexpected(Refusal::not_started);
  const IpAddress address = address_of(remote);
  if (remote.port == 0 || address.is_unspecified() || address.is_multicast() || address.is_limited_broadcast()) {
    return std::unexpected(Refusal::bad_argument);
  }
  const auto source = state_.ip_.source_for(address);
  if (!source) return std::unexpected(Refusal::no_address);
  const std::uint16_t port = choose_port(*source, remote);
  if (port == 0) return std::unexpected(Refusal::port_in_use);
  const host::Flow flow{endpoint(*source, port), remote};
  const std::uint32_t index =
      shortage() < Shortage::connections
          ? insert({.flow = flow, .tcp = {}, .resolver = std::move(resolver)}, host::hash_of(state_.table_key_, flow))
          : no_index;
  if (index == no_index) return std::unexpected(Refusal::no_memory);
  ActionSlots<tcp::Connection::Action, tcp::Connection::least_room.actions> slots;  // none is used by a newborn
  tcp::Connection::advance(config_.tcp, state_.connections_[index].tcp, now_, tcp::Connect{birth(flow)},
                           {{}, slots, budget_, cpu_});
  state_.connections_.settle(index);
  return state_.connections_.id(index);
}

// RFC 6056, section 3.3.3, "Simple Hash-Based Port Selection": who sees one port cannot tell the next to another peer.
std::uint16_t HostStep::choose_port(const IpAddress& local, const stream::Endpoint& remote) {
  const std::uint64_t offset = host::hash_of(state_.port_key_, {endpoint(local, 0), remote});
  const std::uint32_t tries = most_tries * config_.ip.queue.of;
  for (std::uint32_t n = 0; n < tries; ++n) {
    const std::uint64_t at = offset + state_.next_port_++;
    const auto port = static_cast<std::uint16_t>(first_ephemeral + at % ephemeral_ports);
    const host::Flow flow{endpoint(local, port), remote};
    if (!alone() && !owns(flow)) continue;
    const std::uint64_t hash = host::hash_of(state_.table_key_, flow);
    if (state_.listener(port) == nullptr && state_.connections_.find(flow, hash) == no_index &&
        state_.time_waits_.find(flow, hash) == no_index) {
      return port;
    }
  }
  return 0;
}

void HostStep::tell(ConnectionId id, const tcp::Connection::Event& event) {
  const std::uint32_t index = state_.connections_.find(id);
  if (index == no_index) return drop(host::Drop::stale_id);
  tell(index, event);
}

void HostStep::tell(std::uint32_t index, const tcp::Connection::Event& event) {
  tcp::Connection::advance(config_.tcp, state_.connections_[index].tcp, now_, event, {{}, {}, budget_, cpu_});
  state_.connections_.settle(index);
}

void HostStep::abort(ConnectionId id) {
  const std::uint32_t index = state_.connections_.find(id);
  if (index == no_index) return drop(host::Drop::stale_id);
  leave(index);
}

// Events.

bool HostStep::on(const TransmitDone& event) {
  const ConnectionId id{static_cast<std::uint32_t>(event.pin.connection),
                        static_cast<std::uint32_t>(event.pin.connection >> 32)};
  const bool known = state_.connections_.unpin(id, [&](tcp::Connection& connection) {
    tcp::Connection::advance(config_.tcp, connection, now_, tcp::PinsDone{event.pin}, {{}, {}, budget_, cpu_});
  });
  if (!known) ++state_.stale_pins_;
  return true;
}

bool HostStep::on(const host::Listen& event) {
  if (const auto done = listen(event.port, event.backlog); !done) refuse(done.error());
  return true;
}

bool HostStep::on(const host::StopListening& event) {
  if (state_.listener(event.port) == nullptr) refuse(Refusal::no_such);
  state_.stop_listening(event.port);
  return true;
}

bool HostStep::on(const host::Connect& event) {
  if (const auto id = connect(event.remote, {})) {
    actions_.push(host::Connecting{event.token, *id});
  } else {
    refuse(id.error(), event.token);
  }
  return true;
}

bool HostStep::on(const host::Write& event) {
  const std::uint32_t index = state_.connections_.find(event.id);
  if (index == no_index) {
    refuse(Refusal::no_such);
    return true;
  }
  tcp::Connection& connection = state_.connections_[index].tcp;
  if (event.bytes.size() > connection.writable(config_.tcp)) {
    refuse(Refusal::not_writable);
    return true;
  }
  Bytes rest = event.bytes;
  while (!rest.empty()) {
    const MutableBytes room = connection.reserve(config_.tcp, rest.size(), budget_);
    if (room.empty()) break;
    const auto size = static_cast<std::uint32_t>(copy(rest.first(std::min(room.size(), rest.size())), room).size());
    rest = rest.subspan(size);
    tell(index, tcp::Commit{size});
  }
  // What was begun must be ended: a stream with a hole is none.
  if (!rest.empty()) {
    refuse(Refusal::no_memory);
    if (rest.size() != event.bytes.size()) leave(index);
  }
  return true;
}

bool HostStep::on(const host::Consumed& event) {
  tell(event.id, tcp::Consumed{event.size});
  return true;
}

bool HostStep::on(const host::Finish& event) {
  tell(event.id, stream::Finish{});
  return true;
}

bool HostStep::on(const host::Abort& event) {
  abort(event.id);
  return true;
}

bool HostStep::on(const host::BindUdp& event) {
  if (const auto done = bind_udp(event.port); !done) refuse(done.error());
  return true;
}

bool HostStep::on(const host::CloseUdp& event) {
  if (!state_.is_bound(event.port)) refuse(Refusal::no_such);
  state_.close_udp(event.port);
  return true;
}

bool HostStep::on(const host::SendUdp& event) {
  const IpAddress to = address_of(event.to);
  const std::size_t largest = to.is_ipv4() ? udp::largest_payload_ipv4 : udp::largest_payload_ipv6;
  if (!state_.is_bound(event.port)) {
    refuse(Refusal::no_such);
  } else if (event.to.port == 0 || event.bytes.size() > largest) {
    refuse(Refusal::bad_argument);
  } else if (const auto source = state_.ip_.source_for(to); !source) {
    refuse(Refusal::no_address);
  } else {
    send_udp(*source, event.port, event.to, event.bytes);
  }
  return true;
}

bool HostStep::on(const host::Resolve& event) {
  run_resolver(event);
  return true;
}

}  // namespace limpid::tcpip
