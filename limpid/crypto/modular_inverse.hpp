// Inverses modulo any odd number in constant time, by the division steps of D. J. Bernstein and B.-Y. Yang, "Fast
// constant-time gcd computation and modular inversion" (2019): several times faster than a power by Fermat's theorem.
#pragma once

#include "limpid/crypto/limbs.hpp"

namespace limpid::crypto {
namespace division_steps {

using SignedLimb = std::int64_t;
using SignedDoubleLimb = __int128;

inline constexpr int batch = 62;
inline constexpr SignedLimb low_bits = (SignedLimb{1} << batch) - 1;

// How many limbs of 62 bits have room for twice a number of `limbs` limbs, and a sign.
constexpr std::size_t size_for(std::size_t limbs) { return (64 * limbs + 1) / batch + 1; }

// A signed number, stored elsewhere: the sum of limb[i] * 2^(62 i), all but the highest in [0, 2^62).
struct Number {
  SignedLimb* limb;
  std::size_t size;

  constexpr void load(const Limb* from, std::size_t limbs) const {
    for (std::size_t i = 0; i < size; ++i) limb[i] = static_cast<SignedLimb>(bits(from, limbs, batch * i, batch));
  }
  constexpr void store(Limb* to, std::size_t limbs) const {
    for (std::size_t i = 0; i < limbs; ++i) to[i] = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = batch * i / 64, shift = batch * i % 64;
      if (at < limbs) to[at] |= static_cast<Limb>(limb[i]) << shift;
      if (shift > 2 && at + 1 < limbs) to[at + 1] |= static_cast<Limb>(limb[i]) >> (64 - shift);
    }
  }
  constexpr void set(SignedLimb word) const {
    for (std::size_t i = 0; i < size; ++i) limb[i] = 0;
    limb[0] = word;
  }

  constexpr SignedLimb sign() const { return value_barrier(limb[size - 1] >> 63); }  // -1 or 0
  constexpr Limb low() const { return static_cast<Limb>(limb[0]) | static_cast<Limb>(limb[1]) << batch; }

  // Brings the limbs back into their range after sums.
  constexpr void carry() const {
    for (std::size_t i = 0; i + 1 < size; ++i) {
      limb[i + 1] += limb[i] >> batch;
      limb[i] &= low_bits;
    }
  }
  constexpr void add_masked(const Number& modulus, SignedLimb mask) const {
    for (std::size_t i = 0; i < size; ++i) limb[i] += modulus.limb[i] & mask;
    carry();
  }
};

// What 62 steps did to f and g: 2^62 f' = u f + v g, 2^62 g' = q f + r g. |u| + |v| and |q| + |r| are at most 2^62.
struct Transition {
  SignedLimb u, v, q, r;
};

// 62 steps, of which each is, with f odd: if delta > 0 and g is odd, delta, f, g become 1 - delta, g, (g - f) / 2;
// otherwise 1 + delta, f, (g + (g odd ? f : 0)) / 2. Only the low 64 bits of f and g matter.
constexpr Transition steps(SignedLimb& delta, Limb f, Limb g) {
  Limb u = 1, v = 0, q = 0, r = 1;
  for (int i = 0; i < batch; ++i) {
    Limb swaps = value_barrier(static_cast<Limb>(-delta >> 63));  // delta > 0
    const Limb odd = mask_from_bit(g);
    g += ((f ^ swaps) - swaps) & odd;
    q += ((u ^ swaps) - swaps) & odd;
    r += ((v ^ swaps) - swaps) & odd;
    swaps &= odd;
    delta = static_cast<SignedLimb>((static_cast<Limb>(delta) ^ swaps) - swaps + 1);
    f += g & swaps;
    u += q & swaps;
    v += r & swaps;
    g >>= 1;
    u <<= 1;
    v <<= 1;
  }
  return {static_cast<SignedLimb>(u), static_cast<SignedLimb>(v), static_cast<SignedLimb>(q),
          static_cast<SignedLimb>(r)};
}

constexpr SignedDoubleLimb product(SignedLimb a, SignedLimb b) { return SignedDoubleLimb{a} * b; }

// (f, g) = t (f, g) / 2^62, which is exact.
constexpr void apply(const Transition& t, const Number& f, const Number& g) {
  SignedDoubleLimb next_f = 0, next_g = 0;
  for (std::size_t i = 0; i < f.size; ++i) {
    const SignedLimb old_f = f.limb[i], old_g = g.limb[i];
    next_f += product(t.u, old_f) + product(t.v, old_g);
    next_g += product(t.q, old_f) + product(t.r, old_g);
    if (i > 0) {
      f.limb[i - 1] = static_cast<SignedLimb>(next_f) & low_bits;
      g.limb[i - 1] = static_cast<SignedLimb>(next_g) & low_bits;
    }
    next_f >>= batch;
    next_g >>= batch;
  }
  f.limb[f.size - 1] = static_cast<SignedLimb>(next_f);
  g.limb[g.size - 1] = static_cast<SignedLimb>(next_g);
}

// (d, e) = t (d, e) / 2^62 modulo the modulus; both stay above -2 and below 1 times it.
constexpr void apply(const Transition& t, const Number& d, const Number& e, const Number& modulus,
                     Limb modulus_inverse) {
  // How often the modulus is added: for each of d and e that is negative, and then to clear the low 62 bits.
  SignedLimb times_d = (t.u & d.sign()) + (t.v & e.sign());
  SignedLimb times_e = (t.q & d.sign()) + (t.r & e.sign());
  SignedDoubleLimb next_d = product(t.u, d.limb[0]) + product(t.v, e.limb[0]);
  SignedDoubleLimb next_e = product(t.q, d.limb[0]) + product(t.r, e.limb[0]);
  times_d -=
      static_cast<SignedLimb>(modulus_inverse * static_cast<Limb>(next_d) + static_cast<Limb>(times_d)) & low_bits;
  times_e -=
      static_cast<SignedLimb>(modulus_inverse * static_cast<Limb>(next_e) + static_cast<Limb>(times_e)) & low_bits;
  next_d = (next_d + product(modulus.limb[0], times_d)) >> batch;
  next_e = (next_e + product(modulus.limb[0], times_e)) >> batch;
  for (std::size_t i = 1; i < d.size; ++i) {
    const SignedLimb old_d = d.limb[i], old_e = e.limb[i];
    next_d += product(t.u, old_d) + product(t.v, old_e) + product(modulus.limb[i], times_d);
    next_e += product(t.q, old_d) + product(t.r, old_e) + product(modulus.limb[i], times_e);
    d.limb[i - 1] = static_cast<SignedLimb>(next_d) & low_bits;
    e.limb[i - 1] = static_cast<SignedLimb>(next_e) & low_bits;
    next_d >>= batch;
    next_e >>= batch;
  }
  d.limb[d.size - 1] = static_cast<SignedLimb>(next_d);
  e.limb[e.size - 1] = static_cast<SignedLimb>(next_e);
}

}  // namespace division_steps

// 1 / odd modulo 2^64. Newton's iteration doubles the number of correct bits: 5, 10, 20, 40, 80.
constexpr Limb invert_limb(Limb odd) {
  Limb inverse = (3 * odd) ^ 2;
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

namespace division_steps {

// What `invert` works with: five numbers.
constexpr std::size_t workspace(std::size_t limbs) { return 5 * size_for(limbs); }

// modular_inverse below, for numbers of any width.
constexpr void invert(Limb* inverse, const Limb* a, const Limb* modulus, std::size_t limbs, SignedLimb* work) {
  // Theorem 11.2: enough steps to bring any g below 2^d to zero and f to the gcd or its negative.
  const std::size_t enough = (49 * 64 * limbs + 57) / 17;
  const std::size_t size = size_for(limbs);
  const Number m{work, size}, f{work + size, size}, g{work + 2 * size, size};
  const Number d{work + 3 * size, size}, e{work + 4 * size, size};  // d a = f and e a = g modulo the modulus
  m.load(modulus, limbs);
  f.load(modulus, limbs);
  g.load(a, limbs);
  d.set(0);
  e.set(1);
  const Limb modulus_inverse = invert_limb(modulus[0]);
  SignedLimb delta = 1;
  for (std::size_t done = 0; done < enough; done += batch) {
    const Transition transition = steps(delta, f.low(), g.low());
    apply(transition, d, e, m, modulus_inverse);
    apply(transition, f, g);
  }
  // The inverse is d if f is 1 and -d if it is -1, and d is above -2 and below 1 times the modulus.
  d.add_masked(m, d.sign());
  const SignedLimb negate = f.sign();
  for (std::size_t i = 0; i < size; ++i) d.limb[i] = (d.limb[i] ^ negate) - negate;
  d.carry();
  d.add_masked(m, d.sign());
  d.store(inverse, limbs);
}

// The same, compiled once.
void invert_at_run_time(Limb* inverse, const Limb* a, const Limb* modulus, std::size_t limbs, SignedLimb* work);

}  // namespace division_steps

// 1 / a modulo an odd modulus, for a below it and without a common factor; zero for zero. Reduced. Time depends on N.
template <std::size_t N>
constexpr Limbs<N> modular_inverse(const Limbs<N>& a, const Limbs<N>& modulus) {
  using namespace division_steps;
  Limbs<N> inverse{};
  SignedLimb work[workspace(N)] = {};
  if (__builtin_is_constant_evaluated()) {
    invert(inverse.limb, a.limb, modulus.limb, N, work);
  } else {
    invert_at_run_time(inverse.limb, a.limb, modulus.limb, N, work);
  }
  return inverse;
}

}  // namespace limpid::crypto
