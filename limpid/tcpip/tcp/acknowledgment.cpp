// What an ACK tells about what was sent: RFC 9293 section 3.10.7.4, RFC 5961 section 5, RFC 2018, RFC 8985, RFC 6937,
// RFC 5681, RFC 6582.
#include "limpid/tcpip/tcp/step.hpp"

namespace limpid::tcpip::tcp {

using wire::SackBlock;
using wire::SeqNumber;
using wire::TcpHeader;

bool ConnectionStep::receive_ack(Synchronized& t, const TcpHeader& header, std::size_t payload_size) {
  const SeqNumber ack = header.acknowledgment;
  // RFC 5961, section 5.2: "The ACK value is considered acceptable only if it is in the range of ((SND.UNA -
  // MAX.SND.WND) <= SEG.ACK <= SND.NXT). All incoming segments whose ACK value doesn't satisfy the above condition MUST
  // be discarded and an ACK sent back."
  if (wire::seq_after(ack, t.snd_nxt()) || wire::seq_before(ack, t.snd_una() - t.max_snd_wnd)) {
    ignore(Ignored::unacceptable_ack);
    challenge(t);
    return false;
  }
  const std::uint32_t window_before = t.snd_wnd;
  // "If the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored"; but what it SACKs may be news, and its text,
  // too.
  const bool old = wire::seq_before(ack, t.snd_una());
  if (!old) update_send_window(t, header);
  acknowledge_sent(t, header, payload_size, old || t.snd_wnd != window_before);
  return true;
}

void ConnectionStep::update_send_window(Synchronized& t, const TcpHeader& header) {
  // "If (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)), set SND.WND <- SEG.WND, set SND.WL1 <-
  // SEG.SEQ, and set SND.WL2 <- SEG.ACK."
  // What acknowledges more is newer, too: if its peer sent it again, its sequence number is an old one, and the window
  // that it shows begins where its acknowledgment does.
  if (!wire::seq_before(t.snd_wl1, header.sequence) && !wire::seq_after(header.acknowledgment, t.snd_wl2) &&
      !(t.snd_wl1 == header.sequence && wire::seq_at_most(t.snd_wl2, header.acknowledgment))) {
    return;
  }
  t.snd_wl1 = wire::seq_max(t.snd_wl1, header.sequence);
  t.snd_wl2 = header.acknowledgment;
  t.snd_wnd = std::uint32_t{header.window} << t.snd_wind_shift;
  t.max_snd_wnd = std::max(t.max_snd_wnd, t.snd_wnd);
  // A closed window is not silence: whoever says so lives.
  if (t.snd_wnd == 0) t.retransmissions = 0;
}

void ConnectionStep::acknowledge_sent(Synchronized& t, const TcpHeader& header, std::size_t payload_size,
                                      bool window_changed) {
  const SeqNumber ack = wire::seq_max(header.acknowledgment, t.snd_una());
  const bool advanced = ack != t.snd_una();

  // What was delivered, by ACK and SACK.
  std::uint32_t delivered = 0;
  std::optional<Instant> sampled;  // when the newest of it was sent
  bool repaired = false;           // some of it was sent more than once
  const auto& echo = header.options.timestamps;
  const auto see = [&](const DeliveredPart& part) {
    delivered += part.end - part.begin;
    if (part.retransmitted) repaired = true;
    sampled = sampled ? std::max(*sampled, part.sent_at) : part.sent_at;
    const bool older = t.timestamps && echo && wire::seq_before(echo->echo, t.timestamps->at(part.sent_at));
    t.rack.delivered(part, t.rtt.min_rtt(), older, now_);
  };
  if (advanced) t.scoreboard.acknowledge(ack, see);
  const bool fin_acknowledged = advanced && ack == fin_sequence() + 1;
  if (advanced) send_.acknowledge(fin_acknowledged ? fin_sequence() : ack);

  bool duplicate_reported = false;
  if (t.sack && !header.options.sack.empty()) {
    // RFC 2883, section 4: the first block is a D-SACK if it lies below the ACK, or within the second block.
    const auto& blocks = header.options.sack;
    const SackBlock first = blocks[0];
    duplicate_reported = wire::seq_at_most(first.right, header.acknowledgment) ||
                         (blocks.size() > 1 && wire::seq_at_least(first.left, blocks[1].left) &&
                          wire::seq_at_most(first.right, blocks[1].right));
    for (std::size_t i = duplicate_reported ? 1 : 0; i < blocks.size(); ++i) {
      const SackBlock block = blocks[i];
      if (!wire::seq_before(block.left, block.right) || wire::seq_after(block.right, t.snd_nxt()) ||
          wire::seq_before(block.left, header.acknowledgment)) {
        ignore(Ignored::lying_sack);
        break;
      }
      if (wire::seq_after(block.right, ack)) t.scoreboard.sack(wire::seq_max(block.left, ack), block.right, see);
    }
  }

  // RFC 6298, section 3, Karn's algorithm: "RTT samples MUST NOT be made using segments that were retransmitted", nor
  // of what waited behind them, unless the timestamp shows that the last transmission was answered (RFC 7323, section
  // 4): an older one may come from an ACK before this, which was lost.
  if (sampled &&
      (!repaired || (advanced && t.timestamps && echo && wire::seq_at_least(echo->echo, t.timestamps->at(*sampled))))) {
    t.rtt.sample(now_ - *sampled, now_);
  }

  if (advanced) {
    t.backoff = 0;
    t.retransmissions = 0;
    if (config_.user_timeout > Duration{}) t.timers.user_timeout = now_ + config_.user_timeout;
    if (t.scoreboard.empty()) {
      t.timers.retransmit.reset();
      t.timers.user_timeout.reset();
      t.timers.reorder.reset();
    } else {
      // RFC 6298, "(5.3) When an ACK is received that acknowledges new data, restart the retransmission timer".
      arm_retransmit(t);
    }
  }

  // RFC 8985, section 7.4: the loss probe is answered.
  if (t.tlp_end_seq && wire::seq_at_least(ack, *t.tlp_end_seq)) {
    // A probe that was a retransmission and that no D-SACK reports as superfluous repaired a loss: that is congestion.
    if (t.tlp_is_retransmission && !duplicate_reported && t.phase == Phase::open) {
      t.congestion.congested(now_);
      t.congestion.recovered();
    }
    t.tlp_end_seq.reset();
  }

  bool left_recovery = false;
  if (t.phase != Phase::open && wire::seq_at_least(ack, t.recovery_point)) {
    if (t.phase == Phase::recovery) t.congestion.recovered();
    left_recovery = t.phase == Phase::recovery;
    t.phase = Phase::open;
    t.duplicate_acks = 0;
  }

  bool repairs_next = false;
  if (t.sack) {
    t.rack.adapt(duplicate_reported, left_recovery, ack, t.snd_nxt());
  } else if (advanced) {
    // What was acknowledged beyond the hole are segments that were counted by their duplicate ACKs.
    const std::uint32_t counted = std::min<std::uint32_t>(t.duplicate_acks, std::max(delivered / t.smss(), 1u) - 1);
    t.duplicate_acks = static_cast<std::uint16_t>(t.phase == Phase::open ? 0 : t.duplicate_acks - counted);
    delivered -= counted * t.smss();
    // RFC 6582, section 3.2: "Partial acknowledgments: ... retransmit the first unacknowledged segment."
    repairs_next = t.phase == Phase::recovery;
    if (repairs_next) t.scoreboard.mark_first_segment_lost();
  } else if (!t.scoreboard.empty() && payload_size == 0 && !window_changed && !header.flags.fin) {
    // RFC 5681, section 2: what a duplicate acknowledgment is.
    count_duplicate(t);
    delivered += t.smss();
  }
  const std::uint32_t lost_before = t.scoreboard.lost();
  detect_loss(t);

  // RFC 3168, section 6.1.2: "the congestion window ... MUST NOT be reduced more than once in response to ECE in a
  // window of data".
  if (t.ecn && header.flags.ece && t.phase == Phase::open && !t.scoreboard.empty()) {
    t.ecn->reduced = true;
    enter_recovery(t);
  }

  if (t.phase == Phase::recovery) {
    const bool progress = advanced && t.scoreboard.lost() <= lost_before;
    const std::uint32_t used = pipe(t);
    const std::uint32_t quota = t.prr.quota(delivered, used, t.congestion.ssthresh(), t.smss(), progress);
    t.congestion.set_cwnd(used + std::max<std::uint32_t>(quota, repairs_next ? t.smss() : 0));
  } else if (advanced && !left_recovery && (t.cwnd_limited || t.phase == Phase::loss)) {
    t.congestion.acknowledged(delivered, t.rtt.srtt(), now_);
  }

  if (fin_acknowledged) return our_fin_acknowledged(t);
  if (advanced) offer_room(t);
  if (advanced || delivered > 0) schedule_loss_probe(t);
}

void ConnectionStep::count_duplicate(Synchronized& t) {
  if (t.duplicate_acks < UINT16_MAX) ++t.duplicate_acks;
  // RFC 5681, section 3.2: "When the third duplicate ACK is received ... The lost segment starting at SND.UNA MUST be
  // retransmitted". RFC 6582, section 3.2: not if what was sent again is what they answer.
  // In Phase::open all of that is acknowledged.
  if (t.duplicate_acks == 3 && t.phase == Phase::open) {
    t.scoreboard.mark_first_segment_lost();
  }
}

void ConnectionStep::detect_loss(Synchronized& t) {
  if (t.sack) {
    t.timers.reorder = t.rack.detect_loss(t.scoreboard, t.rtt, t.phase != Phase::open, t.smss(), now_);
  }
  if (t.phase == Phase::open && t.scoreboard.lost() > 0) enter_recovery(t);
}

void ConnectionStep::enter_recovery(Synchronized& t) {
  t.phase = Phase::recovery;
  t.recovery_point = t.snd_nxt();
  t.prr = {.recover_fs = std::max<std::uint32_t>(t.scoreboard.outstanding(), 1)};
  t.congestion.congested(now_);
  t.timers.loss_probe.reset();
  t.loss_probe_due = false;
  t.tlp_end_seq.reset();
  if (t.ecn) t.ecn->reduced = true;
  const std::uint32_t used = pipe(t);
  t.congestion.set_cwnd(used + t.prr.quota(0, used, t.congestion.ssthresh(), t.smss(), false));
}

void ConnectionStep::our_fin_acknowledged(Synchronized& t) {
  t.timers.loss_probe.reset();
  if (t.state == State::fin_wait_1) {
    t.state = State::fin_wait_2;
    if (config_.fin_wait_2_timeout > Duration{}) t.timers.fin_wait_2 = now_ + config_.fin_wait_2_timeout;
  } else if (t.state == State::closing) {
    t.state = State::time_wait;
  } else if (t.state == State::last_ack) {
    end(Closed{});
  }
}

}  // namespace limpid::tcpip::tcp
