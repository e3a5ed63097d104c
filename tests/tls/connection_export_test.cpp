// What leaves a connection besides its bytes: exported keying material (RFC 8446, section 7.5) and the key log.
#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

std::string exported(const End& end, std::string_view label, std::string_view context, std::size_t size = 32) {
  std::string out(size, 'x');
  if (!end.state.export_keying_material(label, as_bytes(context), Script::mutable_bytes(out), end.cpu)) return "";
  return out;
}

TEST(Exporter, BothSidesExportTheSame) {
  for (const CipherSuite suite : {CipherSuite::tls_aes_128_gcm_sha256, CipherSuite::tls_aes_256_gcm_sha384}) {
    Pair pair(client_config({.cipher_suites = {&suite, 1}}));
    pair.client.reload = pair.server.reload = true;
    pair.connect();
    const std::string material = exported(pair.client, "EXPERIMENTAL test", "context");
    EXPECT_EQ(material.size(), 32u);
    EXPECT_EQ(exported(pair.server, "EXPERIMENTAL test", "context"), material);
    EXPECT_NE(exported(pair.client, "EXPERIMENTAL other", "context"), material);
    EXPECT_NE(exported(pair.client, "EXPERIMENTAL test", "another"), material);
    // It belongs to the connection, not to the keys of the moment.
    pair.client.event(UpdateKeys{true});
    pair.client.write("x");
    pair.run();
    EXPECT_EQ(exported(pair.client, "EXPERIMENTAL test", "context"), material);
    EXPECT_EQ(exported(pair.server, "EXPERIMENTAL test", "context"), material);
  }
}

TEST(Exporter, RefusesWhatItCannotDo) {
  Pair pair;
  EXPECT_EQ(exported(pair.client, "label", ""), "");
  pair.start();
  EXPECT_EQ(exported(pair.client, "label", ""), "");
  pair.run();
  EXPECT_NE(exported(pair.client, std::string(249, 'l'), "", 255 * 32), "");
  EXPECT_EQ(exported(pair.client, std::string(250, 'l'), ""), "");
  EXPECT_EQ(exported(pair.client, "label", "", 255 * 32 + 1), "");
  pair.client.event(Close{});
  pair.run();
  pair.server.event(Close{});
  pair.run();
  ASSERT_TRUE(pair.client.state.ended());
  EXPECT_EQ(exported(pair.client, "label", ""), "");
}

std::string lines_of(const End& end) {
  std::string all;
  for (const std::string& entry : end.log) {
    if (entry.starts_with("KeyLog ")) all += entry.substr(7);
  }
  return all;
}

std::string hex(std::string_view bytes) {
  std::string digits;
  for (const char c : bytes) {
    for (const int shift : {4, 0}) digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15];
  }
  return digits;
}

TEST(KeyLogs, TellEverySecretOnceOnBothSides) {
  for (const CipherSuite suite : {CipherSuite::tls_aes_128_gcm_sha256, CipherSuite::tls_aes_256_gcm_sha384}) {
    Pair pair(client_config({.cipher_suites = {&suite, 1}, .log_secrets = true}), server_config({.log_secrets = true}));
    pair.client.room_bytes = pair.server.room_bytes = Connection::least_room.bytes;
    pair.client.room_actions = pair.server.room_actions = Connection::least_room.actions;
    pair.client.reload = pair.server.reload = true;
    pair.connect();
    EXPECT_TRUE(pair.client.state.connected() && pair.server.state.connected());
    const std::string lines = lines_of(pair.client);
    EXPECT_EQ(lines_of(pair.server), lines);
    std::string labels;
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
      const std::string line = lines.substr(at, lines.find('\n', at) - at);
      labels += line.substr(0, line.find(' ') + 1);
      EXPECT_EQ(line.size(), line.find(' ') + 1 + 64 + 1 + 2 * crypto::digest_size(wire::hash_of(suite))) << line;
    }
    EXPECT_EQ(labels,
              "CLIENT_HANDSHAKE_TRAFFIC_SECRET SERVER_HANDSHAKE_TRAFFIC_SECRET CLIENT_TRAFFIC_SECRET_0 "
              "SERVER_TRAFFIC_SECRET_0 EXPORTER_SECRET ");
  }
}

TEST(KeyLogs, HoldTheSecretsThatProtect) {
  End client(client_config({.log_secrets = true}));
  ServerScript server;
  client.start();
  server.take_hello(client.take_sent());
  client.receive(server.say_hello(server.good_hello()));
  client.receive(server.rest_of_flight(client.key));
  const auto hello = wire::ClientHello::parse(as_bytes(server.client_hello).subspan(4));
  const std::string random = " " + hex(text(hello->random)) + " ";
  const std::string lines = lines_of(client);
  const auto has = [&](std::string_view label, const HashSecret& secret) {
    return lines.find(std::string(label) + random + hex(text(secret.bytes())) + "\n") != std::string::npos;
  };
  EXPECT_TRUE(has("CLIENT_HANDSHAKE_TRAFFIC_SECRET", server.client_secret)) << lines;
  EXPECT_TRUE(has("SERVER_HANDSHAKE_TRAFFIC_SECRET", server.server_secret)) << lines;
  EXPECT_TRUE(has("CLIENT_TRAFFIC_SECRET_0", server.client_application)) << lines;
  EXPECT_TRUE(has("SERVER_TRAFFIC_SECRET_0", server.server_application)) << lines;
}

TEST(KeyLogs, AreSilentUnlessAskedFor) {
  Pair pair;
  pair.connect();
  EXPECT_EQ(lines_of(pair.client) + lines_of(pair.server), "");
}

TEST(KeyLogs, WaitForRoom) {
  End client(client_config({.log_secrets = true}));
  ServerScript server;
  client.start();
  server.take_hello(client.take_sent());
  std::string hello = server.say_hello(server.good_hello());
  client.room_bytes = handshake::max_key_log_lines * handshake::max_key_log_line - 1;
  const auto blocked = client.step(stream::Received{Script::mutable_bytes(hello)});
  EXPECT_EQ(blocked.wants, Wants::room);
  EXPECT_EQ(lines_of(client), "");
  client.room_bytes = 1024;
  client.step(Tick{});
  client.receive("");
  if (lines_of(client).empty()) client.receive(hello);
  EXPECT_NE(lines_of(client), "");
}

}  // namespace
}  // namespace limpid::tls::test
