// The compression function of SHA-256 for CPUs with the SHA extensions (CpuFeatures::sha). Same contract as
// portable/sha2.hpp.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"

namespace limpid::crypto::x86 {

void sha256_compress(std::array<std::uint64_t, 8>& chaining, Bytes blocks);

}  // namespace limpid::crypto::x86
