#include "limpid/crypto/pbkdf2.hpp"

#include "limpid/crypto/sha1.hpp"

namespace limpid::crypto {
namespace {

//     F (P, S, c, i) = U_1 \xor U_2 \xor ... \xor U_c
//     U_1 = PRF (P, S || INT (i)), U_n = PRF (P, U_{n-1})
template <class Mac>
void derive(const Mac& keyed, Bytes salt, std::uint32_t iterations, MutableBytes key, CpuFeatures cpu) {
  for (std::uint32_t i = 1; !key.empty(); ++i) {
    const Byte index[] = {static_cast<Byte>(i >> 24), static_cast<Byte>(i >> 16), static_cast<Byte>(i >> 8),
                          static_cast<Byte>(i)};
    Mac first = keyed;
    first.update(salt, cpu);
    first.update(index, cpu);
    HashSecret u = first.finish(cpu);
    HashSecret sum = u.clone();
    for (std::uint32_t n = 1; n < iterations; ++n) {
      Mac next = keyed;
      next.update(u.bytes(), cpu);
      u = next.finish(cpu);
      for (std::size_t k = 0; k < sum.size(); ++k) sum.mutable_bytes()[k] ^= u.bytes()[k];
    }
    key = key.subspan(copy(sum.bytes().first(std::min(sum.size(), key.size())), key).size());
  }
}

}  // namespace

void pbkdf2(Prf prf, Bytes passphrase, Bytes salt, std::uint32_t iterations, MutableBytes key, CpuFeatures cpu) {
  switch (prf) {
    case Prf::hmac_sha1:
      return derive(HmacSha1(passphrase), salt, iterations, key, cpu);
    case Prf::hmac_sha256:
      return derive(Hmac(HashAlgorithm::sha256, passphrase, cpu), salt, iterations, key, cpu);
    case Prf::hmac_sha384:
      return derive(Hmac(HashAlgorithm::sha384, passphrase, cpu), salt, iterations, key, cpu);
    case Prf::hmac_sha512:
      return derive(Hmac(HashAlgorithm::sha512, passphrase, cpu), salt, iterations, key, cpu);
  }
}

}  // namespace limpid::crypto
