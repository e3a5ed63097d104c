#include "limpid/crypto/rsa.hpp"

#include <bit>

#include "limpid/crypto/hmac.hpp"
#include "limpid/crypto/long_montgomery.hpp"
#include "limpid/crypto/rsa_encoding.hpp"
#if defined(__x86_64__)
#include "limpid/crypto/x86/rsa_power.hpp"
#endif

namespace limpid::crypto::rsa {
namespace {

std::size_t bit_length(Bytes modulus) {  // its first byte is not zero
  return 8 * modulus.size() - static_cast<std::size_t>(std::countl_zero(modulus[0]));
}

// An even number of limbs that hold the modulus; a prime takes half of them.
std::size_t limbs_of(const PublicKey& key) { return (key.modulus().size() + 15) / 16 * 2; }

LongNumber modulus_of(const PublicKey& key) { return LongNumber::from_big_endian(limbs_of(key), key.modulus()); }

Limb exponent_of(const PublicKey& key) { return LongNumber::from_big_endian(1, key.exponent())[0]; }

// a^e modulo the modulus for a below it and a public exponent; nothing in Montgomery form.
LongNumber public_power(const LongMontgomery& modulo, const LongNumber& a, Limb e, [[maybe_unused]] CpuFeatures cpu) {
#if defined(__x86_64__)
  if (cpu.avx512_ifma && a.size() <= x86::max_public_power_limbs) return x86::raise_public(modulo, a, e);
#endif
  const LongNumber entered = modulo.enter(a);
  LongNumber power = entered;
  for (int bit = 62 - std::countl_zero(e); bit >= 0; --bit) {
    modulo.multiply(power, power, power);
    if ((e >> bit & 1) != 0) modulo.multiply(power, power, entered);
  }
  return modulo.leave(power);
}

struct Prime {  // p or q
  LongNumber prime, exponent;

  // Whether both e * exponent = 1 and d = exponent modulo prime - 1.
  bool has_exponents(Limb e, const LongNumber& d) const {
    LongNumber less_one = prime;
    const LongNumber one(prime.size(), 1);
    subtract(less_one, one);
    const LongNumber product = multiply_whole(exponent, LongNumber(1, e));
    return declassify(mask_if_equal(remainder(product, less_one), one) &
                      mask_if_equal(remainder(d, less_one), exponent));
  }
};

// The private key as numbers: on a stack that is cleaned.
struct Numbers {
  LongNumber n;
  std::size_t bits, half;
  Limb e;
  Prime p, q;
  LongNumber qinv;

  Numbers(const PublicKey& key, const PrivateFields& fields)
      : n(modulus_of(key)),
        bits(bit_length(key.modulus())),
        half(n.size() / 2),
        e(exponent_of(key)),
        p{LongNumber::from_big_endian(half, fields.p), LongNumber::from_big_endian(half, fields.dp)},
        q{LongNumber::from_big_endian(half, fields.q), LongNumber::from_big_endian(half, fields.dq)},
        qinv(LongNumber::from_big_endian(half, fields.qinv)) {}

  // As n = p q and neither has more than half its bits, rounded up, both have half, rounded down, at least.
  LongMontgomery modulo(const Prime& prime) const { return LongMontgomery(prime.prime, bits / 2); }
};

// a^dp modulo p and b^dq modulo q; nothing in Montgomery form.
void raise(LongNumber& a, const LongMontgomery& modulo_p, const LongNumber& dp, LongNumber& b,
           const LongMontgomery& modulo_q, const LongNumber& dq, [[maybe_unused]] CpuFeatures cpu) {
#if defined(__x86_64__)
  if (cpu.avx512_ifma && a.size() <= x86::max_power_limbs) {
    x86::raise_two({modulo_p, a, dp}, {modulo_q, b, dq});
    return;
  }
#endif
  a = modulo_p.leave(modulo_p.power(modulo_p.enter(a), dp));
  b = modulo_q.leave(modulo_q.power(modulo_q.enter(b), dq));
}

// c^d modulo n for c below n, by the Chinese remainder theorem (RFC 8017, section 5.1.2).
LongNumber private_power(const Numbers& key, const LongNumber& c, CpuFeatures cpu) {
  const LongNumber low = c.part(0, key.half), high = c.part(key.half, key.half);
  const LongMontgomery modulo_p = key.modulo(key.p), modulo_q = key.modulo(key.q);
  // c modulo a prime: low + high 2^(64 half).
  const auto reduced = [&](const LongMontgomery& modulo) {
    return modulo.leave(modulo.add(modulo.enter(low), modulo.enter(modulo.enter(high))));
  };
  LongNumber m1 = reduced(modulo_p), m2 = reduced(modulo_q);
  raise(m1, modulo_p, key.p.exponent, m2, modulo_q, key.q.exponent, cpu);
  // m2 + h q, below n, with h = (m1 - m2) qinv modulo p.
  const LongNumber difference = modulo_p.subtract(modulo_p.enter(m1), modulo_p.enter(m2));
  const LongNumber h = modulo_p.multiply(difference, key.qinv);
  LongNumber result = multiply_whole(h, key.q.prime);
  add(result, m2.part(0, result.size()));
  return result;
}

// A number of random bits, fewer than the modulus has.
LongNumber random_below(const Numbers& key, Generator& generator) {
  LongNumber number(key.n.size());
  generator.fill({reinterpret_cast<Byte*>(number.limbs()), 8 * number.size()});
  for (std::size_t i = 0; i < number.size(); ++i) {
    const std::size_t first = 64 * i;
    if (first + 64 > key.bits - 1) {
      number[i] &= first >= key.bits - 1 ? 0 : (Limb{1} << (key.bits - 1 - first)) - 1;
    }
  }
  return number;
}

bool sign_encoded(const Numbers& key, Generator& generator, MutableBytes encoded, CpuFeatures cpu) {
  const LongMontgomery modulo(key.n, key.bits);
  const LongNumber message = LongNumber::from_big_endian(key.n.size(), encoded);
  // (m r^e)^d is m^d r: what is raised to a secret power has nothing to do with the message.
  const LongNumber r = random_below(key, generator);
  const LongNumber blinded = modulo.multiply(modulo.enter(public_power(modulo, r, key.e, cpu)), message);
  const LongNumber blinded_signature = private_power(key, blinded, cpu);
  LongNumber signature = modulo.multiply(modulo.enter(blinded_signature), modular_inverse(r, key.n));
  const LongNumber verified = public_power(modulo, signature, key.e, cpu);
  const Limb good = mask_if_equal(verified, message);
  for (std::size_t i = 0; i < signature.size(); ++i) signature[i] &= good;
  signature.to_big_endian(encoded);
  return declassify(good);
}

// What nobody can predict without the key, and nobody repeat without key, digest and hedge.
Generator generator_for(const PrivateFields& fields, SignatureAlgorithm algorithm, Bytes digest,
                        std::span<const Byte, 32> hedge, CpuFeatures cpu) {
  Hmac mac(HashAlgorithm::sha256, fields.d, cpu);
  const std::array<Byte, 2> which{static_cast<Byte>(algorithm.kind), static_cast<Byte>(algorithm.hash)};
  for (const Bytes piece : {Bytes(which), Bytes(hedge), digest}) mac.update(piece, cpu);
  return Generator(mac.finish(cpu).bytes().first<32>());
}

}  // namespace

PrivateFields PrivateFields::of(Bytes stored, std::size_t modulus_size) {
  const std::size_t half = half_size(modulus_size);
  const auto take = [&](std::size_t size) {
    const Bytes field = stored.first(size);
    stored = stored.subspan(size);
    return field;
  };
  PrivateFields fields;
  fields.d = take(modulus_size);
  for (Bytes* field : {&fields.p, &fields.q, &fields.dp, &fields.dq, &fields.qinv}) *field = take(half);
  return fields;
}

bool verify(const PublicKey& key, SignatureAlgorithm algorithm, Bytes digest, Bytes signature, CpuFeatures cpu) {
  const Bytes modulus = key.modulus();
  // RFC 8017, sections 8.1.2 and 8.2.2: "If the length of the signature S is not k octets, output "invalid signature"
  // and stop."
  if (signature.size() != modulus.size()) return false;
  std::array<Byte, max_rsa_bits / 8> storage;
  const MutableBytes encoded = MutableBytes(storage).first(modulus.size());
  const LongNumber n = modulus_of(key), s = LongNumber::from_big_endian(n.size(), signature);
  // Section 5.2.2: "If the signature representative s is not between 0 and n - 1, output "signature representative
  // out of range" and stop."
  if (mask_if_less(s, n) == 0) return false;
  public_power(LongMontgomery(n, bit_length(modulus)), s, exponent_of(key), cpu).to_big_endian(encoded);
  if (algorithm.kind == SignatureAlgorithm::Kind::rsa_pss) {
    return verify_pss(algorithm.hash, digest, bit_length(modulus), encoded, cpu);
  }
  std::array<Byte, max_rsa_bits / 8> expected;
  const MutableBytes right = MutableBytes(expected).first(modulus.size());
  encode_pkcs1(algorithm.hash, digest, right);
  return Bytes(encoded) == Bytes(right);
}

bool is_consistent(const PublicKey& public_key, const PrivateFields& fields) {
  const Numbers key(public_key, fields);
  const std::size_t most = (key.bits + 1) / 2;
  Limb beyond = 0;
  for (std::size_t at = most; at < 64 * key.half; ++at) beyond |= key.p.prime.bits(at, 1) | key.q.prime.bits(at, 1);
  if (!declassify(limpid::mask_if_zero(beyond) & mask_if_equal(multiply_whole(key.p.prime, key.q.prime), key.n))) {
    return false;
  }
  const LongNumber d = LongNumber::from_big_endian(key.n.size(), fields.d);
  if (!key.p.has_exponents(key.e, d) || !key.q.has_exponents(key.e, d)) return false;
  const LongMontgomery modulo_p = key.modulo(key.p);
  const LongNumber product = modulo_p.multiply(modulo_p.enter(key.q.prime), key.qinv);
  return declassify(mask_if_equal(product, LongNumber(key.half, 1)) & mask_if_less(key.qinv, key.p.prime));
}

bool sign(const PublicKey& key, const PrivateFields& fields, SignatureAlgorithm algorithm, Bytes digest,
          std::span<const Byte, 32> hedge, MutableBytes signature, CpuFeatures cpu) {
  Generator generator = generator_for(fields, algorithm, digest, hedge, cpu);
  if (algorithm.kind == SignatureAlgorithm::Kind::rsa_pss) {
    std::array<Byte, max_digest_size> salt;
    const MutableBytes drawn = MutableBytes(salt).first(digest.size());
    generator.fill(drawn);
    declassify(drawn);  // whoever verifies learns it
    encode_pss(algorithm.hash, digest, drawn, bit_length(key.modulus()), signature, cpu);
  } else {
    encode_pkcs1(algorithm.hash, digest, signature);
  }
  return sign_encoded(Numbers(key, fields), generator, signature, cpu);
}

}  // namespace limpid::crypto::rsa
