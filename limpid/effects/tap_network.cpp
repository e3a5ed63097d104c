#include "limpid/effects/tap_network.hpp"

#include <poll.h>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"

namespace limpid::effects {
namespace {

// For an address of our own to become usable: from DHCP, a router, or because nobody else has it.
constexpr Duration address_timeout = seconds(15);
constexpr Duration connect_timeout = seconds(60);
// For the last bytes and the FIN to arrive when a stream is given up.
constexpr Duration close_timeout = seconds(2);

std::string_view words(tcpip::Refusal refusal) {
  switch (refusal) {
    case tcpip::Refusal::no_address:
      return "no address of ours leads there; check ip=, ip6= and gateway= in --net";
    case tcpip::Refusal::bad_argument:
      return "there is no port 0; name another";
    default:
      return "the host has no room for it; try again";
  }
}

std::string_view words(stream::ResetReason reason) {
  switch (reason) {
    case stream::ResetReason::timed_out:
      return "no answer; check the address and the network";
    case stream::ResetReason::unreachable:
      return "unreachable; check the address and the network";
    case stream::ResetReason::reset:
      break;
  }
  return "connection refused or reset; check that a server listens there";
}

}  // namespace

class TapStream final : public Stream {
 public:
  TapStream(TapNetwork& network, tcpip::ConnectionId id, std::string name, const stream::Endpoint& peer,
            std::optional<Instant> deadline)
      : network_(network), id_(id), name_(std::move(name)), peer_(peer), deadline_(deadline) {}

  ~TapStream() override {
    finish();
    network_.run_until([&] { return connection().closed || connection().reset || connection().peer_finished; },
                       now().monotonic + close_timeout);
    network_.host_.abort(network_.context(), id_);
    network_.flush();
    network_.connections_.erase(TapNetwork::name_of(id_));
  }

  Result<void> send(Bytes bytes) override {
    while (!bytes.empty()) {
      MutableBytes room;
      const auto outcome = network_.run_until(
          [&] {
            room = network_.host_.reserve(network_.context(), id_, bytes.size());
            return !room.empty() || connection().over();
          },
          deadline_);
      if (outcome != TapNetwork::Outcome::done) return network_.failed(outcome, "cannot send to " + name_);
      if (connection().over()) return broken();
      copy(bytes.first(room.size()), room);
      network_.host_.commit(network_.context(), id_, room.size());
      bytes = bytes.subspan(room.size());
      network_.flush();
    }
    return {};
  }

  Result<std::optional<std::size_t>> receive(MutableBytes room, std::optional<Instant> wake) override {
    const bool wakes_first = wake && (!deadline_ || *wake < *deadline_);
    const auto outcome = network_.run_until(
        [&] { return !connection().inbox.empty() || connection().peer_finished || connection().over(); },
        wakes_first ? wake : deadline_);
    if (outcome == TapNetwork::Outcome::late && wakes_first) return std::nullopt;
    if (outcome != TapNetwork::Outcome::done) return network_.failed(outcome, "cannot receive from " + name_);
    auto& inbox = connection().inbox;
    if (inbox.empty() && connection().reset) return broken();
    const std::size_t n = copy(Bytes(inbox).first(std::min(inbox.size(), room.size())), room).size();
    inbox.erase(inbox.begin(), inbox.begin() + static_cast<std::ptrdiff_t>(n));
    if (n > 0) {
      network_.host_.consumed(network_.context(), id_, n);
      network_.flush();
    }
    return n;
  }

  void finish() override {
    network_.host_.finish(network_.context(), id_);
    network_.flush();
  }

  stream::Endpoint local() const override { return network_.connections_.at(TapNetwork::name_of(id_)).local; }
  stream::Endpoint peer() const override { return peer_; }

 private:
  TapNetwork::Connection& connection() { return network_.connections_.at(TapNetwork::name_of(id_)); }
  std::unexpected<Failure> broken() {
    const auto reason = connection().reset.value_or(stream::ResetReason::reset);
    return fail("the connection to " + name_ + " broke: " + std::string(words(reason)));
  }

  TapNetwork& network_;
  const tcpip::ConnectionId id_;
  const std::string name_;
  const stream::Endpoint peer_;
  const std::optional<Instant> deadline_;
};

TapNetwork::TapNetwork(Tap tap, const tcpip::Host::Config& config)
    : tap_(std::move(tap)),
      config_(config),
      cpu_(cpu_features()),
      input_(Tap::largest_frame),
      output_(256 * 1024),
      actions_(192) {
  tell(tcpip::host::Started{entropy()});
  tell(LinkChanged{tap_.is_up()});
  flush();
}

tcpip::Host::Context TapNetwork::context() { return {config_, now(), budget_}; }

template <class Done>
TapNetwork::Outcome TapNetwork::run_until(Done&& done, std::optional<Instant> deadline) {
  flush();
  while (!done()) {
    const Instant time = now().monotonic;
    if (deadline && *deadline <= time) return Outcome::late;
    std::optional<Instant> wake = deadline_;
    if (deadline) wake = std::min(wake.value_or(*deadline), *deadline);
    const int timeout_ms =
        wake ? static_cast<int>(std::clamp<std::int64_t>((*wake - time).microseconds / 1000 + 1, 0, 1'000'000)) : -1;
    pollfd waiting[] = {{tap_.descriptor(), POLLIN, 0}, {tap_.link_descriptor(), POLLIN, 0}};
    ::poll(waiting, 2, timeout_ms);
    if (waiting[1].revents != 0 && tap_.link_changed()) tell(LinkChanged{tap_.is_up()});
    FrameReceived received;
    for (int n = 0; n < 64 && waiting[0].revents != 0; ++n) {
      const Tap::Read read = tap_.read(input_, received);
      if (read == Tap::Read::gone) return Outcome::device_gone;
      if (read == Tap::Read::nothing) break;
      tell(received);
    }
    if (deadline_ && *deadline_ <= now().monotonic) tell(Tick{});
    flush();
  }
  return Outcome::done;
}

std::unexpected<Failure> TapNetwork::failed(Outcome outcome, const std::string& what) const {
  if (outcome == Outcome::device_gone) {
    return fail(what + ": the tap device '" + tap_.name() + "' was deleted; make it again");
  }
  return fail(what + ": the time allowed for it is over; raise --max-time");
}

void TapNetwork::tell(const tcpip::Host::Event& event) {
  for (;;) {
    const auto progress = tcpip::Host::advance(config_, host_, now(), event, {output_, actions_, budget_, cpu_});
    deadline_ = progress.deadline;
    more_ = progress.more;
    carry_out(progress.actions);
    if (progress.consumed != 0 || !progress.more) return;
  }
}

void TapNetwork::flush() {
  do {
    tell(Flush{});
  } while (more_);
}

void TapNetwork::carry_out(std::span<const tcpip::Host::Action> actions) {
  namespace host = tcpip::host;
  const auto with = [&](tcpip::ConnectionId id, auto&& change) {
    const auto found = connections_.find(name_of(id));
    if (found != connections_.end()) change(found->second);
  };
  for (const auto& action : actions) {
    std::visit(Overloaded{
                   // What the device does not take is lost, as on any wire.
                   [&](const Transmit& frame) { static_cast<void>(tap_.write(frame)); },
                   [&](const host::Opened& opened) {
                     with(opened.id, [&](Connection& c) {
                       c.opened = true;
                       c.local = opened.local;
                     });
                   },
                   [&](const host::Received& received) {
                     with(received.id, [&](Connection& c) {
                       c.inbox.insert(c.inbox.end(), received.bytes.begin(), received.bytes.end());
                     });
                   },
                   [&](const host::PeerFinished& finished) {
                     with(finished.id, [](Connection& c) { c.peer_finished = true; });
                   },
                   [&](const host::Reset& reset) { with(reset.id, [&](Connection& c) { c.reset = reset.reason; }); },
                   [&](const host::Closed& closed) { with(closed.id, [](Connection& c) { c.closed = true; }); },
                   [&](const host::Resolved& resolved) { resolved_[resolved.token] = resolved; },
                   [](const auto&) {},  // what is not asked for does not come, or is found by trying again
               },
               action);
  }
}

Result<std::vector<stream::Endpoint>> TapNetwork::resolve(const HostPort& where, std::optional<Instant> deadline) {
  if (auto address = parse_address(where.host)) {
    address->port = where.port;
    return std::vector{*address};
  }
  const std::string what = "cannot find the address of '" + where.host + "'";
  const std::uint32_t token = next_token_++;
  // The resolver itself gives up in time, also where DHCP or a router never tell whom to ask.
  tell(tcpip::host::Resolve{token, where.host, config_.ip.ipv6() ? tcpip::dns::Family::any : tcpip::dns::Family::ipv4});
  const auto outcome = run_until([&] { return resolved_.contains(token); }, deadline);
  if (outcome != Outcome::done) return failed(outcome, what);
  const tcpip::dns::Resolved resolved = resolved_.extract(token).mapped();
  if (resolved.outcome != tcpip::dns::Outcome::found) {
    return fail(what + ": " + std::string(tcpip::dns::describe(resolved.outcome)) +
                "; check the name and the network, or give --net dns=IP or dhcp");
  }
  std::vector<stream::Endpoint> endpoints;
  for (const tcpip::IpAddress& address : resolved.addresses) endpoints.push_back(tcpip::endpoint(address, where.port));
  return endpoints;
}

Result<std::unique_ptr<Stream>> TapNetwork::connect(const HostPort& where,
                                                    const std::vector<stream::Endpoint>& endpoints,
                                                    std::optional<Instant> deadline) {
  const std::string name = "'" + where.host + ":" + std::to_string(where.port) + "'";
  const std::string what = "cannot connect to " + name;
  std::string why = "there is no address to try";
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto within = [&](Duration most) {
      const Instant at = now().monotonic + most;
      return deadline ? std::min(*deadline, at) : at;
    };
    std::expected<tcpip::ConnectionId, tcpip::Refusal> id = std::unexpected(tcpip::Refusal::no_address);
    const auto outcome = run_until(
        [&] {
          id = host_.connect(context(), endpoints[i]);
          return id.has_value() || id.error() != tcpip::Refusal::no_address;
        },
        // An address of a family that we have none of must not use up the time of those behind it.
        within(i + 1 < endpoints.size() ? seconds(3) : address_timeout));
    if (outcome == Outcome::device_gone) return failed(outcome, what);
    if (!id) {
      why = words(id.error());
      continue;
    }
    connections_[name_of(*id)] = Connection{};
    const Connection& connection = connections_[name_of(*id)];
    const auto opened = run_until([&] { return connection.opened || connection.over(); },
                                  within(i + 1 < endpoints.size() ? seconds(5) : connect_timeout));
    if (opened == Outcome::done && connection.opened) {
      return std::make_unique<TapStream>(*this, *id, name, endpoints[i], deadline);
    }
    why = words(connection.reset.value_or(stream::ResetReason::timed_out));
    connections_.erase(name_of(*id));
    host_.abort(context(), *id);
    if (opened == Outcome::device_gone || (deadline && now().monotonic >= *deadline)) return failed(opened, what);
  }
  return fail(what + ": " + why);
}

}  // namespace limpid::effects
