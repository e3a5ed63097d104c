#include "limpid/crypto/signature.hpp"

#include "limpid/crypto/clean_stack.hpp"
#include "limpid/crypto/ecdsa.hpp"
#include "limpid/crypto/ed25519.hpp"

namespace limpid::crypto {
namespace {

std::array<Byte, 32> sha256(Bytes message, CpuFeatures cpu) {
  std::array<Byte, 32> digest;
  copy(hash(HashAlgorithm::sha256, message, cpu).bytes(), digest);
  return digest;
}

}  // namespace

std::optional<PublicKey> PublicKey::from_bytes(KeyType type, Bytes bytes) {
  PublicKey key;
  key.type_ = type;
  if (bytes.size() != key.bytes().size()) return std::nullopt;
  copy(bytes, key.bytes_);
  if (type == KeyType::p256 && !p256::decode(bytes)) return std::nullopt;
  return key;
}

bool PublicKey::restored(const LoadContext&) const {
  if (*this == PublicKey()) return true;
  const auto same = from_bytes(type_, bytes());
  return same && *same == *this;
}

bool verify(const PublicKey& key, SignatureScheme scheme, Bytes message, Bytes signature, CpuFeatures cpu) {
  if (scheme != scheme_of(key.type())) return false;
  if (key.type() == KeyType::ed25519) return ed25519::verify(key.bytes().first<32>(), message, signature);
  const auto point = p256::decode(key.bytes());
  const auto raw = ecdsa::decode(signature);
  return point && raw && ecdsa::verify(*point, sha256(message, cpu), *raw);
}

std::optional<PrivateKey> PrivateKey::from_bytes(KeyType type, Bytes scalar_or_seed) {
  if (scalar_or_seed.size() != 32) return std::nullopt;
  std::optional<PrivateKey> key = PrivateKey();
  copy(scalar_or_seed, key->secret_.mutable_bytes());
  on_clean_stack([&] {
    std::array<Byte, 65> public_key;
    if (type == KeyType::ed25519) {
      ed25519::derive_public_key(key->secret_.bytes(), std::span(public_key).first<32>());
      declassify(public_key);
      key->public_key_ = *PublicKey::from_bytes(type, Bytes(public_key).first(32));
      return;
    }
    const p256::Number scalar = from_big_endian<4>(key->secret_.bytes());
    if (!declassify(p256::mask_if_private_key(scalar))) return key.reset();
    p256::encode(p256::to_affine(p256::multiply_base(scalar)), public_key);
    declassify(public_key);
    key->public_key_ = *PublicKey::from_bytes(type, public_key);
  });
  return key;
}

PrivateKey PrivateKey::generate(KeyType type, Generator& generator) {
  // A P-256 scalar that is out of range is thrown away and says nothing about the next one.
  for (;;) {
    const Secret<32> drawn = draw<32>(generator);
    if (auto key = from_bytes(type, drawn.bytes())) return std::move(*key);
  }
}

Signature PrivateKey::sign(SignatureScheme scheme, Bytes message, std::span<const Byte, 32> hedge,
                           CpuFeatures cpu) const {
  Signature signature;
  if (scheme != scheme_of(type())) return signature;
  on_clean_stack([&] {
    if (type() == KeyType::ed25519) {
      ed25519::sign(secret_.bytes(), public_key_.bytes().first<32>(), message,
                    std::span(signature.storage).first<64>());
      signature.size = 64;
      declassify(signature.storage);
      return;
    }
    ecdsa::RawSignature raw = ecdsa::sign(from_big_endian<4>(secret_.bytes()), sha256(message, cpu), hedge, cpu);
    declassify({reinterpret_cast<Byte*>(&raw), sizeof raw});
    signature.size = static_cast<std::uint8_t>(ecdsa::encode(raw, signature.storage));
  });
  return signature;
}

}  // namespace limpid::crypto
