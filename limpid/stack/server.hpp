// The HTTPS server of one connection, as a machine over the stream contract (core/stream.hpp): HTTP over TLS, or
// without TLS over the stream itself.
//
// A driver gives it Opened first, then what happens on its transport, and carries out the actions in order. It looks at
// what Progress says:
//   wants event     everything was consumed, or a TLS record is incomplete; wait for the transport or the deadline;
//   wants room      step with Tick when the transport takes more (the credit is room.bytes.size());
//   wants reply     answer pending() with http::Reply or tls::Reply; what was received is offered again after that (an
//                   answer to TLS that does not fit its question declines);
//   wants entropy   only before Opened;
//   wants nothing   it is over: close the transport and drop the state.
// Reset, Tick and Drain are consumed whatever it wants; Received and PeerFinished wait while it wants room or a reply.
#pragma once

#include "limpid/http/server.hpp"
#include "limpid/tls/connection/connection.hpp"

namespace limpid::stack {

using http::Drain;

// A question of TLS. stack::Identities answers it.
struct TlsQuery {
  QueryId id;
  tls::Query question;
};

class Server {
 public:
  struct Config {
    http::Server::Config http{};
    std::optional<tls::Config> tls{};          // of the server's role; none: plain HTTP
    Duration handshake_timeout = seconds(10);  // from Opened to the end of the handshake
    Duration linger_timeout = seconds(5);      // for the peer to take our end, and then to finish its own direction
    static void fields(auto& self, auto&& visit) {
      visit(self.http, self.tls, self.handshake_timeout, self.linger_timeout);
    }
  };

  using Event = std::variant<Tick, stream::Opened, stream::Received, stream::PeerFinished, stream::Reset, Drain,
                             http::Reply, tls::Reply, tls::Entropy>;
  using Action =
      std::variant<stream::Send, stream::Finish, stream::Abort, http::CloseFile, http::RequestServed, http::StaleReply,
                   tls::HandshakeDone, tls::Failed, tls::Truncated, tls::Noted, tls::KeyLog>;
  using Query = std::variant<http::Lookup, http::ReadFile, TlsQuery>;

  // For plain HTTP one byte of room and one of input would do.
  static constexpr LeastRoom least_room{
      .bytes = 2 * tls::Connection::least_room.bytes, .actions = 24, .input = tls::Connection::least_room.input};
  static constexpr SnapshotKind snapshot_kind{"ssrv", 3};
  // At most so many bytes does HTTP hand out in one step over TLS.
  static constexpr std::size_t largest_handout = 72 * 1024;
  // Bytes owned with the default limits: both machines, a record's plaintext, and a handout that could not be sealed.
  static constexpr std::size_t max_footprint =
      tls::Connection::max_footprint + http::Server::max_footprint + 3 * (1 << 14) + largest_handout;

  // The facts among the actions are for logs and counters: RequestServed, StaleReply, HandshakeDone, Failed (the
  // connection is ending, with TLS's alert sent), Truncated, Noted. After Abort or Finish no Send follows.
  static Progress<Action> advance(const Config& config, Server& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<Query> pending() const;

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  // A TLS connection whose handshake is not complete.
  bool handshaking() const;

  // Whose turn it is, for a driver that must choose whom to serve no longer.
  enum class Standing : std::uint8_t {
    answering,  // a request is being answered, or it is over
    idle,       // between two requests
    awaiting,   // the peer has begun something, a handshake, a request or the end, and has yet to complete it
  };
  Standing standing() const;

  static void fields(auto& self, auto&& visit) { visit(self.phase_, self.last_seen_); }

 private:
  // What stands between the stream and HTTP.
  struct Secure {
    Secure() {}  // clang needs it: the initializers below count only once the outer class is complete
    tls::Connection connection;
    bool connected = false;    // the handshake is complete
    bool peer_closed = false;  // no more plaintext will come, and HTTP does not know yet
    Buffer held;               // of one record decrypted: what HTTP did not consume yet
    Buffer unsealed;           // plaintext that did not fit sealed into the room when HTTP handed it out
    static void fields(auto& self, auto&& visit) {
      visit(self.connection, self.connected, self.peer_closed, self.held, self.unsealed);
    }
  };

  struct Fresh {
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct Serving {
    http::Server http;
    std::optional<Secure> secure;
    bool closing = false;             // HTTP has ended: close_notify goes out, then Finish
    bool peer_finished = false;       // the peer's FIN was consumed
    std::optional<Instant> deadline;  // of the handshake, or of closing
    static void fields(auto& self, auto&& visit) {
      visit(self.http, self.secure, self.closing, self.peer_finished, self.deadline);
    }
  };
  // Finished towards the peer. What it still sends is discarded, since closing with unread bytes would reset the
  // connection and could destroy the answer before the peer has read it.
  struct Lingering {
    Instant deadline;
    static void fields(auto& self, auto&& visit) { visit(self.deadline); }
  };
  struct Ended {
    static void fields(auto&, auto&& visit) { visit(); }
  };

  friend class ServerStep;

  std::variant<Fresh, Serving, Lingering, Ended> phase_;
  Instant last_seen_;
};

}  // namespace limpid::stack
