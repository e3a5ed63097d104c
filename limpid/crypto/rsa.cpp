#include "limpid/crypto/rsa.hpp"

#include <bit>

#include "limpid/crypto/hmac.hpp"
#include "limpid/crypto/montgomery.hpp"
#include "limpid/crypto/rsa_encoding.hpp"
#if defined(__x86_64__)
#include "limpid/crypto/x86/rsa_power.hpp"
#endif

namespace limpid::crypto::rsa {
namespace {

template <std::size_t N>
struct Width {
  static constexpr std::size_t limbs = N;
};

// Calls `work` with the narrowest width in use that holds the modulus; a prime takes half of it.
auto with_width(std::size_t modulus_size, auto work) {
  if (modulus_size <= 8 * 32) return work(Width<32>());
  if (modulus_size <= 8 * 48) return work(Width<48>());
  if (modulus_size <= 8 * 64) return work(Width<64>());
  return work(Width<128>());
}

std::size_t bit_length(Bytes modulus) {  // its first byte is not zero
  return 8 * modulus.size() - static_cast<std::size_t>(std::countl_zero(modulus[0]));
}

Limb exponent_of(const PublicKey& key) { return from_short_big_endian<1>(key.exponent())[0]; }

// a^e modulo the modulus for a below it and a public exponent; nothing in Montgomery form.
template <std::size_t N>
Limbs<N> public_power(const Montgomery<N>& modulo, const Limbs<N>& a, Limb e, [[maybe_unused]] CpuFeatures cpu) {
#if defined(__x86_64__)
  if constexpr (N <= x86::max_public_power_limbs) {
    if (cpu.avx512_ifma) return x86::raise_public(modulo, a, e);
  }
#endif
  const Limbs<N> entered = modulo.enter(a);
  Limbs<N> power = entered;
  for (int bit = 62 - std::countl_zero(e); bit >= 0; --bit) {
    power = modulo.square(power);
    if ((e >> bit & 1) != 0) power = modulo.multiply(power, entered);
  }
  return modulo.leave(power);
}

template <std::size_t N>
struct Prime {  // p or q
  Limbs<N> prime, exponent;

  // 1 if both e * exponent = 1 and d = exponent modulo prime - 1.
  template <std::size_t M>
  bool has_exponents(Limb e, const Limbs<M>& d) const {
    Limbs<N> less_one;
    subtract(less_one, prime, Limbs<N>::from_word(1));
    Limb e_times[N + 1];
    multiply_by_limb(e_times, exponent, e);
    Limbs<N + 1> product;
    for (std::size_t i = 0; i <= N; ++i) product[i] = e_times[i];
    return declassify(mask_if_equal(remainder(product, less_one), Limbs<N>::from_word(1)) &
                      mask_if_equal(remainder(d, less_one), exponent));
  }
};

// The private key as numbers: on a stack that is cleaned.
template <std::size_t W>
struct Numbers {
  static constexpr std::size_t half = W / 2;
  Limbs<W> n;
  std::size_t bits;
  Limb e;
  Prime<half> p, q;
  Limbs<half> qinv;

  Numbers(const PublicKey& key, const PrivateFields& fields)
      : n(from_short_big_endian<W>(key.modulus())),
        bits(bit_length(key.modulus())),
        e(exponent_of(key)),
        p{from_short_big_endian<half>(fields.p), from_short_big_endian<half>(fields.dp)},
        q{from_short_big_endian<half>(fields.q), from_short_big_endian<half>(fields.dq)},
        qinv(from_short_big_endian<half>(fields.qinv)) {}

  // As n = p q and neither has more than half its bits, rounded up, both have half, rounded down, at least.
  Montgomery<half> modulo(const Prime<half>& prime) const { return Montgomery<half>(prime.prime, bits / 2); }
  Montgomery<W> modulo_n() const { return Montgomery<W>(n, bits); }
};

template <std::size_t W>
bool is_consistent(const Numbers<W>& key, const Limbs<W>& d) {
  constexpr std::size_t half = W / 2;
  const std::size_t most = (key.bits + 1) / 2;
  Limb beyond = 0;
  for (std::size_t at = most; at < 64 * half; ++at) {
    beyond |= bits(key.p.prime, at, 1) | bits(key.q.prime, at, 1);
  }
  if (!declassify(limpid::mask_if_zero(beyond) & mask_if_equal(multiply_whole(key.p.prime, key.q.prime), key.n))) {
    return false;
  }
  if (!key.p.has_exponents(key.e, d) || !key.q.has_exponents(key.e, d)) return false;
  const Montgomery<half> modulo_p = key.modulo(key.p);
  const Limbs<half> product = modulo_p.multiply(modulo_p.enter(key.q.prime), key.qinv);
  return declassify(mask_if_equal(product, Limbs<half>::from_word(1)) & mask_if_less(key.qinv, key.p.prime));
}

// a^dp modulo p and b^dq modulo q; nothing in Montgomery form.
template <std::size_t N>
void raise(Limbs<N>& a, const Montgomery<N>& modulo_p, const Limbs<N>& dp, Limbs<N>& b, const Montgomery<N>& modulo_q,
           const Limbs<N>& dq, [[maybe_unused]] CpuFeatures cpu) {
#if defined(__x86_64__)
  if constexpr (N <= x86::max_power_limbs) {
    if (cpu.avx512_ifma) {
      const auto both = x86::raise_two<N>({modulo_p, a, dp}, {modulo_q, b, dq});
      a = both.first;
      b = both.second;
      return;
    }
  }
#endif
  a = modulo_p.leave(modulo_p.power(modulo_p.enter(a), dp));
  b = modulo_q.leave(modulo_q.power(modulo_q.enter(b), dq));
}

// c^d modulo n for c below n, by the Chinese remainder theorem (RFC 8017, section 5.1.2).
template <std::size_t W>
Limbs<W> private_power(const Numbers<W>& key, const Limbs<W>& c, CpuFeatures cpu) {
  constexpr std::size_t half = W / 2;
  Limbs<half> low, high;
  for (std::size_t i = 0; i < half; ++i) {
    low[i] = c[i];
    high[i] = c[half + i];
  }
  const Montgomery<half> modulo_p = key.modulo(key.p), modulo_q = key.modulo(key.q);
  // c modulo a prime: low + high 2^(64 half).
  const auto reduced = [&](const Montgomery<half>& modulo) {
    return modulo.leave(modulo.add(modulo.enter(low), modulo.enter(modulo.enter(high))));
  };
  Limbs<half> m1 = reduced(modulo_p), m2 = reduced(modulo_q);
  raise(m1, modulo_p, key.p.exponent, m2, modulo_q, key.q.exponent, cpu);
  // m2 + h q, below n, with h = (m1 - m2) qinv modulo p.
  const Limbs<half> difference = modulo_p.subtract(modulo_p.enter(m1), modulo_p.enter(m2));
  const Limbs<half> h = modulo_p.multiply(difference, key.qinv);
  Limbs<W> result = multiply_whole(h, key.q.prime), addend{};
  for (std::size_t i = 0; i < half; ++i) addend[i] = m2[i];
  add(result, result, addend);
  return result;
}

// Fills a number with random bits, fewer than the modulus has.
template <std::size_t W>
Limbs<W> random_below(std::size_t modulus_bits, Generator& generator) {
  Limbs<W> number;
  generator.fill({reinterpret_cast<Byte*>(number.limb), sizeof number.limb});
  for (std::size_t i = 0; i < W; ++i) {
    const std::size_t first = 64 * i;
    if (first + 64 > modulus_bits - 1) {
      number[i] &= first >= modulus_bits - 1 ? 0 : (Limb{1} << (modulus_bits - 1 - first)) - 1;
    }
  }
  return number;
}

template <std::size_t W>
bool sign_encoded(const Numbers<W>& key, Generator& generator, MutableBytes encoded, CpuFeatures cpu) {
  const Montgomery<W> modulo = key.modulo_n();
  const Limbs<W> message = from_short_big_endian<W>(encoded);
  // (m r^e)^d is m^d r: what is raised to a secret power has nothing to do with the message.
  const Limbs<W> r = random_below<W>(key.bits, generator);
  const Limbs<W> blinded = modulo.multiply(modulo.enter(public_power(modulo, r, key.e, cpu)), message);
  const Limbs<W> blinded_signature = private_power(key, blinded, cpu);
  const Limbs<W> signature = modulo.multiply(modulo.enter(blinded_signature), modular_inverse(r, key.n));
  const Limbs<W> verified = public_power(modulo, signature, key.e, cpu);
  const Limb good = mask_if_equal(verified, message);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const std::size_t at = encoded.size() - 1 - i;
    encoded[at] = static_cast<Byte>((signature[i / 8] & good) >> 8 * (i % 8));
  }
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
  const bool in_range = with_width(modulus.size(), [&](auto width) {
    constexpr std::size_t N = decltype(width)::limbs;
    const auto n = from_short_big_endian<N>(modulus), s = from_short_big_endian<N>(signature);
    // Section 5.2.2: "If the signature representative s is not between 0 and n - 1, output "signature representative
    // out of range" and stop."
    if (mask_if_less(s, n) == 0) return false;
    const Montgomery<N> modulo(n, bit_length(modulus));
    const auto message = public_power(modulo, s, exponent_of(key), cpu);
    for (std::size_t i = 0; i < encoded.size(); ++i) {
      encoded[encoded.size() - 1 - i] = static_cast<Byte>(message[i / 8] >> 8 * (i % 8));
    }
    return true;
  });
  if (!in_range) return false;
  if (algorithm.kind == SignatureAlgorithm::Kind::rsa_pss) {
    return verify_pss(algorithm.hash, digest, bit_length(modulus), encoded, cpu);
  }
  std::array<Byte, max_rsa_bits / 8> expected;
  const MutableBytes right = MutableBytes(expected).first(modulus.size());
  encode_pkcs1(algorithm.hash, digest, right);
  return Bytes(encoded) == Bytes(right);
}

bool is_consistent(const PublicKey& key, const PrivateFields& fields) {
  return with_width(key.modulus().size(), [&](auto width) {
    constexpr std::size_t W = decltype(width)::limbs;
    return is_consistent(Numbers<W>(key, fields), from_short_big_endian<W>(fields.d));
  });
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
  return with_width(key.modulus().size(), [&](auto width) {
    return sign_encoded(Numbers<decltype(width)::limbs>(key, fields), generator, signature, cpu);
  });
}

}  // namespace limpid::crypto::rsa
