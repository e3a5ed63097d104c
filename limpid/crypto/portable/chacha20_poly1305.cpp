#include "limpid/crypto/portable/chacha20_poly1305.hpp"

#include <sodium.h>

#include "limpid/core/secret.hpp"

namespace limpid::crypto::portable {
namespace {

Secret<16> tag_of(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad, Bytes ciphertext) {
  // RFC 8439, section 2.6: the one-time key is the front of block 0 of the key stream; the text uses blocks 1 and up.
  Secret<crypto_onetimeauth_poly1305_KEYBYTES> one_time_key;
  crypto_stream_chacha20_ietf(one_time_key.mutable_bytes().data(), one_time_key.size, nonce.data(), key.data());

  crypto_onetimeauth_poly1305_state state;
  crypto_onetimeauth_poly1305_init(&state, one_time_key.bytes().data());
  const auto update_padded = [&](Bytes bytes) {
    if (bytes.empty()) return;  // and may be null, which libsodium declares never to happen
    constexpr Byte zeros[16]{};
    crypto_onetimeauth_poly1305_update(&state, bytes.data(), bytes.size());
    crypto_onetimeauth_poly1305_update(&state, zeros, (16 - bytes.size() % 16) % 16);
  };
  update_padded(aad);
  update_padded(ciphertext);
  Byte lengths[16];
  for (int i = 0; i < 8; ++i) {
    lengths[i] = static_cast<Byte>(std::uint64_t{aad.size()} >> (8 * i));
    lengths[8 + i] = static_cast<Byte>(std::uint64_t{ciphertext.size()} >> (8 * i));
  }
  crypto_onetimeauth_poly1305_update(&state, lengths, sizeof lengths);
  Secret<16> tag;
  crypto_onetimeauth_poly1305_final(&state, tag.mutable_bytes().data());
  wipe({reinterpret_cast<Byte*>(&state), sizeof state});
  return tag;
}

void crypt(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes in, Byte* out) {
  if (in.empty()) return;
  crypto_stream_chacha20_ietf_xor_ic(out, in.data(), in.size(), nonce.data(), 1, key.data());
}

}  // namespace

void chacha20_poly1305_seal(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext,
                            Byte* out) {
  crypt(key, nonce, plaintext, out);
  const Secret<16> tag = tag_of(key, nonce, aad, {out, plaintext.size()});
  copy(tag.bytes(), {out + plaintext.size(), 16});
}

bool chacha20_poly1305_open(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, Bytes aad,
                            MutableBytes text, std::span<const Byte, 16> tag) {
  const Secret<16> expected = tag_of(key, nonce, aad, text);
  if (!declassify(constant_time_equal(expected.bytes(), tag))) return false;
  crypt(key, nonce, text, text.data());
  return true;
}

}  // namespace limpid::crypto::portable
