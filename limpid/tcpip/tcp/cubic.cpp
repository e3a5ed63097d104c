#include "limpid/tcpip/tcp/cubic.hpp"

namespace limpid::tcpip::tcp {

std::uint32_t integer_cube_root(std::uint64_t n) {
  std::uint32_t root = 0;
  for (int bit = 21; bit >= 0; --bit) {
    const std::uint64_t r = root | std::uint32_t{1} << bit;
    if (r <= 2642245 && r * r * r <= n) root = static_cast<std::uint32_t>(r);  // 2642245 is the cube root of 2^64 - 1
  }
  return root;
}

std::uint32_t Cubic::growth(const CongestionWindow& window, std::uint32_t acked, Duration srtt, Instant now) {
  const std::uint32_t cwnd = window.cwnd;
  if (!epoch_) {
    epoch_ = now;
    w_est_ = cwnd;
    credit_ = est_credit_ = 0;
    w_max_ = std::max(w_max_, cwnd);
    // "K = cubic_root((W_max - cwnd_epoch) / C)", C = 0.4 segments per second cubed.
    k_ms_ = integer_cube_root(std::uint64_t{w_max_ - cwnd} * 2'500'000'000 / window.smss);
  }
  // Section 4.2: the target is where the curve will be in a round-trip time, at most 1.5 * cwnd, at least cwnd.
  const std::int64_t t_ms = std::min<std::int64_t>((now + srtt - *epoch_).microseconds / 1000, 1 << 20);
  const std::int64_t from_k = std::clamp<std::int64_t>(t_ms - k_ms_, -(1 << 20), 1 << 20);
  const std::int64_t cubed = from_k * from_k / 1000 * from_k / 1000;  // in thousandths of a second cubed
  const std::int64_t curve = w_max_ + cubed * 4 / 10'000 * window.smss + cubed * 4 % 10'000 * window.smss / 10'000;
  const auto target = static_cast<std::uint32_t>(std::clamp<std::int64_t>(curve, cwnd, std::int64_t{cwnd} * 3 / 2));

  // Section 4.3: "W_est = W_est + alpha_cubic * (segments_acked / cwnd)", with alpha = 3 * (1 - beta) / (1 + beta) =
  // 9/17 until W_est has reached the window before the reduction, then 1.
  const bool regained = w_est_ >= w_max_;
  est_credit_ += std::uint64_t{acked} * window.smss * (regained ? 17 : 9);
  const std::uint64_t est_step = std::uint64_t{cwnd} * 17;
  w_est_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(w_est_ + est_credit_ / est_step, 1 << 30));
  est_credit_ %= est_step;

  // Section 4.4: "cwnd MUST be incremented by (target - cwnd)/cwnd" for each segment that is acknowledged.
  credit_ += std::uint64_t{acked} * (target - cwnd);
  const std::uint64_t cubic_growth = std::min<std::uint64_t>(credit_ / cwnd, cwnd / 2);
  credit_ %= cwnd;
  // "If W_cubic(t) is less than W_est(t), CUBIC is in the Reno-friendly region", where cwnd is W_est.
  const std::uint64_t reno_growth = w_est_ > cwnd && curve < w_est_ ? w_est_ - cwnd : 0;
  return static_cast<std::uint32_t>(std::max(cubic_growth, reno_growth));
}

std::uint32_t Cubic::reduced(const CongestionWindow& window, Instant) {
  epoch_.reset();
  // Section 4.7, fast convergence: "if cwnd < W_max ... W_max = cwnd * (1 + beta_cubic) / 2", so that a flow that has
  // to give up bandwidth gives up more.
  const std::uint64_t cwnd = window.cwnd;
  w_max_ = static_cast<std::uint32_t>(cwnd < w_max_ ? cwnd * 17 / 20 : cwnd);
  return static_cast<std::uint32_t>(cwnd * 7 / 10);
}

}  // namespace limpid::tcpip::tcp
