// Records sealed and opened per second on an established connection: each write is one record of the size named. Ours
// seals from the caller's bytes into lent room and opens in place; OpenSSL's goes through SSL_write and SSL_read over
// memory BIOs.
#include <cstdlib>

#include "bench/openssl.hpp"
#include "bench/ours.hpp"
#include "bench/pair.hpp"
#include "bench/stopwatch.hpp"

namespace limpid::bench {
namespace {

constexpr std::size_t batch = 64;  // records under way at once

struct Ours {
  Ours(Credentials& credentials, tls::CipherSuite suite)
      : suites{suite},
        client_config(*tls::Config::make({.role = tls::Role::client, .server_name = host, .cipher_suites = suites})),
        server_config(*tls::Config::make({.role = tls::Role::server, .cipher_suites = suites})),
        pair(credentials, client_config, server_config, client_budget, server_budget) {
    pair.shake_hands();
  }
  std::array<tls::CipherSuite, 1> suites;
  tls::Config client_config, server_config;
  Budget client_budget{1 << 20}, server_budget{1 << 20};
  OurPair pair;
};

struct Theirs {
  Theirs(const Credentials& credentials, const char* suite)
      : client_context(openssl_context(credentials, false, suite)),
        server_context(openssl_context(credentials, true, suite)),
        pair(client_context.get(), server_context.get()) {
    pair.shake_hands();
  }
  SslContext client_context, server_context;
  OpensslPair pair;
};

void add(const std::string& name, const std::shared_ptr<Ours>& ours, const std::shared_ptr<Theirs>& theirs,
         std::size_t size, bool seal) {
  const auto plaintext = std::make_shared<std::vector<Byte>>(size, 'x');
  const auto received = std::make_shared<std::vector<Byte>>(size);
  add_rate(
      "record/" + std::string(seal ? "seal/" : "open/") + name + "/" + std::to_string(size), "records", openssl_name,
      batch,
      [=](std::size_t count) {
        OurEnd &client = ours->pair.client, &server = ours->pair.server;
        client.seconds = server.seconds = 0;
        client.delivered = 0;
        std::vector<Byte>&wire = ours->pair.to_client, none;
        wire.clear();
        for (std::size_t i = 0; i < count; ++i) {
          if (server.step(tls::Write{*plaintext}, wire) != size) std::abort();
        }
        client.take(wire, none);
        if (client.delivered != count * size) std::abort();
        return seal ? server.seconds : client.seconds;
      },
      [=](std::size_t count) {
        OpensslEnd &client = theirs->pair.client, &server = theirs->pair.server;
        const Stopwatch sealing;
        for (std::size_t i = 0; i < count; ++i) {
          if (SSL_write(server.ssl(), plaintext->data(), static_cast<int>(size)) != static_cast<int>(size))
            std::abort();
        }
        const double sealed = sealing.elapsed();
        client.receive(server.take_sent());
        const Stopwatch opening;
        for (std::size_t i = 0; i < count; ++i) {
          if (SSL_read(client.ssl(), received->data(), static_cast<int>(size)) != static_cast<int>(size)) std::abort();
        }
        return seal ? sealed : opening.elapsed();
      });
}

}  // namespace

void add_records() {
  static Credentials credentials(crypto::KeyType::p256);
  const std::tuple<const char*, tls::CipherSuite, const char*> suites[] = {
      {"aes128gcm", tls::CipherSuite::tls_aes_128_gcm_sha256, "TLS_AES_128_GCM_SHA256"},
      {"aes256gcm", tls::CipherSuite::tls_aes_256_gcm_sha384, "TLS_AES_256_GCM_SHA384"},
      {"chacha20poly1305", tls::CipherSuite::tls_chacha20_poly1305_sha256, "TLS_CHACHA20_POLY1305_SHA256"},
  };
  for (const auto& [name, suite, openssl_suite] : suites) {
    const auto ours = std::make_shared<Ours>(credentials, suite);
    const auto theirs = std::make_shared<Theirs>(credentials, openssl_suite);
    for (const bool seal : {true, false}) {
      for (const std::size_t size : {16384u, 1400u, 64u}) add(name, ours, theirs, size, seal);
    }
  }
}

}  // namespace limpid::bench
