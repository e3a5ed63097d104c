// Drives application machines over sockets: one share-nothing worker per thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "limpid/effects/credentials.hpp"
#include "limpid/effects/failure.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/effects/hand_over.hpp"
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
  const KeyLogFile* key_log = nullptr;  // likewise; the configuration must ask for what is to be told there
  Recorder* recorder = nullptr;         // of what the machines are told, if that is wanted; outlives the server
};

class Server {
 public:
  // Listens everywhere or nowhere. `config` and `site` must outlive the server. `credentials` are what TLS shows, none
  // without it. Nothing is accepted yet.
  static Result<Server> open(const ServerOptions& options, const stack::Server::Config& config,
                             std::span<const Credentials> credentials, const Directory& site);

  // Goes on where another server stands, whose control socket is at `path`: with its listeners, and its connections in
  // mid-transfer (hand_over.hpp). `options.listen` and `redirect`, unless empty, must be what it listens on. On failure
  // that one goes on, if it is alive.
  static Result<Server> take_over(const ServerOptions& options, const stack::Server::Config& config,
                                  std::span<const Credentials> credentials, const Directory& site,
                                  const std::string& path);
  // What was taken over.
  struct Taken {
    std::size_t connections = 0;
    int process = 0;  // from which
  };
  const Taken& taken() const { return taken_; }

  // From now on others may take over from here.
  void set_control(Control control) { control_ = std::move(control); }

  // Other certificates and keys from now on, for connections that begin from now on. Nothing changes if that fails.
  Result<void> renew(std::span<const Credentials> credentials);

  // Where it listens, with the ports that were chosen for port 0.
  const std::vector<stream::Endpoint>& endpoints() const { return endpoints_; }

  // Serves until SIGTERM or SIGINT, then stops accepting, lets what is under way finish for at most `grace`, and
  // returns. A second signal cuts that short. Returns also when another process has taken over. `on_signal` is told of
  // the other signals.
  void run(Signals& signals, const std::function<void(int)>& on_signal);

  const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }

 private:
  using Shares = std::vector<std::vector<Listener>>;  // of the listeners, one for each worker
  using Sets = std::vector<std::unique_ptr<IdentitySet>>;

  Server(const ServerOptions& options, const stack::Server::Config& config) : options_(options), config_(config) {}
  static Result<Sets> identities(std::span<const Credentials> credentials, std::uint16_t generation, std::size_t n);
  WorkerSettings settings(const Directory& site) const;
  void make_workers(const Directory& site, Sets sets, Shares shares);
  void start_workers();
  void stop_workers();

  // server_moving.cpp
  class Mover;
  bool moved_away();  // to a process that asks at the control socket

  ServerOptions options_;
  const stack::Server::Config& config_;
  std::uint16_t generation_ = 0;  // of the identities
  std::unique_ptr<stack::Server::Config> redirect_config_;
  std::unique_ptr<Complaints> complaints_ = std::make_unique<Complaints>();
  std::vector<stream::Endpoint> endpoints_;
  std::vector<std::unique_ptr<Worker>> workers_;

  std::optional<Control> control_;
  Taken taken_;
  bool draining_ = false;
  std::vector<std::thread> threads_;
  Descriptor over_;  // readable once all of them ended
  std::unique_ptr<std::atomic<std::size_t>> running_ = std::make_unique<std::atomic<std::size_t>>(0);
};

}  // namespace limpid::effects
