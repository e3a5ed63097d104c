// A server of workers on its way to another process, and from one.
#include "limpid/effects/server.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {
namespace {

bool listens_elsewhere(const std::vector<stream::Endpoint>& wanted, std::span<const stream::Endpoint> there) {
  // Port 0 is any.
  const auto is_there = [&](const stream::Endpoint& endpoint) {
    return std::any_of(there.begin(), there.end(), [&](const stream::Endpoint& each) {
      return each.address == endpoint.address && (endpoint.port == 0 || each.port == endpoint.port);
    });
  };
  return !wanted.empty() && (wanted.size() != there.size() || !std::all_of(wanted.begin(), wanted.end(), is_there));
}

// None of the listeners is closed, since what waits in it would be reset. Workers of which there are more than
// listeners on an endpoint open their own.
std::vector<std::vector<Listener>> share_out(std::vector<std::pair<Descriptor, hand_over::Listener>> listeners,
                                             std::size_t workers) {
  std::vector<std::vector<Listener>> shares(workers);
  std::vector<std::pair<stream::Endpoint, std::size_t>> dealt;  // how many of each endpoint
  for (auto& [socket, listener] : listeners) {
    const stream::Endpoint endpoint = local_endpoint(socket);
    const auto known =
        std::find_if(dealt.begin(), dealt.end(), [&](const auto& each) { return each.first == endpoint; });
    const std::size_t n = known == dealt.end() ? dealt.emplace_back(endpoint, 0).second++ : known->second++;
    shares[n % workers].push_back({std::move(socket), listener.redirects});
  }
  for (const auto& [endpoint, n] : dealt) {
    const bool redirects = std::any_of(shares[0].begin(), shares[0].end(), [&](const Listener& each) {
      return each.redirects && local_endpoint(each.socket) == endpoint;
    });
    for (std::size_t i = n; i < workers; ++i) {
      if (auto listener = listen_on(endpoint)) shares[i].push_back({std::move(*listener), redirects});
    }
  }
  return shares;
}

}  // namespace

// ---- The old side ---------------------------------------------------------------------------------------------------

class Server::Mover final : public Giver {
 public:
  explicit Mover(Server& server) : server_(server) {}

  hand_over::Hello hello() const override {
    hand_over::Hello hello;
    hello.secure = server_.config_.tls.has_value();
    return hello;
  }
  bool draining() const override { return server_.draining_; }
  bool offer(hand_over::Offer& offer) override {
    for (const auto& worker : server_.workers_) {
      offer.memory += worker->counters().memory.load(std::memory_order_relaxed);
    }
    offer.generation = server_.generation_;
    return offer.endpoints.append(std::span<const stream::Endpoint>(server_.endpoints_)) &&
           offer.redirect.append(std::span<const stream::Endpoint>(server_.options_.redirect));
  }
  void stop() override { server_.stop_workers(); }
  void start() override { server_.start_workers(); }
  Result<void> give(SealedSeries& series, const GiveListener& listener, const GiveConnection& connection) override {
    for (const auto& worker : server_.workers_) {
      for (const Listener& each : worker->listeners()) {
        if (auto given = listener(each.socket.get(), {each.redirects}); !given) return given;
      }
      if (auto given = worker->hand_over(series, connection); !given) return given;
    }
    return {};
  }
  void take_back(const SealedSeries& series, stack::ClaimSeries& claims) override {
    for (const auto& worker : server_.workers_) worker->take_back(series, claims);
  }
  void let_go() override {
    for (const auto& worker : server_.workers_) worker->let_go();
  }

 private:
  Server& server_;
};

bool Server::moved_away() {
  auto peer = control_->accept();
  Mover mover(*this);
  return peer && hand_over_to(std::move(*peer), *control_, options_.log, mover);
}

// ---- The new side ---------------------------------------------------------------------------------------------------

Result<Server> Server::take_over(const ServerOptions& options, const stack::Server::Config& config,
                                 std::span<const Credentials> credentials, const Directory& site,
                                 const std::string& path) {
  Server server(options, config);
  Sets sets;
  Taker taker;
  taker.hello.secure = config.tls.has_value();
  taker.memory = options.memory;
  taker.refuse = [&](const hand_over::Offer& offer) -> std::string {
    const bool elsewhere = listens_elsewhere(options.listen, {offer.endpoints.begin(), offer.endpoints.size()}) ||
                           listens_elsewhere(options.redirect, {offer.redirect.begin(), offer.redirect.size()});
    return elsewhere ? "it listens on other addresses than --listen and --redirect say" : "";
  };
  taker.prepare = [&](const hand_over::Offer& offer) -> Result<void> {
    server.generation_ = static_cast<std::uint16_t>(offer.generation + 1);
    auto made = identities(credentials, server.generation_, options.threads);
    if (!made) return std::unexpected(made.error());
    sets = std::move(*made);
    return {};
  };
  const WorkerSettings settings = server.settings(site);
  taker.weigh = [&](const hand_over::Connection& connection, const hand_over::Keys& keys) {
    return Worker::weigh(settings, connection, keys);
  };
  Budget budget(1 << 20);
  auto taken = TakeOver::from(path, taker, budget);
  if (!taken) return std::unexpected(taken.error());
  Cargo& cargo = taken->cargo;

  server.endpoints_.assign(cargo.offer.endpoints.begin(), cargo.offer.endpoints.end());
  server.options_.redirect.assign(cargo.offer.redirect.begin(), cargo.offer.redirect.end());
  server.control_.emplace(path, std::move(cargo.control), std::move(*cargo.claims));
  server.taken_ = {cargo.connections.size(), static_cast<int>(cargo.offer.process)};
  server.make_workers(site, std::move(sets), share_out(std::move(cargo.listeners), options.threads));
  std::size_t next = 0;
  for (Arrived& each : cargo.connections) {
    const auto connection = hand_over::parse<hand_over::Connection>(each.body, budget);
    server.workers_[next++ % options.threads]->adopt(std::move(each.descriptor), *connection, cargo.keys,
                                                     taken->claims);
    each.body = {};
  }
  taken->running();
  return server;
}

}  // namespace limpid::effects
