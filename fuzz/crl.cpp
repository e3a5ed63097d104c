// A revocation list behind a certificate and that one's issuer, each with its length in two bytes.
#include "fuzz/support/input.hpp"
#include "limpid/x509/revocation_list.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  Reader input(Bytes(data, size));
  const fuzz::Exact certificate_der(input.vector16()), issuer_der(input.vector16()), list(input.take_rest());
  const auto certificate = x509::parse_certificate(certificate_der.bytes());
  const auto issuer = x509::parse_certificate(issuer_der.bytes());
  if (!certificate || !issuer) return 0;
  const UnixTime at{certificate->validity.not_before.seconds + 60};  // when the seeds were made
  const auto answer = x509::check_crl(list.bytes(), *certificate, *issuer, at, {});
  if (answer) return 0;
  Budget budget(1 << 20);
  Buffer text(budget);
  Writer out(text);
  x509::write_error(out, answer.error());
  fuzz::require(!out.failed() && !text.empty(), "an error has something to say");
  return 0;
}
