#include "limpid/crypto/x86/poly1305.hpp"

#include "limpid/crypto/x86/intrinsics.hpp"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using Vector = __m512i;
constexpr std::size_t block_size = 16;
constexpr std::size_t lanes = 8;
constexpr std::size_t vector_size = lanes * block_size;

// ---- Numbers modulo 2^130 - 5: limbs of 44, 44 and 42 bits, a little more between reductions -----------------------

constexpr std::uint64_t mask_44 = (std::uint64_t{1} << 44) - 1;
constexpr std::uint64_t mask_42 = (std::uint64_t{1} << 42) - 1;
constexpr std::uint64_t bit_128 = std::uint64_t{1} << 40;  // in the highest limb

struct Number {
  std::uint64_t limb[3];
};

KERNEL Number number_of(std::uint64_t low, std::uint64_t high) {
  return {{low & mask_44, (low >> 44 | high << 20) & mask_44, high >> 24}};
}

KERNEL void carry(Number& n) {
  n.limb[1] += n.limb[0] >> 44;
  n.limb[0] &= mask_44;
  n.limb[2] += n.limb[1] >> 44;
  n.limb[1] &= mask_44;
  n.limb[0] += 5 * (n.limb[2] >> 42);  // 2^130 is 5
  n.limb[2] &= mask_42;
}

KERNEL Number multiply(const Number& a, const Number& b) {
  using Wide = unsigned __int128;
  // The limbs' products at 2^132 and above come in again 132 bits lower, times 2^132 = 20.
  const std::uint64_t b1 = 20 * b.limb[1], b2 = 20 * b.limb[2];
  const Wide d0 = Wide{a.limb[0]} * b.limb[0] + Wide{a.limb[1]} * b2 + Wide{a.limb[2]} * b1;
  const Wide d1 = Wide{a.limb[0]} * b.limb[1] + Wide{a.limb[1]} * b.limb[0] + Wide{a.limb[2]} * b2 + (d0 >> 44);
  const Wide d2 = Wide{a.limb[0]} * b.limb[2] + Wide{a.limb[1]} * b.limb[1] + Wide{a.limb[2]} * b.limb[0] + (d1 >> 44);
  Number product{{static_cast<std::uint64_t>(d0) & mask_44, static_cast<std::uint64_t>(d1) & mask_44,
                  static_cast<std::uint64_t>(d2) & mask_42}};
  product.limb[0] += 5 * static_cast<std::uint64_t>(d2 >> 42);
  product.limb[1] += product.limb[0] >> 44;
  product.limb[0] &= mask_44;
  return product;
}

// ---- Eight of them -------------------------------------------------------------------------------------------------

struct Numbers {
  Vector limb[3];
};

// A factor, and twenty times its higher limbs.
struct Factors {
  Numbers number;
  Vector wrapped[3];  // the first is not used
};

KERNEL Factors factors_of(const Numbers& numbers) {
  const auto& limb = numbers.limb;
  return {numbers,
          {limb[0], _mm512_add_epi64(_mm512_slli_epi64(limb[1], 4), _mm512_slli_epi64(limb[1], 2)),
           _mm512_add_epi64(_mm512_slli_epi64(limb[2], 4), _mm512_slli_epi64(limb[2], 2))}};
}

KERNEL Numbers in_every_lane(const Number& n) {
  Numbers numbers;
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) numbers.limb[i] = _mm512_set1_epi64(static_cast<long long>(n.limb[i]));
  return numbers;
}

// Sums of products before carrying: the low 52 bits of limbs' products, and what is above them.
struct Product {
  Vector low[3], high[3];
};

KERNEL void add_limbs(Product& sum, int i, Vector a, Vector b) {
  sum.low[i] = _mm512_madd52lo_epu64(sum.low[i], a, b);
  sum.high[i] = _mm512_madd52hi_epu64(sum.high[i], a, b);
}

KERNEL void add_product(Product& sum, const Numbers& a, const Factors& b) {
  add_limbs(sum, 0, a.limb[2], b.wrapped[1]);
  add_limbs(sum, 1, a.limb[2], b.wrapped[2]);
  add_limbs(sum, 2, a.limb[2], b.number.limb[0]);
  add_limbs(sum, 0, a.limb[0], b.number.limb[0]);
  add_limbs(sum, 1, a.limb[0], b.number.limb[1]);
  add_limbs(sum, 2, a.limb[0], b.number.limb[2]);
  add_limbs(sum, 0, a.limb[1], b.wrapped[2]);
  add_limbs(sum, 1, a.limb[1], b.number.limb[0]);
  add_limbs(sum, 2, a.limb[1], b.number.limb[1]);
}

// The sum's limbs fit 44, 45 and 42 bits again.
KERNEL Numbers carried(const Product& sum) {
  const Vector m44 = _mm512_set1_epi64(mask_44), m42 = _mm512_set1_epi64(mask_42);
  Numbers result;
  // 52 bits are 8 more than a limb of 44, and 10 more than one of 42.
  Vector carry = _mm512_add_epi64(_mm512_slli_epi64(sum.high[0], 8), _mm512_srli_epi64(sum.low[0], 44));
  result.limb[0] = _mm512_and_si512(sum.low[0], m44);
  Vector limb = _mm512_add_epi64(sum.low[1], carry);
  carry = _mm512_add_epi64(_mm512_slli_epi64(sum.high[1], 8), _mm512_srli_epi64(limb, 44));
  result.limb[1] = _mm512_and_si512(limb, m44);
  limb = _mm512_add_epi64(sum.low[2], carry);
  carry = _mm512_add_epi64(_mm512_slli_epi64(sum.high[2], 10), _mm512_srli_epi64(limb, 42));
  result.limb[2] = _mm512_and_si512(limb, m42);
  result.limb[0] = _mm512_add_epi64(result.limb[0], _mm512_add_epi64(carry, _mm512_slli_epi64(carry, 2)));
  result.limb[1] = _mm512_add_epi64(result.limb[1], _mm512_srli_epi64(result.limb[0], 44));
  result.limb[0] = _mm512_and_si512(result.limb[0], m44);
  return result;
}

KERNEL Numbers multiply(const Numbers& a, const Factors& b) {
  Product product{};
  add_product(product, a, b);
  return carried(product);
}

KERNEL Numbers add(const Numbers& a, const Numbers& b) {
  Numbers sum;
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) sum.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
  return sum;
}

KERNEL Number sum_of_lanes(const Numbers& numbers) {
  Number sum;
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) sum.limb[i] = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(numbers.limb[i]));
  carry(sum);
  return sum;
}

// ---- Blocks --------------------------------------------------------------------------------------------------------

// Which of eight blocks is in which lane: what unpacking two vectors of four blocks gives.
KERNEL Vector lane_numbers() { return _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0); }

KERNEL Numbers numbers_of(Vector first_half, Vector second_half, Vector top) {
  const Vector m44 = _mm512_set1_epi64(mask_44);
  const Vector low = _mm512_unpacklo_epi64(first_half, second_half);
  const Vector high = _mm512_unpackhi_epi64(first_half, second_half);
  return {{_mm512_and_si512(low, m44),
           _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20)), m44),
           _mm512_or_si512(_mm512_srli_epi64(high, 24), top)}};
}

// Section 2.5.1: "Add one bit beyond the number of octets", which is 2^128 in a whole block.
KERNEL Numbers load_blocks(const Byte* from) {
  return numbers_of(_mm512_loadu_si512(from), _mm512_loadu_si512(from + 64), _mm512_set1_epi64(bit_128));
}

// The last `count` of eight blocks, which begin at `first`; zeros, without a bit, in front of them. `hash` is added to
// the first.
KERNEL Numbers load_last_blocks(const Byte* first, std::size_t count, const Number& hash) {
  const std::size_t missing = lanes - count;
  const Byte* const from =
      reinterpret_cast<const Byte*>(reinterpret_cast<std::uintptr_t>(first) - block_size * missing);
  const __mmask16 words = static_cast<__mmask16>(0xffff << 2 * missing);  // of 64 bits
  const Vector missing_lanes = _mm512_set1_epi64(static_cast<long long>(missing));
  const Vector top =
      _mm512_maskz_mov_epi64(_mm512_cmpge_epu64_mask(lane_numbers(), missing_lanes), _mm512_set1_epi64(bit_128));
  Numbers blocks = numbers_of(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(words), from),
                              _mm512_maskz_loadu_epi64(static_cast<__mmask8>(words >> 8), from + 64), top);
  const __mmask8 first_lane = _mm512_cmpeq_epu64_mask(lane_numbers(), missing_lanes);
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    blocks.limb[i] = _mm512_mask_add_epi64(blocks.limb[i], first_lane, blocks.limb[i],
                                           _mm512_set1_epi64(static_cast<long long>(hash.limb[i])));
  }
  return blocks;
}

// Powers of r.
struct Powers {
  Factors last;  // r^8 ... r, each in its block's lane
  Factors eighth, sixteenth;
};

KERNEL void prepare(Powers& powers, const Number& r) {
  Number power[lanes + 1];  // of which the first is not used
  power[1] = r;
#pragma GCC unroll 8
  for (std::size_t i = 2; i <= lanes; ++i) power[i] = multiply(power[i / 2], power[i - i / 2]);
  Numbers last;
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    const auto limb = [&](int n) { return static_cast<long long>(power[n].limb[i]); };
    last.limb[i] = _mm512_set_epi64(limb(1), limb(5), limb(2), limb(6), limb(3), limb(7), limb(4), limb(8));
  }
  powers.last = factors_of(last);
  powers.eighth = factors_of(in_every_lane(power[8]));
  powers.sixteenth = factors_of(in_every_lane(multiply(power[8], power[8])));
}

// Absorbs blocks, at least one. Each lane is a hash of its own, of every eighth block, until the last blocks are
// multiplied by the powers that bring all lanes to the same degree. For that the last block must be in the last lane,
// so lanes stay free in front of the first.
TARGET void absorb(Number& hash, const Powers& powers, const Byte* bytes, std::size_t blocks) {
  const std::size_t first = (blocks - 1) % lanes + 1;
  Numbers sums = load_last_blocks(bytes, first, hash);
  const Byte* const end = bytes + block_size * blocks;
  bytes += block_size * first;
  if ((end - bytes) % (2 * vector_size) != 0) {
    sums = add(multiply(sums, powers.eighth), load_blocks(bytes));
    bytes += vector_size;
  }
  for (; bytes != end; bytes += 2 * vector_size) {
    Product product{};
    add_product(product, load_blocks(bytes), powers.eighth);
    add_product(product, sums, powers.sixteenth);
    sums = add(carried(product), load_blocks(bytes + vector_size));
  }
  hash = sum_of_lanes(multiply(sums, powers.last));
}

Bytes partial_block(Bytes bytes) { return bytes.last(bytes.size() % block_size); }

TARGET void absorb_whole(Number& hash, const Powers& powers, Bytes bytes) {
  if (bytes.size() >= block_size) absorb(hash, powers, bytes.data(), bytes.size() / block_size);
}

// Section 2.5.1: "the 128 least significant bits" of the number, fully reduced, plus s. The number was carried once, so
// that only its lowest limb can be too large, by little: carried once more, all limbs fit.
KERNEL void finish(Number hash, const std::uint64_t* s, Byte* tag) {
  carry(hash);
  Number less = hash;  // 2^130 - 5, which is subtracted by adding 5 and taking 2^130 away
  less.limb[0] += 5;
  less.limb[1] += less.limb[0] >> 44;
  less.limb[2] += less.limb[1] >> 44;
  const std::uint64_t too_large = mask_from_bit(less.limb[2] >> 42);
  for (int i = 0; i < 3; ++i) hash.limb[i] = select(too_large, less.limb[i], hash.limb[i]);
  const std::uint64_t low = (hash.limb[0] & mask_44) | hash.limb[1] << 44;
  const std::uint64_t high = (hash.limb[1] & mask_44) >> 20 | hash.limb[2] << 24;
  const unsigned __int128 sum =
      (static_cast<unsigned __int128>(high) << 64 | low) + (static_cast<unsigned __int128>(s[1]) << 64 | s[0]);
  __builtin_memcpy(tag, &sum, 16);
}

}  // namespace

TARGET Secret<16> poly1305_tag(std::span<const Byte, 32> one_time_key, Bytes aad, Bytes ciphertext) {
  std::uint64_t key[4];
  __builtin_memcpy(key, one_time_key.data(), sizeof key);
  Powers powers;
  prepare(powers, number_of(key[0] & 0x0ffffffc0fffffff, key[1] & 0x0ffffffc0ffffffc));
  Number hash{};
  absorb_whole(hash, powers, aad);
  if (!partial_block(aad).empty()) {
    Byte padded[block_size]{};
    copy(partial_block(aad), padded);
    absorb(hash, powers, padded, 1);
  }
  absorb_whole(hash, powers, ciphertext);
  Byte end[2 * block_size]{};
  const std::size_t padded = partial_block(ciphertext).empty() ? 0 : block_size;
  copy(partial_block(ciphertext), end);
  const std::uint64_t lengths[2] = {aad.size(), ciphertext.size()};
  __builtin_memcpy(end + padded, lengths, sizeof lengths);
  absorb(hash, powers, end, padded / block_size + 1);
  Secret<16> tag;
  finish(hash, key + 2, tag.mutable_bytes().data());
  wipe({reinterpret_cast<Byte*>(key), sizeof key});
  wipe({reinterpret_cast<Byte*>(&powers), sizeof powers});
  return tag;
}

}  // namespace limpid::crypto::x86
