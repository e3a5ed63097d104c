#include "check.hpp"

#include <cstdio>
#include <memory>

#include "common.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/pcap.hpp"
#include "limpid/sim/oracle.hpp"

namespace limpid::apps {
namespace {

constexpr std::size_t memory = std::size_t{1} << 30;  // for what is known of connections

// Whether the capture holds what the RFCs demand.
Result<bool> run(const std::string& path) {
  auto capture = effects::PcapReader::open(path);
  if (!capture) return std::unexpected(capture.error());
  Budget budget(memory);
  sim::OracleOptions options;
  options.view = sim::View::tapped;
  sim::Oracle oracle(options, budget);
  std::uint64_t number = 0;
  std::size_t told = 0;
  Instant at{};
  std::optional<Failure> damage;
  for (;;) {
    auto next = capture->next();
    if (!next) {
      damage = next.error();
      break;
    }
    if (!*next) break;
    at = {(*next)->time.microseconds};
    oracle.captured({++number, at, (*next)->bytes, (*next)->size, 0, (*next)->bare});
    for (const auto found = oracle.report().violations(); told < found.size(); ++told) {
      const auto text = effects::text_of([&](Writer& out) { write_text(out, found[told]); });
      std::printf("packet %llu: %s\n", static_cast<unsigned long long>(found[told].packet), text.c_str());
    }
  }
  oracle.finish(at);
  const auto& report = oracle.report();
  const auto count = [](std::uint64_t n, const char* what) {
    return n == 0 ? std::string() : ", " + std::to_string(n) + " " + what;
  };
  std::string line = std::to_string(number) + " frames, " + std::to_string(report.tcp_segments) + " TCP segments of " +
                     std::to_string(report.connections) + " connections";
  line += count(report.offloaded_checksums, "checksums left to a device");
  line += count(report.superframes, "superframes");
  line += count(report.cut_short, "frames cut short");
  line += count(report.not_judged, "segments of connections whose beginning is missing");
  line += ": " + std::to_string(report.total()) + (report.total() == 1 ? " violation" : " violations");
  std::printf("%s\n", line.c_str());
  if (damage) {
    std::fflush(stdout);
    return std::unexpected(*damage);
  }
  return report.total() == 0;
}

}  // namespace

void add_check(CLI::App& tool, int& status) {
  CLI::App* command = tool.add_subcommand("check", "judge a capture with the TCP oracle");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "a capture, as tcpdump -w writes them")->required()->type_name("FILE.pcap");
  command->callback([file, &status] {
    const auto judged = run(*file);
    status = !judged ? complain(judged.error()) : *judged ? done : failed;
  });
}

}  // namespace limpid::apps
