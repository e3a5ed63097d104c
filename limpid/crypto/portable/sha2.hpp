// The compression functions of SHA-256 and SHA-512 (FIPS 180-4, sections 6.2 and 6.4) in plain C++. Constant time: only
// additions, rotations and logic, indexed by the round alone.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"

namespace limpid::crypto::portable {

// `blocks` is a whole number of 64-byte blocks. The upper halves of the chaining words are and stay zero.
void sha256_compress(std::array<std::uint64_t, 8>& chaining, Bytes blocks);
// `blocks` is a whole number of 128-byte blocks. SHA-384 differs in its initial value only.
void sha512_compress(std::array<std::uint64_t, 8>& chaining, Bytes blocks);

}  // namespace limpid::crypto::portable
