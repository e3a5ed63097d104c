#include "limpid/crypto/edwards25519_formulas.hpp"

namespace limpid::crypto::edwards25519 {
namespace {

using namespace field25519;

// RFC 8032, section 5.1.
constexpr Element base_x = from_limbs({0xc9562d608f25d51a, 0x692cc7609525a7b2, 0xc0a4e231fdd6dc5c, 0x216936d3cd6e53fe});
constexpr Element base_y = from_limbs({0x6666666666666658, 0x6666666666666666, 0x6666666666666666, 0x6666666666666666});

constexpr BaseTable make_table() {
  BaseTable table{};
  Point power{base_x, base_y, one, product(base_x, base_y)};  // 2^(32 n) B
  for (auto& row : table.term) {
    Point tooth[BaseTable::teeth] = {};
    for (Point& each : tooth) {
      each = power;
      for (std::size_t i = 0; i < BaseTable::spacing; ++i) twice(power, WithT::yes);
    }
    for (std::size_t i = 0; i < BaseTable::multiples; ++i) {
      Point sum = tooth[BaseTable::teeth - 1];
      for (std::size_t j = 0; j + 1 < BaseTable::teeth; ++j) {
        const Term term = to_term(tooth[j]);
        edwards25519::add(sum, (i >> j & 1) != 0 ? term : edwards25519::negate(term), product(sum.z, tooth[j].z),
                          WithT::yes);
      }
      const Element inverse = field25519::inverse(sum.z);
      const Term term = to_term(sum);
      row[i][0] = to_limbs(product(term.sum, inverse));
      row[i][1] = to_limbs(product(term.difference, inverse));
      row[i][2] = to_limbs(product(term.product, inverse));
    }
  }
  return table;
}

}  // namespace

constinit const BaseTable base_table = make_table();

}  // namespace limpid::crypto::edwards25519
