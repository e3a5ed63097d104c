#include "limpid/effects/tap_server.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {
namespace {

// How soon it is seen that the last connection of another queue has ended.
constexpr Duration drained_interval = milliseconds(50);

}  // namespace

TapServer::TapServer(const TapServerOptions& options, const Machine::Config& config, const Directory& site,
                     unsigned queues)
    : options_(options),
      config_(config),
      number_(queues),
      shared_{.memory = options.memory / queues,
              .log = options.log,
              .access_log = options.access_log,
              .key_log = options.key_log,
              .recorder = options.recorder,
              .capture = options.capture,
              .site = site} {
  queues_.reserve(queues);
}

Result<std::unique_ptr<TapServer>> TapServer::open(const TapServerOptions& options, const Machine::Config& config,
                                                   std::vector<Tap> taps, std::span<const Credentials> credentials,
                                                   const Directory& site) {
  if (taps.empty() || taps.size() > tcpip::host::most_queues()) return fail("a host has from 1 to 64 queues; say so");
  auto sets = identities(credentials, 0, taps.size());
  if (!sets) return std::unexpected(sets.error());
  std::unique_ptr<TapServer> server(new TapServer(options, config, site, static_cast<unsigned>(taps.size())));
  for (std::size_t i = 0; i < taps.size(); ++i) server->add(std::move(taps[i]), std::move((*sets)[i]), now(), {});
  for (const auto& queue : server->queues_) queue->connect(server->queues_);
  return server;
}

Result<TapServer::Sets> TapServer::identities(std::span<const Credentials> credentials, std::uint16_t generation,
                                              std::size_t n) {
  Sets sets;
  while (sets.size() < n) {
    auto set = identities_of(credentials, generation);
    if (!set) return std::unexpected(set.error());
    sets.push_back(std::move(*set));
  }
  return sets;
}

void TapServer::add(Tap tap, std::unique_ptr<IdentitySet> identities, Time time, const recording::Born& born) {
  const tcpip::ip::Queue queue{static_cast<std::uint8_t>(queues_.size()), static_cast<std::uint8_t>(number_)};
  queues_.push_back(
      std::make_unique<TapQueue>(shared_, config_, queue, std::move(tap), std::move(identities), time, born));
}

Result<void> TapServer::run(Signals& signals, const std::function<void(int)>& on_signal) {
  // The first one speaks when it begins, and then the others must be there.
  for (std::size_t i = number_; taken_.process == 0 && i-- > 0;) queues_[i]->tell(tls::Entropy{entropy()});
  TapQueue& first = *queues_[0];
  first.tell(LinkChanged{first.tap().is_up()});
  auto served = first.turn(false, false);
  start_others();
  if (served) served = serve(signals, on_signal);
  stop_others();
  for (const auto& queue : queues_) queue->ends(false);
  return served;
}

Result<void> TapServer::serve(Signals& signals, const std::function<void(int)>& on_signal) {
  TapQueue& first = *queues_[0];
  std::optional<Instant> drain_deadline;
  for (;;) {
    std::optional<Instant> wake = first.wake();
    if (drain_deadline) wake = std::min(wake.value_or(*drain_deadline), *drain_deadline);
    if (drain_deadline && number_ > 1) wake = std::min(*wake, now().monotonic + drained_interval);
    // A negative descriptor is passed over.
    pollfd waiting[] = {{first.tap().descriptor(), POLLIN, 0},
                        {number_ > 1 ? first.messages() : -1, POLLIN, 0},
                        {signals.descriptor(), POLLIN, 0},
                        {first.tap().link_descriptor(), POLLIN, 0},
                        {control_ ? control_->listener() : -1, POLLIN, 0}};
    if (::poll(waiting, 5, milliseconds_until(wake)) < 0) continue;

    if (waiting[2].revents != 0) {
      stop_others();
      while (const auto signal = signals.take()) {
        if (*signal == SIGTERM || *signal == SIGINT) {
          draining_ = true;
          drain_deadline = drain_deadline ? Instant{} : now().monotonic + options_.grace;
          for (const auto& queue : queues_) queue->tell(http::Drain{});
        } else {
          on_signal(*signal);
        }
      }
      start_others();
    }
    if (waiting[3].revents != 0 && first.tap().link_changed()) first.tell(LinkChanged{first.tap().is_up()});
    if (auto done = first.turn(waiting[0].revents != 0, waiting[1].revents != 0); !done) return done;
    if (auto usable = check_addresses(); !usable) return usable;
    if (waiting[4].revents != 0 && moved_away()) return {};
    const bool done = std::ranges::none_of(queues_, [](const auto& queue) { return queue->is_busy(); });
    if (drain_deadline && (done || *drain_deadline <= now().monotonic)) return {};
  }
}

Result<void> TapServer::check_addresses() {
  TapQueue& first = *queues_[0];
  const auto taken = first.taken_address();
  if (!taken) return {};
  const std::string endpoint = to_string(tcpip::endpoint(*taken, 0));
  const std::string what = "cannot use the address " + endpoint.substr(0, endpoint.size() - 2) +
                           ": somebody else behind '" + first.tap().name() + "' has it; ";
  // Anybody on the link can say so: what works goes on.
  if (!first.any_usable()) return fail(what + "give another one");
  complain(options_.log, what + "the others are served");
  return {};
}

Result<void> TapServer::renew(std::span<const Credentials> credentials) {
  auto sets = identities(credentials, static_cast<std::uint16_t>(generation_ + 1), number_);
  if (!sets) return std::unexpected(sets.error());
  ++generation_;
  for (std::size_t i = 0; i < number_; ++i) queues_[i]->renew(std::move((*sets)[i]));
  return {};
}

void TapServer::start_others() {
  for (std::size_t i = 1; i < number_; ++i) threads_.emplace_back([queue = queues_[i].get()] { queue->run(); });
}

void TapServer::stop_others() {
  if (threads_.empty()) return;
  for (std::size_t i = 1; i < number_; ++i) queues_[i]->pause();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace limpid::effects
