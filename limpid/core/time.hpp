// Time as an argument. Pure code never reads a clock: whoever steps a machine says what time it is.
#pragma once

#include <compare>
#include <cstdint>

namespace limpid {

struct Duration {
  std::int64_t microseconds = 0;
  friend constexpr auto operator<=>(const Duration&, const Duration&) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.microseconds + b.microseconds}; }
};
constexpr Duration microseconds(std::int64_t n) { return {n}; }
constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000}; }

// A point on the machine's own monotonic clock, counted from the machine's epoch. Deadlines are instants. A snapshot
// stores one as what remains of it, so it survives a move to a host with another epoch.
struct Instant {
  std::int64_t microseconds = 0;
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  // At the end of time it stays there: an instant may come from a damaged snapshot or a hostile trace.
  friend constexpr Instant operator+(Instant t, Duration d) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(t.microseconds, d.microseconds, &sum)) return {sum};
    return {d.microseconds > 0 ? INT64_MAX : INT64_MIN};
  }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.microseconds - b.microseconds}; }
};

// Seconds since 1970-01-01T00:00:00Z, without leap seconds. For certificates and HTTP's Date, never for deadlines.
struct UnixTime {
  std::int64_t seconds = 0;
  friend constexpr auto operator<=>(const UnixTime&, const UnixTime&) = default;
};

struct Time {
  Instant monotonic;
  UnixTime wall;
  friend constexpr bool operator==(const Time&, const Time&) = default;
};

}  // namespace limpid
