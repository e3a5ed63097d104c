#include "limpid/stack/client.hpp"

#include "limpid/tls/record/record.hpp"

namespace limpid::stack {
namespace {

// So many actions may one inner step make; the outer one goes on only with as many free.
constexpr std::size_t inner_actions = 8;
static_assert(inner_actions >= http::Client::least_room.actions &&
              inner_actions >= tls::Connection::least_room.actions);
static_assert(Client::least_room.actions >= 3 * inner_actions);

// HTTP's requests go through here into records; more than a record and what may stand in front of it add to them.
constexpr std::size_t request_piece = 1024;
constexpr std::size_t sealing_overhead = 256;

}  // namespace

// One step over one state.
class ClientStep {
 public:
  using Action = Client::Action;

  ClientStep(const Client::Config& config, Client& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), now_(now), room_(room), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
  }

  Progress<Action> take(const Client::Event& event) {
    if (auto* phase = open(); phase && phase->deadline <= now_.monotonic) time_out(*phase);
    // Saved under another configuration: it cannot go on.
    if (secure() != nullptr && !config_.tls) abort();
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    std::optional<Instant> deadline;
    if (const auto* phase = open()) deadline = phase->deadline;
    return {consumed, actions_.all(), more_, wants(), deadline};
  }

 private:
  Client::Open* open() { return std::get_if<Client::Open>(&state_.phase_); }
  Client::Secure* secure() {
    auto* phase = open();
    return phase != nullptr && phase->secure ? &*phase->secure : nullptr;
  }

  Wants wants() {
    if (std::holds_alternative<Client::Fresh>(state_.phase_)) return Wants::entropy;
    const auto* phase = open();
    if (phase == nullptr) return Wants::nothing;
    if (phase->closing) return Wants::room;
    if (const auto* tls = secure()) {
      if (tls_wants_ == Wants::room) return Wants::room;
      if (tls->connection.pending()) return Wants::reply;
      if (!tls->connected) return Wants::event;
    }
    return state_.http_.wants();
  }

  // Events. Each handler returns what it consumed.

  std::size_t on(const stream::Opened& opened) {
    if (!std::holds_alternative<Client::Fresh>(state_.phase_)) return on(Tick{});
    auto& phase = state_.phase_.emplace<Client::Open>();
    phase.deadline = now_.monotonic + (config_.tls ? config_.handshake_timeout : config_.idle_timeout);
    if (config_.tls) {
      phase.secure.emplace();
      run_tls(tls::Entropy{opened.entropy});
    }
    go_on();
    return 1;
  }

  std::size_t on(const tls::Entropy& entropy) {
    if (secure() != nullptr) run_tls(entropy);
    return on(Tick{});
  }

  std::size_t on(const Tick&) {
    go_on();
    return 1;
  }

  std::size_t on(const http::Fetch& fetch) {
    run_http(fetch);
    go_on();
    return 1;
  }

  std::size_t on(const stream::Received& event) {
    if (std::holds_alternative<Client::Fresh>(state_.phase_)) return 0;
    MutableBytes bytes = event.bytes;
    go_on();
    while (!bytes.empty() && ready_to_read()) {
      if (secure() == nullptr) {
        run_http(stream::Received{bytes});
        bytes = {};
      } else {
        const std::size_t consumed = run_tls(stream::Received{bytes.first(tls::record::first_record_size(bytes))});
        bytes = bytes.subspan(consumed);
        if (consumed == 0 && !tls_more_) break;
      }
      go_on();
    }
    if (open() == nullptr) return event.bytes.size();
    if (bytes.size() < event.bytes.size() && !handshaking()) {
      open()->deadline = now_.monotonic + config_.idle_timeout;
    }
    return event.bytes.size() - bytes.size();
  }

  std::size_t on(const stream::PeerFinished& event) {
    if (std::holds_alternative<Client::Fresh>(state_.phase_)) return 0;
    go_on();
    if (open() == nullptr) return 1;
    if (!ready_to_read()) return 0;
    const std::size_t consumed = secure() != nullptr ? run_tls(event) : run_http(event);
    go_on();
    return consumed;
  }

  std::size_t on(const stream::Reset& event) {
    run_http(event);
    state_.phase_ = Client::Ended{};
    return 1;
  }

  std::size_t on(const tls::Reply& reply) {
    if (secure() == nullptr) return 1;
    const std::size_t consumed = run_tls(reply);
    // An answer that does not fit is as good as none; asking for it again would get it again.
    if (refused_ && secure() != nullptr) run_tls(tls::Reply{reply.query, tls::Declined{}});
    go_on();
    return consumed;
  }

  bool handshaking() {
    const auto* tls = secure();
    return tls != nullptr && !tls->connected;
  }

  // Everything before the next bytes has been dealt with.
  bool ready_to_read() {
    if (open() == nullptr || open()->closing) return false;
    if (!actions_left()) return false;
    const auto* tls = secure();
    return tls == nullptr || (tls_wants_ != Wants::room && !tls->connection.pending());
  }

  bool actions_left() {
    if (actions_.free() > 2 * inner_actions) return true;
    more_ = true;
    return false;
  }

  // Sends what waits for room: handshake, request, close_notify.
  void go_on() {
    while (open() != nullptr && actions_left()) {
      tls_more_ = false;
      if (secure() != nullptr) run_tls(Tick{});
      if (open() == nullptr) return;
      if (open()->closing) return close();
      if (tls_more_) continue;
      if (handshaking() || state_.http_.wants() != Wants::room) return;
      const std::size_t before = used_;
      run_http(Tick{});
      if (used_ == before) return;
    }
  }

  // HTTP.

  std::size_t run_http(const http::Client::Event& event) {
    std::array<Byte, request_piece> scratch;
    MutableBytes room = free_room();
    if (open() == nullptr || open()->closing || handshaking()) {
      room = {};
    } else if (secure() != nullptr) {
      room =
          MutableBytes(scratch).first(std::min(scratch.size(), room.size() - std::min(room.size(), sealing_overhead)));
    }
    ActionSlots<http::Client::Action, inner_actions> slots;
    const auto progress =
        http::Client::advance(config_.http, state_.http_, now_, event, {room, slots, room_.budget, room_.cpu});
    for (const auto& action : progress.actions) {
      std::visit(Overloaded{
                     [this](const stream::Send& send) { send_request(send.bytes); },
                     [this](const auto& fact) { actions_.push(fact); },
                 },
                 action);
    }
    if (state_.http_.ended() && open() != nullptr) {
      open()->closing = true;
      open()->deadline = now_.monotonic + config_.idle_timeout;
    }
    return progress.consumed;
  }

  void send_request(Bytes bytes) {
    if (secure() == nullptr) return send(bytes);
    // It fits: the room for HTTP was chosen so.
    if (run_tls(tls::Write{bytes}) != bytes.size()) abort();
  }

  // TLS.

  std::size_t run_tls(const tls::Connection::Event& event) {
    ActionSlots<tls::Connection::Action, inner_actions> slots;
    const auto progress = tls::Connection::advance(*config_.tls, secure()->connection, now_, event,
                                                   {free_room(), slots, room_.budget, room_.cpu});
    tls_wants_ = progress.wants;
    tls_more_ = progress.more;
    for (const auto& action : progress.actions) {
      // Before anything else is written into the room.
      if (const auto* sealed = std::get_if<stream::Send>(&action)) send(sealed->bytes);
      if (const auto* done = std::get_if<tls::HandshakeDone>(&action)) {
        keep(done->application_protocol);
        keep(done->server_name);
      }
      if (const auto* log = std::get_if<tls::KeyLog>(&action)) keep(log->lines);
    }
    for (const auto& action : progress.actions) {
      if (secure() == nullptr) break;
      std::visit(Overloaded{
                     [](const stream::Send&) {},
                     [](const tls::Ask&) {},  // wants() says it
                     [&](const tls::Refused&) { refused_ = true; },
                     [&](const tls::Deliver& deliver) { run_http(stream::Received{lent_part(event, deliver.bytes)}); },
                     [&](const tls::HandshakeDone& done) {
                       secure()->connected = true;
                       open()->deadline = now_.monotonic + config_.idle_timeout;
                       actions_.push(done);
                     },
                     [&](const tls::PeerClosed&) { run_http(stream::PeerFinished{}); },
                     [&](const tls::Truncated& truncated) {
                       actions_.push(truncated);
                       run_http(http::Truncated{});
                     },
                     [&](const tls::Failed& failed) {
                       actions_.push(failed);
                       finish();
                     },
                     [&](const tls::Noted& noted) { actions_.push(noted); },
                     [&](const tls::KeyLog& log) { actions_.push(log); },
                 },
                 action);
    }
    return progress.consumed;
  }

  // A view that TLS delivered, as the part of the event's bytes that it is.
  static MutableBytes lent_part(const tls::Connection::Event& event, Bytes delivered) {
    const MutableBytes all = std::get<stream::Received>(event).bytes;
    return all.subspan(static_cast<std::size_t>(delivered.data() - all.data()), delivered.size());
  }

  // The ends.

  void close() {
    if (secure() != nullptr && run_tls(tls::Close{}) == 0) return;
    finish();
  }

  void finish() {
    if (open() == nullptr) return;
    actions_.push(stream::Finish{});
    state_.phase_ = Client::Ended{};
  }

  void abort() {
    if (open() == nullptr) return;
    actions_.push(stream::Abort{});
    state_.phase_ = Client::Ended{};
  }

  void time_out(const Client::Open& phase) {
    if (!phase.closing) actions_.push(TimedOut{handshaking() ? Awaited::handshake : Awaited::answer});
    abort();
  }

  // The room.

  MutableBytes free_room() const { return room_.bytes.subspan(used_); }

  // `bytes`, if they are in the room, stay as they are until the step ends.
  void keep(Bytes bytes) {
    if (bytes.empty()) return;
    used_ = std::max(used_, static_cast<std::size_t>(bytes.data() - room_.bytes.data()) + bytes.size());
  }

  void send(Bytes bytes) {
    if (bytes.empty()) return;
    keep(bytes);
    actions_.push(stream::Send{bytes});
  }

  const Client::Config& config_;
  Client& state_;
  Time now_;
  const Room<Action>& room_;
  std::size_t used_ = 0;  // bytes of the room in front
  ActionList<Action> actions_;
  bool more_ = false, tls_more_ = false;
  bool refused_ = false;  // what was last told to TLS
  Wants tls_wants_ = Wants::event;
};

Progress<Client::Action> Client::advance(const Config& config, Client& state, Time now, const Event& event,
                                         const Room<Action>& room) {
  if (room.actions.size() < least_room.actions) return {0, {}, false, Wants::room};
  return ClientStep(config, state, now, room).take(event);
}

std::optional<Client::Query> Client::pending() const {
  const auto* open = std::get_if<Open>(&phase_);
  if (open == nullptr || !open->secure) return {};
  auto question = open->secure->connection.pending();
  if (!question) return {};
  return TlsQuery{open->secure->connection.query_id(), std::move(*question)};
}

Bytes Client::head() const { return http_.head(); }

}  // namespace limpid::stack
