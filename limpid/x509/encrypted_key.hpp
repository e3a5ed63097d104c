// Private keys under a passphrase: PKCS #8's EncryptedPrivateKeyInfo (RFC 5958, section 3) with PBES2 (RFC 8018).
#pragma once

#include <expected>

#include "limpid/asn1/der_reader.hpp"
#include "limpid/core/cpu_features.hpp"

namespace limpid::x509 {

// PBKDF2's iterations: OpenSSL writes 2048, careful people a million; more than this is a minute's work, and what a
// file can make us do has to end.
inline constexpr std::uint32_t max_iterations = 10'000'000;

enum class DecryptionFault : std::uint8_t {
  malformed_der,        // see the document
  unsupported_scheme,   // not PBES2 with PBKDF2 (HMAC with SHA-1, SHA-256, SHA-384 or SHA-512) and AES-128/256-CBC
  too_many_iterations,  // above most_iterations
  wrong_passphrase,     // what comes out does not end in a padding
};

// Decrypts into `room`, which must be as large as the document, and returns what is of use in it. HMAC with SHA-1 is
// taken, since it is PBKDF2's default and what GnuTLS and older OpenSSLs write. One wrong passphrase in 256 gives a
// right padding: then what comes out is no key.
std::expected<MutableBytes, DecryptionFault> decrypt_key(asn1::DerDocument& encrypted, Bytes passphrase,
                                                         MutableBytes room, CpuFeatures cpu,
                                                         std::uint32_t most_iterations = max_iterations);

}  // namespace limpid::x509
