// A certificate as DER, or a PEM file of them: parsed, shown, and validated against itself.
#include "fuzz/support/input.hpp"
#include "limpid/x509/describe.hpp"
#include "limpid/x509/pem.hpp"
#include "limpid/x509/verify.hpp"

namespace limpid {
namespace {

void check_certificate(Bytes der, Budget& budget) {
  const auto certificate = x509::parse_certificate(der);
  if (!certificate) {
    Buffer text(budget);
    Writer out(text);
    x509::write_error(out, certificate.error());
    fuzz::require(!out.failed() && !text.empty(), "an error has something to say");
    return;
  }
  Buffer shown(budget);
  Writer out(shown);
  x509::describe(out, *certificate, {});
  fuzz::require(!out.failed(), "a certificate can be shown");

  const std::uint64_t allocations = budget.allocations();
  const x509::Certificate intermediates[] = {*certificate, *certificate};
  for (const auto purpose : {x509::Purpose::server, x509::Purpose::any}) {
    const x509::VerifyOptions options{
        .at = certificate->validity.not_before, .purpose = purpose, .name = x509::peer_name("a.b")};
    const auto trusted = x509::verify(*certificate, intermediates, {&*certificate, 1}, options, {});
    const auto untrusted = x509::verify(*certificate, intermediates, {}, options, {});
    fuzz::require(!untrusted, "without an anchor nothing is valid");
    if (trusted) fuzz::require(trusted->size >= 1 && trusted->size <= x509::max_path, "a path has a length");
  }
  fuzz::require(budget.allocations() == allocations, "verify allocates nothing");
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const fuzz::Exact input(Bytes(data, size));
  Budget budget(16 << 20);
  check_certificate(input.bytes(), budget);

  x509::PemReader pem(input.bytes());
  while (true) {
    const auto block = pem.next();
    if (!block || !*block) break;
    Buffer der(budget);
    Writer out(der);
    if (!(*block)->decode(out)) continue;
    fuzz::require(der.size() <= (*block)->max_size(), "a block decodes to no more than it promised");
    const fuzz::Exact exact(fuzz::view(der));
    check_certificate(exact.bytes(), budget);
  }
  return 0;
}
