#include "limpid/crypto/scalar25519.hpp"

#include "limpid/crypto/montgomery.hpp"

namespace limpid::crypto::scalar25519 {
namespace {

constexpr Montgomery<4> modulo_order{order};
constexpr Limbs<4> one = Limbs<4>::from_word(1), radix = modulo_order.one();  // 2^256
constexpr Limbs<4> half = modulo_order.leave(modulo_order.inverse(modulo_order.add(radix, radix)));

}  // namespace

Limbs<4> multiply_add(const Limbs<4>& a, const Limbs<4>& b, const Limbs<4>& c) {
  return modulo_order.add(modulo_order.multiply(modulo_order.enter(a), b), c);
}

Limbs<4> reduce(const Limbs<8>& number) {
  const Limbs<4> low{number[0], number[1], number[2], number[3]}, high{number[4], number[5], number[6], number[7]};
  // To enter the form is to multiply by 2^256.
  return modulo_order.add(modulo_order.enter(high), modulo_order.leave(modulo_order.enter(low)));
}

Limbs<4> clamped(std::span<const Byte, 32> bytes) {
  auto scalar = from_little_endian<4>(bytes);
  scalar[0] &= ~Limb{7};
  scalar[3] = (scalar[3] & ~(Limb{1} << 63)) | Limb{1} << 62;
  return scalar;
}

Limbs<4> signed_bits(const Limbs<4>& k) {
  constexpr Limbs<4> all_ones = modulo_order.subtract(radix, one);
  return multiply_add(k, half, modulo_order.multiply(all_ones, modulo_order.enter(half)));
}

}  // namespace limpid::crypto::scalar25519
