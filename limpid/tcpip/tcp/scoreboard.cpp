#include "limpid/tcpip/tcp/scoreboard.hpp"

namespace limpid::tcpip::tcp {

using wire::SeqNumber;

void Scoreboard::count(std::size_t i, int sign) {
  const std::uint32_t n = sign > 0 ? size_of(i) : 0 - size_of(i);
  if (bursts_[i].fate == Fate::sacked) sacked_ += n;
  if (bursts_[i].fate == Fate::lost) lost_ += n;
  if (bursts_[i].fate == Fate::in_flight && bursts_[i].retransmitted) retransmitted_ += n;
}

void Scoreboard::set(std::size_t i, Fate fate) {
  count(i, -1);
  bursts_[i].fate = fate;
  count(i, 1);
}

bool Scoreboard::sent(SeqNumber new_end, std::uint16_t segment_size, Instant now) {
  if (!bursts_.empty()) {
    Burst& last = bursts_.back();
    // Only whole segments lie before its end, or where they begin would be forgotten.
    if (last.sent_at == now && last.fate == Fate::in_flight && !last.retransmitted &&
        last.segment_size == segment_size && size_of(bursts_.size() - 1) % segment_size == 0) {
      last.end = new_end;
      return true;
    }
  }
  return bursts_.push_back({new_end, segment_size, Fate::in_flight, false, now});
}

std::size_t Scoreboard::find(SeqNumber at) const {
  if (at - begin_ >= outstanding()) return bursts_.size();
  const auto* const behind = std::partition_point(
      bursts_.begin(), bursts_.end(), [&](const Burst& burst) { return burst.end - begin_ <= at - begin_; });
  return static_cast<std::size_t>(behind - bursts_.begin());
}

bool Scoreboard::split_at(std::size_t i, SeqNumber at) {
  Burst first = bursts_[i];
  first.end = at;
  return bursts_.insert(i, first);
}

std::size_t Scoreboard::split(SeqNumber from) {
  const std::size_t i = find(from);
  if (i == bursts_.size() || begin_of(i) == from) return i;
  return split_at(i, from) ? i + 1 : bursts_.size();
}

bool Scoreboard::join(std::size_t i) {
  if (i == 0) return false;
  Burst& first = bursts_[i - 1];
  const Burst& second = bursts_[i];
  if (first.fate != second.fate) return false;
  // When it was sent means nothing any more of what was SACKed.
  const bool alike = first.fate == Fate::sacked ||
                     (first.sent_at == second.sent_at && first.retransmitted == second.retransmitted &&
                      first.segment_size == second.segment_size && size_of(i - 1) % first.segment_size == 0);
  if (!alike) return false;
  first.end = second.end;
  bursts_.erase(i, 1);
  return true;
}

void Scoreboard::mark_lost(std::size_t i) {
  if (bursts_[i].fate == Fate::in_flight) set(i, Fate::lost);
}

void Scoreboard::mark_first_segment_lost() {
  if (bursts_.empty() || bursts_.front().fate != Fate::in_flight) return;
  const std::uint32_t segment = bursts_.front().segment_size;
  // Without memory the whole of it counts as lost.
  if (size_of(0) > segment) (void)split_at(0, begin_ + segment);
  mark_lost(0);
}

void Scoreboard::mark_all_lost() {
  for (std::size_t i = 0; i < bursts_.size(); ++i) mark_lost(i);
}

void Scoreboard::forget_sacks() {
  for (std::size_t i = 0; i < bursts_.size(); ++i) {
    if (bursts_[i].fate == Fate::sacked) set(i, Fate::lost);
  }
}

void Scoreboard::mark_larger_lost(std::uint16_t segment_size) {
  for (std::size_t i = 0; i < bursts_.size(); ++i) {
    if (std::min<std::uint32_t>(bursts_[i].segment_size, size_of(i)) > segment_size) mark_lost(i);
  }
}

std::size_t Scoreboard::first_lost() const {
  if (lost_ == 0) return bursts_.size();
  const auto* const found =
      std::find_if(bursts_.begin(), bursts_.end(), [](const Burst& burst) { return burst.fate == Fate::lost; });
  return static_cast<std::size_t>(found - bursts_.begin());
}

bool Scoreboard::retransmit(std::size_t i, std::uint32_t n, std::uint16_t segment_size, Instant now) {
  if (n < size_of(i) && !split_at(i, begin_of(i) + n)) return false;
  count(i, -1);
  bursts_[i].fate = Fate::in_flight;
  bursts_[i].retransmitted = true;
  bursts_[i].sent_at = now;
  bursts_[i].segment_size = segment_size;
  count(i, 1);
  (void)join(i);
  return true;
}

bool Scoreboard::restored(const LoadContext& context) {
  sacked_ = lost_ = retransmitted_ = 0;
  SeqNumber at = begin_;
  for (std::size_t i = 0; i < bursts_.size(); ++i) {
    const Burst& burst = bursts_[i];
    if (burst.segment_size == 0 || !is_near(burst.sent_at, context.now) || !wire::seq_before(at, burst.end) ||
        burst.end - begin_ > INT32_MAX / 2)
      return false;
    at = burst.end;
    count(i, 1);
  }
  return true;
}

}  // namespace limpid::tcpip::tcp
