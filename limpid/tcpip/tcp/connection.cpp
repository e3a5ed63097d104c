#include "limpid/tcpip/tcp/connection.hpp"

#include "limpid/tcpip/tcp/step.hpp"

namespace limpid::tcpip::tcp {

namespace {

// Events that never cause an action by themselves.
bool is_silent(const Connection::Event& event) {
  return std::visit(
      []<class Held>(const Held&) {
        return std::same_as<Held, Write> || std::same_as<Held, Commit> || std::same_as<Held, Consumed> ||
               std::same_as<Held, Finish> || std::same_as<Held, Abort> || std::same_as<Held, PathMtu> ||
               std::same_as<Held, PinsDone> || std::same_as<Held, MemoryPressure>;
      },
      event);
}

}  // namespace

Progress<Connection::Action> Connection::advance(const Config& config, Connection& state, Time now, const Event& event,
                                                 const Room<Action>& room) {
  if (room.actions.size() < least_room.actions && !is_silent(event)) {
    return {0, {}, false, Wants::room, state.deadline()};
  }
  return ConnectionStep(config, state, now, room).take(event);
}

Progress<Connection::Action> ConnectionStep::take(const Connection::Event& event) {
  if (!std::holds_alternative<Commit>(event)) send_.forget_reserved();
  // Views of what was delivered outlive silent events: an owner may answer one piece before it looks at the next.
  if (auto* synchronized = in<Synchronized>(); synchronized != nullptr && !is_silent(event)) {
    synchronized->reassembly.forget_delivered();
  }
  if (actions_.free() >= Connection::least_room.actions) {
    // Deadlines first. One of them may end the connection, and then the event finds none.
    std::visit(
        [this](auto& phase) {
          if constexpr (requires { expire(phase); }) expire(phase);
        },
        state_.phase_);
    if (auto* t = in<Synchronized>()) deliver_held(*t);
  }
  std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
  bool more = false;
  if (auto* t = in<Synchronized>()) {
    schedule(*t);
    more = t->has_pending_delivery();
  }
  state_.flush_due_ = flush_is_due();
  if (std::holds_alternative<Flush>(event)) {
    more = more || state_.flush_due_;
    consumed = state_.flush_due_ ? 0 : 1;
  }
  const bool ended = in<Ended>() != nullptr;
  return {consumed, actions_.all(), more && !ended, ended ? Wants::nothing : Wants::event, state_.deadline()};
}

void ConnectionStep::end(Action last) {
  actions_.push(std::move(last));
  state_.phase_ = Ended{};
  send_.retire();
}

std::size_t ConnectionStep::on(const Connect& event) {
  if (in<Connection::Fresh>()) {
    state_.phase_ = SynSent{event.birth, now_, now_, now_ + config_.initial_rto};
  }
  return 1;
}

std::size_t ConnectionStep::on(const Accept& event) {
  if (!in<Connection::Fresh>()) return 1;
  SynReceived s;
  s.birth = event.birth;
  s.born = s.sent_at = now_;
  s.retransmit_at = now_ + config_.initial_rto;
  s.irs = event.syn.sequence;
  s.negotiated = negotiate(event.syn, event.birth, false);
  if (event.syn.options.timestamps) s.ts_recent = event.syn.options.timestamps->value;
  state_.phase_ = std::move(s);
  return 1;
}

std::size_t ConnectionStep::on(const AcceptCookie& event) {
  if (!in<Connection::Fresh>()) return 1;
  Synchronized& t = establish(event.birth, now_, event.irs, event.negotiated);
  if (t.timestamps) t.timestamps->ts_recent = event.ts_recent;
  actions_.push(Established{});
  return 1;
}

std::size_t ConnectionStep::on(const SegmentArrived& event) {
  std::visit(
      [&](auto& phase) {
        if constexpr (requires { arrive(phase, event); }) arrive(phase, event);
      },
      state_.phase_);
  return 1;
}

std::size_t ConnectionStep::on(const Write& event) {
  auto* t = in<Synchronized>();
  if (t == nullptr || t->finish) return t == nullptr && !in<Ended>() ? 0 : event.bytes.size();
  const std::size_t taken = send_.write(event.bytes, t->send_limit(config_), budget_);
  if (taken < event.bytes.size()) t->blocked = true;
  return taken;
}

std::size_t ConnectionStep::on(const Commit& event) {
  const auto* t = in<Synchronized>();
  if (t != nullptr && !t->finish) send_.commit(event.n, budget_);
  return 1;
}

std::size_t ConnectionStep::on(const Consumed& event) {
  if (auto* t = in<Synchronized>()) {
    const std::uint32_t n = std::min(event.n, t->unconsumed);
    t->unconsumed -= n;
    t->tuning_consumed += n;
    if (n > 0) renew_fin_wait_2(*t);
    tune_window(*t);
    if (window_update_due(*t)) t->ack_due = true;
  }
  return 1;
}

std::size_t ConnectionStep::on(const Finish&) {
  // RFC 9293, section 3.10.4.
  if (in<SynSent>()) {
    state_.phase_ = Aborted{};
  } else if (auto* s = in<SynReceived>()) {
    s->finish = true;
  } else if (auto* t = in<Synchronized>(); t != nullptr && !t->finish) {
    t->finish = true;
    if (t->state == State::established) t->state = State::fin_wait_1;
    if (t->state == State::close_wait) t->state = State::last_ack;
  }
  return 1;
}

std::size_t ConnectionStep::on(const Abort&) {
  // RFC 9293, section 3.10.5: "<SEQ=SND.NXT><CTL=RST>"; in SYN-SENT nothing is sent.
  Aborted aborted;
  if (auto* s = in<SynReceived>()) {
    wire::TcpHeader header = handshake_header(s->birth, s->born);
    header.sequence = s->birth.iss + 1;
    header.acknowledgment = s->irs + 1;
    header.flags = {.rst = true, .ack = true};
    header.options = {};
    aborted.reset = header;
  } else if (auto* t = in<Synchronized>(); t != nullptr && t->state != State::time_wait) {
    wire::TcpHeader header;
    header.source_port = t->local_port;
    header.destination_port = t->remote_port;
    header.sequence = t->snd_nxt();
    header.acknowledgment = t->rcv_nxt;
    header.flags = {.rst = true, .ack = true};
    // RFC 7323, section 3.2: the TSopt "SHOULD be sent in an <RST> segment".
    if (t->timestamps)
      header.options.timestamps = wire::TcpTimestamps{t->timestamps->at(now_), t->timestamps->ts_recent};
    aborted.reset = header;
  } else if (!in<SynSent>()) {
    return 1;
  }
  send_.retire();
  state_.phase_ = aborted;
  return 1;
}

std::size_t ConnectionStep::on(const Flush&) {
  return std::visit(
      [this](auto& phase) -> std::size_t {
        if constexpr (requires { flush(phase); }) {
          return flush(phase);
        } else {
          return 1;
        }
      },
      state_.phase_);
}

std::size_t ConnectionStep::on(const PathMtu& event) {
  const std::uint16_t mss = std::max(event.mss, config_.min_mss);
  if (auto* s = in<SynSent>()) s->birth.mss = mss;
  if (auto* s = in<SynReceived>()) s->birth.mss = mss;
  if (auto* t = in<Synchronized>()) {
    const std::uint16_t before = t->smss();
    t->path_mss = mss;
    t->congestion.set_smss(t->smss());
    // RFC 1191, section 6.5: what was too large is sent again at once, and that is no sign of congestion.
    if (t->smss() < before) t->scoreboard.mark_larger_lost(t->smss());
  }
  return 1;
}

std::size_t ConnectionStep::on(const Unreachable& event) {
  // RFC 5927, section 4.1: "TCP should check that the TCP sequence number in the payload of the ICMP error message is
  // within the range SND.UNA =< SEG.SEQ < SND.NXT".
  const bool connecting = in<SynSent>() != nullptr || in<SynReceived>() != nullptr;
  wire::SeqNumber iss = 0;
  if (const auto* s = in<SynSent>()) iss = s->birth.iss;
  if (const auto* s = in<SynReceived>()) iss = s->birth.iss;
  // RFC 5927, section 5.2: in synchronized states hard errors are soft ones, too, and those TCP merely notes.
  if (!connecting || event.sequence != iss || !event.hard) {
    ignore(Ignored::unreachable);
  } else {
    reset(stream::ResetReason::unreachable);
  }
  return 1;
}

std::size_t ConnectionStep::on(const PinsDone& event) {
  send_.unpin(event.pin);
  return 1;
}

std::size_t ConnectionStep::on(const MemoryPressure& event) {
  if (auto* t = in<Synchronized>()) {
    t->pressed = event.on;
    if (event.on) {
      t->reassembly.clear();
      t->fin_at = t->peer_finished ? t->fin_at : std::nullopt;
    } else if (window_update_due(*t)) {
      t->ack_due = true;
    }
  }
  return 1;
}

// For needs_flush().
bool ConnectionStep::flush_is_due() {
  if (const auto* s = in<SynSent>()) return s->syn_due || s->reset_due;
  if (const auto* s = in<SynReceived>()) return s->syn_due || s->ack_due || s->reset_due;
  if (in<Aborted>()) return true;
  const auto* t = in<Synchronized>();
  return t != nullptr && something_to_send(*t);
}

MutableBytes Connection::reserve(const Config& config, std::size_t n, Budget& budget) {
  auto* t = std::get_if<Synchronized>(&phase_);
  if (t == nullptr || t->finish) return {};
  const MutableBytes room = send_.reserve(n, t->send_limit(config), budget);
  if (room.size() < n) t->blocked = true;
  return room;
}

std::size_t Connection::writable(const Config& config) const {
  const Synchronized* t = synchronized();
  return t == nullptr || t->finish ? 0 : send_.writable(t->send_limit(config));
}

std::optional<Instant> Connection::deadline() const {
  if (const auto* s = std::get_if<SynSent>(&phase_)) return s->retransmit_at;
  if (const auto* s = std::get_if<SynReceived>(&phase_)) return s->retransmit_at;
  if (const Synchronized* t = synchronized()) return t->timers.earliest();
  return std::nullopt;
}

bool Connection::SynSent::restored(const LoadContext& context) const {
  return is_near(born, context.now) && is_near(sent_at, context.now);
}

bool Connection::SynReceived::restored(const LoadContext& context) const {
  return is_near(born, context.now) && is_near(sent_at, context.now);
}

bool Connection::restored(const LoadContext& context) const {
  if (!is_near(last_seen_, context.now)) return false;
  const Synchronized* t = synchronized();
  if (t == nullptr) return send_.empty();
  // Sequence space: what is acknowledged, sent and written lie in this order; FIN is one behind what was written.
  const wire::SeqNumber fin = send_.end();
  const bool fin_acknowledged = t->snd_una() == fin + 1;
  if (!fin_acknowledged && t->snd_una() != send_.begin()) return false;
  if (fin_acknowledged && (!send_.empty() || !t->scoreboard.empty())) return false;
  if (t->snd_nxt() - t->snd_una() > fin + (t->finish ? 1 : 0) - t->snd_una()) return false;
  if (t->snd_nxt() == fin + 1 && !t->finish) return false;
  const bool finishing = t->state != State::established && t->state != State::close_wait;
  const bool fin_wait =
      t->state == State::established || t->state == State::fin_wait_1 || t->state == State::fin_wait_2;
  return finishing == t->finish && fin_wait != t->peer_finished;
}

std::string_view Connection::state_name() const {
  if (std::holds_alternative<SynSent>(phase_)) return "SYN-SENT";
  if (std::holds_alternative<SynReceived>(phase_)) return "SYN-RECEIVED";
  const Synchronized* t = synchronized();
  if (t == nullptr) return "CLOSED";
  switch (t->state) {
    case State::established:
      return "ESTABLISHED";
    case State::fin_wait_1:
      return "FIN-WAIT-1";
    case State::fin_wait_2:
      return "FIN-WAIT-2";
    case State::close_wait:
      return "CLOSE-WAIT";
    case State::closing:
      return "CLOSING";
    case State::last_ack:
      return "LAST-ACK";
    case State::time_wait:
      return "TIME-WAIT";
  }
  return "";
}

void Connection::describe(Writer& out) const {
  out.text(state_name());
  const Synchronized* t = synchronized();
  if (t == nullptr) return;
  const auto say = [&](std::string_view what, std::uint64_t value) {
    out.text(what);
    out.decimal(value);
  };
  say(", unacknowledged ", t->scoreboard.outstanding());
  say(", unsent ", send_.size() - std::min<std::size_t>(send_.size(), t->scoreboard.outstanding()));
  say(", SND.WND ", t->snd_wnd);
  say(", cwnd ", t->congestion.cwnd());
  say(", RCV.WND ", t->rcv_wnd());
  say(", unconsumed ", t->unconsumed);
  say(", SRTT us ", static_cast<std::uint64_t>(t->rtt.srtt().microseconds));
}

std::string_view name(Ignored why) {
  switch (why) {
    case Ignored::unacceptable_sequence:
      return "unacceptable_sequence";
    case Ignored::old_timestamp:
      return "old_timestamp";
    case Ignored::missing_timestamp:
      return "missing_timestamp";
    case Ignored::blind_reset:
      return "blind_reset";
    case Ignored::syn_in_connection:
      return "syn_in_connection";
    case Ignored::unacceptable_ack:
      return "unacceptable_ack";
    case Ignored::no_ack:
      return "no_ack";
    case Ignored::malformed:
      return "malformed";
    case Ignored::beyond_finish:
      return "beyond_finish";
    case Ignored::out_of_order_limit:
      return "out_of_order_limit";
    case Ignored::lying_sack:
      return "lying_sack";
    case Ignored::unreachable:
      return "unreachable";
  }
  return "";
}

}  // namespace limpid::tcpip::tcp
