// Writes a recording (stack/recording.hpp) while machines run.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"
#include "limpid/stack/replay.hpp"

namespace limpid::effects {

namespace recording = stack::recording;

// One file, for all threads of a process. What a machine is told stands in the file before the machine is: if it takes
// the process down, the recording shows what did it.
class Recorder {
 public:
  // Makes FILE, which must be absent or empty, and a fresh key in FILE.key, both 0600.
  static Result<std::unique_ptr<Recorder>> create(const std::string& path, SnapshotKind machine);
  ~Recorder();  // ends the recording

  std::uint64_t next_machine() { return machines_.fetch_add(1, std::memory_order_relaxed) + 1; }

  // Seals and writes one frame; `fill(Buffer&)` appends its content, and returns false if memory was refused. What
  // cannot be written ends the recording, which is said once; whoever is recorded goes on.
  template <class Fill>
  void write(recording::FrameHeader header, Fill&& fill) {
    const std::lock_guard lock(mutex_);
    if (!file_) return;
    frame_.clear();
    if (!frame_.resize(recording::FrameHeader::encoded_size) || !fill(frame_)) return give_up(ENOMEM);
    header.size = static_cast<std::uint32_t>(frame_.size() - recording::FrameHeader::encoded_size);
    if (!frame_.resize(frame_.size() + crypto::aead_tag_size)) return give_up(ENOMEM);
    seal_and_write(header);
  }

  // See recording::digest_of.
  template <class Action>
  std::uint64_t digest(std::uint64_t before, Instant now, const Progress<Action>& progress) {
    const std::lock_guard lock(mutex_);
    return recording::digest_of(before, now, progress, frame_).value_or(0);
  }

 private:
  Recorder(std::string path, Descriptor file, recording::FrameCipher cipher);
  void seal_and_write(const recording::FrameHeader& header);
  void give_up(int error);

  const std::string path_;
  const CpuFeatures cpu_;
  std::atomic<std::uint64_t> machines_ = 0;
  std::mutex mutex_;
  Descriptor file_;  // absent once it could not be written
  recording::FrameCipher cipher_;
  Budget budget_{2 * recording::max_frame_content};
  Buffer frame_{budget_};
};

// The part of a recording that is about one machine. A default one records nothing and costs nothing.
template <Machine S>
class Tape {
 public:
  Tape() = default;
  // Of a machine that begins now, in this process.
  Tape(Recorder* recorder, const typename S::Config& config, Time time, const recording::Born& born = {})
      : recorder_(recorder) {
    if (recorder_ == nullptr) return;
    machine_ = recorder_->next_machine();
    recorder_->write(header(recording::FrameKind::born, time),
                     [&](Buffer& frame) { return recording::append_born<S>(frame, config, born); });
  }
  Tape(Tape&& other) noexcept
      : recorder_(std::exchange(other.recorder_, nullptr)), machine_(other.machine_), digest_(other.digest_) {}
  Tape& operator=(Tape&&) = delete;
  ~Tape() { end(false); }

  // Before a step.
  void told(Time time, const typename S::Event& event, const Room<typename S::Action>& room) {
    if (recorder_ == nullptr) return;
    recording::FrameHeader told = header(recording::FrameKind::told, time);
    told.event = static_cast<std::uint8_t>(event.index());
    const recording::Told lent{.digest = digest_,
                               .limit = room.budget.limit(),
                               .memory = room.budget.limit() - room.budget.used(),
                               .room = static_cast<std::uint32_t>(room.bytes.size()),
                               .slots = static_cast<std::uint16_t>(room.actions.size())};
    recorder_->write(told, [&](Buffer& frame) { return recording::append_told<S>(frame, lent, event); });
  }
  // After it.
  void did(Time time, const Progress<typename S::Action>& progress) {
    if (recorder_ != nullptr) digest_ = recorder_->digest(digest_, time.monotonic, progress);
  }

  // Steps a machine and records it.
  Progress<typename S::Action> advance(const typename S::Config& config, S& state, const typename S::Event& event,
                                       const Room<typename S::Action>& room) {
    const Time time = now();
    told(time, event, room);
    const auto progress = S::advance(config, state, time, event, room);
    did(time, progress);
    return progress;
  }

  void end(bool handed_over) {
    if (recorder_ == nullptr) return;
    const recording::Gone gone{digest_, handed_over};
    recorder_->write(header(recording::FrameKind::gone, now()), [&](Buffer& frame) {
      Writer out(frame);
      encode(out, Instant{}, gone);
      return !out.failed();
    });
    recorder_ = nullptr;
  }

 private:
  recording::FrameHeader header(recording::FrameKind kind, Time time) const {
    return {.kind = kind, .event = 0, .machine = machine_, .time = time, .size = 0};
  }

  Recorder* recorder_ = nullptr;
  std::uint64_t machine_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace limpid::effects
