#include "limpid/effects/server.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <thread>

#include "limpid/effects/sockets.hpp"

namespace limpid::effects {

namespace {

// Listens at an endpoint for every worker. Yields it with the port that was chosen for port 0.
Result<stream::Endpoint> listen_for_all(stream::Endpoint endpoint, bool redirects,
                                        std::vector<std::vector<Listener>>& shares) {
  if (auto free = check_free(endpoint); !free) return std::unexpected(free.error());
  for (auto& share : shares) {
    auto listener = listen_on(endpoint);
    if (!listener) return std::unexpected(listener.error());
    endpoint = local_endpoint(*listener);  // the others share the port that the first was given
    share.push_back({std::move(*listener), redirects});
  }
  return endpoint;
}

}  // namespace

Result<Server> Server::open(const ServerOptions& options, const stack::Server::Config& config,
                            std::span<const Credentials> credentials, const Directory& site) {
  Server server(options, config);
  Shares shares(options.threads);
  for (const stream::Endpoint& endpoint : options.listen) {
    const auto taken = listen_for_all(endpoint, false, shares);
    if (!taken) return std::unexpected(taken.error());
    server.endpoints_.push_back(*taken);
  }
  for (const stream::Endpoint& endpoint : options.redirect) {
    if (const auto taken = listen_for_all(endpoint, true, shares); !taken) return std::unexpected(taken.error());
  }
  auto sets = identities(credentials, server.generation_, shares.size());
  if (!sets) return std::unexpected(sets.error());
  server.make_workers(site, std::move(*sets), std::move(shares));
  return server;
}

Result<Server::Sets> Server::identities(std::span<const Credentials> credentials, std::uint16_t generation,
                                        std::size_t n) {
  Sets sets;
  while (sets.size() < n) {
    auto identities = identities_of(credentials, generation);
    if (!identities) return std::unexpected(identities.error());
    sets.push_back(std::move(*identities));
  }
  return sets;
}

WorkerSettings Server::settings(const Directory& site) const {
  return {.config = config_,
          .redirect_config = redirect_config_.get(),
          .site = site,
          .complaints = *complaints_,
          .memory = options_.memory / options_.threads,
          .log = options_.log,
          .access_log = options_.access_log,
          .key_log = options_.key_log,
          .recorder = options_.recorder};
}

void Server::make_workers(const Directory& site, Sets sets, Shares shares) {
  redirect_config_ = std::make_unique<stack::Server::Config>(config_);
  redirect_config_->tls.reset();
  redirect_config_->http.https_port = endpoints_[0].port;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(settings(site), std::move(sets[i]), std::move(shares[i])));
  }
}

Result<void> Server::renew(std::span<const Credentials> credentials) {
  auto sets = identities(credentials, static_cast<std::uint16_t>(generation_ + 1), workers_.size());
  if (!sets) return std::unexpected(sets.error());
  ++generation_;
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->renew(std::move((*sets)[i]));
  return {};
}

void Server::run(Signals& signals, const std::function<void(int)>& on_signal) {
  start_workers();
  Duration grace = options_.grace;
  for (;;) {
    // A negative descriptor is passed over.
    pollfd waiting[] = {
        {signals.descriptor(), POLLIN, 0}, {over_.get(), POLLIN, 0}, {control_ ? control_->listener() : -1, POLLIN, 0}};
    if (::poll(waiting, 3, -1) < 0) continue;
    if (waiting[1].revents != 0) return stop_workers();
    while (const auto signal = signals.take()) {
      if (*signal == SIGTERM || *signal == SIGINT) {
        draining_ = true;
        for (const auto& worker : workers_) worker->drain(grace);
        grace = {};
      } else {
        on_signal(*signal);
      }
    }
    if (waiting[2].revents == 0) continue;
    if (moved_away()) return;
  }
}

void Server::start_workers() {
  over_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
  running_->store(workers_.size());
  for (const auto& worker : workers_) {
    threads_.emplace_back([worker = worker.get(), running = running_.get(), over = over_.get()] {
      worker->run();
      if (running->fetch_sub(1) == 1) {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(over, &one, sizeof one));
      }
    });
  }
}

void Server::stop_workers() {
  for (const auto& worker : workers_) worker->pause();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace limpid::effects
