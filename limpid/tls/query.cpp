#include "limpid/tls/query.hpp"

#include "limpid/tls/wire/extensions.hpp"

namespace limpid::tls {

SignedContent::SignedContent(bool by_server, Bytes transcript_hash) {
  Writer out{MutableBytes(storage_)};
  for (int i = 0; i < 64; ++i) out.u8(0x20);
  out.text(by_server ? "TLS 1.3, server CertificateVerify" : "TLS 1.3, client CertificateVerify");
  out.u8(0);
  out.bytes(transcript_hash);
  size_ = static_cast<std::uint8_t>(out.size());
}

void append_certificate(Writer& list, Bytes der, Bytes ocsp_response) {
  list.vector24([&] { list.bytes(der); });
  list.vector16([&] {
    if (!ocsp_response.empty()) wire::put_certificate_status(list, ocsp_response);
  });
}

}  // namespace limpid::tls
