#include "limpid/effects/server.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <csignal>
#include <thread>

#include "limpid/effects/sockets.hpp"

namespace limpid::effects {

namespace {

// Every worker has its own, since workers share nothing.
Result<stack::Identities> identities_of(std::span<const Credentials> credentials) {
  stack::Identities identities(startup_budget());
  for (const Credentials& each : credentials) {
    std::vector<Bytes> chain;
    for (const x509::Certificate& certificate : each.chain.certificates()) chain.push_back(certificate.der);
    auto list = x509::CertificateList::parse(chain, startup_budget());
    auto key = crypto::PrivateKey::from_bytes(each.key.type(), each.key.secret_bytes());
    if (!list || !key) return fail("cannot copy a certificate that was loaded before; free some memory");
    auto identity = stack::Identity::make(std::move(*list), std::move(*key), startup_budget());
    if (!identity) return fail("cannot serve a certificate: " + std::string(stack::describe(identity.error())));
    if (!identities.add(std::move(*identity))) return fail("too many certificates; serve fewer");
  }
  return identities;
}

}  // namespace

Result<Server> Server::open(const ServerOptions& options, const stack::Server::Config& config,
                            std::span<const Credentials> credentials, const Directory& site) {
  Server server(options.grace);
  std::vector<std::vector<Descriptor>> listeners(options.threads);
  for (stream::Endpoint endpoint : options.listen) {
    if (auto free = check_free(endpoint); !free) return std::unexpected(free.error());
    for (auto& share : listeners) {
      auto listener = listen_on(endpoint);
      if (!listener) return std::unexpected(listener.error());
      endpoint = local_endpoint(*listener);  // the others share the port that the first was given
      share.push_back(std::move(*listener));
    }
    server.endpoints_.push_back(endpoint);
  }
  for (auto& share : listeners) {
    auto identities = identities_of(credentials);
    if (!identities) return std::unexpected(identities.error());
    server.workers_.push_back(std::make_unique<Worker>(config, std::move(*identities), site,
                                                       options.memory / options.threads, std::move(share)));
  }
  return server;
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
