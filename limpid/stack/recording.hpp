// Recordings: what machines were told and a digest of what they answered, sealed, in one file that grows. A recording
// is all that the machines' behaviour depends on, so stepping it again gives every answer again, byte for byte.
//
//     "limpidrecord"   12 bytes   what this is
//     version           2 bytes   2
//     machine           6 bytes   of what kind the machines are: name and version of their snapshots
//     salt             32 bytes
//     tag              16 bytes   of the above, so that a wrong key is told from damage
//     frames until one of kind `end`, each
//       header         30 bytes   FrameHeader
//       ciphertext                as long as the header says, then a tag of 16 bytes
//
// Integers are big-endian. Times, sizes and kinds are in the clear; what was said is encrypted with ChaCha20-Poly1305
// under a key that HKDF-SHA-256 derives from the recording's key and the salt. A frame's place is its nonce and its
// header is authenticated, so frames cannot be altered, left out or exchanged; that the file was cut shows by its want
// of an end. There is entropy in a recording, and the keys of the connections follow from it; keys that live longer
// than a connection are not: signatures are recorded, not what they were made with.
#pragma once

#include <optional>

#include "limpid/core/machine.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/aead.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/crypto/seal.hpp"

namespace limpid::stack::recording {

using RecordingKey = Secret<32>;
using RecordingSalt = std::array<Byte, 32>;

enum class FrameKind : std::uint8_t {
  born,  // a machine began, newborn or from a sealed snapshot: Born
  told,  // it was told an event: Told
  gone,  // it ended: Gone
  end,   // of the recording
};
constexpr bool is_valid(FrameKind kind) { return kind <= FrameKind::end; }

struct FrameHeader {
  static constexpr std::size_t encoded_size = 1 + 1 + 8 + 8 + 8 + 4;
  FrameKind kind = FrameKind::end;
  std::uint8_t event = 0;     // of `told`: which alternative of the machine's Event
  std::uint64_t machine = 0;  // counted from 1
  Time time;
  std::uint32_t size = 0;  // of the content
  static void fields(auto& self, auto&& visit) {
    visit(self.kind, self.event, self.machine, self.time.monotonic.microseconds, self.time.wall, self.size);
  }
};

// No frame's content is longer: an event, or the snapshot of a machine.
inline constexpr std::size_t max_frame_content = 16 << 20;

// What a machine begins with, behind its encoded configuration.
struct Born {
  struct Snapshot {
    crypto::SealKey key;
    Bytes sealed;
    static void fields(auto& self, auto&& visit) { visit(self.key, self.sealed); }
  };
  std::optional<Snapshot> snapshot;  // none: newborn
  static void fields(auto& self, auto&& visit) { visit(self.snapshot); }
};

// What it was lent for a step, in front of the encoded event.
struct Told {
  std::uint64_t digest = 0;  // of all that it answered before
  std::uint64_t limit = 0;   // of its budget
  std::uint64_t memory = 0;  // that was left of it
  std::uint32_t room = 0;    // bytes
  std::uint16_t slots = 0;   // for actions
  static void fields(auto& self, auto&& visit) { visit(self.digest, self.limit, self.memory, self.room, self.slots); }
};

struct Gone {
  std::uint64_t digest = 0;
  bool handed_over = false;  // it lives on in another process
  static void fields(auto& self, auto&& visit) { visit(self.digest, self.handed_over); }
};

// Seals the frames of one recording, or opens them, in their order.
class FrameCipher {
 public:
  static constexpr std::size_t head_size = 12 + 2 + 6 + 32 + crypto::aead_tag_size;

  // Writes the head of a new recording.
  static FrameCipher begin(SnapshotKind machine, const RecordingKey& key, const RecordingSalt& salt,
                           std::span<Byte, head_size> head, CpuFeatures cpu);

  // `frame` is room for a header, `header.size` bytes of content that stand there already, and a tag.
  void seal(const FrameHeader& header, MutableBytes frame, CpuFeatures cpu);

  // For a head that is_recording: nothing if the key is another's or the head was altered.
  static std::optional<FrameCipher> resume(std::span<const Byte, head_size> head, const RecordingKey& key,
                                           CpuFeatures cpu);

  // Decrypts a frame in place; its content, or nothing if it was altered or is not the next.
  std::optional<MutableBytes> open(MutableBytes frame, CpuFeatures cpu);

 private:
  explicit FrameCipher(crypto::AeadKey key) : key_(std::move(key)) {}
  crypto::AeadKey key_;
  std::uint64_t frames_ = 0;  // the head is the first
};

enum class RecordingFault : std::uint8_t {
  not_a_recording,
  wrong_version,  // of recordings
  wrong_key,      // or the head was altered
  damaged,        // a frame was altered, or cannot be one
  cut,            // the file ends before the recording does
};
std::string_view describe(RecordingFault fault);

// What the head of a file says: the machines' kind.
std::expected<SnapshotKind, RecordingFault> read_head(Bytes file);

// Walks the frames of a recording that lies in memory, with its key or without.
class RecordingReader {
 public:
  // `file` passed read_head, and outlives the reader.
  static std::expected<RecordingReader, RecordingFault> open(Bytes file, const RecordingKey* key, CpuFeatures cpu);

  struct Frame {
    FrameHeader header;
    MutableBytes content;  // in `room`; empty without the key
  };
  // The next frame, decrypted into `room`, which grows. Behind the frame `end` there is nothing, and nothing may
  // follow.
  std::expected<Frame, RecordingFault> next(Buffer& room);

 private:
  RecordingReader(Bytes rest, std::optional<FrameCipher> cipher, CpuFeatures cpu)
      : rest_(rest), cipher_(std::move(cipher)), cpu_(cpu) {}
  Bytes rest_;
  std::optional<FrameCipher> cipher_;
  CpuFeatures cpu_;
};

// The running digest of what a machine answers: all of one step, behind what it answered before. `scratch` is
// overwritten. Two machines whose digests agree gave the same bytes (by accident in one of 2^64 cases: it is for
// finding differences, nobody gains by making them). Nothing if the memory for `scratch` is refused.
template <class Action>
std::optional<std::uint64_t> digest_of(std::uint64_t before, Instant now, const Progress<Action>& progress,
                                       Buffer& scratch) {
  scratch.clear();
  Writer out(scratch);
  encode(out, Instant{}, before);
  encode(out, Instant{}, std::uint64_t{progress.consumed});
  encode(out, Instant{}, progress.more);
  out.u8(static_cast<std::uint8_t>(progress.wants));
  encode(out, now, progress.deadline);
  for (const Action& action : progress.actions) encode(out, Instant{}, action);
  if (out.failed()) return std::nullopt;
  return crypto::keyed_hash({}, {scratch.data(), scratch.size()});
}

}  // namespace limpid::stack::recording
