#include "limpid/effects/hand_over.hpp"

#include <sys/socket.h>

#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/server.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {

using hand_over::Type;

namespace {

// How long each side waits for the other: to say hello, to send or take everything, and at the very end.
constexpr Duration hello_timeout = seconds(5);
constexpr Duration transfer_timeout = seconds(20);
constexpr Duration running_timeout = seconds(20);

constexpr const char* claims_suffix = ".claims";

template <class T>
Result<void> send(Channel& peer, Type type, const T& body, std::span<const int> descriptors, Instant deadline) {
  Budget budget(2 * Channel::max_body);
  Buffer encoded(budget);
  Writer out(encoded);
  encode(out, Instant{}, body);
  if (out.failed()) return fail("there is no memory for a message");
  auto sent = peer.send(static_cast<std::uint8_t>(type), {encoded.data(), encoded.size()}, descriptors, deadline);
  wipe({encoded.data(), encoded.size()});
  return sent;
}

// The next message, which must be of this type.
Result<Message> expect(Channel& peer, Type type, Instant deadline) {
  auto message = peer.receive(deadline);
  if (message && message->type != static_cast<std::uint8_t>(type)) return fail("it sent something else than expected");
  return message;
}

std::unexpected<Failure> malformed() { return fail("what it sent does not parse"); }

bool listens_elsewhere(const std::vector<stream::Endpoint>& wanted, std::span<const stream::Endpoint> there) {
  // Port 0 is any.
  const auto is_there = [&](const stream::Endpoint& endpoint) {
    return std::any_of(there.begin(), there.end(), [&](const stream::Endpoint& each) {
      return each.address == endpoint.address && (endpoint.port == 0 || each.port == endpoint.port);
    });
  };
  return !wanted.empty() && (wanted.size() != there.size() || !std::all_of(wanted.begin(), wanted.end(), is_there));
}

}  // namespace

SealedSeries::SealedSeries() : key_(entropy()) {
  const auto random = entropy();
  copy(Bytes(random).first(12), first_);
}

// ---- The control socket ---------------------------------------------------------------------------------------------

Result<Control> Control::open(const std::string& path) {
  auto claims = Claims::open(path + claims_suffix);
  if (!claims) return std::unexpected(claims.error());
  auto listener = listen_at(path);
  if (!listener) {
    const std::string what = "cannot make the control socket '" + path + "': ";
    if (listener.error() == EADDRINUSE) {
      return fail(what +
                  "a server listens there already; take over from it with --takeover or choose another --control");
    }
    return fail(what + system_words(listener.error()) + "; choose another path with --control");
  }
  return Control(path, std::move(*listener), std::move(*claims));
}

Control::~Control() {
  if (!listener_) return;
  ::unlink(path_.c_str());
  ::rmdir((path_ + claims_suffix).c_str());  // unless there are claims in it
}

std::optional<Channel> Control::accept() {
  Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return std::nullopt;
  return Channel(std::move(socket));
}

// ---- The old side ---------------------------------------------------------------------------------------------------

bool Server::hand_over_to(Channel peer) {
  const auto say = [&](const std::string& what) {
    complain(options_.log, what);
    return false;
  };
  if (!peer.peer_is_this_user()) return say("a process of another user asked to take over; nothing is handed over");
  if (auto greeted = greet(peer); !greeted) return say("nothing was handed over: " + greeted.error().text);

  stop_workers();
  SealedSeries series;
  const auto given = give_all(peer, series);
  if (given && expect(peer, Type::running, now().monotonic + running_timeout)) {
    for (const auto& worker : workers_) worker->let_go();
    control_->goes_on_elsewhere();
    say("handed over to process " + std::to_string(peer.peer_process()));
    return true;
  }
  auto claim = control_->claims().claim(series.first());
  if (!claim && control_->claims().is_claimed(series.first())) {
    for (const auto& worker : workers_) worker->let_go();
    // Whoever claimed them and lives serves them, and more; the port must not be left to a dead one.
    if (!peer.hung_up()) {
      control_->goes_on_elsewhere();
      return true;
    }
    start_workers();
    return say("the process that took over died with the connections; new ones are served here");
  }
  if (claim) {
    stack::ClaimSeries claims(std::move(*claim));
    for (const auto& worker : workers_) worker->take_back(series, claims);
  } else {
    for (const auto& worker : workers_) worker->let_go();
    say(claim.error().text);
  }
  start_workers();
  return say("a take-over came to nothing: " + (given ? "it did not say that it runs" : given.error().text) +
             "; serving on");
}

// Up to `begin`: nothing has changed here.
Result<void> Server::greet(Channel& peer) {
  const Instant deadline = now().monotonic + hello_timeout;
  const auto message = expect(peer, Type::hello, deadline);
  if (!message) return std::unexpected(message.error());
  Budget budget(1 << 20);
  const auto hello = hand_over::parse<hand_over::Hello>(message->body, budget);
  if (!hello || hello->magic != hand_over::Hello().magic) return malformed();
  const auto refuse = [&](std::string_view why) -> Result<void> {
    static_cast<void>(send(peer, Type::refused, hand_over::Refused{why}, {}, deadline));
    return fail(std::string(why));
  };
  if (hello->versions != hand_over::versions) return refuse("the snapshots of the two are of different versions");
  if (hello->secure != config_.tls.has_value()) return refuse("one serves with TLS and the other without");
  if (draining_) return refuse("the server is shutting down");

  hand_over::Offer offer;
  for (const auto& worker : workers_) offer.memory += worker->counters().memory.load(std::memory_order_relaxed);
  offer.process = static_cast<std::uint32_t>(::getpid());
  offer.generation = generation_;
  offer.endpoints = Vec<stream::Endpoint>(budget);
  offer.redirect = Vec<stream::Endpoint>(budget);
  if (!offer.endpoints.append(std::span<const stream::Endpoint>(endpoints_)) ||
      !offer.redirect.append(std::span<const stream::Endpoint>(options_.redirect))) {
    return fail("there is no memory");
  }
  if (auto sent = send(peer, Type::offer, offer, {}, deadline); !sent) return sent;
  const auto begin = expect(peer, Type::begin, deadline);
  if (!begin) return std::unexpected(begin.error());
  return {};
}

// Up to `received`.
Result<void> Server::give_all(Channel& peer, SealedSeries& series) {
  const Instant deadline = now().monotonic + transfer_timeout;
  const int shared[] = {control_->claims().folder(), control_->listener()};
  const hand_over::Keys keys{series.key().clone(), series.first()};
  if (auto sent = send(peer, Type::keys, keys, shared, deadline); !sent) return sent;
  std::uint32_t connections = 0;
  for (const auto& worker : workers_) {
    for (const Listener& listener : worker->listeners()) {
      const int descriptor[] = {listener.socket.get()};
      const hand_over::Listener message{listener.redirects};
      if (auto sent = send(peer, Type::listener, message, descriptor, deadline); !sent) return sent;
    }
    auto given = worker->hand_over(series, [&](int socket, const hand_over::Connection& connection) {
      ++connections;
      return send(peer, Type::connection, connection, {&socket, 1}, deadline);
    });
    if (!given) return given;
  }
  if (auto sent = send(peer, Type::all, hand_over::All{connections}, {}, deadline); !sent) return sent;
  const auto received = expect(peer, Type::received, deadline);
  if (!received) return std::unexpected(received.error());
  return {};
}

// ---- The new side ---------------------------------------------------------------------------------------------------

namespace {

struct Arrived {
  Descriptor socket;
  std::vector<Byte> body;
};

struct Cargo {
  hand_over::Keys keys;
  std::optional<Claims> claims;
  Descriptor control;
  std::vector<Listener> listeners;
  std::vector<Arrived> connections;
};

// What the old side offers; the two fit.
Result<hand_over::Offer> ask(Channel& peer, const ServerOptions& options, bool secure, Budget& budget) {
  const Instant deadline = now().monotonic + hello_timeout;
  hand_over::Hello hello;
  hello.secure = secure;
  if (auto sent = send(peer, Type::hello, hello, {}, deadline); !sent) return std::unexpected(sent.error());
  const auto message = peer.receive(deadline);
  if (!message) return std::unexpected(message.error());
  if (message->type == static_cast<std::uint8_t>(Type::refused)) {
    const auto refused = hand_over::parse<hand_over::Refused>(message->body, budget);
    return refused ? fail(std::string(refused->why)) : malformed();
  }
  if (message->type != static_cast<std::uint8_t>(Type::offer)) return malformed();
  auto offer = hand_over::parse<hand_over::Offer>(message->body, budget);
  if (!offer || offer->endpoints.empty()) return malformed();
  if (offer->versions != hand_over::versions) return fail("the snapshots of the two are of different versions");
  if (listens_elsewhere(options.listen, {offer->endpoints.begin(), offer->endpoints.size()}) ||
      listens_elsewhere(options.redirect, {offer->redirect.begin(), offer->redirect.size()})) {
    return fail("it listens on other addresses than --listen and --redirect say");
  }
  if (offer->memory > options.memory) return fail("its connections hold more than --memory allows here");
  return std::move(*offer);
}

Result<Cargo> receive_all(Channel& peer, const WorkerSettings& settings, std::size_t memory) {
  const Instant deadline = now().monotonic + transfer_timeout;
  Cargo cargo;
  Budget budget(1 << 20);
  auto message = expect(peer, Type::keys, deadline);
  if (!message) return std::unexpected(message.error());
  auto keys = hand_over::parse<hand_over::Keys>(message->body, budget);
  wipe(message->body);
  if (!keys || message->descriptors.size() != 2) return malformed();
  cargo.keys = std::move(*keys);
  cargo.claims = Claims::at(std::move(message->descriptors[0]));
  cargo.control = std::move(message->descriptors[1]);
  std::size_t weight = 0;
  std::uint32_t last_place = 0;
  for (;;) {
    message = peer.receive(deadline);
    if (!message) return std::unexpected(message.error());
    switch (static_cast<Type>(message->type)) {
      case Type::listener: {
        const auto listener = hand_over::parse<hand_over::Listener>(message->body, budget);
        if (!listener || message->descriptors.size() != 1) return malformed();
        cargo.listeners.push_back({std::move(message->descriptors[0]), listener->redirects});
        break;
      }
      case Type::connection: {
        const auto connection = hand_over::parse<hand_over::Connection>(message->body, budget);
        if (!connection || message->descriptors.size() != 1 || connection->place <= last_place) return malformed();
        last_place = connection->place;
        const auto weighed = Worker::weigh(settings, *connection, cargo.keys);
        if (!weighed) return fail("a connection that it sent does not open here");
        weight += *weighed;
        if (weight > memory) return fail("its connections hold more than --memory allows here");
        cargo.connections.push_back({std::move(message->descriptors[0]), std::move(message->body)});
        break;
      }
      case Type::all: {
        const auto all = hand_over::parse<hand_over::All>(message->body, budget);
        if (!all || all->connections != cargo.connections.size()) return malformed();
        return cargo;
      }
      default:
        return malformed();
    }
  }
}

// None of the listeners is closed, since what waits in it would be reset. Workers of which there are more than
// listeners on an endpoint open their own.
std::vector<std::vector<Listener>> share_out(std::vector<Listener> listeners, std::size_t workers) {
  std::vector<std::vector<Listener>> shares(workers);
  std::vector<std::pair<stream::Endpoint, std::size_t>> dealt;  // how many of each endpoint
  for (Listener& listener : listeners) {
    const stream::Endpoint endpoint = local_endpoint(listener.socket);
    const auto known =
        std::find_if(dealt.begin(), dealt.end(), [&](const auto& each) { return each.first == endpoint; });
    const std::size_t n = known == dealt.end() ? dealt.emplace_back(endpoint, 0).second++ : known->second++;
    shares[n % workers].push_back(std::move(listener));
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

Result<Server> Server::take_over(const ServerOptions& options, const stack::Server::Config& config,
                                 std::span<const Credentials> credentials, const Directory& site,
                                 const std::string& path) {
  const auto cannot = [&](const std::string& why) {
    return fail("cannot take over from the server at '" + path + "': " + why);
  };
  auto socket = connect_to(path);
  if (!socket) {
    return cannot(system_words(socket.error()) +
                  "; check that it runs and that --control names its socket, or start without --takeover");
  }
  Channel peer(std::move(*socket));
  if (!peer.peer_is_this_user()) return cannot("it belongs to another user; take over as that one");
  Budget budget(1 << 20);
  const auto offer = ask(peer, options, config.tls.has_value(), budget);
  if (!offer) return cannot(offer.error().text + "; it goes on serving");

  // Whatever can fail here does before anybody has to wait.
  Server server(options, config);
  server.generation_ = static_cast<std::uint16_t>(offer->generation + 1);
  auto sets = identities(credentials, server.generation_, options.threads);
  if (!sets) return std::unexpected(sets.error());
  if (auto sent = send(peer, Type::begin, hand_over::Nothing{}, {}, now().monotonic + hello_timeout); !sent) {
    return cannot(sent.error().text);
  }
  auto cargo = receive_all(peer, server.settings(site), options.memory);
  if (!cargo) return cannot(cargo.error().text + "; it goes on serving, unless it was stopped");
  if (auto sent = send(peer, Type::received, hand_over::Nothing{}, {}, now().monotonic + hello_timeout); !sent) {
    return cannot(sent.error().text);
  }
  auto claim = cargo->claims->claim(cargo->keys.first);
  if (!claim) return cannot(claim.error().text);
  stack::ClaimSeries claims(std::move(*claim));

  server.endpoints_.assign(offer->endpoints.begin(), offer->endpoints.end());
  server.options_.redirect.assign(offer->redirect.begin(), offer->redirect.end());
  server.control_.emplace(path, std::move(cargo->control), std::move(*cargo->claims));
  server.taken_ = {cargo->connections.size(), static_cast<int>(offer->process)};
  server.make_workers(site, std::move(*sets), share_out(std::move(cargo->listeners), options.threads));
  std::size_t next = 0;
  for (Arrived& each : cargo->connections) {
    const auto connection = hand_over::parse<hand_over::Connection>(each.body, budget);
    server.workers_[next++ % options.threads]->adopt(std::move(each.socket), *connection, cargo->keys, claims);
    each.body = {};
  }
  // If the old side does not hear it, it finds the claim.
  static_cast<void>(send(peer, Type::running, hand_over::Nothing{}, {}, now().monotonic + hello_timeout));
  return server;
}

}  // namespace limpid::effects
