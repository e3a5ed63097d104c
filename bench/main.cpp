// ./dev bench [NAME...] [--json FILE]: NAMEs are parts of benchmark names. Prints a table and, for programs, writes
// an array of {"name", "unit", "ours", "peer", "peer_name", "ratio"}; a ratio above 1 means ours is better.
#include <openssl/crypto.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/pair.hpp"

namespace limpid::bench {
namespace {

struct Pair {
  std::string unit, peer_name;
  bool less_is_better = false;
  double ours = 0, peer = 0;
};
std::vector<std::string> order;
std::map<std::string, Pair> pairs;
std::vector<std::string> wanted;

bool is_wanted(const std::string& name) {
  if (wanted.empty()) return true;
  for (const auto& part : wanted) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

// Collects the medians; the table is printed at the end.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median") {
        if (run.run_type == Run::RT_Iteration) std::fputc('.', stderr), std::fflush(stderr);
        continue;
      }
      const std::string& full = run.run_name.function_name;
      const auto slash = full.rfind('/');
      Pair& pair = pairs[full.substr(0, slash)];
      (full.substr(slash + 1) == "ours" ? pair.ours : pair.peer) = run.counters.at("rate");
    }
  }
};

}  // namespace

void add_rate(const std::string& name, const std::string& unit, const std::string& peer, std::size_t count, Job ours,
              Job peers) {
  if (!is_wanted(name)) return;
  order.push_back(name);
  pairs[name] = {unit + "/s", peer, false, 0, 0};
  const auto add = [&](const char* side, Job job) {
    benchmark::RegisterBenchmark((name + "/" + side).c_str(),
                                 [job = std::move(job), count](benchmark::State& state) {
                                   for (auto _ : state) state.SetIterationTime(job(count));
                                   state.counters["rate"] = benchmark::Counter(
                                       static_cast<double>(count) * static_cast<double>(state.iterations()),
                                       benchmark::Counter::kIsRate);
                                 })
        ->UseManualTime()
        ->MinTime(0.1)
        ->Repetitions(7)
        ->ReportAggregatesOnly(false);
  };
  add("ours", std::move(ours));
  add("peer", std::move(peers));
}

void add_size(const std::string& name, const std::string& peer, std::size_t ours, std::size_t peers) {
  if (!is_wanted(name)) return;
  order.push_back(name);
  pairs[name] = {"bytes", peer, true, static_cast<double>(ours), static_cast<double>(peers)};
}

}  // namespace limpid::bench

int main(int count, char** arguments) {
  using namespace limpid::bench;
  std::string json_file;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--json" && i + 1 < count) {
      json_file = arguments[++i];
    } else if (argument.starts_with("-")) {
      std::fprintf(stderr, "bench: unknown option '%s' (./dev help)\n", argument.c_str());
      return 2;
    } else {
      wanted.push_back(argument);
    }
  }
  add_memory();  // first: it counts OpenSSL's allocations
  add_handshakes();
  add_records();
  add_primitives();
  add_aead();
  if (order.empty()) {
    std::fprintf(stderr, "bench: no benchmark has such a name\n");
    return 2;
  }

  char program[] = "limpid_bench", interleave[] = "--benchmark_enable_random_interleaving=true";
  char* options[] = {program, interleave};
  int option_count = 2;
  benchmark::Initialize(&option_count, options);
  Collector collector;
  std::fprintf(stderr, "each pair runs seven times, taking turns; about two seconds a pair ");
  benchmark::RunSpecifiedBenchmarks(&collector);
  std::fputc('\n', stderr);

  nlohmann::json json = nlohmann::json::array();
  std::printf("%-44s %14s %14s  %-12s %6s\n", "", "limpid", "peer", "unit", "ratio");
  for (const auto& name : order) {
    const Pair& pair = pairs[name];
    const double ratio = pair.less_is_better ? pair.peer / pair.ours : pair.ours / pair.peer;
    std::printf("%-44s %14.0f %14.0f  %-12s %6.2f  (%s)\n", name.c_str(), pair.ours, pair.peer, pair.unit.c_str(),
                ratio, pair.peer_name.c_str());
    json.push_back({{"name", name},
                    {"unit", pair.unit},
                    {"ours", pair.ours},
                    {"peer", pair.peer},
                    {"peer_name", pair.peer_name},
                    {"ratio", ratio}});
  }
  std::printf("peer: %s\n", OpenSSL_version(OPENSSL_VERSION));
  if (!json_file.empty()) {
    std::ofstream file(json_file);
    file << json.dump(2) << '\n';
    if (!file) {
      std::fprintf(stderr, "bench: cannot write %s; name a file in a folder that you may write to\n",
                   json_file.c_str());
      return 1;
    }
  }
  return 0;
}
