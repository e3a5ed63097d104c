// Additive increase, multiplicative decrease (RFC 5681).
#pragma once

#include <algorithm>

#include "limpid/core/snapshot.hpp"
#include "limpid/tcpip/tcp/config.hpp"

namespace limpid::tcpip::tcp {

// In bytes.
struct CongestionWindow {
  std::uint32_t cwnd = 1;
  std::uint32_t ssthresh = 1 << 30;
  std::uint32_t smss = 1;
  static void fields(auto& self, auto&& visit) { visit(self.cwnd, self.ssthresh, self.smss); }
  bool restored(const LoadContext&) const {
    return cwnd > 0 && cwnd <= 1 << 30 && ssthresh <= 1 << 30 && smss > 0 && smss <= UINT16_MAX;
  }
};

class NewReno {
 public:
  // Section 3.1: a full-sized segment for each window's worth of acknowledged bytes.
  std::uint32_t growth(const CongestionWindow& window, std::uint32_t acked, Duration, Instant) {
    acked_ += acked;
    if (acked_ < window.cwnd) return 0;
    const std::uint32_t windows = acked_ / window.cwnd;
    acked_ -= windows * window.cwnd;
    return windows * window.smss;
  }
  // "ssthresh = max (FlightSize / 2, 2*SMSS)"; the window stands for what is in flight, since it grows only while it is
  // the limit.
  std::uint32_t reduced(const CongestionWindow& window, Instant) {
    acked_ = 0;
    return window.cwnd / 2;
  }
  static void fields(auto& self, auto&& visit) { visit(self.acked_); }
  bool restored(const LoadContext&) const { return acked_ <= 1 << 30; }

 private:
  std::uint32_t acked_ = 0;  // since the last increase
};

}  // namespace limpid::tcpip::tcp
