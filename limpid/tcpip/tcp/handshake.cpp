// SYN-SENT and SYN-RECEIVED.
#include "limpid/tcpip/tcp/step.hpp"
#include "limpid/tcpip/tcp/window_scale.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::tcp {

using wire::SeqNumber;
using wire::TcpHeader;

namespace {

std::uint32_t clock(const Birth& birth, Instant born, Instant now) {
  return Timestamps{0, born, birth.timestamp_offset, born}.at(now);
}

std::uint16_t window_of_syn(const Config& config) {
  // RFC 7323, section 2.2: "The window field in a segment where the SYN bit is set ... MUST NOT be scaled."
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(config.initial_receive_window, UINT16_MAX));
}

}  // namespace

Negotiated ConnectionStep::negotiate(const TcpHeader& syn, const Birth& birth, bool we_asked_for_ecn) const {
  const wire::TcpOptions& options = syn.options;
  Negotiated n;
  // RFC 9293, section 3.7.1: "If an MSS Option is not received at connection setup, TCP implementations MUST assume a
  // default send MSS of 536 (576 - 40) for IPv4 or 1220 (1280 - 60) for IPv6."
  n.mss = options.mss.value_or(address_of(birth.remote).is_ipv4() ? 536 : 1220);
  n.mss = std::max(n.mss, config_.min_mss);
  if (config_.window_scale && options.window_scale) {
    // RFC 7323, section 2.3: "If a Window Scale option is received with a shift.cnt value larger than 14, the TCP
    // SHOULD log the error but MUST use 14 instead of the specified value."
    n.window_scale = std::min<std::uint8_t>(*options.window_scale, 14);
  }
  n.sack = config_.sack && options.sack_permitted;
  n.timestamps = config_.timestamps && options.timestamps;
  // RFC 3168, section 6.1.1: a SYN asks with ECE and CWR, a SYN-ACK grants with ECE alone.
  if (syn.flags.ack) {
    n.ecn = we_asked_for_ecn && syn.flags.ece && !syn.flags.cwr;
  } else {
    n.ecn = config_.ecn && syn.flags.ece && syn.flags.cwr;
  }
  return n;
}

TcpHeader ConnectionStep::handshake_header(const Birth& birth, Instant born) const {
  TcpHeader header;
  header.source_port = birth.local.port;
  header.destination_port = birth.remote.port;
  header.sequence = birth.iss;
  header.flags.syn = true;
  header.window = window_of_syn(config_);
  header.options.mss = birth.mss;
  if (config_.timestamps) header.options.timestamps = wire::TcpTimestamps{clock(birth, born, now_), 0};
  return header;
}

void ConnectionStep::emit_reset(const Birth& birth, SeqNumber sequence) {
  TcpHeader header;
  header.source_port = birth.local.port;
  header.destination_port = birth.remote.port;
  header.sequence = sequence;
  header.flags.rst = true;
  push_emit(header);
}

void ConnectionStep::expire(SynSent& s) {
  if (s.retransmit_at > now_) return;
  if (s.retries >= config_.syn_retries) return reset(stream::ResetReason::timed_out);
  ++s.retries;
  s.syn_due = true;
  s.retransmit_at = now_ + RoundTripTime().rto(config_, s.retries);
}

void ConnectionStep::expire(SynReceived& s) {
  if (s.retransmit_at > now_) return;
  if (s.retries >= config_.syn_retries) return reset(stream::ResetReason::timed_out);
  ++s.retries;
  s.syn_due = true;
  s.retransmit_at = now_ + RoundTripTime().rto(config_, s.retries);
}

std::size_t ConnectionStep::flush(SynSent& s) {
  if (s.reset_due) emit_reset(s.birth, *std::exchange(s.reset_due, std::nullopt));
  if (!s.syn_due) return 1;
  TcpHeader header = handshake_header(s.birth, s.born);
  if (config_.window_scale) header.options.window_scale = window_scale_for(config_.max_receive_window);
  header.options.sack_permitted = config_.sack;
  // RFC 3168, section 6.1.1.1: who loses a SYN may be behind a box that drops those that ask.
  header.flags.ece = header.flags.cwr = config_.ecn && s.retries == 0;
  s.syn_due = false;
  s.sent_at = now_;
  push_emit(header);
  return 1;
}

std::size_t ConnectionStep::flush(SynReceived& s) {
  if (s.reset_due) emit_reset(s.birth, *std::exchange(s.reset_due, std::nullopt));
  if (!s.syn_due && !s.ack_due) return 1;
  const Negotiated& n = s.negotiated;
  TcpHeader header = handshake_header(s.birth, s.born);
  header.flags.ack = true;
  header.acknowledgment = s.irs + 1;
  header.options.timestamps.reset();
  if (n.timestamps) header.options.timestamps = wire::TcpTimestamps{clock(s.birth, s.born, now_), s.ts_recent};
  if (s.syn_due) {
    if (n.window_scale) header.options.window_scale = window_scale_for(config_.max_receive_window);
    header.options.sack_permitted = n.sack;
    header.flags.ece = n.ecn;
    s.sent_at = now_;
  } else {
    header.sequence = s.birth.iss + 1;
    header.flags.syn = false;
    header.options.mss.reset();
    // RFC 7323, section 2.2, of all segments but those with SYN: the window is scaled.
    if (n.window_scale) {
      header.window = static_cast<std::uint16_t>(header.window >> window_scale_for(config_.max_receive_window));
    }
  }
  s.syn_due = s.ack_due = false;
  push_emit(header);
  return 1;
}

std::size_t ConnectionStep::flush(Aborted& s) {
  if (s.reset) push_emit(*s.reset);
  end(Closed{});
  return 1;
}

// RFC 9293, section 3.10.7.3.
void ConnectionStep::arrive(SynSent& s, const SegmentArrived& event) {
  const TcpHeader& header = event.header;
  const bool acceptable_ack = header.flags.ack && header.acknowledgment == s.birth.iss + 1;
  // "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless the RST bit is set, if so drop the segment and
  // return)"
  if (header.flags.ack && !acceptable_ack) {
    if (!header.flags.rst) s.reset_due = header.acknowledgment;
    return ignore(Ignored::unacceptable_ack);
  }
  // "If the ACK was acceptable, then signal to the user 'error: connection reset' ... Otherwise (no ACK), drop the
  // segment and return."
  if (header.flags.rst) {
    return acceptable_ack ? reset(stream::ResetReason::reset) : ignore(Ignored::blind_reset);
  }
  if (!header.flags.syn) return ignore(Ignored::malformed);
  const Negotiated n = negotiate(header, s.birth, config_.ecn && s.retries == 0);
  if (!acceptable_ack) {
    // "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment": both have called at once. What was asked for counts.
    SynReceived both;
    both.birth = s.birth;
    both.born = s.born;
    both.sent_at = now_;
    both.retransmit_at = now_ + config_.initial_rto;
    both.retries = s.retries;
    both.irs = header.sequence;
    both.negotiated = n;
    both.negotiated.ecn = false;
    if (header.options.timestamps) both.ts_recent = header.options.timestamps->value;
    state_.phase_ = std::move(both);
    return;
  }
  const SynSent syn = s;
  Synchronized& t = establish(syn.birth, syn.born, header.sequence, n);
  t.snd_wnd = t.max_snd_wnd = header.window;
  t.snd_wl1 = header.sequence;
  t.snd_wl2 = header.acknowledgment;
  if (t.timestamps) t.timestamps->ts_recent = header.options.timestamps->value;
  measure_handshake(t, syn.born, syn.sent_at, syn.retries > 0, header);
  t.ack_due = true;
  actions_.push(Established{});
}

void ConnectionStep::arrive(SynReceived& s, const SegmentArrived& event) {
  const TcpHeader& header = event.header;
  if (header.flags.syn && header.sequence == s.irs) {
    // The peer did not get our SYN-ACK, or has called at the same time and answers.
    if (!header.flags.ack) {
      s.syn_due = true;
      return;
    }
    if (header.acknowledgment != s.birth.iss + 1) {
      if (!header.flags.rst) s.reset_due = header.acknowledgment;
      return ignore(Ignored::unacceptable_ack);
    }
  } else {
    const std::uint32_t offset = header.sequence - (s.irs + 1);
    const bool in_window = offset <= window_of_syn(config_);
    if (!in_window) {
      s.ack_due = !header.flags.rst;
      return ignore(Ignored::unacceptable_sequence);
    }
    if (header.flags.rst) {
      // RFC 5961, section 3.2, here, too: "If the RST bit is set and the sequence number exactly matches the next
      // expected sequence number (RCV.NXT), then TCP MUST reset the connection."
      if (offset == 0) return reset(stream::ResetReason::reset);
      s.ack_due = true;
      return ignore(Ignored::blind_reset);
    }
    if (header.flags.syn) {
      s.ack_due = true;
      return ignore(Ignored::syn_in_connection);
    }
  }
  if (!header.flags.ack) return ignore(Ignored::no_ack);
  // "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state ... If the segment acknowledgment is not acceptable,
  // form a reset segment <SEQ=SEG.ACK><CTL=RST>"
  if (header.acknowledgment != s.birth.iss + 1) {
    s.reset_due = header.acknowledgment;
    return ignore(Ignored::unacceptable_ack);
  }
  if (s.negotiated.timestamps && header.options.timestamps &&
      wire::seq_before(header.options.timestamps->value, s.ts_recent)) {
    s.ack_due = true;
    return ignore(Ignored::old_timestamp);
  }
  const SynReceived syn = s;
  Synchronized& t = establish(syn.birth, syn.born, syn.irs, syn.negotiated);
  if (t.timestamps) t.timestamps->ts_recent = syn.ts_recent;
  t.snd_wnd = t.max_snd_wnd = std::uint32_t{header.window} << (header.flags.syn ? 0 : t.snd_wind_shift);
  t.snd_wl1 = header.sequence;
  t.snd_wl2 = header.acknowledgment;
  measure_handshake(t, syn.born, syn.sent_at, syn.retries > 0, header);
  actions_.push(Established{});
  if (syn.finish) {
    t.finish = true;
    t.state = State::fin_wait_1;
  }
  if (!header.flags.syn) arrive(t, event);
}

Synchronized& ConnectionStep::establish(const Birth& birth, Instant born, SeqNumber irs, const Negotiated& negotiated) {
  const SeqNumber first = birth.iss + 1;
  Synchronized t;
  t.local_port = birth.local.port;
  t.remote_port = birth.remote.port;
  t.scoreboard = Scoreboard(first, budget_);
  t.rack = Rack(first);
  t.snd_sml = first;
  t.snd_wl1 = irs;
  t.snd_wl2 = first;
  t.peer_mss = negotiated.mss;
  t.path_mss = std::max(birth.mss, config_.min_mss);
  t.sack = negotiated.sack;
  if (negotiated.window_scale) {
    t.snd_wind_shift = *negotiated.window_scale;
    t.rcv_wind_shift = window_scale_for(config_.max_receive_window);
  }
  if (negotiated.timestamps) t.timestamps = Timestamps{0, now_, birth.timestamp_offset, born};
  if (negotiated.ecn) t.ecn = Ecn{};
  t.rcv_nxt = irs + 1;
  t.rcv_adv = t.rcv_nxt + window_of_syn(config_);
  t.receive_limit = std::max<std::uint32_t>(config_.initial_receive_window, 1);
  // Without a scale no more than this can be offered.
  if (!negotiated.window_scale) t.receive_limit = std::min<std::uint32_t>(t.receive_limit, UINT16_MAX);
  t.last_ack_sent = t.rcv_nxt;
  t.rcv_mss = std::min<std::uint16_t>(536, birth.mss);
  t.congestion = Congestion(config_, t.smss());
  t.last_sent = t.last_heard = t.tuning_since = t.challenges_since = now_;
  if (config_.keepalive_idle > Duration{}) t.timers.keepalive = now_ + config_.keepalive_idle;
  send_ = SendBuffer(first, budget_);
  return state_.phase_.emplace<Synchronized>(std::move(t));
}

void ConnectionStep::measure_handshake(Synchronized& t, Instant born, Instant sent_at, bool retried,
                                       const TcpHeader& header) {
  // Karn: which of several SYNs was answered only the timestamp tells.
  if (!retried) {
    t.rtt.sample(now_ - sent_at, now_);
  } else {
    // RFC 5681, section 3.1: "if the SYN or SYN/ACK is lost, the initial window used by a sender after a correctly
    // transmitted SYN MUST be one segment consisting of at most SMSS bytes."
    t.congestion.set_cwnd(t.smss());
    t.rtt.syn_was_lost();
    if (t.timestamps && header.options.timestamps) {
      const std::uint32_t ms = t.timestamps->at(now_) - header.options.timestamps->echo;
      if (milliseconds(ms) <= now_ - born) t.rtt.sample(milliseconds(ms), now_);
    }
  }
}

}  // namespace limpid::tcpip::tcp
