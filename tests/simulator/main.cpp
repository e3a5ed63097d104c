// The network simulator as a program: limpid_simulator [--seeds A-B] [--scenario swarm|harsh] [--coverage] [--pcap FILE]
//
// Each seed is one transfer between two hosts over a bad network (limpid/sim/transfer.hpp). A seed that fails prints
// the line that repeats it. With --pcap, for one seed, the frames that left the hosts are written down.
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
#include "limpid/sim/transfer.hpp"

namespace {

using namespace limpid;

struct Options {
  std::uint64_t first = 1, last = 1000;
  sim::Scenario scenario = sim::Scenario::swarm;
  bool coverage = false;
  std::string pcap;
};

struct Watch {
  std::map<std::string, std::uint64_t> seeds_with;  // how many seeds made a counter grow
  std::map<std::string, std::uint64_t> of_this_seed;
  std::optional<effects::PcapWriter> capture;

  void frame(Instant at, Bytes frame) {
    if (capture) capture->write({&frame, 1}, {at.microseconds});
  }
  void seed_ended() {
    for (const auto& [name, value] : of_this_seed) seeds_with[name] += value > 0 ? 1 : 0;
    of_this_seed.clear();
  }
};

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
      if (options.first > options.last) return false;
    } else if (word == "--scenario") {
      if (value != "swarm" && value != "harsh") return false;
      options.scenario = value == "harsh" ? sim::Scenario::harsh : sim::Scenario::swarm;
    } else if (word == "--pcap") {
      options.pcap = value;
    } else {
      return false;
    }
  }
  return options.pcap.empty() || options.first == options.last;
}

void print_failure(const Options& options, std::uint64_t seed, const sim::TransferResult& result) {
  const std::string_view outcome = name(result.outcome);
  std::printf("seed %llu: %.*s after %.3f s of virtual time and %llu frames", static_cast<unsigned long long>(seed),
              static_cast<int>(outcome.size()), outcome.data(), static_cast<double>(result.took.microseconds) / 1e6,
              static_cast<unsigned long long>(result.packets));
  if (result.violation) {
    std::array<Byte, 1024> room{};
    Writer out{MutableBytes(room)};
    write_text(out, *result.violation);
    const std::string_view text = as_text(out.written());
    std::printf(": %.*s", static_cast<int>(text.size()), text.data());
  }
  std::printf("\nrepeat it: ./dev sim --seeds %llu%s\n", static_cast<unsigned long long>(seed),
              options.scenario == sim::Scenario::harsh ? " --scenario harsh" : "");
  std::fflush(stdout);
}

int run(const Options& options) {
  Watch watch;
  if (!options.pcap.empty()) {
    auto capture = effects::PcapWriter::open(options.pcap);
    if (!capture) {
      std::fprintf(stderr, "sim: %s\n", capture.error().text.c_str());
      return 1;
    }
    watch.capture = std::move(*capture);
  }
  const sim::TransferWatch hooks{
      &watch, [](void* self, Instant at, Bytes frame) { static_cast<Watch*>(self)->frame(at, frame); },
      [](void* self, std::string_view group, std::string_view name, std::uint64_t value) {
        static_cast<Watch*>(self)->of_this_seed[std::string(group) + "." + std::string(name)] += value;
      }};
  std::map<sim::Outcome, std::uint64_t> outcomes;
  std::uint64_t packets = 0, failures = 0;
  double virtual_seconds = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
    Budget budget(std::size_t{1} << 30);
    const auto result = sim::run_transfer(options.scenario, seed, budget, hooks);
    watch.seed_ended();
    ++outcomes[result.outcome];
    packets += result.packets;
    virtual_seconds += static_cast<double>(result.took.microseconds) / 1e6;
    if (!is_failure(result.outcome)) continue;
    print_failure(options, seed, result);
    if (++failures == 20) break;
  }
  if (watch.capture && !watch.capture->flush()) return 1;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (options.coverage) {
    for (const auto& [name, seeds] : watch.seeds_with) {
      std::printf("%8llu  %s\n", static_cast<unsigned long long>(seeds), name.c_str());
    }
  }
  std::string line;
  for (const auto& [outcome, count] : outcomes) {
    line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name(outcome));
  }
  std::printf("seeds %llu-%llu: %s; %llu frames, %.0f virtual seconds in %.1f s\n",
              static_cast<unsigned long long>(options.first), static_cast<unsigned long long>(options.last),
              line.c_str(), static_cast<unsigned long long>(packets), virtual_seconds, took.count());
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fprintf(stderr, "sim: [--seeds A-B] [--scenario swarm|harsh] [--coverage] [--pcap FILE, for one seed]\n");
    return 2;
  }
  return run(options);
}
