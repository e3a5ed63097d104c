// The fields of P-256 and P-384 against GMP and their groups against OpenSSL, edges first, by every kernel.
#include "limpid/crypto/elliptic_curve.hpp"

#include <gmp.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <memory>
#include <random>

#include "limpid/crypto/base_table.hpp"
#include "limpid/crypto/point_formulas.hpp"
#if defined(__x86_64__)
#include "limpid/crypto/x86/p256_field.hpp"
#endif
#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"

namespace limpid::crypto {
namespace {

using test::best_cpu;
using test::to_hex;

template <std::size_t N>
bool same(const Limbs<N>& a, const Limbs<N>& b) {
  return mask_if_equal(a, b) != 0;
}

template <std::size_t N>
std::array<Byte, 8 * N> bytes_of(const Limbs<N>& a) {
  std::array<Byte, 8 * N> bytes{};
  to_big_endian(a, std::span(bytes));
  return bytes;
}

template <std::size_t N>
Limbs<N> plus(Limbs<N> a, std::int64_t delta) {
  Limbs<N> result{};
  if (delta >= 0) {
    add(result, a, Limbs<N>::from_word(static_cast<Limb>(delta)));
  } else {
    subtract(result, a, Limbs<N>::from_word(static_cast<Limb>(-delta)));
  }
  return result;
}

// The last digits of a pattern.
template <std::size_t N>
Limbs<N> repeated(std::string_view pattern) {
  std::string text;
  while (text.size() < 16 * N) text += pattern;
  return from_big_endian<N>(Bytes(test::from_hex(text.substr(text.size() - 16 * N))).first<8 * N>());
}

template <std::size_t N>
class Random {
 public:
  using Number = Limbs<N>;
  Number any() {
    Number a;
    for (Limb& limb : a.limb) limb = random_();
    return a;
  }
  Number jagged() {
    Number a = any();
    for (Limb& limb : a.limb) {
      const auto choice = random_() % 4;
      if (choice < 2) limb = choice == 0 ? 0 : ~Limb{0};
    }
    return a;
  }
  Number below(const Number& bound) {
    for (;;) {
      if (const Number a = random_() % 2 == 0 ? any() : jagged(); mask_if_less(a, bound) != 0) return a;
    }
  }

 private:
  std::mt19937_64 random_{256};
};

// --- the fields ---

template <class Field>
class CurveField : public testing::Test {
 public:
  static bool runs() {
#if defined(__x86_64__)
    return !std::same_as<Field, x86::P256Field> || best_cpu().bmi2_adx;
#else
    return true;
#endif
  }
};

#if defined(__x86_64__)
using Fields = testing::Types<P256, P384, x86::P256Field>;
#else
using Fields = testing::Types<P256, P384>;
#endif
TYPED_TEST_SUITE(CurveField, Fields, );

TYPED_TEST(CurveField, AgreesWithTheGenericMontgomeryArithmetic) {
  if (!TestFixture::runs()) return;  // as test::cpu_paths() leaves out what the CPU cannot run
  using Field = TypeParam;
  const auto& generic = Field::modulo_prime;
  Random<Field::Number::size> random;
  for (int i = 0; i < 20000; ++i) {
    const auto a = random.below(Field::prime), b = random.below(Field::prime);
    ASSERT_TRUE(same(Field::multiply(a, b), generic.multiply(a, b)));
    ASSERT_TRUE(same(Field::square(a), generic.multiply(a, a)));
    ASSERT_TRUE(same(Field::add(a, b), generic.add(a, b)));
    ASSERT_TRUE(same(Field::subtract(a, b), generic.subtract(a, b)));
  }
}

TYPED_TEST(CurveField, AgreesAtItsEdges) {
  if (!TestFixture::runs()) return;  // as test::cpu_paths() leaves out what the CPU cannot run
  using Field = TypeParam;
  using Number = typename Field::Number;
  const auto& generic = Field::modulo_prime;
  std::vector<Number> edges{{}, Number::from_word(1), plus(Field::prime, -1), plus(Field::prime, -2), generic.one()};
  // Limbs of the prime, of zeros and of ones in every mixture.
  for (unsigned choice = 0; choice < (1u << 2 * Number::size); choice += Number::size == 4 ? 1 : 5) {
    Number a;
    for (std::size_t i = 0; i < Number::size; ++i) {
      const Limb limbs[] = {0, ~Limb{0}, Field::prime[i], Field::prime[i] - 1};
      a[i] = limbs[choice >> 2 * i & 3];
    }
    if (mask_if_less(a, Field::prime) != 0) edges.push_back(a);
  }
  for (const Number& a : edges) {
    for (const Number& b : edges) {
      ASSERT_TRUE(same(Field::multiply(a, b), generic.multiply(a, b)));
      ASSERT_TRUE(same(Field::add(a, b), generic.add(a, b)));
      ASSERT_TRUE(same(Field::subtract(a, b), generic.subtract(a, b)));
    }
    ASSERT_TRUE(same(Field::square(a), generic.multiply(a, a)));
    ASSERT_TRUE(same(generic.leave(generic.enter(a)), a));
  }
}

// --- the groups ---

template <class Curve>
class Group : public testing::Test {
 public:
  using Scalar = typename Curve::Number;
  static constexpr std::size_t width = scalar_size<Curve>;
  using Encoded = std::array<Byte, point_size<Curve>>;
  static constexpr PointFormulas<Curve> formulas{};

  // a * G + b * point, or nothing if that is infinity.
  std::optional<Encoded> combine(const Scalar& a, const Scalar& b, Bytes point) {
    EC_POINT* result = EC_POINT_new(group_.get());
    EC_POINT* other = EC_POINT_new(group_.get());
    BIGNUM* first = BN_bin2bn(bytes_of(a).data(), width, nullptr);
    BIGNUM* second = BN_bin2bn(bytes_of(b).data(), width, nullptr);
    if (point.empty()) {
      EC_POINT_mul(group_.get(), result, first, nullptr, nullptr, nullptr);
    } else {
      EXPECT_EQ(EC_POINT_oct2point(group_.get(), other, point.data(), point.size(), nullptr), 1);
      EC_POINT_mul(group_.get(), result, first, other, second, nullptr);
    }
    std::optional<Encoded> encoded(std::in_place);
    if (EC_POINT_is_at_infinity(group_.get(), result) == 1) {
      encoded.reset();
    } else {
      EC_POINT_point2oct(group_.get(), result, POINT_CONVERSION_UNCOMPRESSED, encoded->data(), encoded->size(),
                         nullptr);
    }
    BN_free(first);
    BN_free(second);
    EC_POINT_free(other);
    EC_POINT_free(result);
    return encoded;
  }
  std::optional<Encoded> base_multiple(const Scalar& a) { return combine(a, {}, {}); }
  std::optional<Encoded> multiple(const Scalar& b, Bytes point) { return combine({}, b, point); }

  static std::optional<Encoded> encoded(const PointOf<Curve>& point) {
    if (mask_if_zero(point.z) != 0) return std::nullopt;
    Encoded bytes{};
    encode_point<Curve>(to_affine<Curve>(point), bytes);
    return bytes;
  }
  static std::optional<AffinePointOf<Curve>> decoded(Bytes bytes) { return decode_point<Curve>(bytes); }

  // Around zero, the order and its half, and where signed windows carry from end to end.
  static std::vector<Scalar> edge_scalars() {
    constexpr std::size_t limbs = Scalar::size;
    std::vector<Scalar> scalars;
    Scalar half{};
    for (std::size_t i = 0; i < limbs; ++i) {
      half[i] = Curve::order[i] >> 1 | (i + 1 < limbs ? Curve::order[i + 1] << 63 : 0);
    }
    for (std::int64_t i = 0; i <= 70; ++i) {
      scalars.push_back(Scalar::from_word(static_cast<Limb>(i)));
      scalars.push_back(plus(Curve::order, -i - 1));
      if (i < 40) scalars.push_back(plus(half, i - 20));
    }
    for (std::size_t bit = 0; bit < 64 * limbs; bit += 3) {
      Scalar a{};
      a[bit / 64] = Limb{1} << bit % 64;
      if (mask_if_less(a, Curve::order) == 0) continue;
      scalars.push_back(a);
      scalars.push_back(plus(a, -1));
      scalars.push_back(plus(a, 1));
    }
    for (const std::string_view pattern : {"082", "84210", "041", "7fffffff", "5", "a", "f7bde", "3df"}) {
      const Scalar a = repeated<limbs>(pattern);
      if (mask_if_less(a, Curve::order) != 0) scalars.push_back(a);
    }
    return scalars;
  }

 private:
  static constexpr int nid = std::same_as<Curve, P256> ? NID_X9_62_prime256v1 : NID_secp384r1;
  std::unique_ptr<EC_GROUP, void (*)(EC_GROUP*)> group_{EC_GROUP_new_by_curve_name(nid), EC_GROUP_free};
};
using Curves = testing::Types<P256, P384>;
TYPED_TEST_SUITE(Group, Curves, );

TYPED_TEST(Group, InvertsLikeGmp) {
  using Curve = TypeParam;
  using Number = typename Curve::Number;
  const auto& field = Curve::modulo_prime;
  Random<Number::size> random;
  mpz_t p, a;
  mpz_inits(p, a, nullptr);
  mpz_import(p, Number::size, -1, 8, 0, 0, Curve::prime.limb);
  for (int i = 0; i < 100; ++i) {
    Number value = i == 0 ? Number::from_word(1) : i == 1 ? plus(Curve::prime, -1) : random.below(Curve::prime);
    if (mask_if_zero(value) != 0) continue;
    mpz_import(a, Number::size, -1, 8, 0, 0, value.limb);
    mpz_invert(a, a, p);
    Number expected{};
    mpz_export(expected.limb, nullptr, -1, 8, 0, 0, a);
    ASSERT_TRUE(same(field.leave(field.inverse(field.enter(value))), expected));
  }
  mpz_clears(p, a, nullptr);
  EXPECT_TRUE(same(field.inverse({}), Number{}));
}

TYPED_TEST(Group, MultiplesOfEdgeScalarsAgreeWithOpenSsl) {
  using Number = typename TypeParam::Number;
  const auto point = *this->base_multiple(repeated<Number::size>("0123456789abcdef"));
  const auto scalars = this->edge_scalars();
  for (std::size_t i = 0; i < scalars.size(); i += Number::size == 4 ? 1 : 3) {
    const Number& scalar = scalars[i];
    const auto base_expected = this->base_multiple(scalar), expected = this->multiple(scalar, point);
    for (const CpuFeatures cpu : test::cpu_paths()) {
      ASSERT_EQ(this->encoded(multiply_base<TypeParam>(scalar, cpu)), base_expected) << to_hex(bytes_of(scalar));
      ASSERT_EQ(this->encoded(multiply_point<TypeParam>(*this->decoded(point), scalar, cpu)), expected)
          << to_hex(bytes_of(scalar));
    }
  }
}

TYPED_TEST(Group, RandomMultiplesAgreeWithOpenSsl) {
  using Number = typename TypeParam::Number;
  Random<Number::size> random;
  const auto paths = test::cpu_paths();
  for (std::size_t i = 0; i < (Number::size == 4 ? 300 : 60); ++i) {
    const CpuFeatures cpu = paths[i % paths.size()];
    const Number a = random.below(TypeParam::order), b = random.below(TypeParam::order);
    const auto point = this->encoded(multiply_base<TypeParam>(a, cpu));
    ASSERT_EQ(point, this->base_multiple(a));
    if (!point) continue;
    const auto decoded = *this->decoded(*point);
    ASSERT_EQ(this->encoded(multiply_point<TypeParam>(decoded, b, cpu)), this->multiple(b, *point));
    const Number c = random.below(TypeParam::order);
    ASSERT_EQ(this->encoded(multiply_two<TypeParam>(b, decoded, c, cpu)), this->combine(b, c, *point));
  }
}

// Points that are small multiples of G, or negatives of each other, are where sums meet their next term.
TYPED_TEST(Group, SumsOfTwoMultiplesAgreeWithOpenSslWhereTheyCollide) {
  using Number = typename TypeParam::Number;
  const auto& order = TypeParam::modulo_order;
  const auto edges = this->edge_scalars();
  for (const Number& factor : {Number::from_word(1), Number::from_word(2), Number::from_word(3), Number::from_word(16),
                               Number::from_word(32), plus(TypeParam::order, -1), plus(TypeParam::order, -2)}) {
    const auto point = *this->base_multiple(factor);
    for (std::size_t i = 0; i < edges.size(); i += Number::size == 4 ? 5 : 31) {
      for (const Number& b : {edges[i], order.negate(order.reduce_once(edges[i])), Number{}}) {
        if (mask_if_less(b, TypeParam::order) == 0) continue;
        const auto expected = this->combine(edges[i], b, point);
        for (const CpuFeatures cpu : {portable_cpu, best_cpu()}) {
          ASSERT_EQ(this->encoded(multiply_two<TypeParam>(edges[i], *this->decoded(point), b, cpu)), expected);
        }
      }
    }
  }
}

TYPED_TEST(Group, ZeroTimesAnythingIsInfinity) {
  using Number = typename TypeParam::Number;
  const auto point = this->decoded(*this->base_multiple(Number::from_word(5)));
  for (const CpuFeatures cpu : {portable_cpu, best_cpu()}) {
    EXPECT_FALSE(this->encoded(multiply_base<TypeParam>({}, cpu)));
    EXPECT_FALSE(this->encoded(multiply_point<TypeParam>(*point, {}, cpu)));
    EXPECT_FALSE(this->encoded(multiply_two<TypeParam>({}, *point, {}, cpu)));
  }
  EXPECT_FALSE(this->encoded(TestFixture::formulas.twice(TestFixture::formulas.infinity)));
}

TYPED_TEST(Group, AdditionHandlesInfinityAndNegatives) {
  using Number = typename TypeParam::Number;
  constexpr auto& points = TestFixture::formulas;
  const auto three = *this->decoded(*this->base_multiple(Number::from_word(3)));
  const auto five = multiply_base<TypeParam>(Number::from_word(5), portable_cpu);
  const auto minus_three = multiply_base<TypeParam>(plus(TypeParam::order, -3), portable_cpu);
  EXPECT_EQ(this->encoded(points.add_different(five, three)), this->base_multiple(Number::from_word(8)));
  EXPECT_EQ(this->encoded(points.add_different(five, minus_three)), this->base_multiple(Number::from_word(2)));
  EXPECT_EQ(this->encoded(points.add_different(points.infinity, three)), this->encoded(points.to_point(three)));
  EXPECT_EQ(this->encoded(points.add_different(points.infinity, five)), this->encoded(five));
  EXPECT_EQ(this->encoded(points.add_different(five, points.infinity)), this->encoded(five));
  EXPECT_FALSE(this->encoded(points.add_different(points.infinity, points.infinity)));
  EXPECT_FALSE(this->encoded(points.add_different(minus_three, three)));
  EXPECT_FALSE(this->encoded(points.add_different(minus_three, points.to_point(three))));
}

TYPED_TEST(Group, TheBaseTableHoldsWhatItSays) {
  using Number = typename TypeParam::Number;
  using Table = BaseTable<TypeParam>;
  for (std::size_t row = 0; row < Table::rows; ++row) {
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, Table::multiples / 2, Table::multiples - 1}) {
      Number scalar = Number::from_word(i + 1);
      for (std::size_t n = 0; n < Table::comb * Table::window * row; ++n) {
        scalar = TypeParam::modulo_order.add(scalar, scalar);
      }
      ASSERT_EQ(this->encoded(TestFixture::formulas.to_point(base_table<TypeParam>().row[row][i])),
                this->base_multiple(scalar))
          << row << ", " << i;
    }
  }
}

TYPED_TEST(Group, DecodeTakesOnlyCanonicalUncompressedPointsOnTheCurve) {
  const auto good = *this->base_multiple(TypeParam::Number::from_word(7));
  ASSERT_TRUE(this->decoded(good));
  auto bad = good;
  for (std::size_t i = 0; i < good.size(); ++i) {
    bad[i] ^= 1;
    EXPECT_FALSE(this->decoded(bad)) << i;
    bad[i] ^= 1;
  }
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(this->decoded(Bytes(good).first(n))) << n;
  std::vector<Byte> longer(good.begin(), good.end());
  longer.push_back(0);
  EXPECT_FALSE(this->decoded(longer));
  EXPECT_FALSE(this->decoded(std::array<Byte, 1>{0}));                  // infinity
  EXPECT_FALSE(this->decoded(typename TestFixture::Encoded{}));         // infinity, padded
  EXPECT_FALSE(this->decoded(typename TestFixture::Encoded{Byte{4}}));  // (0, 0)
  for (const Byte form : {Byte{2}, Byte{3}, Byte{6}, Byte{7}}) {
    bad = good;
    bad[0] = form;
    EXPECT_FALSE(this->decoded(bad));
    EXPECT_FALSE(this->decoded(Bytes(bad).first(1 + TestFixture::width)));
  }
}

// Points with a small x or y: what is p larger is the same in the field and fits into as many bytes.
TYPED_TEST(Group, DecodeRefusesCoordinatesThatAreNotReduced) {
  using Number = typename TypeParam::Number;
  constexpr std::size_t size = TestFixture::width;
  const auto refused = [&](const Number& x, const Number& y, const Number& unreduced_x, const Number& unreduced_y) {
    typename TestFixture::Encoded point{4};
    to_big_endian(x, std::span(point).template subspan<1, size>());
    to_big_endian(y, std::span(point).template last<size>());
    EXPECT_TRUE(this->decoded(point));
    to_big_endian(unreduced_x, std::span(point).template subspan<1, size>());
    to_big_endian(unreduced_y, std::span(point).template last<size>());
    EXPECT_FALSE(this->decoded(point));
  };
  mpz_t p, x, right, root;
  mpz_inits(p, x, right, root, nullptr);
  mpz_import(p, Number::size, -1, 8, 0, 0, TypeParam::prime.limb);
  int found = 0;
  for (Limb small = 0; found < 3; ++small) {
    mpz_t b;
    mpz_init(b);
    mpz_import(b, Number::size, -1, 8, 0, 0, TypeParam::curve_b.limb);
    mpz_set_ui(x, small);
    mpz_pow_ui(right, x, 3);
    mpz_submul_ui(right, x, 3);
    mpz_add(right, right, b);
    mpz_clear(b);
    if (mpz_legendre(right, p) != 1) continue;
    ++found;
    // p is 3 modulo 4.
    mpz_add_ui(root, p, 1);
    mpz_fdiv_q_2exp(root, root, 2);
    mpz_powm(root, right, root, p);
    Number y{};
    mpz_export(y.limb, nullptr, -1, 8, 0, 0, root);
    refused(Number::from_word(small), y, plus(TypeParam::prime, static_cast<std::int64_t>(small)), y);
  }
  mpz_clears(p, x, right, root, nullptr);
  if constexpr (std::same_as<TypeParam, P256>) {
    const Number with_y_5 = repeated<4>("d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7");
    refused(with_y_5, Number::from_word(5), with_y_5, plus(P256::prime, 5));
  }
}

}  // namespace
}  // namespace limpid::crypto
