// A server over a host: from Ethernet frames to files, as one value. It joins tcpip::Host with one stack::Server for
// each connection, and passes what the one says to the other.
//
// A driver gives it tls::Entropy first (and again as soon as it was restored), then what its device has: FrameReceived,
// TransmitDone, LinkChanged. When it has nothing more to tell at this moment it sends Flush, until there is no `more`.
// pending() is the oldest open question of any connection; meanwhile everything else goes on.
#pragma once

#include "limpid/stack/server.hpp"
#include "limpid/stack/test_service.hpp"
#include "limpid/tcpip/host/host.hpp"
#include "limpid/tcpip/host/index_list.hpp"
#include "limpid/tcpip/host/timer_heap.hpp"

namespace limpid::stack {

class HostServer {
 public:
  enum class Application : std::uint8_t { server, redirect, echo, discard, chargen };
  friend constexpr bool is_valid(Application application) { return application <= Application::chargen; }

  // What answers at a port.
  struct Service {
    std::uint16_t port = 0;
    Application application = Application::server;
    friend constexpr bool operator==(const Service&, const Service&) = default;
    static void fields(auto& self, auto&& visit) { visit(self.port, self.application); }
  };
  // Those that networks are measured with, at the ports that their RFCs give them.
  static constexpr Service test_services[] = {
      {7, Application::echo}, {9, Application::discard}, {19, Application::chargen}};

  struct Config {
    tcpip::Host::Config host;
    Server::Config server;
    Server::Config redirect;
    InlineList<Service, 8> services;
    std::uint16_t backlog = 1024;  // of each service: connections that the peer has yet to complete
    static void fields(auto& self, auto&& visit) {
      visit(self.host, self.server, self.redirect, self.services, self.backlog);
    }
  };

  // An answer to pending().
  struct Reply {
    tcpip::ConnectionId to;
    std::variant<http::Reply, tls::Reply> reply;
    static void fields(auto& self, auto&& visit) { visit(self.to, self.reply); }
  };

  using Event = std::variant<Tick, tls::Entropy, FrameReceived, TransmitDone, LinkChanged, Flush, Drain, Reply,
                             tcpip::host::FromQueue>;

  // What a connection's machine reports: facts, http::CloseFile, and stream::Abort, which was carried out.
  struct Report {
    tcpip::ConnectionId from;
    stream::Endpoint peer;
    Server::Action report;
    static void fields(auto& self, auto&& visit) { visit(self.from, self.peer, self.report); }
  };
  struct Began {
    tcpip::ConnectionId connection;
    static void fields(auto& self, auto&& visit) { visit(self.connection); }
  };
  // Nothing more comes from this connection; what was kept for it can go.
  struct Ended {
    enum class Why : std::uint8_t { finished, reset, out_of_memory };
    friend constexpr bool is_valid(Why why) { return why <= Why::out_of_memory; }
    tcpip::ConnectionId connection;
    Why why = Why::finished;
    static void fields(auto& self, auto&& visit) { visit(self.connection, self.why); }
  };
  using Action = std::variant<Transmit, Report, Began, Ended, tcpip::host::ConfigurationChanged, tcpip::host::ToQueue>;

  struct Query {
    tcpip::ConnectionId from;
    Server::Query question;
  };

  static constexpr LeastRoom least_room{
      .bytes = tcpip::Host::least_room.bytes + Server::least_room.bytes + 4096,
      .actions = 2 * tcpip::Host::least_room.actions + 2 * (Server::least_room.actions + 8),
      .input = 1};
  static constexpr SnapshotKind snapshot_kind{"hsvr", 4};

  static Progress<Action> advance(const Config& config, HostServer& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<Query> pending() const;

  std::uint32_t connections() const { return connections_.used(); }
  const tcpip::Host& host() const { return host_; }

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) {
    visit(self.born_, self.draining_, self.last_seen_, self.generator_, self.host_, self.connections_, self.ready_,
          self.asking_);
  }
  bool restored(const LoadContext& context);

 private:
  // Its application has ended; what was sent is on its way still, and what comes is discarded.
  struct Lingering {
    Lingering() : left(0) {}
    explicit Lingering(std::uint64_t unacknowledged) : left(unacknowledged) {}
    std::uint64_t left;  // bytes that the peer had yet to acknowledge when that was last looked at
    static void fields(auto& self, auto&& visit) { visit(self.left); }
  };

  struct Connection {
    tcpip::ConnectionId id;
    Application kind = Application::server;
    stream::Endpoint local, peer;
    std::variant<Lingering, Server, TestService> application;
    Deque<Byte> unread;         // received and not consumed
    std::uint32_t offered = 0;  // so much of it is too little for the application
    Wants wants = Wants::entropy;
    bool more = false;
    bool needs_entropy = false;  // since it was restored
    bool told_to_drain = false;
    bool tick = false;           // its deadline came
    bool peer_finished = false;  // behind what is unread
    bool end_consumed = false;   // and the application knows
    bool finished = false;       // the application has sent all
    bool over = false;           // the host's connection is gone
    bool out_of_memory = false;  // which is why
    std::optional<stream::ResetReason> reset;
    std::optional<Instant> deadline;
    tcpip::host::ListLink ready, asking;
    std::uint32_t place = 0;  // in connections_; not saved
    static void fields(auto& self, auto&& visit) {
      visit(self.id, self.kind, self.local, self.peer, self.application, self.unread, self.offered, self.wants,
            self.more, self.needs_entropy, self.told_to_drain, self.tick, self.peer_finished, self.end_consumed,
            self.finished, self.over, self.out_of_memory, self.reset, self.deadline, self.ready, self.asking);
    }
  };

  friend class HostServerStep;

  bool born_ = false;
  bool draining_ = false;
  Instant last_seen_;
  crypto::Generator generator_;
  tcpip::Host host_;
  tcpip::host::Slab<Connection> connections_;
  tcpip::host::IndexList<Connection, &Connection::ready> ready_;    // can go on
  tcpip::host::IndexList<Connection, &Connection::asking> asking_;  // have a question open, the oldest first

  // Rebuilt, not saved.
  Vec<std::uint32_t> by_host_;  // from the host's index to that in connections_
  tcpip::host::TimerHeap timers_;
};

}  // namespace limpid::stack
