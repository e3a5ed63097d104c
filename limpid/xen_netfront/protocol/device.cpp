#include "limpid/xen_netfront/protocol/device.hpp"

#include "limpid/xen_netfront/protocol/device_step.hpp"

namespace limpid::xen_netfront {
namespace {

// A number as the store has it: decimal digits, nothing else, at most `most`.
std::optional<std::uint32_t> number(Bytes text, std::uint32_t most) {
  std::uint64_t value = 0;
  for (const Byte digit : text) {
    if (digit < '0' || digit > '9' || value > most) return {};
    value = value * 10 + (digit - std::uint64_t{'0'});
  }
  if (text.empty() || value > most) return {};
  return static_cast<std::uint32_t>(value);
}

std::optional<Byte> hexadecimal(Byte digit) {
  if (digit >= '0' && digit <= '9') return static_cast<Byte>(digit - '0');
  const Byte lower = digit | 0x20;
  if (lower >= 'a' && lower <= 'f') return static_cast<Byte>(lower - 'a' + 10);
  return {};
}

// "00:16:3e:01:02:03", of one station.
std::optional<std::array<Byte, 6>> parse_mac(Bytes text) {
  if (text.size() != 17) return {};
  std::array<Byte, 6> mac{};
  for (std::size_t i = 0; i < 6; ++i) {
    const auto high = hexadecimal(text[3 * i]), low = hexadecimal(text[3 * i + 1]);
    if (!high || !low || (i < 5 && text[3 * i + 2] != ':')) return {};
    mac[i] = static_cast<Byte>(*high << 4 | *low);
  }
  if ((mac[0] & 1) != 0 || mac == std::array<Byte, 6>{}) return {};
  return mac;
}

// The least MTU that IPv4 knows, and what netback allows with scatter-gather (65535 less a VLAN's header).
constexpr std::uint32_t least_mtu = 68, most_mtu = 65517;

}  // namespace

Progress<Device::Action> Device::advance(const Config& config, Device& state, Time, const Event& event,
                                         const Room<Action>& room) {
  if (room.bytes.size() < least_room.bytes || room.actions.size() < least_room.actions) {
    return {0, {}, false, Wants::room, {}};
  }
  // Saved with a pool of another size: its pages are not there.
  if (state.pool_ != 0 && state.pool_ != pages(config)) return {1, {}, false, Wants::nothing, {}};
  return DeviceStep(config, state, room).take(event);
}

Progress<Device::Action> DeviceStep::take(const Device::Event& event) {
  const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
  continue_pages();
  return {consumed, actions_.all(), more_ || consumed == 0, Wants::event, {}};
}

std::size_t DeviceStep::on(const Started&) {
  if (state_.phase_ != Phase::unborn) return 1;
  state_.phase_ = Phase::absent;
  state_.pool_ = static_cast<std::uint16_t>(pages());
  // It fires at once, and that begins the search.
  ask(Question::frontend_watch, xenstore::Operation::watch, {as_text(config_.path.span())});
  return 1;
}

std::size_t DeviceStep::on(const Stop&) {
  state_.stopping_ = true;
  switch (state_.phase_) {
    case Phase::preparing:
    case Phase::publishing:
    case Phase::confirming:
    case Phase::connected:
      close();
      break;
    case Phase::closing:
    case Phase::revoking:
      break;
    default:
      state_.phase_ = Phase::absent;
  }
  return 1;
}

// Asking xenstore.

std::uint32_t DeviceStep::token(Question question) const {
  // The watch of the device's own entries is made once and outlives every epoch.
  const std::uint32_t epoch = question == Question::frontend_watch ? 0 : state_.epoch_;
  return epoch << 8 | static_cast<std::uint32_t>(question);
}

std::string_view DeviceStep::text(std::initializer_list<std::string_view> parts) {
  Writer out(room_);
  for (const std::string_view part : parts) out.text(part);
  const MutableBytes written = out.written();
  room_ = room_.subspan(written.size());
  return as_text(written);
}

std::string_view DeviceStep::decimal(std::uint32_t value) {
  Writer out(room_);
  out.decimal(value);
  const MutableBytes written = out.written();
  room_ = room_.subspan(written.size());
  return as_text(written);
}

void DeviceStep::ask(Question question, xenstore::Operation operation, std::initializer_list<std::string_view> path,
                     Bytes value) {
  actions_.push(xenstore::Request{token(question), operation, text(path), value});
}

void DeviceStep::write_state(std::uint8_t state) {
  const std::string_view value = decimal(state);
  ask(Question::own_state, xenstore::Operation::write, {as_text(config_.path.span()), "/state"}, as_bytes(value));
}

// Reads the device's entries, all in one round trip.
void DeviceStep::seek() {
  state_.phase_ = Phase::seeking;
  ++state_.epoch_;
  state_.entries_good_ = true;
  const std::string_view path = as_text(config_.path.span());
  const auto read = [&](Question question, std::string_view name) {
    ask(question, xenstore::Operation::read, {path, name});
  };
  read(Question::backend_path, "/backend");
  read(Question::backend_domain, "/backend-id");
  read(Question::mac, "/mac");
}

std::size_t DeviceStep::on(const xenstore::Fired& event) {
  const std::string_view path = as_text(config_.path.span());
  if (event.token == token(Question::frontend_watch)) {
    // Our own writes beneath it fire, too.
    const std::string_view changed = event.path;
    const bool whole = changed == path;
    const bool backend = changed.starts_with(path) && as_bytes(changed).subspan(path.size()) == as_bytes("/backend");
    if ((!whole && !backend) || state_.stopping_) return 1;
    switch (state_.phase_) {
      case Phase::unborn:
        break;
      case Phase::absent:
      case Phase::seeking:
      case Phase::waiting:
        seek();
        break;
      default:
        ask(Question::still_there, xenstore::Operation::read, {path, "/backend"});
    }
  } else if ((event.token & 0xFF) == static_cast<std::uint32_t>(Question::backend_watch)) {
    ask_backend();
  }
  return 1;
}

std::size_t DeviceStep::on(const xenstore::Answer& answer) {
  if (answer.token > 0xFFFFFF || answer.token >> 8 != state_.epoch_) return 1;  // stale, or of no question that matters
  const auto question = static_cast<Question>(answer.token & 0xFF);
  switch (question) {
    case Question::backend_path:
    case Question::backend_domain:
    case Question::mac:
      if (state_.phase_ == Phase::seeking) on_entry(question, answer);
      break;
    case Question::still_there:
      // Another backend, or none: this one need not be waited for.
      if (rings_in_use() && (answer.status != xenstore::Status::ok || answer.value != Bytes(state_.backend_.span()))) {
        if (state_.phase_ != Phase::closing) close();
        begin_revoking();
      }
      break;
    case Question::state:
    case Question::online:
    case Question::mtu:
    case Question::scatter_gather:
    case Question::segmentation_ipv4:
    case Question::segmentation_ipv6:
    case Question::checksum_ipv6:
      on_backend(question, answer);
      break;
    case Question::publication:
      if (state_.phase_ != Phase::publishing) break;
      if (answer.status == xenstore::Status::ok) {
        state_.phase_ = Phase::confirming;
        report(Fact::published);
        ask_backend();
      } else {
        give_up();
      }
      break;
    default:
      break;
  }
  return 1;
}

void DeviceStep::on_entry(Question question, const xenstore::Answer& answer) {
  const bool there = answer.status == xenstore::Status::ok;
  if (question == Question::backend_path) {
    state_.entries_good_ = there && !answer.value.empty() && answer.value.size() <= state_.backend_.capacity &&
                           as_text(answer.value).find('\0') == std::string_view::npos;
    if (state_.entries_good_) {
      state_.backend_ = decltype(state_.backend_)(answer.value);
    } else {
      report(answer.status == xenstore::Status::no_entry ? Fact::no_device : Fact::unusable_entries);
      state_.phase_ = Phase::absent;
    }
  } else if (question == Question::backend_domain) {
    const auto domain = there ? number(answer.value, 0x7FEF) : std::nullopt;  // DOMID_FIRST_RESERVED
    state_.entries_good_ = state_.entries_good_ && domain;
    if (domain) state_.domain_ = static_cast<std::uint16_t>(*domain);
  } else {
    const auto mac = there ? parse_mac(answer.value) : std::nullopt;
    state_.entries_good_ = state_.entries_good_ && mac;
    if (mac) state_.mac_ = *mac;
    found();
  }
}

// Everything is read: watch the backend, which fires at once.
void DeviceStep::found() {
  if (!state_.entries_good_) {
    report(Fact::unusable_entries);
    state_.phase_ = Phase::absent;
    return;
  }
  state_.phase_ = Phase::waiting;
  state_.revived_ = false;
  state_.backend_asked_ = state_.ask_again_ = false;
  report(Fact::backend_found);
  if (state_.watched_ == state_.backend_) return ask_backend();
  const auto watch = [&](xenstore::Operation operation, const InlineBytes<64>& path, std::uint32_t epoch) {
    const std::uint32_t with = epoch << 8 | static_cast<std::uint32_t>(Question::backend_watch);
    actions_.push(xenstore::Request{with, operation, text({as_text(path.span()), "/state"}), {}});
  };
  if (!state_.watched_.empty()) watch(xenstore::Operation::unwatch, state_.watched_, state_.watch_epoch_);
  state_.watched_ = state_.backend_;
  state_.watch_epoch_ = state_.epoch_;
  watch(xenstore::Operation::watch, state_.watched_, state_.watch_epoch_);
}

// Reads what the backend says, all in one round trip, unless that is under way.
void DeviceStep::ask_backend() {
  if (state_.phase_ < Phase::waiting || state_.phase_ == Phase::revoking) return;
  if (state_.backend_asked_) {
    state_.ask_again_ = true;
    return;
  }
  state_.backend_asked_ = true;
  state_.ask_again_ = false;
  const std::string_view path = as_text(state_.backend_.span());
  const auto read = [&](Question question, std::string_view name) {
    ask(question, xenstore::Operation::read, {path, name});
  };
  // In this order: when the backend says InitWait, its features are there; when it says Connected, so is the MTU, which
  // the toolstack's script writes beside our entries, but long after them (tools/hotplug/Linux/xen-network-common.sh).
  read(Question::state, "/state");
  read(Question::online, "/online");
  ask(Question::mtu, xenstore::Operation::read, {as_text(config_.path.span()), "/mtu"});
  read(Question::scatter_gather, "/feature-sg");
  read(Question::segmentation_ipv4, "/feature-gso-tcpv4");
  read(Question::segmentation_ipv6, "/feature-gso-tcpv6");
  read(Question::checksum_ipv6, "/feature-ipv6-csum-offload");
}

void DeviceStep::on_backend(Question question, const xenstore::Answer& answer) {
  if (!state_.backend_asked_) return;
  const bool there = answer.status == xenstore::Status::ok;
  const std::uint32_t value = there ? number(answer.value, 255).value_or(0) : 0;
  switch (question) {
    case Question::state:
      state_.backend_state_ = static_cast<std::uint8_t>(value);  // 0, Unknown, if it is not there
      break;
    case Question::online:
      state_.online_ = value != 0;
      break;
    case Question::mtu: {
      const auto mtu = there ? number(answer.value, most_mtu) : std::nullopt;
      state_.mtu_ = mtu && *mtu >= least_mtu ? static_cast<std::uint16_t>(*mtu) : std::uint16_t{1500};
      break;
    }
    case Question::scatter_gather:
      state_.offers_.scatter_gather = value != 0;
      break;
    case Question::segmentation_ipv4:
      state_.offers_.segmentation_ipv4 = value != 0;
      break;
    case Question::segmentation_ipv6:
      state_.offers_.segmentation_ipv6 = value != 0;
      break;
    default:
      state_.offers_.checksum_ipv6 = value != 0;
      state_.backend_asked_ = false;
      if (state_.ask_again_) {
        ask_backend();
      } else {
        judge_backend();
      }
  }
}

void DeviceStep::judge_backend() {
  const std::uint8_t backend = state_.backend_state_;
  switch (state_.phase_) {
    case Phase::waiting:
      if (!state_.online_) break;  // it is being taken away; when it is there again, its entries fire
      if (backend == state_init_wait) {
        prepare();
      } else if ((backend == state_closing || backend == state_closed) && !state_.revived_) {
        // Left over from the last connection: our state set back is what makes it offer another.
        state_.revived_ = true;
        write_state(state_initialising);
      }
      break;
    case Phase::confirming:
      if (backend == state_connected) {
        state_.phase_ = Phase::connected;
        if (state_.connections_ != UINT32_MAX) ++state_.connections_;
        report(Fact::connected);
        actions_.push(LinkChanged{true});
        break;
      }
      if (backend > 0 && backend < state_connected) break;  // not yet
      [[fallthrough]];
    case Phase::connected:
      if (backend == state_connected) break;
      report(Fact::backend_left);
      close();
      break;
    case Phase::closing:
      // Closed, or begun anew: it has unmapped what it had.
      if (backend != state_connected && backend != state_closing) begin_revoking();
      break;
    default:
      break;
  }
}

// The connection.

// Gives pages their uses, and has the rings made and a port allocated; continue_pages() does the rest.
void DeviceStep::prepare() {
  if (!assign_pages()) {
    report(Fact::too_few_pages);
    state_.phase_ = Phase::absent;
    return;
  }
  state_.phase_ = Phase::preparing;
  state_.features_ = {};
  state_.features_.scatter_gather = state_.offers_.scatter_gather;
  if (config_.offloads) {
    state_.features_ = state_.offers_;
    state_.features_.checksum_ipv4 = true;  // every netback's
  }
  state_.cursor_ = 0;
  actions_.push(AllocatePort{state_.domain_});
}

bool DeviceStep::assign_pages() {
  std::size_t healthy = 0;
  for (std::size_t page = 0; page < pages(); ++page) {
    if (state_.uses_[page] != Use::quarantined) ++healthy;
  }
  if (healthy < 2u + 2u * Device::least_pages) return false;
  // What backends kept is missing on both sides, as far as either can do without.
  const std::size_t wanted = Device::clamped(config_.receive_pages), kept = pages() - healthy;
  const std::size_t receive =
      std::min(wanted - std::min(kept / 2, wanted - Device::least_pages), healthy - 2 - Device::least_pages);
  ResetRings rings;
  std::size_t assigned = 0;
  for (std::size_t page = 0; page < pages(); ++page) {
    Use& use = state_.uses_[page];
    if (use == Use::quarantined) continue;
    if (assigned == 0) {
      use = Use::transmit_ring;
      rings.transmit_page = static_cast<std::uint16_t>(page);
    } else if (assigned == 1) {
      use = Use::receive_ring;
      rings.receive_page = static_cast<std::uint16_t>(page);
    } else if (assigned < 2 + receive) {
      use = Use::receive_free;
      state_.receive_free_.push(static_cast<std::uint16_t>(page));
    } else {
      use = Use::transmit_free;
      state_.transmit_free_.push(static_cast<std::uint16_t>(page));
    }
    ++assigned;
  }
  actions_.push(rings);
  return true;
}

std::size_t DeviceStep::on(const PortAllocated& event) {
  if (state_.phase_ != Phase::preparing || state_.port_) {
    if (event.ok && state_.port_ != event.port) actions_.push(ClosePort{event.port});
    return 1;
  }
  if (!event.ok) {
    give_up();
    return 1;
  }
  state_.port_ = event.port;
  return 1;
}

// What takes more actions than a step has slots: granting and revoking pages, posting those that receive.
void DeviceStep::continue_pages() {
  if (state_.phase_ == Phase::preparing) {
    for (; state_.cursor_ < pages() && actions_.free() > slots_kept; ++state_.cursor_) {
      const Use use = state_.uses_[state_.cursor_];
      if (use == Use::quarantined) continue;
      state_.granted_[state_.cursor_] = true;
      const bool read_only = use == Use::transmit_free;
      actions_.push(Grant{state_.cursor_, reference(state_.cursor_), state_.domain_, read_only});
    }
    if (state_.cursor_ < pages()) {
      more_ = true;
    } else if (state_.port_) {
      publish();
    }
  }
  if (state_.phase_ == Phase::revoking) {
    for (; state_.cursor_ < pages() && actions_.free() > slots_kept; ++state_.cursor_) {
      if (!state_.granted_[state_.cursor_]) continue;
      ++state_.revocations_;
      actions_.push(Revoke{state_.cursor_, reference(state_.cursor_)});
    }
    if (state_.cursor_ < pages()) {
      more_ = true;
    } else if (state_.revocations_ == 0) {
      revoked_all();
    }
  }
  post_receive();
}

// One transaction, so that the backend sees all or nothing; the state is in it, which saves a round trip.
void DeviceStep::publish() {
  std::uint32_t transmit_ring = 0, receive_ring = 0;
  for (std::size_t page = 0; page < pages(); ++page) {
    if (state_.uses_[page] == Use::transmit_ring) transmit_ring = reference(page);
    if (state_.uses_[page] == Use::receive_ring) receive_ring = reference(page);
  }
  xenstore::Publish publish{.token = token(Question::publication), .assignments = {}};
  const auto assign = [&](std::string_view name, std::uint32_t value) {
    const std::string_view path = text({as_text(config_.path.span()), name});
    publish.assignments.push_back({path, as_bytes(decimal(value))});
  };
  const bool offloads = config_.offloads;
  assign("/tx-ring-ref", transmit_ring);
  assign("/rx-ring-ref", receive_ring);
  assign("/event-channel", *state_.port_);
  assign("/request-rx-copy", 1);
  assign("/feature-rx-notify", 1);
  assign("/feature-sg", 1);
  assign("/feature-gso-tcpv4", offloads ? 1 : 0);
  assign("/feature-gso-tcpv6", offloads ? 1 : 0);
  assign("/feature-ipv6-csum-offload", offloads ? 1 : 0);
  assign("/feature-no-csum-offload", offloads ? 0 : 1);
  assign("/state", state_connected);
  actions_.push(publish);
  state_.phase_ = Phase::publishing;
}

// What was refused now would be refused again.
void DeviceStep::give_up() {
  report(Fact::publication_failed);
  state_.given_up_ = true;
  close();
}

// Tells the backend to let go, and waits until it has: a page that it has mapped cannot be taken back.
void DeviceStep::close() {
  if (state_.phase_ == Phase::connected) actions_.push(LinkChanged{false});
  if (state_.port_) actions_.push(ClosePort{*state_.port_});
  state_.port_.reset();
  state_.phase_ = Phase::closing;
  write_state(state_closed);
  ask_backend();
}

void DeviceStep::begin_revoking() {
  state_.phase_ = Phase::revoking;
  state_.cursor_ = 0;
  state_.revocations_ = 0;
  state_.answered_ = {};
  for (Use& use : state_.uses_) use = use == Use::quarantined ? use : Use::none;
  state_.transmit_free_ = {};
  state_.receive_free_ = {};
  state_.transmit_producer_ = state_.transmit_consumer_ = 0;
  state_.receive_producer_ = state_.receive_consumer_ = 0;
  state_.arriving_ = {};
}

std::size_t DeviceStep::on(const Revoked& event) {
  if (state_.phase_ != Phase::revoking || event.page >= state_.cursor_ || !state_.granted_[event.page] ||
      state_.revocations_ == 0 || state_.answered_[event.page]) {
    return 1;
  }
  state_.answered_[event.page] = true;
  state_.granted_[event.page] = !event.ended;
  state_.uses_[event.page] = event.ended ? Use::none : Use::quarantined;
  --state_.revocations_;
  return 1;
}

void DeviceStep::revoked_all() {
  state_.answered_ = {};
  // The same backend may offer another connection, or there may be another backend: look.
  if (state_.stopping_ || std::exchange(state_.given_up_, false)) {
    state_.phase_ = Phase::absent;
  } else {
    seek();
  }
}

void DeviceStep::misbehaved(Fault fault) {
  std::uint32_t& faults = state_.faults_[static_cast<std::size_t>(fault)];
  if (faults != UINT32_MAX) ++faults;
  report(Fact::backend_misbehaved);
  close();
}

// From the first grant until all are taken back.
bool DeviceStep::rings_in_use() const { return state_.phase_ >= Phase::preparing && state_.phase_ <= Phase::closing; }

}  // namespace limpid::xen_netfront
