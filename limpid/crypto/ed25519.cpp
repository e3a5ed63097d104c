#include "limpid/crypto/ed25519.hpp"

#include "limpid/crypto/edwards25519.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/crypto/scalar25519.hpp"

namespace limpid::crypto::ed25519 {
namespace {

using namespace edwards25519;

// SHA-512, for which there are no kernels.
Secret<64> sha512(std::initializer_list<Bytes> pieces) {
  Hash hash(HashAlgorithm::sha512);
  for (const Bytes piece : pieces) hash.update(piece, portable_cpu);
  Secret<64> digest;
  hash.finish_into(digest.mutable_bytes(), portable_cpu);
  return digest;
}

// The same as a number modulo L.
Limbs<4> hash_to_scalar(std::initializer_list<Bytes> pieces) {
  return scalar25519::reduce(from_little_endian<8>(sha512(pieces).bytes()));
}

// Section 5.1.5, steps 1 and 2: the secret scalar of an expanded seed.
Limbs<4> scalar_of(const Secret<64>& expanded) { return scalar25519::clamped(expanded.bytes().first<32>()); }

}  // namespace

void derive_public_key(std::span<const Byte, 32> seed, std::span<Byte, 32> public_key) {
  encode(multiply_base(scalar_of(sha512({seed}))), public_key);
}

void sign(std::span<const Byte, 32> seed, std::span<const Byte, 32> public_key, Bytes message,
          std::span<Byte, 64> signature) {
  // Section 5.1.6.
  const Secret<64> expanded = sha512({seed});
  const Limbs<4> r = hash_to_scalar({expanded.bytes().last<32>(), message});
  encode(multiply_base(r), signature.first<32>());
  const Limbs<4> k = hash_to_scalar({signature.first<32>(), public_key, message});
  const Limbs<4> s = scalar25519::multiply_add(k, scalar_of(expanded), r);
  to_little_endian(s, signature.last<32>());
}

bool verify(std::span<const Byte, 32> public_key, Bytes message, Bytes signature) {
  // Section 5.1.7.
  if (signature.size() != 64) return false;
  const auto s = from_little_endian<4>(signature.last<32>());
  const auto key = decode(public_key);
  if (mask_if_less(s, scalar25519::order) == 0 || !key || has_small_order(*key)) return false;
  const Limbs<4> k = hash_to_scalar({signature.first<32>(), public_key, message});
  const Point r = difference(s, k, *key);
  std::array<Byte, 32> expected;
  encode(r, expected);
  return !has_small_order(r) && signature.first<32>() == Bytes(expected);
}

}  // namespace limpid::crypto::ed25519
