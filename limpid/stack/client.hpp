// The HTTPS client of one request, as a machine over the stream contract (core/stream.hpp): HTTP over TLS, or without
// TLS over the stream itself. What Progress::wants means is said in stack/server.hpp.
//
// Opened first; http::Fetch at any time, once. It ends by itself: after Done, FetchFailed, Failed or TimedOut it
// closes.
#pragma once

#include "limpid/http/client.hpp"
#include "limpid/stack/server.hpp"

namespace limpid::stack {

enum class Awaited : std::uint8_t { handshake, answer };
constexpr bool is_valid(Awaited awaited) { return awaited <= Awaited::answer; }

// Action: the server was silent for too long; Abort follows.
struct TimedOut {
  Awaited awaited{};
  static void fields(auto& self, auto&& visit) { visit(self.awaited); }
};

class Client {
 public:
  struct Config {
    http::Client::Config http{};
    std::optional<tls::Config> tls{};          // of the client's role, with the name to verify; none: plain HTTP
    Duration handshake_timeout = seconds(30);  // from Opened to the end of the handshake
    Duration idle_timeout = seconds(60);       // between any two pieces received
    static void fields(auto& self, auto&& visit) {
      visit(self.http, self.tls, self.handshake_timeout, self.idle_timeout);
    }
  };

  using Event = std::variant<Tick, stream::Opened, stream::Received, stream::PeerFinished, stream::Reset, http::Fetch,
                             tls::Reply, tls::Entropy>;
  using Action = std::variant<stream::Send, stream::Finish, stream::Abort, http::HeadReceived, http::BodyReceived,
                              http::Done, http::FetchFailed, TimedOut, tls::HandshakeDone, tls::Failed, tls::Truncated,
                              tls::Noted, tls::KeyLog>;
  using Query = std::variant<TlsQuery>;  // VerifyPeer: stack::verify_peer answers it

  static constexpr LeastRoom least_room{
      .bytes = 2 * tls::Connection::least_room.bytes, .actions = 24, .input = tls::Connection::least_room.input};
  static constexpr SnapshotKind snapshot_kind{"scli", 4};

  // BodyReceived's bytes are in the bytes received, decrypted in place.
  static Progress<Action> advance(const Config& config, Client& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<Query> pending() const;

  // The head of the final answer as it came, for http::parse_response; empty before HeadReceived.
  Bytes head() const;

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) { visit(self.phase_, self.http_, self.last_seen_); }

 private:
  struct Secure {
    Secure() {}  // clang needs it: the initializers below count only once the outer class is complete
    tls::Connection connection;
    bool connected = false;  // the handshake is complete
    static void fields(auto& self, auto&& visit) { visit(self.connection, self.connected); }
  };
  struct Fresh {
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct Open {
    std::optional<Secure> secure;
    bool closing = false;  // HTTP has ended: close_notify goes out, then Finish
    Instant deadline;
    static void fields(auto& self, auto&& visit) { visit(self.secure, self.closing, self.deadline); }
  };
  struct Ended {
    static void fields(auto&, auto&& visit) { visit(); }
  };

  friend class ClientStep;

  std::variant<Fresh, Open, Ended> phase_;
  http::Client http_;
  Instant last_seen_;
};

}  // namespace limpid::stack
