// When to wake whom: a binary heap of timers that know their place in it, so that one can be taken out when its owner
// goes. Setting a later deadline, which is what nearly every packet does, does not touch the heap.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "limpid/core/time.hpp"

namespace limpid::effects {

// Lives with its owner, at an address that does not change while it is set.
struct Timer {
  static constexpr std::size_t nowhere = SIZE_MAX;
  std::uint64_t name = 0;           // of the owner
  std::optional<Instant> deadline;  // when it should fire, if it should
  Instant queued;                   // where it stands in the heap: not after the deadline
  std::size_t place = nowhere;      // in the heap
};

class Timers {
 public:
  // Sets or clears the deadline. O(log n), mostly O(1).
  void set(Timer& timer, std::optional<Instant> deadline) {
    timer.deadline = deadline;
    if (!deadline || (timer.place != Timer::nowhere && timer.queued <= *deadline)) return;
    if (timer.place == Timer::nowhere) {
      timer.place = heap_.size();
      heap_.push_back(&timer);
    }
    timer.queued = *deadline;
    rise(timer.place);
  }

  // Forgets it, since its owner goes.
  void remove(Timer& timer) {
    timer.deadline.reset();
    if (timer.place == Timer::nowhere) return;
    const std::size_t hole = std::exchange(timer.place, Timer::nowhere);
    Timer* last = heap_.back();
    heap_.pop_back();
    if (last == &timer) return;
    put(hole, last);
    rise(hole);
    sink(last->place);
  }

  // When to call expired() next.
  std::optional<Instant> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front()->queued;
  }

  // The name of one whose deadline has come, which is then unset; none when there is no more.
  std::optional<std::uint64_t> expired(Instant now) {
    while (!heap_.empty() && heap_.front()->queued <= now) {
      Timer& timer = *heap_.front();
      if (timer.deadline && *timer.deadline > now) {
        timer.queued = *timer.deadline;
        sink(0);
        continue;
      }
      const bool fires = timer.deadline.has_value();
      remove(timer);
      if (fires) return timer.name;
    }
    return std::nullopt;
  }

 private:
  void put(std::size_t at, Timer* timer) {
    heap_[at] = timer;
    timer->place = at;
  }

  void rise(std::size_t at) {
    for (; at > 0 && heap_[at]->queued < heap_[(at - 1) / 2]->queued; at = (at - 1) / 2) exchange(at, (at - 1) / 2);
  }

  void sink(std::size_t at) {
    for (;;) {
      std::size_t least = at;
      for (const std::size_t child : {2 * at + 1, 2 * at + 2}) {
        if (child < heap_.size() && heap_[child]->queued < heap_[least]->queued) least = child;
      }
      if (least == at) return;
      exchange(at, least);
      at = least;
    }
  }

  void exchange(std::size_t a, std::size_t b) {
    Timer* at_a = heap_[a];
    put(a, heap_[b]);
    put(b, at_a);
  }

  std::vector<Timer*> heap_;
};

}  // namespace limpid::effects
