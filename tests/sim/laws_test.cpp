// The harness must accept a machine that keeps the laws and catch one that breaks any of them.
#include "limpid/sim/laws.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace limpid::sim {
namespace {

enum class Bug {
  none,
  remembers_outside_itself,
  depends_on_the_cpu,
  depends_on_the_cut,
  alters_unconsumed_input,
  consumes_too_much,
  forgets_a_field,
  saves_differently_once_loaded,
  deadline_is_now,
  more_without_end,
  counts_wake_ups,
  leaks,
  owns_too_much,
  ignores_a_refusal,
};

int outside = 0;

struct Deliver {
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};
struct Line {
  std::uint32_t number = 0;
  static void fields(auto& self, auto&& visit) { visit(self.number); }
};
struct Failed {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Answers each line of its input with the line before it, in upper case.
template <Bug bug>
struct Lines {
  struct Config {};
  using Event = std::variant<Tick, stream::Received, stream::PeerFinished>;
  using Action = std::variant<stream::Send, Line, Failed>;
  static constexpr SnapshotKind snapshot_kind{"line", 1};
  static constexpr LeastRoom least_room{16, 2, 16};
  static constexpr std::size_t max_footprint = 64;

  Buffer last;
  std::uint32_t lines = 0;
  std::uint32_t wakes = 0;
  bool failed = false;
  std::uint8_t loads = 0;

  static void fields(auto& self, auto&& visit) {
    if constexpr (bug == Bug::forgets_a_field)
      visit(self.last, self.failed, self.wakes, self.loads);
    else
      visit(self.last, self.lines, self.failed, self.wakes, self.loads);
  }
  bool restored(const LoadContext&) {
    if (bug == Bug::saves_differently_once_loaded) ++loads;
    return last.size() <= 16;
  }
  std::optional<std::variant<std::monostate>> pending() const { return std::nullopt; }

  static Progress<Action> advance(const Config&, Lines& state, Time now, const Event& event, const Room<Action>& room) {
    Progress<Action> progress;
    ActionList<Action> actions(room.actions);
    progress.consumed = 1;
    if (bug == Bug::counts_wake_ups) ++state.wakes;
    if (bug == Bug::deadline_is_now) progress.deadline = now.monotonic;
    if (bug == Bug::leaks && state.lines == 2) (void)room.budget.allocate(1);
    if (const auto* received = std::get_if<stream::Received>(&event)) {
      progress.consumed = 0;
      if (state.failed) return {.consumed = received->bytes.size(), .wants = Wants::nothing};
      MutableBytes rest = received->bytes, out = room.bytes;
      while (true) {
        const auto end = std::find(rest.begin(), rest.end(), '\n');
        std::size_t size = end - rest.begin();
        if (bug == Bug::depends_on_the_cut && end == rest.end() && size > 0) actions.push(Line{99});
        if (end == rest.end() && size <= 16) break;
        if (actions.free() < 2 || out.size() < state.last.size()) {
          progress.wants = Wants::room;
          break;
        }
        if (size > 16) {
          state.failed = true;
          actions.push(Failed{});
          progress.wants = Wants::nothing;
          progress.consumed = received->bytes.size();
          break;
        }
        if (bug == Bug::depends_on_the_cpu && room.cpu.aes_pclmul) ++state.lines;
        actions.push(Line{++state.lines + (bug == Bug::remembers_outside_itself ? ++outside : 0)});
        actions.push(stream::Send{copy({state.last.data(), state.last.size()}, out)});
        out = out.subspan(state.last.size());
        state.last = Buffer(room.budget);
        if (!state.last.reserve(bug == Bug::owns_too_much ? 65 : 16)) {
          if (bug == Bug::ignores_a_refusal) std::_Exit(86);
          state.failed = true;
          progress.wants = Wants::nothing;
          progress.consumed = received->bytes.size();
          break;
        }
        for (std::size_t i = 0; i < size; ++i) (void)state.last.push_back(static_cast<Byte>(rest[i] & ~0x20));
        rest = rest.subspan(size + 1);
        progress.consumed += size + 1;
      }
      if (bug == Bug::alters_unconsumed_input && !rest.empty()) rest[0] ^= 1;
      if (bug == Bug::consumes_too_much) ++progress.consumed;
    }
    if (bug == Bug::more_without_end) progress.more = true;
    progress.actions = actions.all();
    return progress;
  }
};

template <Bug bug>
std::optional<Law> broken_law() {
  using M = Lines<bug>;
  Budget harness(64 << 20);
  Buffer trace(harness);
  std::string text = "one\ntwo\nthree\n\nfour\nfive is long\nsix\n";
  for (int i = 0; i < 4; ++i) text += text.substr(0, 40);
  text += "incomplete";
  typename M::Event event = stream::Received{{reinterpret_cast<Byte*>(text.data()), text.size()}};
  EXPECT_TRUE(append_event<M>(trace, {Instant{5}, UnixTime{7}}, event));
  EXPECT_TRUE(append_event<M>(trace, {Instant{6}, UnixTime{7}}, typename M::Event(stream::PeerFinished{})));
  const auto outcome = check_laws<M>({}, {trace.data(), trace.size()},
                                     {.cpu = {.aes_pclmul = true}, .small_rooms_frame_alike = true}, harness);
  if (outcome) {
    EXPECT_FALSE(outcome->log.bytes().empty());
    return std::nullopt;
  }
  return outcome.error().law;
}

TEST(Laws, ALawfulMachinePasses) { EXPECT_EQ(broken_law<Bug::none>(), std::nullopt); }

TEST(Laws, EveryPlantedBugIsCaughtUnderItsLaw) {
  EXPECT_EQ(broken_law<Bug::remembers_outside_itself>(), Law::deterministic);
  EXPECT_EQ(broken_law<Bug::depends_on_the_cpu>(), Law::deterministic);
  EXPECT_EQ(broken_law<Bug::depends_on_the_cut>(), Law::segmentation_invariant);
  EXPECT_EQ(broken_law<Bug::alters_unconsumed_input>(), Law::total);
  EXPECT_EQ(broken_law<Bug::consumes_too_much>(), Law::total);
  EXPECT_EQ(broken_law<Bug::forgets_a_field>(), Law::serializable);
  EXPECT_EQ(broken_law<Bug::saves_differently_once_loaded>(), Law::serializable);
  EXPECT_EQ(broken_law<Bug::deadline_is_now>(), Law::never_spinning);
  EXPECT_EQ(broken_law<Bug::more_without_end>(), Law::never_spinning);
  EXPECT_EQ(broken_law<Bug::counts_wake_ups>(), Law::never_spinning);
  EXPECT_EQ(broken_law<Bug::leaks>(), Law::bounded);
  EXPECT_EQ(broken_law<Bug::owns_too_much>(), Law::bounded);
}

TEST(LawsDeathTest, ARefusalThatIsNotHandledIsReached) {
  EXPECT_EXIT(broken_law<Bug::ignores_a_refusal>(), ::testing::ExitedWithCode(86), "");
}

TEST(Trace, ATruncatedTraceIsRefusedAtEveryByte) {
  using M = Lines<Bug::none>;
  Budget harness(1 << 20);
  Buffer trace(harness);
  Byte text[] = {'a', '\n'};
  ASSERT_TRUE(append_event<M>(trace, {}, M::Event(stream::Received{text})));
  for (std::size_t size = 1; size < trace.size(); ++size) {
    TraceReader reader({trace.data(), size});
    EXPECT_FALSE(reader.next()) << size;
    EXPECT_TRUE(reader.failed()) << size;
  }
}

}  // namespace
}  // namespace limpid::sim
