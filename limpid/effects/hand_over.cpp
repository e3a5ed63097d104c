#include "limpid/effects/hand_over.hpp"

#include <sys/socket.h>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/entropy.hpp"

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

namespace {

// Up to `begin`: nothing has changed here.
Result<void> greet(Channel& peer, Giver& giver) {
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
  const hand_over::Hello ours = giver.hello();
  if (hello->versions != ours.versions) return refuse("the snapshots of the two are of different versions");
  if (hello->net != ours.net) return refuse("one serves on sockets and the other on a tap device");
  if (hello->secure != ours.secure) return refuse("one serves with TLS and the other without");
  if (giver.draining()) return refuse("the server is shutting down");

  hand_over::Offer offer;
  offer.process = static_cast<std::uint32_t>(::getpid());
  offer.endpoints = Vec<stream::Endpoint>(budget);
  offer.redirect = Vec<stream::Endpoint>(budget);
  if (!giver.offer(offer)) return fail("there is no memory");
  if (auto sent = send(peer, Type::offer, offer, {}, deadline); !sent) return sent;
  const auto begin = expect(peer, Type::begin, deadline);
  if (!begin) return std::unexpected(begin.error());
  return {};
}

// Up to `received`.
Result<void> give_all(Channel& peer, const Control& control, Giver& giver, SealedSeries& series) {
  const Instant deadline = now().monotonic + transfer_timeout;
  const int shared[] = {control.claims().folder(), control.listener()};
  const hand_over::Keys keys{series.key().clone(), series.first()};
  if (auto sent = send(peer, Type::keys, keys, shared, deadline); !sent) return sent;
  std::uint32_t connections = 0;
  auto given = giver.give(
      series,
      [&](int descriptor, const hand_over::Listener& listener) {
        return send(peer, Type::listener, listener, {&descriptor, 1}, deadline);
      },
      [&](int descriptor, const hand_over::Connection& connection) {
        ++connections;
        return send(peer, Type::connection, connection, {&descriptor, 1}, deadline);
      });
  if (!given) return given;
  if (auto sent = send(peer, Type::all, hand_over::All{connections}, {}, deadline); !sent) return sent;
  const auto received = expect(peer, Type::received, deadline);
  if (!received) return std::unexpected(received.error());
  return {};
}

}  // namespace

bool hand_over_to(Channel peer, Control& control, LogForm log, Giver& giver) {
  const auto say = [&](const std::string& what) {
    complain(log, what);
    return false;
  };
  if (!peer.peer_is_this_user()) return say("a process of another user asked to take over; nothing is handed over");
  if (auto greeted = greet(peer, giver); !greeted) return say("nothing was handed over: " + greeted.error().text);

  giver.stop();
  SealedSeries series;
  const auto given = give_all(peer, control, giver, series);
  if (given && expect(peer, Type::running, now().monotonic + running_timeout)) {
    giver.let_go();
    control.goes_on_elsewhere();
    say("handed over to process " + std::to_string(peer.peer_process()));
    return true;
  }
  auto claim = control.claims().claim(series.first());
  if (!claim && control.claims().is_claimed(series.first())) {
    giver.let_go();
    // Whoever claimed them and lives serves them, and more; the port must not be left to a dead one.
    if (!peer.hung_up()) {
      control.goes_on_elsewhere();
      return true;
    }
    giver.start();
    return say("the process that took over died with the connections; new ones are served here");
  }
  if (claim) {
    stack::ClaimSeries claims(std::move(*claim));
    giver.take_back(series, claims);
  } else {
    giver.let_go();
    say(claim.error().text);
  }
  giver.start();
  return say("a take-over came to nothing: " + (given ? "it did not say that it runs" : given.error().text) +
             "; serving on");
}

// ---- The new side ---------------------------------------------------------------------------------------------------

namespace {

// What the old side offers; the two fit.
Result<hand_over::Offer> ask(Channel& peer, const Taker& taker, Budget& budget) {
  const Instant deadline = now().monotonic + hello_timeout;
  if (auto sent = send(peer, Type::hello, taker.hello, {}, deadline); !sent) return std::unexpected(sent.error());
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
  if (auto why = taker.refuse(*offer); !why.empty()) return fail(why);
  if (offer->memory > taker.memory) return fail("its connections hold more than --memory allows here");
  return std::move(*offer);
}

Result<void> receive_all(Channel& peer, const Taker& taker, Cargo& cargo) {
  const Instant deadline = now().monotonic + transfer_timeout;
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
        cargo.listeners.emplace_back(std::move(message->descriptors[0]), *listener);
        break;
      }
      case Type::connection: {
        const auto connection = hand_over::parse<hand_over::Connection>(message->body, budget);
        if (!connection || message->descriptors.size() != 1 || connection->place <= last_place) return malformed();
        last_place = connection->place;
        const auto weighed = taker.weigh(*connection, cargo.keys);
        if (!weighed) return fail("a connection that it sent does not open here");
        weight += *weighed;
        if (weight > taker.memory) return fail("its connections hold more than --memory allows here");
        cargo.connections.push_back({std::move(message->descriptors[0]), std::move(message->body)});
        break;
      }
      case Type::all: {
        const auto all = hand_over::parse<hand_over::All>(message->body, budget);
        if (!all || all->connections != cargo.connections.size()) return malformed();
        return {};
      }
      default:
        return malformed();
    }
  }
}

}  // namespace

Result<TakeOver> TakeOver::from(const std::string& path, const Taker& taker, Budget& budget) {
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
  Cargo cargo;
  auto offer = ask(peer, taker, budget);
  if (!offer) return cannot(offer.error().text + "; it goes on serving");
  cargo.offer = std::move(*offer);
  if (auto prepared = taker.prepare(cargo.offer); !prepared) return std::unexpected(prepared.error());
  if (auto sent = send(peer, Type::begin, hand_over::Nothing{}, {}, now().monotonic + hello_timeout); !sent) {
    return cannot(sent.error().text);
  }
  if (auto received = receive_all(peer, taker, cargo); !received) {
    return cannot(received.error().text + "; it goes on serving, unless it was stopped");
  }
  if (auto sent = send(peer, Type::received, hand_over::Nothing{}, {}, now().monotonic + hello_timeout); !sent) {
    return cannot(sent.error().text);
  }
  auto claim = cargo.claims->claim(cargo.keys.first);
  if (!claim) return cannot(claim.error().text);
  return TakeOver(std::move(cargo), stack::ClaimSeries(std::move(*claim)), std::move(peer));
}

void TakeOver::running() {
  // If the old side does not hear it, it finds the claim.
  static_cast<void>(send(peer_, Type::running, hand_over::Nothing{}, {}, now().monotonic + hello_timeout));
}

}  // namespace limpid::effects
