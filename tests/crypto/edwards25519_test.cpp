// The points of Ed25519 against libsodium's, and what is decoded against the equation of the curve in GMP.
#include "limpid/crypto/edwards25519.hpp"

#include <gmpxx.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "limpid/crypto/edwards25519_formulas.hpp"
#include "limpid/crypto/scalar25519.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/small_order.hpp"

namespace limpid::crypto::edwards25519 {
namespace {

using test::to_hex;
using Encoded = std::array<Byte, 32>;

Encoded encoded(const Point& point) {
  Encoded bytes;
  encode(point, bytes);
  return bytes;
}

Encoded encoded(const Limbs<4>& number) {
  Encoded bytes;
  to_little_endian(number, std::span(bytes));
  return bytes;
}

Limbs<4> random_scalar(test::Random& random) {
  Limbs<8> number{};
  for (Limb& limb : number.limb) limb = random.next();
  return scalar25519::reduce(number);
}

std::vector<Limbs<4>> edges() {
  std::vector<Limbs<4>> scalars{Limbs<4>{}};
  for (std::size_t i = 0; i < 252; ++i) {
    Limbs<4> power{};
    power[i / 64] = Limb{1} << i % 64;
    scalars.push_back(power);
    Limbs<4> less{};
    subtract(less, power, Limbs<4>::from_word(1));
    scalars.push_back(less);
    subtract(less, scalar25519::order, power);
    scalars.push_back(less);
  }
  return scalars;
}

// scalar * B; that of zero, which libsodium refuses, is the neutral element.
Encoded expected_multiple(const Limbs<4>& scalar) {
  Encoded point{1};
  if (mask_if_zero(scalar) == 0 && crypto_scalarmult_ed25519_base_noclamp(point.data(), encoded(scalar).data()) != 0) {
    ADD_FAILURE();
  }
  return point;
}

TEST(Edwards25519, MultiplesOfTheBasePointAreThoseOfLibsodium) {
  test::Random random(1);
  std::vector<Limbs<4>> scalars = edges();
  for (int i = 0; i < 2'000; ++i) scalars.push_back(random_scalar(random));
  for (const auto& scalar : scalars)
    ASSERT_EQ(to_hex(encoded(multiply_base(scalar))), to_hex(expected_multiple(scalar)));
}

TEST(Edwards25519, ScalarsNeedNotBeReduced) {
  const Limbs<4> all_ones{~Limb{0}, ~Limb{0}, ~Limb{0}, ~Limb{0}};
  Limbs<4> above = scalar25519::order;
  above[0] += 3;
  EXPECT_EQ(to_hex(encoded(multiply_base(scalar25519::order))), to_hex(encoded(neutral)));
  EXPECT_EQ(to_hex(encoded(multiply_base(above))), to_hex(expected_multiple(Limbs<4>::from_word(3))));
  EXPECT_EQ(
      to_hex(encoded(multiply_base(all_ones))),
      to_hex(expected_multiple(scalar25519::reduce({all_ones[0], all_ones[1], all_ones[2], all_ones[3], 0, 0, 0, 0}))));
}

TEST(Edwards25519, DifferencesAreThoseOfLibsodium) {
  test::Random random(2);
  const std::vector<Limbs<4>> special = edges();
  for (std::size_t i = 0; i < special.size() + 1'000; ++i) {
    const Limbs<4> a = i < special.size() ? special[i] : random_scalar(random);
    const Limbs<4> b = i < special.size() ? special[special.size() - 1 - i] : random_scalar(random);
    const Encoded point = expected_multiple(random_scalar(random));
    Encoded multiple{1}, expected;
    if (mask_if_zero(b) == 0) {
      ASSERT_EQ(crypto_scalarmult_ed25519_noclamp(multiple.data(), encoded(b).data(), point.data()), 0);
    }
    ASSERT_EQ(crypto_core_ed25519_sub(expected.data(), expected_multiple(a).data(), multiple.data()), 0);
    ASSERT_EQ(to_hex(encoded(difference(a, b, *decode(point)))), to_hex(expected));
  }
}

TEST(Edwards25519, ADifferenceThatIsNeutralIsSeen) {
  test::Random random(3);
  for (int i = 0; i < 100; ++i) {
    const Limbs<4> a = random_scalar(random), b = random_scalar(random);
    const Point point = multiply_base(a);
    const Limbs<4> both = scalar25519::multiply_add(a, b, {});
    ASSERT_EQ(to_hex(encoded(difference(both, b, *decode(encoded(point))))), to_hex(encoded(neutral)));
  }
}

// What RFC 8032, section 5.1.3, decodes: y below p, x of the sign asked for, and zero only with the sign zero.
bool is_point(const Encoded& bytes) {
  const mpz_class p = (mpz_class(1) << 255) - 19;
  mpz_class y, d, x2;
  mpz_import(y.get_mpz_t(), 32, -1, 1, 0, 0, bytes.data());
  const bool sign = bytes[31] >= 0x80;
  if (sign) y -= mpz_class(1) << 255;
  if (y >= p) return false;
  mpz_class inverse(121666);
  mpz_invert(inverse.get_mpz_t(), inverse.get_mpz_t(), p.get_mpz_t());
  d = -121665 * inverse;
  x2 = d * y * y + 1;
  mpz_invert(x2.get_mpz_t(), x2.get_mpz_t(), p.get_mpz_t());
  x2 *= y * y - 1;
  mpz_mod(x2.get_mpz_t(), x2.get_mpz_t(), p.get_mpz_t());
  return x2 == 0 ? !sign : mpz_legendre(x2.get_mpz_t(), p.get_mpz_t()) == 1;
}

TEST(Edwards25519, DecodesThePointsOfTheCurveAndNothingElse) {
  test::Random random(4);
  std::vector<Encoded> candidates;
  for (const auto& edge : {Limbs<4>{}, field25519::prime}) {
    for (Limb i = 0; i < 40; ++i) {
      Limbs<4> number{};
      if (subtract(number, edge, Limbs<4>::from_word(i)) == 0) candidates.push_back(encoded(number));
      if (add(number, edge, Limbs<4>::from_word(i)) == 0) candidates.push_back(encoded(number));
    }
  }
  for (int i = 0; i < 3'000; ++i) {
    const auto bytes = random.bytes(32);
    std::copy(bytes.begin(), bytes.end(), candidates.emplace_back().begin());
  }
  int points = 0;
  for (const Encoded& candidate : candidates) {
    for (const Byte sign : {Byte{0}, Byte{0x80}}) {
      Encoded bytes = candidate;
      bytes[31] ^= sign;
      const auto point = decode(bytes);
      ASSERT_EQ(point.has_value(), is_point(bytes)) << to_hex(bytes);
      if (!point) continue;
      ++points;
      ASSERT_EQ(to_hex(encoded(*point)), to_hex(bytes));
      // T goes with X and Y: twice the point is the point and itself.
      Point sum = *point, doubled = *point;
      add(sum, to_term(*point), sum.z, WithT::no);
      twice(doubled, WithT::no);
      ASSERT_EQ(to_hex(encoded(sum)), to_hex(encoded(doubled)));
    }
  }
  EXPECT_GT(points, 2'000);
}

TEST(Edwards25519, SmallOrdersAreSeenAndOthersAreNot) {
  test::Random random(5);
  // 8 T is neutral.
  for (const std::string_view small : test::small_order_points) {
    const auto bytes = test::from_hex(small);
    const auto torsion = decode(Bytes(bytes).first<32>());
    ASSERT_TRUE(torsion) << small;
    EXPECT_TRUE(has_small_order(*torsion)) << small;
    Point mixed = multiply_base(random_scalar(random));
    EXPECT_FALSE(has_small_order(mixed));
    add(mixed, to_term(*torsion), mixed.z, WithT::yes);
    EXPECT_FALSE(has_small_order(mixed)) << small;
  }
}

}  // namespace
}  // namespace limpid::crypto::edwards25519
