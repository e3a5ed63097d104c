#include "limpid/crypto/x86/rsa_power.hpp"

#include <bit>
#include <initializer_list>

#include "limpid/crypto/modular_inverse.hpp"
#include "limpid/crypto/x86/intrinsics.hpp"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")))

namespace limpid::crypto::x86 {
namespace {

using Vector = __m512i;
constexpr std::size_t lanes = 8;
constexpr Limb low_52 = (Limb{1} << 52) - 1;

// One or two numbers in digits of 52 bits, with room for two bits more: below four times the modulus nothing is lost,
// so products of numbers below twice the modulus stay below twice the modulus without a subtraction ("almost Montgomery
// multiplication"; S. Gueron, "Efficient software implementations of modular exponentiation", 2012). Each takes whole
// vectors, and the second is behind the first.
struct Digits {
  static constexpr std::size_t max_vectors = 10;
  alignas(64) Limb digit[max_vectors * lanes] = {};
};

// One modulus or two of one width.
struct Moduli {
  std::size_t numbers = 0;
  std::size_t limbs, count, vectors;  // of each; `count` is the number of digits
  Digits digits;
  Limb negative_inverse[2] = {};  // -1 / modulus modulo 2^52
  Digits square_of_radix;         // 2^(2 * 52 count) modulo the modulus

  explicit Moduli(std::initializer_list<const LongMontgomery*> moduli);

  // product = a * b / 2^(52 count), below twice the modulus. May overwrite a factor.
  void multiply(Digits& product, const Digits& a, const Digits& b) const;

  void store(Digits& to, std::size_t which, const LongNumber& from) const {
    Limb* digit = to.digit + which * vectors * lanes;
    for (std::size_t i = 0; i < count; ++i) digit[i] = from.bits(52 * i, 52);
  }
  LongNumber load(const Digits& from, std::size_t which) const {
    const Limb* digit = from.digit + which * vectors * lanes;
    LongNumber to(limbs);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = 52 * i / 64, shift = 52 * i % 64;
      if (at < limbs) to[at] |= digit[i] << shift;
      if (shift > 12 && at + 1 < limbs) to[at + 1] |= digit[i] >> (64 - shift);
    }
    return to;
  }
  // 1, not in Montgomery form.
  Digits one() const {
    Digits one;
    for (std::size_t k = 0; k < numbers; ++k) one.digit[k * vectors * lanes] = 1;
    return one;
  }
};

// `multiply` for K numbers of so many vectors, which stay in registers.
template <std::size_t K, std::size_t vectors>
TARGET [[gnu::noinline]] void multiply(Digits& to, const Digits& by_a, const Digits& by_b, const Moduli& m) {
  using Wide = unsigned __int128;
  constexpr std::size_t size = vectors * lanes;
  const std::size_t count = m.count;
  Vector sum[K][vectors];
  Limb lowest[K] = {};  // stands for the first lane of sum, which is not kept up
#pragma GCC unroll 2
  for (auto& each : sum) {
#pragma GCC unroll 10
    for (Vector& part : each) part = _mm512_setzero_si512();
  }
  for (const Limb *b = by_b.digit, *const end = b + count; b != end; ++b) {
#pragma GCC unroll 2
    for (std::size_t k = 0; k < K; ++k) {
      const Limb *const a = by_a.digit + k * size, *const modulus = m.digits.digit + k * size;
      // The multiple y of the modulus that makes the lowest digit vanish.
      const Limb factor = b[k * size];
      Wide low = Wide{a[0]} * factor + lowest[k];
      const Limb y = (static_cast<Limb>(low) * m.negative_inverse[k]) & low_52;
      low += Wide{modulus[0]} * y;
      const Vector factors = _mm512_set1_epi64(static_cast<long long>(factor));
      const Vector multiples = _mm512_set1_epi64(static_cast<long long>(y));
      const auto of_a = [&](std::size_t v) TARGET { return _mm512_load_si512(a + lanes * v); };
      const auto of_m = [&](std::size_t v) TARGET { return _mm512_load_si512(modulus + lanes * v); };
      // Low halves, then down by a digit, then high halves, which belong one digit up.
#pragma GCC unroll 10
      for (std::size_t v = 0; v < vectors; ++v) sum[k][v] = _mm512_madd52lo_epu64(sum[k][v], of_a(v), factors);
#pragma GCC unroll 10
      for (std::size_t v = 0; v < vectors; ++v) sum[k][v] = _mm512_madd52lo_epu64(sum[k][v], of_m(v), multiples);
#pragma GCC unroll 10
      for (std::size_t v = 0; v < vectors; ++v) {
        sum[k][v] = _mm512_alignr_epi64(v + 1 < vectors ? sum[k][v + 1] : _mm512_setzero_si512(), sum[k][v], 1);
      }
      lowest[k] =
          static_cast<Limb>(low >> 52) + static_cast<Limb>(_mm_cvtsi128_si64(_mm512_castsi512_si128(sum[k][0])));
#pragma GCC unroll 10
      for (std::size_t v = 0; v < vectors; ++v) sum[k][v] = _mm512_madd52hi_epu64(sum[k][v], of_a(v), factors);
#pragma GCC unroll 10
      for (std::size_t v = 0; v < vectors; ++v) sum[k][v] = _mm512_madd52hi_epu64(sum[k][v], of_m(v), multiples);
    }
  }
  for (std::size_t k = 0; k < K; ++k) {
    for (std::size_t v = 0; v < vectors; ++v) _mm512_store_si512(to.digit + k * size + lanes * v, sum[k][v]);
    to.digit[k * size] = lowest[k];
  }
  Limb carry[K] = {};
  for (std::size_t i = 0; i < count; ++i) {
#pragma GCC unroll 2
    for (std::size_t k = 0; k < K; ++k) {
      Limb& digit = to.digit[k * size + i];
      digit += carry[k];
      carry[k] = digit >> 52;
      digit &= low_52;
    }
  }
}

void Moduli::multiply(Digits& product, const Digits& a, const Digits& b) const {
  if (numbers == 2) {
    if (vectors == 3) return x86::multiply<2, 3>(product, a, b, *this);
    if (vectors == 4) return x86::multiply<2, 4>(product, a, b, *this);
    return x86::multiply<2, 5>(product, a, b, *this);
  }
  if (vectors == 5) return x86::multiply<1, 5>(product, a, b, *this);
  if (vectors == 8) return x86::multiply<1, 8>(product, a, b, *this);
  return x86::multiply<1, 10>(product, a, b, *this);
}

// What calls `multiply`, where the time is spent, is cold: built for size.
[[gnu::cold]] Moduli::Moduli(std::initializer_list<const LongMontgomery*> moduli)
    : limbs((*moduli.begin())->modulus().size()), count(((64 * limbs + 2 + 51) / 52 + 1) / 2 * 2) {
  const std::size_t least = (count + lanes - 1) / lanes;
  vectors = moduli.size() == 2 ? std::max(least, std::size_t{3}) : least <= 5 ? 5 : least <= 8 ? 8 : 10;
  // With R = 2^(64 limbs): what is squared here is R 2^beyond.
  const std::size_t beyond = 52 * count - 64 * limbs;
  LongNumber factor(limbs);
  factor[2 * beyond / 64] = Limb{1} << 2 * beyond % 64;
  for (const LongMontgomery* modulo : moduli) {
    store(digits, numbers, modulo->modulus());
    negative_inverse[numbers] = (0 - invert_limb(modulo->modulus()[0])) & low_52;
    const LongNumber cube = modulo->enter(modulo->enter(modulo->one()));  // R^3
    store(square_of_radix, numbers++, modulo->multiply(cube, factor));
  }
}

constexpr std::size_t window = 5;
constexpr std::size_t table_size = std::size_t{1} << window;

// Entry index[k] for number k. Reads the whole table whatever the index is.
[[gnu::cold]] TARGET void look_up(Digits& found, const Digits (&table)[table_size], const Limb (&index)[2],
                                  std::size_t vectors) {
  for (std::size_t k = 0; k < 2; ++k) {
    Limb masks[table_size];
    for (std::size_t i = 0; i < table_size; ++i) masks[i] = limpid::mask_if_zero(index[k] ^ i);
    for (std::size_t at = k * vectors * lanes; at < (k + 1) * vectors * lanes; at += lanes) {
      Vector sum = _mm512_setzero_si512();
#pragma GCC unroll 4
      for (std::size_t i = 0; i < table_size; ++i) {
        const Vector entry = _mm512_load_si512(table[i].digit + at);
        sum = _mm512_or_si512(sum, _mm512_and_si512(entry, _mm512_set1_epi64(static_cast<long long>(masks[i]))));
      }
      _mm512_store_si512(found.digit + at, sum);
    }
  }
}

TARGET void clear_vectors() {
  asm volatile(
      "vzeroall\n"
      "vpxorq %%zmm16, %%zmm16, %%zmm16\n vpxorq %%zmm17, %%zmm17, %%zmm17\n vpxorq %%zmm18, %%zmm18, %%zmm18\n"
      "vpxorq %%zmm19, %%zmm19, %%zmm19\n vpxorq %%zmm20, %%zmm20, %%zmm20\n vpxorq %%zmm21, %%zmm21, %%zmm21\n"
      "vpxorq %%zmm22, %%zmm22, %%zmm22\n vpxorq %%zmm23, %%zmm23, %%zmm23\n vpxorq %%zmm24, %%zmm24, %%zmm24\n"
      "vpxorq %%zmm25, %%zmm25, %%zmm25\n vpxorq %%zmm26, %%zmm26, %%zmm26\n vpxorq %%zmm27, %%zmm27, %%zmm27\n"
      "vpxorq %%zmm28, %%zmm28, %%zmm28\n vpxorq %%zmm29, %%zmm29, %%zmm29\n vpxorq %%zmm30, %%zmm30, %%zmm30\n"
      "vpxorq %%zmm31, %%zmm31, %%zmm31\n"
      :
      :
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
        "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",
        "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

}  // namespace

[[gnu::cold]] void raise_two(const Power& first, const Power& second) {
  const Moduli moduli({&first.modulo, &second.modulo});
  const Digits one = moduli.one();
  Digits table[table_size];
  moduli.store(table[1], 0, first.number);
  moduli.store(table[1], 1, second.number);
  moduli.multiply(table[0], one, moduli.square_of_radix);
  moduli.multiply(table[1], table[1], moduli.square_of_radix);
  for (std::size_t i = 2; i < table_size; ++i) moduli.multiply(table[i], table[i - 1], table[1]);

  Digits powers, factors;
  const auto digits_at = [&](Digits& found, std::size_t at) {
    look_up(found, table, {first.exponent.bits(at, window), second.exponent.bits(at, window)}, moduli.vectors);
  };
  std::size_t at = 64 * moduli.limbs / window * window;
  digits_at(powers, at);
  while (at > 0) {
    at -= window;
    for (std::size_t i = 0; i < window; ++i) moduli.multiply(powers, powers, powers);
    digits_at(factors, at);
    moduli.multiply(powers, powers, factors);
  }
  moduli.multiply(powers, powers, one);  // at most the modulus
  clear_vectors();
  for (std::size_t k = 0; k < 2; ++k) {
    const Power& power = k == 0 ? first : second;
    power.number = moduli.load(powers, k);
    subtract_once(0, power.number, power.modulo.modulus());
  }
}

[[gnu::cold]] LongNumber raise_public(const LongMontgomery& modulo, const LongNumber& base, Limb exponent) {
  const Moduli modulus({&modulo});
  Digits entered;
  modulus.store(entered, 0, base);
  modulus.multiply(entered, entered, modulus.square_of_radix);
  Digits power = entered;
  for (int bit = 62 - std::countl_zero(exponent); bit >= 0; --bit) {
    modulus.multiply(power, power, power);
    if ((exponent >> bit & 1) != 0) modulus.multiply(power, power, entered);
  }
  modulus.multiply(power, power, modulus.one());
  clear_vectors();
  LongNumber result = modulus.load(power, 0);
  subtract_once(0, result, modulo.modulus());
  return result;
}

}  // namespace limpid::crypto::x86
