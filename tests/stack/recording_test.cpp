// The format of recordings, and that stepping a recorded machine again tells one that answers otherwise.
#include "limpid/stack/replay.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "limpid/stack/server.hpp"

namespace limpid::stack::recording {
namespace {

using Machine = stack::Server;
constexpr Time start{{5'000'000}, {784111777}};

class Recording : public ::testing::Test {
 protected:
  Recording() { begin(); }

  void begin() {
    std::array<Byte, FrameCipher::head_size> head{};
    cipher.emplace(FrameCipher::begin(Machine::snapshot_kind, key, salt, head, {}));
    file.assign(head.begin(), head.end());
  }
  void write(FrameHeader header, Bytes content) {
    std::vector<Byte> frame(FrameHeader::encoded_size + content.size() + crypto::aead_tag_size);
    copy(content, MutableBytes(frame).subspan(FrameHeader::encoded_size));
    header.size = static_cast<std::uint32_t>(content.size());
    cipher->seal(header, frame, {});
    file.insert(file.end(), frame.begin(), frame.end());
    ends.push_back(file.size());
  }
  Bytes bytes() const { return file; }
  // The contents of all frames and how reading ended.
  std::pair<std::vector<std::string>, std::optional<RecordingFault>> read(const RecordingKey* with, Bytes from) {
    std::vector<std::string> contents;
    if (auto head = read_head(from); !head) return {contents, head.error()};
    auto reader = RecordingReader::open(from, with, {});
    if (!reader) return {contents, reader.error()};
    Buffer room(budget);
    for (;;) {
      auto frame = reader->next(room);
      if (!frame) return {contents, frame.error()};
      if (frame->header.kind == FrameKind::end) return {contents, {}};
      contents.emplace_back(as_text(frame->content));
    }
  }

  Budget budget{1 << 24};
  RecordingKey key{std::array<Byte, 32>{1, 2, 3}};
  RecordingSalt salt{9};
  std::optional<FrameCipher> cipher;
  std::vector<Byte> file;
  std::vector<std::size_t> ends;  // of the frames
};

TEST_F(Recording, is_read_as_it_was_written) {
  write({FrameKind::born, 0, 1, start, 0}, as_bytes("one"));
  write({FrameKind::told, 2, 1, start, 0}, {});
  write({FrameKind::gone, 0, 1, start, 0}, as_bytes("three"));
  write({FrameKind::end, 0, 0, start, 0}, {});
  const auto [contents, fault] = read(&key, bytes());
  EXPECT_FALSE(fault);
  EXPECT_EQ(contents, (std::vector<std::string>{"one", "", "three"}));
  // Without the key the frames are there and their contents are not.
  EXPECT_EQ(read(nullptr, bytes()).first, (std::vector<std::string>{"", "", ""}));
  EXPECT_EQ(as_text(bytes()).find("three"), std::string_view::npos);
}

TEST_F(Recording, shows_every_cut_and_every_flipped_bit) {
  write({FrameKind::born, 0, 1, start, 0}, as_bytes("content"));
  write({FrameKind::end, 0, 0, start, 0}, {});
  for (std::size_t size = 1; size < file.size(); ++size) {
    EXPECT_EQ(read(&key, bytes().first(size)).second, RecordingFault::cut) << size;
    EXPECT_EQ(read(nullptr, bytes().first(size)).second, RecordingFault::cut) << size;
  }
  EXPECT_EQ(read(&key, {}).second, RecordingFault::not_a_recording);
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    auto altered = file;
    altered[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    EXPECT_TRUE(read(&key, altered).second) << "bit " << bit;
  }
  file.push_back(0);
  EXPECT_EQ(read(&key, bytes()).second, RecordingFault::damaged);
}

TEST_F(Recording, refuses_another_key_and_frames_out_of_order) {
  write({FrameKind::told, 0, 1, start, 0}, as_bytes("a"));
  write({FrameKind::told, 0, 1, start, 0}, as_bytes("b"));
  write({FrameKind::end, 0, 0, start, 0}, {});
  const RecordingKey other;
  EXPECT_EQ(read(&other, bytes()).second, RecordingFault::wrong_key);

  const auto frame = [&](std::size_t n) {
    const std::size_t at = n == 0 ? FrameCipher::head_size : ends[n - 1];
    return std::vector<Byte>(file.begin() + static_cast<std::ptrdiff_t>(at),
                             file.begin() + static_cast<std::ptrdiff_t>(ends[n]));
  };
  const auto with = [&](std::initializer_list<std::size_t> order) {
    std::vector<Byte> shuffled(file.begin(), file.begin() + FrameCipher::head_size);
    for (const std::size_t n : order) {
      const auto piece = frame(n);
      shuffled.insert(shuffled.end(), piece.begin(), piece.end());
    }
    return read(&key, shuffled).second;
  };
  EXPECT_FALSE(with({0, 1, 2}));
  EXPECT_EQ(with({1, 0, 2}), RecordingFault::damaged);
  EXPECT_EQ(with({0, 2}), RecordingFault::damaged);
  EXPECT_EQ(with({0, 0, 1, 2}), RecordingFault::damaged);
  EXPECT_EQ(with({0, 1}), RecordingFault::cut);
}

TEST_F(Recording, refuses_a_length_that_no_frame_has) {
  FrameHeader header{FrameKind::told, 0, 1, start, max_frame_content + 1};
  std::vector<Byte> encoded(FrameHeader::encoded_size);
  Writer out{MutableBytes(encoded)};
  encode(out, Instant{}, header);
  file.insert(file.end(), encoded.begin(), encoded.end());
  EXPECT_EQ(read(&key, bytes()).second, RecordingFault::damaged);
  EXPECT_EQ(read(nullptr, bytes()).second, RecordingFault::damaged);
}

// A plain HTTP server that was told three things.
class Session : public ::testing::Test {
 protected:
  struct Step {
    Time time;
    std::vector<Byte> content;
  };

  Session() {
    Buffer frame(budget);
    EXPECT_TRUE(append_born<Machine>(frame, config, Born{}));
    born.assign(frame.begin(), frame.end());
    tell(stream::Opened{}, 65536);
    std::string request = "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n";
    tell(stream::Received{{reinterpret_cast<Byte*>(request.data()), request.size()}}, 65536);
    tell(http::Reply{{machine.pending() ? std::get<http::Lookup>(*machine.pending()).id : QueryId{}},
                     http::LookupFailure::not_found},
         100);
  }

  void tell(const Machine::Event& event, std::size_t room) {
    const Time now{start.monotonic + milliseconds(static_cast<std::int64_t>(steps.size()) + 1), start.wall};
    Buffer frame(budget), scratch(budget);
    EXPECT_TRUE(append_told<Machine>(frame,
                                     {.digest = digest,
                                      .limit = memory.limit(),
                                      .memory = memory.limit() - memory.used(),
                                      .room = static_cast<std::uint32_t>(room),
                                      .slots = 64},
                                     event));
    steps.push_back({now, {frame.begin(), frame.end()}});
    std::vector<Byte> bytes(room);
    std::vector<Machine::Action> slots(64);
    const auto progress = Machine::advance(config, machine, now, event, {bytes, slots, memory});
    digest = digest_of(digest, now.monotonic, progress, scratch).value();
  }

  std::optional<ReplayedMachine<Machine>> again() {
    return ReplayedMachine<Machine>::born(born, start, replay_budget, {});
  }
  using Verdict = ReplayedMachine<Machine>::Verdict;
  Verdict tell_again(ReplayedMachine<Machine>& replayed, const Step& step) {
    auto content = step.content;
    return replayed.tell(content, step.time, stage, {}).verdict;
  }
  Verdict end(const ReplayedMachine<Machine>& replayed) const {
    Budget small(64);
    Buffer frame(small);
    Writer out(frame);
    encode(out, Instant{}, Gone{digest, false});
    return replayed.end({frame.data(), frame.size()}).verdict;
  }

  Budget budget{1 << 24}, memory{1 << 20}, replay_budget{std::size_t{1} << 62};
  Machine::Config config;
  Machine machine;
  std::vector<Byte> born;
  std::vector<Step> steps;
  std::uint64_t digest = 0;
  Stage<Machine> stage{budget};
};

TEST_F(Session, replays_the_same) {
  auto replayed = again();
  ASSERT_TRUE(replayed);
  for (const Step& step : steps) EXPECT_EQ(tell_again(*replayed, step), Verdict::same);
  EXPECT_EQ(end(*replayed), Verdict::same);
  Buffer words(budget);
  Writer out(words);
  replayed->state().describe(out);
  EXPECT_EQ(as_text(out.written()).substr(0, 33), "server: HTTP answers 404 to GET /");
}

TEST_F(Session, tells_an_answer_that_is_another) {
  // Another time, other room, other bytes: what was recorded behind it does not follow.
  const auto differs = [&](std::size_t at, auto&& change) {
    auto replayed = again();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      Step step = steps[i];
      if (i == at) change(step);
      const auto verdict = tell_again(*replayed, step);
      if (verdict != Verdict::same) return verdict == Verdict::differs && i == at + 1;
    }
    return end(*replayed) == Verdict::differs && at + 1 == steps.size();
  };
  EXPECT_FALSE(differs(1, [](Step&) {}));
  EXPECT_TRUE(differs(2, [](Step& step) { step.content[27] = 99; })) << "the room";
  EXPECT_TRUE(differs(1, [](Step& step) { step.content.back() = 'x'; })) << "the end of the head";
}

TEST_F(Session, repeats_a_refusal_of_memory) {
  Budget small(40);
  Machine other;
  std::string request = "GET /" + std::string(200, 'a') + " HTTP/1.1\r\n";
  std::vector<Byte> bytes(4096);
  std::vector<Machine::Action> slots(64);
  Buffer scratch(budget);
  digest = 0;
  steps.clear();
  const auto told = [&](const Machine::Event& event) {
    const Time now{start.monotonic + milliseconds(static_cast<std::int64_t>(steps.size()) + 1), start.wall};
    Buffer frame(budget);
    EXPECT_TRUE(append_told<Machine>(
        frame,
        {.digest = digest, .limit = small.limit(), .memory = small.limit() - small.used(), .room = 4096, .slots = 64},
        event));
    steps.push_back({now, {frame.begin(), frame.end()}});
    digest =
        digest_of(digest, now.monotonic, Machine::advance(config, other, now, event, {bytes, slots, small}), scratch)
            .value();
  };
  told(stream::Opened{});
  told(stream::Received{{reinterpret_cast<Byte*>(request.data()), request.size()}});
  EXPECT_GT(small.refusals(), 0u);
  auto replayed = again();
  for (const Step& step : steps) EXPECT_EQ(tell_again(*replayed, step), Verdict::same);
  EXPECT_EQ(end(*replayed), Verdict::same);
}

TEST_F(Session, refuses_what_does_not_parse) {
  for (std::size_t size = 0; size < born.size(); ++size) {
    EXPECT_FALSE(ReplayedMachine<Machine>::born(Bytes(born).first(size), start, replay_budget, {})) << size;
  }
  for (const Step& step : steps) {
    for (std::size_t size = 0; size < step.content.size(); ++size) {
      auto replayed = again();
      std::vector<Byte> content(step.content.begin(), step.content.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_NE(replayed->tell(content, step.time, stage, {}).verdict, Verdict::same);
    }
  }
}

}  // namespace
}  // namespace limpid::stack::recording
