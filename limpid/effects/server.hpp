// Drives application machines over sockets: one share-nothing worker per thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "limpid/effects/credentials.hpp"
#include "limpid/effects/failure.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/effects/signals.hpp"
#include "limpid/effects/worker.hpp"

namespace limpid::effects {

struct ServerOptions {
  std::vector<stream::Endpoint> listen;
  std::vector<stream::Endpoint> redirect;  // listen here, too, and answer with where the first of `listen` is
  unsigned threads = 1;
  std::size_t memory = std::size_t{1} << 30;  // what all connections together may hold
  Duration grace = seconds(30);               // how long a drain may take before what is left is cut off
  LogForm log = LogForm::text;
  const LogFile* access_log = nullptr;  // outlives the server
  Recorder* recorder = nullptr;         // of what the machines are told, if that is wanted; outlives the server
};

class Server {
 public:
  // Listens everywhere or nowhere. `config` and `site` must outlive the server. `credentials` are what TLS shows, none
  // without it. Nothing is accepted yet.
  static Result<Server> open(const ServerOptions& options, const stack::Server::Config& config,
                             std::span<const Credentials> credentials, const Directory& site);

  // Other certificates and keys from now on, for connections that begin from now on. Nothing changes if that fails.
  Result<void> renew(std::span<const Credentials> credentials);

  // Where it listens, with the ports that were chosen for port 0.
  const std::vector<stream::Endpoint>& endpoints() const { return endpoints_; }

  // Serves until SIGTERM or SIGINT, then stops accepting, lets what is under way finish for at most `grace`, and
  // returns. A second signal cuts that short. `on_signal` is told of the others.
  void run(Signals& signals, const std::function<void(int)>& on_signal);

  const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }

 private:
  explicit Server(Duration grace) : grace_(grace) {}
  Duration grace_;
  std::uint16_t generation_ = 0;  // of the identities
  std::unique_ptr<stack::Server::Config> redirect_config_;
  std::unique_ptr<Complaints> complaints_ = std::make_unique<Complaints>();
  std::vector<stream::Endpoint> endpoints_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace limpid::effects
