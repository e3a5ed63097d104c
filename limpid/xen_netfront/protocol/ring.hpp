// Arithmetic of the indices of shared rings. They are free-running: they wrap at 2^32, and only differences mean
// anything. Both sides' indices lie in shared memory; whoever drives a machine here reads each once and hands on what
// it saw, and the machine judges it.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"

namespace limpid::xen_netfront {

inline constexpr std::uint32_t ring_slots = 256;  // of netif's tx and rx rings: one page each
inline constexpr std::size_t page_size = 4096;

// Where the slot of an index lies in the ring's page: behind 64 bytes of indices (xen/io/ring.h).
constexpr std::size_t slot_offset(std::uint32_t index, std::size_t slot_size) {
  return 64 + index % ring_slots * slot_size;
}

// Whether a producer that went from `before` to `after` must notify the other side, which asked for that when index
// `event` is produced (RING_PUSH_REQUESTS_AND_CHECK_NOTIFY). `event` must be read after the new index was made visible.
constexpr bool must_notify(std::uint32_t before, std::uint32_t after, std::uint32_t event) {
  return after - event < after - before;
}

// Rings of bytes: xenstore's and the console's. Their sizes are powers of two.

// How many bytes a consumer finds. Nothing if that is impossible: the indices are the other side's too.
constexpr std::size_t bytes_in_ring(std::uint32_t consumer, std::uint32_t producer, std::size_t size) {
  const std::uint32_t held = producer - consumer;
  return held <= size ? held : 0;
}

// How many bytes a producer may add. None if the indices are impossible.
constexpr std::size_t room_in_ring(std::uint32_t consumer, std::uint32_t producer, std::size_t size) {
  const std::uint32_t held = producer - consumer;
  return held <= size ? size - held : 0;
}

// Where `count` bytes from an index on lie: `first` bytes at `offset`, the rest at the ring's beginning.
struct RingSpan {
  std::size_t offset = 0, first = 0, rest = 0;
  friend bool operator==(const RingSpan&, const RingSpan&) = default;
};
constexpr RingSpan span_in_ring(std::uint32_t index, std::size_t count, std::size_t size) {
  const std::size_t offset = index % size;
  const std::size_t first = std::min(count, size - offset);
  return {offset, first, count - first};
}

// xs_wire.h and io/console.h: sizes, and where the parts lie in their page.
inline constexpr std::size_t xenstore_ring_size = 1024;  // requests at 0, responses behind them
inline constexpr std::size_t console_input_size = 1024, console_output_size = 2048;

}  // namespace limpid::xen_netfront
