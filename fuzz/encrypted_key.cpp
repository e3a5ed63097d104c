// An encrypted key (PKCS #8), decrypted with the passphrase "secret": what comes out is read as a key.
#include "limpid/x509/encrypted_key.hpp"
#include "fuzz/support/input.hpp"
#include "limpid/x509/key.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const fuzz::Exact input(Bytes(data, size));
  if (size > x509::max_key_size) return 0;
  asn1::DerDocument document(input.bytes());
  Secret<x509::max_key_size> room;
  constexpr std::uint32_t most_iterations = 100;  // so that an input takes no time
  const auto decrypted = x509::decrypt_key(document, as_bytes("secret"), room.mutable_bytes(), {}, most_iterations);
  if (!decrypted) {
    const bool malformed = decrypted.error() == x509::DecryptionFault::malformed_der;
    fuzz::require(malformed == document.failed(), "the document failed if it is malformed, and only then");
    return 0;
  }
  fuzz::require(decrypted->size() < size, "a key is shorter than what it is encrypted in");
  const auto key = x509::parse_pkcs8(*decrypted);
  if (!key) return 0;
  Budget budget(1 << 20);
  Buffer text(budget);
  Writer out(text);
  x509::write_pkcs8(out, *key);
  fuzz::require(!out.failed(), "a key that was decrypted can be written");
  return 0;
}
