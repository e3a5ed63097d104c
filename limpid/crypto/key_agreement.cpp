#include "limpid/crypto/key_agreement.hpp"

#include "limpid/crypto/elliptic_curve.hpp"
#include "limpid/crypto/x25519.hpp"

namespace limpid::crypto {
namespace {

template <class Curve>
typename Curve::Number load_scalar(Bytes encoded) {
  return from_big_endian<Curve::Number::size>(encoded.first<scalar_size<Curve>>());
}

// False if the private key is out of range.
template <class Curve>
bool derive_point(Bytes private_key, MutableBytes public_key, CpuFeatures cpu) {
  const auto scalar = load_scalar<Curve>(private_key);
  if (!declassify(mask_if_private_key<Curve>(scalar))) return false;
  encode_point<Curve>(to_affine<Curve>(multiply_base<Curve>(scalar, cpu)), public_key.first<point_size<Curve>>());
  return true;
}

template <class Curve>
bool agree_on_curve(Bytes private_key, Bytes peer_public_key, MutableBytes shared, CpuFeatures cpu) {
  // RFC 8446, section 4.2.8.2: "peers MUST validate each other's public value Q by ensuring that the point is a valid
  // point on the elliptic curve."
  const auto peer = decode_point<Curve>(peer_public_key);
  if (!peer) return false;
  const auto point = multiply_point<Curve>(*peer, load_scalar<Curve>(private_key), cpu);
  to_big_endian(Curve::modulo_prime.leave(to_affine<Curve>(point).x), shared.first<scalar_size<Curve>>());
  return true;
}

}  // namespace

EphemeralKey EphemeralKey::generate(NamedGroup group, Generator& generator, CpuFeatures cpu) {
  EphemeralKey key;
  key.group_ = group;
  key.private_key_ = SecretBytes<48>::zeros(private_key_size(group));
  // A scalar that is out of range is thrown away and says nothing about the next one.
  do {
    generator.fill(key.private_key_.mutable_bytes());
  } while (!key.derive_public_key(cpu));
  return key;
}

// False if the private key is out of range, which for X25519 none is.
bool EphemeralKey::derive_public_key(CpuFeatures cpu) {
  switch (group_) {
    case NamedGroup::secp256r1:
      return derive_point<P256>(private_key_.bytes(), public_key_, cpu);
    case NamedGroup::secp384r1:
      return derive_point<P384>(private_key_.bytes(), public_key_, cpu);
    case NamedGroup::x25519:
      x25519::derive_public_key(private_key_.bytes().first<32>(), std::span(public_key_).first<32>());
      break;
  }
  return true;
}

std::optional<SecretBytes<48>> EphemeralKey::agree(Bytes peer_public_key, CpuFeatures cpu) const {
  std::optional<SecretBytes<48>> shared(SecretBytes<48>::zeros(private_key_size(group_)));
  const Bytes own = private_key_.bytes();
  const MutableBytes out = shared->mutable_bytes();
  bool agreed = false;
  switch (group_) {
    case NamedGroup::secp256r1:
      agreed = agree_on_curve<P256>(own, peer_public_key, out, cpu);
      break;
    case NamedGroup::secp384r1:
      agreed = agree_on_curve<P384>(own, peer_public_key, out, cpu);
      break;
    case NamedGroup::x25519:
      // RFC 8446, section 7.4.2: "implementations MUST check whether the computed Diffie-Hellman shared secret is the
      // all-zero value and abort if so."
      agreed = peer_public_key.size() == 32 &&
               x25519::agree(own.first<32>(), peer_public_key.first<32>(), out.first<32>(), cpu);
      break;
  }
  if (!agreed) shared.reset();
  return shared;
}

bool EphemeralKey::restored(const LoadContext& context) {
  return private_key_.size() == private_key_size(group_) && derive_public_key(context.cpu);
}

}  // namespace limpid::crypto
