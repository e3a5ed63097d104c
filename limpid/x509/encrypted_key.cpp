#include "limpid/x509/encrypted_key.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/crypto/aes_cbc.hpp"
#include "limpid/crypto/pbkdf2.hpp"
#include "limpid/x509/public_key.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerReader;
using asn1::Tag;
namespace oids = asn1::oids;

std::optional<crypto::Prf> prf_of(Bytes id) {
  if (id == oids::hmac_with_sha1) return crypto::Prf::hmac_sha1;
  if (id == oids::hmac_with_sha256) return crypto::Prf::hmac_sha256;
  if (id == oids::hmac_with_sha384) return crypto::Prf::hmac_sha384;
  if (id == oids::hmac_with_sha512) return crypto::Prf::hmac_sha512;
  return std::nullopt;
}

struct Pbkdf2Parameters {
  std::optional<Bytes> salt;  // nothing: from another source, which nobody uses
  std::uint32_t iterations = 0;
  std::optional<std::uint32_t> key_length;
  std::optional<crypto::Prf> prf;
};

//     PBKDF2-params ::= SEQUENCE {
//         salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier {{PBKDF2-SaltSources}} },
//         iterationCount INTEGER (1..MAX),
//         keyLength INTEGER (1..MAX) OPTIONAL,
//         prf AlgorithmIdentifier {{PBKDF2-PRFs}} DEFAULT algid-hmacWithSHA1 }
Pbkdf2Parameters read_pbkdf2(DerReader in) {
  DerReader fields = in.sequence();
  in.finish();
  Pbkdf2Parameters read;
  if (fields.next_is(Tag::octet_string)) {
    read.salt = fields.octet_string();
  } else {
    fields.any();
  }
  read.iterations = fields.small_integer(UINT32_MAX);
  if (fields.next_is(Tag::integer)) read.key_length = fields.small_integer(UINT32_MAX);
  read.prf = crypto::Prf::hmac_sha1;
  // That DER forbids to write a DEFAULT is not held against a file which can be decrypted: OpenSSL 1.0 did.
  if (!fields.empty()) read.prf = prf_of(parse_algorithm_identifier(fields).algorithm);
  fields.finish();
  return read;
}

}  // namespace

//     EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm EncryptionAlgorithmIdentifier, encryptedData OCTET
//     STRING }
//     PBES2-params ::= SEQUENCE { keyDerivationFunc AlgorithmIdentifier {{PBES2-KDFs}},
//                                 encryptionScheme  AlgorithmIdentifier {{PBES2-Encs}} }
std::expected<MutableBytes, DecryptionFault> decrypt_key(asn1::DerDocument& encrypted, Bytes passphrase,
                                                         MutableBytes room, CpuFeatures cpu,
                                                         std::uint32_t most_iterations) {
  DerReader in(encrypted);
  DerReader fields = in.sequence();
  in.finish();
  const AlgorithmIdentifier algorithm = parse_algorithm_identifier(fields);
  const Bytes ciphertext = fields.octet_string();
  fields.finish();
  if (encrypted.failed()) return std::unexpected(DecryptionFault::malformed_der);
  if (algorithm.algorithm != oids::pbes2) return std::unexpected(DecryptionFault::unsupported_scheme);

  DerReader outer = fields.of(algorithm.parameters);
  DerReader pbes2 = outer.sequence();
  outer.finish();
  const AlgorithmIdentifier derivation = parse_algorithm_identifier(pbes2);
  const AlgorithmIdentifier encryption = parse_algorithm_identifier(pbes2);
  pbes2.finish();
  if (encrypted.failed()) return std::unexpected(DecryptionFault::malformed_der);
  const bool aes_128 = encryption.algorithm == oids::aes_128_cbc;
  if (derivation.algorithm != oids::pbkdf2 || (!aes_128 && encryption.algorithm != oids::aes_256_cbc)) {
    return std::unexpected(DecryptionFault::unsupported_scheme);
  }
  const Pbkdf2Parameters parameters = read_pbkdf2(fields.of(derivation.parameters));
  DerReader iv_reader = fields.of(encryption.parameters);
  const Bytes iv = iv_reader.octet_string();
  iv_reader.finish();
  if (encrypted.failed()) return std::unexpected(DecryptionFault::malformed_der);

  Secret<32> key;
  const MutableBytes key_bytes = MutableBytes(key.mutable_bytes()).first(aes_128 ? 16 : 32);
  const bool key_fits = parameters.key_length.value_or(key_bytes.size()) == key_bytes.size();
  if (!parameters.salt || !parameters.prf || !key_fits || iv.size() != 16 || parameters.iterations == 0) {
    return std::unexpected(DecryptionFault::unsupported_scheme);
  }
  if (parameters.iterations > most_iterations) return std::unexpected(DecryptionFault::too_many_iterations);
  crypto::pbkdf2(*parameters.prf, passphrase, *parameters.salt, parameters.iterations, key_bytes, cpu);
  const MutableBytes plaintext = room.first(ciphertext.size());
  const auto size = crypto::aes_cbc_decrypt(key_bytes, iv.first<16>(), ciphertext, plaintext);
  if (!size) return std::unexpected(DecryptionFault::wrong_passphrase);
  return plaintext.first(*size);
}

}  // namespace limpid::x509
