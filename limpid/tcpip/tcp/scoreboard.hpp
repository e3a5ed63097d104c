// What was sent and is not acknowledged: when, how often, and what became of it. One record for each burst, split where
// a SACK or a retransmission tells its segments apart, so that bulk costs one record for 64 KiB.
#pragma once

#include "limpid/core/deque.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/tcpip/tcp/rtt.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::tcp {

enum class Fate : std::uint8_t { in_flight, sacked, lost };
constexpr bool is_valid(Fate fate) { return fate <= Fate::lost; }

// Segments that were sent at the same time and fared alike.
struct Burst {
  wire::SeqNumber end = 0;
  std::uint16_t segment_size = 1;  // of each but the last
  Fate fate = Fate::in_flight;
  bool retransmitted = false;
  Instant sent_at{};
  static void fields(auto& self, auto&& visit) {
    visit(self.end, self.segment_size, self.fate, self.retransmitted, self.sent_at);
  }
};

// A part of a burst that was delivered just now.
struct DeliveredPart {
  wire::SeqNumber begin = 0;
  wire::SeqNumber end = 0;
  Instant sent_at{};
  bool retransmitted = false;
};

class Scoreboard {
 public:
  // A peer can split a record with each of its SACKs; beyond so many he is not listened to.
  static constexpr std::size_t most_split = 4096;

  Scoreboard() = default;
  Scoreboard(wire::SeqNumber first, Budget& budget) : begin_(first), bursts_(budget) {}

  wire::SeqNumber begin() const { return begin_; }                                       // SND.UNA
  wire::SeqNumber end() const { return bursts_.empty() ? begin_ : bursts_.back().end; }  // SND.NXT
  bool empty() const { return bursts_.empty(); }
  std::uint32_t outstanding() const { return end() - begin_; }
  std::uint32_t sacked() const { return sacked_; }  // bytes
  std::uint32_t lost() const { return lost_; }      // bytes, not retransmitted since
  std::uint32_t in_flight() const { return outstanding() - sacked_ - lost_; }
  std::uint32_t retransmitted() const { return retransmitted_; }  // bytes in flight for another time

  std::size_t size() const { return bursts_.size(); }
  const Burst& operator[](std::size_t i) const { return bursts_[i]; }
  wire::SeqNumber begin_of(std::size_t i) const { return i == 0 ? begin_ : bursts_[i - 1].end; }

  // New sequence space up to `new_end` was sent. False, and nothing changed, if memory is refused.
  [[nodiscard]] bool sent(wire::SeqNumber new_end, std::uint16_t segment_size, Instant now);
  // What lies before `una` was delivered. Calls see(DeliveredPart) for what was not SACKed before.
  template <class See>
  void acknowledge(wire::SeqNumber una, See&& see);
  // Whole segments within [left, right) were delivered. Calls see(DeliveredPart) for those that are new.
  template <class See>
  void sack(wire::SeqNumber left, wire::SeqNumber right, See&& see);

  void mark_lost(std::size_t i);
  // The first segment, if it is in flight. For peers without SACK.
  void mark_first_segment_lost();
  void mark_all_lost();
  // The receiver went back on what it SACKed (RFC 2018, section 8).
  void forget_sacks();
  // For a smaller path: whatever is larger than a segment may now be.
  void mark_larger_lost(std::uint16_t segment_size);

  // The first lost burst; size() if there is none.
  std::size_t first_lost() const;
  // The first n bytes of burst i, which is lost, were sent again. False, and nothing changed, if memory is refused.
  [[nodiscard]] bool retransmit(std::size_t i, std::uint32_t n, std::uint16_t segment_size, Instant now);
  // Makes what lies from `from` on a burst of its own and says which; size() if memory is refused.
  std::size_t split(wire::SeqNumber from);

  static void fields(auto& self, auto&& visit) { visit(self.begin_, self.bursts_); }
  bool restored(const LoadContext& context);

 private:
  std::uint32_t size_of(std::size_t i) const { return bursts_[i].end - begin_of(i); }
  // The burst that holds `at`; size() if none does.
  std::size_t find(wire::SeqNumber at) const;
  [[nodiscard]] bool split_at(std::size_t i, wire::SeqNumber at);
  void count(std::size_t i, int sign);
  void set(std::size_t i, Fate fate);
  // With the one before, if nothing tells them apart any longer.
  bool join(std::size_t i);

  wire::SeqNumber begin_ = 0;
  Deque<Burst> bursts_;
  // Counted anew when loaded.
  std::uint32_t sacked_ = 0;
  std::uint32_t lost_ = 0;
  std::uint32_t retransmitted_ = 0;
};

template <class See>
void Scoreboard::acknowledge(wire::SeqNumber una, See&& see) {
  while (!bursts_.empty() && wire::seq_before(begin_, una)) {
    const Burst burst = bursts_.front();
    const wire::SeqNumber stop = wire::seq_min(burst.end, una);
    if (burst.fate != Fate::sacked) see(DeliveredPart{begin_, stop, burst.sent_at, burst.retransmitted});
    count(0, -1);
    begin_ = stop;
    if (stop == burst.end) {
      bursts_.pop_front();
    } else {
      count(0, 1);
    }
  }
  if (bursts_.empty()) bursts_.release();
}

template <class See>
void Scoreboard::sack(wire::SeqNumber left, wire::SeqNumber right, See&& see) {
  for (std::size_t i = find(left); i < bursts_.size() && wire::seq_before(begin_of(i), right); ++i) {
    if (bursts_[i].fate == Fate::sacked) continue;
    // Whole segments only: a peer that splits them byte by byte (CVE-2019-11478) makes no more records than segments.
    const wire::SeqNumber begin = begin_of(i);
    const wire::SeqNumber end = bursts_[i].end;
    const std::uint32_t segment = bursts_[i].segment_size;
    const wire::SeqNumber from =
        wire::seq_before(begin, left) ? begin + (left - begin + segment - 1) / segment * segment : begin;
    const wire::SeqNumber to = wire::seq_before(right, end) ? begin + (right - begin) / segment * segment : end;
    if (!wire::seq_before(from, to)) continue;
    if (from != begin) {
      if (bursts_.size() >= most_split || !split_at(i, from)) return;
      ++i;
    }
    if (to != end && (bursts_.size() >= most_split || !split_at(i, to))) return;
    see(DeliveredPart{from, to, bursts_[i].sent_at, bursts_[i].retransmitted});
    set(i, Fate::sacked);
    if (i + 1 < bursts_.size()) (void)join(i + 1);
    if (join(i)) --i;
  }
}

}  // namespace limpid::tcpip::tcp
