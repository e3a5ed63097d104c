// At most one deadline per index, the earliest first: a binary heap that knows where each index stands. It is never
// saved: it is built again from what it was to remind of.
//
// A deadline is re-armed lazily. Most of them move away again and again before they are due (each ACK puts off the
// retransmission), so only an earlier one moves its entry; an entry that comes up too early is re-armed then. Which
// entries are early is an accident of history, so who looks at them must order by the true deadlines: see expired().
#pragma once

#include "limpid/core/time.hpp"
#include "limpid/tcpip/host/slab.hpp"

namespace limpid::tcpip::host {

class TimerHeap {
 public:
  TimerHeap() = default;
  explicit TimerHeap(Budget& budget) : entries_(budget), places_(budget) {}

  // Makes sure that indices below `size` can be armed. False if the budget refuses.
  [[nodiscard]] bool reserve(std::size_t size) {
    if (size <= places_.size()) return true;
    const std::size_t grown = std::max<std::size_t>({8, size, places_.size() * 2});
    if (!entries_.reserve(grown) || !places_.reserve(grown)) return false;
    while (places_.size() < grown) {
      if (!places_.push_back(no_index)) return false;
    }
    return true;
  }

  // Reminds of `index` no later than `at`. It must have been reserved.
  void arm(std::uint32_t index, Instant at) {
    const std::uint32_t place = places_[index];
    if (place == no_index) {
      if (!entries_.push_back({at, index})) return;  // cannot fail: reserved
      places_[index] = static_cast<std::uint32_t>(entries_.size() - 1);
      rise(places_[index]);
    } else if (at < entries_[place].at) {
      entries_[place].at = at;
      rise(place);
    }
  }

  void disarm(std::uint32_t index) {
    const std::uint32_t place = places_[index];
    if (place == no_index) return;
    places_[index] = no_index;
    const Entry last = entries_.back();
    entries_.truncate(entries_.size() - 1);
    if (last.index == index) return;
    put(place, last);
    rise(place);
    sink(places_[last.index]);
  }

  // The earliest reminder.
  std::optional<Instant> next() const {
    if (entries_.empty()) return {};
    return entries_[0].at;
  }

  // Takes out an index whose true deadline, `deadline_of(index)`, has come, in the order of true deadlines and then of
  // indices; no_index if there is none. Looks at `looks` entries at most, and counts them down.
  template <class DeadlineOf>
  std::uint32_t expired(Instant now, std::size_t& looks, DeadlineOf&& deadline_of) {
    while (!entries_.empty() && entries_[0].at <= now && looks > 0) {
      --looks;
      const Entry first = entries_[0];
      const std::optional<Instant> deadline = deadline_of(first.index);
      if (deadline && *deadline <= first.at) {
        disarm(first.index);
        return first.index;
      }
      disarm(first.index);
      if (deadline) arm(first.index, *deadline);
    }
    return no_index;
  }

 private:
  struct Entry {
    Instant at;
    std::uint32_t index = 0;
    friend constexpr auto operator<=>(const Entry&, const Entry&) = default;
  };

  void put(std::uint32_t place, const Entry& entry) {
    entries_[place] = entry;
    places_[entry.index] = place;
  }
  void rise(std::uint32_t place) {
    const Entry entry = entries_[place];
    while (place > 0 && entry < entries_[(place - 1) / 2]) {
      put(place, entries_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    put(place, entry);
  }
  void sink(std::uint32_t place) {
    const Entry entry = entries_[place];
    for (std::size_t child = 2 * std::size_t{place} + 1; child < entries_.size(); child = 2 * std::size_t{place} + 1) {
      if (child + 1 < entries_.size() && entries_[child + 1] < entries_[child]) ++child;
      if (!(entries_[child] < entry)) break;
      put(place, entries_[child]);
      place = static_cast<std::uint32_t>(child);
    }
    put(place, entry);
  }

  Vec<Entry> entries_;
  Vec<std::uint32_t> places_;  // by index; no_index: not armed
};

}  // namespace limpid::tcpip::host
