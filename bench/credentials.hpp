// One certification authority and a leaf below it, for both libraries.
#pragma once

#include <memory>
#include <string>

#include "limpid/crypto/signature.hpp"
#include "limpid/stack/identity.hpp"
#include "limpid/x509/certificate_list.hpp"

namespace limpid::bench {

inline constexpr const char* host = "bench.test";

struct Credentials {
  explicit Credentials(crypto::KeyType type);
  Budget budget{1 << 20};
  x509::CertificateList anchors;
  stack::Identities identities{budget};
  std::string anchor_pem, chain_pem, key_pem;
};

UnixTime wall_now();

}  // namespace limpid::bench
