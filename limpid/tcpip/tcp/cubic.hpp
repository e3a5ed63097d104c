// CUBIC (RFC 9438): after congestion the window follows W_cubic(t) = C * (t - K)^3 + W_max, or what Reno's would be if
// that is more. In integers: milliseconds, bytes.
#pragma once

#include "limpid/tcpip/tcp/new_reno.hpp"
#include "limpid/tcpip/tcp/rtt.hpp"

namespace limpid::tcpip::tcp {

class Cubic {
 public:
  std::uint32_t growth(const CongestionWindow& window, std::uint32_t acked, Duration srtt, Instant now);
  // Section 4.6: "ssthresh = flight_size * beta_cubic", 0.7.
  std::uint32_t reduced(const CongestionWindow& window, Instant now);

  static void fields(auto& self, auto&& visit) {
    visit(self.epoch_, self.w_max_, self.k_ms_, self.w_est_, self.credit_, self.est_credit_);
  }
  bool restored(const LoadContext& context) const {
    return (!epoch_ || is_near(*epoch_, context.now)) && credit_ <= UINT32_MAX && est_credit_ <= UINT64_MAX / 2 &&
           w_max_ <= 1 << 30 && w_est_ <= 1 << 30 && k_ms_ < 1 << 24;
  }

 private:
  std::optional<Instant> epoch_{};  // when the current congestion avoidance began
  std::uint32_t w_max_ = 0;         // the window before the last reduction; 0: there was none
  std::uint32_t k_ms_ = 0;          // when the curve reaches it again
  std::uint32_t w_est_ = 0;         // what Reno's window would be
  std::uint64_t credit_ = 0;        // acknowledged bytes times growth, not yet a byte
  std::uint64_t est_credit_ = 0;
};

// The largest r with r^3 <= n.
std::uint32_t integer_cube_root(std::uint64_t n);

}  // namespace limpid::tcpip::tcp
