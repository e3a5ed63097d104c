// Every fate of every segment, within bounds: two connections, three segments of text in a window of three, FIN both
// ways, and a path that loses, doubles or delays at most two segments, three in some configurations. Each run must end
// with every byte right and both ends closed: no deadlock, no wrong byte. A run is a list of the segments that fare
// badly and how; what follows from it is deterministic, so the tree of runs is walked by extending the lists.
#include <map>

#include "tests/tcpip/tcp/end.hpp"

namespace limpid::tcpip::tcp {
namespace {

constexpr std::uint16_t mss = 216;
constexpr std::size_t segments = 3;

enum class Fate { lost, doubled, delayed };
struct Fault {
  std::size_t index = 0;  // of all segments that are sent in the run, both ways
  Fate fate = Fate::lost;
};

class Run {
 public:
  Run(const Config& config, std::vector<Fault> faults) : ends_{End(config), End(config)}, faults_(std::move(faults)) {}

  // How many segments were sent; nothing if the run did not end well.
  std::optional<std::size_t> go() {
    birth_[0] = {there, here, 0xfffffffe, 0, mss};  // wraps at once
    birth_[1] = {here, there, 0x7ffffffe, 0, mss};
    const Instant stop = now_ + seconds(600);
    ends_[0].now = ends_[1].now = now_;
    ends_[0].tell(Connect{birth_[0]});
    while (now_ < stop && sent_ < 200) {
      work();
      if (is_over(0) && is_over(1) && flying_.empty()) break;
      if (!next()) break;
    }
    for (int i = 0; i < 2; ++i) {
      if (!ends_[i].closed || ends_[i].was_reset) return std::nullopt;
      if (ends_[i].received != stream_piece(1 - i, 0, mss * segments)) return std::nullopt;
      if (ends_[i].budget.used() != 0) return std::nullopt;
    }
    return sent_;
  }

 private:
  bool is_over(int i) const { return ends_[i].closed || ends_[i].was_reset; }

  void work() {
    for (int i = 0; i < 2; ++i) {
      End& end = ends_[i];
      if (end.established && !written_[i]) {
        written_[i] = true;
        end.write(stream_piece(i, 0, mss * segments));
        end.tell(Finish{});
      }
      if (const auto* t = end.connection.synchronized(); t != nullptr && t->unconsumed > 0) {
        end.tell(Consumed{t->unconsumed});
      }
      end.flush();
      for (; !end.sent.empty(); end.sent.pop_front()) launch(1 - i, end.sent.front());
    }
  }

  void launch(int to, const Packet& packet) {
    const std::size_t index = sent_++;
    constexpr Duration delay = milliseconds(10);
    Instant when = now_ + delay;
    for (const Fault& fault : faults_) {
      if (fault.index != index) continue;
      if (fault.fate == Fate::lost) return;
      if (fault.fate == Fate::doubled) flying_.emplace(when + milliseconds(7), std::pair(to, packet));
      if (fault.fate == Fate::delayed)
        when = when + milliseconds(25);  // overtaken by what is sent up to two rounds later
    }
    flying_.emplace(when, std::pair(to, packet));
  }

  bool next() {
    std::optional<Instant> when;
    if (!flying_.empty()) when = flying_.begin()->first;
    for (const End& end : ends_) {
      if (end.deadline && (!when || *end.deadline < *when)) when = end.deadline;
    }
    if (!when) return false;
    now_ = std::max(now_, *when);
    ends_[0].now = ends_[1].now = now_;
    while (!flying_.empty() && flying_.begin()->first <= now_) {
      auto [to, packet] = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      land(to, std::move(packet));
    }
    for (End& end : ends_) {
      if (end.deadline && *end.deadline <= now_) end.tell(Tick{});
    }
    return true;
  }

  void land(int to, Packet packet) {
    End& end = ends_[to];
    if (to == 1 && !born_) {
      if (!packet.header.flags.syn) return;
      born_ = true;
      return end.tell(Accept{birth_[1], packet.header});
    }
    if (!is_over(to)) return end.arrive(std::move(packet));
    if (end.closed && end.closed->time_wait) {
      const auto verdict = judge(*end.closed->time_wait, packet.header, packet.payload.size(), now_, seconds(60));
      if (verdict.kind == TimeWaitVerdict::Kind::acknowledge) launch(1 - to, {verdict.reply, {}, 0, 0, {}});
    }
    // Otherwise it is of nobody. The RST for it would end a peer that waits for the ACK of its FIN, as it does in TCP:
    // here nobody answers, and the peer must come to its end all the same.
  }

  End ends_[2];
  std::vector<Fault> faults_;
  std::array<Birth, 2> birth_;
  std::array<bool, 2> written_{};
  bool born_ = false;
  std::size_t sent_ = 0;
  Instant now_{1'000'000};
  std::multimap<Instant, std::pair<int, Packet>> flying_;
};

void explore(const Config& config, std::size_t& runs, const std::vector<Fault>& faults, std::size_t most) {
  ++runs;
  const auto sent = Run(config, faults).go();
  std::string what;
  for (const Fault& f : faults) what += " " + std::to_string(f.index) + "/" + std::to_string(static_cast<int>(f.fate));
  ASSERT_TRUE(sent) << "faults:" << what;
  if (faults.size() == most) return;
  const std::size_t from = faults.empty() ? 0 : faults.back().index + 1;
  for (std::size_t index = from; index < *sent; ++index) {
    for (const Fate fate : {Fate::lost, Fate::doubled, Fate::delayed}) {
      auto more = faults;
      more.push_back({index, fate});
      explore(config, runs, more, most);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(TcpExhaustive, NoDeadlockAndNoWrongByte) {
  for (const bool sack : {true, false}) {
    for (const bool timestamps : {true, false}) {
      Config config;
      config.sack = sack;
      config.timestamps = timestamps;
      config.initial_receive_window = config.max_receive_window = mss * segments;
      config.window_scale = false;
      std::size_t runs = 0;
      explore(config, runs, {}, sack == timestamps ? 3 : 2);
      if (HasFatalFailure()) return;
      EXPECT_GT(runs, 500u);
      std::printf("sack %d, timestamps %d: %zu runs\n", sack, timestamps, runs);
    }
  }
}

}  // namespace
}  // namespace limpid::tcpip::tcp
