#include "limpid/crypto/x86/vaes_gcm.hpp"

#include "limpid/core/constant_time.hpp"
#include "limpid/crypto/x86/intrinsics.hpp"

// As in aes_gcm.cpp, everything but the public functions has internal linkage and is inlined into code for this target.
#define TARGET __attribute__((target("aes,pclmul,vaes,vpclmulqdq,avx512f,avx512bw,avx512dq,avx512vl")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using Block = __m128i;
using Vector = __m512i;  // four lanes, a block in each
constexpr std::size_t block_size = 16;
constexpr std::size_t lanes = 4;
constexpr std::size_t vector_size = lanes * block_size;
constexpr std::size_t batch_vectors = 4;
constexpr std::size_t batch_size = batch_vectors * vector_size;

KERNEL Block load_block(const Byte* from) { return _mm_loadu_si128(reinterpret_cast<const Block*>(from)); }
KERNEL Vector load(const Byte* from) { return _mm512_loadu_si512(from); }
KERNEL void store(Byte* to, Vector vector) { _mm512_storeu_si512(to, vector); }
KERNEL Vector broadcast(Block block) { return _mm512_broadcast_i32x4(block); }
// The bytes of each block in reverse.
KERNEL Vector reverse_bytes(Vector blocks) {
  return _mm512_shuffle_epi8(blocks, broadcast(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}
KERNEL Vector xor3(Vector a, Vector b, Vector c) { return _mm512_xor_si512(_mm512_xor_si512(a, b), c); }

// ---- GHASH, in the form of GcmKey::powers: blocks are byte-reversed, then little-endian ----------------------------

// Sums of products before reduction, one a lane: low + middle x^64 + high x^128.
struct Product {
  Vector low, middle, high;
};

KERNEL void add_product(Product& sum, Vector a, Vector b) {
  sum.low = _mm512_xor_si512(sum.low, _mm512_clmulepi64_epi128(a, b, 0x00));
  sum.high = _mm512_xor_si512(sum.high, _mm512_clmulepi64_epi128(a, b, 0x11));
  sum.middle = xor3(sum.middle, _mm512_clmulepi64_epi128(a, b, 0x01), _mm512_clmulepi64_epi128(a, b, 0x10));
}

// Divides by x^128 modulo x^128 + x^127 + x^126 + x^121 + 1, as in aes_gcm.cpp.
KERNEL Vector reduce(Product product) {
  const Vector constant = _mm512_set1_epi64(static_cast<long long>(0xc200000000000000));
  const Vector low = _mm512_xor_si512(product.low, _mm512_bslli_epi128(product.middle, 8));
  const Vector high = _mm512_xor_si512(product.high, _mm512_bsrli_epi128(product.middle, 8));
  const Vector once =
      _mm512_xor_si512(_mm512_shuffle_epi32(low, _MM_PERM_BADC), _mm512_clmulepi64_epi128(low, constant, 0x10));
  return xor3(high, _mm512_shuffle_epi32(once, _MM_PERM_BADC), _mm512_clmulepi64_epi128(once, constant, 0x10));
}

// The sum of the lanes, in the lowest; the others are zero.
KERNEL Vector sum_of_lanes(Vector v) {
  const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  return _mm512_zextsi128_si512(_mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

// H^(4 n) and the three powers below it, which the nth vector from the end is multiplied by.
constexpr std::size_t most_vectors = GcmKey::power_count / lanes;
KERNEL const Byte* powers_of(const Byte* powers, std::size_t n) { return powers + vector_size * (most_vectors - n); }

// What the vectors of a batch are multiplied by.
struct Factors {
  Vector of[batch_vectors];
};
// Within a message each lane is a hash of its own, of every fourth block: the first lane by H^16, H^12, H^8 and H^4,
// the others as if they stood in its place. Nothing has to pass from lane to lane between one batch and the next.
KERNEL Factors inner_factors(const Byte* powers) {
  Factors factors;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < batch_vectors; ++i) {
    factors.of[i] = broadcast(load_block(powers_of(powers, batch_vectors - i)));
  }
  return factors;
}
// In the last batch each block is multiplied by its own power, H^16 to H, and the lanes are summed.
KERNEL Factors last_factors(const Byte* powers) {
  Factors factors;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < batch_vectors; ++i) {
    factors.of[i] = load(powers_of(powers, batch_vectors - i));
  }
  return factors;
}

KERNEL void add_vector(Product& sum, Vector hash, const Byte* batch, const Factors& factors, std::size_t i) {
  const Vector blocks = reverse_bytes(load(batch + vector_size * i));
  add_product(sum, i == 0 ? _mm512_xor_si512(blocks, hash) : blocks, factors.of[i]);
}

KERNEL Vector hash_batch(Vector hash, const Byte* batch, const Factors& factors) {
  Product sum{};
#pragma GCC unroll 4
  for (std::size_t i = 0; i < batch_vectors; ++i) add_vector(sum, hash, batch, factors, i);
  return reduce(sum);
}

// ---- A run of a few blocks -----------------------------------------------------------------------------------------

// Between one and seventeen blocks, of which `size` bytes are there and the rest is zero, laid out so that the last
// block is the last lane of the last vector. So each vector's factors are one load, and lanes stay free in front only.
struct Run {
  std::size_t size;     // in bytes
  std::size_t vectors;  // at most most_vectors
  std::size_t padding;  // bytes of the first vector in front of the run
};

KERNEL Run run_of(std::size_t size, std::size_t blocks) {
  const std::size_t vectors = (blocks + lanes - 1) / lanes;
  return {size, vectors, (vectors * lanes - blocks) * block_size};
}

// Which bytes of vector i are there.
KERNEL __mmask64 bytes_of(const Run& run, std::size_t i) {
  const std::size_t end = run.padding + run.size - vector_size * i;  // does not wrap: only a block of lengths is beyond
  const __mmask64 before_end = end >= vector_size ? ~std::uint64_t{0} : (std::uint64_t{1} << end) - 1;
  return i == 0 ? before_end & ~std::uint64_t{0} << run.padding : before_end;
}
// Where vector i of a run at `first` begins, which may be in front of it: only the bytes that are there are touched.
KERNEL const Byte* vector_at(const Run& run, const Byte* first, std::size_t i) {
  return reinterpret_cast<const Byte*>(reinterpret_cast<std::uintptr_t>(first) + vector_size * i - run.padding);
}
KERNEL Vector load(const Run& run, const Byte* first, std::size_t i) {
  return _mm512_maskz_loadu_epi8(bytes_of(run, i), vector_at(run, first, i));
}
KERNEL void store(const Run& run, Byte* first, std::size_t i, Vector vector) {
  _mm512_mask_storeu_epi8(const_cast<Byte*>(vector_at(run, first, i)), bytes_of(run, i), vector);
}

// Adds the product of vector i. The hash so far, the lowest lane of `hash`, is added to the first block.
KERNEL void add_vector(Product& sum, Vector hash, const Run& run, std::size_t i, Vector blocks, const Byte* powers) {
  if (i == 0) {
    const __mmask8 first_lane = static_cast<__mmask8>(3 << run.padding / 8);
    blocks = _mm512_xor_si512(blocks, _mm512_maskz_broadcast_i64x2(first_lane, _mm512_castsi512_si128(hash)));
  }
  add_product(sum, blocks, load(powers_of(powers, run.vectors - i)));
}

KERNEL Vector hash_aad(Bytes aad, const Byte* powers) {
  Vector hash = _mm512_setzero_si512();
  const Byte* bytes = aad.data();
  for (std::size_t left = aad.size(); left != 0;) {
    const std::size_t size = left < batch_size ? left : batch_size;
    const Run run = run_of(size, (size + block_size - 1) / block_size);
    Product sum{};
    for (std::size_t i = 0; i < run.vectors; ++i) {
      add_vector(sum, hash, run, i, reverse_bytes(load(run, bytes, i)), powers);
    }
    hash = sum_of_lanes(reduce(sum));
    bytes += size;
    left -= size;
  }
  return hash;
}

// ---- AES in counter mode -------------------------------------------------------------------------------------------

// AES-128 has ten rounds and AES-256 fourteen. Nine are common to both; four more come before the last.
constexpr unsigned common_rounds = 9, all_rounds = 13;
struct RoundKeys {
  Vector of[all_rounds + 1];
  Vector last;
  bool more;
};
KERNEL RoundKeys load_round_keys(const GcmKey& key) {
  const Byte* const bytes = key.round_keys.bytes().data();
  RoundKeys keys;
#pragma GCC unroll 16
  for (unsigned round = 0; round <= all_rounds; ++round) {
    keys.of[round] = broadcast(load_block(bytes + block_size * round));
  }
  keys.last = broadcast(load_block(bytes + block_size * key.rounds));
  keys.more = key.rounds > common_rounds + 1;
  return keys;
}

// The counter block of `counter` in every lane, byte-reversed, so that the counter is the lowest 32 bits.
KERNEL Vector counter_blocks(const Byte* nonce, int counter) {
  int words[3];
  __builtin_memcpy(words, nonce, sizeof words);
  return reverse_bytes(broadcast(_mm_set_epi32(__builtin_bswap32(counter), words[2], words[1], words[0])));
}
// Adds to the lowest lane's counter, 1 more to the next, and so on.
KERNEL Vector add_lane_numbers(Vector counters) {
  return _mm512_add_epi32(counters, _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0));
}
KERNEL Vector add_to_counters(Vector counters, int n) {
  return _mm512_add_epi32(counters, broadcast(_mm_set_epi32(0, 0, 0, n)));
}

KERNEL Vector encrypt(Vector blocks, const RoundKeys& keys) {
  blocks = _mm512_xor_si512(blocks, keys.of[0]);
#pragma GCC unroll 16
  for (unsigned round = 1; round <= common_rounds; ++round) blocks = _mm512_aesenc_epi128(blocks, keys.of[round]);
  if (keys.more) {
#pragma GCC unroll 4
    for (unsigned round = common_rounds + 1; round <= all_rounds; ++round) {
      blocks = _mm512_aesenc_epi128(blocks, keys.of[round]);
    }
  }
  return _mm512_aesenclast_epi128(blocks, keys.last);
}

// Encrypts or decrypts a batch, and beside it hashes the one at `hashed` if there is any, a vector a round: the two use
// different execution units.
template <bool hashing>
KERNEL Vector crypt_batch(Vector& counters, const RoundKeys& keys, const Byte* in, Byte* out, Vector hash,
                          const Byte* hashed, const Factors& factors) {
  Vector batch[batch_vectors];
#pragma GCC unroll 4
  for (Vector& blocks : batch) {
    blocks = _mm512_xor_si512(reverse_bytes(counters), keys.of[0]);
    counters = add_to_counters(counters, lanes);
  }
  Product sum{};
#pragma GCC unroll 16
  for (unsigned round = 1; round <= common_rounds; ++round) {
#pragma GCC unroll 4
    for (Vector& blocks : batch) blocks = _mm512_aesenc_epi128(blocks, keys.of[round]);
    if (hashing && round <= batch_vectors) add_vector(sum, hash, hashed, factors, round - 1);
  }
  if (keys.more) {
#pragma GCC unroll 4
    for (unsigned round = common_rounds + 1; round <= all_rounds; ++round) {
#pragma GCC unroll 4
      for (Vector& blocks : batch) blocks = _mm512_aesenc_epi128(blocks, keys.of[round]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < batch_vectors; ++i) {
    batch[i] = _mm512_aesenclast_epi128(batch[i], keys.last);
    store(out + vector_size * i, _mm512_xor_si512(batch[i], load(in + vector_size * i)));
  }
  return hashing ? reduce(sum) : hash;
}

// The end of a message: what is left of its text after whole batches, as a run whose last block is that of the lengths.
// This needs no key stream, so the tag's mask is made in its place.
struct End {
  Run run;
  Vector lengths;  // in the last lane, byte-reversed
  Vector stream[most_vectors];
};
constexpr __mmask8 last_lane = 0b11'00'00'00;

// `counters` are those of the text that is left.
KERNEL void prepare(End& end, std::size_t aad_size, std::size_t text_size, Vector counters, const Byte* nonce,
                    const RoundKeys& keys) {
  const std::size_t size = text_size % batch_size;
  end.run = run_of(size, (size + block_size - 1) / block_size + 1);
  end.lengths = _mm512_maskz_broadcast_i64x2(
      last_lane, _mm_set_epi64x(static_cast<long long>(aad_size * 8), static_cast<long long>(text_size * 8)));
  counters = add_to_counters(counters, -static_cast<int>(end.run.padding / block_size));
  for (std::size_t i = 0; i < end.run.vectors; ++i) {
    const __mmask8 mask_lane = i + 1 == end.run.vectors ? last_lane : 0;
    const Vector blocks = _mm512_mask_mov_epi64(counters, mask_lane, counter_blocks(nonce, 1));
    end.stream[i] = encrypt(reverse_bytes(blocks), keys);
    counters = add_to_counters(counters, lanes);
  }
}

// The tag, from the hash of what comes before the end and the end's ciphertext.
KERNEL Block tag_of(const End& end, Vector hash, const Byte* ciphertext, const Byte* powers) {
  Product sum{};
  for (std::size_t i = 0; i < end.run.vectors; ++i) {
    Vector blocks = reverse_bytes(load(end.run, ciphertext, i));
    if (i + 1 == end.run.vectors) blocks = _mm512_xor_si512(blocks, end.lengths);
    add_vector(sum, hash, end.run, i, blocks, powers);
  }
  const Vector mask = end.stream[end.run.vectors - 1];
  return _mm_xor_si128(_mm512_castsi512_si128(reverse_bytes(sum_of_lanes(reduce(sum)))),
                       _mm512_extracti64x2_epi64(mask, 3));
}

KERNEL void crypt_end(const End& end, const Byte* in, Byte* out) {
  for (std::size_t i = 0; i < end.run.vectors; ++i) {
    store(end.run, out, i, _mm512_xor_si512(end.stream[i], load(end.run, in, i)));
  }
}

TARGET void seal(const GcmKey& key, const Byte* nonce, Bytes aad, Bytes plaintext, Byte* out) {
  const Byte* const powers = key.powers.bytes().data();
  const RoundKeys keys = load_round_keys(key);
  const Factors inner = inner_factors(powers);
  Vector hash = hash_aad(aad, powers);
  Vector counters = add_lane_numbers(counter_blocks(nonce, 2));

  const Byte* in = plaintext.data();
  if (std::size_t batches = plaintext.size() / batch_size; batches != 0) {
    crypt_batch<false>(counters, keys, in, out, hash, nullptr, inner);
    while (in += batch_size, out += batch_size, --batches != 0) {
      hash = crypt_batch<true>(counters, keys, in, out, hash, out - batch_size, inner);
    }
    hash = sum_of_lanes(hash_batch(hash, out - batch_size, last_factors(powers)));
  }
  End end;
  prepare(end, aad.size(), plaintext.size(), counters, nonce, keys);
  crypt_end(end, in, out);
  const Block tag = tag_of(end, hash, out, powers);
  _mm_storeu_si128(reinterpret_cast<Block*>(out + end.run.size), tag);
  wipe({reinterpret_cast<Byte*>(&end), sizeof end});
}

TARGET bool open(const GcmKey& key, const Byte* nonce, Bytes aad, MutableBytes text, const Byte* tag) {
  const Byte* const powers = key.powers.bytes().data();
  const RoundKeys keys = load_round_keys(key);
  const Factors inner = inner_factors(powers);
  const std::size_t batches = text.size() / batch_size;
  Byte* const rest = text.data() + batch_size * batches;

  Vector hash = hash_aad(aad, powers);
  if (batches != 0) {
    const Byte* at = text.data();
    for (; at != rest - batch_size; at += batch_size) hash = hash_batch(hash, at, inner);
    hash = sum_of_lanes(hash_batch(hash, at, last_factors(powers)));
  }
  Vector counters = add_lane_numbers(counter_blocks(nonce, 2));
  End end;
  const int blocks_before = static_cast<int>(batches * (batch_size / block_size));
  prepare(end, aad.size(), text.size(), add_to_counters(counters, blocks_before), nonce, keys);
  const Block difference = _mm_xor_si128(tag_of(end, hash, rest, powers), load_block(tag));
  const bool matches = declassify(_mm_movemask_epi8(_mm_cmpeq_epi8(difference, _mm_setzero_si128())) == 0xffff);
  if (matches) {
    for (Byte* at = text.data(); at != rest; at += batch_size) {
      crypt_batch<false>(counters, keys, at, at, hash, nullptr, inner);
    }
    crypt_end(end, rest, rest);
  }
  wipe({reinterpret_cast<Byte*>(&end), sizeof end});
  return matches;
}

}  // namespace

void vaes_gcm_seal(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext, Byte* out) {
  seal(key, nonce.data(), aad, plaintext, out);
}

bool vaes_gcm_open(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, MutableBytes text,
                   std::span<const Byte, 16> tag) {
  return open(key, nonce.data(), aad, text, tag.data());
}

}  // namespace limpid::crypto::x86
