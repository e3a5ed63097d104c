// Steps a recorded machine again. What comes out is compared with what the recording says came out; it reaches nobody.
#pragma once

#include "limpid/stack/live.hpp"
#include "limpid/stack/recording.hpp"

namespace limpid::stack::recording {

// Appends the contents of frames, each behind the room for its header. False if the buffer's budget refuses.
template <Machine S>
[[nodiscard]] bool append_born(Buffer& frame, const typename S::Config& config, const Born& born) {
  Writer out(frame);
  encode(out, Instant{}, born);
  encode(out, Instant{}, config);
  return !out.failed();
}
template <Machine S>
[[nodiscard]] bool append_told(Buffer& frame, const Told& told, const typename S::Event& event) {
  Writer out(frame);
  encode(out, Instant{}, told);
  encode(out, Instant{}, event);
  return !out.failed();
}

// What a machine is lent for a step of a replay; one after the other uses it.
template <Machine S>
struct Stage {
  explicit Stage(Budget& budget) : bytes(budget), slots(budget), scratch(budget) {}
  Buffer bytes;
  Vec<typename S::Action> slots;
  Buffer scratch;
};

// One machine of a recording.
template <Machine S>
class ReplayedMachine {
 public:
  // From the content of its frame `born`, which it keeps. Nothing if it does not parse, or memory is refused.
  static std::optional<ReplayedMachine> born(Bytes content, Time time, Budget& budget, CpuFeatures cpu) {
    ReplayedMachine machine(budget);
    if (!machine.content_.append(content)) return std::nullopt;
    Reader in({machine.content_.data(), machine.content_.size()});
    const LoadContext context{time.monotonic, budget, cpu};
    Born born;
    if (!decode(in, context, born) || !decode(in, context, machine.config_) || !in.finished()) return std::nullopt;
    if (born.snapshot) {
      auto state = stack::replay<S>(born.snapshot->sealed, born.snapshot->key, context);
      if (!state) return std::nullopt;
      machine.machine_ = std::move(*state);
    }
    return machine;
  }

  enum class Verdict : std::uint8_t {
    same,       // all that it answered before is what was recorded
    differs,    // its answer to the event before this one is not
    malformed,  // the frame does not parse
  };
  struct Told {
    Verdict verdict = Verdict::same;
    std::optional<typename S::Event> event{};  // views into the frame's content
    Progress<typename S::Action> progress{};   // views into the stage and the content
  };

  // Steps it by the content of a frame `told`, unless it differs before.
  Told tell(MutableBytes content, Time time, Stage<S>& stage, CpuFeatures cpu) {
    Reader in(content);
    recording::Told told;
    if (!decode(in, {Instant{}, budget()}, told) || told.room > max_frame_content) return {Verdict::malformed};
    if (told.digest != digest_) return {Verdict::differs};
    std::optional<typename S::Event> event(std::in_place);
    if (!decode(in, {Instant{}, budget()}, *event) || !in.finished() || !stage.bytes.resize(told.room) ||
        !stage.slots.resize(told.slots))
      return {Verdict::malformed};
    // The budget has exactly the limit that it had then, and as much left of it.
    if (told.memory > told.limit) return {Verdict::malformed};
    const std::size_t limit = budget().limit(), used = budget().used();
    const std::size_t used_then = told.limit - told.memory;
    budget().pretend(told.limit, used_then);
    const auto progress = machine_.advance(
        config_, time, *event,
        {{stage.bytes.data(), stage.bytes.size()}, {stage.slots.data(), stage.slots.size()}, budget(), cpu});
    budget().pretend(limit, used + (budget().used() - used_then));
    const auto digest = digest_of(digest_, time.monotonic, progress, stage.scratch);
    if (!digest) return {Verdict::malformed};
    digest_ = *digest;
    return {Verdict::same, std::move(event), progress};
  }

  struct End {
    Verdict verdict = Verdict::same;
    bool handed_over = false;
  };

  // Compares what it answered last, from the content of a frame `gone`.
  End end(Bytes content) const {
    Reader in(content);
    Gone gone;
    Budget none(0);
    if (!decode(in, {Instant{}, none}, gone) || !in.finished()) return {Verdict::malformed};
    return {gone.digest == digest_ ? Verdict::same : Verdict::differs, gone.handed_over};
  }

  const S& state() const { return machine_.state(); }
  const typename S::Config& config() const { return config_; }

 private:
  explicit ReplayedMachine(Budget& budget) : content_(budget), machine_(S{}) {}
  Budget& budget() { return *content_.budget(); }

  Buffer content_;  // of the frame that it began with; the configuration points into it
  typename S::Config config_;
  stack::Replay<S> machine_;
  std::uint64_t digest_ = 0;
};

}  // namespace limpid::stack::recording
