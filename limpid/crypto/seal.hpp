// Sealing of snapshots that leave the process. A sealed blob is
//
//     "limpidsealed"  12 bytes   what this is
//     version          2 bytes   big-endian, 1
//     id              16 bytes   which saved state this is: what a driver claims before it opens the blob
//     salt            32 bytes
//     ciphertext                 as long as the snapshot
//     tag             16 bytes
//
// encrypted with ChaCha20-Poly1305 under a key and a nonce that HKDF-SHA-256 derives from the sealing key, the salt and
// the id, with everything before the ciphertext authenticated. So every blob has a key of its own as long as no (id,
// salt) comes twice, and no blob passes for another's. Not guaranteed: that a blob is opened only once (claims are for
// that), and that its length is hidden.
#pragma once

#include <array>
#include <expected>
#include <optional>

#include "limpid/core/cpu_features.hpp"
#include "limpid/core/secret.hpp"
#include "limpid/core/vec.hpp"

namespace limpid::crypto {

using SealKey = Secret<32>;
using SealId = std::array<Byte, 16>;
using SealSalt = std::array<Byte, 32>;

// Bytes that sealing adds.
inline constexpr std::size_t seal_overhead = 12 + 2 + 16 + 32 + 16;

enum class SealFault : std::uint8_t {
  not_sealed,     // does not begin like a blob of this version, or is too short for one
  not_authentic,  // another key, or altered
  out_of_memory,  // the budget refused
};

constexpr std::string_view describe(SealFault fault) {
  switch (fault) {
    case SealFault::not_sealed:
      return "not a sealed limpid snapshot";
    case SealFault::not_authentic:
      return "the sealed snapshot was altered or belongs to another key";
    case SealFault::out_of_memory:
      return "the memory budget does not hold the sealed snapshot";
  }
  return "";
}

// The blob, plaintext.size() + seal_overhead bytes. The caller chooses id and salt at random and never both again.
// Its one failure is out_of_memory.
std::expected<Buffer, SealFault> seal(Bytes plaintext, const SealKey& key, const SealId& id, const SealSalt& salt,
                                      Budget& budget, CpuFeatures cpu);

// The id that a blob claims to have, before anything is verified; absent if it is not_sealed.
std::optional<SealId> sealed_id(Bytes blob);

// The plaintext. Every truncation, extension and alteration is refused. The caller wipes what it gets: it holds keys.
std::expected<Buffer, SealFault> open(Bytes blob, const SealKey& key, Budget& budget, CpuFeatures cpu);

}  // namespace limpid::crypto
