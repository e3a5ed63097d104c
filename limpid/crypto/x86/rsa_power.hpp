// Powers for RSA's private keys, two at a time, with AVX-512's 52-bit multiply-add (avx512_ifma): the one modulo p goes
// on while the one modulo q waits for its digits. Constant time; leaves intermediate values on the stack, none in
// vectors.
#pragma once

#include "limpid/crypto/montgomery.hpp"

namespace limpid::crypto::x86 {

// base^exponent modulo `modulo`, for a base below the modulus; no number in Montgomery form.
template <std::size_t N>
struct Power {
  const Montgomery<N>& modulo;
  const Limbs<N>& base;
  const Limbs<N>& exponent;
};

// Primes of up to so many limbs: beyond that two do not fit into the registers, and nothing is gained.
inline constexpr std::size_t max_power_limbs = 32;

template <std::size_t N>
struct TwoNumbers {
  Limbs<N> first, second;
};

// For N of 16, 24 and 32.
template <std::size_t N>
TwoNumbers<N> raise_two(const Power<N>& first, const Power<N>& second);

// base^exponent for a public exponent above 1 and a modulus of 32, 48 or 64 limbs.
inline constexpr std::size_t max_public_power_limbs = 64;
template <std::size_t N>
Limbs<N> raise_public(const Montgomery<N>& modulo, const Limbs<N>& base, Limb exponent);

}  // namespace limpid::crypto::x86
