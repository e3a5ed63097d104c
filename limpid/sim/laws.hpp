// The six laws (ARCHITECTURE.md), judged for any Machine over a trace of what it was told.
//
// `run` steps a trace once, in the way that a Plan says, and judges every step by itself: nothing consumed that was not
// offered, what was not consumed unaltered, output inside the room, a later deadline, `more` that ends, memory within
// the machine's footprint and given back. `check_laws` compares runs that must agree: the same again, the stream cut
// elsewhere, saved and loaded after every step, woken early, other CPU features, less room, refused allocations.
#pragma once

#include "limpid/core/stream.hpp"
#include "limpid/sim/action_log.hpp"
#include "limpid/sim/trace.hpp"

namespace limpid::sim {

enum class Law : std::uint8_t { deterministic, total, segmentation_invariant, serializable, bounded, never_spinning };

constexpr std::string_view describe(Law law) {
  switch (law) {
    case Law::deterministic:
      return "deterministic";
    case Law::total:
      return "total";
    case Law::segmentation_invariant:
      return "segmentation-invariant";
    case Law::serializable:
      return "serializable";
    case Law::bounded:
      return "bounded";
    case Law::never_spinning:
      return "never spinning";
  }
  return "";
}

struct Violation {
  Law law;
  std::string_view what;
  std::size_t event = 0;  // index in the trace
};

// How one run differs from the plainest.
struct Plan {
  std::size_t cut = 0;         // offer stream bytes in pieces of at most so many; 0: as the trace has them
  std::uint64_t cut_seed = 0;  // if not 0, pieces of 1 to `cut` bytes drawn from this seed
  std::size_t room_bytes = 1 << 18;
  std::size_t room_actions = 64;
  bool reload = false;       // after every step, save, load and go on with the loaded state
  bool early_ticks = false;  // after every step, wake once more at the same time: it must change nothing
  std::uint64_t refuse = 0;  // refuse the n-th allocation
  CpuFeatures cpu{};
};

// What a run showed.
struct Outcome {
  ActionLog log;
  Buffer saved;                   // the state after the last event
  std::uint64_t allocations = 0;  // attempts while stepping
  std::size_t peak = 0;           // most bytes owned at once
};

// A machine may state what it owns at most, in bytes: `static constexpr std::size_t max_footprint`.
template <class S>
concept HasFootprint = requires {
  { S::max_footprint } -> std::convertible_to<std::size_t>;
};

// A machine that is told a stream, which can be cut anywhere. Frames and commands come whole.
template <class S>
concept TakesStream = std::constructible_from<typename S::Event, stream::Received>;

namespace laws {

// xorshift64*: only for choosing where to cut.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::size_t up_to(std::size_t n) {  // 1 to n
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return 1 + static_cast<std::size_t>((state_ * 0x2545F4914F6CDD1Du) >> 33) % n;
  }

 private:
  std::uint64_t state_;
};

template <class Event>
MutableBytes* stream_bytes(Event& event) {
  return std::visit(
      []<class Held>(Held& held) -> MutableBytes* {
        if constexpr (std::same_as<Held, stream::Received>) return &held.bytes;
        return nullptr;
      },
      event);
}

// Bytes that a machine takes as far as it can without altering them: what an application writes.
template <class Event>
Bytes* written_bytes(Event& event) {
  return std::visit(
      []<class Held>(Held& held) -> Bytes* {
        if constexpr (StreamAction<Held> && !std::same_as<Held, stream::Received>) return &held.bytes;
        return nullptr;
      },
      event);
}

// How much of an event there is to consume.
template <class Event>
std::size_t size_of(Event& event) {
  if (const MutableBytes* bytes = stream_bytes(event)) return bytes->size();
  if (const Bytes* bytes = written_bytes(event)) return bytes->size();
  return 1;
}

template <Machine S>
class Run {
 public:
  using Event = typename S::Event;
  using Action = typename S::Action;

  Run(const typename S::Config& config, const Plan& plan, S state, Budget& state_budget, Budget& harness)
      : config_(config),
        plan_(plan),
        budget_(state_budget),
        harness_(harness),
        dice_(plan.cut_seed),
        state_(std::move(state)),
        room_(harness),
        slots_(harness),
        pending_(harness),
        outcome_{ActionLog(harness), Buffer(harness)},
        allocations_before_(state_budget.allocations()) {
    budget_.refuse_attempt(plan.refuse);
  }

  // The next event, as a driver would hand it on. After a violation nothing more happens.
  bool tell(Time now, Event& event) {
    if (violation_) return false;
    if (room_.empty() && !lend_room()) return fail(Law::bounded, "the harness is out of memory");
    now_ = now;
    const bool lawful = offer(event);
    ++index_;
    return lawful;
  }

  const S& state() const { return state_; }
  const ActionLog& log() const { return outcome_.log; }

  // Judges the end: what the run showed, or the first violation. Nothing may be told afterwards.
  std::expected<Outcome, Violation> finish() {
    if (violation_) return std::unexpected(*violation_);
    budget_.refuse_attempt(0);
    outcome_.allocations = budget_.allocations() - allocations_before_;
    outcome_.peak = budget_.peak();
    auto saved = save(state_, now_.monotonic, harness_);
    if (!saved) return violated(Law::serializable, "the last state does not save");
    outcome_.saved = std::move(*saved);
    {
      [[maybe_unused]] const S dead = std::move(state_);
    }
    if (budget_.used() != 0) return violated(Law::bounded, "the state left memory behind");
    return std::move(outcome_);
  }

  std::expected<Outcome, Violation> all(MutableBytes trace) {
    TraceReader reader(trace);
    while (const auto traced = reader.next()) {
      Buffer encoding(harness_);  // decrypting in place must not alter the trace
      if (!encoding.append(traced->encoding)) return violated(Law::bounded, "the harness is out of memory");
      auto event = read_event<S>({encoding.data(), encoding.size()}, harness_);
      if (!event) return violated(Law::total, "the trace does not parse");
      if (!tell(traced->now, *event)) break;
    }
    return finish();
  }

 private:
  std::unexpected<Violation> violated(Law law, std::string_view what) {
    violation_ = Violation{law, what, index_};
    return std::unexpected(*violation_);
  }
  bool lend_room() {
    return room_.resize(plan_.room_bytes) && slots_.resize(std::max(plan_.room_actions, S::least_room.actions));
  }
  bool fail(Law law, std::string_view what) {
    violation_ = Violation{law, what, index_};
    return false;
  }

  // Hands one event of the trace to the machine, as a driver would.
  bool offer(Event& event) {
    if (const MutableBytes* bytes = stream_bytes(event)) {
      MutableBytes rest = *bytes;
      do {
        const std::size_t most = plan_.cut == 0 ? rest.size() : std::min(plan_.cut, rest.size());
        const std::size_t piece = plan_.cut_seed != 0 && most > 0 ? dice_.up_to(most) : most;
        if (!pending_.append(rest.first(piece))) return fail(Law::bounded, "the harness is out of memory");
        rest = rest.subspan(piece);
        if (!offer_pending()) return false;
      } while (!rest.empty());
      return true;
    }
    // An event that the machine does not take now (it waits for a reply, say) is lost on it: drivers decide whether to
    // offer it again, and the trace shows what they decided.
    if (!step_until_quiet(event)) return false;
    return pending_.empty() || offer_pending();
  }

  bool offer_pending() {
    if constexpr (TakesStream<S>) {
      Event event{stream::Received{{pending_.data(), pending_.size()}}};
      return step_until_quiet(event);
    }
    return true;
  }

  // Steps until the event is consumed and the machine asks for nothing at once, or waits for something else.
  bool step_until_quiet(Event& event) {
    for (std::size_t steps = 0;; ++steps) {
      // Generous: every step that says `more` must produce an action or consume a byte.
      if (steps > 1024 + 64 * (pending_.size() + room_.size())) return fail(Law::never_spinning, "`more` does not end");
      const std::size_t offered = size_of(event);
      const auto progress = step_once(event);
      if (!progress) return false;
      const bool all = progress->consumed == offered;
      if (stream_bytes(event) != nullptr) {
        pending_.erase_front(progress->consumed);
        if constexpr (TakesStream<S>) event = stream::Received{{pending_.data(), pending_.size()}};
      } else if (Bytes* written = written_bytes(event); written != nullptr && !all) {
        *written = written->subspan(progress->consumed);
      } else if (all) {
        event = Tick{};
      }
      if (progress->more) continue;
      if (progress->wants == Wants::nothing) pending_.clear();
      if (progress->wants == Wants::room) {
        if (progress->actions.empty() && progress->consumed == 0 && room_.size() >= S::least_room.bytes &&
            slots_.size() >= S::least_room.actions) {
          return fail(Law::never_spinning, "no progress although the least room was lent");
        }
        continue;
      }
      return true;
    }
  }

  std::optional<Progress<Action>> step_once(Event& event) {
    MutableBytes* bytes = stream_bytes(event);
    Buffer before(harness_);
    if (bytes != nullptr && !before.append(*bytes)) {
      fail(Law::bounded, "the harness is out of memory");
      return std::nullopt;
    }
    const Room<Action> room{{room_.data(), room_.size()}, {slots_.data(), slots_.size()}, budget_, plan_.cpu};
    auto progress = S::advance(config_, state_, now_, event, room);

    if (progress.consumed > size_of(event))
      fail(Law::total, "consumed more than was offered");
    else if (bytes != nullptr &&
             Bytes(*bytes).subspan(progress.consumed) != Bytes(before.data(), before.size()).subspan(progress.consumed))
      fail(Law::total, "altered input that it did not consume");
    if (progress.actions.size() > slots_.size()) fail(Law::bounded, "more actions than slots");
    if (progress.deadline && *progress.deadline <= now_.monotonic)
      fail(Law::never_spinning, "the deadline is not later than now");
    if (progress.wants == Wants::nothing && progress.more) fail(Law::never_spinning, "ended, yet `more`");
    if constexpr (HasFootprint<S>) {
      if (budget_.used() > S::max_footprint) fail(Law::bounded, "owns more than its footprint");
    }
    for (const Action& action : progress.actions) {
      if (!outcome_.log.append(action)) fail(Law::bounded, "the harness is out of memory");
    }
    if (!violation_ && plan_.reload) reload();
    if (!violation_ && plan_.early_ticks && !progress.more && progress.wants == Wants::event) wake_early();
    if (violation_) return std::nullopt;
    return progress;
  }

  void reload() {
    auto saved = save(state_, now_.monotonic, harness_);
    if (!saved) return void(fail(Law::serializable, "a reachable state does not save"));
    auto loaded = load<S>({saved->data(), saved->size()}, {now_.monotonic, budget_, plan_.cpu});
    if (!loaded) return void(fail(Law::serializable, "a saved state does not load"));
    auto again = save(*loaded, now_.monotonic, harness_);
    if (!again || Bytes(again->data(), again->size()) != Bytes(saved->data(), saved->size())) {
      return void(fail(Law::serializable, "a loaded state saves to other bytes"));
    }
    if (loaded->pending().has_value() != state_.pending().has_value()) {
      return void(fail(Law::serializable, "an open query was lost"));
    }
    state_ = std::move(*loaded);
  }

  void wake_early() {
    const auto before = save(state_, now_.monotonic, harness_);
    const Event tick{Tick{}};
    const Room<Action> room{{room_.data(), room_.size()}, {slots_.data(), slots_.size()}, budget_, plan_.cpu};
    const auto progress = S::advance(config_, state_, now_, tick, room);
    const auto after = save(state_, now_.monotonic, harness_);
    if (!progress.actions.empty() || progress.more) return void(fail(Law::never_spinning, "an early wake-up acted"));
    if (!before || !after || Bytes(before->data(), before->size()) != Bytes(after->data(), after->size())) {
      fail(Law::never_spinning, "an early wake-up changed the state");
    }
  }

  const typename S::Config& config_;
  const Plan plan_;
  Budget& budget_;
  Budget& harness_;
  Dice dice_;
  S state_;
  Buffer room_;
  Vec<Action> slots_;
  Buffer pending_;  // stream bytes offered and not yet consumed
  Outcome outcome_;
  std::uint64_t allocations_before_;
  Time now_;
  std::size_t index_ = 0;
  std::optional<Violation> violation_;
};

}  // namespace laws

// Runs a trace from a newborn state. `budget` is what the state charges; it must be unused. `harness` pays for the
// rest.
template <Machine S>
std::expected<Outcome, Violation> run(const typename S::Config& config, MutableBytes trace, const Plan& plan,
                                      Budget& budget, Budget& harness) {
  return laws::Run<S>(config, plan, S{}, budget, harness).all(trace);
}

// Pieces of a stream, in bytes.
inline constexpr std::size_t largest_cut = 1 << 14;
// Every machine's first action is the one that carries what it sends.
inline constexpr std::size_t sent_kind = 0;

struct LawOptions {
  CpuFeatures cpu{};             // compared with the portable path
  std::size_t budget = 1 << 20;  // what the state may own
  std::size_t smallest_cut = 1;  // pieces of a stream, in bytes
  std::uint64_t seed = 1;
  bool small_rooms_frame_alike = false;  // sent bytes do not depend on the room (true of HTTP, not of TLS records)
  bool less_room = true;                 // false: the trace has answers to questions that depend on the room lent
  std::uint64_t refusals = UINT64_MAX;   // how many of the allocations to refuse in turn
  bool only_again = false;               // compare with nothing but the same again
};

// Runs a trace live while writing it down: for scenarios and fuzzers that decide by what the machine asked. The Plan is
// the plainest.
template <Machine S>
class Recorder {
 public:
  Recorder(const typename S::Config& config, Budget& budget, Budget& harness)
      : run_(config, {}, S{}, budget, harness), trace_(harness) {}

  // False once a law was violated or the harness is out of memory. Encodes before it steps: stepping may decrypt.
  bool tell(Time now, typename S::Event event) { return append_event<S>(trace_, now, event) && run_.tell(now, event); }
  const S& state() const { return run_.state(); }
  const ActionLog& log() const { return run_.log(); }  // what the machine did so far
  std::expected<Outcome, Violation> finish() { return run_.finish(); }
  MutableBytes trace() { return {trace_.data(), trace_.size()}; }

 private:
  laws::Run<S> run_;
  Buffer trace_;
};

// Every comparison over one trace: the plainest run's outcome, or the first violation. `harness` pays for everything
// but the state, some hundred times the trace; it must outlive the outcome.
template <Machine S>
std::expected<Outcome, Violation> check_laws(const typename S::Config& config, MutableBytes trace,
                                             const LawOptions& options, Budget& harness) {
  const auto run_as = [&](const Plan& plan) {
    Budget budget(options.budget);
    return run<S>(config, trace, plan, budget, harness);
  };
  auto plain = run_as({});
  if (!plain) return plain;

  const auto agree = [&](const std::expected<Outcome, Violation>& other, Law law,
                         std::string_view what) -> std::optional<Violation> {
    if (!other) return other.error();
    if (other->log.bytes() != plain->log.bytes()) return Violation{law, what, SIZE_MAX};
    if (Bytes(other->saved.data(), other->saved.size()) != Bytes(plain->saved.data(), plain->saved.size())) {
      return Violation{law, "the actions agree but the states do not", SIZE_MAX};
    }
    return std::nullopt;
  };

  if (auto v = agree(run_as({}), Law::deterministic, "the same again differs")) return std::unexpected(*v);
  if (options.only_again) return plain;
  if (auto v = agree(run_as({.cpu = options.cpu}), Law::deterministic, "another CPU path differs"))
    return std::unexpected(*v);
  if (auto v = agree(run_as({.reload = true}), Law::serializable, "a reloaded run differs")) return std::unexpected(*v);
  if (auto v = agree(run_as({.early_ticks = true}), Law::never_spinning, "early wake-ups differ"))
    return std::unexpected(*v);
  for (std::size_t cut = options.smallest_cut; TakesStream<S> && cut <= largest_cut; cut = cut * 2 + 1) {
    for (const std::uint64_t seed : {std::uint64_t{0}, options.seed + cut}) {
      const auto recut = run_as({.cut = cut, .cut_seed = seed, .reload = seed != 0});
      if (auto v = agree(recut, Law::segmentation_invariant, "another cut differs")) return std::unexpected(*v);
    }
  }

  for (std::size_t extra = 0; options.less_room && extra <= 4096; extra = extra * 3 + 1) {
    const auto small = run_as({.cut = 1 + extra,
                               .room_bytes = S::least_room.bytes + extra,
                               .room_actions = S::least_room.actions + extra % 2});
    if (!small) return std::unexpected(small.error());
    for (std::size_t kind = 0; kind < std::variant_size_v<typename S::Action>; ++kind) {
      if (kind == sent_kind && !options.small_rooms_frame_alike) continue;
      Buffer expected(harness), found(harness);
      if (!plain->log.collect(static_cast<std::uint8_t>(kind), expected) ||
          !small->log.collect(static_cast<std::uint8_t>(kind), found)) {
        return std::unexpected(Violation{Law::bounded, "the harness is out of memory", SIZE_MAX});
      }
      if (Bytes(expected.data(), expected.size()) != Bytes(found.data(), found.size())) {
        return std::unexpected(Violation{Law::segmentation_invariant, "less room gives other actions", kind});
      }
    }
  }

  const std::uint64_t refusals = std::min(plain->allocations, options.refusals);
  for (std::uint64_t n = 1; n <= refusals; ++n) {
    // A refusal may change what the machine does; that it stays total, bounded and leaves nothing behind is judged by
    // the run itself.
    if (const auto refused = run_as({.refuse = n}); !refused) return std::unexpected(refused.error());
  }

  return plain;
}

}  // namespace limpid::sim
