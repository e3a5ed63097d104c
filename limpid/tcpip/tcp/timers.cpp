#include "limpid/tcpip/tcp/step.hpp"

namespace limpid::tcpip::tcp {

namespace {

// Whether it is due; then it is over.
bool fires(std::optional<Instant>& timer, Instant now) {
  if (!timer || *timer > now) return false;
  timer.reset();
  return true;
}

}  // namespace

void ConnectionStep::expire(Synchronized& t) {
  Timers& timers = t.timers;
  if (fires(timers.user_timeout, now_)) return reset(stream::ResetReason::timed_out);
  if (fires(timers.fin_wait_2, now_)) return reset(stream::ResetReason::timed_out);
  if (fires(timers.delayed_ack, now_)) t.ack_due = true;
  if (fires(timers.writable, now_) && t.blocked) {
    t.blocked = false;
    actions_.push(Writable{});
  }
  if (fires(timers.reorder, now_)) detect_loss(t);
  if (fires(timers.loss_probe, now_)) {
    // RFC 8985, section 7.3; the retransmission timer begins anew with it.
    t.loss_probe_due = true;
    arm_retransmit(t);
  }
  if (fires(timers.retransmit, now_)) {
    retransmission_timeout(t);
    if (in<Synchronized>() == nullptr) return;
  }
  if (fires(timers.persist, now_)) {
    t.starved = false;
    if (t.unanswered_probes >= config_.data_retries) return reset(stream::ResetReason::timed_out);
    if (t.persist_backoff < 32) ++t.persist_backoff;
    if (t.snd_wnd > 0) {
      t.override_due = true;
    } else {
      ++t.unanswered_probes;
      t.probe_due = true;
    }
  }
  if (fires(timers.keepalive, now_)) {
    const Duration silence = now_ - t.last_heard;
    if (silence < config_.keepalive_idle) {
      timers.keepalive = t.last_heard + config_.keepalive_idle;
    } else if (t.unanswered_probes >= config_.keepalive_probes) {
      return reset(stream::ResetReason::timed_out);
    } else {
      // RFC 9293, section 3.8.4: "keep-alive packets MUST only be sent when no sent data is outstanding".
      if (t.scoreboard.empty()) {
        ++t.unanswered_probes;
        t.probe_due = true;
      }
      timers.keepalive = now_ + std::max(config_.keepalive_interval, milliseconds(1));
    }
  }
}

void ConnectionStep::retransmission_timeout(Synchronized& t) {
  if (t.scoreboard.empty()) return;
  t.starved = false;
  // RFC 9293, section 3.8.3: "When the number of transmissions of the same segment reaches a threshold R2 ... close the
  // connection."
  if (t.retransmissions >= config_.data_retries) return reset(stream::ResetReason::timed_out);
  ++t.retransmissions;
  if (t.backoff < 32) ++t.backoff;
  // RFC 5681, section 3.1: "ssthresh = max (FlightSize / 2, 2*SMSS)", "when a TCP sender detects segment loss using the
  // retransmission timer and the given segment has not yet been resent".
  if (t.phase != Phase::loss || wire::seq_at_least(t.snd_una(), t.recovery_point)) t.congestion.congested(now_);
  t.phase = Phase::loss;
  t.recovery_point = t.snd_nxt();
  t.duplicate_acks = 0;
  t.tlp_end_seq.reset();
  t.loss_probe_due = false;
  t.timers.loss_probe.reset();
  t.timers.reorder.reset();
  Scoreboard& scoreboard = t.scoreboard;
  // RFC 2018, section 5.1: the receiver dropped what it SACKed, or it would have acknowledged the first segment.
  if (scoreboard[0].fate == Fate::sacked) scoreboard.forget_sacks();
  if (!t.sack || !t.rack.started()) {
    scoreboard.mark_all_lost();
  } else {
    // RFC 8985, section 6.3: "If the RTO timer expires ... mark the first outstanding segment as lost ... and the
    // others of which Segment.xmit_ts + RACK.rtt + RACK.reo_wnd <= Now".
    const Duration window = t.rack.rtt() + t.rack.reordering_window(scoreboard, t.rtt, true, t.smss());
    scoreboard.mark_first_segment_lost();
    for (std::size_t i = 0; i < scoreboard.size(); ++i) {
      if (scoreboard[i].sent_at + window <= now_) scoreboard.mark_lost(i);
    }
  }
  // "Furthermore, upon a timeout ... cwnd MUST be set to no more than the loss window, LW, which equals 1 full-sized
  // segment", beyond what is not known to have left the network.
  t.congestion.set_cwnd(scoreboard.in_flight() + t.smss());
  arm_retransmit(t);
}

// RFC 8985, section 7.2.
void ConnectionStep::schedule_loss_probe(Synchronized& t) {
  t.timers.loss_probe.reset();
  // "The sender SHOULD schedule a PTO only if all of the following conditions are met: 1. The connection supports SACK
  // 2. The connection has no SACKed sequences in the SACK scoreboard 3. The connection is not in loss recovery".
  if (!t.sack || t.scoreboard.empty() || t.scoreboard.sacked() > 0 || t.phase != Phase::open || t.tlp_end_seq ||
      t.state == State::time_wait) {
    return;
  }
  constexpr Duration worst_delayed_ack = milliseconds(200);
  Duration pto = seconds(1);
  if (t.rtt.measured()) {
    pto = t.rtt.srtt() + t.rtt.srtt();
    // "If FlightSize is one segment: PTO += TLP.max_ack_delay"
    if (t.scoreboard.outstanding() <= t.smss()) pto = pto + worst_delayed_ack;
  }
  pto = std::max(pto, milliseconds(2));
  // "If Now() + PTO > TCP_RTO_expiration(): PTO = TCP_RTO_expiration() - Now()"
  t.timers.loss_probe = now_ + pto;
  if (t.timers.retransmit) t.timers.loss_probe = std::min(*t.timers.loss_probe, *t.timers.retransmit);
}

// At the end of each step: the deadlines that follow from what the state is.
void ConnectionStep::schedule(Synchronized& t) {
  const bool unsent = send_.end() != t.snd_nxt() && !fin_sent(t);
  const bool waits = t.scoreboard.empty() && (unsent || (t.finish && t.snd_nxt() == fin_sequence()));
  // RFC 9293, section 3.8.6.1: "The transmitting host SHOULD send the first zero-window probe when a zero window has
  // existed for the retransmission timeout period, and SHOULD increase exponentially the interval between successive
  // probes." The same deadline ends the wait for a window that is not silly (section 3.8.6.2.1), and for memory.
  if (!waits) {
    t.timers.persist.reset();
    t.persist_backoff = 0;
  } else if (!t.timers.persist) {
    t.timers.persist = now_ + t.rtt.rto(config_, t.persist_backoff);
  }
  if (config_.user_timeout > Duration{} && (waits || !t.scoreboard.empty()) && !t.timers.user_timeout) {
    t.timers.user_timeout = now_ + config_.user_timeout;
  }
  if (!waits && t.scoreboard.empty()) t.timers.user_timeout.reset();
  // Nothing of ours is under way that would bring room: memory was refused.
  if (t.blocked && send_.empty() && !t.timers.writable) t.timers.writable = now_ + milliseconds(100);
  if (!t.blocked) t.timers.writable.reset();
  if (t.state == State::time_wait) t.timers = {};
}

}  // namespace limpid::tcpip::tcp
