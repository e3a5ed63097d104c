#include "limpid/crypto/x86/aes_gcm.hpp"

#include <immintrin.h>

#include "limpid/core/constant_time.hpp"

// Everything but the public functions at the end has internal linkage and is code for this target or inlined into it:
// no wide copy of a function can be picked by the linker for a CPU without these instructions.
#define TARGET __attribute__((target("aes,pclmul,ssse3")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using Block = __m128i;
constexpr std::size_t block_size = 16;
constexpr std::size_t batch_blocks = 8;
constexpr std::size_t batch_size = batch_blocks * block_size;

KERNEL Block load(const Byte* from) { return _mm_loadu_si128(reinterpret_cast<const Block*>(from)); }
KERNEL void store(Byte* to, Block block) { _mm_storeu_si128(reinterpret_cast<Block*>(to), block); }
KERNEL Block reverse_bytes(Block block) {
  return _mm_shuffle_epi8(block, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}
// The first n < 16 bytes, zeros behind them.
KERNEL Block load_part(const Byte* from, std::size_t n) {
  alignas(16) Byte padded[block_size]{};
  for (std::size_t i = 0; i < n; ++i) padded[i] = from[i];
  return load(padded);
}
KERNEL void store_part(Byte* to, Block block, std::size_t n) {
  alignas(16) Byte whole[block_size];
  store(whole, block);
  for (std::size_t i = 0; i < n; ++i) to[i] = whole[i];
  wipe(whole);
}

// ---- GHASH, in the form of GcmKey::powers: blocks are byte-reversed, then little-endian ----------------------------

// A sum of products before reduction: low + middle x^64 + high x^128.
struct Product {
  Block low, middle, high;
};

KERNEL void add_product(Product& sum, Block a, Block b) {
  sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128(a, b, 0x00));
  sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128(a, b, 0x11));
  sum.middle = _mm_xor_si128(sum.middle, _mm_clmulepi64_si128(a, b, 0x01));
  sum.middle = _mm_xor_si128(sum.middle, _mm_clmulepi64_si128(a, b, 0x10));
}

// Divides by x^128 modulo x^128 + x^127 + x^126 + x^121 + 1, 64 bits at a time: the low word times the constant is the
// multiple of the modulus that clears it, but for the word's own terms 1 and x^128, which the swap adds.
KERNEL Block reduce(Product product) {
  const Block constant = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 0);
  Block low = _mm_xor_si128(product.low, _mm_slli_si128(product.middle, 8));
  const Block high = _mm_xor_si128(product.high, _mm_srli_si128(product.middle, 8));
  low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, constant, 0x10));
  low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, constant, 0x10));
  return _mm_xor_si128(high, low);
}

KERNEL Block multiply(Block a, Block b) {
  Product product{};
  add_product(product, a, b);
  return reduce(product);
}

// H^n, 1 <= n <= 9.
KERNEL Block power(const Byte* powers, std::size_t n) { return load(powers + block_size * (GcmKey::power_count - n)); }

// Hashes eight blocks with one reduction.
KERNEL Block hash_batch(Block hash, const Byte* blocks, const Byte* powers) {
  Product sum{};
  add_product(sum, _mm_xor_si128(hash, reverse_bytes(load(blocks))), power(powers, batch_blocks));
#pragma GCC unroll 8
  for (std::size_t i = 1; i < batch_blocks; ++i) {
    add_product(sum, reverse_bytes(load(blocks + block_size * i)), power(powers, batch_blocks - i));
  }
  return reduce(sum);
}

// Hashes bytes, padded to whole blocks, and `last` behind them if there is one: one reduction for eight blocks and one
// for the rest. Not inlined: seal and open come here for what is not beside encryption.
TARGET __attribute__((noinline)) Block hash_bytes(Block hash, const Byte* bytes, std::size_t size, const Block* last,
                                                  const Byte* powers) {
  for (; size >= batch_size; size -= batch_size, bytes += batch_size) hash = hash_batch(hash, bytes, powers);
  std::size_t left = (size + block_size - 1) / block_size + (last != nullptr ? 1 : 0);
  if (left == 0) return hash;
  Product sum{};
  for (; size != 0; --left) {
    const std::size_t n = size < block_size ? size : block_size;
    const Block block = n == block_size ? load(bytes) : load_part(bytes, n);
    add_product(sum, _mm_xor_si128(hash, reverse_bytes(block)), power(powers, left));
    hash = _mm_setzero_si128();
    bytes += n;
    size -= n;
  }
  if (last != nullptr) add_product(sum, _mm_xor_si128(hash, *last), power(powers, 1));
  return reduce(sum);
}

KERNEL Block hash_aad(Bytes aad, const Byte* powers) {
  return hash_bytes(_mm_setzero_si128(), aad.data(), aad.size(), nullptr, powers);
}

KERNEL Block lengths(std::size_t aad, std::size_t text) {
  return _mm_set_epi64x(static_cast<long long>(aad * 8), static_cast<long long>(text * 8));
}

// ---- AES in counter mode -------------------------------------------------------------------------------------------

// Counter blocks byte-reversed, so that the counter is the lowest 32 bits.
KERNEL Block counter_block(const Byte* nonce, int counter) {
  int words[3];
  __builtin_memcpy(words, nonce, sizeof words);
  return reverse_bytes(_mm_set_epi32(__builtin_bswap32(counter), words[2], words[1], words[0]));
}

KERNEL Block round_key(const Byte* round_keys, unsigned round) { return load(round_keys + block_size * round); }

// AES-128 has ten rounds and AES-256 fourteen. Nine are common to both; four more come before the last.
struct RoundKeys {
  const Byte* first;
  const Byte* last;
  bool more;
};
constexpr unsigned common_rounds = 9, all_rounds = 13;

KERNEL RoundKeys round_keys_of(const GcmKey& key) {
  const Byte* const first = key.round_keys.bytes().data();
  return {first, first + block_size * key.rounds, key.rounds > common_rounds + 1};
}

// Fills `batch` with the next counter blocks, whitened.
KERNEL void start_batch(Block (&batch)[batch_blocks], Block& counter, RoundKeys keys) {
#pragma GCC unroll 8
  for (Block& block : batch) {
    block = _mm_xor_si128(reverse_bytes(counter), load(keys.first));
    counter = _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, 1));
  }
}
KERNEL void encrypt_round(Block (&batch)[batch_blocks], Block key) {
#pragma GCC unroll 8
  for (Block& block : batch) block = _mm_aesenc_si128(block, key);
}
KERNEL void encrypt_more_rounds(Block (&batch)[batch_blocks], RoundKeys keys) {
  if (!keys.more) return;
#pragma GCC unroll 4
  for (unsigned round = common_rounds + 1; round <= all_rounds; ++round) {
    encrypt_round(batch, round_key(keys.first, round));
  }
}
KERNEL void last_round(Block (&batch)[batch_blocks], Block key) {
#pragma GCC unroll 8
  for (Block& block : batch) block = _mm_aesenclast_si128(block, key);
}
KERNEL void xor_batch(const Block (&batch)[batch_blocks], const Byte* in, Byte* out) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < batch_blocks; ++i) {
    store(out + block_size * i, _mm_xor_si128(batch[i], load(in + block_size * i)));
  }
}

KERNEL void crypt_batch(Block& counter, RoundKeys keys, const Byte* in, Byte* out) {
  Block batch[batch_blocks];
  start_batch(batch, counter, keys);
#pragma GCC unroll 16
  for (unsigned round = 1; round <= common_rounds; ++round) encrypt_round(batch, round_key(keys.first, round));
  encrypt_more_rounds(batch, keys);
  last_round(batch, load(keys.last));
  xor_batch(batch, in, out);
}

// The same, and beside it hashes the eight blocks at `hashed`, a block a round: the two use different execution units.
KERNEL Block crypt_and_hash_batch(Block& counter, RoundKeys keys, const Byte* in, Byte* out, Block hash,
                                  const Byte* hashed, const Byte* powers) {
  Block batch[batch_blocks];
  start_batch(batch, counter, keys);
  Product sum{};
#pragma GCC unroll 16
  for (unsigned round = 1; round <= common_rounds; ++round) {
    encrypt_round(batch, round_key(keys.first, round));
    if (round <= batch_blocks) {
      const Block block = reverse_bytes(load(hashed + block_size * (round - 1)));
      add_product(sum, round == 1 ? _mm_xor_si128(block, hash) : block, power(powers, batch_blocks + 1 - round));
    }
  }
  encrypt_more_rounds(batch, keys);
  last_round(batch, load(keys.last));
  xor_batch(batch, in, out);
  return reduce(sum);
}

// The key stream for what is left of the text, less than a batch, and the block that masks the tag.
struct LastBatch {
  Block text[batch_blocks];
  Block mask;
};

KERNEL void last_batch(LastBatch& batch, Block counter, const Byte* nonce, RoundKeys keys) {
  start_batch(batch.text, counter, keys);
  batch.mask = _mm_xor_si128(reverse_bytes(counter_block(nonce, 1)), load(keys.first));
  for (unsigned round = 1, rounds = keys.more ? all_rounds : common_rounds; round <= rounds; ++round) {
    const Block key = round_key(keys.first, round);
    encrypt_round(batch.text, key);
    batch.mask = _mm_aesenc_si128(batch.mask, key);
  }
  last_round(batch.text, load(keys.last));
  batch.mask = _mm_aesenclast_si128(batch.mask, load(keys.last));
}

KERNEL void crypt_rest(const LastBatch& batch, const Byte* in, Byte* out, std::size_t size) {
  std::size_t i = 0;
  for (; size >= block_size; ++i, size -= block_size, in += block_size, out += block_size) {
    store(out, _mm_xor_si128(load(in), batch.text[i]));
  }
  if (size != 0) store_part(out, _mm_xor_si128(load_part(in, size), batch.text[i]), size);
}

TARGET void seal(const GcmKey& key, const Byte* nonce, Bytes aad, Bytes plaintext, Byte* out) {
  const RoundKeys keys = round_keys_of(key);
  const Byte* const powers = key.powers.bytes().data();
  const Byte* in = plaintext.data();
  std::size_t size = plaintext.size();
  Block counter = counter_block(nonce, 2);
  Block hash = hash_aad(aad, powers);
  const Byte* hashed = out;
  if (size >= batch_size) {
    crypt_batch(counter, keys, in, out);
    in += batch_size;
    out += batch_size;
    size -= batch_size;
    for (; size >= batch_size; in += batch_size, out += batch_size, size -= batch_size) {
      hash = crypt_and_hash_batch(counter, keys, in, out, hash, out - batch_size, powers);
    }
    hashed = out - batch_size;
  }
  LastBatch batch;
  last_batch(batch, counter, nonce, keys);
  crypt_rest(batch, in, out, size);
  const Block last = lengths(aad.size(), plaintext.size());
  hash = hash_bytes(hash, hashed, static_cast<std::size_t>(out - hashed) + size, &last, powers);
  store(out + size, _mm_xor_si128(reverse_bytes(hash), batch.mask));
  wipe({reinterpret_cast<Byte*>(&batch), sizeof batch});
}

TARGET bool open(const GcmKey& key, const Byte* nonce, Bytes aad, MutableBytes text, const Byte* tag) {
  const RoundKeys keys = round_keys_of(key);
  const Byte* const powers = key.powers.bytes().data();
  const std::size_t rest = text.size() % batch_size;
  Byte* const whole_end = text.data() + (text.size() - rest);

  Block hash = hash_aad(aad, powers);
  const Block last = lengths(aad.size(), text.size());
  hash = hash_bytes(hash, text.data(), text.size(), &last, powers);

  Block counter = counter_block(nonce, 2);
  LastBatch batch;
  const Block rest_counter =
      _mm_add_epi32(counter, _mm_cvtsi32_si128(static_cast<int>((text.size() - rest) / block_size)));
  last_batch(batch, rest_counter, nonce, keys);
  const Block difference = _mm_xor_si128(_mm_xor_si128(reverse_bytes(hash), batch.mask), load(tag));
  const bool matches = declassify(_mm_movemask_epi8(_mm_cmpeq_epi8(difference, _mm_setzero_si128())) == 0xffff);
  if (matches) {
    for (Byte* at = text.data(); at != whole_end; at += batch_size) crypt_batch(counter, keys, at, at);
    crypt_rest(batch, whole_end, whole_end, rest);
  }
  wipe({reinterpret_cast<Byte*>(&batch), sizeof batch});
  return matches;
}

// ---- The key schedule (FIPS 197, section 5.2) ----------------------------------------------------------------------

// The next four words: `previous` are the four words Nk before them, `substituted` is in each word what FIPS 197 adds
// to the first of them.
KERNEL Block next_round_key(Block previous, Block substituted) {
  previous = _mm_xor_si128(previous, _mm_slli_si128(previous, 4));
  previous = _mm_xor_si128(previous, _mm_slli_si128(previous, 8));
  return _mm_xor_si128(previous, substituted);
}

// FIPS 197's SubWord(RotWord(word 3)) ^ Rcon, and its SubWord(word 3), in every word: ShiftRows of a block whose words
// are equal does nothing, so that a last round is SubBytes alone. (AESKEYGENASSIST takes several times as long.)
KERNEL Block rotated_word(Block block, int rcon) {
  return _mm_aesenclast_si128(_mm_shuffle_epi8(block, _mm_set1_epi32(0x0c0f0e0d)), _mm_set1_epi32(rcon));
}
KERNEL Block plain_word(Block block) {
  return _mm_aesenclast_si128(_mm_shuffle_epi32(block, 0xff), _mm_setzero_si128());
}

KERNEL int next_rcon(int rcon) { return (rcon << 1) ^ (rcon >> 7) * 0x11b; }

TARGET unsigned expand_128(const Byte* key, Byte* round_keys) {
  Block words = load(key);
  store(round_keys, words);
  int rcon = 1;
  for (unsigned round = 1; round <= 10; ++round, rcon = next_rcon(rcon)) {
    words = next_round_key(words, rotated_word(words, rcon));
    store(round_keys + block_size * round, words);
  }
  return 10;
}

TARGET unsigned expand_256(const Byte* key, Byte* round_keys) {
  Block even = load(key), odd = load(key + block_size);
  store(round_keys, even);
  store(round_keys + block_size, odd);
  int rcon = 1;
  for (unsigned round = 2; round <= 14; round += 2, rcon = next_rcon(rcon)) {
    even = next_round_key(even, rotated_word(odd, rcon));
    store(round_keys + block_size * round, even);
    if (round == 14) break;
    odd = next_round_key(odd, plain_word(even));
    store(round_keys + block_size * (round + 1), odd);
  }
  return 14;
}

}  // namespace

TARGET void gcm_expand(Bytes key, GcmKey& expanded) {
  Byte* const round_keys = expanded.round_keys.mutable_bytes().data();
  expanded.rounds = key.size() == 16 ? expand_128(key.data(), round_keys) : expand_256(key.data(), round_keys);

  Block h = round_key(round_keys, 0);
  for (unsigned round = 1; round < expanded.rounds; ++round) h = _mm_aesenc_si128(h, round_key(round_keys, round));
  h = reverse_bytes(_mm_aesenclast_si128(h, round_key(round_keys, expanded.rounds)));
  // Times x, modulo the polynomial of `reduce`.
  const Block carry = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);
  const Block shifted = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(_mm_srli_epi64(h, 63), 8));
  h = _mm_xor_si128(shifted, _mm_and_si128(carry, _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1)));

  Block power = h;
  for (std::size_t i = 0; i < GcmKey::power_count; ++i) {
    if (i != 0) power = multiply(power, h);
    store(expanded.powers.mutable_bytes().data() + block_size * (GcmKey::power_count - 1 - i), power);
  }
}

void gcm_seal(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext, Byte* out) {
  seal(key, nonce.data(), aad, plaintext, out);
}

bool gcm_open(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, MutableBytes text,
              std::span<const Byte, 16> tag) {
  return open(key, nonce.data(), aad, text, tag.data());
}

}  // namespace limpid::crypto::x86
