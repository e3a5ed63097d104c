#include "limpid/crypto/x86/sha256.hpp"

#include <immintrin.h>

#include "limpid/crypto/sha256_constants.hpp"

#define TARGET __attribute__((target("sha,ssse3,sse4.1")))
#define KERNEL TARGET __attribute__((always_inline)) inline

namespace limpid::crypto::x86 {
namespace {

using Words = __m128i;  // four of 32 bits

KERNEL Words load(const void* from) { return _mm_loadu_si128(static_cast<const Words*>(from)); }
KERNEL Words reverse_words(Words words) {
  return _mm_shuffle_epi8(words, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

// The eight working variables of FIPS 180-4, section 6.2.2, in the order that the instructions want, the first named
// highest.
struct Working {
  Words abef, cdgh;
};

KERNEL Working load_working(const std::array<std::uint64_t, 8>& chaining) {
  int words[8];
  for (std::size_t i = 0; i < 8; ++i) words[i] = static_cast<int>(chaining[i]);
  return {_mm_set_epi32(words[0], words[1], words[4], words[5]), _mm_set_epi32(words[2], words[3], words[6], words[7])};
}

KERNEL void store_working(std::array<std::uint64_t, 8>& chaining, Working working) {
  const auto put = [](std::uint64_t& to, int word) { to = static_cast<std::uint32_t>(word); };
  put(chaining[0], _mm_extract_epi32(working.abef, 3));
  put(chaining[1], _mm_extract_epi32(working.abef, 2));
  put(chaining[2], _mm_extract_epi32(working.cdgh, 3));
  put(chaining[3], _mm_extract_epi32(working.cdgh, 2));
  put(chaining[4], _mm_extract_epi32(working.abef, 1));
  put(chaining[5], _mm_extract_epi32(working.abef, 0));
  put(chaining[6], _mm_extract_epi32(working.cdgh, 1));
  put(chaining[7], _mm_extract_epi32(working.cdgh, 0));
}

// Four rounds. Two rounds turn the first half of the variables into what the second half is after them, and the other
// way round, so the halves change places twice.
KERNEL void four_rounds(Working& working, Words schedule, const std::uint32_t* constants) {
  const Words sum = _mm_add_epi32(schedule, load(constants));
  working.cdgh = _mm_sha256rnds2_epu32(working.cdgh, working.abef, sum);
  working.abef = _mm_sha256rnds2_epu32(working.abef, working.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

// The next four words of the message schedule from the last sixteen, oldest first.
KERNEL Words next_schedule(Words w0, Words w1, Words w2, Words w3) {
  const Words sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

}  // namespace

TARGET void sha256_compress(std::array<std::uint64_t, 8>& chaining, Bytes blocks) {
  const std::uint32_t* const constants = sha256_constants.data();
  Working working = load_working(chaining);
  for (const Byte *at = blocks.data(), *end = at + blocks.size(); at != end; at += 64) {
    const Working before = working;
    Words w[4];  // the last sixteen words, as a ring
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) w[i] = reverse_words(load(at + 16 * i));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      if (i >= 4) w[i % 4] = next_schedule(w[i % 4], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
      four_rounds(working, w[i % 4], constants + 4 * i);
    }
    working.abef = _mm_add_epi32(working.abef, before.abef);
    working.cdgh = _mm_add_epi32(working.cdgh, before.cdgh);
  }
  store_working(chaining, working);
}

}  // namespace limpid::crypto::x86
