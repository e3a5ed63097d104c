#include "limpid/crypto/hkdf.hpp"

#include <cstdlib>

namespace limpid::crypto {

HashSecret hkdf_extract(HashAlgorithm algorithm, Bytes salt, Bytes ikm, CpuFeatures cpu) {
  return hmac(algorithm, salt, ikm, cpu);  // HMAC pads an empty key with zeros itself
}

void hkdf_expand(HashAlgorithm algorithm, Bytes prk, Bytes info, MutableBytes out, CpuFeatures cpu) {
  if (out.size() > hkdf_max_output(algorithm)) std::abort();
  const Hmac keyed(algorithm, prk, cpu);
  HashSecret previous;
  for (Byte counter = 1; !out.empty(); ++counter) {
    Hmac next = keyed;
    next.update(previous.bytes(), cpu);
    next.update(info, cpu);
    next.update({&counter, 1}, cpu);
    previous = next.finish(cpu);
    out = out.subspan(copy(previous.bytes().first(std::min(out.size(), previous.size())), out).size());
  }
}

}  // namespace limpid::crypto
