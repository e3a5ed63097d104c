// The arithmetic modulo L against GMP.
#include "limpid/crypto/scalar25519.hpp"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include "tests/support/random.hpp"

namespace limpid::crypto::scalar25519 {
namespace {

template <std::size_t N>
mpz_class to_gmp(const Limbs<N>& a) {
  mpz_class number;
  mpz_import(number.get_mpz_t(), N, -1, 8, 0, 0, a.limb);
  return number;
}

// RFC 8032, section 5.1, rather than the limbs of what is tested.
const mpz_class l = (mpz_class(1) << 252) + mpz_class("27742317777372353535851937790883648493");

mpz_class reduced(const mpz_class& a) {
  mpz_class result;
  mpz_mod(result.get_mpz_t(), a.get_mpz_t(), l.get_mpz_t());
  return result;
}

// Limbs of all zeros and all ones are where carries go wrong.
template <std::size_t N>
Limbs<N> jagged(test::Random& random) {
  Limbs<N> number{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto choice = random.below(4);
    number[i] = choice == 0 ? 0 : choice == 1 ? ~Limb{0} : random.next();
  }
  return number;
}

std::vector<Limbs<4>> edges() {
  Limbs<4> largest{~Limb{0}, ~Limb{0}, ~Limb{0}, ~Limb{0}}, below = order, above = order;
  below[0] -= 1;
  above[0] += 1;
  return {Limbs<4>{}, Limbs<4>::from_word(1), Limbs<4>::from_word(2), below, order, above, largest};
}

TEST(Scalar25519, TheOrderIsThatOfTheRfc) { EXPECT_EQ(to_gmp(order), l); }

TEST(Scalar25519, ProductsAndSumsAreThoseOfGmp) {
  test::Random random(1);
  std::vector<Limbs<4>> factors = edges(), summands;
  for (int i = 0; i < 60; ++i) factors.push_back(jagged<4>(random));
  for (const auto& c : edges()) {
    if (mask_if_less(c, order) != 0) summands.push_back(c);
  }
  summands.push_back(reduce(jagged<8>(random)));
  for (const auto& a : factors) {
    for (const auto& b : factors) {
      for (const auto& c : summands) {
        ASSERT_EQ(to_gmp(multiply_add(a, b, c)), reduced(to_gmp(a) * to_gmp(b) + to_gmp(c)));
      }
    }
  }
}

TEST(Scalar25519, DigestsAreReduced) {
  test::Random random(2);
  for (int i = 0; i < 5'000; ++i) {
    const auto number = jagged<8>(random);
    ASSERT_EQ(to_gmp(reduce(number)), reduced(to_gmp(number)));
  }
}

TEST(Scalar25519, SignedBitsAddUpToTheScalar) {
  test::Random random(3);
  std::vector<Limbs<4>> scalars = edges();
  for (int i = 0; i < 1'000; ++i) scalars.push_back(jagged<4>(random));
  for (const auto& k : scalars) {
    const auto digits = signed_bits(k);
    mpz_class sum = 0;
    for (std::size_t i = 256; i-- > 0;) sum = 2 * sum + (bits(digits, i, 1) != 0 ? 1 : -1);
    ASSERT_EQ(reduced(sum), reduced(to_gmp(k)));
  }
}

TEST(Scalar25519, ClampedScalarsAreMultiplesOfEightOfTheSameLength) {
  test::Random random(4);
  for (int i = 0; i < 100; ++i) {
    auto bytes = random.bytes(32);
    const auto scalar = clamped(Bytes(bytes).first<32>());
    bytes[0] &= 0xf8;
    bytes[31] = static_cast<Byte>((bytes[31] & 0x7f) | 0x40);
    ASSERT_TRUE(mask_if_equal(scalar, from_little_endian<4>(Bytes(bytes).first<32>())) != 0);
  }
}

}  // namespace
}  // namespace limpid::crypto::scalar25519
