#include "limpid/crypto/portable/aes_gcm.hpp"

#include "limpid/crypto/portable/aes.hpp"
#include "limpid/crypto/portable/ghash.hpp"

namespace limpid::crypto::portable {
namespace {

// out = in ^ key stream, where `batch` holds its first blocks and the first 16 bytes of those belong to the tag.
void crypt(AesCounter& counter, AesCounter::Batch& batch, Bytes in, Byte* out) {
  std::size_t used = 16;
  for (std::size_t i = 0; i < in.size();) {
    if (used == batch.size) {
      counter.next(batch);
      used = 0;
    }
    const std::size_t n = std::min(in.size() - i, batch.size - used);
    const Byte* key_stream = batch.bytes().data() + used;
    for (std::size_t j = 0; j < n; ++j) out[i + j] = in[i + j] ^ key_stream[j];
    i += n;
    used += n;
  }
}

// SP 800-38D, section 7.1, steps 5 and 6. `mask` is the first block of key stream.
Secret<16> tag_of(const GcmKey& key, Bytes aad, Bytes ciphertext, Bytes mask) {
  Ghash ghash(load_field_element(key.powers.bytes().last<16>().data()));
  ghash.update(aad);
  ghash.update(ciphertext);
  ghash.update_lengths(aad.size(), ciphertext.size());
  Secret<16> tag;
  ghash.finish(tag.mutable_bytes());
  for (std::size_t i = 0; i < 16; ++i) tag.mutable_bytes()[i] ^= mask[i];
  return tag;
}

}  // namespace

void gcm_expand(Bytes key, GcmKey& expanded) {
  expanded.rounds = aes_expand(key, expanded.round_keys.mutable_bytes());
  // The hash subkey is the encryption of the zero block, which is no counter block of any message: those start at 1.
  constexpr std::array<Byte, 12> zero_nonce{};
  AesCounter::Batch batch;
  AesCounter(expanded.round_keys.bytes(), expanded.rounds, zero_nonce, 0).next(batch);
  const FieldElement h = ghash_subkey(batch.bytes().data());
  FieldElement power = h;
  for (std::size_t i = 0; i < GcmKey::power_count; ++i) {
    if (i != 0) power = ghash_multiply(power, h);
    store_field_element(power, &expanded.powers.mutable_bytes()[16 * (GcmKey::power_count - 1 - i)]);
  }
}

void gcm_seal(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, Bytes plaintext, Byte* out) {
  AesCounter counter(key.round_keys.bytes(), key.rounds, nonce, 1);
  AesCounter::Batch batch;
  counter.next(batch);
  Secret<16> mask(batch.bytes().first<16>());
  crypt(counter, batch, plaintext, out);
  const Secret<16> tag = tag_of(key, aad, {out, plaintext.size()}, mask.bytes());
  copy(tag.bytes(), {out + plaintext.size(), 16});
}

bool gcm_open(const GcmKey& key, std::span<const Byte, 12> nonce, Bytes aad, MutableBytes text,
              std::span<const Byte, 16> tag) {
  AesCounter counter(key.round_keys.bytes(), key.rounds, nonce, 1);
  AesCounter::Batch batch;
  counter.next(batch);
  const Secret<16> expected = tag_of(key, aad, text, Bytes(batch.bytes()).first(16));
  if (!declassify(constant_time_equal(expected.bytes(), tag))) return false;
  crypt(counter, batch, text, text.data());
  return true;
}

}  // namespace limpid::crypto::portable
