#include "limpid/crypto/signature.hpp"

#include <bit>

#include "limpid/crypto/clean_stack.hpp"
#include "limpid/crypto/ecdsa.hpp"
#include "limpid/crypto/ed25519.hpp"

namespace limpid::crypto {
namespace {

bool contains(std::span<const SignatureScheme> schemes, SignatureScheme scheme) {
  return std::find(schemes.begin(), schemes.end(), scheme) != schemes.end();
}

std::array<Byte, 32> sha256(Bytes message, CpuFeatures cpu) {
  std::array<Byte, 32> digest;
  copy(hash(HashAlgorithm::sha256, message, cpu).bytes(), digest);
  return digest;
}

}  // namespace

std::optional<SignatureAlgorithm> algorithm_of(SignatureScheme scheme) {
  using enum SignatureScheme;
  using Kind = SignatureAlgorithm::Kind;
  switch (scheme) {
    case ecdsa_secp256r1_sha256:
      return SignatureAlgorithm{Kind::ecdsa, HashAlgorithm::sha256};
    case ecdsa_secp384r1_sha384:
      return SignatureAlgorithm{Kind::ecdsa, HashAlgorithm::sha384};
    case ed25519:
      return SignatureAlgorithm{Kind::ed25519, HashAlgorithm::sha512};
    case rsa_pkcs1_sha256:
      return SignatureAlgorithm{Kind::rsa_pkcs1, HashAlgorithm::sha256};
    case rsa_pkcs1_sha384:
      return SignatureAlgorithm{Kind::rsa_pkcs1, HashAlgorithm::sha384};
    case rsa_pkcs1_sha512:
      return SignatureAlgorithm{Kind::rsa_pkcs1, HashAlgorithm::sha512};
    case rsa_pss_rsae_sha256:
    case rsa_pss_pss_sha256:
      return SignatureAlgorithm{Kind::rsa_pss, HashAlgorithm::sha256};
    case rsa_pss_rsae_sha384:
    case rsa_pss_pss_sha384:
      return SignatureAlgorithm{Kind::rsa_pss, HashAlgorithm::sha384};
    case rsa_pss_rsae_sha512:
    case rsa_pss_pss_sha512:
      return SignatureAlgorithm{Kind::rsa_pss, HashAlgorithm::sha512};
  }
  return std::nullopt;
}

std::optional<PublicKey> PublicKey::from_bytes(KeyType type, Bytes bytes) {
  PublicKey key;
  key.type_ = type;
  key.number_ = InlineBytes<max_rsa_bits / 8>(bytes);
  if (type == KeyType::p256 && p256::decode(bytes)) return key;
  if (type == KeyType::ed25519 && bytes.size() == 32) return key;
  return std::nullopt;
}

std::optional<PublicKey> PublicKey::rsa(KeyType type, Bytes modulus, Bytes exponent) {
  PublicKey key;
  key.type_ = type;
  if (!is_rsa(type) || modulus.empty() || exponent.empty() || modulus[0] == 0 || exponent[0] == 0) return std::nullopt;
  if (modulus.size() > key.number_.capacity || exponent.size() > key.exponent_.capacity) return std::nullopt;
  const std::size_t bits = 8 * modulus.size() - static_cast<std::size_t>(std::countl_zero(modulus[0]));
  std::uint64_t e = 0;
  for (const Byte byte : exponent) e = e << 8 | byte;
  if (bits < min_rsa_bits || modulus.back() % 2 == 0) return std::nullopt;
  if (e <= 0x10000 || e >> max_rsa_exponent_bits != 0 || e % 2 == 0) return std::nullopt;
  key.number_ = InlineBytes<max_rsa_bits / 8>(modulus);
  key.exponent_ = InlineBytes<(max_rsa_exponent_bits + 7) / 8>(exponent);
  return key;
}

bool PublicKey::restored(const LoadContext&) const {
  if (*this == PublicKey()) return true;
  const auto same = is_rsa(type_) ? rsa(type_, modulus(), exponent()) : from_bytes(type_, bytes());
  return same && *same == *this;
}

bool verify(const PublicKey& key, SignatureScheme scheme, Bytes message, Bytes signature, CpuFeatures cpu) {
  const auto algorithm = algorithm_of(scheme);
  return algorithm && contains(schemes_of(key.type()), scheme) && verify(key, *algorithm, message, signature, cpu);
}

bool verify(const PublicKey& key, SignatureAlgorithm algorithm, Bytes message, Bytes signature, CpuFeatures cpu) {
  if (algorithm.kind == SignatureAlgorithm::Kind::ed25519) {
    return key.type() == KeyType::ed25519 && ed25519::verify(key.bytes().first<32>(), message, signature);
  }
  if (algorithm != SignatureAlgorithm{} || key.type() != KeyType::p256) return false;
  const auto point = p256::decode(key.bytes());
  const auto raw = ecdsa::decode(signature);
  return point && raw && ecdsa::verify(*point, sha256(message, cpu), *raw);
}

std::optional<PrivateKey> PrivateKey::from_bytes(KeyType type, Bytes scalar_or_seed) {
  if (scalar_or_seed.size() != 32 || (type != KeyType::p256 && type != KeyType::ed25519)) return std::nullopt;
  std::optional<PrivateKey> key = PrivateKey();
  limpid::copy(scalar_or_seed, key->secret_.mutable_bytes());
  const std::span<const Byte, 32> secret = key->secret_.bytes().first<32>();
  on_clean_stack([&] {
    std::array<Byte, 65> public_key;
    if (type == KeyType::ed25519) {
      ed25519::derive_public_key(secret, std::span(public_key).first<32>());
      declassify(public_key);
      key->public_key_ = *PublicKey::from_bytes(type, Bytes(public_key).first(32));
      return;
    }
    const p256::Number scalar = from_big_endian<4>(secret);
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

PrivateKey PrivateKey::copy() const {
  PrivateKey same;
  same.secret_ = secret_.clone();
  same.public_key_ = public_key_;
  return same;
}

Bytes PrivateKey::secret_bytes() const { return Bytes(secret_.bytes()).first(32); }

std::optional<PrivateKey> PrivateKey::rsa(KeyType, const RsaPrivateNumbers&) { return std::nullopt; }

RsaPrivateNumbers PrivateKey::rsa_numbers() const { return {}; }

Signature PrivateKey::sign(SignatureScheme scheme, Bytes message, std::span<const Byte, 32> hedge,
                           CpuFeatures cpu) const {
  const auto algorithm = algorithm_of(scheme);
  if (!algorithm || !contains(schemes_of(type()), scheme)) return {};
  return sign(*algorithm, message, hedge, cpu);
}

Signature PrivateKey::sign(SignatureAlgorithm algorithm, Bytes message, std::span<const Byte, 32> hedge,
                           CpuFeatures cpu) const {
  Signature signature;
  if (algorithm_of(scheme_of(type())) != algorithm) return signature;
  on_clean_stack([&] {
    const std::span<const Byte, 32> secret = secret_.bytes().first<32>();
    if (type() == KeyType::ed25519) {
      ed25519::sign(secret, public_key_.bytes().first<32>(), message, std::span(signature.storage).first<64>());
      signature.size = 64;
      declassify(signature.storage);
      return;
    }
    ecdsa::RawSignature raw = ecdsa::sign(from_big_endian<4>(secret), sha256(message, cpu), hedge, cpu);
    declassify({reinterpret_cast<Byte*>(&raw), sizeof raw});
    signature.size = static_cast<std::uint16_t>(ecdsa::encode(raw, std::span(signature.storage).first<72>()));
  });
  return signature;
}

}  // namespace limpid::crypto
