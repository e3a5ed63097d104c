// Heap of one idle server connection, handshake done: what it holds until the next byte comes. Ours is the state itself
// and what its budget was charged; OpenSSL's is what it allocated for its SSL object and BIOs and did not free.
#include <openssl/crypto.h>

#include <cstdlib>

#include "bench/openssl.hpp"
#include "bench/ours.hpp"
#include "bench/pair.hpp"

namespace limpid::bench {
namespace {

std::size_t openssl_bytes = 0;
constexpr std::size_t header = 16;  // keeps the alignment; holds the size

void* counted_malloc(std::size_t size, const char*, int) {
  auto* memory = static_cast<std::size_t*>(std::malloc(size + header));
  if (memory == nullptr) return nullptr;
  memory[0] = size;
  openssl_bytes += size;
  return reinterpret_cast<char*>(memory) + header;
}
void counted_free(void* memory, const char*, int) {
  if (memory == nullptr) return;
  auto* start = reinterpret_cast<std::size_t*>(static_cast<char*>(memory) - header);
  openssl_bytes -= start[0];
  std::free(start);
}
void* counted_realloc(void* memory, std::size_t size, const char* file, int line) {
  if (memory == nullptr) return counted_malloc(size, file, line);
  void* grown = counted_malloc(size, file, line);
  if (grown == nullptr) return nullptr;
  const auto* start = reinterpret_cast<std::size_t*>(static_cast<char*>(memory) - header);
  std::memcpy(grown, memory, std::min(size, start[0]));
  counted_free(memory, file, line);
  return grown;
}

}  // namespace

void add_memory() {
  if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1) std::abort();
  Credentials credentials(crypto::KeyType::p256);

  const tls::Config client_config = *tls::Config::make({.role = tls::Role::client, .server_name = host});
  const tls::Config server_config = *tls::Config::make({.role = tls::Role::server});
  Budget client_budget(1 << 20), server_budget(1 << 20);
  OurPair ours(credentials, client_config, server_config, client_budget, server_budget);
  ours.shake_hands();

  const SslContext client_context = openssl_context(credentials, false, "TLS_AES_128_GCM_SHA256");
  const SslContext server_context = openssl_context(credentials, true, "TLS_AES_128_GCM_SHA256");
  // A first pair fills OpenSSL's caches; the second is counted.
  OpensslPair(client_context.get(), server_context.get()).shake_hands();
  OpensslEnd client(client_context.get(), false);
  const std::size_t before = openssl_bytes;
  OpensslEnd server(server_context.get(), true);
  std::size_t of_server = openssl_bytes - before;
  while (!client.connected() || !server.connected()) {
    client.handshake();
    const auto sent = client.take_sent();
    const std::size_t start = openssl_bytes;
    server.receive(sent);
    server.handshake();
    const auto answer = server.take_sent();
    of_server += openssl_bytes - start;
    client.receive(answer);
  }
  add_size("memory/idle server connection", openssl_name, sizeof(tls::Connection) + server_budget.used(), of_server);
}

}  // namespace limpid::bench
