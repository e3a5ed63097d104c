#include "limpid/effects/server.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <thread>

#include "limpid/effects/sockets.hpp"

namespace limpid::effects {

namespace {

// Every worker has its own, since workers share nothing.
Result<std::unique_ptr<IdentitySet>> identities_of(std::span<const Credentials> credentials, std::uint16_t generation) {
  auto set = std::make_unique<IdentitySet>(generation);
  for (const Credentials& each : credentials) {
    std::vector<Bytes> chain;
    for (const x509::Certificate& certificate : each.chain.certificates()) chain.push_back(certificate.der);
    auto list = x509::CertificateList::parse(chain, set->budget);
    auto key = crypto::PrivateKey::from_bytes(each.key.type(), each.key.secret_bytes());
    if (!list || !key) return fail("cannot copy a certificate that was loaded before; free some memory");
    auto identity = stack::Identity::make(std::move(*list), std::move(*key), set->budget);
    if (!identity) return fail("cannot serve a certificate: " + std::string(stack::describe(identity.error())));
    if (!set->identities.add(std::move(*identity))) return fail("too many certificates; serve fewer");
  }
  return set;
}

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
  Server server(options.grace);
  std::vector<std::vector<Listener>> shares(options.threads);
  for (const stream::Endpoint& endpoint : options.listen) {
    const auto taken = listen_for_all(endpoint, false, shares);
    if (!taken) return std::unexpected(taken.error());
    server.endpoints_.push_back(*taken);
  }
  for (const stream::Endpoint& endpoint : options.redirect) {
    if (const auto taken = listen_for_all(endpoint, true, shares); !taken) return std::unexpected(taken.error());
  }
  server.redirect_config_ = std::make_unique<stack::Server::Config>(config);
  server.redirect_config_->tls.reset();
  server.redirect_config_->http.https_port = server.endpoints_[0].port;
  const WorkerSettings settings{.config = config,
                                .redirect_config = server.redirect_config_.get(),
                                .site = site,
                                .complaints = *server.complaints_,
                                .memory = options.memory / options.threads,
                                .log = options.log,
                                .access_log = options.access_log,
                                .recorder = options.recorder};
  for (auto& share : shares) {
    auto identities = identities_of(credentials, server.generation_);
    if (!identities) return std::unexpected(identities.error());
    server.workers_.push_back(std::make_unique<Worker>(settings, std::move(*identities), std::move(share)));
  }
  return server;
}

Result<void> Server::renew(std::span<const Credentials> credentials) {
  std::vector<std::unique_ptr<IdentitySet>> sets;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto identities = identities_of(credentials, static_cast<std::uint16_t>(generation_ + 1));
    if (!identities) return std::unexpected(identities.error());
    sets.push_back(std::move(*identities));
  }
  ++generation_;
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->renew(std::move(sets[i]));
  return {};
}

void Server::run(Signals& signals, const std::function<void(int)>& on_signal) {
  std::vector<std::thread> threads;
  std::atomic<std::size_t> running = workers_.size();
  const Descriptor over(::eventfd(0, EFD_CLOEXEC));
  for (const auto& worker : workers_) {
    threads.emplace_back([&] {
      worker->run();
      if (running.fetch_sub(1) == 1) {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(over.get(), &one, sizeof one));
      }
    });
  }
  Duration grace = grace_;
  for (;;) {
    pollfd waiting[] = {{signals.descriptor(), POLLIN, 0}, {over.get(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) break;
    while (const auto signal = signals.take()) {
      if (*signal == SIGTERM || *signal == SIGINT) {
        for (const auto& worker : workers_) worker->drain(grace);
        grace = {};
      } else {
        on_signal(*signal);
      }
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace limpid::effects
