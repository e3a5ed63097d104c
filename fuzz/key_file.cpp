// A private key's file: what loads is written and loads again as the same key.
#include "fuzz/support/input.hpp"
#include "limpid/x509/key.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const fuzz::Exact input(Bytes(data, size));
  Budget budget(16 << 20);
  const auto key = x509::load_private_key(input.bytes());
  if (!key) {
    Buffer text(budget);
    Writer out(text);
    x509::write_error(out, key.error());
    fuzz::require(!out.failed() && !text.empty(), "an error has something to say");
    return 0;
  }
  Buffer file(budget);
  Writer out(file);
  x509::write_private_key_pem(out, *key);
  fuzz::require(!out.failed(), "a key can be written");
  const auto again = x509::load_private_key(fuzz::view(file));
  fuzz::require(again.has_value(), "a key that was written loads");
  fuzz::require(again->public_key() == key->public_key(), "a key that was written is the same key");
  return 0;
}
