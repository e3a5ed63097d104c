#include "limpid/crypto/keyed_hash.hpp"

#include <sodium.h>

namespace limpid::crypto {

std::uint64_t keyed_hash(const HashTableKey& key, Bytes message) {
  Byte hash[crypto_shorthash_siphash24_BYTES];
  crypto_shorthash_siphash24(hash, message.data(), message.size(), key.bytes().data());
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | hash[i];
  return value;
}

}  // namespace limpid::crypto
