// The six laws, for the resolver.
#include "limpid/sim/laws.hpp"

#include "tests/support/random.hpp"
#include "tests/tcpip/dns/driver.hpp"

namespace limpid::tcpip::dns {
namespace {

// Tells a resolver whatever comes up, answering the questions that a twin of it asks.
class Trace {
 public:
  void add(const Resolver::Event& event) {
    ASSERT_TRUE(recorder.tell({twin.now, {}}, event));
    twin.tell(event);
    for (const Asked& question : twin.asked) questions.push_back(question);
  }
  void pass(Duration time) {
    twin.now = twin.now + time;
    add(Tick{});
  }
  void check() {
    const auto live = recorder.finish();
    ASSERT_TRUE(live) << live.error().what;
    const auto outcome = sim::check_laws<Resolver>(twin.config, recorder.trace(), {.refusals = 40}, harness);
    ASSERT_TRUE(outcome) << describe(outcome.error().law) << ": " << outcome.error().what << " at "
                         << outcome.error().event;
  }

  Budget budget{1 << 20}, harness{1 << 28};
  Driver twin;
  sim::Recorder<Resolver> recorder{twin.config, budget, harness};
  std::vector<Asked> questions;
};

TEST(DnsLaws, KeptUnderAnything) {
  test::Random random(21);
  for (int round = 0; round < 20; ++round) {
    Trace trace;
    // The twin was told the last two when it was made.
    for (const Resolver::Event& event :
         std::initializer_list<Resolver::Event>{Resolve{1, "early.test", Family::any}, Started{{7}},
                                                Servers{{first_server, second_server}}}) {
      ASSERT_TRUE(trace.recorder.tell({trace.twin.now, {}}, event));
    }
    for (int i = 0; i < 50; ++i) {
      const std::size_t choice = random.below(10);
      if (choice < 3) {
        constexpr std::string_view names[] = {"a.test", "b.test", "not a name"};
        trace.add(Resolve{static_cast<std::uint32_t>(random.below(4)), names[random.below(3)],
                          static_cast<Family>(random.below(3))});
      } else if (choice == 3) {
        trace.add(Cancel{static_cast<std::uint32_t>(random.below(4))});
      } else if (choice == 4) {
        trace.add(random.below(3) == 0 ? Servers{} : Servers{{second_server}});
      } else if (choice == 5) {
        trace.pass(milliseconds(static_cast<std::int64_t>(random.below(6000))));
      } else if (!trace.questions.empty()) {
        const Asked question =
            trace
                .questions[trace.questions.size() - 1 - random.below(std::min<std::size_t>(trace.questions.size(), 3))];
        Answer answer(question);
        if (random.below(3) == 0) answer.cname(question.name(), "c.test");
        if (random.below(2) == 0) answer.a(random.below(2) == 0 ? question.name() : "c.test", {10, 0, 0, 1});
        if (random.below(3) == 0) answer.truncated();
        if (random.below(5) == 0) answer.code(static_cast<ResponseCode>(random.below(6)));
        answer.header.recursion_available = random.below(2) == 0;
        const std::vector<Byte> bytes = question.over_tcp ? answer.framed() : answer.bytes();
        if (!question.over_tcp) {
          trace.add(Datagram{question.server, question.port, bytes});
        } else if (random.below(4) == 0) {
          trace.add(TcpEnded{*question.over_tcp});
        } else {
          const std::size_t cut = random.below(bytes.size());
          trace.add(TcpReceived{*question.over_tcp, Bytes(bytes).first(cut)});
          trace.add(TcpReceived{*question.over_tcp, Bytes(bytes).subspan(cut)});
        }
      }
    }
    trace.check();
  }
}

// A snapshot in which any byte was altered is refused, or loads to a state that is still total.
TEST(DnsLaws, DamagedSnapshotsAreHarmless) {
  Driver driver;
  driver.resolve("a.test", Family::any, 1);
  const std::vector<Asked> questions = driver.asked;
  driver.answer(Answer(questions[0]).truncated());
  const Asked over_tcp = driver.asked.at(0);
  driver.tell(TcpReceived{*over_tcp.over_tcp, as_bytes(std::string_view("\0\x20zz", 4))});
  Budget budget(1 << 20);
  const auto saved = save(driver.resolver, driver.now, budget);
  ASSERT_TRUE(saved);
  test::Random random(5);
  for (std::size_t at = 0; at < saved->size(); ++at) {
    std::vector<Byte> damaged(saved->begin(), saved->end());
    damaged[at] ^= static_cast<Byte>(1 + random.below(255));
    Driver other;
    other.now = driver.now;
    auto loaded = load<Resolver>(damaged, {driver.now, other.budget});
    if (!loaded || loaded->wants() == Wants::entropy) continue;
    other.resolver = std::move(*loaded);
    other.tell(Tick{});
    other.answer(Answer(questions[1]).a("a.test", {10, 0, 0, 1}));
    other.tell(TcpReceived{*over_tcp.over_tcp, as_bytes("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")});
    for (int i = 0; i < 30 && other.deadline; ++i) {
      other.now = std::min(*other.deadline, other.now + seconds(100));
      other.tell(Tick{});
    }
  }
}

}  // namespace
}  // namespace limpid::tcpip::dns
