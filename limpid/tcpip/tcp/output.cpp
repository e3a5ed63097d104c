// What a Flush emits: retransmissions, then new data as windows, Nagle and the silly window permit, probes, and an ACK
// if none of these carried it.
#include "limpid/tcpip/tcp/step.hpp"

namespace limpid::tcpip::tcp {

using wire::SeqNumber;
using wire::TcpHeader;

namespace {

constexpr std::uint8_t ect_0 = 2;  // RFC 3168, section 5: an ECN-capable transport's usual codepoint

constexpr std::uint32_t burst_limit = 65536;

}  // namespace

// The payload of a full-sized segment as it would leave now: what SACK blocks take is missing.
std::uint32_t ConnectionStep::segment_room(const Synchronized& t) const {
  constexpr std::uint32_t block_size = 8;
  std::uint32_t blocks = t.dsack ? 1 : 0;
  if (!t.reassembly.empty()) {
    InlineList<wire::SackBlock, 4> reported;
    t.reassembly.report(reported, 4 - blocks - (t.timestamps ? 1 : 0));
    blocks += static_cast<std::uint32_t>(reported.size());
  }
  const std::uint32_t sack_size = blocks == 0 ? 0 : 4 + block_size * blocks;
  return t.smss() - std::min<std::uint32_t>(sack_size, t.smss() / 2);
}

std::uint32_t ConnectionStep::largest_segment(const Synchronized& t) const {
  const std::uint32_t segment = segment_room(t);
  return std::max(segment, config_.max_superframe / segment * segment);
}

// What is in the network. Without SACK each duplicate ACK says that a segment has left it: so the first two of them let
// new data out (RFC 3042), as with SACK what is reported does.
std::uint32_t ConnectionStep::pipe(const Synchronized& t) const {
  const std::uint32_t in_flight = t.scoreboard.in_flight();
  const std::uint32_t duplicates =
      t.phase == Phase::open ? std::min<std::uint32_t>(t.duplicate_acks, 2) : t.duplicate_acks;
  return in_flight - std::min(in_flight, duplicates * t.smss());
}

std::uint32_t ConnectionStep::cwnd_room(const Synchronized& t) const {
  const std::uint32_t used = pipe(t);
  return t.congestion.cwnd() > used ? t.congestion.cwnd() - used : 0;
}

ConnectionStep::Segment ConnectionStep::next_lost(const Synchronized& t) const {
  Segment segment;
  const std::size_t i = t.scoreboard.first_lost();
  if (i == t.scoreboard.size()) return segment;
  const SeqNumber begin = t.scoreboard.begin_of(i);
  const std::uint32_t length = t.scoreboard[i].end - begin;
  const bool has_fin = t.scoreboard[i].end == fin_sequence() + 1;
  const std::uint32_t text = length - (has_fin ? 1 : 0);
  const std::uint32_t room = cwnd_room(t);
  const std::uint32_t full = segment_room(t);
  std::uint32_t n = std::min(text, largest_segment(t));
  if (n > room) n = room / full * full;
  if (n == 0 && text > 0) return segment;
  if (n == 0 && room == 0) return segment;
  segment.kind = Segment::Kind::lost;
  segment.burst = i;
  segment.sequence = begin;
  segment.size = n;
  segment.fin = has_fin && n == text;
  return segment;
}

ConnectionStep::Segment ConnectionStep::next_fresh(const Synchronized& t, bool probe) const {
  Segment segment;
  segment.sequence = t.snd_nxt();
  if (fin_sent(t)) return segment;
  const std::uint32_t unsent = send_.end() - t.snd_nxt();
  const std::uint32_t sent = t.scoreboard.outstanding();
  const std::uint32_t window = t.snd_wnd > sent ? t.snd_wnd - sent : 0;
  const std::uint32_t full = segment_room(t);
  // A loss probe may exceed the congestion window by its one segment (RFC 8985, section 7.3).
  const std::uint32_t room = probe ? full : cwnd_room(t);
  std::uint32_t n = std::min({unsent, window, room, probe ? full : largest_segment(t)});
  // FIN alone takes nothing of the network that could congest it.
  const bool finishes = t.finish && n == unsent && window > n;
  if (n >= full && n < unsent) n = n / full * full;
  const bool last = n == unsent;
  if (n == 0 && !finishes) return segment;
  // RFC 9293, section 3.8.6.2.1: data is sent "(1) if a maximum-sized segment can be sent ... (2) if the data is pushed
  // and all queued data can be sent now ... (3) if at least a fraction Fs of the maximum window can be sent ... (4) if
  // the override timeout occurs". All is pushed here; Nagle's algorithm (section 3.7.4) in (2) is Minshall's, which
  // waits only for a segment that was itself not full, so that the end of a long answer never waits.
  const bool tail_is_full = n % full == 0;
  const bool nagle_waits = config_.nagle && wire::seq_after(t.snd_sml, t.snd_una());
  const bool permitted = n >= full || finishes || (last && !nagle_waits) ||
                         (n < unsent && n == window && n >= t.max_snd_wnd / 2) || (t.override_due && n > 0);
  if (!permitted) return segment;
  // Of more than a segment the part that is not full waits by the same rule.
  if (n > full && !tail_is_full && !finishes && nagle_waits) n = n / full * full;
  segment.kind = probe ? Segment::Kind::loss_probe : Segment::Kind::fresh;
  segment.size = n;
  segment.fin = finishes;
  return segment;
}

ConnectionStep::Segment ConnectionStep::last_sent_segment(const Synchronized& t) const {
  Segment segment;
  if (t.scoreboard.empty()) return segment;
  const std::size_t i = t.scoreboard.size() - 1;
  const SeqNumber begin = t.scoreboard.begin_of(i);
  const std::uint32_t length = t.scoreboard[i].end - begin;
  const bool has_fin = fin_sent(t);
  const std::uint32_t text = length - (has_fin ? 1 : 0);
  const std::uint32_t full = segment_room(t);
  const std::uint32_t size = text % full == 0 ? std::min(text, full) : text % full;
  segment.kind = Segment::Kind::loss_probe;
  segment.sequence = begin + text - size;
  segment.size = size;
  segment.fin = has_fin;
  return segment;
}

ConnectionStep::Segment ConnectionStep::next_segment(const Synchronized& t) const {
  if (t.starved) return {};
  if (t.scoreboard.lost() > 0) return next_lost(t);
  // RFC 8985, section 7.3: "If an unsent segment exists ... Transmit the next unsent segment ... Else, retransmit the
  // last segment".
  if (t.loss_probe_due) {
    const Segment fresh = next_fresh(t, true);
    return fresh.whole() ? fresh : last_sent_segment(t);
  }
  return next_fresh(t, false);
}

bool ConnectionStep::something_to_send(const Synchronized& t) const {
  return t.ack_due || t.probe_due || t.state == State::time_wait || next_segment(t).whole();
}

std::size_t ConnectionStep::flush(Synchronized& t) {
  // RFC 5681, section 4.1: "if the TCP has not sent data in an interval exceeding the retransmission timeout", the
  // window is no longer known to fit.
  if (t.scoreboard.empty() && now_ - t.last_sent > t.rtt.rto(config_, 0) && next_segment(t).whole()) {
    t.congestion.restart(Congestion(config_, t.smss()).cwnd());
  }
  const std::uint32_t smss = t.smss();
  const std::uint32_t most =
      std::min(t.congestion.cwnd(), std::max(2 * smss, std::min(burst_limit, t.congestion.cwnd() / 2)));
  std::uint32_t emitted = 0;
  Segment segment = next_segment(t);
  while (segment.whole() && emitted < most && actions_.free() > 3) {
    t.starved = !emit(t, segment);
    emitted += segment.size + (segment.fin ? 1 : 0);
    segment = next_segment(t);
  }
  // What was sent is unsent no longer: whoever waits can write on before there is too little for a whole superframe.
  if (emitted > 0) offer_room(t);
  t.loss_probe_due = t.loss_probe_due && segment.whole();
  const bool more = segment.whole();
  t.override_due = t.override_due && more;
  if (!more) {
    // Growth is earned only by a window that was used (RFC 5681 with RFC 7661's remark).
    const std::uint32_t in_flight = t.scoreboard.in_flight();
    t.cwnd_limited =
        cwnd_room(t) < smss || (t.congestion.in_slow_start() && std::uint64_t{in_flight} * 2 >= t.congestion.cwnd());
    if (std::exchange(t.probe_due, false)) {
      // Before what was sent last, so that it cannot be taken for data: "SEG.SEQ = SND.NXT-1" (RFC 9293, section
      // 3.8.4). For a closed window the same: the answer says what the window is, and no byte is beyond it.
      emit_bare(t, t.snd_una() - 1);
    } else if (t.ack_due) {
      emit_bare(t, t.snd_nxt());
      while (t.more_acks_due > 0 && actions_.free() > 1) {
        --t.more_acks_due;
        emit_bare(t, t.snd_nxt());
      }
      t.more_acks_due = 0;
    }
    if (t.state == State::time_wait) {
      Closed closed{TimeWaitRecord{
          .snd_nxt = t.snd_nxt(),
          .rcv_nxt = t.rcv_nxt,
          .window = static_cast<std::uint16_t>(std::min<std::uint32_t>(t.rcv_wnd() >> t.rcv_wind_shift, UINT16_MAX)),
          .expires = now_ + config_.time_wait}};
      if (t.timestamps) {
        closed.time_wait->ts_recent = t.timestamps->ts_recent;
        closed.time_wait->timestamp_offset = t.timestamps->offset;
        closed.time_wait->timestamp_base = t.timestamps->base;
      }
      end(closed);
    }
  }
  return 1;
}

// To an application that was refused room, once there is enough of it to be worth its while.
void ConnectionStep::offer_room(Synchronized& t) {
  if (!t.blocked) return;
  if (send_.writable(t.send_limit(config_)) < std::min(config_.send_buffer, config_.max_unsent) / 4) return;
  t.blocked = false;
  t.timers.writable.reset();
  actions_.push(Writable{});
}

bool ConnectionStep::emit(Synchronized& t, Segment segment) {
  Emit out;
  const auto full = static_cast<std::uint16_t>(segment_room(t));
  const std::size_t gathered = send_.gather(segment.sequence, segment.size, out.payload, out.pin);
  if (gathered < segment.size) {
    // Too many small chunks for one action.
    segment.size = static_cast<std::uint32_t>(gathered);
    segment.fin = false;
  }
  const SeqNumber end = segment.sequence + segment.size + (segment.fin ? 1 : 0);
  const bool fresh = segment.sequence == t.snd_nxt();
  if (fresh) {
    if (!t.scoreboard.sent(end, full, now_)) return false;
  } else if (segment.kind == Segment::Kind::loss_probe) {
    const std::size_t i = t.scoreboard.split(segment.sequence);
    t.loss_probe_due = false;
    if (i == t.scoreboard.size()) return false;
    t.scoreboard.mark_lost(i);
    if (!t.scoreboard.retransmit(i, end - segment.sequence, full, now_)) return false;
  } else if (!t.scoreboard.retransmit(segment.burst, end - segment.sequence, full, now_)) {
    return false;
  }

  if (segment.kind == Segment::Kind::loss_probe) {
    t.tlp_end_seq = t.snd_nxt();
    t.tlp_is_retransmission = !fresh;
    t.loss_probe_due = false;
  }
  if (t.phase == Phase::recovery) t.prr.out += segment.size;
  if (fresh) {
    t.last_sent = now_;
    if (segment.size % full != 0) t.snd_sml = end;
  }

  out.header = header_of(t);
  out.header.sequence = segment.sequence;
  out.header.flags.fin = segment.fin;
  // RFC 9293, section 3.9.1.2: "a TCP MUST set the PSH bit in the last buffered segment (i.e., when there is no more
  // queued data to be sent)."
  out.header.flags.psh = segment.sequence + segment.size == send_.end() && segment.size > 0;
  if (t.ecn && fresh && segment.size > 0) {
    // RFC 3168, section 6.1.5: "ECN-capable TCP implementations MUST NOT set either ECT codepoint in the IP header for
    // retransmitted data packets"; section 6.1.4 says the same of pure acknowledgments.
    out.ecn = ect_0;
    out.header.flags.cwr = std::exchange(t.ecn->reduced, false);
  }
  if (segment.size > full) out.segment_size = full;
  if (config_.pins && segment.size > 0) {
    send_.pin(out.pin);
  } else {
    out.pin = {};
  }
  actions_.push(out);

  if (!t.timers.retransmit) arm_retransmit(t);
  if (fresh) schedule_loss_probe(t);
  return true;
}

void ConnectionStep::emit_bare(Synchronized& t, SeqNumber sequence) {
  Emit out;
  out.header = header_of(t);
  out.header.sequence = sequence;
  actions_.push(out);
}

// What every segment carries; with it everything received so far is acknowledged.
TcpHeader ConnectionStep::header_of(Synchronized& t) {
  TcpHeader header;
  header.source_port = t.local_port;
  header.destination_port = t.remote_port;
  header.flags.ack = true;
  header.acknowledgment = t.rcv_nxt;
  if (t.ecn) header.flags.ece = t.ecn->echo;
  if (t.timestamps) header.options.timestamps = wire::TcpTimestamps{t.timestamps->at(now_), t.timestamps->ts_recent};
  if (t.sack) {
    if (t.dsack) header.options.sack.push_back(*t.dsack);
    t.reassembly.report(header.options.sack, t.timestamps ? 3 : 4);
    t.dsack.reset();
  }
  // The edge moves by what a window can say, and only forward: "a TCP receiver SHOULD NOT shrink the window".
  const SeqNumber offered = t.rcv_nxt + (window_to_offer(t) >> t.rcv_wind_shift << t.rcv_wind_shift);
  if (wire::seq_after(offered, t.rcv_adv)) t.rcv_adv = offered;
  header.window = static_cast<std::uint16_t>(std::min<std::uint32_t>(t.rcv_wnd() >> t.rcv_wind_shift, UINT16_MAX));
  t.last_ack_sent = t.rcv_nxt;
  t.ack_due = false;
  t.timers.delayed_ack.reset();
  if (t.quick_acks > 0) --t.quick_acks;
  return header;
}

std::uint32_t ConnectionStep::window_to_offer(const Synchronized& t) const {
  constexpr std::uint32_t least_limit = 20 * 1024;  // a record of TLS must fit, or its reader could never go on
  const std::uint32_t limit = t.pressed ? std::min(t.receive_limit, least_limit) : t.receive_limit;
  const std::uint32_t free = limit > t.unconsumed ? limit - t.unconsumed : 0;
  // RFC 9293, section 3.8.6.2.2: "keep RCV.NXT+RCV.WND fixed until such time as RCV.BUFF - RCV.USER - RCV.WND >= min (
  // Fr * RCV.BUFF, Eff.snd.MSS )".
  const std::uint32_t offered = t.rcv_wnd();
  const std::uint32_t least = std::min<std::uint32_t>(limit / 2, t.rcv_mss);
  return free > offered && free - offered >= least ? free : offered;
}

// The application has consumed so much that the peer had better know: his window was small, and grows by something.
bool ConnectionStep::window_update_due(const Synchronized& t) const {
  const std::uint32_t offered = t.rcv_wnd();
  const std::uint32_t now = window_to_offer(t);
  const std::uint32_t least = std::min<std::uint32_t>(t.receive_limit / 2, 2u * t.rcv_mss);
  return !t.peer_finished && offered < t.receive_limit / 2 && now - offered >= std::max<std::uint32_t>(least, 1);
}

}  // namespace limpid::tcpip::tcp
