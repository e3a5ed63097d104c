// HKDF (RFC 5869).
#pragma once

#include "limpid/crypto/hmac.hpp"

namespace limpid::crypto {

// Section 2.2. An empty salt counts as digest_size(algorithm) zeros. `ikm` is the input keying material.
HashSecret hkdf_extract(HashAlgorithm algorithm, Bytes salt, Bytes ikm, CpuFeatures cpu);

// "L length of output keying material in octets (<= 255*HashLen)": section 2.3.
constexpr std::size_t hkdf_max_output(HashAlgorithm algorithm) { return 255 * digest_size(algorithm); }

// Section 2.3: fills `out`, which must not overlap the inputs and must not be longer than hkdf_max_output(algorithm):
// that aborts, as every caller knows its size when it is compiled.
void hkdf_expand(HashAlgorithm algorithm, Bytes prk, Bytes info, MutableBytes out, CpuFeatures cpu);

}  // namespace limpid::crypto
