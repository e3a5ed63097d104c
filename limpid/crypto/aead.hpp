// Authenticated encryption for records: AES-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), with 96-bit nonces
// and whole 128-bit tags.
#pragma once

#include "limpid/core/cpu_features.hpp"
#include "limpid/core/secret.hpp"
#include "limpid/crypto/gcm_key.hpp"

namespace limpid {
struct LoadContext;
}

namespace limpid::crypto {

enum class AeadAlgorithm : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

constexpr bool is_valid(AeadAlgorithm algorithm) { return algorithm <= AeadAlgorithm::chacha20_poly1305; }

inline constexpr std::size_t aead_tag_size = 16;
inline constexpr std::size_t aead_nonce_size = 12;
constexpr std::size_t aead_key_size(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::aes_128_gcm ? 16 : 32;
}

using AeadNonce = std::span<const Byte, aead_nonce_size>;

// Messages that one key may seal. RFC 8446, section 5.5: "For AES-GCM, up to 2^24.5 full-size records (about 24
// million) may be encrypted on a given connection while keeping a safety margin of approximately 2^-57 [...]. For
// ChaCha20/Poly1305, the record sequence number would wrap before the safety limit is reached."
constexpr std::uint64_t aead_seal_limit(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::chacha20_poly1305 ? UINT64_MAX : 23'726'566;
}

// Bytes of one plaintext: what 32 bits of block counter reach. SP 800-38D, section 5.2.1.1: "len(P) <= 2^39-256" bits;
// RFC 8439, section 2.8: 2^38 - 64 bytes.
constexpr std::uint64_t aead_max_plaintext(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::chacha20_poly1305 ? (std::uint64_t{1} << 38) - 64 : (std::uint64_t{1} << 36) - 32;
}

// One key, expanded, and how much it has sealed. Move-only: two live copies would repeat nonces. Saved as the raw key
// and the count. Choosing nonces that do not repeat under one key is the caller's part.
class AeadKey {
 public:
  // No key: refuses to seal and to open. Also what a moved-from key is, and one made from a key of the wrong size.
  AeadKey() = default;
  AeadKey(AeadAlgorithm algorithm, Bytes key, CpuFeatures cpu);
  AeadKey(AeadKey&&) = default;
  AeadKey& operator=(AeadKey&&) = default;

  AeadAlgorithm algorithm() const { return algorithm_; }
  // How many more messages this key may seal.
  std::uint64_t seals_left() const { return key_.empty() ? 0 : aead_seal_limit(algorithm_) - sealed_; }

  // Writes ciphertext and tag to `out`, plaintext.size() + aead_tag_size bytes, which may begin where `plaintext` does
  // but must not overlap it or `aad` in any other way. False, and nothing is written, if there is no key, no seal left,
  // if the plaintext is longer than aead_max_plaintext or if `out` has another size. One pass; the time depends on
  // sizes only.
  [[nodiscard]] bool seal(AeadNonce nonce, Bytes aad, Bytes plaintext, MutableBytes out, CpuFeatures cpu);

  // Replaces ciphertext by plaintext in place and leaves the tag behind it. False, and nothing is altered, if the tag
  // is wrong or absent: it is verified in constant time before the first byte is decrypted.
  [[nodiscard]] bool open(AeadNonce nonce, Bytes aad, MutableBytes ciphertext_and_tag, CpuFeatures cpu) const;

  static void fields(auto& self, auto&& visit) { visit(self.algorithm_, self.key_, self.sealed_); }
  bool restored(const LoadContext& context);

 private:
  void expand(CpuFeatures cpu);

  AeadAlgorithm algorithm_ = AeadAlgorithm::aes_128_gcm;
  SecretBytes<32> key_;
  std::uint64_t sealed_ = 0;
  GcmKey gcm_;  // of AES-GCM only
};

}  // namespace limpid::crypto
