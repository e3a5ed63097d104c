// Recordings: a file that nobody sealed, and the contents of frames as if somebody who has the key had sealed them.
#include "fuzz/support/input.hpp"
#include "limpid/stack/replay.hpp"
#include "limpid/stack/server.hpp"

namespace {

using namespace limpid;
using Machine = stack::Server;
namespace recording = stack::recording;
using Replayed = recording::ReplayedMachine<Machine>;

// Walks the file as far as it goes.
void walk(Bytes file, const recording::RecordingKey* key) {
  if (!recording::read_head(file)) return;
  auto reader = recording::RecordingReader::open(file, key, {});
  if (!reader) return;
  Budget budget(1 << 24);
  Buffer room(budget);
  for (std::size_t frames = 0;; ++frames) {
    fuzz::require(frames * recording::FrameHeader::encoded_size <= file.size(), "a walk ends");
    const auto frame = reader->next(room);
    if (!frame || frame->header.kind == recording::FrameKind::end) return;
    fuzz::require(is_valid(frame->header.kind), "a kind is one");
  }
}

// Steps a machine through what the input says: the content of its first frame, then those of others, each behind 24
// bits of length and 8 of time.
void replay(Bytes input) {
  Budget budget(std::size_t{1} << 40), harness(1 << 26);
  Reader in(input);
  auto machine = Replayed::born(in.vector24(), Time{}, budget, {});
  if (!machine) return;
  recording::Stage<Machine> stage(harness);
  Time now;
  while (!in.empty()) {
    now.monotonic = now.monotonic + seconds(in.u8());
    const fuzz::Exact content(in.vector24());
    if (in.failed()) return;
    if (machine->tell(content.bytes(), now, stage, {}).verdict != Replayed::Verdict::same) return;
    Buffer words(harness);
    Writer out(words);
    machine->state().describe(out);
    fuzz::require(!out.failed() && out.size() > 0, "every state has words");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Exact input(Bytes(data, size));
  const recording::RecordingKey key;
  walk(input.bytes(), nullptr);
  walk(input.bytes(), &key);
  replay(input.bytes());
  return 0;
}
