#include "limpid/crypto/aead.hpp"

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/portable/aes_gcm.hpp"
#include "limpid/crypto/portable/chacha20_poly1305.hpp"
#include "limpid/crypto/x86/aes_gcm.hpp"
#include "limpid/crypto/x86/chacha20_poly1305.hpp"
#include "limpid/crypto/x86/vaes_gcm.hpp"

namespace limpid::crypto {

AeadKey::AeadKey(AeadAlgorithm algorithm, Bytes key, CpuFeatures cpu) : algorithm_(algorithm) {
  if (key.size() != aead_key_size(algorithm)) return;
  key_ = SecretBytes<32>(key);
  expand(cpu);
}

bool AeadKey::restored(const LoadContext& context) {
  if (sealed_ > aead_seal_limit(algorithm_)) return false;
  if (key_.empty()) return true;
  if (key_.size() != aead_key_size(algorithm_)) return false;
  expand(context.cpu);
  return true;
}

void AeadKey::expand(CpuFeatures cpu) {
  if (algorithm_ == AeadAlgorithm::chacha20_poly1305) return;
  return cpu.aes_pclmul ? x86::gcm_expand(key_.bytes(), gcm_) : portable::gcm_expand(key_.bytes(), gcm_);
}

bool AeadKey::seal(AeadNonce nonce, Bytes aad, Bytes plaintext, MutableBytes out, CpuFeatures cpu) {
  if (seals_left() == 0 || plaintext.size() > aead_max_plaintext(algorithm_)) return false;
  if (out.size() != plaintext.size() + aead_tag_size) return false;
  ++sealed_;
  if (algorithm_ == AeadAlgorithm::chacha20_poly1305) {
    const auto key = key_.bytes().first<32>();
    cpu.avx512_ifma ? x86::chacha20_poly1305_seal(key, nonce, aad, plaintext, out.data())
                    : portable::chacha20_poly1305_seal(key, nonce, aad, plaintext, out.data());
  } else if (cpu.vaes_avx512) {
    x86::vaes_gcm_seal(gcm_, nonce, aad, plaintext, out.data());
  } else if (cpu.aes_pclmul) {
    x86::gcm_seal(gcm_, nonce, aad, plaintext, out.data());
  } else {
    portable::gcm_seal(gcm_, nonce, aad, plaintext, out.data());
  }
  return true;
}

bool AeadKey::open(AeadNonce nonce, Bytes aad, MutableBytes ciphertext_and_tag, CpuFeatures cpu) const {
  if (key_.empty() || ciphertext_and_tag.size() < aead_tag_size) return false;
  const MutableBytes text = ciphertext_and_tag.first(ciphertext_and_tag.size() - aead_tag_size);
  const std::span<const Byte, aead_tag_size> tag = ciphertext_and_tag.last<aead_tag_size>();
  if (text.size() > aead_max_plaintext(algorithm_)) return false;
  if (algorithm_ == AeadAlgorithm::chacha20_poly1305) {
    const auto key = key_.bytes().first<32>();
    return cpu.avx512_ifma ? x86::chacha20_poly1305_open(key, nonce, aad, text, tag)
                           : portable::chacha20_poly1305_open(key, nonce, aad, text, tag);
  }
  if (cpu.vaes_avx512) return x86::vaes_gcm_open(gcm_, nonce, aad, text, tag);
  return cpu.aes_pclmul ? x86::gcm_open(gcm_, nonce, aad, text, tag) : portable::gcm_open(gcm_, nonce, aad, text, tag);
}

}  // namespace limpid::crypto
