#include "limpid/crypto/x86/x25519.hpp"

#include "limpid/crypto/field25519.hpp"
#include "limpid/crypto/x86/intrinsics.hpp"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using field25519::Element;

constexpr std::size_t count = field25519::digits;
constexpr Limb low_51 = field25519::digit_mask;

// Four numbers modulo 2^255 - 19, a lane each, in digits of 51 bits. As factors, digits must be below 2^52; those that
// `carry` leaves are below 2^51 + 2^15.
struct Four {
  __m256i digit[count];
};

// For each lane, whether it is taken.
using Lanes = __mmask8;

KERNEL __m256i of_lanes(Limb a, Limb b, Limb c, Limb d) {
  return _mm256_set_epi64x(static_cast<long long>(d), static_cast<long long>(c), static_cast<long long>(b),
                           static_cast<long long>(a));
}

KERNEL __m256i nineteen_times(__m256i a) {
  return _mm256_add_epi64(a, _mm256_add_epi64(_mm256_slli_epi64(a, 1), _mm256_slli_epi64(a, 4)));
}

// For digits below 2^61.
KERNEL Four carry(const Four& a) {
  const __m256i mask = _mm256_set1_epi64x(static_cast<long long>(low_51));
  Four low, high;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < count; ++i) {
    low.digit[i] = _mm256_and_si256(a.digit[i], mask);
    high.digit[i] = _mm256_srli_epi64(a.digit[i], 51);
  }
  low.digit[0] = _mm256_add_epi64(low.digit[0], nineteen_times(high.digit[4]));  // 2^255 is 19
#pragma GCC unroll 5
  for (std::size_t i = 1; i < count; ++i) low.digit[i] = _mm256_add_epi64(low.digit[i], high.digit[i - 1]);
  return low;
}

// a * b + c.
KERNEL Four multiply_add(const Four& a, const Four& b, const Four& c) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i low[2 * count], high[2 * count];  // high counts twice: it is at 2^52, digits are of 51 bits
#pragma GCC unroll 10
  for (std::size_t i = 0; i < 2 * count; ++i) {
    low[i] = i < count ? c.digit[i] : zero;
    high[i] = zero;
  }
#pragma GCC unroll 5
  for (std::size_t i = 0; i < count; ++i) {
#pragma GCC unroll 5
    for (std::size_t j = 0; j < count; ++j) {
      low[i + j] = _mm256_madd52lo_epu64(low[i + j], a.digit[j], b.digit[i]);
      high[i + j + 1] = _mm256_madd52hi_epu64(high[i + j + 1], a.digit[j], b.digit[i]);
    }
  }
  // At most 5 low and 5 high halves, so below 2^56; with 19 times the upper digits below 2^61.
#pragma GCC unroll 10
  for (std::size_t i = 1; i < 2 * count; ++i) low[i] = _mm256_add_epi64(low[i], _mm256_slli_epi64(high[i], 1));
  Four sum;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < count; ++i) sum.digit[i] = _mm256_add_epi64(low[i], nineteen_times(low[i + count]));
  return carry(sum);
}

// Lane i is lane `order` >> 2 i & 3 of a.
template <int order>
KERNEL Four permuted(const Four& a) {
  Four result;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < count; ++i) result.digit[i] = _mm256_permute4x64_epi64(a.digit[i], order);
  return result;
}
constexpr int evens_twice = 0b10'10'00'00, odds_twice = 0b11'11'01'01, outer_inner = 0b00'01'01'00,
              halves_swapped = 0b01'00'11'10;

// b in the lanes taken, a in the others.
KERNEL Four blend(Lanes taken, const Four& a, const Four& b) {
  Four result;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < count; ++i) result.digit[i] = _mm256_mask_mov_epi64(a.digit[i], taken, b.digit[i]);
  return result;
}

// a + b in the even lanes but for those that `alone` takes, which stay a; a - b in the odd ones, with twice the prime
// added against negative digits: -b - 1 is b's complement.
KERNEL Four sums_and_differences(const Four& a, const Four& b, Lanes alone) {
  const __m256i complemented = of_lanes(0, ~Limb{0}, 0, ~Limb{0});
  Four result;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < count; ++i) {
    const Limb twice_prime = 2 * (i == 0 ? low_51 - 18 : low_51);
    const __m256i offset = of_lanes(0, twice_prime + 1, 0, twice_prime + 1);
    const __m256i term = _mm256_maskz_xor_epi64(static_cast<Lanes>(~alone), b.digit[i], complemented);
    result.digit[i] = _mm256_add_epi64(_mm256_add_epi64(a.digit[i], offset), term);
  }
  return carry(result);
}

// One step for x_2, z_2, x_3, z_3 in the lanes, by the names of RFC 7748. `x_1` has x_1 in its last lane.
KERNEL Four step(const Four& state, const Four& x_1, const Four& a24, const Four& zero) {
  // A, B, C, D; then AA, BB, CB, DA.
  const Four abcd = sums_and_differences(permuted<evens_twice>(state), permuted<odds_twice>(state), 0);
  const Four products = multiply_add(abcd, permuted<outer_inner>(abcd), zero);
  // AA, E = AA - BB, DA + CB, CB - DA; then AA BB, AA + a24 E, (DA + CB)^2, (DA - CB)^2.
  const Four evens = permuted<evens_twice>(products), odds = permuted<odds_twice>(products);
  const Four sums = sums_and_differences(evens, odds, 0b0001);
  const Four factors = blend(0b1100, blend(0b0001, a24, odds), sums);
  const Four next = multiply_add(sums, factors, blend(0b0010, zero, evens));
  // z_2 = E (AA + a24 E) and z_3 = x_1 (DA - CB)^2; x_2 and x_3 are there.
  const Four z = multiply_add(blend(0b0010, next, sums), blend(0b0010, x_1, next), zero);
  return blend(0b0101, z, next);
}

template <int lane>
TARGET Element element_in(const Four& a) {
  Element element;
  for (std::size_t i = 0; i < count; ++i) {
    alignas(32) Limb all[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(all), a.digit[i]);
    element.digit[i] = all[lane];
  }
  return element;
}

}  // namespace

TARGET Limbs<4> multiply_u(const Limbs<4>& k, const Limbs<4>& u) {
  Four state, x_1, a24, zero;
  for (std::size_t i = 0; i < count; ++i) {
    const Limb digit = bits(u, 51 * i, 51), one = i == 0 ? 1 : 0;
    state.digit[i] = of_lanes(one, 0, digit, one);
    x_1.digit[i] = of_lanes(0, 0, 0, digit);
    a24.digit[i] = of_lanes(0, i == 0 ? 121665 : 0, 0, 0);
    zero.digit[i] = _mm256_setzero_si256();
  }
  Limb before = 0;
  const auto swapped_if = [](const Four& a, Limb differs) TARGET {
    return blend(static_cast<Lanes>(value_barrier(Limb{0} - differs)), a, permuted<halves_swapped>(a));
  };
  for (std::size_t t = 255; t-- > 0;) {
    const Limb bit = bits(k, t, 1);
    state = step(swapped_if(state, bit ^ before), x_1, a24, zero);
    before = bit;
  }
  state = swapped_if(state, before);
  // x_2 / z_2; zero for zero.
  const Element x = element_in<0>(state), z = element_in<1>(state);
  return to_limbs(product(x, inverse(z)));
}

}  // namespace limpid::crypto::x86
