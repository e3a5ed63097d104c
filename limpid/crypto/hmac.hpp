// HMAC (RFC 2104) over the hashes of hash.hpp.
#pragma once

#include "limpid/core/secret.hpp"
#include "limpid/crypto/hash.hpp"

namespace limpid::crypto {

// A secret as long as the digest of the hash that was negotiated.
using HashSecret = SecretBytes<max_digest_size>;

// HMAC in progress. A copy goes on from the same key and prefix, which saves hashing the key again. Wiped when it dies.
class Hmac {
 public:
  // The key may have any length; one longer than a block is hashed first (RFC 2104, section 2).
  Hmac(HashAlgorithm algorithm, Bytes key, CpuFeatures cpu);
  void update(Bytes message, CpuFeatures cpu) { inner_.update(message, cpu); }
  HashSecret finish(CpuFeatures cpu) const;

 private:
  Hash inner_;
  Hash outer_;
};

// The whole tag, digest_size(algorithm) bytes; HashSecret's == compares in constant time.
HashSecret hmac(HashAlgorithm algorithm, Bytes key, Bytes message, CpuFeatures cpu);

}  // namespace limpid::crypto
