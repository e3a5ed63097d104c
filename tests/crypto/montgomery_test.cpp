// Montgomery<N> against GMP, at moduli of every shape that a prime of a curve could have.
#include "limpid/crypto/montgomery.hpp"

#include <gmp.h>
#include <gtest/gtest.h>

#include <random>

namespace limpid::crypto {
namespace {

template <std::size_t N>
class Oracle {
 public:
  explicit Oracle(const Limbs<N>& modulus) {
    mpz_inits(modulus_, a_, b_, radix_, nullptr);
    set(modulus_, modulus);
    mpz_ui_pow_ui(radix_, 2, 64 * N);
  }
  ~Oracle() { mpz_clears(modulus_, a_, b_, radix_, nullptr); }

  template <class Operation>
  Limbs<N> run(const Limbs<N>& a, const Limbs<N>& b, Operation operation) {
    set(a_, a);
    set(b_, b);
    operation(a_, b_, modulus_);
    mpz_mod(a_, a_, modulus_);
    Limbs<N> result{};
    mpz_export(result.limb, nullptr, -1, 8, 0, 0, a_);
    return result;
  }
  Limbs<N> reduced(const Limbs<N>& a) {
    return run(a, a, [](mpz_t, mpz_t, mpz_t) {});
  }
  bool is_prime() { return mpz_probab_prime_p(modulus_, 20) != 0; }

 private:
  static void set(mpz_t to, const Limbs<N>& from) { mpz_import(to, N, -1, 8, 0, 0, from.limb); }
  mpz_t modulus_, a_, b_, radix_;
};

template <std::size_t N>
bool same(const Limbs<N>& a, const Limbs<N>& b) {
  return mask_if_equal(a, b) != 0;
}

template <std::size_t N>
class Source {
 public:
  Limbs<N> random() {
    Limbs<N> number{};
    for (std::size_t i = 0; i < N; ++i) number[i] = random_();
    return number;
  }
  // Limbs of all zeros and all ones are where carries go wrong.
  Limbs<N> jagged() {
    Limbs<N> number = random();
    for (std::size_t i = 0; i < N; ++i) {
      const auto choice = random_() % 4;
      if (choice < 2) number[i] = choice == 0 ? 0 : ~Limb{0};
    }
    return number;
  }
  Limbs<N> modulus() {
    for (;;) {
      Limbs<N> number = random_() % 2 == 0 ? random() : jagged();
      number[0] |= 1;
      if (same(number, Limbs<N>::from_word(1))) continue;
      return number;
    }
  }

 private:
  std::mt19937_64 random_{N};
};

template <std::size_t N>
void compare_with_gmp(int moduli) {
  Source<N> source;
  for (int i = 0; i < moduli; ++i) {
    const Limbs<N> modulus = source.modulus();
    const Montgomery<N> montgomery(modulus);
    Oracle<N> oracle(modulus);
    Limbs<N> largest = modulus;
    largest[0] -= 1;
    const Limbs<N> raw_a = source.jagged(), raw_b = source.random();
    for (const Limbs<N>& wide : {raw_a, raw_b, Limbs<N>{}, Limbs<N>::from_word(1), largest, modulus}) {
      const Limbs<N> a = oracle.reduced(wide), b = oracle.reduced(raw_b);
      const Limbs<N> entered_a = montgomery.enter(wide), entered_b = montgomery.enter(b);
      ASSERT_TRUE(same(montgomery.leave(entered_a), a));
      ASSERT_TRUE(mask_if_less(entered_a, modulus) != 0);
      const auto expect = [&](const Limbs<N>& result, auto operation) {
        ASSERT_TRUE(mask_if_less(result, modulus) != 0);
        ASSERT_TRUE(same(montgomery.leave(result), oracle.run(a, b, operation)));
      };
      expect(montgomery.add(entered_a, entered_b), [](mpz_t x, mpz_t y, mpz_t) { mpz_add(x, x, y); });
      expect(montgomery.subtract(entered_a, entered_b), [](mpz_t x, mpz_t y, mpz_t) { mpz_sub(x, x, y); });
      expect(montgomery.negate(entered_a), [](mpz_t x, mpz_t, mpz_t) { mpz_neg(x, x); });
      expect(montgomery.multiply(entered_a, entered_b), [](mpz_t x, mpz_t y, mpz_t) { mpz_mul(x, x, y); });
      expect(montgomery.square(entered_a), [](mpz_t x, mpz_t, mpz_t) { mpz_mul(x, x, x); });
      // A reduced operand times one that is not.
      expect(montgomery.multiply(montgomery.multiply(entered_a, wide), montgomery.enter(montgomery.one())),
             [](mpz_t x, mpz_t, mpz_t) { mpz_mul(x, x, x); });
    }
  }
}

TEST(Montgomery, OfEveryWidthAgreesWithGmp) {
  compare_with_gmp<1>(400);
  compare_with_gmp<2>(200);
  compare_with_gmp<3>(200);
  compare_with_gmp<4>(400);
  compare_with_gmp<6>(100);
  compare_with_gmp<8>(50);
}

TEST(Montgomery, OfTheSmallestModulusWorks) {
  const Montgomery<1> three(Limbs<1>::from_word(3));
  for (Limb a = 0; a < 3; ++a) {
    for (Limb b = 0; b < 3; ++b) {
      const auto entered_a = three.enter(Limbs<1>::from_word(a)), entered_b = three.enter(Limbs<1>::from_word(b));
      EXPECT_EQ(three.leave(three.multiply(entered_a, entered_b))[0], a * b % 3);
      EXPECT_EQ(three.leave(three.add(entered_a, entered_b))[0], (a + b) % 3);
    }
  }
}

TEST(Montgomery, InvertsModuloPrimes) {
  Source<4> source;
  int primes = 0;
  for (int i = 0; i < 2000 && primes < 8; ++i) {
    const Limbs<4> modulus = source.modulus();
    if (!Oracle<4>(modulus).is_prime()) continue;
    ++primes;
    const Montgomery<4> montgomery(modulus);
    const Limbs<4> a = montgomery.enter(source.random());
    EXPECT_TRUE(same(montgomery.multiply(a, montgomery.inverse(a)), montgomery.one()));
    EXPECT_TRUE(same(montgomery.inverse(Limbs<4>{}), Limbs<4>{}));
  }
  EXPECT_GT(primes, 3);
}

TEST(Montgomery, ReducesOnceOnlyWhatIsNotBelow) {
  const Limbs<2> modulus{5, 7};
  const Montgomery<2> montgomery(modulus);
  EXPECT_TRUE(same(montgomery.reduce_once(modulus), Limbs<2>{}));
  EXPECT_TRUE(same(montgomery.reduce_once({4, 7}), {4, 7}));
  EXPECT_TRUE(same(montgomery.reduce_once({6, 7}), {1, 0}));
  EXPECT_TRUE(same(montgomery.reduce_once({4, 8}), {~Limb{0}, 0}));
}

TEST(Limbs, BitsReachAcrossLimbsAndPastTheTop) {
  const Limbs<2> number{0x8000000000000001, 0xc000000000000002};
  EXPECT_EQ(bits(number, 0, 4), 1u);
  EXPECT_EQ(bits(number, 63, 3), 5u);
  EXPECT_EQ(bits(number, 64, 2), 2u);
  EXPECT_EQ(bits(number, 126, 5), 3u);
  EXPECT_EQ(bits(number, 128, 5), 0u);
  EXPECT_EQ(bits(number, 200, 5), 0u);
}

TEST(Limbs, BigEndianBytesRoundTrip) {
  std::array<Byte, 16> bytes;
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<Byte>(i + 1);
  const auto number = from_big_endian<2>(bytes);
  EXPECT_EQ(number[1], 0x0102030405060708u);
  EXPECT_EQ(number[0], 0x090a0b0c0d0e0f10u);
  std::array<Byte, 16> again{};
  to_big_endian(number, std::span(again));
  EXPECT_EQ(again, bytes);
}

}  // namespace
}  // namespace limpid::crypto
