// A TLS server and a hostile client that has its own keys: see support/tls_exchange.hpp.
#include "fuzz/support/tls_exchange.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  fuzz::TlsExchange(tls::Role::server, Bytes(data, size)).run();
  return 0;
}
