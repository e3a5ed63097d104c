#include "limpid/crypto/x25519.hpp"

#include "limpid/crypto/edwards25519.hpp"
#include "limpid/crypto/scalar25519.hpp"

#if defined(__x86_64__)
#include "limpid/crypto/x86/x25519.hpp"
#endif

namespace limpid::crypto::x25519 {
namespace {

using namespace field25519;

// Swaps them if the mask is all ones.
void swap_if(Limb mask, Element& a, Element& b) {
  for (std::size_t i = 0; i < digits; ++i) {
    const Limb change = (a.digit[i] ^ b.digit[i]) & mask;
    a.digit[i] ^= change;
    b.digit[i] ^= change;
  }
}

// The ladder, by the names of RFC 7748, for a clamped scalar.
Limbs<4> multiply_u(const Limbs<4>& k, const Limbs<4>& u) {
  constexpr Limb a24 = 121665;
  const Element x_1 = from_limbs(u);
  Element x_2 = one, z_2 = zero, x_3 = x_1, z_3 = one;
  Limb swap = 0;
  for (std::size_t t = 255; t-- > 0;) {
    const Limb k_t = k[t / 64] >> t % 64 & 1;
    const Limb mask = mask_from_bit(swap ^ k_t);
    swap_if(mask, x_2, x_3);
    swap_if(mask, z_2, z_3);
    swap = k_t;
    const Element a = add(x_2, z_2), b = subtract(x_2, z_2), c = add(x_3, z_3), d = subtract(x_3, z_3);
    const Element aa = squared(a), bb = squared(b), e = subtract(aa, bb), da = product(d, a), cb = product(c, b);
    square(x_3, add(da, cb));
    multiply(z_3, x_1, squared(subtract(da, cb)));
    multiply(x_2, aa, bb);
    DoubleLimb sum[digits];  // AA + a24 * E
    for (std::size_t i = 0; i < digits; ++i) sum[i] = wide(a24, e.digit[i]) + aa.digit[i];
    carry(z_2, sum);
    multiply(z_2, e, z_2);
  }
  // Nothing is left swapped: the lowest bit of a clamped scalar is zero.
  return to_limbs(product(x_2, inverse(z_2)));
}

}  // namespace

void derive_public_key(std::span<const Byte, 32> private_key, std::span<Byte, 32> public_key) {
  // u = (1 + y) / (1 - y) of the point of edwards25519 (section 4.1). The scalar is no multiple of the order.
  const edwards25519::Point point = edwards25519::multiply_base(scalar25519::clamped(private_key));
  const Element u = product(add(point.z, point.y), inverse(subtract(point.z, point.y)));
  to_little_endian(to_limbs(u), public_key);
}

bool agree(std::span<const Byte, 32> private_key, std::span<const Byte, 32> peer_public_key, std::span<Byte, 32> shared,
           [[maybe_unused]] CpuFeatures cpu) {
  const Limbs<4> k = scalar25519::clamped(private_key);
  auto u = from_little_endian<4>(peer_public_key);
  u[3] &= ~(Limb{1} << 63);
#if defined(__x86_64__)
  const Limbs<4> result = cpu.avx512_ifma ? x86::multiply_u(k, u) : multiply_u(k, u);
#else
  const Limbs<4> result = multiply_u(k, u);
#endif
  to_little_endian(result, shared);
  return !declassify(crypto::mask_if_zero(result));
}

}  // namespace limpid::crypto::x25519
