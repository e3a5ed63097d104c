// How much may be in flight (RFC 5681): what all algorithms share, over one that says how the window grows in
// congestion avoidance and by how much congestion shrinks it. An algorithm is a value with two functions,
//
//     std::uint32_t growth(window, acked, srtt, now)   // bytes to add to cwnd for so many acknowledged
//     std::uint32_t reduced(window, now)                // the slow start threshold after congestion
#pragma once

#include "limpid/tcpip/tcp/cubic.hpp"
#include "limpid/tcpip/tcp/new_reno.hpp"

namespace limpid::tcpip::tcp {

class Congestion {
 public:
  Congestion() = default;
  Congestion(const Config& config, std::uint32_t smss) {
    window_.smss = smss;
    // RFC 6928, section 2: "min (10*MSS, max (2*MSS, 14600))", with the configured number for the ten.
    const std::uint32_t segments = config.initial_window_segments;
    window_.cwnd = std::max(2 * smss, std::min(segments * smss, std::max(2 * smss, segments * 1460)));
    if (config.congestion == CongestionControl::new_reno) algorithm_ = NewReno{};
  }

  std::uint32_t cwnd() const { return window_.cwnd; }
  std::uint32_t ssthresh() const { return window_.ssthresh; }
  bool in_slow_start() const { return window_.cwnd < window_.ssthresh; }
  void set_smss(std::uint32_t smss) { window_.smss = smss; }

  // So many bytes were newly acknowledged and the window was the limit.
  void acknowledged(std::uint32_t bytes, Duration srtt, Instant now) {
    if (in_slow_start()) {
      // By bytes, not by ACKs (RFC 3465): neither ACKs of merged segments nor split ones alter the pace.
      const std::uint32_t n = std::min(bytes, window_.ssthresh - window_.cwnd);
      grow(n);
      bytes -= n;
    }
    if (bytes == 0) return;
    grow(std::visit([&](auto& algorithm) { return algorithm.growth(window_, bytes, srtt, now); }, algorithm_));
  }

  // Loss, or its like: sets the threshold; cwnd is the recovery's (prr.hpp) until recovered().
  void congested(Instant now) {
    const std::uint32_t reduced =
        std::visit([&](auto& algorithm) { return algorithm.reduced(window_, now); }, algorithm_);
    window_.ssthresh = std::max(reduced, 2 * window_.smss);
  }
  // While recovering, and after a time-out: RFC 5681, section 3.1, "the loss window ... equals 1 full-sized segment",
  // beyond what is still in flight.
  void set_cwnd(std::uint32_t bytes) { window_.cwnd = std::min(std::max(bytes, window_.smss), most); }
  void recovered() { set_cwnd(window_.ssthresh); }
  // RFC 5681, section 4.1: after idleness, "RW = min(IW,cwnd)".
  void restart(std::uint32_t initial_window) {
    window_.cwnd = std::min(window_.cwnd, initial_window);
    std::visit([](auto& algorithm) { algorithm = {}; }, algorithm_);
  }

  static void fields(auto& self, auto&& visit) { visit(self.window_, self.algorithm_); }

 private:
  static constexpr std::uint32_t most = 1 << 30;

  void grow(std::uint32_t n) { window_.cwnd = std::min(window_.cwnd + std::min(n, most), most); }

  CongestionWindow window_;
  std::variant<Cubic, NewReno> algorithm_;
};

}  // namespace limpid::tcpip::tcp
