// What becomes of the facts that server machines report: they are counted, logged and, where a person should know,
// complained of.
#pragma once

#include "limpid/effects/counters.hpp"
#include "limpid/effects/key_log_file.hpp"
#include "limpid/effects/log.hpp"
#include "limpid/stack/server.hpp"

namespace limpid::effects {

class Reports {
 public:
  // Everything outlives it; the logs are null if none are kept.
  Reports(WorkerCounters& counters, Complaints& complaints, LogForm log, const LogFile* access_log,
          const KeyLogFile* key_log);

  // `peer` is whom the machine that reports serves.
  void tell(const stream::Endpoint& peer, const http::RequestServed& served);
  void tell(const stream::Endpoint& peer, const tls::HandshakeDone& done);
  void tell(const stream::Endpoint& peer, const tls::Failed& failed);
  void tell(const stream::Endpoint& peer, const tls::KeyLog& log);
  // Nobody has asked for these yet.
  void tell(const stream::Endpoint&, const http::StaleReply&) {}
  void tell(const stream::Endpoint&, const tls::Truncated&) {}
  void tell(const stream::Endpoint&, const tls::Noted&) {}

  // Writes what can be written of the access log. To be called soon while it is behind().
  void write_logs();
  bool behind() const { return !access_log_.empty(); }

 private:
  WorkerCounters& counters_;
  Complaints& complaints_;
  LogForm log_;
  AccessLog access_log_;
  const KeyLogFile* key_log_;
  std::uint64_t lost_lines_told_ = 0;
};

}  // namespace limpid::effects
