// LongMontgomery and what it stands on against GMP, at widths and moduli of every shape that a key of RSA could have.
#include "limpid/crypto/long_montgomery.hpp"

#include <gmp.h>
#include <gtest/gtest.h>

#include <random>

namespace limpid::crypto {
namespace {

// A number for GMP and back.
struct Integer {
  mpz_t value;

  Integer() { mpz_init(value); }
  explicit Integer(const LongNumber& from) : Integer() { mpz_import(value, from.size(), -1, 8, 0, 0, from.limbs()); }
  ~Integer() { mpz_clear(value); }
  Integer(const Integer&) = delete;

  LongNumber number(std::size_t size) const {
    LongNumber to(size);
    EXPECT_LE(mpz_sizeinbase(value, 2), 64 * size);
    mpz_export(to.limbs(), nullptr, -1, 8, 0, 0, value);
    return to;
  }
};

bool same(const LongNumber& a, const LongNumber& b) { return a.size() == b.size() && mask_if_equal(a, b) != 0; }

class LongMontgomeryTest : public testing::TestWithParam<std::size_t> {
 protected:
  // What GMP makes of a and b, modulo `modulus`.
  static LongNumber expected(const LongNumber& modulus, const LongNumber& a, const LongNumber& b, auto operation) {
    Integer m(modulus), x(a), y(b);
    operation(x.value, y.value, m.value);
    mpz_mod(x.value, x.value, m.value);
    return x.number(modulus.size());
  }
  LongNumber random(std::size_t size) {
    LongNumber number(size);
    for (std::size_t i = 0; i < size; ++i) number[i] = random_();
    return number;
  }
  // Limbs of all zeros and all ones are where carries go wrong.
  LongNumber jagged(std::size_t size) {
    LongNumber number = random(size);
    for (std::size_t i = 0; i < size; ++i) {
      const auto choice = random_() % 4;
      if (choice < 2) number[i] = choice == 0 ? 0 : ~Limb{0};
    }
    return number;
  }
  LongNumber odd(std::size_t size) {
    LongNumber number = random_() % 2 == 0 ? random(size) : jagged(size);
    number[0] |= 3;
    return number;
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(LongMontgomeryTest, AgreesWithGmp) {
  const std::size_t size = GetParam();
  for (int i = 0; i < 4; ++i) {
    const LongNumber modulus = odd(size);
    const LongMontgomery montgomery(modulus);
    LongNumber largest = modulus;
    largest[0] -= 1;
    const LongNumber raw_a = jagged(size), raw_b = random(size), exponent = jagged(3);
    for (const LongNumber& wide : {raw_a, raw_b, LongNumber(size), LongNumber(size, 1), largest, modulus}) {
      const auto nothing = [](mpz_t, mpz_t, mpz_t) {};
      const LongNumber a = expected(modulus, wide, wide, nothing), b = expected(modulus, raw_b, raw_b, nothing);
      const LongNumber entered_a = montgomery.enter(wide), entered_b = montgomery.enter(b);
      ASSERT_TRUE(same(montgomery.leave(entered_a), a));
      const auto expect = [&](const LongNumber& result, auto operation) {
        ASSERT_TRUE(mask_if_less(result, modulus) != 0);
        ASSERT_TRUE(same(montgomery.leave(result), expected(modulus, a, b, operation)));
      };
      expect(montgomery.add(entered_a, entered_b), [](mpz_t x, mpz_t y, mpz_t) { mpz_add(x, x, y); });
      expect(montgomery.subtract(entered_a, entered_b), [](mpz_t x, mpz_t y, mpz_t) { mpz_sub(x, x, y); });
      expect(montgomery.multiply(entered_a, entered_b), [](mpz_t x, mpz_t y, mpz_t) { mpz_mul(x, x, y); });
      expect(montgomery.power(entered_a, exponent),
             [&](mpz_t x, mpz_t, mpz_t m) { mpz_powm(x, x, Integer(exponent).value, m); });
      LongNumber in_place = entered_a;
      montgomery.multiply(in_place, in_place, in_place);
      expect(in_place, [](mpz_t x, mpz_t, mpz_t) { mpz_mul(x, x, x); });
    }
  }
}

TEST_P(LongMontgomeryTest, KnownBitsOfTheModulusChangeNothing) {
  const std::size_t size = GetParam();
  LongNumber modulus = odd(size);
  modulus[size - 1] |= Limb{1} << 40;
  const LongMontgomery known(modulus, 64 * (size - 1) + 40), unknown(modulus);
  const LongNumber a = random(size);
  EXPECT_TRUE(same(known.one(), unknown.one()));
  EXPECT_TRUE(same(known.enter(a), unknown.enter(a)));
}

TEST_P(LongMontgomeryTest, NumbersAgreeWithGmp) {
  const std::size_t size = GetParam(), half = (size + 1) / 2;
  for (int i = 0; i < 4; ++i) {
    const LongNumber a = jagged(half), b = jagged(size / 2 + 1), modulus = odd(half);
    const LongNumber product = multiply_whole(a, b);
    Integer x(a);
    const Integer y(b), m(modulus);
    mpz_mul(x.value, x.value, y.value);
    EXPECT_TRUE(same(product, x.number(a.size() + b.size())));
    mpz_mod(x.value, x.value, m.value);
    EXPECT_TRUE(same(remainder(product, modulus), x.number(half)));
    // Inverses, of what has one.
    Integer inverse;
    if (mpz_invert(inverse.value, x.value, m.value) == 0) continue;
    EXPECT_TRUE(same(modular_inverse(x.number(half), modulus), inverse.number(half)));
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, LongMontgomeryTest, testing::Values(1, 2, 3, 5, 16, 17, 24, 32, 46, 64, 127));

TEST(LongNumber, BytesRoundTripWhateverTheirNumber) {
  const std::array<Byte, 11> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const LongNumber number = LongNumber::from_big_endian(3, bytes);
  EXPECT_EQ(number[0], 0x0405060708090a0bu);
  EXPECT_EQ(number[1], 0x010203u);
  EXPECT_EQ(number[2], 0u);
  std::array<Byte, 11> again{};
  number.to_big_endian(again);
  EXPECT_EQ(again, bytes);
}

TEST(LongNumber, PartsReachPastTheTop) {
  LongNumber number(3, 7);
  number[2] = 9;
  const LongNumber part = number.part(1, 4);
  EXPECT_EQ(part.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(part[i], i == 1 ? 9u : 0u);
}

}  // namespace
}  // namespace limpid::crypto
