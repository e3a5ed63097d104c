#include "limpid/crypto/portable/aes.hpp"

#include <bit>

namespace limpid::crypto::portable {
namespace {

// Four blocks are held as eight slices of 64 bits: slice b collects bit b of each byte, and the byte in row r and
// column c of block k (FIPS 197, section 3.4) stands at bit 16 r + 4 c + k. So ShiftRows rotates groups of 16 bits,
// MixColumns rotates whole slices, and SubBytes is a circuit over the slices. Two lanes of that make eight blocks.
using Lane = std::uint64_t;
using Lanes = Lane __attribute__((vector_size(16)));

template <class Word>
using Slices = Word[8];

// Exchanges the bits `low` of `b` with the bits `low << shift` of `a`.
template <class Word>
void exchange(Word& a, Word& b, Lane low, int shift) {
  const Word difference = ((a >> shift) ^ b) & low;
  b ^= difference;
  a ^= difference << shift;
}

// Transposes, for each of the eight bytes of the words, the matrix of 8 words by 8 bits. Its own inverse.
template <class Word>
void transpose(Slices<Word>& q) {
  for (int i = 0; i < 8; i += 2) exchange<Word>(q[i], q[i + 1], 0x5555555555555555, 1);
  for (int i : {0, 1, 4, 5}) exchange<Word>(q[i], q[i + 2], 0x3333333333333333, 2);
  for (int i = 0; i < 4; ++i) exchange<Word>(q[i], q[i + 4], 0x0f0f0f0f0f0f0f0f, 4);
}

// Byte i of `column` to byte 2 i, and back.
Lane spread(std::uint32_t column) {
  Lane x = column;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  return (x | x << 8) & 0x00ff00ff00ff00ff;
}
std::uint32_t gather(Lane x) {
  x &= 0x00ff00ff00ff00ff;
  x = (x | x >> 8) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(x | x >> 16);
}

std::uint32_t load_column(const Byte* from) {
  return static_cast<std::uint32_t>(from[0] | from[1] << 8 | from[2] << 16) | static_cast<std::uint32_t>(from[3]) << 24;
}
void store_column(std::uint32_t column, Byte* to) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<Byte>(column >> (8 * i));
}

// The S-box (FIPS 197, section 5.1.1) as the circuit of Boyar and Peralta, "A depth-16 circuit for the AES S-box", 2011
// (IACR ePrint 2011/332): a linear layer, the inversion in GF(2^8) over GF(2^4), a linear layer. Names are the paper's.
template <class Word>
void sub_bytes(Slices<Word>& q) {
  const Word x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];

  const Word y14 = x3 ^ x5, y13 = x0 ^ x6, y9 = x0 ^ x3, y8 = x0 ^ x5;
  const Word t0 = x1 ^ x2;
  const Word y1 = t0 ^ x7, y4 = y1 ^ x3, y12 = y13 ^ y14, y2 = y1 ^ x0, y5 = y1 ^ x6, y3 = y5 ^ y8;
  const Word t1 = x4 ^ y12;
  const Word y15 = t1 ^ x5, y20 = t1 ^ x1, y6 = y15 ^ x7, y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = x7 ^ y11;
  const Word y17 = y10 ^ y11, y19 = y10 ^ y8, y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = x0 ^ y16;

  const Word t2 = y12 & y15, t3 = y3 & y6, t4 = t3 ^ t2, t5 = y4 & x7, t6 = t5 ^ t2;
  const Word t7 = y13 & y16, t8 = y5 & y1, t9 = t8 ^ t7, t10 = y2 & y7, t11 = t10 ^ t7;
  const Word t12 = y9 & y11, t13 = y14 & y17, t14 = t13 ^ t12, t15 = y8 & y10, t16 = t15 ^ t12;
  const Word t17 = t4 ^ t14, t18 = t6 ^ t16, t19 = t9 ^ t14, t20 = t11 ^ t16;
  const Word t21 = t17 ^ y20, t22 = t18 ^ y19, t23 = t19 ^ y21, t24 = t20 ^ y18;
  const Word t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26, t28 = t25 & t27, t29 = t28 ^ t22;
  const Word t30 = t23 ^ t24, t31 = t22 ^ t26, t32 = t31 & t30, t33 = t32 ^ t24, t34 = t23 ^ t33;
  const Word t35 = t27 ^ t33, t36 = t24 & t35, t37 = t36 ^ t34, t38 = t27 ^ t36, t39 = t29 & t38;
  const Word t40 = t25 ^ t39, t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37, t45 = t42 ^ t41;
  const Word z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & x7, z3 = t43 & y16, z4 = t40 & y1, z5 = t29 & y7;
  const Word z6 = t42 & y11, z7 = t45 & y17, z8 = t41 & y10, z9 = t44 & y12, z10 = t37 & y3, z11 = t33 & y4;
  const Word z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2, z15 = t42 & y9, z16 = t45 & y14, z17 = t41 & y8;

  const Word t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10, t50 = z2 ^ z12, t51 = z2 ^ z5;
  const Word t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7, t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53;
  const Word t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58;
  const Word t64 = z4 ^ t59, t65 = t61 ^ t62, t66 = z1 ^ t63, t67 = t64 ^ t65;
  const Word s3 = t53 ^ t66;
  q[7] = t59 ^ t63;
  q[6] = t64 ^ ~s3;
  q[5] = t55 ^ ~t67;
  q[4] = s3;
  q[3] = t51 ^ t66;
  q[2] = t47 ^ t65;
  q[1] = t56 ^ ~t62;
  q[0] = t48 ^ ~t60;
}

template <class Word>
void shift_rows(Slices<Word>& q) {
  for (Word& x : q) {
    x = (x & Lane{0x000000000000ffff}) | ((x & Lane{0x00000000fff00000}) >> 4) |
        ((x & Lane{0x00000000000f0000}) << 12) | ((x & Lane{0x0000ff0000000000}) >> 8) |
        ((x & Lane{0x000000ff00000000}) << 8) | ((x & Lane{0xf000000000000000}) >> 12) |
        ((x & Lane{0x0fff000000000000}) << 4);
  }
}

template <class Word>
void mix_columns(Slices<Word>& q) {
  // Row r becomes 2 (a[r] + a[r+1]) + a[r+1] + a[r+2] + a[r+3], and doubling is modulo x^8 + x^4 + x^3 + x + 1.
  Slices<Word> next, sum;
  for (int i = 0; i < 8; ++i) {
    next[i] = q[i] >> 16 | q[i] << 48;
    sum[i] = q[i] ^ next[i];
  }
  for (int i = 0; i < 8; ++i) {
    q[i] = next[i] ^ (sum[i] >> 32 | sum[i] << 32) ^ sum[(i + 7) % 8];
    if (i == 1 || i == 3 || i == 4) q[i] ^= sum[7];
  }
}

template <class Word>
void add_round_key(Slices<Word>& q, const Lane (&round_key)[8]) {
  for (int i = 0; i < 8; ++i) q[i] ^= round_key[i];
}

// FIPS 197, section 5.3.1: each row is shifted by as much to the other side. Four times is once around.
void inverse_shift_rows(Slices<Lane>& q) {
  for (int i = 0; i < 3; ++i) shift_rows(q);
}

// Section 5.3.3. The polynomial of MixColumns has order 4, so its inverse is its third power.
void inverse_mix_columns(Slices<Lane>& q) {
  for (int i = 0; i < 3; ++i) mix_columns(q);
}

// The inverse of the affine map in the S-box (section 5.1.1, with the constant 0x63): bit i of the result is the sum of
// bits i + 2, i + 5 and i + 7, and the constant 0x05.
void inverse_affine(Slices<Lane>& q) {
  Slices<Lane> sum;
  for (int i = 0; i < 8; ++i) sum[i] = q[(i + 2) % 8] ^ q[(i + 5) % 8] ^ q[(i + 7) % 8];
  for (int i = 0; i < 8; ++i) q[i] = i == 0 || i == 2 ? ~sum[i] : sum[i];
}

// S = A I with the inversion I, so the inverse of S is I A' = A' S A', where A' is the inverse of A.
void inverse_sub_bytes(Slices<Lane>& q) {
  inverse_affine(q);
  sub_bytes(q);
  inverse_affine(q);
}

// The round key at each of four blocks, bitsliced.
void slice_round_key(const Byte* key, Slices<Lane>& q) {
  q[0] = spread(load_column(key)) | spread(load_column(key + 8)) << 8;
  q[4] = spread(load_column(key + 4)) | spread(load_column(key + 12)) << 8;
  for (int k = 1; k < 4; ++k) {
    q[k] = q[0];
    q[4 + k] = q[4];
  }
  transpose(q);
}

std::uint32_t sub_word(std::uint32_t word) {
  Slices<Lane> q{word};
  transpose(q);
  sub_bytes(q);
  transpose(q);
  const auto substituted = static_cast<std::uint32_t>(q[0]);
  wipe({reinterpret_cast<Byte*>(q), sizeof q});
  return substituted;
}

}  // namespace

unsigned aes_expand(Bytes key, MutableBytes round_keys) {
  const std::size_t nk = key.size() / 4;
  const std::size_t rounds = nk + 6;
  std::uint32_t word = 0;
  std::uint32_t rcon = 1;
  for (std::size_t i = 0; i < 4 * (rounds + 1); ++i) {
    if (i < nk) {
      word = load_column(&key[4 * i]);
    } else {
      if (i % nk == 0) {
        word = sub_word(std::rotr(word, 8)) ^ rcon;
        rcon = (rcon << 1) ^ (rcon >> 7) * 0x11b;
      } else if (nk == 8 && i % nk == 4) {
        word = sub_word(word);
      }
      word ^= load_column(&round_keys[4 * (i - nk)]);
    }
    store_column(word, &round_keys[4 * i]);
  }
  return static_cast<unsigned>(rounds);
}

AesCounter::AesCounter(Bytes round_keys, unsigned rounds, std::span<const Byte, 12> nonce, std::uint32_t counter)
    : rounds_(rounds), counter_(counter) {
  for (unsigned round = 0; round <= rounds; ++round) slice_round_key(&round_keys[16 * round], round_keys_[round]);
  for (std::size_t i = 0; i < 3; ++i) nonce_[i] = load_column(&nonce[4 * i]);
}

AesCounter::~AesCounter() { wipe({reinterpret_cast<Byte*>(round_keys_), sizeof round_keys_}); }

void AesCounter::next(Batch& key_stream) {
  Slices<Lanes> q;
  for (unsigned k = 0; k < 4; ++k) {
    const Lane even = spread(nonce_[0]) | spread(nonce_[2]) << 8;
    const Lane odd = spread(nonce_[1]);
    q[k] = Lanes{even, even};
    q[4 + k] =
        Lanes{odd | spread(std::byteswap(counter_ + k)) << 8, odd | spread(std::byteswap(counter_ + 4 + k)) << 8};
  }
  counter_ += 8;

  transpose(q);
  add_round_key(q, round_keys_[0]);
  for (unsigned round = 1; round < rounds_; ++round) {
    sub_bytes(q);
    shift_rows(q);
    mix_columns(q);
    add_round_key(q, round_keys_[round]);
  }
  sub_bytes(q);
  shift_rows(q);
  add_round_key(q, round_keys_[rounds_]);
  transpose(q);

  Byte* out = key_stream.mutable_bytes().data();
  for (int lane = 0; lane < 2; ++lane) {
    for (int k = 0; k < 4; ++k, out += 16) {
      store_column(gather(q[k][lane]), out);
      store_column(gather(q[4 + k][lane]), out + 4);
      store_column(gather(q[k][lane] >> 8), out + 8);
      store_column(gather(q[4 + k][lane] >> 8), out + 12);
    }
  }
  wipe({reinterpret_cast<Byte*>(q), sizeof q});
}

// FIPS 197, section 5.3, with one block in the place of four.
void aes_decrypt_block(Bytes round_keys, unsigned rounds, std::span<Byte, 16> block) {
  Slices<Lane> q{}, key;
  q[0] = spread(load_column(&block[0])) | spread(load_column(&block[8])) << 8;
  q[4] = spread(load_column(&block[4])) | spread(load_column(&block[12])) << 8;
  transpose(q);
  for (unsigned round = rounds; round > 0; --round) {
    slice_round_key(&round_keys[16 * round], key);
    add_round_key(q, key);
    if (round < rounds) inverse_mix_columns(q);
    inverse_shift_rows(q);
    inverse_sub_bytes(q);
  }
  slice_round_key(round_keys.data(), key);
  add_round_key(q, key);
  transpose(q);
  store_column(gather(q[0]), &block[0]);
  store_column(gather(q[4]), &block[4]);
  store_column(gather(q[0] >> 8), &block[8]);
  store_column(gather(q[4] >> 8), &block[12]);
  wipe({reinterpret_cast<Byte*>(q), sizeof q});
  wipe({reinterpret_cast<Byte*>(key), sizeof key});
}

}  // namespace limpid::crypto::portable
