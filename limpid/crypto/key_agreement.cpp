#include "limpid/crypto/key_agreement.hpp"

#include "limpid/crypto/p256_point.hpp"
#include "limpid/crypto/x25519.hpp"

namespace limpid::crypto {
namespace {

p256::Number load_scalar(Bytes encoded) { return from_big_endian<4>(encoded.first<32>()); }

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
bool EphemeralKey::derive_public_key(CpuFeatures) {
  if (group_ == NamedGroup::secp256r1) {
    const p256::Number scalar = load_scalar(private_key_.bytes());
    if (!declassify(p256::mask_if_private_key(scalar))) return false;
    p256::encode(p256::to_affine(p256::multiply_base(scalar)), std::span(public_key_).first<65>());
  } else if (group_ == NamedGroup::x25519) {
    x25519::derive_public_key(private_key_.bytes().first<32>(), std::span(public_key_).first<32>());
  }
  return true;
}

std::optional<SecretBytes<48>> EphemeralKey::agree(Bytes peer_public_key, CpuFeatures) const {
  std::optional<SecretBytes<48>> shared(SecretBytes<48>::zeros(private_key_size(group_)));
  if (group_ == NamedGroup::secp256r1) {
    // RFC 8446, section 4.2.8.2: "peers MUST validate each other's public value Q by ensuring that the point is a valid
    // point on the elliptic curve."
    const auto peer = p256::decode(peer_public_key);
    if (!peer) return std::nullopt;
    const p256::Point point = p256::multiply(*peer, load_scalar(private_key_.bytes()));
    to_big_endian(p256::leave_field(p256::to_affine(point).x), shared->mutable_bytes().first<32>());
    return shared;
  }
  // RFC 8446, section 7.4.2: "implementations MUST check whether the computed Diffie-Hellman shared secret is the
  // all-zero value and abort if so."
  if (group_ == NamedGroup::x25519 && peer_public_key.size() == 32 &&
      x25519::agree(private_key_.bytes().first<32>(), peer_public_key.first<32>(),
                    shared->mutable_bytes().first<32>())) {
    return shared;
  }
  return std::nullopt;
}

bool EphemeralKey::restored(const LoadContext& context) {
  return private_key_.size() == private_key_size(group_) && derive_public_key(context.cpu);
}

}  // namespace limpid::crypto
