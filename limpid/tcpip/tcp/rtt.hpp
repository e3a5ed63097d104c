// Round-trip times and the retransmission time-out (RFC 6298).
#pragma once

#include "limpid/core/snapshot.hpp"
#include "limpid/tcpip/tcp/config.hpp"

namespace limpid::tcpip::tcp {

// Instants come from snapshots, too: those of a sane one are so near to now that no difference of two overflows.
inline bool is_near(Instant t, Instant now) {
  std::int64_t difference = 0;
  return !__builtin_sub_overflow(t.microseconds, now.microseconds, &difference) &&
         difference < (std::int64_t{1} << 60) && difference > -(std::int64_t{1} << 60);
}

class RoundTripTime {
 public:
  bool measured() const { return srtt_.microseconds > 0; }
  Duration srtt() const { return srtt_; }
  Duration rttvar() const { return rttvar_; }
  // The smallest of the last 10 to 20 seconds: RFC 8985 wants a windowed filter.
  Duration min_rtt() const { return std::min(recent_min_, earlier_min_); }

  void sample(Duration r, Instant now) {
    r = std::max(r, microseconds(1));
    if (!measured()) {
      // "(2.2) SRTT <- R, RTTVAR <- R/2"
      srtt_ = r;
      rttvar_ = {r.microseconds / 2};
    } else {
      // "(2.3) RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|, SRTT <- (1 - alpha) * SRTT + alpha * R'"
      const std::int64_t error = srtt_.microseconds - r.microseconds;
      rttvar_ = {rttvar_.microseconds - rttvar_.microseconds / 4 + (error < 0 ? -error : error) / 4};
      srtt_ = {std::max<std::int64_t>(1, srtt_.microseconds - srtt_.microseconds / 8 + r.microseconds / 8)};
    }
    if (now - min_since_ >= seconds(10)) {
      earlier_min_ = recent_min_;
      recent_min_ = r;
      min_since_ = now;
    }
    recent_min_ = std::min(recent_min_, r);
    // The first one counts for both.
    if (earlier_min_ == never) earlier_min_ = recent_min_;
  }

  // "(2.1) Until a round-trip time measurement has been made ... the sender SHOULD set RTO <- 1 second";
  // "(2.3) RTO <- SRTT + max (G, K*RTTVAR)" with K = 4; "(5.5) The host MUST set RTO <- RTO * 2", `backoff` times.
  Duration rto(const Config& config, std::uint8_t backoff) const {
    Duration rto = syn_was_lost_ ? std::max(config.initial_rto, seconds(3)) : config.initial_rto;
    // The least RTO stands for what an ACK may be late however steady the path is, so it comes on top of the path.
    if (measured()) rto = {srtt_.microseconds + std::max(config.min_rto.microseconds, 4 * rttvar_.microseconds)};
    for (std::uint8_t i = 0; i < backoff && rto < config.max_rto; ++i) rto = {rto.microseconds * 2};
    return std::min(rto, config.max_rto);
  }

  // "(5.7) If the timer expires awaiting the ACK of a SYN segment ... the RTO MUST be re-initialized to 3 seconds when
  // data transmission begins."
  void syn_was_lost() { syn_was_lost_ = true; }

  static void fields(auto& self, auto&& visit) {
    visit(self.syn_was_lost_, self.srtt_, self.rttvar_, self.recent_min_, self.earlier_min_, self.min_since_);
  }
  bool restored(const LoadContext& context) const {
    const auto sane = [](Duration d) { return d >= Duration{} && d <= never; };
    return is_near(min_since_, context.now) && sane(srtt_) && sane(rttvar_) && sane(recent_min_) && sane(earlier_min_);
  }

 private:
  static constexpr Duration never = seconds(1 << 24);

  bool syn_was_lost_ = false;
  Duration srtt_{};
  Duration rttvar_{};
  Duration recent_min_ = never;
  Duration earlier_min_ = never;
  Instant min_since_{};
};

}  // namespace limpid::tcpip::tcp
