// A server on a tap device on its way to another process, and from one: the whole host of each queue is one sealed
// state.
#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/tap_server.hpp"

namespace limpid::effects {
namespace {

// Saved, sealed and sent: three times what the machine holds, and growth by doubling.
std::size_t sealing_budget(std::size_t memory) { return 8 * memory + (std::size_t{16} << 20); }

// Where it can be reached by configuration; what others configure is its state.
bool add_endpoints(const stack::HostServer::Config& config, hand_over::Offer& offer) {
  for (const auto& service : config.services) {
    if (!offer.endpoints.push_back(tcpip::endpoint(tcpip::any_ipv6, service.port))) return false;
    for (const tcpip::Cidr& cidr : config.host.ip.addresses) {
      if (!offer.endpoints.push_back(tcpip::endpoint(cidr.address, service.port))) return false;
    }
  }
  return true;
}

hand_over::Hello hello_of(const stack::HostServer::Config& config) {
  hand_over::Hello hello;
  hello.net = hand_over::Net::tap;
  hello.secure = config.server.tls.has_value();
  return hello;
}

}  // namespace

class TapServer::Mover final : public Giver {
 public:
  explicit Mover(TapServer& server) : server_(server), budget_(sealing_budget(server.options_.memory)) {}

  hand_over::Hello hello() const override { return hello_of(server_.config_); }
  bool draining() const override { return server_.draining_; }
  bool offer(hand_over::Offer& offer) override {
    for (const auto& queue : server_.queues_) offer.memory += queue->counters().memory.load(std::memory_order_relaxed);
    offer.generation = server_.generation_;
    offer.queues = static_cast<std::uint16_t>(server_.number_);
    return add_endpoints(server_.config_, offer);
  }
  // The first queue's machine does not run while this is asked.
  void stop() override { server_.stop_others(); }
  void start() override { server_.start_others(); }

  Result<void> give(SealedSeries& series, const GiveListener&, const GiveConnection& connection) override {
    for (const auto& queue : server_.queues_) {
      const std::uint32_t place = series.take(2);
      const Instant time = now().monotonic;
      auto sealed = queue->seal(time, series.key(), stack::ClaimSeries::id(series.first(), place), budget_);
      if (!sealed) return fail("there is no memory to seal the host");
      sealed_.push_back({place, time, std::move(*sealed)});
      const Buffer& kept = sealed_.back().machine;
      auto given = connection(queue->tap().descriptor(), {place, false, {kept.data(), kept.size()}, {}});
      if (!given) return given;
    }
    return {};
  }

  void take_back(const SealedSeries& series, stack::ClaimSeries& claims) override {
    for (std::size_t i = 0; i < sealed_.size(); ++i) {
      Sealed& each = sealed_[i];
      auto claim = claims.claim(each.place);
      // As if no time had passed: it did not for anybody else.
      const auto opened = server_.queues_[i]->open(std::move(*claim), {each.machine.data(), each.machine.size()},
                                                   series.key(), each.time);
      if (!opened)
        complain(server_.options_.log, "a host could not be taken back: " + std::string(opened.error().describe()));
    }
    sealed_.clear();
  }

  void let_go() override {
    for (const auto& queue : server_.queues_) queue->ends(true);
    sealed_.clear();
  }

 private:
  struct Sealed {
    std::uint32_t place = 0;
    Instant time;
    Buffer machine;
  };
  TapServer& server_;
  Budget budget_;
  std::vector<Sealed> sealed_;
};

bool TapServer::moved_away() {
  auto peer = control_->accept();
  Mover mover(*this);
  return peer && hand_over_to(std::move(*peer), *control_, options_.log, mover);
}

Result<std::unique_ptr<TapServer>> TapServer::take_over(const TapServerOptions& options, const Machine::Config& config,
                                                        unsigned queues, std::span<const Credentials> credentials,
                                                        const Directory& site, const std::string& path) {
  Budget budget(1 << 20);
  hand_over::Offer ours;
  ours.endpoints = Vec<stream::Endpoint>(budget);
  if (!add_endpoints(config, ours)) return fail("there is no memory to take over");
  Sets sets;
  std::uint16_t generation = 0;
  Taker taker;
  taker.hello = hello_of(config);
  taker.memory = options.memory;
  taker.refuse = [&](const hand_over::Offer& offer) -> std::string {
    const bool same =
        std::equal(offer.endpoints.begin(), offer.endpoints.end(), ours.endpoints.begin(), ours.endpoints.end());
    if (!same) return "it has other addresses or ports than --net and --listen say";
    return offer.queues == queues ? "" : "its device has " + std::to_string(offer.queues) + " queues; say so in --net";
  };
  taker.prepare = [&](const hand_over::Offer& offer) -> Result<void> {
    generation = static_cast<std::uint16_t>(offer.generation + 1);
    auto made = identities(credentials, generation, queues);
    if (!made) return std::unexpected(made.error());
    sets = std::move(*made);
    return {};
  };
  taker.weigh = [&](const hand_over::Connection& whole, const hand_over::Keys& keys) -> std::optional<std::size_t> {
    if (crypto::sealed_id(whole.machine) != stack::ClaimSeries::id(keys.first, whole.place)) return std::nullopt;
    Budget trial(sealing_budget(options.memory));
    const std::size_t before = trial.used();
    const auto machine = stack::replay<Machine>(whole.machine, keys.key, {now().monotonic, trial, cpu_features()});
    // Each has its part of the memory.
    if (!machine || trial.used() - before > options.memory / queues) return std::nullopt;
    return trial.used() - before;
  };
  auto taken = TakeOver::from(path, taker, budget);
  if (!taken) return std::unexpected(taken.error());
  Cargo& cargo = taken->cargo;
  if (cargo.connections.size() != queues) {
    return fail("what was handed over is not a host for each queue; start without --takeover");
  }
  std::unique_ptr<TapServer> server(new TapServer(options, config, site, queues));
  const Time time = now();  // a recording loads them as of this time, too
  std::vector<hand_over::Connection> hosts;
  for (std::size_t i = 0; i < queues; ++i) {
    hosts.push_back(*hand_over::parse<hand_over::Connection>(cargo.connections[i].body, budget));
    auto tap = Tap::adopt(std::move(cargo.connections[i].descriptor));
    if (!tap) return std::unexpected(tap.error());
    const recording::Born born{recording::Born::Snapshot{cargo.keys.key.clone(), hosts[i].machine}};
    server->add(std::move(*tap), std::move(sets[i]), time, born);
  }
  for (const auto& queue : server->queues_) queue->connect(server->queues_);
  for (std::size_t i = 0; i < queues; ++i) {
    auto claim = taken->claims.claim(hosts[i].place);
    auto opened = server->queues_[i]->open(std::move(*claim), hosts[i].machine, cargo.keys.key, time.monotonic);
    if (!opened) return fail("what was handed over does not open: " + std::string(opened.error().describe()));
    server->taken_.connections += server->queues_[i]->machine().connections();
  }
  server->generation_ = generation;
  server->control_.emplace(path, std::move(cargo.control), std::move(*cargo.claims));
  server->taken_.process = static_cast<int>(cargo.offer.process);
  taken->running();
  return server;
}

}  // namespace limpid::effects
