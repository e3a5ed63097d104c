// AES in the mode CBC (NIST SP 800-38A, section 6.2), decryption only: old key files are encrypted so.
#pragma once

#include <optional>

#include "limpid/core/secret.hpp"

namespace limpid::crypto {

// Decrypts into `plaintext`, as long as `ciphertext`, and returns the length without the padding of RFC 8018, section
// 6.2: between 1 and 16 bytes, each as large as their number. Nothing, and `plaintext` wiped, if `ciphertext` is empty
// or not whole blocks, or if the padding is wrong. The key has 16 or 32 bytes.
//
// CBC does not authenticate, and whoever lets a peer ask whether a padding is right gives the plaintext away: this is
// for files of one's own.
std::optional<std::size_t> aes_cbc_decrypt(Bytes key, std::span<const Byte, 16> iv, Bytes ciphertext,
                                           MutableBytes plaintext);

}  // namespace limpid::crypto
