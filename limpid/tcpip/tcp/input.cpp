// Segments that arrive in synchronized states (RFC 9293, section 3.10.7.4).
#include "limpid/tcpip/tcp/step.hpp"

namespace limpid::tcpip::tcp {

using wire::SeqNumber;
using wire::TcpHeader;

namespace {

constexpr std::uint8_t congestion_experienced = 3;  // RFC 3168, section 5: the codepoint CE

}  // namespace

void ConnectionStep::arrive(Synchronized& t, const SegmentArrived& event) {
  const TcpHeader& header = event.header;
  if (!timestamps_are_good(t, header, event.payload.size())) return;

  // "First, check sequence number"
  const std::uint32_t length = header.sequence_length(event.payload.size());
  if (header.flags.syn) {
    // RFC 5961, section 4.2: "If the SYN bit is set, irrespective of the sequence number, TCP MUST send an ACK (also
    // referred to as challenge ACK) to the remote peer".
    if (!header.flags.rst) challenge(t);
    return ignore(Ignored::syn_in_connection);
  }
  if (!acceptable(t, header, length)) {
    ignore(Ignored::unacceptable_sequence);
    // "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless the RST bit is
    // set)". Without text it may answer our own, so there it is limited.
    if (header.flags.rst) return;
    if (length == 0) return challenge(t);
    t.ack_due = true;
    if (wire::seq_before(header.sequence, t.rcv_nxt)) {
      // RFC 2883, section 4: the duplicate is reported.
      if (t.sack) t.dsack = wire::SackBlock{header.sequence, header.sequence + length};
      // Its ACK may be news all the same, if it can be the peer's: what is sent again lies no further back than the
      // window that was offered, and a FIN. Without that limit every second guess of a blind attacker would do.
      const bool plausible = t.rcv_nxt - header.sequence <= t.receive_limit + 1;
      if (header.flags.ack && plausible) (void)receive_ack(t, header, event.payload.size());
    }
    return;
  }

  // "Second, check the RST bit"
  if (header.flags.rst) {
    // RFC 5961, section 3.2: "If the RST bit is set and the sequence number exactly matches the next expected sequence
    // number (RCV.NXT), then TCP MUST reset the connection. If the RST bit is set and the sequence number does not
    // exactly match ... yet is within the current receive window, TCP MUST send an acknowledgment (challenge ACK)".
    if (header.sequence == t.rcv_nxt) return reset(stream::ResetReason::reset);
    challenge(t);
    return ignore(Ignored::blind_reset);
  }

  // "Fifth, check the ACK field: if the ACK bit is off, drop the segment and return"
  if (!header.flags.ack) return ignore(Ignored::no_ack);
  if (!receive_ack(t, header, event.payload.size())) return;
  if (in<Synchronized>() == nullptr) return;  // it acknowledged our FIN, and that was all
  // Only now: what is refused may be forged, and is no sign of the peer's life.
  t.last_heard = now_;
  t.unanswered_probes = 0;
  remember_timestamp(t, header);

  if (t.ecn) {
    // RFC 3168, section 6.1.3: ECE is set "until it receives a CWR packet". What carries both is a new mark.
    if (header.flags.cwr) t.ecn->echo = false;
    if (event.ecn == congestion_experienced && !event.payload.empty()) {
      t.ecn->echo = true;
      t.ack_due = true;
    }
  }

  // "Seventh, process the segment text"; "Eighth, check the FIN bit"
  if (length > 0) receive_text(t, event);
}

bool ConnectionStep::acceptable(const Synchronized& t, const TcpHeader& header, std::uint32_t length) const {
  // RFC 9293, section 3.4, the four cases. An ACK alone may also stand at the window's very end: that is where the peer
  // goes on if it has sent all that it may. "If the RCV.WND is zero, no segments will be acceptable, but special
  // allowance should be made to accept valid ACKs, URGs, and RSTs": that is one at RCV.NXT, whose text is cut off
  // later.
  const std::uint32_t window = t.rcv_wnd();
  const std::uint32_t first = header.sequence - t.rcv_nxt;
  if (length == 0) return first <= window;
  if (window == 0) return header.sequence == t.rcv_nxt;
  const std::uint32_t last = header.sequence + length - 1 - t.rcv_nxt;
  return first < window || last < window;
}

bool ConnectionStep::timestamps_are_good(Synchronized& t, const TcpHeader& header, std::size_t payload_size) {
  if (!t.timestamps) return true;
  const auto& option = header.options.timestamps;
  if (!option) {
    // RFC 7323, section 3.2: "If a non-<RST> segment is received without a TSopt, a TCP SHOULD silently drop the
    // segment."
    if (header.flags.rst) return true;
    ignore(Ignored::missing_timestamp);
    return false;
  }
  Timestamps& ts = *t.timestamps;
  if (wire::seq_before(option->value, ts.ts_recent)) {
    // Section 5.5: "if the connection has been idle more than 24 days", TS.Recent is no longer valid.
    if (now_ - ts.ts_recent_at <= seconds(24 * 86400) && !header.flags.rst) {
      // Section 5.3, R1: "Send an acknowledgment in reply ... and drop the segment."
      ignore(Ignored::old_timestamp);
      const bool duplicate = wire::seq_before(header.sequence, t.rcv_nxt);
      if (header.sequence_length(payload_size) > 0) {
        t.ack_due = true;
        if (t.sack && duplicate && payload_size > 0) {
          const auto size = static_cast<std::uint32_t>(payload_size);
          t.dsack = wire::SackBlock{header.sequence, wire::seq_min(header.sequence + size, t.rcv_nxt)};
        }
      } else {
        challenge(t);
      }
      return false;
    }
  }
  return true;
}

// RFC 7323, section 5.3, R2 before R3: only of an acceptable segment, its ACK included. The time stamp of one that came
// long ago, or of a forged one, would make what is under way look old.
void ConnectionStep::remember_timestamp(Synchronized& t, const TcpHeader& header) {
  const auto& option = header.options.timestamps;
  if (!t.timestamps || !option) return;
  Timestamps& ts = *t.timestamps;
  // RFC 7323, section 4.3, (2): "If SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is copied to
  // TS.Recent".
  const bool stale = now_ - ts.ts_recent_at > seconds(24 * 86400);
  if (wire::seq_at_most(header.sequence, t.last_ack_sent) &&
      (stale || wire::seq_at_least(option->value, ts.ts_recent))) {
    ts.ts_recent = option->value;
    ts.ts_recent_at = now_;
  }
}

void ConnectionStep::challenge(Synchronized& t) {
  // RFC 5961, section 7: "an implementation SHOULD include an ACK throttling mechanism ... an administrator can
  // configure the maximum number of challenge ACKs sent out in a given interval". A counter that connections share
  // would tell others what goes on in them.
  constexpr std::uint8_t most = 10;
  constexpr Duration interval = seconds(5);
  if (now_ - t.challenges_since >= interval) {
    t.challenges_since = now_;
    t.challenges = 0;
  }
  if (t.challenges >= most) return;
  ++t.challenges;
  t.ack_due = true;
}

void ConnectionStep::receive_text(Synchronized& t, const SegmentArrived& event) {
  SeqNumber sequence = event.header.sequence;
  MutableBytes payload = event.payload;
  bool fin = event.header.flags.fin;

  if (wire::seq_before(sequence, t.rcv_nxt)) {
    const std::uint32_t known = t.rcv_nxt - sequence;
    if (t.sack)
      t.dsack =
          wire::SackBlock{sequence, wire::seq_min(t.rcv_nxt, sequence + event.header.sequence_length(payload.size()))};
    t.ack_due = true;
    if (known > payload.size()) return;  // a FIN that was here before
    payload = payload.subspan(known);
    sequence = t.rcv_nxt;
  }
  if (t.peer_finished || (t.fin_at && wire::seq_after(sequence + static_cast<SeqNumber>(payload.size()), *t.fin_at))) {
    // "This should not occur since a FIN has been received from the remote side. Ignore the segment text."
    t.ack_due = true;
    return ignore(Ignored::beyond_finish);
  }
  // What lies beyond the window goes: the peer sends it again when it is wider.
  if (const std::uint32_t room = t.rcv_adv - sequence; payload.size() > room) {
    payload = payload.first(room);
    fin = false;
    t.ack_due = true;
  }
  const SeqNumber end = sequence + static_cast<SeqNumber>(payload.size());
  if (fin) {
    if (t.fin_at && *t.fin_at != end) return ignore(Ignored::beyond_finish);
    if (!t.fin_at && !t.reassembly.empty() && wire::seq_after(t.reassembly.end(), end)) {
      return ignore(Ignored::beyond_finish);
    }
    t.fin_at = end;
    t.ack_due = true;
  }

  const std::size_t segment = event.merged_segment_size != 0 ? event.merged_segment_size : event.payload.size();
  t.rcv_mss = static_cast<std::uint16_t>(std::clamp<std::size_t>(segment, t.rcv_mss, UINT16_MAX));

  if (sequence == t.rcv_nxt) {
    // RFC 5681, section 4.2: "a TCP receiver SHOULD send an immediate ACK when the incoming segment fills in all or
    // part of a gap in the sequence space".
    if (!t.reassembly.empty()) t.ack_due = true;
    if (!payload.empty()) {
      deliver(t, payload);
      acknowledge_later(t, payload.size());
    }
    return deliver_held(t);
  }
  // "Out-of-order data segments SHOULD be acknowledged immediately, in order to accelerate loss recovery."
  if (t.ack_due && !t.sack && t.more_acks_due < 8) ++t.more_acks_due;
  t.ack_due = true;
  if (payload.empty()) return;
  std::optional<wire::SackBlock> duplicate;
  const bool kept = !t.pressed && t.reassembly.insert(t.rcv_nxt, sequence, payload, budget_, duplicate);
  if (!kept) ignore(Ignored::out_of_order_limit);
  if (duplicate && t.sack) t.dsack = duplicate;
}

void ConnectionStep::deliver(Synchronized& t, MutableBytes bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  t.rcv_nxt += size;
  t.unconsumed += size;
  renew_fin_wait_2(t);
  actions_.push(stream::Received{bytes});
}

// Only text in order that moves on, here or at the application, keeps the peer's half of the connection: one that never
// sends its FIN could send ACKs for ever.
void ConnectionStep::renew_fin_wait_2(Synchronized& t) {
  if (t.timers.fin_wait_2) t.timers.fin_wait_2 = now_ + config_.fin_wait_2_timeout;
}

// What was held and is in order now, one piece a step; then the FIN.
void ConnectionStep::deliver_held(Synchronized& t) {
  if (!t.reassembly.empty()) {
    const MutableBytes held = t.reassembly.take(t.rcv_nxt);
    if (!held.empty()) {
      t.ack_due = true;
      deliver(t, held);
    }
  }
  if (t.fin_at == t.rcv_nxt && !t.peer_finished) receive_fin(t);
}

bool Synchronized::has_pending_delivery() const {
  return !reassembly.empty() && wire::seq_at_most(reassembly.begin(), rcv_nxt);
}

void ConnectionStep::receive_fin(Synchronized& t) {
  t.rcv_nxt += 1;
  t.peer_finished = true;
  t.ack_due = true;
  if (wire::seq_before(t.rcv_adv, t.rcv_nxt)) t.rcv_adv = t.rcv_nxt;
  actions_.push(stream::PeerFinished{});
  if (t.state == State::established) t.state = State::close_wait;
  // "If our FIN has been ACKed (perhaps in this segment), then enter TIME-WAIT ...; otherwise, enter the CLOSING
  // state."
  if (t.state == State::fin_wait_1) t.state = State::closing;
  if (t.state == State::fin_wait_2) t.state = State::time_wait;
}

void ConnectionStep::acknowledge_later(Synchronized& t, std::size_t received) {
  // RFC 9293, section 3.8.6.3: "there SHOULD be an ACK for at least every second full-sized segment".
  if (t.quick_acks > 0 || config_.delayed_ack == Duration{} || t.rcv_nxt - t.last_ack_sent > t.rcv_mss) {
    t.ack_due = true;
  } else if (received > 0 && !t.timers.delayed_ack) {
    t.timers.delayed_ack = now_ + config_.delayed_ack;
  }
}

void ConnectionStep::tune_window(Synchronized& t) {
  // Dynamic right-sizing (Fisk, Feng, 2001): an application that consumes more than half of the window in a round-trip
  // time is held up by the window.
  const Duration round = t.rtt.measured() ? t.rtt.srtt() : milliseconds(100);
  if (now_ - t.tuning_since < round) return;
  std::uint32_t most = config_.max_receive_window;
  if (t.rcv_wind_shift == 0) most = std::min<std::uint32_t>(most, UINT16_MAX);
  if (!t.pressed && t.tuning_consumed > t.receive_limit / 2 && t.receive_limit < most) {
    t.receive_limit = std::min(most, t.receive_limit * 2);
  }
  t.tuning_consumed = 0;
  t.tuning_since = now_;
}

}  // namespace limpid::tcpip::tcp
