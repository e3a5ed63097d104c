// What the oracle found, and how it is told.
#pragma once

#include <array>

#include "limpid/core/stream.hpp"
#include "limpid/core/time.hpp"
#include "limpid/core/vec.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/sim/oracle_rules.hpp"

namespace limpid::sim {

// How much of the traffic the oracle sees.
enum class View : std::uint8_t {
  whole,   // what left each host and what reached each host, when and in order: simulated links
  tapped,  // frames where they passed one place: a capture. Later some may have been lost, before that some were
};

struct OracleOptions {
  View view = View::whole;
  Duration least_rto = milliseconds(200);  // no time-out is shorter
  bool full_acks = true;                   // ack_frequency is judged (in a whole view only)
  // What reaches a host it takes, and what it sends leaves it. Otherwise, where memory is short or links go down, it is
  // not judged when acknowledgements come, nor which resets lie beyond what was seen.
  bool able_hosts = true;
  std::uint16_t least_mss = 0;  // a smaller one of a peer's is taken for this (CVE-2019-11479)
  std::size_t most_connections = 1 << 16;
  std::size_t most_violations = 1 << 10;  // kept; all are counted
};

struct Violation {
  Rule rule{};
  std::uint64_t packet = 0;  // the number that its caller gave it
  Instant at;
  stream::Endpoint source, destination;  // ports are 0 outside TCP and UDP
  std::int64_t found = 0, allowed = 0;   // in the rule's own unit
};

class OracleReport {
 public:
  OracleReport(const OracleOptions& options, Budget& budget) : most_(options.most_violations), violations_(budget) {}

  void violated(const Violation& violation) {
    if (muted) return;
    ++total_;
    ++by_rule_[static_cast<std::size_t>(violation.rule)];
    if (violations_.size() < most_) (void)violations_.push_back(violation);  // counted in any case
  }

  // In the order of packets.
  std::span<const Violation> violations() const { return {violations_.data(), violations_.size()}; }
  std::uint64_t total() const { return total_; }
  std::uint64_t count(Rule rule) const { return by_rule_[static_cast<std::size_t>(rule)]; }

  bool muted = false;  // what is found is nothing to report
  std::uint64_t frames = 0;
  std::uint64_t tcp_segments = 0;
  std::uint64_t connections = 0;
  std::uint64_t offloaded_checksums = 0;  // a device was to finish them behind the tap
  std::uint64_t superframes = 0;          // longer than the receiver's maximum segment size, cut or merged by a device
  std::uint64_t not_judged = 0;  // segments of connections whose beginning was not seen, or for which no room was
  std::uint64_t cut_short = 0;   // frames of which the capture holds only the beginning

 private:
  std::size_t most_;
  Vec<Violation> violations_;
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, rule_count> by_rule_{};
};

// "ack_beyond_received: 10.9.0.1:80 > 10.9.0.2:4000: found 5, allowed 4 (RFC 9293 ...)". No end of line.
void write_text(Writer& out, const Violation& violation);

}  // namespace limpid::sim
