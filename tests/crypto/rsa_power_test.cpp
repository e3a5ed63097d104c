// RSA's powers with AVX-512 IFMA against GMP's, at every width that the kernel takes: keys of a few sizes do not show
// what a modulus does that fills its digits, or has them nearly empty.
#include "limpid/crypto/x86/rsa_power.hpp"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include "limpid/crypto/signature.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/random.hpp"

namespace limpid::crypto::x86 {
namespace {

mpz_class to_gmp(const LongNumber& a) {
  mpz_class number;
  mpz_import(number.get_mpz_t(), a.size(), -1, 8, 0, 0, a.limbs());
  return number;
}

mpz_class power(const LongNumber& base, const mpz_class& exponent, const LongNumber& modulus) {
  mpz_class result;
  mpz_powm(result.get_mpz_t(), to_gmp(base).get_mpz_t(), exponent.get_mpz_t(), to_gmp(modulus).get_mpz_t());
  return result;
}

class RsaPower : public testing::TestWithParam<std::size_t> {
 protected:
  LongNumber any() {
    LongNumber number(size_);
    for (std::size_t i = 0; i < size_; ++i) {
      const auto choice = random_.below(4);
      number[i] = choice == 0 ? 0 : choice == 1 ? ~Limb{0} : random_.next();
    }
    return number;
  }
  // The largest that there is, the smallest whose highest bit is set, one of three bits, and others.
  std::vector<LongNumber> moduli() {
    LongNumber largest(size_), smallest(size_, 1);
    for (std::size_t i = 0; i < size_; ++i) largest[i] = ~Limb{0};
    smallest[size_ - 1] = Limb{1} << 63;
    std::vector<LongNumber> list{largest, smallest, LongNumber(size_, 5)};
    for (int i = 0; i < 3; ++i) list.push_back(any());
    for (LongNumber& modulus : list) modulus[0] |= 5;
    return list;
  }
  std::vector<LongNumber> bases(const LongNumber& modulus) {
    LongNumber highest = modulus;
    highest[0] -= 1;
    return {remainder(any(), modulus), highest, LongNumber(size_)};
  }

  const std::size_t size_ = GetParam();
  test::Random random_{GetParam()};
};
using RsaPrivatePower = RsaPower;
using RsaPublicPower = RsaPower;

TEST_P(RsaPrivatePower, TwoAreThoseOfGmp) {
  if (!test::best_cpu().avx512_ifma) return;  // as test::cpu_paths() leaves out what the CPU cannot run
  const std::vector<LongNumber> list = moduli();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const LongNumber &p = list[i], &q = list[(i + 1) % list.size()];
    const LongMontgomery modulo_p(p), modulo_q(q);
    const std::vector<LongNumber> of_p = bases(p), of_q = bases(q);
    for (std::size_t j = 0; j < of_p.size(); ++j) {
      LongNumber a = of_p[j], b = of_q[(j + 1) % of_q.size()];
      const LongNumber dp = any(), dq = j == 0 ? LongNumber(size_) : any();
      const mpz_class expected_a = power(a, to_gmp(dp), p), expected_b = power(b, to_gmp(dq), q);
      raise_two({modulo_p, a, dp}, {modulo_q, b, dq});
      ASSERT_EQ(to_gmp(a), expected_a) << i << ' ' << j;
      ASSERT_EQ(to_gmp(b), expected_b) << i << ' ' << j;
    }
  }
}

TEST_P(RsaPublicPower, IsThatOfGmp) {
  if (!test::best_cpu().avx512_ifma) return;
  for (const LongNumber& modulus : moduli()) {
    const LongMontgomery modulo(modulus);
    for (const LongNumber& base : bases(modulus)) {
      for (const Limb e : {Limb{2}, Limb{3}, Limb{0x10001}, (Limb{1} << max_rsa_exponent_bits) - 1}) {
        ASSERT_EQ(to_gmp(raise_public(modulo, base, e)), power(base, mpz_class(e), modulus)) << e;
      }
    }
  }
}

// Of a square's root all powers but the first are zero, of which the kernel may make the modulus at first.
TEST_P(RsaPublicPower, ZeroIsReduced) {
  if (!test::best_cpu().avx512_ifma) return;
  LongNumber root = any().part(0, size_ / 2);
  root[0] |= 1;
  const LongNumber square = multiply_whole(root, root);
  const LongMontgomery modulo(square);
  for (const Limb e : {Limb{2}, Limb{3}, Limb{0x10001}}) {
    EXPECT_EQ(to_gmp(raise_public(modulo, root.part(0, size_), e)), 0) << e;
    LongNumber a = root.part(0, size_), b = a;
    if (size_ > max_power_limbs) continue;
    raise_two({modulo, a, LongNumber(size_, e)}, {modulo, b, LongNumber(size_, e + 1)});
    EXPECT_EQ(to_gmp(a), 0) << e;
    EXPECT_EQ(to_gmp(b), 0) << e;
  }
}

// Of primes and of moduli, which have an even number of limbs.
INSTANTIATE_TEST_SUITE_P(Widths, RsaPrivatePower, testing::Range(min_rsa_bits / 128, max_power_limbs + 1));
INSTANTIATE_TEST_SUITE_P(Widths, RsaPublicPower,
                         testing::Range(min_rsa_bits / 64, max_public_power_limbs + 1, std::size_t{2}));

}  // namespace
}  // namespace limpid::crypto::x86
