// What a worker has counted. Read by other threads at any time.
#pragma once

#include <array>
#include <atomic>

#include "limpid/tls/fault.hpp"

namespace limpid::effects {

using Counter = std::atomic<std::uint64_t>;

inline void count(Counter& counter, std::uint64_t n = 1) { counter.fetch_add(n, std::memory_order_relaxed); }

struct WorkerCounters {
  Counter accepted = 0;
  Counter open = 0;
  Counter idle = 0;                                                                   // of those, between two requests
  Counter handshakes = 0;                                                             // completed
  std::array<Counter, static_cast<std::size_t>(tls::last_fault) + 1> tls_failures{};  // before or after that, by Fault
  Counter requests = 0;
  std::array<Counter, 5> answers{};  // by the first digit of their status, 1 to 5
  Counter body_bytes = 0;
  Counter stalled = 0;  // answers given up since the peer took them too slowly
  Counter reset_by_peer = 0;
  Counter aborted = 0;             // by the machine
  Counter refused_for_memory = 0;  // connections not taken or dropped because the budget was used up
  Counter shed_waiting = 0;        // closed to make room for others: those whose peer kept us waiting,
  Counter shed_idle = 0;           // and those between two requests
  Counter accept_pauses = 0;       // for want of descriptors or kernel memory
  Counter log_lines_lost = 0;      // of the access log, which could not be written as fast
  Counter memory = 0;              // charged to the budget now
};

}  // namespace limpid::effects
