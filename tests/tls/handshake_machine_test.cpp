// The handshake machines by themselves, without records: messages and levels in, messages, levels and secrets out, as
// QUIC would drive them.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "limpid/tls/handshake/client.hpp"
#include "limpid/tls/handshake/server.hpp"

namespace limpid::tls::handshake {
namespace {

std::array<Byte, 32> seed(Byte value) {
  std::array<Byte, 32> bytes;
  bytes.fill(value);
  return bytes;
}

Config config_of(Role role) {
  Config::Options options;
  options.role = role;
  options.server_name = role == Role::client ? "quic.example" : "";
  options.compatibility_mode = false;  // RFC 9001, section 8.4
  return *Config::make(options);
}

template <class Machine>
struct Side {
  explicit Side(Role role) : config(config_of(role)), generator(seed(role == Role::client ? 1 : 2)) {}

  // Runs one step of the machine and keeps what it gave out.
  template <class Step>
  std::expected<void, Error> step(Step&& take) {
    Output output{flight};
    const Context context{config, generator, budget, {}, output};
    auto result = take(context);
    if (output.read_secret) read[output.read_level] = output.read_secret->clone();
    for (const Level level : {Level::handshake, Level::application}) {
      if (flight.has_write_secret(level)) write[level] = flight.take_write_secret(level);
    }
    return result;
  }
  // Messages that came at a level, one after the other.
  std::expected<void, Error> receive(Level level, const std::string& bytes) {
    for (Bytes rest = as_bytes(bytes); !rest.empty();) {
      const auto message = wire::next_handshake(rest);
      EXPECT_TRUE(message && *message);
      rest = rest.subspan((*message)->message.size());
      auto result = step([&](const Context& context) { return machine.receive(context, level, **message); });
      if (!result) return result;
    }
    return {};
  }
  std::string take(Level level) {
    const std::string bytes(as_text(flight.unsent(level)));
    flight.mark_sent(bytes.size());
    if (flight.all_sent()) flight.drop();
    return bytes;
  }

  Config config;
  crypto::Generator generator;
  Budget budget{1 << 20};
  Flight flight{budget};
  Machine machine;
  std::map<Level, HashSecret> read, write;
};

TEST(HandshakeMachines, AgreeOnEverySecretWithoutRecords) {
  Side<Client> client(Role::client);
  Side<Server> server(Role::server);
  const auto key = *crypto::PrivateKey::from_bytes(crypto::KeyType::ed25519, seed(9));

  ASSERT_TRUE(client.step([&](const Context& context) { return client.machine.start(context); }));
  ASSERT_TRUE(server.receive(Level::initial, client.take(Level::initial)));
  ASSERT_TRUE(std::holds_alternative<SelectCertificate>(*server.machine.pending()));
  EXPECT_EQ(as_text(std::get<SelectCertificate>(*server.machine.pending()).server_name), "quic.example");
  Buffer chain(server.budget);
  Writer list(chain);
  append_certificate(list, as_bytes("leaf"));
  ASSERT_TRUE(server.step([&](const Context& context) {
    return server.machine.reply(context,
                                CertificateSelected{Bytes(chain.data(), chain.size()), SignatureScheme::ed25519, 1});
  }));
  const auto sign = std::get<Sign>(*server.machine.pending());
  EXPECT_EQ(sign.scheme, SignatureScheme::ed25519);
  EXPECT_EQ(as_text(sign.content.bytes().subspan(64, 33)), "TLS 1.3, server CertificateVerify");
  EXPECT_EQ(sign.content.bytes().size(), 64u + 33 + 1 + 32);
  const auto signature = key.sign(sign.scheme, sign.content.bytes(), sign.hedge, {});
  ASSERT_TRUE(
      server.step([&](const Context& context) { return server.machine.reply(context, Signed{signature.bytes()}); }));

  ASSERT_TRUE(client.receive(Level::initial, server.take(Level::initial)));
  const std::string flight = server.take(Level::handshake);
  // Up to the question that Certificate raises, then the rest.
  const auto size_of = [&](std::size_t at) {
    return (*wire::next_handshake(as_bytes(flight).subspan(at)))->message.size();
  };
  const std::size_t extensions = size_of(0);
  const std::size_t certificate = extensions + size_of(extensions);
  ASSERT_TRUE(client.receive(Level::handshake, flight.substr(0, certificate)));
  EXPECT_EQ(as_text(std::get<VerifyPeer>(*client.machine.pending()).server_name), "quic.example");
  ASSERT_TRUE(client.step(
      [&](const Context& context) { return client.machine.reply(context, PeerAccepted{key.public_key()}); }));
  ASSERT_TRUE(client.receive(Level::handshake, flight.substr(certificate)));
  ASSERT_NE(client.machine.agreement(), nullptr);
  ASSERT_EQ(server.machine.agreement(), nullptr);
  ASSERT_TRUE(server.receive(Level::handshake, client.take(Level::handshake)));
  ASSERT_NE(server.machine.agreement(), nullptr);
  EXPECT_EQ(server.machine.agreement()->signature_scheme, SignatureScheme::ed25519);

  for (const Level level : {Level::handshake, Level::application}) {
    EXPECT_EQ(client.write[level].size(), 32u);
    EXPECT_EQ(client.write[level], server.read[level]);
    EXPECT_EQ(server.write[level], client.read[level]);
    EXPECT_FALSE(client.write[level] == server.write[level]);
  }
}

TEST(HandshakeMachines, RefuseMessagesAtAnotherLevel) {
  for (const Level level : {Level::handshake, Level::application}) {
    Side<Client> client(Role::client);
    Side<Server> server(Role::server);
    ASSERT_TRUE(client.step([&](const Context& context) { return client.machine.start(context); }));
    const auto refused = server.receive(level, client.take(Level::initial));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::unexpected_handshake_message);
  }
}

TEST(HandshakeMachines, TakeOnlyWhatTheirStateDeclares) {
  Side<Server> server(Role::server);
  for (int type = 0; type < 256; ++type) {
    EXPECT_EQ(server.machine.takes(static_cast<wire::HandshakeType>(type)), type == 1) << type;
  }
}

TEST(Flights, KeepLevelsInOrderAndForgetWhatWasSent) {
  Budget budget(1 << 16);
  Flight flight(budget);
  EXPECT_EQ(as_text(flight.append(Level::initial, [](Writer& out) { out.text("hello"); })), "hello");
  EXPECT_EQ(as_text(flight.append(Level::handshake, [](Writer& out) { out.text("finished"); })), "finished");
  EXPECT_EQ(as_text(flight.unsent(Level::initial)), "hello");
  EXPECT_EQ(as_text(flight.unsent(Level::handshake)), "finished");
  EXPECT_TRUE(flight.unsent(Level::application).empty());
  flight.mark_sent(3);
  EXPECT_EQ(as_text(flight.unsent(Level::initial)), "lo");
  flight.mark_sent(4);
  EXPECT_TRUE(flight.unsent(Level::initial).empty());
  EXPECT_EQ(as_text(flight.unsent(Level::handshake)), "nished");
  flight.mark_sent(6);
  EXPECT_TRUE(flight.all_sent());
  flight.drop();
  EXPECT_EQ(budget.used(), 0u);
  // A refusal appends nothing.
  Budget small(8);
  Flight full(small);
  EXPECT_FALSE(full.append(Level::initial, [](Writer& out) { out.text("12345678"); }).empty());
  EXPECT_TRUE(full.append(Level::initial, [](Writer& out) { out.text("9"); }).empty());
  EXPECT_EQ(as_text(full.unsent(Level::initial)), "12345678");
}

}  // namespace
}  // namespace limpid::tls::handshake
