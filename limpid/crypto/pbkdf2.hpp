// PBKDF2 (RFC 8018, section 5.2): makes a key from a passphrase, slowly.
#pragma once

#include "limpid/core/bytes.hpp"
#include "limpid/core/cpu_features.hpp"

namespace limpid::crypto {

// The pseudorandom functions of RFC 8018, appendix B.1, that limpid has.
enum class Prf : std::uint8_t { hmac_sha1, hmac_sha256, hmac_sha384, hmac_sha512 };

// Fills `key`, with `iterations` (at least 1) HMACs for each digest's length of it; the caller bounds them.
void pbkdf2(Prf prf, Bytes passphrase, Bytes salt, std::uint32_t iterations, MutableBytes key, CpuFeatures cpu);

}  // namespace limpid::crypto
