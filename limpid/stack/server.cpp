#include "limpid/stack/server.hpp"

#include "limpid/tls/record/record.hpp"

namespace limpid::stack {
namespace {

// A connection's part of a room below which HTTP is given none: TLS could not seal what it hands out.
constexpr std::size_t least_sealing_room = tls::Connection::least_room.bytes;

// Between what TLS seals and the plaintext that HTTP wrote behind it: the first record must not run into its own
// source. As much as HTTP writes into a room at once when it is short of nothing.
constexpr std::size_t largest_gap = 5 * 1024;

// So many actions may one inner step make; the outer one goes on only with as many free.
constexpr std::size_t inner_actions = 8;
static_assert(inner_actions >= http::Server::least_room.actions &&
              inner_actions >= tls::Connection::least_room.actions);
static_assert(Server::least_room.actions >= 3 * inner_actions);

}  // namespace

// One step over one state.
class ServerStep {
 public:
  using Action = Server::Action;

  ServerStep(const Server::Config& config, Server& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), now_(now), room_(room), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
  }

  Progress<Action> take(const Server::Event& event) {
    expire();
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    conclude();
    flush_sends();
    return {consumed, actions_.all(), more_, wants(), deadline()};
  }

  // For a step that was given no room for what it could have to report.
  Progress<Action> refuse() const { return {0, {}, false, Wants::room, {}}; }

 private:
  template <class Phase>
  Phase* in() {
    return std::get_if<Phase>(&state_.phase_);
  }
  // None once the connection is about to end.
  Server::Serving* serving() { return ending_ == Ending::no ? in<Server::Serving>() : nullptr; }
  Server::Secure* secure() {
    auto* phase = serving();
    return phase != nullptr && phase->secure ? &*phase->secure : nullptr;
  }

  void expire() {
    if (auto* lingering = in<Server::Lingering>(); lingering && lingering->deadline <= now_.monotonic) abort();
    if (auto* phase = serving(); phase && phase->deadline && *phase->deadline <= now_.monotonic)
      ending_ = Ending::abort;
    // Saved under another configuration: it cannot go on.
    if (secure() != nullptr && !config_.tls) ending_ = Ending::abort;
    conclude();
  }

  std::optional<Instant> deadline() {
    if (const auto* lingering = in<Server::Lingering>()) return lingering->deadline;
    const auto* phase = serving();
    if (phase == nullptr) return {};
    const auto http =
        phase->closing || (phase->secure && !phase->secure->connected) ? std::nullopt : phase->http.deadline();
    if (phase->deadline && http) return std::min(*phase->deadline, *http);
    return phase->deadline ? phase->deadline : http;
  }

  Wants wants() {
    if (in<Server::Fresh>()) return Wants::entropy;
    if (in<Server::Ended>()) return Wants::nothing;
    if (in<Server::Lingering>()) return Wants::event;
    const auto* phase = serving();
    if (const auto* tls = secure()) {
      if (!tls->unsealed.empty() || phase->closing || tls_wants_ == Wants::room) return Wants::room;
      if (tls->connection.pending()) return Wants::reply;
      if (!tls->connected) return tls_wants_ == Wants::entropy ? Wants::entropy : Wants::event;
    }
    return phase->http.wants();
  }

  // Events. Each handler returns what it consumed.

  std::size_t on(const stream::Opened& opened) {
    if (!in<Server::Fresh>()) return on(Tick{});
    auto& phase = state_.phase_.emplace<Server::Serving>();
    if (config_.tls) {
      phase.secure.emplace();
      phase.secure->held = Buffer(room_.budget);
      phase.secure->unsealed = Buffer(room_.budget);
      phase.deadline = now_.monotonic + config_.handshake_timeout;
      run_tls(tls::Entropy{opened.entropy});
    } else {
      run_http(Tick{});
    }
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

  std::size_t on(const stream::Received& event) {
    MutableBytes bytes = event.bytes;
    if (in<Server::Fresh>()) return 0;
    if (serving() != nullptr && secure() == nullptr) {
      const std::size_t consumed = run_http(event);
      return serving() != nullptr ? consumed : bytes.size();
    }
    go_on();
    while (!bytes.empty() && serving() != nullptr && ready_to_read()) {
      const std::size_t consumed = run_tls(stream::Received{bytes.first(tls::record::first_record_size(bytes))});
      bytes = bytes.subspan(consumed);
      go_on();
      if (consumed == 0 && !tls_more_) break;
    }
    return serving() != nullptr ? event.bytes.size() - bytes.size() : event.bytes.size();
  }

  std::size_t on(const stream::PeerFinished& event) {
    if (in<Server::Fresh>()) return 0;
    if (serving() == nullptr) {
      state_.phase_ = Server::Ended{};
      return 1;
    }
    if (secure() != nullptr) {
      go_on();
      if (serving() == nullptr) return on(event);
      if (!ready_to_read()) return 0;
      serving()->peer_finished = true;
      if (run_tls(event) == 0) return not_finished();
      if (auto* tls = secure()) tls->peer_closed = true;
      go_on();
      return 1;
    }
    serving()->peer_finished = true;
    return run_http(event) == 1 ? 1 : not_finished();
  }

  std::size_t not_finished() {
    if (serving() != nullptr) serving()->peer_finished = false;
    return 0;
  }

  std::size_t on(const stream::Reset& event) {
    if (serving() != nullptr) run_http(event);
    state_.phase_ = Server::Ended{};
    return 1;
  }

  std::size_t on(const Drain& event) {
    if (in<Server::Fresh>()) state_.phase_ = Server::Ended{};
    if (auto* tls = secure(); tls && !tls->connected) {
      close();
    } else if (serving() != nullptr && !serving()->closing) {
      run_http(event);
    }
    go_on();
    return 1;
  }

  std::size_t on(const http::Reply& reply) {
    if (serving() == nullptr || serving()->closing) {
      if (const auto* found = std::get_if<http::Found>(&reply.answer)) actions_.push(http::CloseFile{found->file});
      actions_.push(http::StaleReply{reply.id});
      return 1;
    }
    // What was not sealed yet goes first.
    if (auto* tls = secure()) seal_rest(*tls);
    const std::size_t consumed = run_http(reply);
    go_on();
    return consumed;
  }

  std::size_t on(const tls::Reply& reply) {
    if (secure() == nullptr) return 1;
    const std::size_t consumed = run_tls(reply);
    // An answer that does not fit is as good as none; asking for it again would get it again.
    if (refused_ && secure() != nullptr) run_tls(tls::Reply{reply.query, tls::Declined{}});
    go_on();
    return consumed;
  }

  // Does what can be done without an event: what waits for room, and plaintext that waits for HTTP.
  void go_on() {
    if (serving() != nullptr && secure() == nullptr) run_http(Tick{});
    while (auto* tls = secure()) {
      if (!actions_left()) return;
      tls_more_ = false;
      run_tls(Tick{});
      if (tls = secure(); tls == nullptr || !seal_rest(*tls)) return;
      if (serving()->closing) return send_close();
      if (!tls->connected) {
        if (!tls_more_) return;
        continue;
      }
      const std::size_t consumed = tls->held.empty() ? run_http(Tick{}) : run_http(received(tls->held));
      tls = secure();
      if (tls == nullptr || serving()->closing) continue;
      if (!tls->held.empty()) {
        tls->held.erase_front(consumed);
        if (tls->held.empty()) tls->held.release();
        if (consumed > 0) continue;
      }
      if (tls->held.empty() && tls->peer_closed && run_http(stream::PeerFinished{}) == 1) {
        if (tls = secure(); tls != nullptr) tls->peer_closed = false;
        continue;
      }
      if (!tls_more_ && !http_more_) return;
    }
  }

  static stream::Received received(Buffer& held) { return {{held.data(), held.size()}}; }

  // TLS may be given another record: everything before it has been dealt with.
  bool ready_to_read() {
    const auto* tls = secure();
    if (!actions_left()) return false;
    return tls->held.empty() && tls->unsealed.empty() && !serving()->closing && !tls->peer_closed &&
           tls_wants_ != Wants::room && !tls->connection.pending() &&
           (!tls->connected || serving()->http.wants() == Wants::event);
  }

  bool actions_left() {
    if (actions_.free() > 2 * inner_actions) return true;
    more_ = true;
    return false;
  }

  // HTTP.

  std::size_t run_http(const http::Server::Event& event) {
    auto& phase = *serving();
    MutableBytes room = free_room();
    if (phase.secure) {
      const bool can_seal = phase.secure->unsealed.empty() && room.size() >= 2 * least_sealing_room;
      room = can_seal ? room.subspan(std::min(room.size() / 2, largest_gap)) : MutableBytes();
      room = room.first(std::min(room.size(), Server::largest_handout));
    }
    ActionSlots<http::Server::Action, inner_actions> slots;
    const auto progress =
        http::Server::advance(config_.http, phase.http, now_, event, {room, slots, room_.budget, room_.cpu});
    http_more_ = progress.more;
    if (!phase.secure && progress.more) more_ = true;
    for (const auto& action : progress.actions) std::visit([this](const auto& a) { from_http(a); }, action);
    return progress.consumed;
  }

  void from_http(const stream::Send& send) {
    if (serving() == nullptr) return;
    if (secure() != nullptr) return seal(send.bytes);
    actions_.push(send);
    is_in_room(send.bytes) ? keep(send.bytes) : spend(send.bytes.size());
  }
  void from_http(const stream::Finish&) {
    if (serving() != nullptr && secure() != nullptr) return close();
    finish();
  }
  void from_http(const stream::Abort&) { abort(); }
  void from_http(const auto& fact) { report(fact); }

  // TLS.

  std::size_t run_tls(const tls::Connection::Event& event) { return run_tls(event, free_room()); }

  std::size_t run_tls(const tls::Connection::Event& event, MutableBytes room) {
    ActionSlots<tls::Connection::Action, inner_actions> slots;
    const auto progress = tls::Connection::advance(*config_.tls, secure()->connection, now_, event,
                                                   {room, slots, room_.budget, room_.cpu});
    tls_wants_ = progress.wants;
    tls_more_ = progress.more;
    // What it sealed goes out in the order in which it was sealed, before HTTP, which will seal more, sees what it
    // delivers.
    for (const auto& action : progress.actions) {
      if (const auto* send = std::get_if<stream::Send>(&action)) sealed(send->bytes);
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
                     [&](const tls::Deliver& deliver) { delivered(event, deliver.bytes); },
                     [&](const tls::HandshakeDone& done) {
                       secure()->connected = true;
                       serving()->deadline.reset();
                       report(done);
                     },
                     [&](const tls::PeerClosed&) { peer_closed(); },
                     [&](const tls::Truncated& truncated) {
                       peer_closed();
                       report(truncated);
                     },
                     [&](const tls::Failed& failed) {
                       report(failed);
                       ending_ = Ending::finish;
                     },
                     [&](const tls::Noted& noted) { report(noted); },
                     [&](const tls::KeyLog& log) { report(log); },
                 },
                 action);
    }
    return progress.consumed;
  }

  // Before the handshake is complete there is no one to tell.
  void peer_closed() {
    if (secure()->connected) {
      secure()->peer_closed = true;
    } else {
      close();
    }
  }

  void delivered(const tls::Connection::Event& event, Bytes plaintext) {
    const MutableBytes record = std::get<stream::Received>(event).bytes;
    MutableBytes rest = record.subspan(static_cast<std::size_t>(plaintext.data() - record.data()), plaintext.size());
    // Behind our own end nothing is read.
    if (serving()->closing) return;
    // One record may hold hundreds of requests that are answered at once: what is too much for one step is held.
    while (!rest.empty() && actions_left()) {
      const std::size_t consumed = run_http(stream::Received{rest});
      if (secure() == nullptr || serving()->closing) return;
      rest = rest.subspan(consumed);
      if (consumed == 0) break;
    }
    if (!rest.empty() && !secure()->held.append(rest)) ending_ = Ending::abort;
  }

  // Seals plaintext that HTTP handed out: all of it, or the rest is kept until there is room.
  void seal(Bytes plaintext) {
    auto& unsealed = secure()->unsealed;
    while (!plaintext.empty() && unsealed.empty()) {
      // What HTTP wrote into the room is sealed into the gap in front of it.
      MutableBytes room = free_room();
      if (is_in_room(plaintext)) room = room.first(static_cast<std::size_t>(plaintext.data() - room.data()));
      const std::size_t consumed = run_tls(tls::Write{plaintext}, room);
      if (secure() == nullptr) return;
      plaintext = plaintext.subspan(consumed);
      if (consumed == 0) break;
    }
    if (!plaintext.empty() && !unsealed.append(plaintext)) ending_ = Ending::abort;
  }

  // False if something is left.
  bool seal_rest(Server::Secure& tls) {
    while (!tls.unsealed.empty()) {
      const std::size_t consumed = run_tls(tls::Write{{tls.unsealed.data(), tls.unsealed.size()}});
      if (secure() == nullptr) return false;
      if (consumed == 0) return false;
      tls.unsealed.erase_front(consumed);
    }
    tls.unsealed.release();
    return true;
  }

  // HTTP has nothing more to say, or the handshake is given up.
  void close() {
    auto& phase = *serving();
    if (phase.closing) return;
    phase.closing = true;
    // Behind an answer that the peer is still taking there may be no room for close_notify yet: it has the time that an
    // answer has to make progress.
    phase.deadline =
        now_.monotonic + (phase.secure->connected ? config_.http.progress_interval : config_.linger_timeout);
    if (phase.secure->unsealed.empty()) send_close();
  }

  void send_close() {
    if (free_room().size() < least_sealing_room) return;
    if (run_tls(tls::Close{}) == 1 && serving() != nullptr && tls_wants_ != Wants::room) finish();
  }

  // The ends.

  // Ends what an inner step found to be over, now that its actions are dealt with: HTTP gives back its file and reports
  // what was under way.
  void conclude() {
    const Ending ending = std::exchange(ending_, Ending::no);
    if (ending == Ending::no || serving() == nullptr) return;
    if (!serving()->closing) run_http(stream::Reset{});
    ending == Ending::finish ? finish() : abort();
  }

  void finish() {
    const auto* phase = in<Server::Serving>();
    if (phase == nullptr) return;
    flush_sends();
    actions_.push(stream::Finish{});
    if (phase->peer_finished) {
      state_.phase_ = Server::Ended{};
    } else {
      state_.phase_ = Server::Lingering{now_.monotonic + config_.linger_timeout};
    }
  }

  void abort() {
    if (in<Server::Ended>()) return;
    flush_sends();
    actions_.push(stream::Abort{});
    state_.phase_ = Server::Ended{};
  }

  // The room. Records sealed one behind the other are one Send.

  MutableBytes free_room() const { return room_.bytes.subspan(used_, room_.bytes.size() - used_ - spent_); }

  // Credit that went to bytes which are not in the room.
  void spend(std::size_t size) { spent_ += std::min(size, free_room().size()); }

  bool is_in_room(Bytes bytes) const {
    return std::less_equal<>()(room_.bytes.data(), bytes.data()) &&
           std::less<>()(bytes.data(), room_.bytes.data() + room_.bytes.size());
  }

  // `bytes`, if they are in the room, stay as they are until the step ends.
  void keep(Bytes bytes) {
    if (bytes.empty() || !is_in_room(bytes)) return;
    used_ = std::max(used_, static_cast<std::size_t>(bytes.data() - room_.bytes.data()) + bytes.size());
  }

  void sealed(Bytes bytes) {
    if (bytes.empty()) return;
    if (unreported_.data() + unreported_.size() != bytes.data()) flush_sends();
    unreported_ = unreported_.empty() ? bytes : Bytes(unreported_.data(), unreported_.size() + bytes.size());
    keep(bytes);
  }

  void flush_sends() {
    if (!unreported_.empty()) actions_.push(stream::Send{unreported_});
    unreported_ = {};
  }

  void report(const auto& fact) {
    flush_sends();
    actions_.push(fact);
  }

  const Server::Config& config_;
  Server& state_;
  Time now_;
  const Room<Action>& room_;
  std::size_t used_ = 0;   // bytes of the room in front
  std::size_t spent_ = 0;  // and at its end, for bytes elsewhere
  ActionList<Action> actions_;
  Bytes unreported_;
  bool more_ = false;
  bool tls_more_ = false, http_more_ = false;
  bool refused_ = false;  // what was last told to TLS
  Wants tls_wants_ = Wants::event;
  enum class Ending : std::uint8_t { no, finish, abort } ending_ = Ending::no;
};

Progress<Server::Action> Server::advance(const Config& config, Server& state, Time now, const Event& event,
                                         const Room<Action>& room) {
  ServerStep step(config, state, now, room);
  return room.actions.size() < least_room.actions ? step.refuse() : step.take(event);
}

std::optional<Server::Query> Server::pending() const {
  const auto* serving = std::get_if<Serving>(&phase_);
  if (serving == nullptr) return {};
  if (serving->secure) {
    if (auto question = serving->secure->connection.pending()) {
      return TlsQuery{serving->secure->connection.query_id(), std::move(*question)};
    }
  }
  const auto question = serving->http.pending();
  if (!question) return {};
  return std::visit([](const auto& q) -> Query { return q; }, *question);
}

Server::Standing Server::standing() const {
  if (std::holds_alternative<Ended>(phase_)) return Standing::answering;
  const auto* serving = std::get_if<Serving>(&phase_);
  if (serving == nullptr || serving->closing || handshaking() || serving->http.receiving()) return Standing::awaiting;
  return serving->http.idle() ? Standing::idle : Standing::answering;
}

bool Server::handshaking() const {
  const auto* serving = std::get_if<Serving>(&phase_);
  return serving != nullptr && serving->secure && !serving->secure->connected;
}

}  // namespace limpid::stack
