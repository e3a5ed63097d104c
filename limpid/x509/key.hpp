// Private keys in files: PKCS #8 and its successor (RFC 5958), SEC 1 (RFC 5915), PKCS #1 (RFC 8017), as DER or PEM.
#pragma once

#include "limpid/x509/certificate.hpp"
#include "limpid/x509/pem.hpp"

namespace limpid::x509 {

enum class KeyFault : std::uint8_t {
  no_private_key,          // the PEM text holds none
  malformed_pem,           // see KeyError::pem
  malformed_der,           // see KeyError::der; also what is neither PEM nor DER
  too_large,               // above max_key_size
  encrypted,               // and no passphrase was given
  legacy_encryption,       // "Proc-Type: 4,ENCRYPTED": PEM's own, with one round of MD5
  unsupported_encryption,  // see DecryptionFault::unsupported_scheme
  too_many_iterations,     // above max_iterations
  wrong_passphrase,
  unsupported_key_type,  // neither RSA, P-256, P-384 nor Ed25519; or RSA of a size that is not supported
  weak_key,              // see PublicKeyFault::weak_key
  unsupported_version,   // also RSA with more than two primes
  invalid_key,           // zero, not below the order, of the wrong length, or with contradicting parameters
  mismatch,              // the public key that stands beside it is another one's
};
std::string_view describe(KeyFault fault);

struct KeyError {
  KeyFault fault{};
  PemError pem;
  asn1::DerError der;

  friend bool operator==(const KeyError&, const KeyError&) = default;
};
// One line without the file's name: what is wrong, where, and what to do.
void write_error(Writer& out, const KeyError& error);

inline constexpr std::size_t max_key_size = 8 * 1024;  // of DER

// PrivateKeyInfo or OneAsymmetricKey (versions 0 and 1). A public key inside, of either format, must be the private
// key's.
std::expected<crypto::PrivateKey, KeyError> parse_pkcs8(Bytes der);
// ECPrivateKey, which must name its curve.
std::expected<crypto::PrivateKey, KeyError> parse_ec_private_key(Bytes der);
// RSAPrivateKey (RFC 8017, appendix A.1.2) with two primes.
std::expected<crypto::PrivateKey, KeyError> parse_rsa_private_key(Bytes der);

// The first private key of a file: PEM with the labels PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY and RSA
// PRIVATE KEY (other blocks are passed over, so a file may hold certificates and EC PARAMETERS too), or the DER of any
// of them. Key bytes are wiped from the stack after. An encrypted one is decrypted as encrypted_key.hpp has it, which
// may take seconds.
std::expected<crypto::PrivateKey, KeyError> load_private_key(Bytes file, std::optional<Bytes> passphrase,
                                                             CpuFeatures cpu);
inline std::expected<crypto::PrivateKey, KeyError> load_private_key(Bytes file) {
  return load_private_key(file, std::nullopt, {});
}

// PKCS #8, version 0, with the ECPrivateKey's public key inside for P-256 and P-384 (as OpenSSL writes it and every
// library reads). Whoever owns what `out` writes into wipes it.
void write_pkcs8(Writer& out, const crypto::PrivateKey& key);
// The same as a PEM block.
void write_private_key_pem(Writer& out, const crypto::PrivateKey& key);

// Whether the certificate is about this key.
bool key_matches(const crypto::PrivateKey& key, const Certificate& certificate);

}  // namespace limpid::x509
