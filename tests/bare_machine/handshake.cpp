// A TLS client and a server in one memory, with certificates made and verified here, and bytes both ways.
#include "limpid/tls/connection/connection.hpp"
#include "limpid/x509/verify.hpp"
#include "tests/bare_machine/credentials.hpp"
#include "tests/bare_machine/report.hpp"
#include "tests/bare_machine/tests.hpp"

namespace limpid::bare_machine {
namespace {

using tls::Connection;
using Config = tls::Config;

constexpr std::size_t megabyte = std::size_t{1} << 20;
constexpr std::size_t inbox_size = std::size_t{1} << 16;

// What is sent is a function of its offset and direction, so that the receiver can tell every byte.
Byte pattern(std::size_t offset, bool from_client) {
  return static_cast<Byte>(offset ^ offset >> 8 ^ offset >> 16 ^ (from_client ? 0x55 : 0));
}

struct Endpoint {
  Endpoint(const Config& of, Budget& memory) : config(of), budget(memory), inbox(memory) {}

  bool is_client() const { return config.role() == tls::Role::client; }

  const Config& config;
  Budget& budget;
  Connection state;
  Wants wants = Wants::entropy;
  bool more = false;
  Buffer inbox;  // from the peer, not yet consumed: the first `waiting` bytes
  std::size_t waiting = 0;
  bool must_offer_more = false;  // the connection wants more bytes than wait
  std::size_t sent = 0;
  std::size_t received = 0;
  bool intact = true;
  bool done = false;         // the handshake
  bool closed = false;       // close_notify sent
  bool peer_closed = false;  // and received
  bool failed = false;
  tls::CipherSuite suite{};
  tls::NamedGroup group{};
};

struct Answers {
  const Credentials& credentials;
  CpuFeatures cpu;
  Budget& budget;
  crypto::Signature signature;

  tls::Answer to(const tls::Query& query) {
    return std::visit(Overloaded{
                          [&](const tls::SelectCertificate& asked) -> tls::Answer {
                            const auto scheme = scheme_of(credentials.leaf_key.type());
                            for (const auto offered : asked.signature_schemes) {
                              if (offered == scheme) return tls::CertificateSelected{chain(), scheme, 7};
                            }
                            return tls::Declined{tls::Fault::no_common_signature_scheme};
                          },
                          [&](const tls::Sign& asked) -> tls::Answer {
                            signature =
                                credentials.leaf_key.sign(asked.scheme, asked.content.bytes(), asked.hedge, cpu);
                            return tls::Signed{signature.bytes()};
                          },
                          [&](const tls::VerifyPeer& asked) -> tls::Answer { return verify(asked); },
                      },
                      query);
  }

  Bytes chain() const { return {credentials.certificate_list.data(), credentials.certificate_list.size()}; }

  tls::Answer verify(const tls::VerifyPeer& asked) {
    Reader list(asked.certificate_list);
    const std::array<Bytes, 1> chain{list.vector24()};
    const auto anchor = x509::parse_certificate({credentials.anchor_der.data(), credentials.anchor_der.size()});
    if (!anchor) return tls::Declined{tls::Fault::verification_failed};
    x509::VerifyOptions options;
    options.at = wall_time;
    options.name = x509::peer_name(as_text(asked.server_name));
    const auto valid = x509::verify_chain(chain, {&*anchor, 1}, options, budget, cpu);
    if (!valid || !valid->leaf_key) return tls::Declined{tls::Fault::verification_failed};
    return tls::PeerAccepted{*valid->leaf_key};
  }
};

// The next thing that `end` is told; nothing if there is nothing to tell it.
std::optional<Connection::Event> next_event(Endpoint& end, Answers& answers, MutableBytes plaintext,
                                            std::array<Byte, 32> entropy) {
  if (end.wants == Wants::nothing || end.failed) return std::nullopt;
  if (end.wants == Wants::entropy) return tls::Entropy{entropy};
  if (const auto query = end.state.pending()) return tls::Reply{end.state.query_id(), answers.to(*query)};
  if (end.more || end.wants == Wants::room) return Tick{};
  if (end.waiting > 0 && !end.must_offer_more) return stream::Received{{end.inbox.data(), end.waiting}};
  if (end.done && end.sent < megabyte) {
    const std::size_t size = std::min(plaintext.size(), megabyte - end.sent);
    for (std::size_t i = 0; i < size; ++i) plaintext[i] = pattern(end.sent + i, end.is_client());
    return tls::Write{plaintext.first(size)};
  }
  if (end.done && !end.closed) return tls::Close{};
  return std::nullopt;
}

void deliver(Endpoint& end, Bytes bytes) {
  for (const Byte byte : bytes) end.intact = end.intact && byte == pattern(end.received++, !end.is_client());
}

void hand_over(Bytes bytes, Endpoint& to) {
  copy(bytes, MutableBytes(to.inbox.data(), to.inbox.size()).subspan(to.waiting));
  to.waiting += bytes.size();
  to.must_offer_more = false;
}

void carry_out(const Connection::Action& action, Endpoint& end, Endpoint& peer) {
  std::visit(Overloaded{
                 [&](const stream::Send& send) { hand_over(send.bytes, peer); },
                 [&](const tls::Deliver& delivered) { deliver(end, delivered.bytes); },
                 [&](const tls::HandshakeDone& agreed) {
                   end.done = true;
                   end.suite = agreed.cipher_suite;
                   end.group = agreed.group;
                 },
                 [&](const tls::PeerClosed&) { end.peer_closed = true; },
                 [&](const tls::Truncated&) { end.failed = true; },
                 [&](const tls::Failed&) { end.failed = true; },
                 [&](const tls::Refused&) { end.failed = true; },
                 [](const auto&) {},
             },
             action);
}

// True if anything happened.
bool step_once(Endpoint& end, Endpoint& peer, Answers& answers, crypto::Generator& generator, CpuFeatures cpu) {
  std::array<Byte, 1 << 14> plaintext;
  std::array<Byte, 32> entropy;
  generator.fill(entropy);
  const auto event = next_event(end, answers, plaintext, entropy);
  if (!event) return false;

  std::array<Byte, 1 << 15> room;
  std::array<Connection::Action, 16> slots;
  const std::size_t credit = std::min(room.size(), peer.inbox.size() - peer.waiting);
  const Time now{.monotonic = {}, .wall = wall_time};
  const auto progress = Connection::advance(end.config, end.state, now, *event,
                                            {MutableBytes(room).first(credit), slots, end.budget, cpu});
  for (const auto& action : progress.actions) carry_out(action, end, peer);
  if (std::holds_alternative<stream::Received>(*event)) {
    end.must_offer_more = progress.consumed == 0 && progress.actions.empty() && progress.wants == Wants::event;
    end.waiting -= progress.consumed;
    std::memmove(end.inbox.data(), end.inbox.data() + progress.consumed, end.waiting);
  }
  if (std::holds_alternative<tls::Write>(*event)) end.sent += progress.consumed;
  if (std::holds_alternative<tls::Close>(*event)) end.closed = progress.consumed != 0;
  end.wants = progress.wants;
  end.more = progress.more;
  return progress.consumed != 0 || !progress.actions.empty();
}

struct Shape {
  std::string_view name;
  tls::CipherSuite suite;
  tls::NamedGroup group;
  crypto::KeyType key;
};

void shake_hands(const Shape& shape, crypto::Generator& generator, CpuFeatures cpu, std::string_view path) {
  Budget budget(std::size_t{4} << 20);
  const auto credentials = make_credentials(shape.key, generator, budget, cpu);
  if (!credentials) return answer(shape.name, "certificates are made", false);
  const std::array schemes{scheme_of(shape.key)};
  Config::Options options;
  options.cipher_suites = {&shape.suite, 1};
  options.groups = {&shape.group, 1};
  options.signature_schemes = schemes;
  options.role = tls::Role::server;
  const auto server_config = Config::make(options);
  options.role = tls::Role::client;
  options.server_name = host_name;
  const auto client_config = Config::make(options);
  if (!server_config || !client_config) return answer(shape.name, "configurations are made", false);

  Endpoint client(*client_config, budget), server(*server_config, budget);
  if (!client.inbox.resize(inbox_size) || !server.inbox.resize(inbox_size)) return answer(shape.name, "memory", false);
  Answers answers{*credentials, cpu, budget, {}};
  for (bool moved = true; moved;) {
    moved = step_once(client, server, answers, generator, cpu);
    moved = step_once(server, client, answers, generator, cpu) || moved;
  }

  const auto agreed = [&](const Endpoint& end) {
    return end.done && end.suite == shape.suite && end.group == shape.group;
  };
  answer(shape.name, path, agreed(client) && agreed(server));
  answer("  a megabyte arrived at the server, then close_notify", "",
         server.received == megabyte && server.intact && server.peer_closed && !server.failed);
  answer("  a megabyte arrived at the client, then close_notify", "",
         client.received == megabyte && client.intact && client.peer_closed && !client.failed);
}

}  // namespace

void test_handshakes(CpuFeatures cpu, std::string_view path) {
  using tls::CipherSuite;
  using tls::NamedGroup;
  const auto seed = std::array<Byte, 32>{9};
  crypto::Generator generator(seed);
  constexpr Shape shapes[] = {
      {"TLS 1.3, AES-128-GCM, X25519, ECDSA P-256", CipherSuite::tls_aes_128_gcm_sha256, NamedGroup::x25519,
       crypto::KeyType::p256},
      {"TLS 1.3, AES-256-GCM, P-256, Ed25519", CipherSuite::tls_aes_256_gcm_sha384, NamedGroup::secp256r1,
       crypto::KeyType::ed25519},
      {"TLS 1.3, ChaCha20-Poly1305, X25519, Ed25519", CipherSuite::tls_chacha20_poly1305_sha256, NamedGroup::x25519,
       crypto::KeyType::ed25519},
  };
  for (const Shape& shape : shapes) shake_hands(shape, generator, cpu, path);
}

}  // namespace limpid::bare_machine
