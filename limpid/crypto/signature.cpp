#include "limpid/crypto/signature.hpp"

#include <bit>
#include <cstdlib>

#include "limpid/crypto/clean_stack.hpp"
#include "limpid/crypto/ecdsa.hpp"
#include "limpid/crypto/ed25519.hpp"
#include "limpid/crypto/rsa.hpp"

namespace limpid::crypto {
namespace {

bool contains(std::span<const SignatureScheme> schemes, SignatureScheme scheme) {
  return std::find(schemes.begin(), schemes.end(), scheme) != schemes.end();
}

template <class Curve>
bool verify_ecdsa(const PublicKey& key, Bytes digest, Bytes signature, CpuFeatures cpu) {
  const auto point = decode_point<Curve>(key.bytes());
  const auto raw = ecdsa::decode<Curve>(signature);
  return point && raw && ecdsa::verify<Curve>(*point, digest, *raw, cpu);
}

template <class Curve>
std::size_t sign_ecdsa(Bytes private_key, HashAlgorithm hash, Bytes digest, std::span<const Byte, 32> hedge,
                       std::span<Byte, max_rsa_bits / 8> signature, CpuFeatures cpu) {
  const auto scalar = from_big_endian<Curve::Number::size>(private_key.first<scalar_size<Curve>>());
  auto raw = ecdsa::sign<Curve>(scalar, hash, digest, hedge, cpu);
  declassify({reinterpret_cast<Byte*>(&raw), sizeof raw});
  return ecdsa::encode<Curve>(raw, signature.first<ecdsa::max_encoded_size<Curve>>());
}

// The public key of a scalar; nothing if it is out of range.
template <class Curve>
std::optional<PublicKey> derive_point(KeyType type, Bytes private_key) {
  const auto scalar = from_big_endian<Curve::Number::size>(private_key.first<scalar_size<Curve>>());
  if (!declassify(mask_if_private_key<Curve>(scalar))) return std::nullopt;
  std::array<Byte, point_size<Curve>> point;
  encode_point<Curve>(to_affine<Curve>(multiply_base<Curve>(scalar, portable_cpu)), point);
  declassify(point);
  return PublicKey::from_bytes(type, point);
}

std::optional<PublicKey> derive_public_key(KeyType type, Bytes private_key) {
  if (type == KeyType::p256) return derive_point<P256>(type, private_key);
  if (type == KeyType::p384) return derive_point<P384>(type, private_key);
  std::array<Byte, 32> public_key;
  ed25519::derive_public_key(private_key.first<32>(), public_key);
  declassify(public_key);
  return PublicKey::from_bytes(type, public_key);
}

// Of what from_bytes takes; 0 for RSA.
constexpr std::size_t secret_size(KeyType type) {
  if (is_rsa(type)) return 0;
  return type == KeyType::p384 ? 48 : 32;
}

bool goes_with(SignatureAlgorithm algorithm, KeyType type) {
  switch (algorithm.kind) {
    case SignatureAlgorithm::Kind::ecdsa:
      return type == KeyType::p256 || type == KeyType::p384;
    case SignatureAlgorithm::Kind::ed25519:
      return type == KeyType::ed25519;
    case SignatureAlgorithm::Kind::rsa_pkcs1:
      return type == KeyType::rsa;
    case SignatureAlgorithm::Kind::rsa_pss:
      return is_rsa(type);
  }
  return false;
}

Bytes without_leading_zeros(Bytes number) {
  while (!number.empty() && number[0] == 0) number = number.subspan(1);
  return number;
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
  if (type == KeyType::p256 && decode_point<P256>(bytes)) return key;
  if (type == KeyType::p384 && decode_point<P384>(bytes)) return key;
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

PublicKey PublicKey::restricted_to(HashAlgorithm hash) const {
  PublicKey restricted = *this;
  restricted.only_hash_ = hash;
  return restricted;
}

bool PublicKey::restored(const LoadContext&) const {
  if (only_hash_ && type_ != KeyType::rsa_pss) return false;
  if (*this == PublicKey()) return true;
  const auto same = is_rsa(type_) ? rsa(type_, modulus(), exponent()) : from_bytes(type_, bytes());
  return same && *same == *this;
}

bool verify(const PublicKey& key, SignatureScheme scheme, Bytes message, Bytes signature, CpuFeatures cpu) {
  const auto algorithm = algorithm_of(scheme);
  return algorithm && contains(schemes_of(key.type()), scheme) && verify(key, *algorithm, message, signature, cpu);
}

bool verify(const PublicKey& key, SignatureAlgorithm algorithm, Bytes message, Bytes signature, CpuFeatures cpu) {
  // A key that holds nothing has no bytes and no modulus.
  if (!goes_with(algorithm, key.type()) || key == PublicKey()) return false;
  if (key.only_hash() && *key.only_hash() != algorithm.hash) return false;
  if (key.type() == KeyType::ed25519) return ed25519::verify(key.bytes().first<32>(), message, signature);
  const Digest digest = hash(algorithm.hash, message, cpu);
  if (key.type() == KeyType::p256) return verify_ecdsa<P256>(key, digest.bytes(), signature, cpu);
  if (key.type() == KeyType::p384) return verify_ecdsa<P384>(key, digest.bytes(), signature, cpu);
  return rsa::verify(key, algorithm, digest.bytes(), signature, cpu);
}

std::optional<PrivateKey> PrivateKey::from_bytes(KeyType type, Bytes scalar_or_seed) {
  if (is_rsa(type) || scalar_or_seed.size() != secret_size(type)) return std::nullopt;
  std::optional<PrivateKey> key = PrivateKey();
  limpid::copy(scalar_or_seed, key->secret_.mutable_bytes());
  std::optional<PublicKey> public_key;
  on_clean_stack([&] { public_key = derive_public_key(type, Bytes(key->secret_.bytes()).first(secret_size(type))); });
  if (!public_key) return std::nullopt;
  key->public_key_ = *public_key;
  return key;
}

std::optional<PrivateKey> PrivateKey::rsa(KeyType type, const RsaPrivateNumbers& numbers) {
  const auto public_key = PublicKey::rsa(type, without_leading_zeros(numbers.n), without_leading_zeros(numbers.e));
  if (!public_key) return std::nullopt;
  std::optional<PrivateKey> key = PrivateKey();
  key->public_key_ = *public_key;
  const std::size_t size = public_key->modulus().size(), half = rsa::PrivateFields::half_size(size);
  MutableBytes room = key->secret_.mutable_bytes();
  const auto store = [&](Bytes number, std::size_t width) {
    // What does not fit must be zeros.
    const std::size_t excess = number.size() - std::min(number.size(), width);
    std::uint64_t dropped = 0;
    for (const Byte byte : number.first(excess)) dropped |= byte;
    limpid::copy(number.subspan(excess), room.first(width).last(number.size() - excess));
    room = room.subspan(width);
    return declassify(limpid::mask_if_zero(dropped));
  };
  bool good = store(numbers.d, size);
  for (const Bytes number : {numbers.p, numbers.q, numbers.dp, numbers.dq, numbers.qinv}) {
    good = store(number, half) && good;
  }
  if (!good) return std::nullopt;
  const auto fields = rsa::PrivateFields::of(key->secret_.bytes(), size);
  on_clean_stack<cleared_rsa_stack>([&] { good = rsa::is_consistent(key->public_key_, fields); });
  // That p and q are primes shows in a signature.
  static constexpr std::array<Byte, 32> no_hedge{};
  if (!good || key->sign(scheme_of(type), {}, no_hedge, portable_cpu).size == 0) return std::nullopt;
  return key;
}

PrivateKey PrivateKey::generate(KeyType type, Generator& generator) {
  if (is_rsa(type)) std::abort();
  // A scalar that is out of range is thrown away and says nothing about the next one.
  for (;;) {
    auto drawn = SecretBytes<48>::zeros(secret_size(type));
    generator.fill(drawn.mutable_bytes());
    if (auto key = from_bytes(type, drawn.bytes())) return std::move(*key);
  }
}

PrivateKey PrivateKey::copy() const {
  PrivateKey same;
  same.secret_ = secret_.clone();
  same.public_key_ = public_key_;
  return same;
}

Bytes PrivateKey::secret_bytes() const { return Bytes(secret_.bytes()).first(secret_size(type())); }

RsaPrivateNumbers PrivateKey::rsa_numbers() const {
  if (!is_rsa(type())) return {};
  const auto fields = rsa::PrivateFields::of(secret_.bytes(), public_key_.modulus().size());
  return {public_key_.modulus(),
          public_key_.exponent(),
          without_leading_zeros(fields.d),
          without_leading_zeros(fields.p),
          without_leading_zeros(fields.q),
          without_leading_zeros(fields.dp),
          without_leading_zeros(fields.dq),
          without_leading_zeros(fields.qinv)};
}

Signature PrivateKey::sign(SignatureScheme scheme, Bytes message, std::span<const Byte, 32> hedge,
                           CpuFeatures cpu) const {
  const auto algorithm = algorithm_of(scheme);
  if (!algorithm || !contains(schemes_of(type()), scheme)) return {};
  return sign(*algorithm, message, hedge, cpu);
}

Signature PrivateKey::sign(SignatureAlgorithm algorithm, Bytes message, std::span<const Byte, 32> hedge,
                           CpuFeatures cpu) const {
  Signature signature;
  if (!goes_with(algorithm, type()) || public_key_ == PublicKey()) return signature;
  const std::span storage(signature.storage);
  std::size_t size = 0;
  if (type() == KeyType::ed25519) {
    on_clean_stack([&] {
      const auto seed = Bytes(secret_.bytes()).first<32>();
      ed25519::sign(seed, public_key_.bytes().first<32>(), message, storage.first<64>());
      declassify(storage.first(64));
      size = 64;
    });
  } else if (is_rsa(type())) {
    on_clean_stack<cleared_rsa_stack>([&] {
      const MutableBytes out = storage.first(public_key_.modulus().size());
      const auto fields = rsa::PrivateFields::of(secret_.bytes(), out.size());
      const Digest digest = hash(algorithm.hash, message, cpu);
      if (rsa::sign(public_key_, fields, algorithm, digest.bytes(), hedge, out, cpu)) size = out.size();
      declassify(out);
    });
  } else {
    on_clean_stack([&] {
      const Digest digest = hash(algorithm.hash, message, cpu);
      const auto sign_on_curve = type() == KeyType::p256 ? sign_ecdsa<P256> : sign_ecdsa<P384>;
      size = sign_on_curve(secret_bytes(), algorithm.hash, digest.bytes(), hedge, storage, cpu);
    });
  }
  signature.size = static_cast<std::uint16_t>(size);
  return signature;
}

}  // namespace limpid::crypto
