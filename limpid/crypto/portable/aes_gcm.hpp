// AES-GCM for every CPU. See AeadKey (aead.hpp) for the contract that these stand behind.
#pragma once

#include "limpid/crypto/gcm_key.hpp"

namespace limpid::crypto::portable {

// `key` has 16 or 32 bytes.
void gcm_expand(Bytes key, GcmKey& expanded);

// Writes plaintext.size() bytes of ciphertext and 16 of tag to `out`, which is plaintext.data() or does not overlap it.
void gcm_seal(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext, Byte* out);

// False, and `text` is unaltered, if `tag` is not that of the ciphertext `text`.
bool gcm_open(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, MutableBytes text,
              std::span<const Byte, 16> tag);

}  // namespace limpid::crypto::portable
