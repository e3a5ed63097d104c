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
#include "limpid/tls/handshake/client.hpp"
#include "limpid/tls/handshake/server.hpp"
#include "limpid/tls/record/protection.hpp"

namespace limpid::tls {

class Connection {
 public:
  using Config = tls::Config;
  using Event = std::variant<Tick, Entropy, stream::Received, stream::PeerFinished, Write, Close, UpdateKeys, Reply>;
  using Action =
      std::variant<stream::Send, Deliver, Ask, HandshakeDone, PeerClosed, Truncated, Failed, Refused, Noted, KeyLog>;

  static constexpr SnapshotKind snapshot_kind{"tls ", 4};
  // Bytes: the names in HandshakeDone and a record. Input: a record of the largest size.
  static constexpr LeastRoom least_room{.bytes = 1024, .actions = 4, .input = record::max_record};
  static_assert(least_room.bytes >= handshake::max_key_log_lines * handshake::max_key_log_line);

  Connection() = default;  // newborn

  static Progress<Action> advance(const Config& config, Connection& state, Time now, const Event& event,
                                  const Room<Action>& room);
  // The open question, if any. Its id is in the Ask that announced it, and query_id() here.
  std::optional<Query> pending() const;
  QueryId query_id() const { return query_; }

  // Keying material for the application's own use (RFC 8446, section 7.5), the same on both sides: HandshakeDone came.
  // False, and `out` untouched, if it did not, if the label has more than 249 bytes, or `out` more than 255 digests.
  // That no two uses share a label is for the application to see to.
  [[nodiscard]] bool export_keying_material(std::string_view label, Bytes context, MutableBytes out,
                                            CpuFeatures cpu) const;
  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  // HandshakeDone came, and at least one direction is open.
  bool connected() const { return std::holds_alternative<Established>(phase_); }
  // A Write would be taken, given room.
  bool may_write() const { return connected() && !write_closed_; }
  // Nothing will ever come from this machine again.
  bool ended() const { return std::holds_alternative<Ended>(phase_); }

  static void fields(auto& self, auto&& visit) {
    visit(self.role_, self.phase_, self.keys_, self.read_level_, self.write_level_, self.read_closed_,
          self.write_closed_, self.change_cipher_spec_due_, self.received_, self.counters_, self.query_);
  }
  bool restored(const LoadContext& context) const;

 private:
  class Stepper;
  using Level = handshake::Level;

  struct Newborn {
    static void fields(auto&, auto&& visit) { visit(); }
  };

  // On the heap, and only as long as it lasts.
  struct Handshaking {
    std::variant<handshake::Client, handshake::Server> machine;
    handshake::Flight flight;
    crypto::Generator generator;
    CipherSuite cipher_suite = CipherSuite::tls_aes_128_gcm_sha256;  // of all keys, once there are any
    bool hello_seen = false;               // the first flight of the client was received, or sent to its end
    bool compatibility_mode = false;       // this side sends a change_cipher_spec (appendix D.4)
    bool change_cipher_spec_sent = false;  // or is due
    bool skipping_early_data = false;
    std::uint32_t early_data_left = 0;  // how many more bytes may be skipped
    std::uint16_t change_cipher_specs = 0;

    static void fields(auto& self, auto&& visit) {
      visit(self.machine, self.flight, self.generator, self.cipher_suite, self.hello_seen, self.compatibility_mode,
            self.change_cipher_spec_sent, self.skipping_early_data, self.early_data_left, self.change_cipher_specs);
    }
  };

  struct Established {
    bool update_requested = false;       // the peer asked for new keys: before the next record they change
    bool peer_update_requested = false;  // the peer was asked since it last changed its keys
    static void fields(auto& self, auto&& visit) { visit(self.update_requested, self.peer_update_requested); }
  };

  // Until there is room to say so.
  struct Failing {
    Error error;
    Alert alert{};
    bool tell = true;  // the peer
    static void fields(auto& self, auto&& visit) { visit(self.error, self.alert, self.tell); }
  };

  struct Ended {
    static void fields(auto&, auto&& visit) { visit(); }
  };

  // On the heap, since expanded keys are large and a state is moved by every step.
  struct Keys {
    record::ReadProtection read;
    record::WriteProtection write;
    HashSecret exporter_master_secret;  // once connected
    static void fields(auto& self, auto&& visit) { visit(self.read, self.write, self.exporter_master_secret); }
  };

  // What limits count in a row.
  struct Counters {
    std::uint16_t empty_records = 0;
    std::uint16_t key_updates = 0;
    std::uint16_t session_tickets = 0;
    std::uint16_t warnings = 0;
    static void fields(auto& self, auto&& visit) {
      visit(self.empty_records, self.key_updates, self.session_tickets, self.warnings);
    }
  };

  // A CertificateSelected may be as long as a Certificate that a client of ours would accept.
  static constexpr std::size_t max_certificate_list = wire::max_body_size(wire::HandshakeType::certificate) - 4;

 public:
  // Heap bytes: the boxes; a flight with the longest chain, and a Certificate being received behind a record of other
  // messages, both in buffers that double (the old and the new are there at once); the chain in question.
  static constexpr std::size_t max_footprint = sizeof(Handshaking) + sizeof(Keys) + 3 * (max_certificate_list + 4096) +
                                               3 * (max_certificate_list + 8 + record::max_plaintext) +
                                               max_certificate_list;

 private:
  Role role_ = Role::client;
  std::variant<Newborn, Box<Handshaking>, Established, Failing, Ended> phase_;
  Box<Keys> keys_;  // absent in newborn and ended connections
  Level read_level_ = Level::initial;
  Level write_level_ = Level::initial;
  bool read_closed_ = false;   // close_notify, or the end of the stream
  bool write_closed_ = false;  // close_notify was sent
  bool change_cipher_spec_due_ = false;
  Buffer received_;  // handshake messages that were not processed yet: incomplete, or behind an open question
  Counters counters_;
  QueryId query_;
};

}  // namespace limpid::tls
