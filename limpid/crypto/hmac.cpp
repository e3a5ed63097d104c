#include "limpid/crypto/hmac.hpp"

namespace limpid::crypto {

Hmac::Hmac(HashAlgorithm algorithm, Bytes key, CpuFeatures cpu) : inner_(algorithm), outer_(algorithm) {
  Secret<128> pad;
  const MutableBytes block = MutableBytes(pad.mutable_bytes()).first(block_size(algorithm));
  if (key.size() <= block.size()) {
    copy(key, block);
  } else {
    Hash hash(algorithm);
    hash.update(key, cpu);
    hash.finish_into(block.first(hash.digest_size()), cpu);
  }
  for (Byte& byte : block) byte ^= 0x36;
  inner_.update(block, cpu);
  for (Byte& byte : block) byte ^= 0x36 ^ 0x5c;
  outer_.update(block, cpu);
}

HashSecret Hmac::finish(CpuFeatures cpu) const {
  HashSecret tag = HashSecret::zeros(inner_.digest_size());
  inner_.finish_into(tag.mutable_bytes(), cpu);
  Hash outer = outer_;
  outer.update(tag.bytes(), cpu);
  outer.finish_into(tag.mutable_bytes(), cpu);
  return tag;
}

HashSecret hmac(HashAlgorithm algorithm, Bytes key, Bytes message, CpuFeatures cpu) {
  Hmac hmac(algorithm, key, cpu);
  hmac.update(message, cpu);
  return hmac.finish(cpu);
}

}  // namespace limpid::crypto
