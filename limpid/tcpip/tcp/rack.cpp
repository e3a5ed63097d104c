#include "limpid/tcpip/tcp/rack.hpp"

namespace limpid::tcpip::tcp {

using wire::SeqNumber;

namespace {

// "RACK_sent_after": by time, and by sequence number where that does not tell.
bool sent_after(Instant t1, SeqNumber seq1, Instant t2, SeqNumber seq2) {
  return t1 > t2 || (t1 == t2 && wire::seq_after(seq1, seq2));
}

}  // namespace

void Rack::delivered(const DeliveredPart& part, Duration min_rtt, bool echo_is_older, Instant now) {
  // Step 3: "If Segment.end_seq < RACK.fack and Segment was never retransmitted: RACK.reordering_seen = TRUE"
  if (wire::seq_after(part.end, fack_)) {
    fack_ = part.end;
  } else if (wire::seq_before(part.end, fack_) && !part.retransmitted) {
    reordering_seen_ = true;
  }
  // Step 2: "a RTT sample is invalid if either ... the ACK's timestamp echo is less than the segment's transmit
  // timestamp, or ... the RTT is less than the minimum": it may be the original's ACK, not that of the retransmission.
  const Duration rtt = now - part.sent_at;
  if (part.retransmitted && (echo_is_older || rtt < min_rtt)) return;
  if (started_ && !sent_after(part.sent_at, part.end, xmit_ts_, end_seq_)) return;
  started_ = true;
  rtt_ = std::max(rtt, microseconds(0));
  xmit_ts_ = part.sent_at;
  end_seq_ = part.end;
}

void Rack::adapt(bool dsack, bool left_recovery, SeqNumber snd_una, SeqNumber snd_nxt) {
  if (dsack_round_ && wire::seq_at_least(snd_una, *dsack_round_)) dsack_round_.reset();
  if (dsack && !dsack_round_) {
    // "Grow the reordering window per round that sees DSACK."
    dsack_round_ = snd_nxt;
    if (reo_wnd_mult_ < UINT8_MAX) ++reo_wnd_mult_;
    reo_wnd_persist_ = 16;
  } else if (left_recovery) {
    // "Reset the window to min_RTT / 4 after 16 loss recoveries without any DSACK."
    if (reo_wnd_persist_ > 0) --reo_wnd_persist_;
    if (reo_wnd_persist_ == 0) reo_wnd_mult_ = 1;
  }
}

Duration Rack::reordering_window(const Scoreboard& scoreboard, const RoundTripTime& rtt, bool recovering,
                                 std::uint32_t smss) const {
  // "If no reordering has been observed, then ... RACK.reo_wnd is 0 if in loss recovery or if RACK.segs_sacked >=
  // DupThresh": three segments, so more than two full ones.
  if (!reordering_seen_ && (recovering || scoreboard.sacked() > 2 * smss)) return {};
  return {std::min(reo_wnd_mult_ * (rtt.min_rtt().microseconds / 4), rtt.srtt().microseconds)};
}

std::optional<Instant> Rack::detect_loss(Scoreboard& scoreboard, const RoundTripTime& rtt, bool recovering,
                                         std::uint32_t smss, Instant now) const {
  if (!started_) return std::nullopt;
  const Duration window = reordering_window(scoreboard, rtt, recovering, smss);
  std::optional<Instant> again;
  for (std::size_t i = 0; i < scoreboard.size(); ++i) {
    const Burst& burst = scoreboard[i];
    if (burst.fate != Fate::in_flight) continue;
    if (!sent_after(xmit_ts_, end_seq_, burst.sent_at, burst.end)) {
      // What was sent in order lies behind; only a retransmission may be older than what lies before it.
      if (scoreboard.retransmitted() == 0 && scoreboard.sacked() == 0) break;
      continue;
    }
    // "remaining = Segment.xmit_ts + RACK.rtt + RACK.reo_wnd - Now()"
    const Instant expires = burst.sent_at + rtt_ + window;
    if (expires <= now) {
      scoreboard.mark_lost(i);
    } else {
      again = again ? std::min(*again, expires) : expires;
    }
  }
  return again;
}

}  // namespace limpid::tcpip::tcp
