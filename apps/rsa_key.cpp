#include "rsa_key.hpp"

#include <gmp.h>

#include <cstdlib>
#include <vector>

#include "limpid/core/constant_time.hpp"

namespace limpid::apps {
namespace {

// GMP's memory held primes when it is given back.
void* allocate(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();  // as GMP's own does
  return memory;
}
void release(void* memory, std::size_t size) {
  wipe({static_cast<Byte*>(memory), size});
  std::free(memory);
}
void* reallocate(void* memory, std::size_t size, std::size_t new_size) {
  void* moved = allocate(new_size);
  copy({static_cast<const Byte*>(memory), std::min(size, new_size)}, {static_cast<Byte*>(moved), new_size});
  release(memory, size);
  return moved;
}

class Number {
 public:
  Number() { mpz_init(value_); }
  explicit Number(unsigned long value) { mpz_init_set_ui(value_, value); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { mpz_clear(value_); }

  mpz_ptr get() { return value_; }

  std::vector<Byte> bytes() const {
    std::vector<Byte> big_endian((mpz_sizeinbase(value_, 2) + 7) / 8);
    mpz_export(big_endian.data(), nullptr, 1, 1, 1, 0, value_);
    return big_endian;
  }

 private:
  mpz_t value_;
};

constexpr unsigned long exponent = 65537;

// Sets `prime` to one of so many bits, of which the highest two are set, so that the product of two such has twice as
// many; prime - 1 has no divisor in common with the exponent.
void draw_prime(Number& prime, std::size_t bits, crypto::Generator& generator) {
  // GMP runs a Baillie-PSW test and then so many rounds of Miller-Rabin less 24: FIPS 186-5, table B.1, wants at most
  // 5 of the latter for these sizes.
  constexpr int rounds = 24 + 8;
  std::vector<Byte> candidate(bits / 8);
  do {
    generator.fill(candidate);
    candidate.front() |= 0xc0;
    candidate.back() |= 0x01;
    mpz_import(prime.get(), candidate.size(), 1, 1, 1, 0, candidate.data());
    wipe(candidate);
  } while (mpz_fdiv_ui(prime.get(), exponent) == 1 || mpz_probab_prime_p(prime.get(), rounds) == 0);
}

// FIPS 186-5, appendix A.1.3, step 5.4: p and q differ in their highest 100 bits.
bool are_far_apart(Number& p, Number& q, std::size_t bits) {
  Number difference;
  mpz_sub(difference.get(), p.get(), q.get());
  return mpz_sizeinbase(difference.get(), 2) > bits / 2 - 100;
}

}  // namespace

Result<crypto::PrivateKey> generate_rsa_key(std::size_t bits, crypto::Generator& generator) {
  mp_set_memory_functions(allocate, reallocate, release);
  for (;;) {
    Number p, q, n, d, p1, q1, dp, dq, inverse;
    Number e(exponent);
    draw_prime(p, bits / 2, generator);
    draw_prime(q, bits / 2, generator);
    if (!are_far_apart(p, q, bits)) continue;
    mpz_mul(n.get(), p.get(), q.get());
    mpz_sub_ui(p1.get(), p.get(), 1);
    mpz_sub_ui(q1.get(), q.get(), 1);
    Number least_common_multiple;
    mpz_lcm(least_common_multiple.get(), p1.get(), q1.get());
    mpz_invert(d.get(), e.get(), least_common_multiple.get());
    // Step 3 of appendix A.1.1: d is above 2^(bits / 2); otherwise begin anew.
    if (mpz_sizeinbase(d.get(), 2) <= bits / 2) continue;
    mpz_mod(dp.get(), d.get(), p1.get());
    mpz_mod(dq.get(), d.get(), q1.get());
    mpz_invert(inverse.get(), q.get(), p.get());
    std::vector<Byte> numbers[] = {n.bytes(), e.bytes(),  d.bytes(),  p.bytes(),
                                   q.bytes(), dp.bytes(), dq.bytes(), inverse.bytes()};
    // Checks that all of them fit together, and signs something.
    auto key = crypto::PrivateKey::rsa(crypto::KeyType::rsa, {.n = numbers[0],
                                                              .e = numbers[1],
                                                              .d = numbers[2],
                                                              .p = numbers[3],
                                                              .q = numbers[4],
                                                              .dp = numbers[5],
                                                              .dq = numbers[6],
                                                              .qinv = numbers[7]});
    for (std::vector<Byte>& each : numbers) wipe(each);
    if (!key)
      return effects::fail("the RSA key that was made does not work; try again, and report it if that does not help");
    return std::move(*key);
  }
}

}  // namespace limpid::apps
