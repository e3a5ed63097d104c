// A host on one link as a value: everything between Ethernet frames and applications. It joins ip::Interface,
// tcp::Connection, UDP sockets, dhcp::Client and dns::Resolver, and owns what lies between them: who gets a segment,
// whose timer is next, who may have memory.
//
// A driver gives it Started first, then FrameReceived and TransmitDone as its device has them, Tick at the deadline,
// and Flush when it has nothing more to tell at this moment. Only Flush emits what may be merged: acknowledgements and
// data.
//
// A device of several queues has a host for each (Config::ip.queue), which share no memory: a driver tells each what
// its queue has, and carries ToQueue to the others as FromQueue. queues.hpp says whose a frame is. LinkChanged is for
// the first one, as are UDP and names.
//
// Applications speak to it by events (Listen, Connect, Write, ...) or, where a machine owns a host, by the methods of
// the same names between steps. A method never acts: what it causes comes with the next Flush, so after methods were
// called the driver's rule is needs_flush().
//
// Memory. All that a host keeps is charged to the budget of its steps, which it shares with whoever else is charged to
// it. When it is short, or a limit of the configuration is reached, it gives in this order:
//   from 1/2 of the budget     windows shrink: connections are told MemoryPressure when they are next touched;
//   from 3/4, or backlog full  SYNs are answered with cookies, which cost nothing;
//   from 7/8, or a refusal     the oldest TIME-WAIT records go;
//   from 15/16                 whoever made no progress for longest is reset, a few at each Flush.
// Above 15/16 of the connections that the configuration allows SYNs are answered with cookies, too, and so many are
// reset: who never ends his connections must not keep everybody else out.
#pragma once

#include "limpid/crypto/generator.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/dhcp/client.hpp"
#include "limpid/tcpip/host/connections.hpp"
#include "limpid/tcpip/host/drop.hpp"
#include "limpid/tcpip/host/queues.hpp"
#include "limpid/tcpip/host/source_limits.hpp"
#include "limpid/tcpip/host/time_waits.hpp"
#include "limpid/tcpip/ip/interface.hpp"

namespace limpid::tcpip {

struct HostLimits {
  std::uint32_t connections = 1 << 17;  // half-open ones included
  std::uint32_t time_wait = 1 << 14;    // records; the oldest makes room
  std::uint16_t listeners = 64;
  std::uint16_t udp_sockets = 64;
  static void fields(auto& self, auto&& visit) {
    visit(self.connections, self.time_wait, self.listeners, self.udp_sockets);
  }
};

class Host {
 public:
  // What the device can do stands in the parts: ip has MAC, MTU and what is offloaded, tcp the superframes and whether
  // the device says TransmitDone. When the link comes up again (LinkChanged) it may be another device's: with another
  // MAC a lease is lost, and the MTU is the one that stands here then, or the lease's if that is less.
  struct Config {
    ip::Config ip;
    tcp::Config tcp;
    bool dhcp = false;
    InlineList<IpAddress, 4> dns_servers;  // asked before those that DHCP or routers name
    HostLimits limits;
    static void fields(auto& self, auto&& visit) { visit(self.ip, self.tcp, self.dhcp, self.dns_servers, self.limits); }
  };

  using Event =
      std::variant<Tick, host::Started, FrameReceived, LinkChanged, Flush, TransmitDone, host::Entropy, host::Listen,
                   host::StopListening, host::Connect, host::Write, host::Consumed, host::Finish, host::Abort,
                   host::BindUdp, host::CloseUdp, host::SendUdp, host::Resolve, host::FromQueue>;
  using Action = std::variant<Transmit, host::Opened, host::Received, host::Writable, host::PeerFinished, host::Reset,
                              host::Closed, host::Connecting, host::Refused, host::DatagramReceived, host::Resolved,
                              host::ConfigurationChanged, host::ToQueue>;

  static constexpr LeastRoom least_room{.bytes = 12288, .actions = 32, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"host", 4};
  // Connections that one Flush sheds at most, and what else one step does at most of each kind: timers that expire,
  // TIME-WAIT records that are dropped.
  static constexpr std::size_t most_shed = 4;
  static constexpr std::size_t most_expiries = 64;

  // A frame is taken whole. Flush is offered again until it is consumed; what does not fit the room waits for the next
  // step, as `more` says. A link that is up under another MAC is offered again, too, when the lease is given up.
  // Everything else is consumed at once. Before Started it wants entropy and takes nothing else.
  static Progress<Action> advance(const Config& config, Host& state, Time now, const Event& event,
                                  const Room<Action>& room);

  // It asks nothing.
  std::optional<std::monostate> pending() const { return {}; }

  // The methods of an owner, to be called between steps. `context` is what a step would be given.
  struct Context {
    const Config& config;
    Time now;
    Budget& budget;
  };

  std::expected<void, Refusal> listen(const Context& context, std::uint16_t port, std::uint16_t backlog);
  void stop_listening(std::uint16_t port);
  // Opened or Reset follows.
  std::expected<ConnectionId, Refusal> connect(const Context& context, const stream::Endpoint& remote);

  // Contiguous room of at most `size` bytes at the end of what is to be sent; shorter, or empty, if the send buffer is
  // full (then Writable follows), memory is short, or the connection cannot send any more. It stays until the next call
  // or step; commit() says how much of it was filled.
  MutableBytes reserve(const Context& context, ConnectionId id, std::size_t size);
  void commit(const Context& context, ConnectionId id, std::size_t size);
  // How many bytes the send buffer would take now.
  std::size_t writable(const Context& context, ConnectionId id) const;
  // How many bytes of what was written the peer has yet to acknowledge.
  std::size_t unacknowledged(ConnectionId id) const;
  void consumed(const Context& context, ConnectionId id, std::size_t size);
  void finish(const Context& context, ConnectionId id);
  void abort(const Context& context, ConnectionId id);
  bool is_open(ConnectionId id) const;

  std::expected<void, Refusal> bind_udp(const Context& context, std::uint16_t port);
  void close_udp(std::uint16_t port);
  // A Flush would do something.
  bool needs_flush() const { return connections_.any_dirty(); }
  // When to step it with Tick, at the latest: what Progress says, and what methods did since. It may be an early one.
  std::optional<Instant> deadline() const {
    const auto connections = connections_.deadline();
    if (connections && *connections < parts_due_) return connections;
    return parts_due_ == Instant{INT64_MAX} ? std::nullopt : std::optional(parts_due_);
  }

  // For reports: visit(group, name, value) for every counter and every size.
  template <class Visit>
  void report(Visit&& visit) const;

  const ip::Interface& interface() const { return ip_; }
  const host::Connections& connections() const { return connections_; }
  std::uint32_t time_waits() const { return time_waits_.used(); }
  std::uint64_t dropped(host::Drop drop) const { return drops_[drop]; }
  std::uint64_t counted(host::Count count) const { return counts_[count]; }
  // TransmitDone of nothing that was lent. Not saved, as what is lent is not.
  std::uint64_t stale_pins() const { return stale_pins_; }

  static void fields(auto& self, auto&& visit) {
    visit(self.started_, self.generator_, self.table_key_, self.sequence_key_, self.cookie_key_, self.port_key_,
          self.ip_, self.dhcp_, self.resolver_, self.connections_, self.time_waits_, self.listeners_, self.udp_ports_,
          self.advertised_servers_, self.advertised_until_, self.leased_address_, self.last_cookie_, self.next_port_,
          self.unfinished_, self.pressed_, self.stray_limits_, self.drops_, self.counts_, self.ignored_,
          self.last_seen_, self.queues_);
  }
  bool restored(const LoadContext& context);

 private:
  friend class HostStep;

  struct Listener {
    std::uint16_t port = 0;
    std::uint16_t backlog = 0;
    std::uint32_t half_open = 0;  // counted when loaded
    static void fields(auto& self, auto&& visit) { visit(self.port, self.backlog); }
  };
  Listener* listener(std::uint16_t port);
  bool is_bound(std::uint16_t port) const;

  bool started_ = false;
  crypto::Generator generator_;
  crypto::HashTableKey table_key_, sequence_key_, cookie_key_, port_key_;
  ip::Interface ip_;
  Box<dhcp::Client> dhcp_;
  dns::Resolver resolver_;
  host::Connections connections_;
  host::TimeWaits time_waits_;
  Vec<Listener> listeners_;
  Vec<std::uint16_t> udp_ports_;
  Vec<ConnectionId> streams_;                    // the resolver's connections; found when loaded
  InlineList<IpAddress, 3> advertised_servers_;  // RFC 8106
  std::optional<Instant> advertised_until_;
  std::optional<IpAddress> leased_address_;  // that DHCP gave the interface
  std::optional<Instant> last_cookie_;       // when one was sent: later ACKs may hold it
  std::uint32_t next_port_ = 0;              // RFC 6056, section 3.3.3: next_ephemeral
  std::optional<std::uint32_t> unfinished_;  // a connection that has more to report than the room took
  bool pressed_ = false;                     // memory is short enough for windows to shrink
  host::SourceLimits stray_limits_;
  host::Counts<host::Drop, host::drop_kinds> drops_;
  host::Counts<host::Count, host::count_kinds> counts_;
  host::Counts<tcp::Ignored, tcp::ignored_reasons> ignored_;
  Instant last_seen_;
  host::Queues queues_;
  std::uint64_t stale_pins_ = 0;
  // When the first part but the connections is due: found at the end of each step, and not saved.
  Instant parts_due_{INT64_MIN};
};

template <class Visit>
void Host::report(Visit&& visit) const {
  visit("host", "connections", connections_.used());
  visit("host", "time_waits", time_waits_.used());
  visit("host", "neighbours", ip_.neighbours().size());
  visit("host", "lent", connections_.lent());
  visit("host", "listeners", listeners_.size());
  for (std::size_t i = 0; i < host::count_kinds; ++i) {
    const auto count = static_cast<host::Count>(i);
    visit("host", host::name(count), counts_[count]);
  }
  for (std::size_t i = 0; i < host::drop_kinds; ++i) {
    const auto drop = static_cast<host::Drop>(i);
    visit("dropped", host::name(drop), drops_[drop]);
  }
  visit("dropped", "stale_pin", stale_pins_);
  for (std::size_t i = 0; i < tcp::ignored_reasons; ++i) {
    const auto why = static_cast<tcp::Ignored>(i);
    visit("dropped_by_tcp", tcp::name(why), ignored_[why]);
  }
  for (std::size_t i = 0; i < ip::drop_kinds; ++i) {
    const auto drop = static_cast<ip::Drop>(i);
    visit("dropped_by_ip", ip::name(drop), ip_.drops()[drop]);
  }
  for (std::size_t i = 0; i < dns::drop_reasons; ++i) {
    const auto drop = static_cast<dns::Drop>(i);
    visit("dropped_by_dns", dns::name(drop), resolver_.dropped(drop));
  }
  for (std::size_t i = 0; dhcp_ && i < dhcp::drop_reasons; ++i) {
    const auto drop = static_cast<dhcp::Drop>(i);
    visit("dropped_by_dhcp", dhcp::name(drop), dhcp_->dropped(drop));
  }
}

}  // namespace limpid::tcpip
