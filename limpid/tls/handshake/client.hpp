// The client's handshake (RFC 8446, appendix A.1).
#pragma once

#include "limpid/tls/handshake/handshake.hpp"

namespace limpid::tls::handshake {

class Client {
  using HandshakeType = wire::HandshakeType;

 public:
  // What both ClientHellos share.
  struct Greeting {
    wire::Random random{};
    InlineBytes<32> legacy_session_id;
    std::array<Byte, 4> grease{};  // chooses the values of RFC 8701
    static void fields(auto& self, auto&& visit) { visit(self.random, self.legacy_session_id, self.grease); }
  };

  // What the handshake has agreed on and derived once ServerHello was accepted.
  struct Session {
    Agreement agreement;
    Transcript transcript;
    HandshakeSecret handshake_secret;
    HashSecret client_handshake_traffic_secret;
    HashSecret server_handshake_traffic_secret;
    wire::Random client_random{};
    static void fields(auto& self, auto&& visit) {
      visit(self.agreement, self.transcript, self.handshake_secret, self.client_handshake_traffic_secret,
            self.server_handshake_traffic_secret, self.client_random);
    }
  };

  struct Start {
    static constexpr std::string_view name = "Start";
    using Takes = Nothing;
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct AwaitServerHello {
    static constexpr std::string_view name = "AwaitServerHello";
    using Takes = OneOf<Level::initial, HandshakeType::server_hello>;
    Greeting greeting;
    crypto::EphemeralKey key;
    UndecidedTranscript transcript;
    static void fields(auto& self, auto&& visit) { visit(self.greeting, self.key, self.transcript); }
  };
  // After a HelloRetryRequest, which fixed the cipher suite.
  struct AwaitSecondServerHello {
    static constexpr std::string_view name = "AwaitSecondServerHello";
    using Takes = OneOf<Level::initial, HandshakeType::server_hello>;
    Greeting greeting;
    crypto::EphemeralKey key;
    Transcript transcript;
    CipherSuite cipher_suite = CipherSuite::tls_aes_128_gcm_sha256;
    static void fields(auto& self, auto&& visit) { visit(self.greeting, self.key, self.transcript, self.cipher_suite); }
  };
  struct AwaitEncryptedExtensions {
    static constexpr std::string_view name = "AwaitEncryptedExtensions";
    using Takes = OneOf<Level::handshake, HandshakeType::encrypted_extensions>;
    Session session;
    static void fields(auto& self, auto&& visit) { visit(self.session); }
  };
  struct AwaitCertificateOrRequest {
    static constexpr std::string_view name = "AwaitCertificateOrRequest";
    using Takes = OneOf<Level::handshake, HandshakeType::certificate, HandshakeType::certificate_request>;
    Session session;
    static void fields(auto& self, auto&& visit) { visit(self.session); }
  };
  // After a CertificateRequest.
  struct AwaitCertificate {
    static constexpr std::string_view name = "AwaitCertificate";
    using Takes = OneOf<Level::handshake, HandshakeType::certificate>;
    Session session;
    static void fields(auto& self, auto&& visit) { visit(self.session); }
  };
  // VerifyPeer is open.
  struct AwaitVerdict {
    static constexpr std::string_view name = "AwaitVerdict";
    using Takes = Nothing;
    Session session;
    bool certificate_requested = false;
    InlineBytes<255> server_name;
    Buffer certificate_list;
    static void fields(auto& self, auto&& visit) {
      visit(self.session, self.certificate_requested, self.server_name, self.certificate_list);
    }
  };
  struct AwaitCertificateVerify {
    static constexpr std::string_view name = "AwaitCertificateVerify";
    using Takes = OneOf<Level::handshake, HandshakeType::certificate_verify>;
    Session session;
    bool certificate_requested = false;
    crypto::PublicKey key;
    static void fields(auto& self, auto&& visit) { visit(self.session, self.certificate_requested, self.key); }
  };
  struct AwaitFinished {
    static constexpr std::string_view name = "AwaitFinished";
    using Takes = OneOf<Level::handshake, HandshakeType::finished>;
    Session session;
    bool certificate_requested = false;
    static void fields(auto& self, auto&& visit) { visit(self.session, self.certificate_requested); }
  };

  using State =
      std::variant<Start, AwaitServerHello, AwaitSecondServerHello, AwaitEncryptedExtensions, AwaitCertificateOrRequest,
                   AwaitCertificate, AwaitVerdict, AwaitCertificateVerify, AwaitFinished, Connected>;
  static constexpr std::tuple transitions{
      Edge<Start, AwaitServerHello>{"send ClientHello"},
      Edge<AwaitServerHello, AwaitSecondServerHello>{"HelloRetryRequest / send ClientHello"},
      Edge<AwaitServerHello, AwaitEncryptedExtensions>{"ServerHello"},
      Edge<AwaitSecondServerHello, AwaitEncryptedExtensions>{"ServerHello"},
      Edge<AwaitEncryptedExtensions, AwaitCertificateOrRequest>{"EncryptedExtensions"},
      Edge<AwaitCertificateOrRequest, AwaitCertificate>{"CertificateRequest"},
      Edge<AwaitCertificateOrRequest, AwaitVerdict>{"Certificate / ask VerifyPeer"},
      Edge<AwaitCertificate, AwaitVerdict>{"Certificate / ask VerifyPeer"},
      Edge<AwaitVerdict, AwaitCertificateVerify>{"PeerAccepted"},
      Edge<AwaitCertificateVerify, AwaitFinished>{"CertificateVerify"},
      Edge<AwaitFinished, Connected>{"Finished / send Certificate if asked, Finished"},
  };
  using Step = std::expected<Next<State, std::remove_const_t<decltype(transitions)>>, Error>;

  // Sends the ClientHello. Once, before anything else.
  std::expected<void, Error> start(const Context& context);
  // Takes one whole message of the peer. No question may be open. An error ends the machine.
  std::expected<void, Error> receive(const Context& context, Level level, const wire::Handshake& message);
  // Takes the answer to pending(), which must be of the kind that the question demands. An error ends the machine.
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
