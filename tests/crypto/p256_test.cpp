// P-256's field against GMP and its group against OpenSSL, edges first.
#include <gmp.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <memory>
#include <random>

#include "limpid/crypto/p256_base_table.hpp"
#include "limpid/crypto/p256_formulas.hpp"
#include "limpid/crypto/p256_point.hpp"
#include "tests/support/hex.hpp"

namespace limpid::crypto::p256 {
namespace {

using test::from_hex;
using test::to_hex;

bool same(const Number& a, const Number& b) { return crypto::mask_if_equal(a, b) != 0; }

Number number(std::string_view hex) { return from_big_endian<4>(Bytes(from_hex(hex)).first<32>()); }

std::array<Byte, 32> bytes_of(const Number& a) {
  std::array<Byte, 32> bytes{};
  to_big_endian(a, std::span(bytes));
  return bytes;
}

Number plus(Number a, std::int64_t delta) {
  Number result{};
  if (delta >= 0) {
    add(result, a, Number::from_word(static_cast<Limb>(delta)));
  } else {
    crypto::subtract(result, a, Number::from_word(static_cast<Limb>(-delta)));
  }
  return result;
}

class Random {
 public:
  Number any() { return {random_(), random_(), random_(), random_()}; }
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

// --- the field ---

TEST(P256Field, AgreesWithTheGenericMontgomeryArithmetic) {
  Random random;
  for (int i = 0; i < 20000; ++i) {
    const Field a = random.below(prime), b = random.below(prime);
    ASSERT_TRUE(same(multiply(a, b), modulo_prime.multiply(a, b)));
    ASSERT_TRUE(same(square(a), modulo_prime.multiply(a, a)));
    ASSERT_TRUE(same(add(a, b), modulo_prime.add(a, b)));
    ASSERT_TRUE(same(subtract(a, b), modulo_prime.subtract(a, b)));
    ASSERT_TRUE(same(negate(a), modulo_prime.negate(a)));
  }
}

TEST(P256Field, AgreesAtItsEdges) {
  const Number edges[] = {{},
                          Number::from_word(1),
                          plus(prime, -1),
                          plus(prime, -2),
                          {0xffffffff00000000, 0, 0, 0},
                          {0, 0xffffffff, 0xffffffffffffffff, 0xffffffff00000000},
                          {~Limb{0}, ~Limb{0}, ~Limb{0}, 0xffffffff00000000},
                          modulo_prime.one()};
  for (const Field& a : edges) {
    for (const Field& b : edges) {
      EXPECT_TRUE(same(multiply(a, b), modulo_prime.multiply(a, b)));
      EXPECT_TRUE(same(add(a, b), modulo_prime.add(a, b)));
      EXPECT_TRUE(same(subtract(a, b), modulo_prime.subtract(a, b)));
    }
    EXPECT_TRUE(same(square(a), modulo_prime.multiply(a, a)));
    EXPECT_TRUE(same(leave_field(enter_field(a)), a));
  }
}

TEST(P256Field, InvertsLikeGmp) {
  Random random;
  mpz_t p, a;
  mpz_inits(p, a, nullptr);
  mpz_import(p, 4, -1, 8, 0, 0, prime.limb);
  for (int i = 0; i < 100; ++i) {
    Number value = i == 0 ? Number::from_word(1) : i == 1 ? plus(prime, -1) : random.below(prime);
    if (crypto::mask_if_zero(value) != 0) continue;
    mpz_import(a, 4, -1, 8, 0, 0, value.limb);
    mpz_invert(a, a, p);
    Number expected{};
    mpz_export(expected.limb, nullptr, -1, 8, 0, 0, a);
    ASSERT_TRUE(same(leave_field(invert(enter_field(value))), expected));
    ASSERT_TRUE(same(leave_field(modulo_prime.inverse(enter_field(value))), expected));
  }
  mpz_clears(p, a, nullptr);
  EXPECT_TRUE(same(invert(Field{}), Field{}));
}

// --- the group ---

class OpenSslGroup {
 public:
  using Encoded = std::array<Byte, 65>;

  // a * G + b * point, or nothing if that is infinity.
  std::optional<Encoded> combine(const Number& a, const Number& b, Bytes point) {
    EC_POINT* result = EC_POINT_new(group_.get());
    EC_POINT* other = EC_POINT_new(group_.get());
    BIGNUM* first = BN_bin2bn(bytes_of(a).data(), 32, nullptr);
    BIGNUM* second = BN_bin2bn(bytes_of(b).data(), 32, nullptr);
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
      EC_POINT_point2oct(group_.get(), result, POINT_CONVERSION_UNCOMPRESSED, encoded->data(), 65, nullptr);
    }
    BN_free(first);
    BN_free(second);
    EC_POINT_free(other);
    EC_POINT_free(result);
    return encoded;
  }
  std::optional<Encoded> base_multiple(const Number& a) { return combine(a, {}, {}); }
  std::optional<Encoded> multiple(const Number& b, Bytes point) { return combine({}, b, point); }

 private:
  std::unique_ptr<EC_GROUP, void (*)(EC_GROUP*)> group_{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
                                                        EC_GROUP_free};
};

std::optional<OpenSslGroup::Encoded> encoded(const Point& point) {
  if (crypto::mask_if_zero(point.z) != 0) return std::nullopt;
  OpenSslGroup::Encoded bytes{};
  encode(to_affine(point), bytes);
  return bytes;
}

// Around zero, the order and its half, and where signed windows carry from end to end.
std::vector<Number> edge_scalars() {
  std::vector<Number> scalars;
  Number half{};
  for (std::size_t i = 0; i < 4; ++i) half[i] = order[i] >> 1 | (i < 3 ? order[i + 1] << 63 : 0);
  for (std::int64_t i = 0; i <= 70; ++i) {
    scalars.push_back(Number::from_word(static_cast<Limb>(i)));
    scalars.push_back(plus(order, -i - 1));
    if (i < 40) scalars.push_back(plus(half, i - 20));
  }
  for (std::size_t bit = 0; bit < 256; bit += 3) {
    Number a{};
    a[bit / 64] = Limb{1} << bit % 64;
    if (mask_if_less(a, order) == 0) continue;
    scalars.push_back(a);
    scalars.push_back(plus(a, -1));
    scalars.push_back(plus(a, 1));
  }
  for (const std::string_view pattern : {"2082082082082082082082082082082082082082082082082082082082082082",
                                         "8421084210842108421084210842108421084210842108421084210842108421",
                                         "0410410410410410410410410410410410410410410410410410410410410410",
                                         "7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff",
                                         "5555555555555555555555555555555555555555555555555555555555555555",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    scalars.push_back(number(pattern));
  }
  return scalars;
}

TEST(P256, BaseMultiplesOfEdgeScalarsAgreeWithOpenSsl) {
  OpenSslGroup openssl;
  for (const Number& scalar : edge_scalars()) {
    ASSERT_EQ(encoded(multiply_base(scalar)), openssl.base_multiple(scalar)) << to_hex(bytes_of(scalar));
  }
}

TEST(P256, MultiplesOfEdgeScalarsAgreeWithOpenSsl) {
  OpenSslGroup openssl;
  const auto point = *openssl.base_multiple(number("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
  for (const Number& scalar : edge_scalars()) {
    ASSERT_EQ(encoded(multiply(*decode(point), scalar)), openssl.multiple(scalar, point)) << to_hex(bytes_of(scalar));
  }
}

TEST(P256, RandomMultiplesAgreeWithOpenSsl) {
  OpenSslGroup openssl;
  Random random;
  for (int i = 0; i < 300; ++i) {
    const Number a = random.below(order), b = random.below(order);
    const auto point = encoded(multiply_base(a));
    ASSERT_EQ(point, openssl.base_multiple(a));
    if (!point) continue;
    ASSERT_EQ(encoded(multiply(*decode(*point), b)), openssl.multiple(b, *point));
    const Number c = random.below(order);
    ASSERT_EQ(encoded(multiply_two(b, *decode(*point), c)), openssl.combine(b, c, *point));
  }
}

// Points that are small multiples of G, or negatives of each other, are where sums meet their next term.
TEST(P256, SumsOfTwoMultiplesAgreeWithOpenSslWhereTheyCollide) {
  OpenSslGroup openssl;
  const auto edges = edge_scalars();
  for (const Number& factor : {Number::from_word(1), Number::from_word(2), Number::from_word(3), Number::from_word(32),
                               plus(order, -1), plus(order, -2)}) {
    const auto point = *openssl.base_multiple(factor);
    for (std::size_t i = 0; i < edges.size(); i += 5) {
      for (const Number& b : {edges[i], modulo_order.negate(modulo_order.reduce_once(edges[i])), Number{}}) {
        if (mask_if_less(b, order) == 0) continue;
        ASSERT_EQ(encoded(multiply_two(edges[i], *decode(point), b)), openssl.combine(edges[i], b, point));
      }
    }
  }
}

TEST(P256, ZeroTimesAnythingIsInfinity) {
  OpenSslGroup openssl;
  const auto point = decode(*openssl.base_multiple(Number::from_word(5)));
  EXPECT_FALSE(encoded(multiply_base({})));
  EXPECT_FALSE(encoded(multiply(*point, {})));
  EXPECT_FALSE(encoded(multiply_two({}, *point, {})));
  EXPECT_FALSE(encoded(twice(infinity)));
}

TEST(P256, AdditionHandlesInfinityAndNegatives) {
  OpenSslGroup openssl;
  const AffinePoint three = *decode(*openssl.base_multiple(Number::from_word(3)));
  const Point five = multiply_base(Number::from_word(5));
  const Point minus_three = multiply_base(plus(order, -3));
  EXPECT_EQ(encoded(add_different(five, three)), openssl.base_multiple(Number::from_word(8)));
  EXPECT_EQ(encoded(add_different(five, minus_three)), openssl.base_multiple(Number::from_word(2)));
  EXPECT_EQ(encoded(add_different(infinity, three)), encoded(to_point(three)));
  EXPECT_EQ(encoded(add_different(infinity, five)), encoded(five));
  EXPECT_EQ(encoded(add_different(five, infinity)), encoded(five));
  EXPECT_FALSE(encoded(add_different(infinity, infinity)));
  EXPECT_FALSE(encoded(add_different(minus_three, three)));
  EXPECT_FALSE(encoded(add_different(minus_three, to_point(three))));
}

TEST(P256, TheBaseTableHoldsWhatItSays) {
  OpenSslGroup openssl;
  for (std::size_t row = 0; row < base_rows; ++row) {
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{30}, std::size_t{31}}) {
      Number scalar{};
      const Limb multiple = i + 1;
      scalar[12 * row / 64] = multiple << 12 * row % 64;
      if (12 * row / 64 + 1 < 4 && 12 * row % 64 != 0) scalar[12 * row / 64 + 1] = multiple >> (64 - 12 * row % 64);
      // 2^252 * 31 and its like are beyond the order; OpenSSL reduces them.
      if (row == base_rows - 1 && i > 14) continue;
      ASSERT_EQ(encoded(to_point(base_table.row[row][i])), openssl.base_multiple(scalar)) << row << ", " << i;
    }
  }
}

TEST(P256, DecodeTakesOnlyCanonicalUncompressedPointsOnTheCurve) {
  OpenSslGroup openssl;
  const auto good = *openssl.base_multiple(Number::from_word(7));
  ASSERT_TRUE(decode(good));
  auto bad = good;
  for (std::size_t i = 0; i < 65; ++i) {
    bad[i] ^= 1;
    EXPECT_FALSE(decode(bad)) << i;
    bad[i] ^= 1;
  }
  for (std::size_t n = 0; n < 65; ++n) EXPECT_FALSE(decode(Bytes(good).first(n))) << n;
  std::vector<Byte> longer(good.begin(), good.end());
  longer.push_back(0);
  EXPECT_FALSE(decode(longer));
  EXPECT_FALSE(decode(std::array<Byte, 1>{0}));   // infinity
  EXPECT_FALSE(decode(std::array<Byte, 65>{}));   // infinity, padded
  EXPECT_FALSE(decode(std::array<Byte, 65>{4}));  // (0, 0)
  for (const Byte form : {Byte{2}, Byte{3}, Byte{6}, Byte{7}}) {
    bad = good;
    bad[0] = form;
    EXPECT_FALSE(decode(bad));
    EXPECT_FALSE(decode(Bytes(bad).first(33)));
  }
}

TEST(P256, DecodeRefusesCoordinatesThatAreNotReduced) {
  // Two points with a coordinate of 5: p + 5 is the same in the field and fits in 32 bytes.
  struct {
    Number x, y;
    Number unreduced_x, unreduced_y;
  } const points[] = {
      {Number::from_word(5), number("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc"), plus(prime, 5),
       number("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc")},
      {number("d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7"), Number::from_word(5),
       number("d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7"), plus(prime, 5)},
  };
  for (const auto& [x, y, unreduced_x, unreduced_y] : points) {
    OpenSslGroup::Encoded point{4};
    to_big_endian(x, std::span(point).subspan<1, 32>());
    to_big_endian(y, std::span(point).subspan<33, 32>());
    EXPECT_TRUE(decode(point));
    to_big_endian(unreduced_x, std::span(point).subspan<1, 32>());
    to_big_endian(unreduced_y, std::span(point).subspan<33, 32>());
    EXPECT_FALSE(decode(point));
  }
}

}  // namespace
}  // namespace limpid::crypto::p256
