// The stream contract: what a byte-stream transport tells an application machine, and what that may ask of it. The
// drivers in effects/ make these events from sockets; the TCP/IP host makes the same ones from segments.
//
// Credit is the room of a step: a driver lends as many bytes of output room as the transport takes, and steps with Tick
// when there is room again. Every layer keeps three ends apart: PeerFinished is FIN, Reset is RST or a dead link, and a
// TLS close_notify is bytes.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"

namespace limpid::stream {

struct Endpoint {
  std::array<Byte, 16> address{};  // IPv6; IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2)
  std::uint16_t port = 0;
  friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.address, self.port); }
};

// Events.

// The first event of a connection. The entropy is the machine's only source of randomness; it must be fresh.
struct Opened {
  Endpoint local, peer;
  std::array<Byte, 32> entropy{};
  static void fields(auto& self, auto&& visit) { visit(self.local, self.peer, self.entropy); }
};

// Bytes of the stream, possibly decrypted in place. What was not consumed must be offered again, followed by more.
struct Received {
  MutableBytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// The peer will send no more; it may still read. Legal only once everything received before was consumed or refused.
struct PeerFinished {
  static void fields(auto&, auto&& visit) { visit(); }
};

enum class ResetReason : std::uint8_t { reset, timed_out, unreachable };
constexpr bool is_valid(ResetReason reason) { return reason <= ResetReason::unreachable; }

// The connection is gone in both directions.
struct Reset {
  ResetReason reason = ResetReason::reset;
  static void fields(auto& self, auto&& visit) { visit(self.reason); }
};

// Actions.

struct Send {
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// Everything to be sent was sent: finish this direction (FIN), go on reading.
struct Finish {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Drop the connection at once, in both directions; nothing follows.
struct Abort {
  static void fields(auto&, auto&& visit) { visit(); }
};

}  // namespace limpid::stream
