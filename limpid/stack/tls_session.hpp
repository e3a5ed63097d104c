// TLS for embedding: configuration, state and the ready-made replies in one. The machines under it are tls::Connection,
// stack::verify_peer and stack::Identities; use those where keys, verification or memory are kept elsewhere.
//
//     Budget memory(1 << 20);
//     TlsSession session(config, "example.com", entropy, memory);
//     session.write("GET / HTTP/1.0\r\n\r\n");
//     for (Buffers io; !session.done();) {
//       const auto r = session.step(now, io);     // pure: bytes in, bytes out
//       send(r.to_peer);                          // all of it, to the peer
//       use(r.plaintext);                         // what the peer said
//       if (r.want) io.received(read(io.free())); // or io.finished() where the stream ends
//     }
#pragma once

#include "limpid/stack/identity.hpp"
#include "limpid/stack/verify_peer.hpp"
#include "limpid/tls/connection/connection.hpp"

namespace limpid::stack {

struct ConfigError {
  enum class Fault : std::uint8_t { no_roots, no_identity, tls } fault{};
  tls::ConfigFault tls{};  // for Fault::tls
  std::string_view describe() const;
};

// What a client trusts and offers. Immutable; outlives its sessions.
class ClientConfig {
 public:
  struct Options {
    x509::CertificateList roots{};  // who may vouch for servers
    std::span<const std::string_view> application_protocols{};
  };
  static std::expected<ClientConfig, ConfigError> make(Options options);

  std::span<const x509::Certificate> roots() const { return roots_.certificates(); }
  const tls::Config& tls() const { return tls_; }

 private:
  ClientConfig(x509::CertificateList roots, const tls::Config& tls) : roots_(std::move(roots)), tls_(tls) {}
  x509::CertificateList roots_;
  tls::Config tls_;
};

// Who a server is and what it offers. Outlives its sessions; signing lends them its memory, so one thread uses it at a
// time.
class ServerConfig {
 public:
  struct Options {
    Identities identities;  // at least one
    std::span<const std::string_view> application_protocols{};
  };
  static std::expected<ServerConfig, ConfigError> make(Options options);

  Identities& identities() { return identities_; }
  const tls::Config& tls() const { return tls_; }

 private:
  ServerConfig(Identities identities, const tls::Config& tls) : identities_(std::move(identities)), tls_(tls) {}
  Identities identities_;
  tls::Config tls_;
};

// The room that a session is lent: of fixed size, reusable by one session after the other.
class Buffers {
 public:
  // Where to put what the peer sends; empty if what came before must be stepped first. Dead at the next step.
  MutableBytes free();
  // So many bytes were put at the front of free().
  void received(std::size_t n) { filled_ += n; }
  // The peer's stream has ended.
  void finished() { finished_ = true; }

 private:
  friend class TlsSession;
  // Drops what was consumed: views of the last step die.
  void compact();

  static constexpr std::size_t input_size = 2 * tls::Connection::least_room.input;
  static constexpr std::size_t output_size = 2 * tls::Connection::least_room.input;

  std::array<Byte, input_size> input_;
  std::array<Byte, output_size> output_;
  std::size_t consumed_ = 0, filled_ = 0;
  bool finished_ = false;
};

// How a session ended.
struct SessionEnd {
  enum class How : std::uint8_t {
    open,           // it has not
    close_notify,   // the peer said that it was complete
    truncated,      // the stream ended before the peer said so: what was received may not be all
    failed,         // see `error`, `alert` and, if a certificate was refused, `invalid`
    misconfigured,  // the server name is none
  };
  How how = How::open;
  tls::Error error{};
  tls::Alert alert{};
  std::optional<x509::Invalid> invalid{};

  bool orderly() const { return how == How::close_notify; }
  // One sentence for a person. The reason of a refused certificate is x509::write_invalid's.
  std::string_view describe() const;

  static void fields(auto& self, auto&& visit) { visit(self.how, self.error, self.alert); }
};
constexpr bool is_valid(SessionEnd::How how) { return how <= SessionEnd::How::misconfigured; }

class TlsSession {
 public:
  // A client of the server called `name` (a host name or an address), whose certificate must be for it. `entropy` is
  // fresh and used once. `memory` is charged for the session's state, at most tls::Connection::max_footprint and what
  // is queued; both it and the configuration outlive it.
  TlsSession(const ClientConfig& config, std::string_view name, const std::array<Byte, 32>& entropy, Budget& memory);
  // A server for one client.
  TlsSession(ServerConfig& config, const std::array<Byte, 32>& entropy, Budget& memory);

  // Queues plaintext for the peer; it goes out when the handshake is complete. False, and nothing changed, if `memory`
  // or the limit of 64 KiB refuses (step and try again), or after close().
  [[nodiscard]] bool write(Bytes plaintext);
  [[nodiscard]] bool write(std::string_view plaintext) { return write(as_bytes(plaintext)); }
  // Nothing more will be written: close_notify follows what is queued.
  void close() { state_.closing = true; }

  struct Result {
    Bytes to_peer;      // to be sent, in order
    Bytes plaintext;    // from the peer
    bool want = false;  // more from the peer is needed before anything else can happen
  };
  // Goes as far as it goes. The views are into `io`, dead at the next step or free(). Where the peer closes, so does
  // this end.
  Result step(Time now, Buffers& io, CpuFeatures cpu = {});

  bool done() const;
  bool connected() const { return state_.connection.connected(); }
  const SessionEnd& end() const { return state_.end; }

  // Keying material for the application's own use, the same on both sides (RFC 8446, section 7.5): tls::Connection's.
  [[nodiscard]] bool export_keying_material(std::string_view label, Bytes context, MutableBytes out,
                                            CpuFeatures cpu = {}) const {
    return state_.connection.export_keying_material(label, context, out, cpu);
  }

  // The session as bytes, keys included, to be sealed before they leave the process (crypto::seal) and to be loaded
  // once. Between steps, with nothing left in Buffers but an incomplete record, which the caller keeps.
  std::expected<Buffer, SnapshotFault> save(Instant now, Budget& budget) const {
    return limpid::save(state_, now, budget);
  }
  // Goes on where the saved session was, in a session that was just made with the same configuration and name. Its
  // entropy is mixed in. How it ended is kept, but not end().invalid.
  std::expected<void, SnapshotFault> load(Bytes saved, Instant now, CpuFeatures cpu = {});

 private:
  struct State {
    static constexpr SnapshotKind snapshot_kind{"sess", 4};
    tls::Connection connection;
    Buffer outgoing;  // plaintext to be sealed
    SessionEnd end;
    bool closing = false, close_sent = false;
    bool end_told = false;
    static void fields(auto& self, auto&& visit) {
      visit(self.connection, self.outgoing, self.end, self.closing, self.close_sent, self.end_told);
    }
  };
  static constexpr std::size_t largest_outgoing = 65536;

  class Step;

  const ClientConfig* client_ = nullptr;
  ServerConfig* server_ = nullptr;
  tls::Config tls_;
  Budget& memory_;
  std::optional<tls::Entropy> entropy_;  // not given yet
  State state_;
};

}  // namespace limpid::stack
