// What a host is told and what it answers, beside the frames of core/frame.hpp.
#pragma once

#include "limpid/core/frame.hpp"
#include "limpid/core/machine.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/tcpip/dns/resolver.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip {

// Names a connection for as long as the host lives, saved and loaded included. An index is used again, with another
// generation, so what is done to a connection that is gone is done to none.
struct ConnectionId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  friend constexpr bool operator==(const ConnectionId&, const ConnectionId&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.index, self.generation); }
};

// Why a command was not carried out. It changed nothing.
enum class Refusal : std::uint8_t {
  no_memory,     // the budget, or a limit of the configuration
  no_address,    // the host has no address from which the destination could be reached
  port_in_use,   // or no ephemeral port is free
  no_such,       // the connection, listener or socket is gone or never was
  not_writable,  // more than the send buffer takes, or after finish
  bad_argument,  // port 0, or a datagram larger than UDP has
  not_started,   // Started has yet to come
  other_queue,   // the host of the device's first queue does that
};
constexpr bool is_valid(Refusal refusal) { return refusal <= Refusal::other_queue; }
constexpr std::string_view name(Refusal refusal) {
  switch (refusal) {
    case Refusal::no_memory:
      return "no_memory";
    case Refusal::no_address:
      return "no_address";
    case Refusal::port_in_use:
      return "port_in_use";
    case Refusal::no_such:
      return "no_such";
    case Refusal::not_writable:
      return "not_writable";
    case Refusal::bad_argument:
      return "bad_argument";
    case Refusal::not_started:
      return "not_started";
    case Refusal::other_queue:
      return "other_queue";
  }
  return "";
}

namespace host {

// Events.

// The first event, and again after a restore: what a loaded host draws must not be what its twin draws.
struct Started {
  std::array<Byte, 32> entropy{};
  static void fields(auto& self, auto&& visit) { visit(self.entropy); }
};

// More entropy, at any time.
struct Entropy {
  std::array<Byte, 32> entropy{};
  static void fields(auto& self, auto&& visit) { visit(self.entropy); }
};

// From the host of another queue of the same device: what that gave as ToQueue, in one piece. The memory is lent for
// the step and may be altered.
struct FromQueue {
  std::uint8_t queue = 0;  // whose
  MutableBytes message;
  static void fields(auto& self, auto&& visit) { visit(self.queue, self.message); }
};

// Commands: each is the method of Host of the same name. What it answers comes as an action, what fails as Refused.

struct Listen {
  std::uint16_t port = 0;
  std::uint16_t backlog = 0;
  static void fields(auto& self, auto&& visit) { visit(self.port, self.backlog); }
};
struct StopListening {
  std::uint16_t port = 0;
  static void fields(auto& self, auto&& visit) { visit(self.port); }
};
struct Connect {
  stream::Endpoint remote;
  std::uint32_t token = 0;  // comes back in Connecting or Refused
  static void fields(auto& self, auto&& visit) { visit(self.remote, self.token); }
};
// Taken whole or, with Refused, not at all.
struct Write {
  ConnectionId id;
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.id, self.bytes); }
};
// The application is done with so many bytes of what it Received.
struct Consumed {
  ConnectionId id;
  std::uint32_t size = 0;
  static void fields(auto& self, auto&& visit) { visit(self.id, self.size); }
};
struct Finish {
  ConnectionId id;
  static void fields(auto& self, auto&& visit) { visit(self.id); }
};
struct Abort {
  ConnectionId id;
  static void fields(auto& self, auto&& visit) { visit(self.id); }
};
struct BindUdp {
  std::uint16_t port = 0;
  static void fields(auto& self, auto&& visit) { visit(self.port); }
};
struct CloseUdp {
  std::uint16_t port = 0;
  static void fields(auto& self, auto&& visit) { visit(self.port); }
};
struct SendUdp {
  std::uint16_t port = 0;  // a bound one: the datagram's source
  stream::Endpoint to;
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.port, self.to, self.bytes); }
};
// Exactly one Resolved with this token follows.
using dns::Resolve;

// Actions.

// A connection is established: one that a listener took, or one of connect().
struct Opened {
  ConnectionId id;
  stream::Endpoint local, remote;
  std::uint16_t listener = 0;  // its port; 0: of connect()
  static void fields(auto& self, auto&& visit) { visit(self.id, self.local, self.remote, self.listener); }
};

// In-order bytes of a connection's stream, delivered at once and only once. They lie in the event's frame or in the
// connection, until the next step or method call. What the application does not take now it keeps itself; it says
// consumed() when it is done with them, and until then they count against the window that the peer is shown.
struct Received {
  ConnectionId id;
  MutableBytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.id, self.bytes); }
};

// reserve() or Write came short before; there is room again.
struct Writable {
  ConnectionId id;
  static void fields(auto& self, auto&& visit) { visit(self.id); }
};

// FIN: the peer sends no more, and may still read.
struct PeerFinished {
  ConnectionId id;
  static void fields(auto& self, auto&& visit) { visit(self.id); }
};

// The connection is gone, in both directions; the id with it. One of connect() may end so before it was Opened.
struct Reset {
  ConnectionId id;
  stream::ResetReason reason = stream::ResetReason::reset;
  static void fields(auto& self, auto&& visit) { visit(self.id, self.reason); }
};

// Both directions have ended, and the peer has acknowledged all; the id is gone. Does not follow abort().
struct Closed {
  ConnectionId id;
  static void fields(auto& self, auto&& visit) { visit(self.id); }
};

// The answer to the command Connect; the connection is not established yet.
struct Connecting {
  std::uint32_t token = 0;
  ConnectionId id;
  static void fields(auto& self, auto&& visit) { visit(self.token, self.id); }
};

// The answer to a command that was not carried out; the token, if it had one.
struct Refused {
  Refusal why = Refusal::no_such;
  std::uint32_t token = 0;
  static void fields(auto& self, auto&& visit) { visit(self.why, self.token); }
};

struct DatagramReceived {
  std::uint16_t port = 0;  // the socket
  stream::Endpoint from, to;
  MutableBytes bytes;  // in the event's frame
  static void fields(auto& self, auto&& visit) { visit(self.port, self.from, self.to, self.bytes); }
};

// The answer to resolve(): addresses, or why there are none.
using dns::Resolved;

// An address became usable, or ceased to be: duplicate, expired.
struct ConfigurationChanged {
  IpAddress address;
  bool usable = false;
  static void fields(auto& self, auto&& visit) { visit(self.address, self.usable); }
};

// For the host of another queue of the same device: `head` and then `rest`. What cannot be kept may be lost, and what
// is lost is said again. Both lie in the room or in the event.
struct ToQueue {
  std::uint8_t queue = 0;
  Bytes head, rest;
  static void fields(auto& self, auto&& visit) { visit(self.queue, self.head, self.rest); }
};

}  // namespace host
}  // namespace limpid::tcpip
