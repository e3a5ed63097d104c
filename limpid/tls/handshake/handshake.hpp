// What the client's and the server's handshake machines have in common. They know messages and levels, not records:
// whole messages come in with the level that protected them, messages and secrets go out. QUIC could drive them.
#pragma once

#include <expected>

#include "limpid/tls/config.hpp"
#include "limpid/tls/handshake/flight.hpp"
#include "limpid/tls/handshake/key_log.hpp"
#include "limpid/tls/handshake/key_schedule.hpp"
#include "limpid/tls/handshake/transcript.hpp"
#include "limpid/tls/handshake/transitions.hpp"
#include "limpid/tls/query.hpp"
#include "limpid/tls/wire/hello.hpp"
#include "limpid/tls/wire/messages.hpp"

namespace limpid::tls::handshake {

// What a step of a handshake machine gives out.
struct Output {
  Flight& flight;
  // Protects everything that the peer sends from now on, at `read_level`, with this suite, as do the flight's secrets
  // what this side sends. The message that led to it must have been the last before a record boundary.
  std::optional<HashSecret> read_secret{};
  Level read_level = Level::initial;
  CipherSuite cipher_suite = CipherSuite::tls_aes_128_gcm_sha256;
  // With the last keys: what keying material is exported from (section 7.5).
  std::optional<HashSecret> exporter_master_secret{};
  // Until the peer has seen what this side sends now it can have nothing more to say.
  bool peer_must_answer = false;
  // Server: the client sends early data, which it was not and will not be allowed to.
  bool early_data_rejected = false;
  bool compatibility_mode = false;     // server: the client uses it (appendix D.4)
  bool certificate_requested = false;  // client: the server asked for a certificate
  Writer* key_log = nullptr;           // where secrets are told, if they are
};

// What a step of a handshake machine needs beside its state.
struct Context {
  const Config& config;
  crypto::Generator& generator;
  Budget& budget;
  CpuFeatures cpu;
  Output& out;

  void log(KeyLogLabel label, const wire::Random& client_random, const HashSecret& secret) const {
    if (out.key_log != nullptr) put_key_log_line(*out.key_log, label, client_random, secret.bytes());
  }
};

// What was agreed so far: each field is set from the state on that says so, and never changes.
struct Agreement {
  CipherSuite cipher_suite = CipherSuite::tls_aes_128_gcm_sha256;
  NamedGroup group{};
  bool retried = false;
  SignatureScheme signature_scheme{};
  InlineBytes<255> application_protocol;  // empty: none
  InlineBytes<255> server_name;           // empty: none

  crypto::HashAlgorithm hash() const { return wire::hash_of(cipher_suite); }

  static void fields(auto& self, auto&& visit) {
    visit(self.cipher_suite, self.group, self.retried, self.signature_scheme, self.application_protocol,
          self.server_name);
  }
};

// What a state says of the messages that it takes: `using Takes = ...`.
template <Level Protection, wire::HandshakeType... Types>
struct OneOf {
  static constexpr Level level = Protection;
  static constexpr bool has(wire::HandshakeType type) { return ((type == Types) || ...); }
};
struct Nothing {
  static constexpr bool has(wire::HandshakeType) { return false; }
};

// The one state in which both machines end.
struct Connected {
  static constexpr std::string_view name = "Connected";
  using Takes = Nothing;
  Agreement agreement;
  static void fields(auto& self, auto&& visit) { visit(self.agreement); }
};

// The proof without which no handshake ends: only verify_finished makes it.
class FinishedVerified {
  FinishedVerified() = default;
  friend std::expected<FinishedVerified, Error> verify_finished(const wire::Handshake& message,
                                                                crypto::HashAlgorithm hash,
                                                                const HashSecret& base_secret,
                                                                const crypto::Digest& transcript_hash, CpuFeatures cpu);
};

// Section 4.4.4: "Recipients of Finished messages MUST verify that the contents are correct and if incorrect MUST
// terminate the connection with a "decrypt_error" alert." `base_secret` is the sender's handshake traffic secret.
std::expected<FinishedVerified, Error> verify_finished(const wire::Handshake& message, crypto::HashAlgorithm hash,
                                                       const HashSecret& base_secret,
                                                       const crypto::Digest& transcript_hash, CpuFeatures cpu);

// A machine's next state, which only `go` makes, and only along an edge of the machine's table. The edge into Connected
// needs the proof that the peer's Finished was right.
template <class States, class Table>
class Next {
 public:
  template <class From, class To>
    requires has_edge<From, To, Table> && (!std::same_as<To, Connected>)
  static Next go(const From&, To to) {
    return Next(std::move(to));
  }
  template <class From>
    requires has_edge<From, Connected, Table>
  static Next go(const From&, Connected to, FinishedVerified) {
    return Next(std::move(to));
  }
  States state;

 private:
  template <class To>
  explicit Next(To to) : state(std::move(to)) {}
};

inline std::unexpected<Error> refuse(Fault fault, std::uint32_t found = 0) {
  return std::unexpected(Error{fault, 0, found});
}

// Whether a machine in this state would take a message of this type, at whatever level.
template <class States>
bool takes(const States& states, wire::HandshakeType type) {
  return std::visit([&]<class State>(const State&) { return State::Takes::has(type); }, states);
}

// Hands a message to `on(state, message)` of the state that the machine is in.
template <class Step, class States, class On>
Step dispatch(States& states, Level level, const wire::Handshake& message, On&& on) {
  return std::visit(
      [&]<class State>(State& state) -> Step {
        if constexpr (!std::same_as<typename State::Takes, Nothing>) {
          if (State::Takes::has(message.type) && level == State::Takes::level) return on(state, message);
        }
        // Section 4: "A peer which receives a handshake message in an unexpected order MUST abort the handshake with
        // an "unexpected_message" alert."
        return refuse(Fault::unexpected_handshake_message, static_cast<std::uint32_t>(message.type));
      },
      states);
}

}  // namespace limpid::tls::handshake
