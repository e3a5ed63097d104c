#include "limpid/tls/handshake/client.hpp"

namespace limpid::tls::handshake {
namespace {

using wire::ExtensionType;
using wire::HandshakeType;

template <class From, class To>
Client::Step go(const From& from, To to) {
  return Client::Step::value_type::go(from, std::move(to));
}

// One of the values that RFC 8701 reserves.
constexpr std::uint16_t grease(Byte choice) { return static_cast<std::uint16_t>(((choice & 0xf0) | 0x0a) * 0x0101); }

bool sends_server_name(const Config& config) {
  return !config.server_name().empty() && !config.server_name_is_address();
}

// What distinguishes the second ClientHello (section 4.1.2).
struct Retry {
  bool new_share = false;  // the share of the group that was asked for stands alone
  Bytes cookie;
};

// What may sign certificates beside the schemes of handshakes: most of the public ones are signed so.
constexpr SignatureScheme certificate_only_schemes[] = {
    SignatureScheme::rsa_pkcs1_sha256, SignatureScheme::rsa_pkcs1_sha384, SignatureScheme::rsa_pkcs1_sha512};

void put_hello_extensions(Writer& out, const Config& config, const Client::Greeting& greeting,
                          const crypto::EphemeralKey& key, const Retry& retry) {
  const bool with_grease = config.grease();
  const auto grease_extension = static_cast<ExtensionType>(grease(greeting.grease[0]));
  const auto grease_group = static_cast<NamedGroup>(grease(greeting.grease[1]));
  if (with_grease) wire::put_empty_extension(out, grease_extension);
  if (sends_server_name(config)) wire::put_server_name(out, config.server_name());

  InlineList<NamedGroup, Groups::capacity + 1> groups;
  if (with_grease) groups.push_back(grease_group);
  for (const NamedGroup group : config.groups()) groups.push_back(group);
  wire::put_supported_groups(out, groups.span());
  wire::put_signature_algorithms(out, config.signature_schemes());
  wire::put_signature_algorithms_cert(out, config.signature_schemes(), certificate_only_schemes);
  if (config.request_staple()) wire::put_status_request(out);
  if (!config.application_protocols().empty()) {
    wire::put_extension(out, ExtensionType::application_layer_protocol_negotiation,
                        [&] { out.vector16([&] { out.bytes(config.application_protocols()); }); });
  }

  InlineList<wire::ProtocolVersion, 2> versions;
  if (with_grease) versions.push_back(static_cast<wire::ProtocolVersion>(grease(greeting.grease[2])));
  versions.push_back(wire::ProtocolVersion::tls13);
  wire::put_supported_versions(out, versions.span());

  static constexpr Byte one_byte[1] = {0};
  const wire::KeyShareEntry shares[2] = {{grease_group, one_byte}, {key.group(), key.public_key()}};
  wire::put_key_shares(out, std::span(shares).subspan(with_grease && !retry.new_share ? 0 : 1));
  if (!retry.cookie.empty()) wire::put_cookie(out, retry.cookie);

  // RFC 8701, section 3.1, wants one extension that is not empty; its type must differ from the first one's.
  if (with_grease) {
    const auto last = static_cast<ExtensionType>(grease(static_cast<Byte>(greeting.grease[0] ^ 0x10)));
    wire::put_extension(out, last, [&] { out.u8(0); });
  }
}

Bytes send_hello(const Context& context, const Client::Greeting& greeting, const crypto::EphemeralKey& key,
                 const Retry& retry) {
  std::array<Byte, 8> suites{};
  Writer suite_list{MutableBytes(suites)};
  if (context.config.grease()) suite_list.u16(grease(greeting.grease[3]));
  for (const CipherSuite suite : context.config.cipher_suites()) suite_list.u16(static_cast<std::uint16_t>(suite));

  const wire::ClientHello hello{.random = greeting.random,
                                .legacy_session_id = greeting.legacy_session_id.span(),
                                .cipher_suites = {suite_list.written()},
                                .legacy_compression_methods = wire::no_compression};
  return context.out.flight.append(Level::initial, [&](Writer& out) {
    wire::put_handshake(out, HandshakeType::client_hello, [&] {
      hello.emit(out, [&] { put_hello_extensions(out, context.config, greeting, key, retry); });
    });
  });
}

Client::Step begin(Client::Start& state, const Context& context) {
  Client::AwaitServerHello next;
  context.generator.fill(next.greeting.random);
  context.generator.fill(next.greeting.grease);
  // Appendix D.4: "The client always provides a non-empty session ID in the ClientHello".
  if (context.config.compatibility_mode()) {
    next.greeting.legacy_session_id = InlineBytes<32>(crypto::draw<32>(context.generator).bytes());
  }
  next.key = crypto::EphemeralKey::generate(context.config.groups()[0], context.generator, context.cpu);
  const Bytes hello = send_hello(context, next.greeting, next.key, {});
  if (hello.empty()) return refuse(Fault::out_of_memory);
  next.transcript.add(hello, context.cpu);
  return go(state, std::move(next));
}

// What both kinds of server_hello must satisfy.
template <class Hello>
std::expected<void, Error> check_hello(const Config& config, const Client::Greeting& greeting, const Hello& hello) {
  // Section 4.1.3: "A client which receives a legacy_session_id_echo field that does not match what it sent in the
  // ClientHello MUST abort the handshake with an "illegal_parameter" alert."
  if (hello.legacy_session_id_echo != Bytes(greeting.legacy_session_id.span())) {
    return refuse(Fault::session_id_not_echoed);
  }
  // "A client which receives a cipher suite that was not offered MUST abort the handshake with an "illegal_parameter"
  // alert."
  if (!config.offers(hello.cipher_suite)) {
    return refuse(Fault::cipher_suite_not_offered, static_cast<std::uint32_t>(hello.cipher_suite));
  }
  constexpr bool is_retry = std::same_as<Hello, wire::HelloRetryRequest>;
  return wire::check_solicited(hello.extensions, [](ExtensionType type) {
    return type == ExtensionType::supported_versions || type == ExtensionType::key_share ||
           (is_retry && type == ExtensionType::cookie);
  });
}

Client::Step on_retry(Client::AwaitServerHello& state, const Context& context, const wire::Handshake& message,
                      const wire::HelloRetryRequest& request) {
  if (auto checked = check_hello(context.config, state.greeting, request); !checked) {
    return std::unexpected(checked.error());
  }
  // Section 4.1.4: "Clients MUST abort the handshake with an "illegal_parameter" alert if the HelloRetryRequest would
  // not result in any change in the ClientHello."
  if (!request.key_share && !request.cookie) return refuse(Fault::retry_without_change);

  Client::AwaitSecondServerHello next;
  next.greeting = state.greeting;
  next.cipher_suite = request.cipher_suite;
  if (request.key_share) {
    // Section 4.2.8: "the client MUST verify that (1) the selected_group field corresponds to a group which was
    // provided in the "supported_groups" extension in the original ClientHello and (2) the selected_group field does
    // not correspond to a group which was provided in the "key_share" extension in the original ClientHello."
    if (!context.config.offers(*request.key_share) || *request.key_share == state.key.group()) {
      return refuse(Fault::retry_group_wrong, static_cast<std::uint32_t>(*request.key_share));
    }
    next.key = crypto::EphemeralKey::generate(*request.key_share, context.generator, context.cpu);
  } else {
    next.key = std::move(state.key);
  }
  next.transcript = state.transcript.decide(wire::hash_of(request.cipher_suite)).after_retry(context.cpu);
  next.transcript.add(message.message, context.cpu);
  context.out.peer_must_answer = true;
  const Bytes hello =
      send_hello(context, next.greeting, next.key, {request.key_share.has_value(), request.cookie.value_or(Bytes{})});
  if (hello.empty()) return refuse(Fault::out_of_memory);
  next.transcript.add(hello, context.cpu);
  return go(state, std::move(next));
}

// The same from either state; `transcript` has everything up to this message.
template <class State>
Client::Step on_hello(State& state, const Context& context, const wire::Handshake& message,
                      const wire::ServerHello& hello, Transcript transcript, bool retried) {
  if (auto checked = check_hello(context.config, state.greeting, hello); !checked) {
    return std::unexpected(checked.error());
  }
  if (!hello.key_share) return refuse(Fault::missing_key_share);
  // Section 4.2.8: "If using (EC)DHE key establishment, servers offer exactly one KeyShareEntry in the ServerHello.
  // This value MUST be in the same group as the KeyShareEntry value offered by the client that the server has
  // selected".
  if (hello.key_share->group != state.key.group()) {
    return refuse(Fault::group_not_offered, static_cast<std::uint32_t>(hello.key_share->group));
  }
  const auto shared = state.key.agree(hello.key_share->key_exchange, context.cpu);
  if (!shared) return refuse(Fault::key_share_invalid, static_cast<std::uint32_t>(state.key.group()));

  Client::AwaitEncryptedExtensions next;
  Client::Session& session = next.session;
  session.agreement.cipher_suite = hello.cipher_suite;
  session.agreement.group = state.key.group();
  session.agreement.retried = retried;
  if (sends_server_name(context.config)) {
    session.agreement.server_name = InlineBytes<255>(context.config.server_name());
  }
  session.transcript = transcript;
  session.transcript.add(message.message, context.cpu);
  session.handshake_secret =
      EarlySecret(session.agreement.hash(), {}, context.cpu).into_handshake_secret(shared->bytes(), context.cpu);
  const Digest hash = session.transcript.hash(context.cpu);
  session.client_handshake_traffic_secret = session.handshake_secret.client_handshake_traffic_secret(hash, context.cpu);
  session.server_handshake_traffic_secret = session.handshake_secret.server_handshake_traffic_secret(hash, context.cpu);
  session.client_random = state.greeting.random;
  context.log(KeyLogLabel::client_handshake_traffic_secret, session.client_random,
              session.client_handshake_traffic_secret);
  context.log(KeyLogLabel::server_handshake_traffic_secret, session.client_random,
              session.server_handshake_traffic_secret);
  context.out.flight.set_write_secret(Level::handshake, session.client_handshake_traffic_secret.clone());
  context.out.read_secret = session.server_handshake_traffic_secret.clone();
  context.out.read_level = Level::handshake;
  context.out.cipher_suite = session.agreement.cipher_suite;
  return go(state, std::move(next));
}

Client::Step on(Client::AwaitServerHello& state, const Context& context, const wire::Handshake& message) {
  const auto parsed = wire::parse_server_hello(message.body);
  if (!parsed) return std::unexpected(parsed.error());
  if (const auto* request = std::get_if<wire::HelloRetryRequest>(&*parsed)) {
    return on_retry(state, context, message, *request);
  }
  const auto& hello = std::get<wire::ServerHello>(*parsed);
  return on_hello(state, context, message, hello, state.transcript.decide(wire::hash_of(hello.cipher_suite)), false);
}

Client::Step on(Client::AwaitSecondServerHello& state, const Context& context, const wire::Handshake& message) {
  const auto parsed = wire::parse_server_hello(message.body);
  if (!parsed) return std::unexpected(parsed.error());
  // Section 4.1.4: "If a client receives a second HelloRetryRequest in the same connection ..., it MUST abort the
  // handshake with an "unexpected_message" alert."
  const auto* hello = std::get_if<wire::ServerHello>(&*parsed);
  if (hello == nullptr) return refuse(Fault::second_hello_retry_request);
  // "Upon receiving the ServerHello, clients MUST check that the cipher suite supplied in the ServerHello is the same
  // as that in the HelloRetryRequest and otherwise abort the handshake with an "illegal_parameter" alert."
  if (hello->cipher_suite != state.cipher_suite && context.config.offers(hello->cipher_suite)) {
    return refuse(Fault::retry_cipher_suite_changed, static_cast<std::uint32_t>(hello->cipher_suite));
  }
  return on_hello(state, context, message, *hello, state.transcript, true);
}

Client::Step on(Client::AwaitEncryptedExtensions& state, const Context& context, const wire::Handshake& message) {
  const auto parsed = wire::EncryptedExtensions::parse(message.body);
  if (!parsed) return std::unexpected(parsed.error());
  const auto solicited = wire::check_solicited(parsed->extensions, [&](ExtensionType type) {
    switch (type) {
      case ExtensionType::server_name:
        return sends_server_name(context.config);
      case ExtensionType::supported_groups:
        return true;
      case ExtensionType::application_layer_protocol_negotiation:
        return !context.config.application_protocols().empty();
      default:
        return false;
    }
  });
  if (!solicited) return std::unexpected(solicited.error());

  if (const auto selected = parsed->application_layer_protocol_negotiation) {
    bool offered = false;
    for (const wire::ProtocolName& ours : wire::ProtocolNames{context.config.application_protocols()}) {
      offered = offered || ours.name == *selected;
    }
    // RFC 7301 leaves the alert open; RFC 8446, section 6.2: a field "incorrect or inconsistent with other fields".
    if (!offered) return refuse(Fault::alpn_not_offered);
    state.session.agreement.application_protocol = InlineBytes<255>(*selected);
  }
  state.session.transcript.add(message.message, context.cpu);
  return go(state, Client::AwaitCertificateOrRequest{std::move(state.session)});
}

template <class State>
Client::Step on_certificate(State& state, const Context& context, const wire::Handshake& message,
                            bool certificate_requested) {
  const auto parsed = wire::Certificate::parse(message.body);
  if (!parsed) return std::unexpected(parsed.error());
  // Section 4.4.2: "certificate_request_context: ... (in the case of server authentication), this field SHALL be zero
  // length."
  if (!parsed->certificate_request_context.empty()) return refuse(Fault::certificate_request_context_not_empty);
  // Section 4.4.2.4: "If the server supplies an empty Certificate message, the client MUST abort the handshake with a
  // "decode_error" alert."
  if (parsed->certificate_list.empty()) return refuse(Fault::server_certificate_missing);
  // Section 4.4.2: "Extensions in the Certificate message from the server MUST correspond to ones from the ClientHello
  // message."
  for (const wire::CertificateEntry& entry : parsed->certificate_list) {
    const auto solicited = wire::check_solicited(entry.extensions, [&](ExtensionType type) {
      return type == ExtensionType::status_request && context.config.request_staple();
    });
    if (!solicited) return std::unexpected(solicited.error());
  }

  Buffer list(context.budget);
  if (!list.append(parsed->certificate_list.raw)) return refuse(Fault::out_of_memory);
  state.session.transcript.add(message.message, context.cpu);
  return go(state, Client::AwaitVerdict{std::move(state.session), certificate_requested,
                                        InlineBytes<255>(context.config.server_name()), std::move(list)});
}

Client::Step on(Client::AwaitCertificateOrRequest& state, const Context& context, const wire::Handshake& message) {
  if (message.type == HandshakeType::certificate) return on_certificate(state, context, message, false);
  const auto request = wire::CertificateRequest::parse(message.body);
  if (!request) return std::unexpected(request.error());
  // Section 4.3.2: "This field SHALL be zero length unless used for the post-handshake authentication exchanges".
  if (!request->certificate_request_context.empty()) return refuse(Fault::certificate_request_context_not_empty);
  context.out.certificate_requested = true;
  state.session.transcript.add(message.message, context.cpu);
  return go(state, Client::AwaitCertificate{std::move(state.session)});
}

Client::Step on(Client::AwaitCertificate& state, const Context& context, const wire::Handshake& message) {
  return on_certificate(state, context, message, true);
}

Client::Step on(Client::AwaitCertificateVerify& state, const Context& context, const wire::Handshake& message) {
  const auto parsed = wire::CertificateVerify::parse(message.body);
  if (!parsed) return std::unexpected(parsed.error());
  const auto scheme = static_cast<std::uint32_t>(parsed->algorithm);
  // Section 4.4.3: "If the CertificateVerify message is sent by a server, the signature algorithm MUST be one offered
  // in the client's "signature_algorithms" extension", and it must fit the key in the end-entity certificate.
  if (!context.config.offers(parsed->algorithm)) return refuse(Fault::signature_scheme_not_offered, scheme);
  const auto schemes = crypto::schemes_of(state.key.type());
  if (std::find(schemes.begin(), schemes.end(), parsed->algorithm) == schemes.end()) {
    return refuse(Fault::signature_scheme_not_for_key, scheme);
  }
  // "If the verification fails, the receiver MUST terminate the handshake with a "decrypt_error" alert."
  const SignedContent content(true, state.session.transcript.hash(context.cpu).bytes());
  if (!crypto::verify(state.key, parsed->algorithm, content.bytes(), parsed->signature, context.cpu)) {
    return refuse(Fault::certificate_verify_invalid);
  }
  state.session.agreement.signature_scheme = parsed->algorithm;
  state.session.transcript.add(message.message, context.cpu);
  return go(state, Client::AwaitFinished{std::move(state.session), state.certificate_requested});
}

Client::Step on(Client::AwaitFinished& state, const Context& context, const wire::Handshake& message) {
  const CpuFeatures cpu = context.cpu;
  Flight& flight = context.out.flight;
  Client::Session& session = state.session;
  const crypto::HashAlgorithm hash = session.agreement.hash();
  const auto verified =
      verify_finished(message, hash, session.server_handshake_traffic_secret, session.transcript.hash(cpu), cpu);
  if (!verified) return std::unexpected(verified.error());
  session.transcript.add(message.message, cpu);

  const Digest finished_hash = session.transcript.hash(cpu);
  const MasterSecret master = std::move(session.handshake_secret).into_master_secret(cpu);
  HashSecret client_secret = master.client_application_traffic_secret_0(finished_hash, cpu);
  HashSecret server_secret = master.server_application_traffic_secret_0(finished_hash, cpu);
  HashSecret exporter_secret = master.exporter_master_secret(finished_hash, cpu);
  context.log(KeyLogLabel::client_traffic_secret_0, session.client_random, client_secret);
  context.log(KeyLogLabel::server_traffic_secret_0, session.client_random, server_secret);
  context.log(KeyLogLabel::exporter_secret, session.client_random, exporter_secret);
  flight.set_write_secret(Level::application, std::move(client_secret));
  context.out.read_secret = std::move(server_secret);
  context.out.exporter_master_secret = std::move(exporter_secret);
  context.out.read_level = Level::application;
  context.out.cipher_suite = session.agreement.cipher_suite;

  // Section 4.4.2: "If the server requests client authentication but no suitable certificate is available, the client
  // MUST send a Certificate message containing no certificates".
  if (state.certificate_requested) {
    const Bytes none =
        flight.append(Level::handshake, [](Writer& out) { wire::emit_handshake(out, wire::Certificate{}); });
    if (none.empty()) return refuse(Fault::out_of_memory);
    session.transcript.add(none, cpu);
  }
  const HashSecret verify_data =
      finished_verify_data(hash, session.client_handshake_traffic_secret, session.transcript.hash(cpu), cpu);
  const Bytes finished = flight.append(Level::handshake, [&](Writer& out) {
    wire::emit_handshake(out, wire::Finished{.verify_data = verify_data.bytes()});
  });
  if (finished.empty()) return refuse(Fault::out_of_memory);
  return Client::Step::value_type::go(state, Connected{session.agreement}, *verified);
}

}  // namespace

std::expected<void, Error> Client::start(const Context& context) {
  auto* state = std::get_if<Start>(&state_);
  if (state == nullptr) return {};
  auto step = begin(*state, context);
  if (!step) return std::unexpected(step.error());
  state_ = std::move(step->state);
  return {};
}

std::expected<void, Error> Client::receive(const Context& context, Level level, const wire::Handshake& message) {
  auto step = dispatch<Step>(state_, level, message,
                             [&](auto& state, const wire::Handshake& taken) { return on(state, context, taken); });
  if (!step) return std::unexpected(step.error());
  state_ = std::move(step->state);
  return {};
}

std::expected<void, Error> Client::reply(const Context&, const Answer& answer) {
  if (const auto* declined = std::get_if<Declined>(&answer)) return refuse(declined->fault);
  auto* state = std::get_if<AwaitVerdict>(&state_);
  const auto* accepted = std::get_if<PeerAccepted>(&answer);
  if (state == nullptr || accepted == nullptr) return refuse(Fault::verification_failed);
  Step step =
      go(*state, AwaitCertificateVerify{std::move(state->session), state->certificate_requested, accepted->key});
  state_ = std::move(step->state);
  return {};
}

std::optional<Query> Client::pending() const {
  const auto* state = std::get_if<AwaitVerdict>(&state_);
  if (state == nullptr) return std::nullopt;
  const Bytes list(state->certificate_list.data(), state->certificate_list.size());
  wire::Parser leaf(list);
  return VerifyPeer{list, state->server_name.span(),
                    wire::CertificateEntry::read(leaf).ocsp_response.value_or(Bytes{})};
}

const Agreement* Client::agreement() const {
  const auto* connected = std::get_if<Connected>(&state_);
  return connected == nullptr ? nullptr : &connected->agreement;
}

}  // namespace limpid::tls::handshake
