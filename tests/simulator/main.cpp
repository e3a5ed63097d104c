// The network simulator as a program:
//   limpid_simulator [--seeds A-B] [--scenario swarm|harsh|hostile] [--coverage] [--pcap FILE]
//
// Each seed is one transfer between two hosts over a bad network (limpid/sim/transfer.hpp), or one host among hostile
// ones (limpid/sim/hostile.hpp). A seed that fails prints the line that repeats it. With --pcap, for one seed, the
// frames that left the nodes are written down. With --coverage, tables say what was reached, after the seeds of the
// swarm and as many hostile ones as that takes, and a cell that stayed empty fails unless unreached.txt says why.
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "limpid/effects/pcap.hpp"
#include "limpid/sim/hostile.hpp"
#include "tests/simulator/reasons.hpp"

namespace {

using namespace limpid;

enum class Kind { swarm, harsh, hostile };

struct Options {
  std::uint64_t first = 1, last = 0;  // 0: as many as the scenario takes
  std::optional<Kind> kind;
  bool coverage = false;
  std::string pcap;
};

constexpr std::string_view kind_names[] = {"swarm", "harsh", "hostile"};

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--coverage") {
      options.coverage = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const std::string_view value = argv[++i];
    if (word == "--seeds") {
      const std::size_t dash = std::min(value.find('-'), value.size());
      const std::string_view last = dash == value.size() ? value : value.substr(dash + 1);
      if (!read_number(value.substr(0, dash), options.first) || !read_number(last, options.last)) return false;
      if (options.first > options.last || options.last == 0) return false;
    } else if (word == "--scenario") {
      for (std::size_t kind = 0; kind < std::size(kind_names); ++kind) {
        if (value == kind_names[kind]) options.kind = static_cast<Kind>(kind);
      }
      if (!options.kind) return false;
    } else if (word == "--pcap") {
      options.pcap = value;
    } else {
      return false;
    }
  }
  return options.pcap.empty() || options.first == options.last;
}

// What became of a seed, of whatever kind.
struct Result {
  std::string outcome;
  bool failed = false;
  std::uint64_t packets = 0;
  Duration took{};
  std::optional<sim::Violation> violation;
};

Result run_seed(Kind kind, std::uint64_t seed, Budget& budget, const sim::Onlooker& onlooker) {
  if (kind == Kind::hostile) {
    const auto result = sim::run_hostile(seed, budget, onlooker);
    std::string outcome(name(result.outcome));
    if (result.outcome == sim::HostileOutcome::not_counted) outcome += " (" + std::string(result.attack) + ")";
    if (result.outcome == sim::HostileOutcome::not_served) outcome += " (" + std::to_string(result.served) + " visits)";
    return {outcome, result.outcome != sim::HostileOutcome::withstood, result.packets, result.took, result.violation};
  }
  const auto scenario = kind == Kind::harsh ? sim::Scenario::harsh : sim::Scenario::swarm;
  const auto result = sim::run_transfer(scenario, seed, budget, onlooker);
  return {std::string(name(result.outcome)), is_failure(result.outcome), result.packets, result.took, result.violation};
}

void print_failure(Kind kind, std::uint64_t seed, const Result& result) {
  std::printf("seed %llu: %s after %.3f s of virtual time and %llu frames", static_cast<unsigned long long>(seed),
              result.outcome.c_str(), static_cast<double>(result.took.microseconds) / 1e6,
              static_cast<unsigned long long>(result.packets));
  if (result.violation) {
    std::array<Byte, 1024> room{};
    Writer out{MutableBytes(room)};
    write_text(out, *result.violation);
    const std::string_view text = as_text(out.written());
    std::printf(": %.*s", static_cast<int>(text.size()), text.data());
  }
  std::printf("\nrepeat it: ./dev sim --seeds %llu --scenario %s\n", static_cast<unsigned long long>(seed),
              std::string(kind_names[static_cast<std::size_t>(kind)]).c_str());
  std::fflush(stdout);
}

// Runs the seeds. True if none failed.
bool run(Kind kind, std::uint64_t first, std::uint64_t last, const sim::Onlooker& onlooker) {
  std::map<std::string, std::uint64_t> outcomes;
  std::uint64_t packets = 0, failures = 0;
  double virtual_seconds = 0;
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t seed = first;
  for (; seed <= last && failures < 20; ++seed) {
    Budget budget(std::size_t{1} << 30);
    const Result result = run_seed(kind, seed, budget, onlooker);
    ++outcomes[result.outcome];
    packets += result.packets;
    virtual_seconds += static_cast<double>(result.took.microseconds) / 1e6;
    if (!result.failed) continue;
    print_failure(kind, seed, result);
    ++failures;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::string line;
  for (const auto& [outcome, count] : outcomes)
    line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + outcome;
  std::printf("%s, seeds %llu-%llu: %s; %llu frames, %.0f virtual seconds in %.1f s\n",
              std::string(kind_names[static_cast<std::size_t>(kind)]).c_str(), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(seed - 1), line.c_str(), static_cast<unsigned long long>(packets),
              virtual_seconds, took.count());
  std::fflush(stdout);
  return failures == 0;
}

int run(const Options& options) {
  std::optional<effects::PcapWriter> capture;
  if (!options.pcap.empty()) {
    auto opened = effects::PcapWriter::open(options.pcap);
    if (!opened) {
      std::fprintf(stderr, "sim: %s\n", opened.error().text.c_str());
      return 1;
    }
    capture = std::move(*opened);
  }
  const auto reached = std::make_unique<sim::Coverage>();
  const sim::Onlooker onlooker{&capture,
                               [](void* to, Instant at, Bytes frame) {
                                 auto& file = *static_cast<std::optional<effects::PcapWriter>*>(to);
                                 if (file) file->write({&frame, 1}, {at.microseconds});
                               },
                               options.coverage ? reached.get() : nullptr};
  constexpr std::uint64_t enough_of_swarm = 1000, enough_of_hostile = 100;
  bool right = true;
  const auto seeds_of = [&](Kind kind) {
    const std::uint64_t enough = kind == Kind::hostile ? enough_of_hostile : enough_of_swarm;
    right = run(kind, options.first, options.last != 0 ? options.last : enough, onlooker) && right;
  };
  seeds_of(options.kind.value_or(Kind::swarm));
  if (options.coverage && !options.kind) seeds_of(Kind::hostile);
  if (capture && !capture->flush()) return 1;
  if (options.coverage) {
    Reasons reasons;
    right = reasons.read(LIMPID_UNREACHED) && reasons.judge(*reached) && right;
  }
  return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fprintf(stderr,
                 "sim: [--seeds A-B] [--scenario swarm|harsh|hostile] [--coverage] [--pcap FILE, for one seed]\n");
    return 2;
  }
  return run(options);
}
