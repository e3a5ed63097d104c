// ChaCha20-Poly1305 (RFC 8439, section 2.8) over libsodium's ChaCha20 and Poly1305, which need no sodium_init here: the
// library's one global, its choice of implementation, stays at the plain C one. Its own AEAD is not used, since it
// clears what it fails to open. See AeadKey (aead.hpp) for the contract that these stand behind.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::crypto::portable {

// Writes plaintext.size() bytes of ciphertext and 16 of tag to `out`, which is plaintext.data() or does not overlap it.
void chacha20_poly1305_seal(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext,
                            Byte* out);

// False, and `text` is unaltered, if `tag` is not that of the ciphertext `text`.
bool chacha20_poly1305_open(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad,
                            MutableBytes text, std::span<const Byte, 16> tag);

}  // namespace limpid::crypto::portable
