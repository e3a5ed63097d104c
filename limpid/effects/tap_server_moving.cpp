// A server on a tap device on its way to another process, and from one: its whole host is one sealed state.
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
    offer.memory = server_.budget_.used();
    offer.generation = server_.generation_;
    return add_endpoints(server_.config_, offer);
  }
  // One thread: while this is asked, nothing runs.
  void stop() override {}
  void start() override {}

  Result<void> give(SealedSeries& series, const GiveListener&, const GiveConnection& connection) override {
    place_ = series.take(2);
    time_ = now().monotonic;
    auto sealed = stack::seal(std::move(server_.machine_), time_, series.key(),
                              stack::ClaimSeries::id(series.first(), place_), entropy(), budget_, server_.cpu_);
    if (!sealed) return fail("there is no memory to seal the host");
    sealed_ = std::move(*sealed);
    return connection(server_.tap_.descriptor(), {place_, false, {sealed_.data(), sealed_.size()}, {}});
  }

  void take_back(const SealedSeries& series, stack::ClaimSeries& claims) override {
    if (sealed_.empty()) return;
    auto claim = claims.claim(place_);
    // As if no time had passed: it did not for anybody else.
    auto dormant = stack::open<Machine>(std::move(*claim), {sealed_.data(), sealed_.size()}, series.key(),
                                        {time_, server_.budget_, server_.cpu_});
    sealed_.release();
    if (dormant) server_.wake_up(std::move(*dormant));
  }

  void let_go() override {
    sealed_.release();
    server_.tape_.end(true);
  }

 private:
  TapServer& server_;
  Budget budget_;
  std::uint32_t place_ = 0;
  Instant time_;
  Buffer sealed_;
};

bool TapServer::moved_away() {
  auto peer = control_->accept();
  Mover mover(*this);
  return peer && hand_over_to(std::move(*peer), *control_, options_.log, mover);
}

// The first step of a state that was asleep.
void TapServer::wake_up(stack::Dormant<Machine> dormant) {
  const Room<Machine::Action> room{output_, actions_, budget_, cpu_};
  const Time time = now();
  const std::array<Byte, 32> fresh = entropy();
  tape_.told(time, tls::Entropy{fresh}, room);
  auto woken = std::move(dormant).wake(config_, time, fresh, room);
  tape_.did(time, woken.progress);
  machine_ = std::move(woken.state);
  deadline_ = woken.progress.deadline;
  more_ = woken.progress.more;
  carry_out(woken.progress.actions);
}

Result<std::unique_ptr<TapServer>> TapServer::take_over(const TapServerOptions& options, const Machine::Config& config,
                                                        std::span<const Credentials> credentials, const Directory& site,
                                                        const std::string& path) {
  Budget budget(1 << 20);
  hand_over::Offer ours;
  ours.endpoints = Vec<stream::Endpoint>(budget);
  if (!add_endpoints(config, ours)) return fail("there is no memory to take over");
  std::unique_ptr<IdentitySet> identities;
  std::uint16_t generation = 0;
  Taker taker;
  taker.hello = hello_of(config);
  taker.memory = options.memory;
  taker.refuse = [&](const hand_over::Offer& offer) -> std::string {
    const bool same =
        std::equal(offer.endpoints.begin(), offer.endpoints.end(), ours.endpoints.begin(), ours.endpoints.end());
    return same ? "" : "it has other addresses or ports than --net and --listen say";
  };
  taker.prepare = [&](const hand_over::Offer& offer) -> Result<void> {
    generation = static_cast<std::uint16_t>(offer.generation + 1);
    auto made = identities_of(credentials, generation);
    if (!made) return std::unexpected(made.error());
    identities = std::move(*made);
    return {};
  };
  taker.weigh = [&](const hand_over::Connection& whole, const hand_over::Keys& keys) -> std::optional<std::size_t> {
    if (crypto::sealed_id(whole.machine) != stack::ClaimSeries::id(keys.first, whole.place)) return std::nullopt;
    Budget trial(sealing_budget(options.memory));
    const std::size_t before = trial.used();
    const auto machine = stack::replay<Machine>(whole.machine, keys.key, {now().monotonic, trial, cpu_features()});
    if (!machine) return std::nullopt;
    return trial.used() - before;
  };
  auto taken = TakeOver::from(path, taker, budget);
  if (!taken) return std::unexpected(taken.error());
  Cargo& cargo = taken->cargo;
  if (cargo.connections.size() != 1) return fail("what was handed over is not one host; start without --takeover");
  const auto whole = hand_over::parse<hand_over::Connection>(cargo.connections[0].body, budget);
  auto tap = Tap::adopt(std::move(cargo.connections[0].descriptor));
  if (!tap) return std::unexpected(tap.error());

  auto claim = taken->claims.claim(whole->place);
  const Time time = now();  // a recording loads it as of this time, too
  const recording::Born born{recording::Born::Snapshot{cargo.keys.key.clone(), whole->machine}};
  auto server = std::make_unique<TapServer>(options, config, std::move(*tap), std::move(identities), site, time, born);
  auto dormant = stack::open<Machine>(std::move(*claim), whole->machine, cargo.keys.key,
                                      {time.monotonic, server->budget_, server->cpu_});
  if (!dormant) return fail("what was handed over does not open: " + std::string(dormant.error().describe()));
  server->generation_ = generation;
  server->control_.emplace(path, std::move(cargo.control), std::move(*cargo.claims));
  server->wake_up(std::move(*dormant));
  server->taken_ = {server->machine_.connections(), static_cast<int>(cargo.offer.process)};
  taken->running();
  return server;
}

}  // namespace limpid::effects
