#include "limpid/tcpip/host/host.hpp"

#include "limpid/tcpip/host/host_step.hpp"

namespace limpid::tcpip {
namespace {

// What one step of a connection may take of the room.
constexpr std::size_t roomy_bytes = 4096;
constexpr std::size_t roomy_actions = 16;
// What one event may take: at most a packet that DHCP's client gets, the three commands to the network layer that a
// lease is, and the servers that it names for the resolver, each with what it needs. None of them can be asked again.
constexpr LeastRoom of_ip = ip::Interface::least_room, of_dhcp = dhcp::Client::least_room,
                    of_resolver = dns::Resolver::least_room;
constexpr std::size_t spacious_bytes = 4 * of_ip.bytes + of_dhcp.bytes + 2 * of_resolver.bytes;
constexpr std::size_t spacious_actions = 4 * of_ip.actions + of_dhcp.actions + of_resolver.actions;
constexpr Instant never{INT64_MAX};
static_assert(roomy_bytes <= spacious_bytes && roomy_actions <= spacious_actions);
static_assert(spacious_bytes <= Host::least_room.bytes && spacious_actions <= Host::least_room.actions);

}  // namespace

Progress<Host::Action> Host::advance(const Config& config, Host& state, Time now, const Event& event,
                                     const Room<Action>& room) {
  if (room.bytes.size() < least_room.bytes || room.actions.size() < least_room.actions) {
    return {0, {}, false, Wants::room, {}};
  }
  return HostStep(config, state, now, room).take(event);
}

Progress<Host::Action> HostStep::take(const Host::Event& event) {
  if (!state_.started_ && !std::holds_alternative<host::Started>(event)) {
    return {0, {}, false, Wants::entropy, {}};
  }
  state_.ip_.see(now_.monotonic);
  relieve();
  bool consumed = false;
  if (catch_up() && spacious()) consumed = std::visit([this](const auto& e) { return on(e); }, event);
  if (!alone() && leads()) tell_news();
  state_.parts_due_ = parts_due();
  auto deadline = std::min(state_.parts_due_, state_.connections_.deadline().value_or(never));
  bool more = more_ || !consumed || state_.unfinished_;
  // What the event made due at once.
  if (deadline <= now_.monotonic) {
    deadline = never;
    more = true;
  }
  return {consumed ? 1u : 0u, actions_.all(), more, Wants::event,
          deadline == never ? std::nullopt : std::optional(deadline)};
}

bool HostStep::roomy() const { return out_.room.size() >= roomy_bytes && actions_.free() >= roomy_actions; }
bool HostStep::spacious() const { return out_.room.size() >= spacious_bytes && actions_.free() >= spacious_actions; }

MutableBytes HostStep::carve(std::size_t size) {
  const MutableBytes carved = out_.room.first(size);
  out_.room = out_.room.subspan(size);
  return carved;
}

Instant HostStep::parts_due() const {
  Instant earliest = never;
  const auto consider = [&](const std::optional<Instant>& at) {
    if (at) earliest = std::min(earliest, *at);
  };
  consider(state_.time_waits_.deadline());
  consider(state_.ip_.deadline());
  if (state_.dhcp_) consider(state_.dhcp_->deadline());
  consider(state_.resolver_.deadline());
  consider(state_.advertised_until_);
  consider(state_.queues_.tell_at);
  return earliest;
}

bool HostStep::catch_up() {
  // Nothing else in this step: the connection's next event would end what is reported now.
  if (state_.unfinished_) {
    step(*std::exchange(state_.unfinished_, std::nullopt), Tick{});
    return false;
  }
  const auto due = [this](std::optional<Instant> at) { return at && *at <= now_.monotonic; };

  std::size_t looks = Host::most_expiries;
  while (due(state_.connections_.deadline())) {
    if (!roomy() || looks == 0) return false;
    const std::uint32_t index = state_.connections_.expired(now_.monotonic, looks);
    if (index != host::no_index) step(index, Tick{});
    if (state_.unfinished_) return false;
  }
  if (state_.parts_due_ > now_.monotonic) return true;
  for (std::size_t n = 0; due(state_.time_waits_.deadline()); ++n) {
    if (n == Host::most_expiries) return false;
    state_.time_waits_.remove(state_.time_waits_.oldest());
  }
  if (due(state_.ip_.deadline())) {
    if (!spacious()) return false;
    run_ip(Tick{});
  }
  if (state_.dhcp_ && due(state_.dhcp_->deadline())) {
    if (!spacious()) return false;
    run_dhcp(Tick{});
  }
  if (due(state_.advertised_until_)) {
    if (!roomy()) return false;
    state_.advertised_until_.reset();
    state_.advertised_servers_ = {};
    tell_servers();
  }
  if (due(state_.resolver_.deadline())) {
    if (!roomy()) return false;
    run_resolver(Tick{});
  }
  return !more_;
}

bool HostStep::on(const host::Started& event) {
  if (!state_.started_) {
    state_.generator_ = crypto::Generator(event.entropy);
    state_.table_key_ = crypto::draw<16>(state_.generator_);
    state_.sequence_key_ = crypto::draw<16>(state_.generator_);
    state_.cookie_key_ = crypto::draw<16>(state_.generator_);
    state_.port_key_ = crypto::draw<16>(state_.generator_);
    if (!alone() && leads()) state_.queues_.key = crypto::draw<16>(state_.generator_);
    state_.connections_ = host::Connections(budget_);
    state_.time_waits_ = host::TimeWaits(budget_);
    state_.listeners_ = Vec<Host::Listener>(budget_);
    state_.udp_ports_ = Vec<std::uint16_t>(budget_);
    state_.stray_limits_ = host::SourceLimits(budget_);
    state_.streams_ = Vec<ConnectionId>(budget_);
    // Refused, the host goes without a lease until it is started again.
    if (config_.dhcp && leads()) state_.dhcp_ = Box<dhcp::Client>::make(budget_);
    state_.started_ = true;
  } else {
    state_.generator_.mix(event.entropy);
  }
  const auto entropy = [this] {
    std::array<Byte, 32> drawn{};
    state_.generator_.fill(drawn);
    return drawn;
  };
  const auto for_ip = entropy(), for_dhcp = entropy(), for_resolver = entropy();
  run_ip(ip::Started{for_ip});
  if (state_.dhcp_) run_dhcp(dhcp::Started{for_dhcp, config_.ip.mac});
  run_resolver(dns::Started{for_resolver});
  tell_servers();
  return true;
}

bool HostStep::on(const host::Entropy& event) {
  state_.generator_.mix(event.entropy);
  return true;
}

bool HostStep::on(const FrameReceived& event) {
  if (alone()) {
    run_ip(event);
  } else if (!is_for_another(event)) {
    run_frame(event);
  }
  return true;
}

// The device may be another one by now, to which the configuration was fitted. What the old one had been leased goes in
// a step of its own, before the link is up: or it would be announced.
bool HostStep::on(const LinkChanged& event) {
  if (event.up && leads()) {
    if (state_.dhcp_ && state_.dhcp_->hardware_address() != config_.ip.mac) {
      run_dhcp(dhcp::HardwareAddress{config_.ip.mac});
      return false;
    }
    set_mtu();
  }
  run_ip(event);
  if (state_.dhcp_) run_dhcp(event);
  return true;
}

// One burst of each connection. Who has more waits for the next step: meanwhile his application can write on, so that
// what leaves then is a whole superframe, too.
bool HostStep::on(const Flush&) {
  for (std::size_t n = 0; n < Host::most_shed && (shortage() == Shortage::connections || crowded()); ++n) {
    const std::uint32_t index = state_.connections_.slowest();
    if (index == host::no_index) break;
    drop(host::Drop::shed);
    host::Entry& entry = state_.connections_[index];
    entry.shed = entry.stage != host::Entry::Stage::half_open && !entry.resolver;
    leave(index);
  }
  for (std::uint32_t n = state_.connections_.dirty(); n > 0 && state_.connections_.any_dirty(); --n) {
    if (!roomy()) return false;
    step(state_.connections_.take_dirty(), Flush{});
  }
  return !state_.connections_.any_dirty();
}

// The network layer.

// The event is taken; what more there is to do waits for room.
void HostStep::run_ip(const ip::Interface::Event& event) {
  learned_ = true;
  // An echo of 64 KiB is answered in so many fragments.
  ActionSlots<ip::Interface::Action, 48> buffer;
  const ip::Interface::Event tick{Tick{}};
  const ip::Interface::Event* next = &event;
  for (bool more = true; more; next = &tick) {
    if (next == &tick && !roomy()) {
      more_ = true;
      return;
    }
    // What is left is for what a packet causes above: little, if the packet is answered here.
    const std::size_t most = std::min(buffer.size(), actions_.free() - roomy_actions / 2);
    ActionList<ip::Interface::Action> actions(buffer.first(most));
    ip::Outlet<ip::Interface::Action> out{out_.room.first(out_.room.size() - roomy_bytes / 2), actions};
    const std::size_t before = out.room.size();
    more = ip::Interface::advance(config_.ip, state_.ip_, now_, *next, budget_, out).more;
    carve(before - out.room.size());
    for (auto& action : actions.all()) carry_out(action);
    // What was delivered out of it lasts until its next step, and so must this one. Nor may another packet come before
    // the connection that this one was for has reported all.
    if (more && (state_.ip_.lends() || state_.unfinished_)) {
      more_ = true;
      return;
    }
  }
}

// In the least room that it needs, so that another command has some, too.
void HostStep::command_ip(const ip::Interface::Event& event) {
  learned_ = true;
  ActionSlots<ip::Interface::Action, of_ip.actions> buffer;
  ActionList<ip::Interface::Action> actions{buffer};
  const std::size_t size = std::min(of_ip.bytes, out_.room.size());
  ip::Outlet<ip::Interface::Action> out{out_.room.first(size), actions};
  const bool more = ip::Interface::advance(config_.ip, state_.ip_, now_, event, budget_, out).more;
  carve(size - out.room.size());
  for (auto& action : actions.all()) carry_out(action);
  if (more) more_ = true;
}

void HostStep::carry_out(ip::Interface::Action& action) {
  std::visit(Overloaded{
                 [this](Transmit& frame) { actions_.push(std::move(frame)); },
                 [this](ip::Deliver& packet) { delivered(packet); },
                 [this](ip::Unreachable& error) { unreachable(error); },
                 [](ip::Resolved&) {},  // whoever waits sends again by its own timer
                 [this](ip::AddressReady& ready) { actions_.push(host::ConfigurationChanged{ready.address, true}); },
                 [this](ip::AddressLost& lost) {
                   actions_.push(host::ConfigurationChanged{lost.address, false});
                   const bool leased =
                       state_.dhcp_ && state_.dhcp_->lease() && state_.dhcp_->lease()->address.address == lost.address;
                   if (leased && lost.why == ip::LostBecause::duplicate) run_dhcp(dhcp::AddressConflict{});
                 },
                 [](ip::RouterFound&) {},
                 [this](ip::DnsServersFound& found) {
                   state_.advertised_servers_ = {};
                   state_.advertised_until_.reset();
                   if (found.lifetime > Duration{}) {
                     state_.advertised_servers_ = found.servers;
                     state_.advertised_until_ = now_.monotonic + found.lifetime;
                   }
                   tell_servers();
                 },
                 [this](ip::NeighbourWanted& wanted) {
                   if (!alone()) say(wanted);
                 },
                 [this](ip::NeighbourFound& found) {
                   if (!alone()) say(found);
                 },
             },
             action);
}

bool HostStep::on(const host::FromQueue& event) {
  if (alone()) {
    drop(host::Drop::queue_malformed);
  } else {
    heard(event);
  }
  return true;
}

// As far as other queues are concerned, a segment is no news.
void HostStep::run_frame(const FrameReceived& event) {
  const bool learned = learned_;
  run_ip(event);
  if (segment_) learned_ = learned;
}

void HostStep::delivered(const ip::Deliver& packet) {
  switch (packet.protocol) {
    case Protocol::tcp:
      segment_ = true;
      if (!alone() && is_for_another(packet)) return;
      return delivered_tcp(packet);
    case Protocol::udp:
      return delivered_udp(packet);
    default:  // the interface answers those itself
      return;
  }
}

ip::SendResult HostStep::send(const ip::Packet& packet) {
  const ip::SendResult result = state_.ip_.send(config_.ip, now_, packet, out_);
  if (result != ip::SendResult::sent && result != ip::SendResult::queued) drop(host::Drop::unsent);
  return result;
}

// Memory.

HostStep::Shortage HostStep::shortage() const {
  const std::size_t sixteenth = budget_.limit() / 16;
  const std::size_t used = budget_.used();
  if (used >= 15 * sixteenth) return Shortage::connections;
  if (used >= 14 * sixteenth) return Shortage::time_waits;
  if (used >= 12 * sixteenth) return Shortage::cookies;
  if (used >= 8 * sixteenth) return Shortage::windows;
  return Shortage::none;
}

bool HostStep::crowded() const {
  const std::uint32_t most = config_.limits.connections;
  return state_.connections_.staying() > most - most / 16;
}

void HostStep::relieve() {
  if (shortage() >= Shortage::windows) {
    state_.pressed_ = true;
  } else if (budget_.used() < budget_.limit() / 8 * 3) {
    state_.pressed_ = false;
  }
  if (shortage() >= Shortage::time_waits) evict_time_waits(Host::most_expiries);
}

void HostStep::evict_time_waits(std::size_t most) {
  for (std::size_t n = 0; n < most && state_.time_waits_.oldest() != host::no_index; ++n) {
    drop(host::Drop::time_wait_evicted);
    state_.time_waits_.remove(state_.time_waits_.oldest());
  }
}

// Lists and tables.

Host::Listener* Host::listener(std::uint16_t port) {
  for (Listener& listener : listeners_) {
    if (listener.port == port) return &listener;
  }
  return nullptr;
}

bool Host::is_bound(std::uint16_t port) const {
  return std::find(udp_ports_.begin(), udp_ports_.end(), port) != udp_ports_.end();
}

bool Host::restored(const LoadContext& context) {
  streams_ = Vec<ConnectionId>(context.budget);
  if (!connections_.restored_with(table_key_, context) || !time_waits_.restored_with(table_key_, context)) return false;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].port == 0 || listener(listeners_[i].port) != &listeners_[i]) return false;
    listeners_[i].half_open = 0;
  }
  for (std::size_t i = 0; i < udp_ports_.size(); ++i) {
    if (udp_ports_[i] == 0 || std::find(udp_ports_.begin(), udp_ports_.end(), udp_ports_[i]) != &udp_ports_[i]) {
      return false;
    }
  }
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    if (!connections_.holds(i)) continue;
    const host::Entry& entry = connections_[i];
    Listener* listens = listener(entry.listener);
    if (entry.stage == host::Entry::Stage::half_open && listens != nullptr) ++listens->half_open;
    if (entry.resolver && !streams_.push_back(connections_.id(i))) {
      return false;
    }
  }
  return !unfinished_ || connections_.holds(*unfinished_);
}

}  // namespace limpid::tcpip
