#include "limpid/tcpip/dhcp/client.hpp"

#include "limpid/core/reader.hpp"

namespace limpid::tcpip::dhcp {
namespace {

constexpr std::uint32_t for_ever = UINT32_MAX;  // RFC 2131, section 3.3
constexpr std::uint32_t least_lease = 10;       // seconds; with less we would do nothing but renew
constexpr std::uint16_t least_mtu = 576;        // that every host must take (RFC 791); less would only slow us down
constexpr std::uint8_t least_prefix = 8;        // a wider one would make strangers neighbours
constexpr std::uint16_t largest_accepted = 1400;

// An address that a host can have: not "this network", loopback, multicast, reserved or broadcast (RFC 6890).
bool is_host_address(const IpAddress& address) {
  const std::uint8_t first = address.as_v4()[0];
  return address.is_ipv4() && first != 0 && first != 127 && first < 224;
}

// Without the option, the prefix is that of the address's class (RFC 950, section 2.1). Nothing if the mask is none.
std::optional<std::uint8_t> prefix_bits(const std::optional<IpAddress>& mask, const IpAddress& address) {
  if (!mask) {
    const std::uint8_t first = address.as_v4()[0];
    return first < 128 ? 8 : first < 192 ? 16 : 24;
  }
  const std::uint32_t host_bits = ~mask->v4_bits();
  if ((host_bits & (host_bits + 1)) != 0) return {};
  std::uint8_t bits = 32;
  for (std::uint32_t rest = host_bits; rest != 0; rest >>= 1) --bits;
  if (bits < least_prefix) return {};
  return bits;
}

// The network's own address and its broadcast address are no host's, but for prefixes that have neither (RFC 3021).
bool is_host_of(const Cidr& cidr, const IpAddress& address) {
  if (!is_host_address(address)) return false;
  if (cidr.prefix_bits > 30) return true;
  const std::uint32_t host_bits = UINT32_MAX >> cidr.prefix_bits;
  const std::uint32_t host = address.v4_bits() & host_bits;
  return host != 0 && host != host_bits;
}

// What an offer or an acknowledgement grants.
std::expected<Lease, Drop> lease_of(const Message& message, Instant now) {
  Lease lease;
  if (!message.server_identifier || !is_host_address(*message.server_identifier)) {
    return std::unexpected(Drop::no_server);
  }
  lease.server = *message.server_identifier;
  if (!is_host_address(message.yiaddr)) return std::unexpected(Drop::bad_address);
  const auto bits = prefix_bits(message.subnet_mask, message.yiaddr);
  if (!bits) return std::unexpected(Drop::bad_subnet_mask);
  lease.address = {message.yiaddr, *bits};
  if (!is_host_of(lease.address, message.yiaddr)) return std::unexpected(Drop::bad_address);

  if (!message.lease_time || *message.lease_time < least_lease) return std::unexpected(Drop::bad_lease_time);
  const std::uint32_t whole = *message.lease_time;
  if (whole != for_ever) {
    // RFC 2131, section 4.4.5: "T1 defaults to (0.5 * duration_of_lease). T2 defaults to (0.875 * duration_of_lease)."
    std::uint32_t renewal = message.renewal_time.value_or(whole / 2);
    std::uint32_t rebinding = message.rebinding_time.value_or(whole - whole / 8);
    if (renewal == 0 || renewal >= rebinding || rebinding >= whole) {
      renewal = whole / 2;
      rebinding = whole - whole / 8;
    }
    lease.times = Lease::Times{now + seconds(renewal), now + seconds(rebinding), now + seconds(whole)};
  }

  // What is beside the address is taken as far as it makes sense.
  for (const IpAddress& router : message.routers) {
    if (lease.gateway || !lease.address.contains(router) || !is_host_of(lease.address, router)) continue;
    if (router != message.yiaddr) lease.gateway = router;
  }
  for (const IpAddress& server : message.domain_name_servers) {
    if (is_host_address(server)) lease.dns_servers.push_back(server);
  }
  if (message.interface_mtu && *message.interface_mtu >= least_mtu) lease.mtu = *message.interface_mtu;
  return lease;
}

// RFC 4361, section 6.1: type 255, an IAID and a DUID; there is one interface, and the DUID is its link-layer address
// (RFC 8415, section 11.4).
ClientIdentifier identifier_of(const MacAddress& mac) {
  ClientIdentifier identifier{255, 0, 0, 0, 1, /* DUID-LL */ 0, 3, /* Ethernet */ 0, 1};
  for (const Byte byte : mac.octets) identifier.push_back(byte);
  return identifier;
}

// None if `until` has come.
Duration remaining(Instant now, Instant until) {
  std::int64_t left = 0;
  if (until <= now) return {};
  return __builtin_sub_overflow(until.microseconds, now.microseconds, &left) ? Duration{INT64_MAX} : Duration{left};
}

template <class... T>
std::optional<Instant> earliest(std::optional<Instant> first, T... others) {
  ((first = !first ? others : !others ? first : std::min(first, others)), ...);
  return first;
}

}  // namespace

std::string_view name(Drop reason) {
  switch (reason) {
    case Drop::malformed:
      return "malformed";
    case Drop::not_a_reply:
      return "not_a_reply";
    case Drop::unexpected:
      return "unexpected";
    case Drop::wrong_transaction:
      return "wrong_transaction";
    case Drop::wrong_hardware_address:
      return "wrong_hardware_address";
    case Drop::wrong_identifier:
      return "wrong_identifier";
    case Drop::wrong_server:
      return "wrong_server";
    case Drop::no_server:
      return "no_server";
    case Drop::bad_address:
      return "bad_address";
    case Drop::bad_subnet_mask:
      return "bad_subnet_mask";
    case Drop::bad_lease_time:
      return "bad_lease_time";
  }
  return "";
}

bool Lease::restored(const LoadContext&) const {
  if (!is_host_address(server) || !is_host_of(address, address.address) || address.prefix_bits < least_prefix) {
    return false;
  }
  return !times || (times->renew < times->rebind && times->rebind < times->expire);
}

bool Client::restored(const LoadContext&) const {
  const bool needs_lease = std::holds_alternative<Bound>(phase_) || std::holds_alternative<Extending>(phase_);
  const bool may_have_lease = needs_lease || std::holds_alternative<LinkDown>(phase_);
  return lease_ ? may_have_lease : !needs_lease;
}

// One step over one state.
class ClientStep {
 public:
  using Action = Client::Action;
  using Way = Client::Extending::Way;

  ClientStep(const Client::Config& config, Client& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), room_(room.bytes), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_ = state_.last_seen_;
  }

  Progress<Action> take(const Client::Event& event) {
    expire();
    std::visit([this](const auto& e) { on(e); }, event);
    send_due();
    return {1, actions_.all(), false, state_.wants(), state_.deadline()};
  }

  // For a step that was given no room for what it could have to say.
  Progress<Action> refuse() const { return {0, {}, false, Wants::room, state_.deadline()}; }

 private:
  template <class Phase>
  Phase* in() {
    return std::get_if<Phase>(&state_.phase_);
  }

  // What time alone brings about. A message that is due again is sent at the end of the step.

  void expire() {
    if (state_.lease_ && state_.lease_->times && state_.lease_->times->expire <= now_) {
      // RFC 2131, section 4.4.5: the client "MUST immediately stop any other network processing".
      lose(LossReason::expired);
      if (!in<Client::LinkDown>()) begin();
    }
    if (const auto* waiting = in<Client::Waiting>()) {
      if (waiting->until <= now_) begin();
    } else if (const auto* requesting = in<Client::Requesting>()) {
      if (requesting->exchange.again <= now_ && requesting->exchange.sent > config_.request_retries) begin_again();
    } else if (const auto* extending = in<Client::Extending>()) {
      // Section 3.2: "the client MAY choose to use the previously allocated network address ... for the remainder of
      // the unexpired lease".
      if (extending->way == Way::rebooting && extending->exchange.again <= now_ &&
          extending->exchange.sent > config_.request_retries) {
        state_.phase_ = Client::Bound{};
      }
    }
    if (!state_.lease_ || !state_.lease_->times) return;
    const Lease::Times& times = *state_.lease_->times;
    if (const auto* extending = in<Client::Extending>()) {
      if (extending->way == Way::renewing && times.rebind <= now_) extend(Way::rebinding);
    } else if (in<Client::Bound>() && times.renew <= now_) {
      extend(times.rebind <= now_ ? Way::rebinding : Way::renewing);
    }
  }

  Client::Exchange new_exchange() {
    Byte drawn[4];
    state_.generator_.fill(drawn);
    state_.began_ = now_;
    return {.xid = Reader(Bytes(drawn)).u32(), .again = now_};
  }

  void begin() { state_.phase_ = Client::Selecting{new_exchange()}; }

  // After a failure. A server that refuses whatever it offers must not keep us busy: from the second time on, wait.
  void begin_again() {
    if (state_.restarts_ == 0) {
      begin();
    } else {
      wait(back_off(state_.restarts_));
    }
    state_.restarts_ = saturated(state_.restarts_);
  }

  void wait(Duration time) { state_.phase_ = Client::Waiting{now_ + time}; }

  void extend(Way way) { state_.phase_ = Client::Extending{new_exchange(), way}; }

  void lose(LossReason why) {
    state_.previous_ = state_.lease_->address.address;
    state_.lease_.reset();
    actions_.push(Lost{why});
  }

  // Events.

  void on(const Tick&) {}

  void on(const Started& event) {
    if (in<Client::Unborn>()) {
      state_.generator_ = crypto::Generator(event.entropy);
      state_.mac_ = event.mac;
      state_.phase_ = Client::LinkDown{};
    } else {
      state_.generator_.mix(event.entropy);
    }
  }

  void on(const LinkChanged& event) {
    if (!event.up) {
      state_.phase_ = Client::LinkDown{};
    } else if (in<Client::LinkDown>()) {
      state_.restarts_ = 0;
      if (state_.lease_) {
        extend(Way::rebooting);
      } else {
        begin();
      }
    }
  }

  // RFC 2131, section 4.2: servers know a client by its identifier, which is made of this address. So it is another
  // client from now on, which has nothing that it could verify or ask for again.
  void on(const HardwareAddress& event) {
    if (event.mac == state_.mac_) return;
    state_.mac_ = event.mac;
    if (state_.lease_) lose(LossReason::hardware_address);
    state_.previous_.reset();
    if (!in<Client::LinkDown>()) begin();
  }

  void on(const AddressConflict&) {
    if (!state_.lease_ || in<Client::LinkDown>()) return;
    // RFC 2131, section 3.1: "If the client detects that the address is already in use ..., the client MUST send a
    // DHCPDECLINE message to the server and restarts the configuration process. The client SHOULD wait a minimum of ten
    // seconds before restarting".
    Message decline = message(MessageType::decline, new_exchange());
    decline.requested_address = state_.lease_->address.address;
    decline.server_identifier = state_.lease_->server;
    send(decline, any_ipv4, broadcast);
    lose(LossReason::conflict);
    state_.previous_.reset();
    wait(config_.decline_wait);
  }

  void on(const Received& event) {
    const auto message = Message::parse(event.message);
    if (!message) return drop(Drop::malformed);
    if (message->operation != Operation::reply) return drop(Drop::not_a_reply);
    const Client::Exchange* exchange = open_exchange();
    if (exchange == nullptr) return drop(Drop::unexpected);
    if (message->xid != exchange->xid) return drop(Drop::wrong_transaction);
    if (message->chaddr != state_.mac_) return drop(Drop::wrong_hardware_address);
    // RFC 6842, section 3: "If the two client identifiers do not match, the client MUST silently discard the message."
    if (!message->client_identifier.empty() && message->client_identifier != identifier_of(state_.mac_)) {
      return drop(Drop::wrong_identifier);
    }
    switch (message->type) {
      case MessageType::offer:
        return on_offer(*message);
      case MessageType::ack:
        return on_ack(*message);
      case MessageType::nak:
        return on_nak(*message);
      default:
        return drop(Drop::unexpected);
    }
  }

  void on_offer(const Message& offer) {
    const auto* selecting = in<Client::Selecting>();
    if (selecting == nullptr) return drop(Drop::unexpected);
    const auto lease = lease_of(offer, now_);
    if (!lease) return drop(lease.error());
    // Table 5: "'xid' from server DHCPOFFER message"; section 3.1: it "MUST use the same value in the DHCP message
    // header's 'secs' field ... as the original DHCPDISCOVER message".
    const Client::Exchange exchange{.xid = offer.xid, .secs = selecting->exchange.secs, .again = now_};
    state_.phase_ = Client::Requesting{exchange, lease->address.address, lease->server};
  }

  void on_ack(const Message& ack) {
    const auto* requesting = in<Client::Requesting>();
    if (requesting == nullptr && !in<Client::Extending>()) return drop(Drop::unexpected);
    const auto lease = lease_of(ack, now_);
    if (!lease) return drop(lease.error());
    if (!is_from_asked_server(lease->server)) return drop(Drop::wrong_server);
    const IpAddress& expected = requesting != nullptr ? requesting->address : state_.lease_->address.address;
    if (lease->address.address != expected) return drop(Drop::bad_address);
    state_.lease_ = *lease;
    state_.restarts_ = 0;
    state_.phase_ = Client::Bound{};
    actions_.push(Leased{*lease});
  }

  void on_nak(const Message& nak) {
    if (!in<Client::Requesting>() && !in<Client::Extending>()) return drop(Drop::unexpected);
    if (!nak.server_identifier || !is_host_address(*nak.server_identifier)) return drop(Drop::no_server);
    if (!is_from_asked_server(*nak.server_identifier)) return drop(Drop::wrong_server);
    if (state_.lease_) lose(LossReason::refused);
    state_.previous_.reset();
    begin_again();
  }

  // Whether the message that is open was sent to this server, among others perhaps.
  bool is_from_asked_server(const IpAddress& server) {
    if (const auto* requesting = in<Client::Requesting>()) return server == requesting->server;
    return in<Client::Extending>()->way != Way::renewing || server == state_.lease_->server;
  }

  // Counts saturate: a wrapped one would lie.
  void drop(Drop reason) {
    std::uint32_t& count = state_.drops_[static_cast<std::size_t>(reason)];
    if (count != UINT32_MAX) ++count;
  }

  // Sending.

  Client::Exchange* open_exchange() {
    if (auto* selecting = in<Client::Selecting>()) return &selecting->exchange;
    if (auto* requesting = in<Client::Requesting>()) return &requesting->exchange;
    if (auto* extending = in<Client::Extending>()) return &extending->exchange;
    return nullptr;
  }

  void send_due() {
    Client::Exchange* exchange = open_exchange();
    if (exchange == nullptr || exchange->again > now_) return;
    if (!in<Client::Requesting>()) exchange->secs = seconds_since_start();
    exchange->sent = saturated(exchange->sent);
    exchange->again = now_ + until_again(*exchange);
    if (in<Client::Selecting>()) {
      Message discover = message(MessageType::discover, *exchange);
      discover.requested_address = state_.previous_;
      ask_for_options(discover);
      send(discover, any_ipv4, broadcast);
    } else if (const auto* requesting = in<Client::Requesting>()) {
      Message request = message(MessageType::request, *exchange);
      request.requested_address = requesting->address;
      request.server_identifier = requesting->server;
      ask_for_options(request);
      send(request, any_ipv4, broadcast);
    } else {
      send_extension(*exchange, in<Client::Extending>()->way);
    }
  }

  // RFC 2131, section 4.3.2: how the three differ.
  void send_extension(const Client::Exchange& exchange, Way way) {
    const Lease& lease = *state_.lease_;
    Message request = message(MessageType::request, exchange);
    ask_for_options(request);
    if (way == Way::rebooting) {
      request.requested_address = lease.address.address;
      return send(request, any_ipv4, broadcast);
    }
    request.broadcast = false;
    request.ciaddr = lease.address.address;
    send(request, lease.address.address, way == Way::renewing ? lease.server : broadcast);
  }

  Duration until_again(const Client::Exchange& exchange) {
    const auto* extending = in<Client::Extending>();
    if (extending == nullptr || extending->way == Way::rebooting || !state_.lease_->times) {
      return back_off(exchange.sent);
    }
    // Section 4.4.5: "In both RENEWING and REBINDING states, if the client receives no response to its DHCPREQUEST
    // message, the client SHOULD wait one-half of the remaining time until T2 (in RENEWING state) and one-half of the
    // remaining lease time (in REBINDING state), down to a minimum of 60 seconds".
    const Lease::Times& times = *state_.lease_->times;
    const Duration left = remaining(now_, extending->way == Way::renewing ? times.rebind : times.expire);
    return std::max(microseconds(left.microseconds / 2), config_.least_retry);
  }

  // Section 4.1: 4 s, doubled up to 64 s, "randomized by the value of a uniform random number chosen from the range -1
  // to +1".
  Duration back_off(std::uint8_t nth) {
    std::int64_t timeout = config_.first_timeout.microseconds;
    for (std::uint8_t i = 1; i < nth && timeout < config_.most_timeout.microseconds; ++i) timeout *= 2;
    timeout = std::min(timeout, config_.most_timeout.microseconds);
    Byte drawn[4];
    state_.generator_.fill(drawn);
    const std::int64_t jitter = Reader(Bytes(drawn)).u32() % 2'000'001;
    return std::max(microseconds(timeout + jitter - 1'000'000), milliseconds(100));
  }

  std::uint16_t seconds_since_start() const {
    const std::int64_t passed = remaining(state_.began_, now_).microseconds / 1'000'000;
    return static_cast<std::uint16_t>(std::min<std::int64_t>(passed, UINT16_MAX));
  }

  static std::uint8_t saturated(std::uint8_t count) {
    return static_cast<std::uint8_t>(count + (count < UINT8_MAX ? 1 : 0));
  }

  Message message(MessageType type, const Client::Exchange& exchange) const {
    Message made;
    made.xid = exchange.xid;
    made.secs = exchange.secs;
    made.chaddr = state_.mac_;
    made.type = type;
    // Table 5: a client that declines sets no flags.
    made.broadcast = type != MessageType::decline;
    made.client_identifier = identifier_of(state_.mac_);
    return made;
  }

  static void ask_for_options(Message& message) {
    message.maximum_message_size = largest_accepted;
    message.parameter_request_list = {OptionCode::subnet_mask,        OptionCode::router,
                                      OptionCode::domain_name_server, OptionCode::interface_mtu,
                                      OptionCode::renewal_time,       OptionCode::rebinding_time};
  }

  void send(const Message& message, const IpAddress& source, const IpAddress& destination) {
    Writer out(room_);
    message.emit(out);
    actions_.push(Send{out.written(), source, destination});
  }

  static constexpr IpAddress broadcast = IpAddress::v4(UINT32_MAX);

  const Client::Config& config_;
  Client& state_;
  Instant now_;
  MutableBytes room_;
  ActionList<Action> actions_;
};

Progress<Client::Action> Client::advance(const Config& config, Client& state, Time now, const Event& event,
                                         const Room<Action>& room) {
  ClientStep step(config, state, now, room);
  if (room.bytes.size() < least_room.bytes || room.actions.size() < least_room.actions) return step.refuse();
  if (state.wants() == Wants::entropy && !std::holds_alternative<Started>(event))
    return {0, {}, false, Wants::entropy, {}};
  return step.take(event);
}

Wants Client::wants() const { return std::holds_alternative<Unborn>(phase_) ? Wants::entropy : Wants::event; }

std::optional<Instant> Client::deadline() const {
  std::optional<Instant> next;
  if (const auto* waiting = std::get_if<Waiting>(&phase_)) next = waiting->until;
  if (const auto* selecting = std::get_if<Selecting>(&phase_)) next = selecting->exchange.again;
  if (const auto* requesting = std::get_if<Requesting>(&phase_)) next = requesting->exchange.again;
  const auto* extending = std::get_if<Extending>(&phase_);
  if (extending != nullptr) next = extending->exchange.again;
  if (!lease_ || !lease_->times) return next;
  const std::optional<Instant> renew = lease_->times->renew, rebind = lease_->times->rebind;
  if (std::holds_alternative<Bound>(phase_)) next = renew;
  if (extending != nullptr && extending->way == Extending::Way::renewing) next = earliest(next, rebind);
  return earliest(next, std::optional<Instant>(lease_->times->expire));
}

void Client::describe(Writer& out) const {
  std::visit(Overloaded{[&](const Unborn&) { out.text("not started"); },
                        [&](const LinkDown&) { out.text("the link is down"); },
                        [&](const Waiting&) { out.text("waiting before it begins anew"); },
                        [&](const Selecting&) { out.text("waiting for an offer"); },
                        [&](const Requesting&) { out.text("requesting what was offered"); },
                        [&](const Bound&) { out.text("bound"); },
                        [&](const Extending& extending) {
                          using Way = Extending::Way;
                          out.text(extending.way == Way::rebooting  ? "verifying the lease"
                                   : extending.way == Way::renewing ? "renewing the lease"
                                                                    : "rebinding the lease");
                        }},
             phase_);
}

}  // namespace limpid::tcpip::dhcp
