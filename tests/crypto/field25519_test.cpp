// The arithmetic modulo 2^255 - 19 against GMP, with digits as large as are allowed.
#include "limpid/crypto/field25519.hpp"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include "tests/support/random.hpp"

namespace limpid::crypto::field25519 {
namespace {

const mpz_class p = (mpz_class(1) << 255) - 19;

mpz_class reduced(const mpz_class& a) {
  mpz_class result;
  mpz_mod(result.get_mpz_t(), a.get_mpz_t(), p.get_mpz_t());
  return result;
}

mpz_class to_gmp(const Element& a) {
  mpz_class sum = 0;
  for (std::size_t i = digits; i-- > 0;) sum = (sum << digit_bits) + mpz_class(a.digit[i]);
  return reduced(sum);
}

mpz_class to_gmp(const Limbs<4>& a) {
  mpz_class number;
  mpz_import(number.get_mpz_t(), 4, -1, 8, 0, 0, a.limb);
  return number;
}

Limbs<4> from_gmp(const mpz_class& a) {
  Limbs<4> number{};
  mpz_export(number.limb, nullptr, -1, 8, 0, 0, a.get_mpz_t());
  return number;
}

bool is_tight(const Element& a) {
  return std::all_of(std::begin(a.digit), std::end(a.digit),
                     [](Limb digit) { return digit < (Limb{1} << 51) + (Limb{1} << 13); });
}

// Digits below `bound`, many of them at its ends, where carries go wrong.
class Elements {
 public:
  explicit Elements(std::uint64_t seed) : random_(seed) {}

  Element below(Limb bound) {
    Element a;
    for (Limb& digit : a.digit) {
      switch (random_.below(4)) {
        case 0:
          digit = 0;
          break;
        case 1:
          digit = bound - 1;
          break;
        default:
          digit = random_.next() % bound;
      }
    }
    return a;
  }

 private:
  test::Random random_;
};

constexpr Limb factor_bound = Limb{1} << 54, tight_bound = (Limb{1} << 51) + (Limb{1} << 13);

TEST(Field25519, ProductsAndSquaresAreThoseOfGmp) {
  Elements elements(1);
  for (int i = 0; i < 20'000; ++i) {
    const Element a = elements.below(factor_bound), b = elements.below(factor_bound);
    const Element c = product(a, b), d = squared(a);
    ASSERT_EQ(to_gmp(c), reduced(to_gmp(a) * to_gmp(b)));
    ASSERT_EQ(to_gmp(d), reduced(to_gmp(a) * to_gmp(a)));
    ASSERT_TRUE(is_tight(c) && is_tight(d));
  }
}

TEST(Field25519, TheLargestFactorsFit) {
  Element largest;
  for (Limb& digit : largest.digit) digit = factor_bound - 1;
  EXPECT_EQ(to_gmp(product(largest, largest)), reduced(to_gmp(largest) * to_gmp(largest)));
  EXPECT_EQ(to_gmp(squared(largest)), reduced(to_gmp(largest) * to_gmp(largest)));
  EXPECT_TRUE(is_tight(product(largest, largest)) && is_tight(squared(largest)));
}

TEST(Field25519, AResultMayBeAnOperand) {
  Elements elements(2);
  const Element a = elements.below(factor_bound), b = elements.below(factor_bound);
  Element c = a, d = b, e = a, f = a;
  multiply(c, c, b);
  multiply(d, a, d);
  square(e, e);
  multiply(f, f, f);
  EXPECT_EQ(to_gmp(c), to_gmp(product(a, b)));
  EXPECT_EQ(to_gmp(d), to_gmp(product(a, b)));
  EXPECT_EQ(to_gmp(e), to_gmp(squared(a)));
  EXPECT_EQ(to_gmp(f), to_gmp(squared(a)));
}

TEST(Field25519, SumsAndDifferencesAreThoseOfGmp) {
  Elements elements(3);
  for (int i = 0; i < 20'000; ++i) {
    const Element a = elements.below(tight_bound), b = elements.below(3 * tight_bound);
    const Element difference = subtract(a, b);
    ASSERT_EQ(to_gmp(add(a, b)), reduced(to_gmp(a) + to_gmp(b)));
    ASSERT_EQ(to_gmp(difference), reduced(to_gmp(a) - to_gmp(b)));
    ASSERT_EQ(to_gmp(negate(b)), reduced(-to_gmp(b)));
    for (const Limb digit : difference.digit) ASSERT_LT(digit, tight_bound + (Limb{1} << 53));
  }
}

TEST(Field25519, NumbersComeBackReduced) {
  Elements elements(4);
  for (int i = 0; i < 20'000; ++i) {
    const Element a = elements.below(Limb{1} << 60);
    ASSERT_EQ(to_gmp(to_limbs(a)), to_gmp(a));
  }
  const mpz_class two_256 = mpz_class(1) << 256;
  for (const mpz_class& edge : {mpz_class(0), p, mpz_class(2 * p), mpz_class(p + 19), two_256}) {
    for (int i = -40; i <= 40; ++i) {
      const mpz_class number = edge + i;
      if (number < 0 || number >= two_256) continue;
      const Element a = from_limbs(from_gmp(number));
      EXPECT_TRUE(is_tight(a));
      EXPECT_EQ(to_gmp(to_limbs(a)), reduced(number));
    }
  }
}

TEST(Field25519, InversesMultiplyToOne) {
  Elements elements(5);
  for (int i = 0; i < 300; ++i) {
    const Element a = elements.below(factor_bound);
    if (to_gmp(a) == 0) continue;
    const Element b = inverse(a);
    ASSERT_EQ(to_gmp(product(a, b)), 1);
    ASSERT_TRUE(is_tight(b));
  }
  EXPECT_EQ(to_gmp(inverse(zero)), 0);
  EXPECT_EQ(to_gmp(inverse(from_limbs(prime))), 0);
}

}  // namespace
}  // namespace limpid::crypto::field25519
