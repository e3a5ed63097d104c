// What a machine was told: times and events in order, encoded. A trace with the configuration is all that a machine's
// behaviour depends on, so stepping it again gives every action again, byte for byte.
#pragma once

#include "limpid/core/machine.hpp"
#include "limpid/core/snapshot.hpp"

namespace limpid::sim {

// Appends one event to an encoded trace. False if the buffer's budget refuses; then nothing was appended.
template <Machine S>
[[nodiscard]] bool append_event(Buffer& trace, Time now, const typename S::Event& event) {
  const std::size_t before = trace.size();
  Writer out(trace);
  out.u64(static_cast<std::uint64_t>(now.monotonic.microseconds));
  out.u64(static_cast<std::uint64_t>(now.wall.seconds));
  out.vector24([&] { encode(out, Instant{}, event); });
  if (out.failed()) trace.truncate(before);
  return !out.failed();
}

struct TracedEvent {
  Time now;
  MutableBytes encoding;  // for read_event; decoding a stream event lends these very bytes to the machine
};

// Walks an encoded trace. The trace may be hostile: what does not parse ends the walk with failed() set.
class TraceReader {
 public:
  explicit TraceReader(MutableBytes trace) : trace_(trace), in_(trace) {}

  std::optional<TracedEvent> next() {
    if (in_.empty()) return std::nullopt;
    TracedEvent traced;
    traced.now.monotonic.microseconds = static_cast<std::int64_t>(in_.u64());
    traced.now.wall.seconds = static_cast<std::int64_t>(in_.u64());
    const std::size_t size = in_.vector24().size();
    if (in_.failed()) return std::nullopt;
    traced.encoding = trace_.subspan(in_.offset() - size, size);
    return traced;
  }
  bool failed() const { return in_.failed(); }

 private:
  MutableBytes trace_;
  Reader in_;
};

// Views in the event point into `encoding`, which a step may alter.
template <Machine S>
std::optional<typename S::Event> read_event(MutableBytes encoding, Budget& budget) {
  Reader in(encoding);
  typename S::Event event{};
  if (!decode(in, {Instant{}, budget}, event) || !in.finished()) return std::nullopt;
  return event;
}

}  // namespace limpid::sim
