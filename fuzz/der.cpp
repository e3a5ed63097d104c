// Any bytes as DER: what the reader accepts, the writer gives back byte for byte.
#include "fuzz/support/input.hpp"
#include "limpid/asn1/der_reader.hpp"
#include "limpid/asn1/der_writer.hpp"

namespace limpid {
namespace {

// Reads all elements at one level, entering constructed ones, and writes them again.
void rewrite(asn1::DerReader in, asn1::DerWriter& out, int depth) {
  while (!in.empty()) {
    const asn1::Element element = in.any();
    if (in.failed()) return;
    const bool constructed = (static_cast<unsigned>(element.tag) & 0x20) != 0;
    out.element(element.tag, [&] {
      if (constructed && depth < 16) {
        rewrite(in.of(element.contents), out, depth + 1);
      } else {
        out.encoded(element.contents);
      }
    });
  }
}

// Reads the contents as every type in turn; each either fails or is stable when written again.
template <class Read, class Write>
void check_value(Bytes der, Budget& budget, Read read, Write write) {
  asn1::DerDocument document(der);
  asn1::DerReader in(document);
  const auto value = read(in);
  in.finish();
  if (document.failed()) return;
  Buffer again(budget);
  Writer bytes(again);
  asn1::DerWriter out(bytes);
  write(out, value);
  fuzz::require(fuzz::view(again) == der, "a value that was accepted has one encoding");
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const fuzz::Exact input(Bytes(data, size));
  const Bytes der = input.bytes();
  Budget budget(16 << 20);

  Buffer again(budget);
  {
    Writer bytes(again);
    asn1::DerWriter out(bytes);
    asn1::DerDocument document(der);
    rewrite(asn1::DerReader(document), out, 0);
    if (!document.failed()) fuzz::require(fuzz::view(again) == der, "elements that were accepted are written the same");
  }
  check_value(der, budget, [](auto& in) { return in.boolean(); }, [](auto& out, bool v) { out.boolean(v); });
  check_value(
      der, budget, [](auto& in) { return in.unsigned_integer(); }, [](auto& out, Bytes v) { out.unsigned_integer(v); });
  check_value(
      der, budget, [](auto& in) { return in.bit_string(); },
      [](auto& out, const asn1::BitString& v) { out.bit_string(v.bytes, v.unused_bits); });
  check_value(
      der, budget, [](auto& in) { return in.object_identifier(); },
      [](auto& out, Bytes v) { out.object_identifier(v); });
  return 0;
}
