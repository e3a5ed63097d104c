// Drives a machine by fuzz input and judges the laws: every input is run twice and must do the same; one in sixteen,
// chosen by its hash, goes through every comparison of sim/laws.
#pragma once

#include "fuzz/support/input.hpp"
#include "limpid/sim/laws.hpp"

namespace limpid::fuzz {

inline void require_lawful(const std::expected<sim::Outcome, sim::Violation>& outcome) {
  if (outcome) return;
  const auto law = describe(outcome.error().law);
  std::fprintf(stderr, "fuzz: law broken: %.*s: %.*s (event %zu)\n", static_cast<int>(law.size()), law.data(),
               static_cast<int>(outcome.error().what.size()), outcome.error().what.data(), outcome.error().event);
  std::abort();
}

// Whether an input goes through every comparison, some hundred runs: it had better be short.
inline bool is_thorough(Bytes input) { return hash_of(input) % 16 == 0; }

// Judges a trace that was recorded live, and that the rerun does what the live run did.
template <Machine S>
void check_trace(sim::Recorder<S>& recorder, const typename S::Config& config, Bytes input, sim::LawOptions options,
                 Budget& harness) {
  const auto live = recorder.finish();
  require_lawful(live);
  options.only_again = !is_thorough(input);
  options.refusals = 32;
  options.smallest_cut = std::size_t{1} << hash_of(input) / 16 % 8;  // single bytes take the longest
  const auto again = sim::check_laws<S>(config, recorder.trace(), options, harness);
  require_lawful(again);
  require(again->log.bytes() == live->log.bytes(), "a replayed trace gives the same actions");
}

}  // namespace limpid::fuzz
