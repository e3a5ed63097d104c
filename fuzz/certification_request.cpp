// A request for a certificate: parsed, shown, its signature verified.
#include "fuzz/support/input.hpp"
#include "limpid/x509/describe.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const fuzz::Exact input(Bytes(data, size));
  Budget budget(16 << 20);
  Buffer text(budget);
  Writer out(text);
  const auto request = x509::parse_certification_request(input.bytes());
  if (request) {
    x509::describe(out, *request, {});
    fuzz::require(request->der == Bytes(input.bytes()), "a request is the whole input");
  } else {
    x509::write_error(out, request.error());
  }
  fuzz::require(!out.failed() && !text.empty(), "there is something to say");
  return 0;
}
