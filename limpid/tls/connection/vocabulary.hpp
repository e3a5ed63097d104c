// What a TLS connection is told, and what it says.
#pragma once

#include "limpid/core/stream.hpp"
#include "limpid/tls/config.hpp"
#include "limpid/tls/query.hpp"

namespace limpid::tls {

// Events, beside stream::Received, stream::PeerFinished and Tick.

// 32 fresh secret bytes: the first event of a connection, and of one restored from a snapshot. At birth they begin the
// handshake. Later they are mixed into the generator.
struct Entropy {
  std::array<Byte, 32> bytes{};
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// Plaintext to be sent. `consumed` counts its bytes: what was not taken must be offered again. Nothing is taken before
// HandshakeDone.
struct Write {
  Bytes bytes{};
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// Nothing more will be written: sends close_notify. Reading goes on. Before HandshakeDone it gives the handshake up.
struct Close {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Changes the keys that this side sends with, and asks the peer to change its own too (RFC 8446, section 4.6.3).
struct UpdateKeys {
  bool request_peer = false;
  static void fields(auto& self, auto&& visit) { visit(self.request_peer); }
};

// The answer to pending(). One to an earlier question is noted and changes nothing.
struct Reply {
  QueryId query{};
  Answer answer{};
  static void fields(auto& self, auto&& visit) { visit(self.query, self.answer); }
};

// Actions, beside stream::Send.

// Plaintext from the peer: a view into the bytes received, decrypted in place.
struct Deliver {
  Bytes bytes{};
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// A question stands open: read it from pending() and answer with Reply. Until then nothing more is read.
struct Ask {
  QueryId query{};
  QueryKind kind{};
  static void fields(auto& self, auto&& visit) { visit(self.query, self.kind); }
};

// The handshake is complete: what was agreed. From now on Write is taken and Deliver comes.
struct HandshakeDone {
  CipherSuite cipher_suite{};
  NamedGroup group{};
  SignatureScheme signature_scheme{};  // of the server's CertificateVerify
  bool retried = false;                // there was a HelloRetryRequest
  Bytes application_protocol{};        // that ALPN selected, empty if none; a view into the room's bytes
  Bytes server_name{};                 // in SNI, empty if none; a view into the room's bytes
  static void fields(auto& self, auto&& visit) {
    visit(self.cipher_suite, self.group, self.signature_scheme, self.retried, self.application_protocol,
          self.server_name);
  }
};

// The peer's close_notify: it sent everything it meant to. This side may go on writing.
struct PeerClosed {
  static void fields(auto&, auto&& visit) { visit(); }
};

// The peer's stream ended without close_notify: what was delivered may not be all. Not a failure of TLS, but one of
// whatever needs to know the end. This side may go on writing.
struct Truncated {
  static void fields(auto&, auto&& visit) { visit(); }
};

// The connection is over; nothing follows. `alert` was sent just before, unless it was received (the error's fault is
// then alert_received), the peer has gone (handshake_truncated), or this side had closed its writing.
struct Failed {
  Error error{};
  Alert alert{};
  static void fields(auto& self, auto&& visit) { visit(self.error, self.alert); }
};

enum class Misuse : std::uint8_t {
  write_after_close,  // Write, UpdateKeys or a second Close behind Close
  not_connected,      // UpdateKeys before HandshakeDone
  answer_unfit,       // a Reply of another kind than the open question; an empty or overlong chain; another scheme
};
constexpr bool is_valid(Misuse misuse) { return misuse <= Misuse::answer_unfit; }

// The application's mistake; nothing changed.
struct Refused {
  Misuse misuse{};
  static void fields(auto& self, auto&& visit) { visit(self.misuse); }
};

enum class Note : std::uint8_t {
  stale_reply,                   // to a question that is not open
  session_ticket_ignored,        // NewSessionTicket
  client_certificate_requested,  // CertificateRequest, answered with no certificate
  early_data_skipped,            // one record of it
  keys_updated_by_peer,          // KeyUpdate
  keys_updated,                  // this side's, asked for by the peer or due before the AEAD's limit
  warning_ignored,               // user_canceled
};
constexpr bool is_valid(Note note) { return note <= Note::warning_ignored; }

// Simply to be known, and counted.
struct Noted {
  Note note{};
  static void fields(auto& self, auto&& visit) { visit(self.note); }
};

// Lines of the NSS key log format, if the configuration asks for them: text of secrets, a view into the room's bytes.
struct KeyLog {
  Bytes lines{};
  static void fields(auto& self, auto&& visit) { visit(self.lines); }
};

}  // namespace limpid::tls
