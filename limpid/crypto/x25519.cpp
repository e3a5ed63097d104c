#include "limpid/crypto/x25519.hpp"

#include <sodium.h>

#if defined(__x86_64__)
#include "limpid/crypto/x86/x25519.hpp"
#endif

namespace limpid::crypto::x25519 {

void derive_public_key(std::span<const Byte, 32> private_key, std::span<Byte, 32> public_key) {
  crypto_scalarmult_curve25519_base(public_key.data(), private_key.data());
}

bool agree(std::span<const Byte, 32> private_key, std::span<const Byte, 32> peer_public_key, std::span<Byte, 32> shared,
           [[maybe_unused]] CpuFeatures cpu) {
#if defined(__x86_64__)
  if (cpu.avx512_ifma) {
    x86::x25519(private_key, peer_public_key, shared);
    std::uint64_t any = 0;
    for (const Byte byte : shared) any |= byte;
    return !declassify(limpid::mask_if_zero(any));
  }
#endif
  const int refused = crypto_scalarmult_curve25519(shared.data(), private_key.data(), peer_public_key.data());
  return !declassify(static_cast<std::uint64_t>(refused));  // 0, or -1 for all zero
}

}  // namespace limpid::crypto::x25519
