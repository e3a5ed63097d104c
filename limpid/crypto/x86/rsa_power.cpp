#include "limpid/crypto/x86/rsa_power.hpp"

#include <bit>

#include "limpid/crypto/x86/intrinsics.hpp"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using Vector = __m512i;
constexpr std::size_t lanes = 8;
constexpr Limb low_52 = (Limb{1} << 52) - 1;

// A number of N limbs in digits of 52 bits, with room for two bits more: below four times the modulus nothing is lost,
// so products of numbers below twice the modulus stay below twice the modulus without a subtraction ("almost Montgomery
// multiplication"; S. Gueron, "Efficient software implementations of modular exponentiation", 2012).
template <std::size_t N>
struct Digits {
  static constexpr std::size_t count = ((64 * N + 2 + 51) / 52 + 1) / 2 * 2;
  static constexpr std::size_t vectors = (count + lanes - 1) / lanes;
  alignas(64) Limb digit[vectors * lanes] = {};

  Digits() = default;
  explicit Digits(const Limbs<N>& from) {
    for (std::size_t i = 0; i < count; ++i) digit[i] = bits(from, 52 * i, 52);
  }
  Limbs<N> to_limbs() const {
    Limbs<N> to{};
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = 52 * i / 64, shift = 52 * i % 64;
      if (at < N) to[at] |= digit[i] << shift;
      if (shift > 12 && at + 1 < N) to[at + 1] |= digit[i] >> (64 - shift);
    }
    return to;
  }
};

template <std::size_t N>
struct Modulus {
  Digits<N> digits;
  Limb negative_inverse;      // -1 / modulus modulo 2^52
  Digits<N> square_of_radix;  // 2^(2 * 52 count) modulo the modulus

  [[gnu::cold]] explicit Modulus(const Montgomery<N>& modulo);
};

template <std::size_t N>
using Two = Digits<N>[2];

// product = a * b / 2^(52 count) modulo each of K moduli, below twice it. May overwrite a factor.
template <std::size_t N, std::size_t K>
TARGET [[gnu::noinline]] void multiply(Digits<N> (&product)[K], const Digits<N> (&a)[K], const Digits<N> (&b)[K],
                                       const Modulus<N> (&m)[K]) {
  constexpr std::size_t count = Digits<N>::count, vectors = Digits<N>::vectors;
  using Wide = unsigned __int128;
  Vector sum[K][vectors];
  Limb lowest[K] = {};  // stands for the first lane of sum, which is not kept up
#pragma GCC unroll 2
  for (auto& each : sum) {
#pragma GCC unroll 10
    for (Vector& part : each) part = _mm512_setzero_si512();
  }
  for (std::size_t i = 0; i < count; ++i) {
#pragma GCC unroll 2
    for (std::size_t k = 0; k < K; ++k) {
      // The multiple y of the modulus that makes the lowest digit vanish.
      const Limb factor = b[k].digit[i];
      Wide low = Wide{a[k].digit[0]} * factor + lowest[k];
      const Limb y = (static_cast<Limb>(low) * m[k].negative_inverse) & low_52;
      low += Wide{m[k].digits.digit[0]} * y;
      const Vector factors = _mm512_set1_epi64(static_cast<long long>(factor));
      const Vector multiples = _mm512_set1_epi64(static_cast<long long>(y));
      const auto of_a = [&](std::size_t v) TARGET { return _mm512_load_si512(a[k].digit + lanes * v); };
      const auto of_m = [&](std::size_t v) TARGET { return _mm512_load_si512(m[k].digits.digit + lanes * v); };
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
    for (std::size_t v = 0; v < vectors; ++v) _mm512_store_si512(product[k].digit + lanes * v, sum[k][v]);
    product[k].digit[0] = lowest[k];
  }
  Limb carry[K] = {};
  for (std::size_t i = 0; i < count; ++i) {
#pragma GCC unroll 2
    for (std::size_t k = 0; k < K; ++k) {
      const Limb digit = product[k].digit[i] + carry[k];
      product[k].digit[i] = digit & low_52;
      carry[k] = digit >> 52;
    }
  }
}

template <std::size_t N>
Modulus<N>::Modulus(const Montgomery<N>& modulo)
    : digits(modulo.modulus()), negative_inverse((0 - invert_limb(modulo.modulus()[0])) & low_52) {
  // 2^(52 count) times 2 to the power of `odd`, which squarings raise to 2^(52 count).
  constexpr std::size_t bits = 52 * Digits<N>::count, squarings = std::countr_zero(bits), odd = bits >> squarings;
  Limbs<N> power = modulo.one();
  for (std::size_t i = 64 * N; i < bits + odd; ++i) power = modulo.add(power, power);
  const Modulus(&self)[1] = reinterpret_cast<const Modulus(&)[1]>(*this);
  Digits<N> square[1] = {Digits<N>(power)};
  for (std::size_t i = 0; i < squarings; ++i) multiply(square, square, square, self);
  square_of_radix = square[0];
}

constexpr std::size_t window = 5;
constexpr std::size_t table_size = std::size_t{1} << window;

// Reads the whole table whatever the index is.
template <std::size_t N>
TARGET void look_up(Digits<N>& found, const Two<N> (&table)[table_size], std::size_t which, Limb index) {
  constexpr std::size_t vectors = Digits<N>::vectors;
  Vector sum[vectors];
  for (Vector& part : sum) part = _mm512_setzero_si512();
  for (std::size_t i = 0; i < table_size; ++i) {
    const Vector mask = _mm512_set1_epi64(static_cast<long long>(limpid::mask_if_zero(index ^ i)));
#pragma GCC unroll 5
    for (std::size_t v = 0; v < vectors; ++v) {
      const Vector entry = _mm512_load_si512(table[i][which].digit + lanes * v);
      sum[v] = _mm512_or_si512(sum[v], _mm512_and_si512(entry, mask));
    }
  }
  for (std::size_t v = 0; v < vectors; ++v) _mm512_store_si512(found.digit + lanes * v, sum[v]);
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

// What calls `multiply`, where the time is spent, is cold: built for size.
template <std::size_t N>
[[gnu::cold]] TARGET TwoNumbers<N> raise_two(const Power<N>& first, const Power<N>& second) {
  const Modulus<N> moduli[2] = {Modulus<N>(first.modulo), Modulus<N>(second.modulo)};
  const Two<N> squares_of_radix = {moduli[0].square_of_radix, moduli[1].square_of_radix};
  const Two<N> ones = {Digits<N>(Limbs<N>::from_word(1)), Digits<N>(Limbs<N>::from_word(1))};
  const Two<N> bases = {Digits<N>(first.base), Digits<N>(second.base)};
  Two<N> table[table_size];
  multiply(table[0], ones, squares_of_radix, moduli);
  multiply(table[1], bases, squares_of_radix, moduli);
  for (std::size_t i = 2; i < table_size; ++i) multiply(table[i], table[i - 1], table[1], moduli);

  Two<N> powers, factors;
  const auto digits_at = [&](Two<N>& found, std::size_t at) {
    look_up<N>(found[0], table, 0, bits(first.exponent, at, window));
    look_up<N>(found[1], table, 1, bits(second.exponent, at, window));
  };
  std::size_t at = 64 * N / window * window;
  digits_at(powers, at);
  while (at > 0) {
    at -= window;
    for (std::size_t i = 0; i < window; ++i) multiply(powers, powers, powers, moduli);
    digits_at(factors, at);
    multiply(powers, powers, factors, moduli);
  }
  multiply(powers, powers, ones, moduli);  // at most the modulus
  clear_vectors();
  return {first.modulo.reduce_once(powers[0].to_limbs()), second.modulo.reduce_once(powers[1].to_limbs())};
}

template <std::size_t N>
[[gnu::cold]] TARGET Limbs<N> raise_public(const Montgomery<N>& modulo, const Limbs<N>& base, Limb exponent) {
  const Modulus<N> modulus[1] = {Modulus<N>(modulo)};
  const Digits<N> square_of_radix[1] = {modulus[0].square_of_radix}, one[1] = {Digits<N>(Limbs<N>::from_word(1))};
  Digits<N> entered[1] = {Digits<N>(base)}, power[1];
  multiply(entered, entered, square_of_radix, modulus);
  power[0] = entered[0];
  for (int bit = 62 - std::countl_zero(exponent); bit >= 0; --bit) {
    multiply(power, power, power, modulus);
    if ((exponent >> bit & 1) != 0) multiply(power, power, entered, modulus);
  }
  multiply(power, power, one, modulus);
  clear_vectors();
  return modulo.reduce_once(power[0].to_limbs());
}

template Limbs<32> raise_public(const Montgomery<32>&, const Limbs<32>&, Limb);
template Limbs<48> raise_public(const Montgomery<48>&, const Limbs<48>&, Limb);
template Limbs<64> raise_public(const Montgomery<64>&, const Limbs<64>&, Limb);
template TwoNumbers<16> raise_two(const Power<16>&, const Power<16>&);
template TwoNumbers<24> raise_two(const Power<24>&, const Power<24>&);
template TwoNumbers<32> raise_two(const Power<32>&, const Power<32>&);

}  // namespace limpid::crypto::x86
