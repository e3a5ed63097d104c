#include "limpid/tcpip/tcp/synchronized.hpp"

namespace limpid::tcpip::tcp {

std::optional<Instant> Timers::earliest() const {
  std::optional<Instant> first;
  for (const auto* timer : {&retransmit, &loss_probe, &reorder, &delayed_ack, &persist, &keepalive, &user_timeout,
                            &fin_wait_2, &writable}) {
    if (*timer && (!first || **timer < *first)) first = *timer;
  }
  return first;
}

bool Synchronized::restored(const LoadContext& context) const {
  constexpr std::uint16_t least_mss = 64;
  constexpr std::uint32_t most_window = 1 << 30;
  for (const Instant t : {last_sent, tuning_since, last_heard, challenges_since}) {
    if (!is_near(t, context.now)) return false;
  }
  return peer_mss >= least_mss && path_mss >= least_mss && snd_wind_shift <= 14 && rcv_wind_shift <= 14 &&
         snd_wnd <= most_window && max_snd_wnd <= most_window && receive_limit <= most_window && receive_limit > 0 &&
         unconsumed <= 2 * most_window && rcv_wnd() <= 2 * most_window && rcv_mss > 0 &&
         (reassembly.empty() || reassembly.end() - rcv_nxt <= 2 * most_window) &&
         (!peer_finished || (fin_at && *fin_at + 1 == rcv_nxt)) &&
         (!fin_at || peer_finished || *fin_at - rcv_nxt <= 2 * most_window);
}

}  // namespace limpid::tcpip::tcp
