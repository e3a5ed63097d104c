#include "limpid/crypto/x86/poly1305.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/support/cpu.hpp"
#include "tests/support/random.hpp"

namespace limpid::crypto {
namespace {

std::vector<Byte> padded(Bytes bytes) {
  std::vector<Byte> result(bytes.begin(), bytes.end());
  result.resize((bytes.size() + 15) / 16 * 16);
  return result;
}

// RFC 8439, section 2.8, over libsodium's Poly1305.
std::vector<Byte> tag_by_libsodium(Bytes key, Bytes aad, Bytes text) {
  std::vector<Byte> message = padded(aad);
  const std::vector<Byte> rest = padded(text);
  message.insert(message.end(), rest.begin(), rest.end());
  for (const std::uint64_t size : {aad.size(), text.size()}) {
    for (int i = 0; i < 8; ++i) message.push_back(static_cast<Byte>(size >> (8 * i)));
  }
  std::vector<Byte> tag(16);
  crypto_onetimeauth_poly1305(tag.data(), message.data(), message.size(), key.data());
  return tag;
}

// Numbers close to multiples of the prime, and limbs that are full or empty, which random bytes hardly ever make: r is
// small or as large as may be, and bytes are mostly 0 and 255.
TEST(Poly1305, CarriesAsLibsodiumDoes) {
  if (!test::best_cpu().avx512_ifma) return;  // as test::cpu_paths() leaves out what the CPU cannot run
  test::Random random(1);
  const auto extreme_bytes = [&](std::size_t n) {
    static constexpr Byte choices[] = {0, 255, 255, 255, 254, 251, 250, 5, 4, 3, 1};
    const bool steady = random.below(2) == 0;
    const Byte one = choices[random.below(std::size(choices))];
    std::vector<Byte> bytes(n);
    for (Byte& byte : bytes) byte = steady && random.below(16) != 0 ? one : choices[random.below(std::size(choices))];
    return bytes;
  };
  for (int i = 0; i < 20'000; ++i) {
    std::vector<Byte> key = extreme_bytes(32);
    if (random.below(3) == 0) {  // r below 256
      std::fill(key.begin(), key.begin() + 16, Byte{0});
      key[0] = static_cast<Byte>(random.below(6));
    }
    const auto aad = extreme_bytes(random.below(3) == 0 ? random.below(300) : random.below(20));
    const auto text = extreme_bytes(random.below(600));
    const Secret<16> tag = x86::poly1305_tag(std::span<const Byte, 32>(key), aad, text);
    ASSERT_EQ(tag.bytes(), Bytes(tag_by_libsodium(key, aad, text))) << i;
  }
}

// With r = 1 the hash is the sum of the blocks. Here that is 2^130 - 5 + n: three times 2^128 from three blocks, 32
// times 2^64 from the length, and the rest from the text.
TEST(Poly1305, ReducesAtTheEdge) {
  if (!test::best_cpu().avx512_ifma) return;  // as test::cpu_paths() leaves out what the CPU cannot run
  std::vector<Byte> key(32);
  key[0] = 1;
  for (int n = -40; n <= 40; ++n) {
    std::vector<Byte> text(32);
    std::fill(text.begin(), text.begin() + 16, Byte{255});  // 2^128 - 32 * 2^64 - 100
    text[0] = 256 - 100;
    text[8] = 255 - 32;
    text[16] = static_cast<Byte>(100 - 5 + n);
    const Secret<16> tag = x86::poly1305_tag(std::span<const Byte, 32>(key), {}, text);
    std::vector<Byte> expected(16, n < 0 ? 255 : 0);
    expected[0] = static_cast<Byte>(n < 0 ? n - 5 : n);
    ASSERT_EQ(tag.bytes(), Bytes(expected)) << n;
    ASSERT_EQ(tag.bytes(), Bytes(tag_by_libsodium(key, {}, text))) << n;
  }
}

}  // namespace
}  // namespace limpid::crypto
