// Handing a running server over to another process, in mid-transfer.
//
//     new                                    old
//     hello: versions                   ->        who asks is checked to be of this user
//                                       <-   offer: versions, endpoints, how much there is
//     begin                             ->        its workers stop; from here on clients wait
//                                       <-   keys: a fresh sealing key, the series' id; the claims folder and the
//                                            control socket as descriptors
//                                       <-   listener, each with its descriptor
//                                       <-   connection, each with its descriptor and two sealed blobs: the machine,
//                                            and what the driver knew
//                                       <-   all
//         everything is opened on trial
//     received                          ->
//         claims the series, and goes on with every connection
//     running                           ->        ends
//
// If the new side hangs up or is silent at any point before `running`, the old side claims the series itself, opens its
// own blobs and goes on. Whoever claims first has the connections and the other has lost them, so a live state is never
// there twice, whatever is killed when; `received` comes before any claim of the new side's, so until then the old side
// is certain to go on.
#pragma once

#include <functional>
#include <vector>

#include "limpid/effects/channel.hpp"
#include "limpid/effects/claims.hpp"
#include "limpid/effects/log.hpp"
#include "limpid/stack/host_server.hpp"

namespace limpid::effects {

namespace hand_over {

enum class Type : std::uint8_t {
  hello = 1,
  offer,
  refused,
  begin,
  keys,
  listener,
  connection,
  all,
  received,
  running,
};

// What both sides must have in common: the encoding of these messages, and of the states.
using Versions = std::array<std::uint16_t, 7>;
constexpr Versions versions{3,
                            stack::Server::snapshot_kind.version,
                            http::Server::snapshot_kind.version,
                            tls::Connection::snapshot_kind.version,
                            stack::HostServer::snapshot_kind.version,
                            tcpip::Host::snapshot_kind.version,
                            tcpip::tcp::Connection::snapshot_kind.version};

// Whose TCP/IP is below.
enum class Net : std::uint8_t { sockets, tap };
constexpr bool is_valid(Net net) { return net <= Net::tap; }

struct Hello {
  std::array<char, 12> magic{'l', 'i', 'm', 'p', 'i', 'd', ' ', 't', 'a', 'k', 'e', 's'};
  Versions versions{hand_over::versions};
  Net net = Net::sockets;
  bool secure = false;  // serves with TLS
  static void fields(auto& self, auto&& visit) { visit(self.magic, self.versions, self.net, self.secure); }
};

struct Offer {
  Versions versions{hand_over::versions};
  std::uint32_t process = 0;     // the control socket names the first that listened there
  std::uint64_t memory = 0;      // that its connections hold
  std::uint16_t generation = 0;  // of its certificates
  std::uint16_t queues = 0;      // of its tap device; each has a host
  Vec<stream::Endpoint> endpoints, redirect;
  static void fields(auto& self, auto&& visit) {
    visit(self.versions, self.process, self.memory, self.generation, self.queues, self.endpoints, self.redirect);
  }
};

struct Refused {
  std::string_view why;  // a clause
  static void fields(auto& self, auto&& visit) { visit(self.why); }
};

struct Keys {
  crypto::SealKey key;
  crypto::SealId first{};
  static void fields(auto& self, auto&& visit) { visit(self.key, self.first); }
};

struct Listener {
  bool redirects = false;
  static void fields(auto& self, auto&& visit) { visit(self.redirects); }
};

struct Connection {
  std::uint32_t place = 0;  // in the series: of the machine; what the driver knew has the next
  bool redirects = false;   // it came to a listener that only says where HTTPS is
  Bytes machine, driver;    // sealed; nothing but the machine was known of a whole host, of one queue
  static void fields(auto& self, auto&& visit) { visit(self.place, self.redirects, self.machine, self.driver); }
};

struct All {
  std::uint32_t connections = 0;
  static void fields(auto& self, auto&& visit) { visit(self.connections); }
};

// Without content.
struct Nothing {
  static void fields(auto&, auto&& visit) { visit(); }
};

// The body of a message. Nothing if it is not exactly one. Views point into `body`.
template <class T>
std::optional<T> parse(Bytes body, Budget& budget) {
  Reader in(body);
  T value{};
  if (!decode(in, {Instant{}, budget}, value) || !in.finished()) return std::nullopt;
  return value;
}

}  // namespace hand_over

// Seals what goes over, each under a place of its own in one series.
class SealedSeries {
 public:
  SealedSeries();  // a fresh key and id
  const crypto::SealKey& key() const { return key_; }
  const crypto::SealId& first() const { return first_; }
  // The next place, of `n` that are used up.
  std::uint32_t take(std::uint32_t n) { return std::exchange(next_, next_ + n); }

 private:
  crypto::SealKey key_;
  crypto::SealId first_{};
  std::uint32_t next_ = 1;
};

// The socket at which a server can be asked to hand over, and the folder of claims that goes with it.
class Control {
 public:
  // The socket is at `path`, the folder at `path`.claims.
  static Result<Control> open(const std::string& path);
  Control(std::string path, Descriptor listener, Claims claims)
      : path_(std::move(path)), listener_(std::move(listener)), claims_(std::move(claims)) {}
  Control(Control&&) = default;
  Control& operator=(Control&&) = default;
  ~Control();  // takes the socket's name away, unless it goes on elsewhere

  int listener() const { return listener_.get(); }
  const Claims& claims() const { return claims_; }
  std::optional<Channel> accept();
  void goes_on_elsewhere() { listener_.reset(); }

 private:
  std::string path_;
  Descriptor listener_;
  Claims claims_;
};

// The side that is asked, as far as it is not the same for every server.
class Giver {
 public:
  using GiveListener = std::function<Result<void>(int descriptor, const hand_over::Listener&)>;
  using GiveConnection = std::function<Result<void>(int descriptor, const hand_over::Connection&)>;

  virtual ~Giver() = default;
  virtual hand_over::Hello hello() const = 0;  // what the other side must say, too
  virtual bool draining() const = 0;
  // Fills in what it has. False if memory was refused.
  virtual bool offer(hand_over::Offer& offer) = 0;
  virtual void stop() = 0;   // everything, as it is
  virtual void start() = 0;  // goes on
  virtual Result<void> give(SealedSeries& series, const GiveListener& listener, const GiveConnection& connection) = 0;
  // Of what give() sealed: makes it live again, or forgets it.
  virtual void take_back(const SealedSeries& series, stack::ClaimSeries& claims) = 0;
  virtual void let_go() = 0;
};
// Answers one that asks to take over; whether it did.
bool hand_over_to(Channel peer, Control& control, LogForm log, Giver& giver);

// The side that asks.

struct Arrived {
  Descriptor descriptor;
  std::vector<Byte> body;  // of a hand_over::Connection
};
struct Cargo {
  hand_over::Offer offer;
  hand_over::Keys keys;
  std::optional<Claims> claims;
  Descriptor control;
  std::vector<std::pair<Descriptor, hand_over::Listener>> listeners;
  std::vector<Arrived> connections;
};
struct Taker {
  hand_over::Hello hello;
  std::size_t memory = 0;  // for all connections
  // Why what is offered cannot be taken, a clause; empty if it can. From here on clients wait.
  std::function<std::string(const hand_over::Offer&)> refuse;
  // Whatever can fail on this side before anybody has to wait.
  std::function<Result<void>(const hand_over::Offer&)> prepare;
  // What a connection takes here; nothing if it does not open.
  std::function<std::optional<std::size_t>(const hand_over::Connection&, const hand_over::Keys&)> weigh;
};
// Takes everything from the server whose control socket is at `path`, and claims it. On failure that one goes on.
// Afterwards `running` must be called as soon as all goes on here.
class TakeOver {
 public:
  static Result<TakeOver> from(const std::string& path, const Taker& taker, Budget& budget);
  Cargo cargo;
  stack::ClaimSeries claims;
  void running();

 private:
  TakeOver(Cargo all, stack::ClaimSeries series, Channel peer)
      : cargo(std::move(all)), claims(std::move(series)), peer_(std::move(peer)) {}
  Channel peer_;
};

}  // namespace limpid::effects
