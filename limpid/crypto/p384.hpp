// The curve P-384 (SP 800-186, section 3.2.1.4), as p256.hpp has P-256. Its field is Montgomery<6>'s; sums
// are called, too, which costs a hundredth of the time and halves the formulas above.
#pragma once

#include "limpid/crypto/montgomery.hpp"

namespace limpid::crypto {

struct P384 {
  using Number = Limbs<6>;

  // 2^384 - 2^128 - 2^96 + 2^32 - 1.
  static constexpr Number prime{0x00000000ffffffff, 0xffffffff00000000, 0xfffffffffffffffe,
                                0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff};
  static constexpr Number order{0xecec196accc52973, 0x581a0db248b0a77a, 0xc7634d81f4372ddf,
                                0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff};
  static constexpr Number curve_b{0x2a85c8edd3ec2aef, 0xc656398d8a2ed19d, 0x0314088f5013875a,
                                  0x181d9c6efe814112, 0x988e056be3f82d19, 0xb3312fa7e23ee7e4};
  static constexpr Number base_x{0x3a545e3872760ab7, 0x5502f25dbf55296c, 0x59f741e082542a38,
                                 0x6e1d3b628ba79b98, 0x8eb1c71ef320ad74, 0xaa87ca22be8b0537};
  static constexpr Number base_y{0x7a431d7c90ea0e5f, 0x0a60b1ce1d7e819d, 0xe9da3113b5f0b8c0,
                                 0xf8f41dbd289a147c, 0x5d9e98bf9292dc29, 0x3617de4a96262c6f};
  static constexpr Montgomery<6> modulo_prime{prime}, modulo_order{order};
  static constexpr std::size_t base_window = 4, base_comb = 8;

  [[gnu::noinline]] static constexpr Number add(const Number& a, const Number& b) { return modulo_prime.add(a, b); }
  [[gnu::noinline]] static constexpr Number subtract(const Number& a, const Number& b) {
    return modulo_prime.subtract(a, b);
  }
  static constexpr Number multiply(const Number& a, const Number& b) { return modulo_prime.multiply(a, b); }
  static constexpr Number square(const Number& a) { return modulo_prime.square(a); }
};

}  // namespace limpid::crypto
