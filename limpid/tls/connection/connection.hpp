// A TLS 1.3 connection (RFC 8446), client or server, as a machine over a byte stream.
//
//     Entropy                -> a client's ClientHello goes out; a server waits for one
//     stream::Received       -> Deliver, Ask, HandshakeDone, PeerClosed, ...; decrypts in place, record by record
//     Reply                  -> the handshake goes on
//     Write, Close           -> stream::Send
//     stream::PeerFinished   -> Truncated, unless close_notify came before
//
// Reading and writing end independently. There is no receive buffer: `consumed` counts whole records, and the caller
// offers a partial one again when there is more of it. There are no timers: who steps the machine decides how long a
// handshake may take. Reading pauses while a question is open and while handshake messages or an alert wait for room.
#pragma once

#include "limpid/tls/connection/vocabulary.hpp"

namespace limpid::tls {

class Connection {
 public:
  using Config = tls::Config;
  using Event = std::variant<Tick, Entropy, stream::Received, stream::PeerFinished, Write, Close, UpdateKeys, Reply>;
  using Action = std::variant<stream::Send, Deliver, Ask, HandshakeDone, PeerClosed, Truncated, Failed, Refused, Noted>;

  static constexpr SnapshotKind snapshot_kind{"tls ", 1};
  // Input: a record of the largest size. Bytes: the facts of HandshakeDone behind the last message of a flight.
  static constexpr LeastRoom least_room{.bytes = 1024, .actions = 4, .input = 5 + (1 << 14) + 256};

  Connection() = default;  // newborn

  static Progress<Action> advance(const Config& config, Connection& state, Time now, const Event& event,
                                  const Room<Action>& room);
  // The open question, if any. Its id is in the Ask that announced it, and query_id() here.
  std::optional<Query> pending() const;
  QueryId query_id() const { return query_; }

  bool connected() const;  // HandshakeDone, and not failed or ended in both directions
  bool may_write() const;  // a Write would be taken, given room

 private:
  QueryId query_;
};

}  // namespace limpid::tls
