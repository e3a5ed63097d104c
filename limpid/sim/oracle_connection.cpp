#include "limpid/sim/oracle_connection.hpp"

namespace limpid::sim {
namespace {

using namespace tcpip::wire;

constexpr Duration longest_ack_delay = milliseconds(500);
constexpr Duration first_syn_rto = seconds(1);         // RFC 6298, section 2.1
constexpr std::int64_t longest_rto = 59'000'000;       // section 2.5: a maximum "is at least 60 seconds"
constexpr std::size_t most_content = 4 << 20;          // bytes of a direction that are compared with what is sent again
constexpr std::size_t content_behind = 1 << 18;        // how many of them are kept once acknowledged
constexpr std::uint8_t largest_window_scale = 14;      // RFC 7323, section 2.3
constexpr Duration doubled_within = milliseconds(5);   // what comes so soon again behind a tap the network doubled
constexpr std::uint32_t tapped_clock_slack = 1 << 12;  // ticks that reordering in front of a tap may explain

void report_at(OracleReport& report, Rule rule, const SeenSegment& segment, std::int64_t found, std::int64_t allowed) {
  report.violated({rule, segment.packet, segment.at, segment.source, segment.destination, found, allowed});
}

}  // namespace

std::int64_t OracleConnection::unwrap(const End& end, std::uint32_t sequence, std::int64_t near) {
  const std::uint32_t at = *end.iss + static_cast<std::uint32_t>(near);
  return near + static_cast<std::int32_t>(sequence - at);
}

bool OracleConnection::is_another(const SeenSegment& segment) const {
  const End& me = ends_[end_of(segment.source)];
  return segment.header.flags.syn && !segment.header.flags.ack && me.iss && *me.iss != segment.header.sequence;
}

bool OracleConnection::is_over() const { return ends_[0].reset || ends_[1].reset || (ends_[0].fin && ends_[1].fin); }

std::int64_t OracleConnection::window_of(const End& from, const TcpHeader& header) const {
  const bool scaled = !header.flags.syn && ends_[0].window_scale && ends_[1].window_scale;
  return std::int64_t{header.window} << (scaled ? std::min(*from.window_scale, largest_window_scale) : 0);
}

// RFC 9293, section 3.7.1: without the option, 536 bytes over IPv4 and 1220 over IPv6 (MUST-15).
std::uint32_t OracleConnection::most_payload(const End& receiver, const SeenSegment& segment) const {
  const std::uint32_t mss = std::max(receiver.mss.value_or(segment.ipv6 ? 1220 : 536), options_->least_mss);
  return mss > segment.options_size ? mss - static_cast<std::uint32_t>(segment.options_size) : 1;
}

void OracleConnection::sent(const SeenSegment& segment, OracleReport& report) {
  if (!ends_[0].iss && !segment.header.flags.rst) {
    ends_[0].endpoint = segment.source;
    ends_[1].endpoint = segment.destination;
  }
  const std::size_t index = end_of(segment.source);
  End& me = ends_[index];
  End& peer = ends_[1 - index];
  me.lawless = me.lawless || report.muted;
  const TcpFlags flags = segment.header.flags;
  // A SYN cookie may be redeemed once more, by who does not heed the reset, or has yet to get it.
  estranged_ = estranged_ || (me.reset && !flags.rst && (peer.lawless || !options_->able_hosts));
  if (flags.rst && !estranged_) return judge_reset(me, peer, segment, report);
  // The answer to a SYN that was none of the connection's, and found it over: nothing more of that is judged.
  if (flags.syn && flags.ack && peer.iss && segment.header.acknowledgment != *peer.iss + 1 &&
      intruder_ended_at(me, segment.header.acknowledgment)) {
    estranged_ = true;
  }
  if (estranged_) return;
  if (flags.syn) {
    judge_syn(me, peer, segment, report);
  } else if (!flags.ack) {
    return report_at(report, Rule::ack_missing, segment, 0, 1);
  }
  if (!me.iss) {
    ++report.not_judged;
    return;
  }
  judge_options(peer, segment, report);
  judge_timestamps(me, segment, report);
  if (flags.ack && peer.iss) judge_acknowledgment(me, peer, segment, report);
  judge_data(me, peer, segment, report);
}

bool OracleConnection::intruder_ended_at(const End& me, std::uint32_t sequence) {
  const auto latest = std::span(me.intruders).first(std::min(me.intruder_count, me.intruders.size()));
  return std::find(latest.begin(), latest.end(), sequence) != latest.end();
}

void OracleConnection::judge_syn(End& me, const End& peer, const SeenSegment& segment, OracleReport& report) {
  const TcpHeader& header = segment.header;
  // A SYN cookie changes with the time (RFC 4987, section 3.6), until one was answered.
  const bool another_cookie = header.flags.ack && me.sent_end <= 1 && me.acked < 1;
  if (!me.iss || another_cookie) {
    me.iss = header.sequence;
    me.mss = header.options.mss;
    me.window_scale = header.options.window_scale;
    me.sack_permitted = header.options.sack_permitted;
    me.timestamps = header.options.timestamps.has_value();
    if (me.sent_end == 0) me.heard = segment.at;
  } else if (*me.iss != header.sequence) {
    report_at(report, Rule::syn_sequence, segment, header.sequence, *me.iss);
  }
  if (header.options.window_scale.value_or(0) > largest_window_scale) {
    report_at(report, Rule::syn_options, segment, *header.options.window_scale, largest_window_scale);
  }
  if (!header.flags.ack || !peer.iss) return;
  if (header.acknowledgment != *peer.iss + 1 && peer.sent_end <= 1) {
    report_at(report, Rule::syn_acknowledgment, segment, header.acknowledgment, *peer.iss + 1);
  }
  const bool unasked = (header.options.window_scale && !peer.window_scale) ||
                       (header.options.sack_permitted && !peer.sack_permitted) ||
                       (header.options.timestamps && !peer.timestamps);
  if (unasked) report_at(report, Rule::syn_options, segment, 1, 0);
}

void OracleConnection::judge_reset(End& me, const End& peer, const SeenSegment& segment, OracleReport& report) {
  const TcpHeader& header = segment.header;
  // It may be of the connection before, which was not over for this end.
  if (!me.iss && peer.lawless) return;
  const auto latest = std::span(me.acks_received).first(std::min(me.ack_count, me.acks_received.size()));
  const bool echoed = std::find(latest.begin(), latest.end(), header.sequence) != latest.end();
  // In front of a tap something may have been lost, and what passed it may not have arrived.
  const bool mine = me.iss && [&] {
    const std::int64_t offset = unwrap(me, header.sequence, me.sent_end);
    // What was sent may have been too large for a path that a liar made narrow.
    const bool all_left = options_->able_hosts && !peer.lawless;
    return whole() ? offset >= me.acked && offset <= (all_left ? me.sent_end : std::max(me.sent_end, me.right_edge))
                   : offset >= std::min<std::int64_t>(me.acked, 1) && offset <= std::max(me.sent_end, me.right_edge);
  }();
  // To a segment without ACK: sequence number zero, and what it sent is acknowledged.
  const bool blind = header.flags.ack && header.sequence == 0 &&
                     ((peer.iss && unwrap(peer, header.acknowledgment, peer.sent_end) <= peer.sent_end) ||
                      intruder_ended_at(me, header.acknowledgment));
  if (!echoed && !mine && !blind) report_at(report, Rule::reset_sequence, segment, header.sequence, me.iss.value_or(0));
  me.reset = true;
}

void OracleConnection::judge_options(const End& peer, const SeenSegment& segment, OracleReport& report) {
  const TcpHeader& header = segment.header;
  if (header.flags.syn) return;
  if (header.options.mss || header.options.window_scale || header.options.sack_permitted) {
    report_at(report, Rule::syn_options, segment, 1, 0);
  }
  if (!header.options.sack.empty() && !peer.sack_permitted) {
    report_at(report, Rule::sack_not_permitted, segment, static_cast<std::int64_t>(header.options.sack.size()), 0);
  }
  if (!peer.iss) return;
  if (header.options.timestamps && !both(&End::timestamps)) {
    report_at(report, Rule::timestamps_not_negotiated, segment, 1, 0);
  }
  if (!header.options.timestamps && both(&End::timestamps) && !peer.lawless)
    report_at(report, Rule::timestamps_missing, segment, 0, 1);
}

void OracleConnection::judge_timestamps(End& me, const SeenSegment& segment, OracleReport& report) {
  const TcpHeader& header = segment.header;
  if (!header.options.timestamps) return;
  const TcpTimestamps stamps = *header.options.timestamps;
  const std::uint32_t slack = whole() ? 0 : tapped_clock_slack;
  if (me.timestamp && seq_before(stamps.value + slack, *me.timestamp)) {
    report_at(report, Rule::timestamps_backwards, segment, stamps.value, *me.timestamp);
  }
  if (!me.timestamp || seq_after(stamps.value, *me.timestamp)) me.timestamp = stamps.value;
  if (!header.flags.ack || !me.timestamp_received) return;
  const bool known =
      seq_at_most(stamps.echo, *me.timestamp_received) && seq_at_least(stamps.echo, *me.first_timestamp_received);
  if (!known && both(&End::timestamps)) {
    report_at(report, Rule::timestamps_echo, segment, stamps.echo, *me.timestamp_received);
  }
}

void OracleConnection::judge_acknowledgment(End& me, const End& peer, const SeenSegment& segment,
                                            OracleReport& report) {
  const std::int64_t ack = unwrap(peer, segment.header.acknowledgment, std::max<std::int64_t>(me.ack_sent, 1));
  const std::int64_t received = me.received.contiguous_from(0);
  if (ack > received && !me.received.overflowed()) {
    report_at(report, Rule::ack_beyond_received, segment, ack, received);
  }
  if (whole() && ack < me.ack_sent) report_at(report, Rule::ack_backwards, segment, ack, me.ack_sent);
  const std::int64_t edge = ack + window_of(me, segment.header);
  // RFC 7323, section 2.4: a window that is not a multiple of the scale is rounded, which moves the edge a little.
  const std::int64_t rounding = me.window_scale && peer.window_scale ? (std::int64_t{1} << *me.window_scale) - 1 : 0;
  if (whole() && !segment.header.flags.syn && edge + rounding < me.edge_sent) {
    report_at(report, Rule::window_shrunk, segment, edge, me.edge_sent);
  }
  me.edge_sent = std::max(me.edge_sent, edge);
  judge_sack(me, peer, segment, ack, report);
  judge_delay(me, segment, report);
  me.unacknowledged_since.reset();
  me.full_unacknowledged = 0;
  me.ack_sent = std::max(me.ack_sent, ack);
}

void OracleConnection::judge_delay(End& me, const SeenSegment& segment, OracleReport& report) {
  if (!whole() || !me.unacknowledged_since || me.reset || me.lawless || !options_->able_hosts) return;
  const Duration delay = segment.at - *me.unacknowledged_since;
  if (delay < longest_ack_delay) return;
  // It may wait for the next hop's address, or have been dropped for want of it.
  if (segment.last_question >= *me.unacknowledged_since) return;
  report_at(report, Rule::ack_delayed, segment, delay.microseconds, longest_ack_delay.microseconds);
  me.unacknowledged_since.reset();
}

void OracleConnection::judge_sack(const End& me, const End& peer, const SeenSegment& segment, std::int64_t ack,
                                  OracleReport& report) {
  const auto& blocks = segment.header.options.sack;
  const auto holds_latest = [&](const SackBlock& block) {
    return unwrap(peer, block.left, ack) <= me.latest_begin && me.latest_end <= unwrap(peer, block.right, ack);
  };
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::int64_t left = unwrap(peer, blocks[i].left, ack), right = unwrap(peer, blocks[i].right, ack);
    // RFC 2883: the first block may instead report what came twice, wherever it lies; it was received all the same.
    // A queue that a peer has filled on purpose may not have taken the latest.
    // Where several segments came at one instant more than one may have triggered the acknowledgment.
    const bool below = i == 0 && right <= ack;
    if (right <= left || right > peer.sent_end || (!below && !me.received.contains(left, right))) {
      report_at(report, Rule::sack_untruthful, segment, right, peer.sent_end);
    } else if (whole() && !peer.lawless && i == 0 && me.latest_begin < me.latest_end &&
               std::none_of(blocks.begin(), blocks.end(), holds_latest)) {
      report_at(report, Rule::sack_first_block, segment, left, me.latest_begin);
    }
  }
}

void OracleConnection::judge_data(End& me, const End& peer, const SeenSegment& segment, OracleReport& report) {
  const TcpHeader& header = segment.header;
  const auto size = static_cast<std::int64_t>(segment.payload_size);
  const std::int64_t begin = unwrap(me, header.sequence, me.sent_end) + (header.flags.syn ? 1 : 0);
  const std::int64_t end = begin + size;
  const std::int64_t first = header.flags.syn ? begin - 1 : begin;
  const std::int64_t last = header.flags.fin ? end + 1 : end;
  if (first == last) return;
  // A keep-alive carries an octet of garbage below what is acknowledged (RFC 9293, section 3.8.4).
  if (size == 1 && !header.flags.fin && end == me.sent_end && end <= me.acked) return;

  if (me.reset && size > 0) report_at(report, Rule::data_after_reset, segment, size, 0);
  if (me.fin && end > *me.fin) report_at(report, Rule::beyond_fin, segment, end, *me.fin);
  if (header.flags.fin) {
    if ((me.fin && *me.fin != end) || (!me.fin && end < me.sent_end)) {
      report_at(report, Rule::fin_moved, segment, end, me.fin.value_or(me.sent_end));
    }
    me.fin = end;
  }
  if (size > 0 && peer.iss) {
    const std::uint32_t most = most_payload(peer, segment);
    if ((segment.superframe_size != 0 ? segment.superframe_size : segment.payload_size) > most) {
      if (whole()) {
        report_at(report, Rule::segment_size, segment, size, most);
      } else {
        ++report.superframes;
      }
    }
    const bool probe = size == 1 && begin <= me.right_edge;
    if (me.window_known && end > me.right_edge && end > me.sent_end && !probe) {
      report_at(report, Rule::beyond_window, segment, end, me.right_edge);
    }
    const std::int64_t mss = peer.mss.value_or(536);
    const std::int64_t probe_of_the_tail = mss;  // RFC 8985, section 7.3: of what was not sent yet
    const std::int64_t initial = std::max<std::int64_t>(10 * mss, 14'600) + probe_of_the_tail;
    if (!me.answered && end > me.sent_end && end - 1 > initial) {
      report_at(report, Rule::initial_window, segment, end - 1, initial);
    }
  }
  judge_content(me, segment, begin, report);
  if (me.sent_end <= me.acked) me.timer_started = segment.at;
  const bool of_the_first = first <= me.acked && me.acked < std::min(last, me.sent_end);
  if (of_the_first && me.seen.contains(first, std::min(last, me.sent_end))) judge_retransmission(me, segment, report);
  me.seen.add(first, last);
  me.sent_end = std::max(me.sent_end, last);
}

void OracleConnection::judge_content(End& me, const SeenSegment& segment, std::int64_t begin, OracleReport& report) {
  for (std::size_t i = 0; i < segment.payload.size();) {
    const std::int64_t offset = begin + static_cast<std::int64_t>(i) - me.content_begin;
    if (offset < 0) {
      ++i;
      continue;
    }
    const auto at = static_cast<std::size_t>(offset);
    if (at < me.content.size()) {
      const std::size_t n = std::min(segment.payload.size() - i, me.content.size() - at);
      const std::int64_t from = me.content_begin + offset;
      // Where something was lost in front of a tap there is a gap in what was seen.
      if (me.seen.contains(from, from + static_cast<std::int64_t>(n))) {
        if (!me.seen.overflowed() && Bytes(me.content.data() + at, n) != segment.payload.subspan(i, n)) {
          report_at(report, Rule::bytes_changed, segment, from, from);
          return;
        }
      } else {
        copy(segment.payload.subspan(i, n), {me.content.data() + at, n});
      }
      i += n;
      continue;
    }
    const Bytes rest = segment.payload.subspan(i);
    if (at + rest.size() > most_content || !me.content.resize(at) || !me.content.append(rest)) return;
    break;
  }
  const std::int64_t kept_from = std::min(me.acked, me.sent_end) - static_cast<std::int64_t>(content_behind);
  const std::int64_t superfluous = kept_from - me.content_begin;
  if (superfluous > static_cast<std::int64_t>(content_behind) &&
      superfluous <= static_cast<std::int64_t>(me.content.size())) {
    me.content.erase_front(static_cast<std::size_t>(superfluous));
    me.content_begin = kept_from;
  }
}

// Time-outs show themselves while nothing is heard, by what is first not acknowledged: of its retransmissions in
// silence one may be due to what was heard before, or be a probe; the next comes no earlier than a time-out after the
// timer was started (RFC 6298, sections 5.1 and 5.3), and from then on the intervals double. (A SYN may have waited for
// the next hop's address while its timer ran.)
void OracleConnection::judge_retransmission(End& me, const SeenSegment& segment, OracleReport& report) {
  const Instant before = me.last_retransmission.value_or(me.heard);
  const Duration interval = segment.at - before;
  if (me.last_retransmission && interval <= (whole() ? Duration{} : doubled_within)) return;
  // One may have waited for the next hop's address, or been dropped for want of it: the interval is not the time-out's
  // then, and the count begins anew.
  if (segment.last_question >= before) me.silent_retransmissions = 0;
  ++me.silent_retransmissions;
  const bool syn = segment.header.flags.syn;
  const Duration floor = syn ? first_syn_rto : options_->least_rto;
  // Clocks of hosts and taps are not exact.
  const auto nearly = [&](std::int64_t value) { return value - value / (whole() ? 100 : 8); };
  const Duration running = segment.at - me.timer_started;
  if (!syn && me.silent_retransmissions >= 2 && running.microseconds < nearly(floor.microseconds)) {
    report_at(report, Rule::early_retransmission, segment, running.microseconds, floor.microseconds);
  }
  if (me.silent_retransmissions >= 3) {
    // In front of a tap retransmissions may have been lost: two intervals then look like one, but never shrink. (Linux
    // repeats its first SYN segments without backing off.)
    const std::int64_t doubled = whole() ? 2 * me.last_interval.microseconds : me.last_interval.microseconds;
    const std::int64_t least = std::min(me.silent_retransmissions == 3 ? floor.microseconds : doubled, longest_rto);
    if (interval.microseconds < nearly(least)) {
      report_at(report, Rule::back_off, segment, interval.microseconds, least);
    }
  }
  me.last_interval = interval;
  me.last_retransmission = segment.at;
}

void OracleConnection::received(const SeenSegment& segment, OracleReport& report) {
  const std::size_t index = 1 - end_of(segment.source);
  End& me = ends_[index];
  const End& peer = ends_[1 - index];
  const TcpHeader& header = segment.header;
  if (header.flags.ack) me.acks_received[me.ack_count++ % me.acks_received.size()] = header.acknowledgment;
  if (!peer.iss || header.flags.rst || estranged_) return;
  judge_delay(me, segment, report);
  has_heard(me, segment.at);

  // PAWS (RFC 7323, section 5) may have thrown it away.
  const bool old = header.options.timestamps && me.timestamp_received &&
                   seq_before(header.options.timestamps->value, *me.timestamp_received);
  remember_timestamp(me, header);
  if (header.flags.ack && me.iss) {
    const std::int64_t ack = unwrap(me, header.acknowledgment, me.acked);
    if (ack <= me.sent_end) {
      me.answered = me.answered || me.sent_end > 1;
      if (ack > me.acked) me.timer_started = segment.at;
      me.acked = std::max(me.acked, ack);
      me.right_edge = std::max(me.right_edge, ack + window_of(peer, header));
      me.window_known = true;
    }
  }

  const std::int64_t before = me.received.contiguous_from(0);
  const auto size = static_cast<std::int64_t>(segment.payload_size);
  const std::int64_t begin = unwrap(peer, header.sequence, before) + (header.flags.syn ? 1 : 0);
  const std::int64_t end = begin + size;
  me.received.add(header.flags.syn ? begin - 1 : begin, header.flags.fin ? end + 1 : end);
  if (size == 0) return;
  if (old) {
    me.latest_begin = me.latest_end = 0;
    return;
  }
  const std::int64_t after = me.received.contiguous_from(0);
  if (after > before) {
    me.latest_begin = me.latest_end = 0;
  } else if (begin > before) {
    me.latest_begin = begin;
    me.latest_end = end;
  }
  // Whether it takes data is known once its own SYN was acknowledged; what lies beyond its window it need not keep.
  if (me.acked < 1 || me.reset || end > std::max(me.edge_sent, before)) return;
  if (!me.unacknowledged_since) me.unacknowledged_since = segment.at;
  if (after == before) return;
  if (segment.payload_size >= most_payload(me, segment)) {
    if (whole() && options_->full_acks && options_->able_hosts && !me.lawless && me.full_unacknowledged >= 2 &&
        segment.at > me.full_at) {
      report_at(report, Rule::ack_frequency, segment, me.full_unacknowledged + 1, 2);
      me.full_unacknowledged = 0;
    }
    ++me.full_unacknowledged;
    me.full_at = segment.at;
  }
}

void OracleConnection::remember_timestamp(End& me, const TcpHeader& header) {
  if (!header.options.timestamps) return;
  const std::uint32_t value = header.options.timestamps->value;
  if (!me.first_timestamp_received || seq_before(value, *me.first_timestamp_received)) {
    me.first_timestamp_received = value;
  }
  if (!me.timestamp_received || seq_after(value, *me.timestamp_received)) me.timestamp_received = value;
}

void OracleConnection::intruded(const SeenSegment& segment) {
  End& me = ends_[1 - end_of(segment.source)];
  const TcpHeader& header = segment.header;
  remember_timestamp(me, header);  // it may have been taken all the same
  if (header.flags.ack) {
    me.acks_received[me.ack_count++ % me.acks_received.size()] = header.acknowledgment;
  } else {
    const std::uint32_t length = header.sequence_length(segment.payload_size);
    me.intruders[me.intruder_count++ % me.intruders.size()] = header.sequence + length;
    // Of a SYN only that is acknowledged, if it is taken.
    if (header.flags.syn) me.intruders[me.intruder_count++ % me.intruders.size()] = header.sequence + 1;
  }
  has_heard(me, segment.at);
}

void OracleConnection::has_heard(End& me, Instant at) {
  me.heard = at;
  me.silent_retransmissions = 0;
  me.last_retransmission.reset();
  me.last_interval = {};
}

void OracleConnection::finish(Instant now, Instant last_question, OracleReport& report) {
  for (std::size_t i = 0; i < 2 && !estranged_; ++i) {
    SeenSegment nothing;
    nothing.at = now;
    nothing.last_question = last_question;
    nothing.source = ends_[i].endpoint;
    nothing.destination = ends_[1 - i].endpoint;
    if (!ends_[1 - i].reset) judge_delay(ends_[i], nothing, report);
  }
}

}  // namespace limpid::sim
