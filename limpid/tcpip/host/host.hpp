// A host on one link as a value: everything between Ethernet frames and applications. It joins ip::Interface,
// tcp::Connection, UDP sockets, dhcp::Client and dns::Resolver, and owns what lies between them: who gets a segment,
// whose timer is next, who may have memory.
//
// A driver gives it Started first, then FrameReceived and TransmitDone as its device has them, Tick at the deadline,
// and Flush when it has nothing more to tell at this moment. Only Flush emits what may be merged: acknowledgements and
// data.
//
// Applications speak to it by events (Listen, Connect, Write, ...) or, where a machine owns a host, by the methods of
// the same names between steps. A method never acts: what it causes comes with the next Flush, so after methods were
// called the driver's rule is needs_flush().
#pragma once

#include "limpid/crypto/generator.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/host/vocabulary.hpp"
#include "limpid/tcpip/ip/interface.hpp"
#include "limpid/tcpip/tcp/connection.hpp"

namespace limpid::tcpip {

struct HostLimits {
  std::uint32_t connections = 1 << 17;  // half-open and dead ones whose memory is still lent to the device included
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
  // the device says TransmitDone.
  struct Config {
    ip::Config ip;
    tcp::Config tcp;
    bool dhcp = false;
    InlineList<IpAddress, 4> dns_servers;  // asked before those that DHCP or routers name
    HostLimits limits;
    static void fields(auto& self, auto&& visit) { visit(self.ip, self.tcp, self.dhcp, self.dns_servers, self.limits); }
  };

  using Event = std::variant<Tick, host::Started, FrameReceived, LinkChanged, Flush, TransmitDone, host::Entropy,
                             host::Listen, host::StopListening, host::Connect, host::Write, host::Consumed,
                             host::Finish, host::Abort, host::BindUdp, host::CloseUdp, host::SendUdp, host::Resolve>;
  using Action = std::variant<Transmit, host::Opened, host::Received, host::Writable, host::PeerFinished, host::Reset,
                              host::Closed, host::Connecting, host::Refused, host::DatagramReceived, host::Resolved,
                              host::ConfigurationChanged>;

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
  std::size_t writable(ConnectionId id) const;  // how many bytes the send buffer would take now
  void consumed(const Context& context, ConnectionId id, std::size_t size);
  void finish(const Context& context, ConnectionId id);
  void abort(const Context& context, ConnectionId id);
  bool is_open(ConnectionId id) const;

  std::expected<void, Refusal> bind_udp(const Context& context, std::uint16_t port);
  void close_udp(std::uint16_t port);
  // A Flush would do something.
  bool needs_flush() const;
};

}  // namespace limpid::tcpip
