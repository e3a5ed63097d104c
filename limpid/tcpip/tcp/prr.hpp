// Proportional rate reduction (RFC 6937): while losses are repaired, sending is paced by what is delivered, and the
// window ends at the slow start threshold.
#pragma once

#include <algorithm>
#include <cstdint>

namespace limpid::tcpip::tcp {

struct Prr {
  std::uint32_t recover_fs = 1;  // in flight when recovery began
  std::uint32_t delivered = 0;   // since then
  std::uint32_t out = 0;         // sent since then

  // How much may be sent now, beyond `pipe` bytes in flight, after `delivered_data` bytes more were delivered.
  // `snd_una_advanced_without_loss`: then the slow start bound (PRR-SSRB), otherwise the conservative one (PRR-CRB).
  std::uint32_t quota(std::uint32_t delivered_data, std::uint32_t pipe, std::uint32_t ssthresh, std::uint32_t smss,
                      bool in_order_progress) {
    delivered += delivered_data;
    std::int64_t sndcnt = 0;
    if (pipe > ssthresh) {
      // "sndcnt = CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out"
      const std::uint64_t share = (std::uint64_t{delivered} * ssthresh + recover_fs - 1) / recover_fs;
      sndcnt = static_cast<std::int64_t>(share) - out;
    } else {
      std::int64_t limit = std::max<std::int64_t>(std::int64_t{delivered} - out, delivered_data);
      if (in_order_progress) limit += smss;
      // "Attempt to catch up, as permitted by limit"
      sndcnt = std::min<std::int64_t>(std::int64_t{ssthresh} - pipe, limit);
    }
    // The first retransmission goes out at once.
    if (out == 0) sndcnt = std::max<std::int64_t>(sndcnt, smss);
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(sndcnt, 0, 1 << 30));
  }

  static void fields(auto& self, auto&& visit) { visit(self.recover_fs, self.delivered, self.out); }
  bool restored(const auto&) const { return recover_fs > 0; }
};

}  // namespace limpid::tcpip::tcp
