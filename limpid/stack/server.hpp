// The HTTPS server of one connection, as a machine over the stream contract (core/stream.hpp): HTTP over TLS, or
// without TLS over the stream itself.
//
// A driver gives it Opened first, then what happens on its transport, and carries out the actions in order. It looks at
// what Progress says:
//   wants event     everything was consumed; wait for the transport or the deadline;
//   wants room      step with Tick when the transport takes more (the credit is room.bytes.size());
//   wants reply     answer pending() with http::Reply; the rest of what was received is offered again after that;
//   wants entropy   only before Opened;
//   wants nothing   it is over: close the transport and drop the state.
// Reset, Tick and Drain are consumed whatever it wants; Received and PeerFinished wait while it wants room or a reply.
#pragma once

#include "limpid/http/server.hpp"

namespace limpid::stack {

using http::Drain;

class Server {
 public:
  struct Config {
    http::Server::Config http{};
    Duration linger_timeout = seconds(5);  // for the peer to finish its direction after we finished ours
  };

  using Event =
      std::variant<Tick, stream::Opened, stream::Received, stream::PeerFinished, stream::Reset, Drain, http::Reply>;
  using Action =
      std::variant<stream::Send, stream::Finish, stream::Abort, http::CloseFile, http::RequestServed, http::StaleReply>;
  using Query = http::Server::Query;

  static constexpr LeastRoom least_room{.bytes = 1, .actions = 8, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"ssrv", 1};

  static Progress<Action> advance(const Config& config, Server& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<Query> pending() const;

  static void fields(auto& self, auto&& visit) { visit(self.phase_, self.last_seen_); }

 private:
  struct Fresh {
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct Serving {
    http::Server http;
    static void fields(auto& self, auto&& visit) { visit(self.http); }
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
