// Powers for RSA's private keys, two at a time, with AVX-512's 52-bit multiply-add (avx512_ifma): the one modulo p goes
// on while the one modulo q waits for its digits. Constant time; leaves intermediate values on the stack, none in
// vectors.
#pragma once

#include "limpid/crypto/long_montgomery.hpp"

namespace limpid::crypto::x86 {

// number becomes number^exponent modulo `modulo`. It is below the modulus; nothing is in Montgomery form.
struct Power {
  const LongMontgomery& modulo;
  LongNumber& number;
  const LongNumber& exponent;
};

// Primes of up to so many limbs: beyond that two do not fit into the registers, and nothing is gained.
inline constexpr std::size_t max_power_limbs = 32;

// Both of one width.
void raise_two(const Power& first, const Power& second);

// base^exponent for a public exponent above 1 and a modulus of so many limbs at most.
inline constexpr std::size_t max_public_power_limbs = 64;
LongNumber raise_public(const LongMontgomery& modulo, const LongNumber& base, Limb exponent);

}  // namespace limpid::crypto::x86
