#include "limpid/tls/handshake/server.hpp"

namespace limpid::tls::handshake {
namespace {

using wire::ClientHello;
using wire::ExtensionType;
using wire::HandshakeType;

template <class From, class To>
Server::Step go(const From& from, To to) {
  return Server::Step::value_type::go(from, std::move(to));
}

// Section 4.1.2: after a HelloRetryRequest the client "MUST send the same ClientHello without modification, except" in
// key_share, early_data, cookie, pre_shared_key and padding.
bool may_change(ExtensionType type) {
  return type == ExtensionType::key_share || type == ExtensionType::early_data || type == ExtensionType::cookie ||
         type == ExtensionType::pre_shared_key || type == ExtensionType::padding;
}

// A digest of everything else.
crypto::Digest unchanged_part(const ClientHello& hello, CpuFeatures cpu) {
  crypto::Hash hash(crypto::HashAlgorithm::sha256);
  const auto number = [&](std::size_t value) {
    const Byte encoded[2] = {static_cast<Byte>(value >> 8), static_cast<Byte>(value)};
    hash.update(encoded, cpu);
  };
  const auto vector = [&](Bytes bytes) {
    number(bytes.size());
    hash.update(bytes, cpu);
  };
  number(static_cast<std::size_t>(hello.legacy_version));
  hash.update(hello.random, cpu);
  vector(hello.legacy_session_id);
  vector(hello.cipher_suites.raw);
  vector(hello.legacy_compression_methods);
  for (const wire::Extension& extension : hello.extensions) {
    if (may_change(extension.type)) continue;
    number(static_cast<std::size_t>(extension.type));
    vector(extension.data);
  }
  return hash.finish(cpu);
}

template <class List, class T>
List common(std::span<const T> ours, const wire::CodePoints<T>& theirs) {
  List both;
  for (const T value : ours) {
    if (theirs.contains(value)) both.push_back(value);
  }
  return both;
}

// The first of this side's protocols that the client offers. Empty if either side names none.
std::expected<InlineBytes<255>, Error> select_protocol(const Config& config, const ClientHello& hello) {
  const auto& offered = hello.application_layer_protocol_negotiation;
  if (!offered || config.application_protocols().empty()) return InlineBytes<255>();
  for (const wire::ProtocolName& ours : wire::ProtocolNames{config.application_protocols()}) {
    for (const wire::ProtocolName& theirs : *offered) {
      if (ours == theirs) return InlineBytes<255>(ours.name);
    }
  }
  // RFC 7301, section 3.2: "In the event that the server supports no protocols that the client advertises, then the
  // server SHALL respond with a fatal "no_application_protocol" alert."
  return refuse(Fault::no_common_application_protocol);
}

// What a ClientHello leads to, once its demands and ours are compared.
struct Negotiated {
  CipherSuite cipher_suite{};
  NamedGroup group{};
  std::optional<Bytes> client_share;  // nothing: a HelloRetryRequest is needed
  SignatureSchemes signature_schemes;
  InlineBytes<255> application_protocol;
};

std::expected<Negotiated, Error> negotiate(const Config& config, const ClientHello& hello) {
  if (auto checked = hello.check_tls13(); !checked) return std::unexpected(checked.error());
  // check_tls13 lets a hello with pre-shared keys do without these. We ignore such keys, so section 9.2 demands them.
  if (!hello.signature_algorithms) return refuse(Fault::missing_signature_algorithms);
  if (!hello.supported_groups) return refuse(Fault::missing_supported_groups);
  if (!hello.key_share) return refuse(Fault::missing_key_share);

  Negotiated agreed;
  const auto suites = common<InlineList<CipherSuite, 3>>(config.cipher_suites(), hello.cipher_suites);
  if (suites.empty()) return refuse(Fault::no_common_cipher_suite);
  agreed.cipher_suite = suites[0];

  const auto groups = common<Groups>(config.groups(), *hello.supported_groups);
  if (groups.empty()) return refuse(Fault::no_common_group);
  agreed.group = groups[0];
  for (const NamedGroup group : groups) {
    if (const auto share = wire::find(*hello.key_share, group)) {
      agreed.group = group;
      agreed.client_share = share->key_exchange;
      break;
    }
  }

  agreed.signature_schemes = common<SignatureSchemes>(config.signature_schemes(), *hello.signature_algorithms);
  if (agreed.signature_schemes.empty()) return refuse(Fault::no_common_signature_scheme);

  auto protocol = select_protocol(config, hello);
  if (!protocol) return std::unexpected(protocol.error());
  agreed.application_protocol = *protocol;
  return agreed;
}

// The ClientHello is good: asks for a certificate.
std::expected<Server::AwaitSelection, Error> await_selection(const ClientHello& hello, const Negotiated& agreed,
                                                             bool retried, const Transcript& transcript) {
  // Whether it is a public key shows when a key agrees with it; here only that it fits.
  if (agreed.client_share->size() != crypto::public_key_size(agreed.group)) {
    return refuse(Fault::key_share_invalid, static_cast<std::uint32_t>(agreed.group));
  }
  Server::AwaitSelection next;
  next.agreement.cipher_suite = agreed.cipher_suite;
  next.agreement.group = agreed.group;
  next.agreement.retried = retried;
  next.agreement.application_protocol = agreed.application_protocol;
  if (hello.server_name) next.agreement.server_name = InlineBytes<255>(*hello.server_name);
  next.transcript = transcript;
  next.legacy_session_id = InlineBytes<32>(hello.legacy_session_id);
  next.client_share = InlineBytes<97>(*agreed.client_share);
  next.signature_schemes = agreed.signature_schemes;
  next.staple_requested = hello.status_request && hello.status_request->status_type == wire::ocsp_status_type;
  next.client_random = hello.random;
  return next;
}

Server::Step retry(const Server::AwaitClientHello& state, const Context& context, const ClientHello& hello,
                   const Negotiated& agreed, Transcript transcript) {
  Server::AwaitSecondClientHello next;
  next.cipher_suite = agreed.cipher_suite;
  next.group = agreed.group;
  next.unchanged = unchanged_part(hello, context.cpu);
  if (context.config.retry_with_cookie()) {
    next.cookie = InlineBytes<32>(crypto::draw<32>(context.generator).bytes());
  }
  context.out.peer_must_answer = true;
  const Bytes sent = context.out.flight.append(Level::initial, [&](Writer& out) {
    const wire::HelloRetryRequest request{.legacy_session_id_echo = hello.legacy_session_id,
                                          .cipher_suite = agreed.cipher_suite};
    wire::put_handshake(out, HandshakeType::server_hello, [&] {
      request.emit(out, [&] {
        wire::put_selected_version(out, wire::ProtocolVersion::tls13);
        wire::put_selected_group(out, agreed.group);
        if (!next.cookie.empty()) wire::put_cookie(out, next.cookie.span());
      });
    });
  });
  if (sent.empty()) return refuse(Fault::out_of_memory);
  next.transcript = transcript.after_retry(context.cpu);
  next.transcript.add(sent, context.cpu);
  return go(state, std::move(next));
}

Server::Step on(Server::AwaitClientHello& state, const Context& context, const wire::Handshake& message) {
  const auto hello = ClientHello::parse(message.body);
  if (!hello) return std::unexpected(hello.error());
  const auto agreed = negotiate(context.config, *hello);
  if (!agreed) return std::unexpected(agreed.error());
  context.out.early_data_rejected = hello->early_data;
  context.out.compatibility_mode = !hello->legacy_session_id.empty();

  Transcript transcript(wire::hash_of(agreed->cipher_suite));
  transcript.add(message.message, context.cpu);
  if (!agreed->client_share) return retry(state, context, *hello, *agreed, transcript);
  auto next = await_selection(*hello, *agreed, false, transcript);
  if (!next) return std::unexpected(next.error());
  return go(state, std::move(*next));
}

Server::Step on(Server::AwaitSecondClientHello& state, const Context& context, const wire::Handshake& message) {
  const auto hello = ClientHello::parse(message.body);
  if (!hello) return std::unexpected(hello.error());
  if (hello->early_data) return refuse(Fault::early_data_in_second_client_hello);
  if (unchanged_part(*hello, context.cpu) != state.unchanged) return refuse(Fault::second_client_hello_changed);
  // Section 4.2.2: "When sending the new ClientHello, the client MUST copy the contents of the extension received in
  // the HelloRetryRequest into a "cookie" extension in the new ClientHello."
  if (!state.cookie.empty()) {
    if (!hello->cookie) return refuse(Fault::missing_cookie);
    if (!constant_time_equal(*hello->cookie, state.cookie.span())) return refuse(Fault::cookie_invalid);
  }

  auto agreed = negotiate(context.config, *hello);
  if (!agreed) return std::unexpected(agreed.error());
  // Section 4.1.2, of what the client changes: "replacing the list of shares with a list containing a single
  // KeyShareEntry from the indicated group."
  const wire::KeyShares& shares = *hello->key_share;
  const auto share = wire::find(shares, state.group);
  if (!share || shares.count() != 1) return refuse(Fault::second_key_share_wrong);
  agreed->cipher_suite = state.cipher_suite;
  agreed->group = state.group;
  agreed->client_share = share->key_exchange;

  state.transcript.add(message.message, context.cpu);
  auto next = await_selection(*hello, *agreed, true, state.transcript);
  if (!next) return std::unexpected(next.error());
  return go(state, std::move(*next));
}

Server::Step on_selected(Server::AwaitSelection& state, const Context& context, const CertificateSelected& selected) {
  const CpuFeatures cpu = context.cpu;
  Flight& flight = context.out.flight;
  const auto key = crypto::EphemeralKey::generate(state.agreement.group, context.generator, cpu);
  const auto shared = key.agree(state.client_share.span(), cpu);
  // Section 4.2.8.2: "peers MUST validate each other's public value Q by ensuring that the point is a valid point on
  // the elliptic curve"; section 7.4.2: an all-zero X25519 output aborts the handshake, too.
  if (!shared) return refuse(Fault::key_share_invalid, static_cast<std::uint32_t>(state.agreement.group));

  Server::AwaitSignature next;
  next.agreement = state.agreement;
  next.agreement.signature_scheme = selected.scheme;
  next.transcript = state.transcript;
  next.key = selected.key;

  wire::ServerHello hello{.legacy_session_id_echo = state.legacy_session_id.span(),
                          .cipher_suite = state.agreement.cipher_suite};
  context.generator.fill(hello.random);
  const Bytes hello_message = flight.append(Level::initial, [&](Writer& out) {
    wire::put_handshake(out, HandshakeType::server_hello, [&] {
      hello.emit(out, [&] {
        wire::put_selected_version(out, wire::ProtocolVersion::tls13);
        wire::put_key_share(out, {state.agreement.group, key.public_key()});
      });
    });
  });
  if (hello_message.empty()) return refuse(Fault::out_of_memory);
  next.transcript.add(hello_message, cpu);

  next.handshake_secret = EarlySecret(state.agreement.hash(), {}, cpu).into_handshake_secret(shared->bytes(), cpu);
  const Digest hello_hash = next.transcript.hash(cpu);
  next.client_handshake_traffic_secret = next.handshake_secret.client_handshake_traffic_secret(hello_hash, cpu);
  next.server_handshake_traffic_secret = next.handshake_secret.server_handshake_traffic_secret(hello_hash, cpu);
  next.client_random = state.client_random;
  context.log(KeyLogLabel::client_handshake_traffic_secret, next.client_random, next.client_handshake_traffic_secret);
  context.log(KeyLogLabel::server_handshake_traffic_secret, next.client_random, next.server_handshake_traffic_secret);
  flight.set_write_secret(Level::handshake, next.server_handshake_traffic_secret.clone());
  context.out.read_secret = next.client_handshake_traffic_secret.clone();
  context.out.read_level = Level::handshake;
  context.out.cipher_suite = state.agreement.cipher_suite;

  const Bytes certificate = flight.append(Level::handshake, [&](Writer& out) {
    wire::put_handshake(out, HandshakeType::encrypted_extensions, [&] {
      wire::EncryptedExtensions::emit(out, [&] {
        // RFC 6066, section 3: a server that uses the name "SHALL include an extension of type "server_name" in the
        // (extended) server hello. The "extension_data" field of this extension SHALL be empty."
        if (!state.agreement.server_name.empty()) wire::put_empty_extension(out, ExtensionType::server_name);
        if (!state.agreement.application_protocol.empty()) {
          wire::put_selected_protocol(out, state.agreement.application_protocol.span());
        }
      });
    });
    wire::emit_handshake(out, wire::Certificate{.certificate_list = {selected.certificate_list}});
  });
  if (certificate.empty()) return refuse(Fault::out_of_memory);
  next.transcript.add(certificate, cpu);
  next.certificate_hash = next.transcript.hash(cpu);
  next.hedge = crypto::draw<32>(context.generator);
  return go(state, std::move(next));
}

Server::Step on_signed(Server::AwaitSignature& state, const Context& context, const Signed& reply) {
  const CpuFeatures cpu = context.cpu;
  Flight& flight = context.out.flight;
  if (reply.signature.empty()) return refuse(Fault::signing_failed);
  const wire::CertificateVerify verify{.algorithm = state.agreement.signature_scheme, .signature = reply.signature};
  const Bytes verify_message = flight.append(Level::handshake, [&](Writer& out) { wire::emit_handshake(out, verify); });
  if (verify_message.empty()) return refuse(Fault::out_of_memory);
  state.transcript.add(verify_message, cpu);

  const HashSecret verify_data = finished_verify_data(state.agreement.hash(), state.server_handshake_traffic_secret,
                                                      state.transcript.hash(cpu), cpu);
  const Bytes finished = flight.append(Level::handshake, [&](Writer& out) {
    wire::emit_handshake(out, wire::Finished{.verify_data = verify_data.bytes()});
  });
  if (finished.empty()) return refuse(Fault::out_of_memory);
  state.transcript.add(finished, cpu);

  Server::AwaitFinished next;
  next.agreement = state.agreement;
  next.server_finished_hash = state.transcript.hash(cpu);
  next.client_handshake_traffic_secret = std::move(state.client_handshake_traffic_secret);
  const MasterSecret master = std::move(state.handshake_secret).into_master_secret(cpu);
  next.client_application_traffic_secret = master.client_application_traffic_secret_0(next.server_finished_hash, cpu);
  next.exporter_master_secret = master.exporter_master_secret(next.server_finished_hash, cpu);
  HashSecret server_secret = master.server_application_traffic_secret_0(next.server_finished_hash, cpu);
  context.log(KeyLogLabel::client_traffic_secret_0, state.client_random, next.client_application_traffic_secret);
  context.log(KeyLogLabel::server_traffic_secret_0, state.client_random, server_secret);
  context.log(KeyLogLabel::exporter_secret, state.client_random, next.exporter_master_secret);
  flight.set_write_secret(Level::application, std::move(server_secret));
  return go(state, std::move(next));
}

Server::Step on(Server::AwaitFinished& state, const Context& context, const wire::Handshake& message) {
  const auto verified = verify_finished(message, state.agreement.hash(), state.client_handshake_traffic_secret,
                                        state.server_finished_hash, context.cpu);
  if (!verified) return std::unexpected(verified.error());
  context.out.read_secret = std::move(state.client_application_traffic_secret);
  context.out.exporter_master_secret = std::move(state.exporter_master_secret);
  context.out.read_level = Level::application;
  context.out.cipher_suite = state.agreement.cipher_suite;
  return Server::Step::value_type::go(state, Connected{state.agreement}, *verified);
}

}  // namespace

std::expected<void, Error> Server::receive(const Context& context, Level level, const wire::Handshake& message) {
  auto step = dispatch<Step>(state_, level, message,
                             [&](auto& state, const wire::Handshake& taken) { return on(state, context, taken); });
  if (!step) return std::unexpected(step.error());
  state_ = std::move(step->state);
  return {};
}

std::expected<void, Error> Server::reply(const Context& context, const Answer& answer) {
  if (const auto* declined = std::get_if<Declined>(&answer)) return refuse(declined->fault);
  auto step = [&]() -> Step {
    if (auto* state = std::get_if<AwaitSelection>(&state_)) {
      if (const auto* selected = std::get_if<CertificateSelected>(&answer)) {
        return on_selected(*state, context, *selected);
      }
    }
    if (auto* state = std::get_if<AwaitSignature>(&state_)) {
      if (const auto* reply = std::get_if<Signed>(&answer)) return on_signed(*state, context, *reply);
    }
    return refuse(Fault::signing_failed);
  }();
  if (!step) return std::unexpected(step.error());
  state_ = std::move(step->state);
  return {};
}

std::optional<Query> Server::pending() const {
  if (const auto* state = std::get_if<AwaitSelection>(&state_)) {
    return SelectCertificate{state->agreement.server_name.span(), state->signature_schemes.span(),
                             state->agreement.application_protocol.span(), state->staple_requested};
  }
  if (const auto* state = std::get_if<AwaitSignature>(&state_)) {
    return Sign{state->key, state->agreement.signature_scheme, SignedContent(true, state->certificate_hash.bytes()),
                state->hedge.bytes()};
  }
  return std::nullopt;
}

const Agreement* Server::agreement() const {
  const auto* connected = std::get_if<Connected>(&state_);
  return connected == nullptr ? nullptr : &connected->agreement;
}

}  // namespace limpid::tls::handshake
