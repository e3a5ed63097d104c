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
#include "limpid/stack/server.hpp"

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
using Versions = std::array<std::uint16_t, 4>;
constexpr Versions versions{1, stack::Server::snapshot_kind.version, http::Server::snapshot_kind.version,
                            tls::Connection::snapshot_kind.version};

struct Hello {
  std::array<char, 12> magic{'l', 'i', 'm', 'p', 'i', 'd', ' ', 't', 'a', 'k', 'e', 's'};
  Versions versions{hand_over::versions};
  bool secure = false;  // serves with TLS
  static void fields(auto& self, auto&& visit) { visit(self.magic, self.versions, self.secure); }
};

struct Offer {
  Versions versions{hand_over::versions};
  std::uint32_t process = 0;     // the control socket names the first that listened there
  std::uint64_t memory = 0;      // that its connections hold
  std::uint16_t generation = 0;  // of its certificates
  Vec<stream::Endpoint> endpoints, redirect;
  static void fields(auto& self, auto&& visit) {
    visit(self.versions, self.process, self.memory, self.generation, self.endpoints, self.redirect);
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
  Bytes machine, driver;    // sealed
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

}  // namespace limpid::effects
