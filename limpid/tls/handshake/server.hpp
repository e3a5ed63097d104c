// The server's handshake (RFC 8446, appendix A.2), with certificates only: pre-shared keys are ignored and early data
// is rejected.
#pragma once

#include "limpid/tls/handshake/handshake.hpp"

namespace limpid::tls::handshake {

class Server {
  using HandshakeType = wire::HandshakeType;

 public:
  struct AwaitClientHello {
    static constexpr std::string_view name = "AwaitClientHello";
    using Takes = OneOf<Level::initial, HandshakeType::client_hello>;
    static void fields(auto&, auto&& visit) { visit(); }
  };
  // After a HelloRetryRequest, which fixed the cipher suite and the group.
  struct AwaitSecondClientHello {
    static constexpr std::string_view name = "AwaitSecondClientHello";
    using Takes = OneOf<Level::initial, HandshakeType::client_hello>;
    Transcript transcript;
    CipherSuite cipher_suite = CipherSuite::tls_aes_128_gcm_sha256;
    NamedGroup group{};
    crypto::Digest unchanged;  // of what the second ClientHello must repeat
    InlineBytes<32> cookie;    // empty: none was sent
    static void fields(auto& self, auto&& visit) {
      visit(self.transcript, self.cipher_suite, self.group, self.unchanged, self.cookie);
    }
    bool restored(const LoadContext&) const { return crypto::is_supported(group); }
  };
  // SelectCertificate is open.
  struct AwaitSelection {
    static constexpr std::string_view name = "AwaitSelection";
    using Takes = Nothing;
    Agreement agreement;
    Transcript transcript;
    InlineBytes<32> legacy_session_id;
    InlineBytes<97> client_share;
    SignatureSchemes signature_schemes;  // that both sides know
    bool staple_requested = false;
    wire::Random client_random{};
    static void fields(auto& self, auto&& visit) {
      visit(self.agreement, self.transcript, self.legacy_session_id, self.client_share, self.signature_schemes,
            self.staple_requested, self.client_random);
    }
    bool restored(const LoadContext&) const { return crypto::is_supported(agreement.group); }
  };
  // Sign is open.
  struct AwaitSignature {
    static constexpr std::string_view name = "AwaitSignature";
    using Takes = Nothing;
    Agreement agreement;
    Transcript transcript;
    HandshakeSecret handshake_secret;
    HashSecret client_handshake_traffic_secret;
    HashSecret server_handshake_traffic_secret;
    std::uint32_t key = 0;
    Secret<32> hedge;
    crypto::Digest certificate_hash;  // of the transcript up to Certificate
    wire::Random client_random{};
    static void fields(auto& self, auto&& visit) {
      visit(self.agreement, self.transcript, self.handshake_secret, self.client_handshake_traffic_secret,
            self.server_handshake_traffic_secret, self.key, self.hedge, self.certificate_hash, self.client_random);
    }
  };
  struct AwaitFinished {
    static constexpr std::string_view name = "AwaitFinished";
    using Takes = OneOf<Level::handshake, HandshakeType::finished>;
    Agreement agreement;
    crypto::Digest server_finished_hash;  // of the transcript up to the server's Finished
    HashSecret client_handshake_traffic_secret;
    HashSecret client_application_traffic_secret;
    HashSecret exporter_master_secret;
    static void fields(auto& self, auto&& visit) {
      visit(self.agreement, self.server_finished_hash, self.client_handshake_traffic_secret,
            self.client_application_traffic_secret, self.exporter_master_secret);
    }
  };

  using State =
      std::variant<AwaitClientHello, AwaitSecondClientHello, AwaitSelection, AwaitSignature, AwaitFinished, Connected>;
  static constexpr std::tuple transitions{
      Edge<AwaitClientHello, AwaitSecondClientHello>{"ClientHello without a usable share / send HelloRetryRequest"},
      Edge<AwaitClientHello, AwaitSelection>{"ClientHello / ask SelectCertificate"},
      Edge<AwaitSecondClientHello, AwaitSelection>{"ClientHello / ask SelectCertificate"},
      Edge<AwaitSelection, AwaitSignature>{
          "CertificateSelected / send ServerHello, EncryptedExtensions, Certificate, ask Sign"},
      Edge<AwaitSignature, AwaitFinished>{"Signed / send CertificateVerify, Finished"},
      Edge<AwaitFinished, Connected>{"Finished"},
  };
  using Step = std::expected<Next<State, std::remove_const_t<decltype(transitions)>>, Error>;

  // Takes one whole message of the peer. No question may be open. An error ends the machine.
  std::expected<void, Error> receive(const Context& context, Level level, const wire::Handshake& message);
  // Takes the answer to pending(), which must be of the kind that the question demands, with a scheme that it named. An
  // error ends the machine.
  std::expected<void, Error> reply(const Context& context, const Answer& answer);

  // Whether a message of this type would be taken now: asked before all of it has come.
  bool takes(wire::HandshakeType type) const { return handshake::takes(state_, type); }

  std::optional<Query> pending() const;
  // Nothing until the handshake is complete.
  const Agreement* agreement() const;

  // As in the table of transitions.
  std::string_view state_name() const {
    return std::visit([](const auto& state) -> std::string_view { return state.name; }, state_);
  }

  static void fields(auto& self, auto&& visit) { visit(self.state_); }

 private:
  State state_;
};

}  // namespace limpid::tls::handshake
