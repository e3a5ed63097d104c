// Full TLS 1.3 handshakes in memory, one thread: X25519, AES-128-GCM, certificates verified. Counted per second of the
// side named; "both" is a client and a server of the same library.
#include "bench/openssl.hpp"
#include "bench/ours.hpp"
#include "bench/pair.hpp"

namespace limpid::bench {
namespace {

enum class Side { server, client, both };

struct Shared {
  explicit Shared(crypto::KeyType type)
      : credentials(type),
        client_config(*tls::Config::make({.role = tls::Role::client, .server_name = host})),
        server_config(*tls::Config::make({.role = tls::Role::server})),
        client_context(openssl_context(credentials, false, "TLS_AES_128_GCM_SHA256")),
        server_context(openssl_context(credentials, true, "TLS_AES_128_GCM_SHA256")) {}

  Credentials credentials;
  tls::Config client_config, server_config;
  SslContext client_context, server_context;
};

double pick(Side side, double client, double server) {
  return side == Side::client ? client : side == Side::server ? server : client + server;
}

void add(const std::string& name, const std::shared_ptr<Shared>& shared, Side side) {
  add_rate(
      "handshake/" + name, "handshakes", openssl_name, 20,
      [shared, side](std::size_t count) {
        double seconds = 0;
        for (std::size_t i = 0; i < count; ++i) {
          Budget client_budget(1 << 20), server_budget(1 << 20);
          OurPair pair(shared->credentials, shared->client_config, shared->server_config, client_budget, server_budget);
          pair.shake_hands();
          seconds += pick(side, pair.client.seconds, pair.server.seconds);
        }
        return seconds;
      },
      [shared, side](std::size_t count) {
        double seconds = 0;
        for (std::size_t i = 0; i < count; ++i) {
          OpensslPair pair(shared->client_context.get(), shared->server_context.get());
          pair.shake_hands();
          seconds += pick(side, pair.client.seconds, pair.server.seconds);
        }
        return seconds;
      });
}

}  // namespace

void add_handshakes() {
  for (const auto& [name, type] :
       {std::pair("p256", crypto::KeyType::p256), std::pair("p384", crypto::KeyType::p384),
        std::pair("ed25519", crypto::KeyType::ed25519), std::pair("rsa2048", crypto::KeyType::rsa)}) {
    if (!tls::Config().offers(crypto::scheme_of(type))) continue;
    const auto shared = std::make_shared<Shared>(type);
    add(std::string("server/") + name, shared, Side::server);
    add(std::string("client/") + name, shared, Side::client);
    add(std::string("both/") + name, shared, Side::both);
  }
}

}  // namespace limpid::bench
