#include "limpid/effects/reports.hpp"

#include "limpid/effects/clock.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {

Reports::Reports(WorkerCounters& counters, Complaints& complaints, LogForm log, const LogFile* access_log,
                 const KeyLogFile* key_log)
    : counters_(counters), complaints_(complaints), log_(log), key_log_(key_log) {
  if (access_log != nullptr) access_log_ = AccessLog(*access_log, log);
}

void Reports::tell(const stream::Endpoint& peer, const http::RequestServed& served) {
  count(counters_.requests);
  count(counters_.answers[static_cast<std::size_t>(served.status) / 100 - 1]);
  count(counters_.body_bytes, served.body_bytes);
  if (served.abandoned == http::Abandoned::stalled) count(counters_.stalled);
  access_log_.add(peer, now().wall, served, counters_.log_lines_lost);
}

void Reports::tell(const stream::Endpoint&, const tls::HandshakeDone&) { count(counters_.handshakes); }

// At most one line a second, since whoever can connect can cause them; the counter has them all.
void Reports::tell(const stream::Endpoint& peer, const tls::Failed& failed) {
  count(counters_.tls_failures[static_cast<std::size_t>(failed.error.fault)]);
  if (failed.error.fault == tls::Fault::handshake_truncated) return;  // somebody looked whether a port is open
  if (!complaints_.of_tls.may(now().monotonic)) return;
  const auto words = tls::describe(failed.error.fault);
  std::string line = "TLS with " + to_string(peer) + " failed: ";
  line += words.sentence;
  line += " (";
  line += failed.error.fault == tls::Fault::alert_received ? tls::name(failed.alert) : words.name;
  complain(log_, line + ')');
}

void Reports::tell(const stream::Endpoint&, const tls::KeyLog& log) {
  if (key_log_ == nullptr) return;
  const int error = key_log_->write(log.lines);
  if (error != 0 && complaints_.of_log.may(now().monotonic)) {
    complain(log_, "cannot write the key log: " + system_words(error) + "; make room for it");
  }
}

void Reports::write_logs() {
  const int error = access_log_.flush();
  if (error == 0) return;
  const std::uint64_t lost = counters_.log_lines_lost.load(std::memory_order_relaxed);
  if ((error != EAGAIN || lost > lost_lines_told_) && complaints_.of_log.may(now().monotonic)) {
    lost_lines_told_ = lost;
    complain(log_, "cannot write the access log" +
                       (error == EAGAIN ? std::string(" as fast as requests come") : ": " + system_words(error)) +
                       "; " + std::to_string(lost) + " lines are lost so far; make room for it");
  }
}

}  // namespace limpid::effects
