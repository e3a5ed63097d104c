#include "limpid/crypto/x86/chacha20_poly1305.hpp"

#include "limpid/crypto/x86/chacha20.hpp"
#include "limpid/crypto/x86/poly1305.hpp"

namespace limpid::crypto::x86 {

void chacha20_poly1305_seal(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext,
                            Byte* out) {
  ChaCha20Beginning beginning;
  chacha20_begin(key, nonce, beginning);
  chacha20_crypt(key, nonce, beginning, plaintext, out);
  const Secret<16> tag = poly1305_tag(beginning.bytes().first<32>(), aad, {out, plaintext.size()});
  copy(tag.bytes(), {out + plaintext.size(), 16});
}

bool chacha20_poly1305_open(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad,
                            MutableBytes text, std::span<const Byte, 16> tag) {
  ChaCha20Beginning beginning;
  chacha20_begin(key, nonce, beginning);
  const Secret<16> expected = poly1305_tag(beginning.bytes().first<32>(), aad, text);
  if (!declassify(constant_time_equal(expected.bytes(), tag))) return false;
  chacha20_crypt(key, nonce, beginning, text, text.data());
  return true;
}

}  // namespace limpid::crypto::x86
