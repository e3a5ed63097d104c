#include "limpid/crypto/x86/chacha20.hpp"

#include "limpid/crypto/x86/intrinsics.hpp"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using Vector = __m512i;
constexpr std::size_t block_size = 64;
constexpr std::size_t few_blocks = 4;
constexpr std::size_t many_blocks = 16;
constexpr std::size_t many_size = many_blocks * block_size;

KERNEL Vector load(const Byte* from) { return _mm512_loadu_si512(from); }
KERNEL void store(Byte* to, Vector vector) { _mm512_storeu_si512(to, vector); }
KERNEL Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }

// Section 2.3: the words of a block's initial state; the block's number, word 12, is added later.
struct State {
  std::uint32_t word[16];
};

KERNEL void initialize(State& state, const Byte* key, const Byte* nonce) {
  constexpr std::uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  __builtin_memcpy(state.word, constants, 16);
  __builtin_memcpy(state.word + 4, key, 32);
  state.word[12] = 0;
  __builtin_memcpy(state.word + 13, nonce, 12);
}

// Section 2.1, on all words of four vectors.
KERNEL void quarter_round(Vector& a, Vector& b, Vector& c, Vector& d) {
  a = add(a, b);
  d = _mm512_rol_epi32(_mm512_xor_si512(d, a), 16);
  c = add(c, d);
  b = _mm512_rol_epi32(_mm512_xor_si512(b, c), 12);
  a = add(a, b);
  d = _mm512_rol_epi32(_mm512_xor_si512(d, a), 8);
  c = add(c, d);
  b = _mm512_rol_epi32(_mm512_xor_si512(b, c), 7);
}

// From four vectors of four lanes, the vectors of the first lanes, of the second, of the third, of the fourth.
KERNEL void transpose_lanes(Vector& a, Vector& b, Vector& c, Vector& d) {
  const Vector ab01 = _mm512_shuffle_i64x2(a, b, 0x44), ab23 = _mm512_shuffle_i64x2(a, b, 0xee);
  const Vector cd01 = _mm512_shuffle_i64x2(c, d, 0x44), cd23 = _mm512_shuffle_i64x2(c, d, 0xee);
  a = _mm512_shuffle_i64x2(ab01, cd01, 0x88);
  b = _mm512_shuffle_i64x2(ab01, cd01, 0xdd);
  c = _mm512_shuffle_i64x2(ab23, cd23, 0x88);
  d = _mm512_shuffle_i64x2(ab23, cd23, 0xdd);
}

// Four blocks at once, a block's row of four words in each lane.
KERNEL void generate_few(const State& state, std::uint32_t number, Vector (&blocks)[few_blocks]) {
  Vector initial[4];
#pragma GCC unroll 4
  for (int row = 0; row < 4; ++row) {
    initial[row] = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(state.word + 4 * row)));
  }
  const int n = static_cast<int>(number);
  initial[3] = add(initial[3], _mm512_set_epi32(0, 0, 0, n + 3, 0, 0, 0, n + 2, 0, 0, 0, n + 1, 0, 0, 0, n));
  Vector a = initial[0], b = initial[1], c = initial[2], d = initial[3];
  for (int i = 0; i < 10; ++i) {
    quarter_round(a, b, c, d);
    b = _mm512_shuffle_epi32(b, _MM_PERM_ADCB);  // the diagonals become columns
    c = _mm512_shuffle_epi32(c, _MM_PERM_BADC);
    d = _mm512_shuffle_epi32(d, _MM_PERM_CBAD);
    quarter_round(a, b, c, d);
    b = _mm512_shuffle_epi32(b, _MM_PERM_CBAD);
    c = _mm512_shuffle_epi32(c, _MM_PERM_BADC);
    d = _mm512_shuffle_epi32(d, _MM_PERM_ADCB);
  }
  blocks[0] = add(a, initial[0]);
  blocks[1] = add(b, initial[1]);
  blocks[2] = add(c, initial[2]);
  blocks[3] = add(d, initial[3]);
  transpose_lanes(blocks[0], blocks[1], blocks[2], blocks[3]);
}

// Four vectors of the same four words of sixteen blocks: in each lane of the first, those words of block 0, 4, 8, 12,
// of the second, of 1, 5, 9, 13, and so on.
KERNEL void transpose_words(Vector& a, Vector& b, Vector& c, Vector& d) {
  const Vector ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
  const Vector cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
  a = _mm512_unpacklo_epi64(ab_low, cd_low);
  b = _mm512_unpackhi_epi64(ab_low, cd_low);
  c = _mm512_unpacklo_epi64(ab_high, cd_high);
  d = _mm512_unpackhi_epi64(ab_high, cd_high);
}

// Sixteen blocks at once, a word of each in each vector.
TARGET void crypt_many(const State& state, std::uint32_t number, const Byte* in, Byte* out) {
  const Vector numbers = add(_mm512_set1_epi32(static_cast<int>(number)),
                             _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  Vector x[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) x[i] = _mm512_set1_epi32(static_cast<int>(state.word[i]));
  x[12] = numbers;
  for (int i = 0; i < 10; ++i) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    x[i] = add(x[i], i == 12 ? numbers : _mm512_set1_epi32(static_cast<int>(state.word[i])));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) transpose_words(x[i], x[i + 1], x[i + 2], x[i + 3]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    Vector* const blocks[4] = {&x[i], &x[4 + i], &x[8 + i], &x[12 + i]};  // i, i + 4, i + 8, i + 12
    transpose_lanes(*blocks[0], *blocks[1], *blocks[2], *blocks[3]);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const std::size_t at = block_size * (4 * j + i);
      store(out + at, _mm512_xor_si512(*blocks[j], load(in + at)));
    }
  }
}

// XORs what there is of whole and partial blocks; the caller sees to it that `blocks` suffice.
KERNEL void crypt_few(const Byte* blocks, const Byte* in, Byte* out, std::size_t size) {
  for (std::size_t i = 0; i < size; i += block_size) {
    const std::size_t left = size - i;
    const __mmask64 mask = left >= block_size ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    const Vector text = _mm512_maskz_loadu_epi8(mask, in + i);
    _mm512_mask_storeu_epi8(out + i, mask, _mm512_xor_si512(load(blocks + i), text));
  }
}

KERNEL void store_few(const Vector (&blocks)[few_blocks], ChaCha20Beginning& to) {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < few_blocks; ++i) store(to.mutable_bytes().data() + block_size * i, blocks[i]);
}

}  // namespace

TARGET void chacha20_begin(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce,
                           ChaCha20Beginning& beginning) {
  State state;
  initialize(state, key.data(), nonce.data());
  Vector blocks[few_blocks];
  generate_few(state, 0, blocks);
  store_few(blocks, beginning);
  wipe({reinterpret_cast<Byte*>(&state), sizeof state});
}

TARGET void chacha20_crypt(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce,
                           const ChaCha20Beginning& beginning, Bytes text, Byte* out) {
  const Byte* in = text.data();
  std::size_t size = text.size();
  constexpr std::size_t begun = ChaCha20Beginning::size - block_size;
  crypt_few(beginning.bytes().data() + block_size, in, out, size < begun ? size : begun);
  if (size <= begun) return;
  in += begun;
  out += begun;
  size -= begun;

  State state;
  initialize(state, key.data(), nonce.data());
  std::uint32_t number = few_blocks;
  for (; size >= many_size; number += many_blocks, in += many_size, out += many_size, size -= many_size) {
    crypt_many(state, number, in, out);
  }
  if (size > few_blocks * block_size) {  // sixteen blocks take less time than two times four
    Secret<many_size> rest;
    __builtin_memcpy(rest.mutable_bytes().data(), in, size);
    crypt_many(state, number, rest.bytes().data(), rest.mutable_bytes().data());
    __builtin_memcpy(out, rest.bytes().data(), size);
  } else if (size != 0) {
    Vector blocks[few_blocks];
    generate_few(state, number, blocks);
    ChaCha20Beginning rest;
    store_few(blocks, rest);
    crypt_few(rest.bytes().data(), in, out, size);
  }
  wipe({reinterpret_cast<Byte*>(&state), sizeof state});
}

}  // namespace limpid::crypto::x86
