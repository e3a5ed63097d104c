// The cipher suites of TLS 1.3 (RFC 8446, appendix B.4): an AEAD and a hash.
#pragma once

#include "limpid/crypto/aead.hpp"
#include "limpid/crypto/hash.hpp"

namespace limpid::tls::wire {

enum class CipherSuite : std::uint16_t {
  tls_aes_128_gcm_sha256 = 0x1301,
  tls_aes_256_gcm_sha384 = 0x1302,
  tls_chacha20_poly1305_sha256 = 0x1303,
};

// Whether this implementation has the suite. A peer may name any other; those never reach the functions below.
constexpr bool is_valid(CipherSuite suite) {
  return suite >= CipherSuite::tls_aes_128_gcm_sha256 && suite <= CipherSuite::tls_chacha20_poly1305_sha256;
}

constexpr crypto::HashAlgorithm hash_of(CipherSuite suite) {
  return suite == CipherSuite::tls_aes_256_gcm_sha384 ? crypto::HashAlgorithm::sha384 : crypto::HashAlgorithm::sha256;
}

constexpr crypto::AeadAlgorithm aead_of(CipherSuite suite) {
  switch (suite) {
    case CipherSuite::tls_aes_128_gcm_sha256:
      return crypto::AeadAlgorithm::aes_128_gcm;
    case CipherSuite::tls_aes_256_gcm_sha384:
      return crypto::AeadAlgorithm::aes_256_gcm;
    case CipherSuite::tls_chacha20_poly1305_sha256:
      return crypto::AeadAlgorithm::chacha20_poly1305;
  }
  return crypto::AeadAlgorithm::aes_128_gcm;
}

// The registry's name; empty for a suite that this implementation does not have.
constexpr std::string_view name(CipherSuite suite) {
  switch (suite) {
    case CipherSuite::tls_aes_128_gcm_sha256:
      return "TLS_AES_128_GCM_SHA256";
    case CipherSuite::tls_aes_256_gcm_sha384:
      return "TLS_AES_256_GCM_SHA384";
    case CipherSuite::tls_chacha20_poly1305_sha256:
      return "TLS_CHACHA20_POLY1305_SHA256";
  }
  return "";
}

}  // namespace limpid::tls::wire
