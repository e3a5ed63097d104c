// Several certificates with their bytes, owned: a server's chain, or the trust anchors of a client.
#pragma once

#include <span>

#include "limpid/x509/certificate.hpp"
#include "limpid/x509/pem.hpp"

namespace limpid::x509 {

enum class ListFault : std::uint8_t {
  no_certificate,         // nothing in the file is one
  malformed_pem,          // see ListError::pem
  malformed_certificate,  // see ListError::certificate
  out_of_memory,
};
std::string_view describe(ListFault fault);

struct ListError {
  ListFault fault{};
  std::size_t index = 0;  // of the certificate, from 0
  PemError pem;
  CertificateError certificate;
};
// One line without the file's name.
void write_error(Writer& out, const ListError& error);

// What to do with a certificate that does not parse. Skipping is for bundles of anchors, where one odd root must not
// take the others away; the first error is what comes back if none is left.
enum class OnMalformed : std::uint8_t { refuse, skip };

class CertificateList {
 public:
  // A PEM text's CERTIFICATE blocks (also X509 CERTIFICATE; others are passed over) in their order, or one
  // certificate in DER.
  static std::expected<CertificateList, ListError> load(Bytes file, Budget& budget,
                                                        OnMalformed on_malformed = OnMalformed::refuse);
  // Of DER encodings, as a TLS Certificate message has them. They are copied.
  static std::expected<CertificateList, ListError> parse(std::span<const Bytes> ders, Budget& budget,
                                                         OnMalformed on_malformed = OnMalformed::refuse);

  CertificateList() = default;  // empty

  // Views stay where they are when the list moves.
  std::span<const Certificate> certificates() const { return {certificates_.data(), certificates_.size()}; }
  std::size_t size() const { return certificates_.size(); }
  bool empty() const { return certificates_.empty(); }
  const Certificate& operator[](std::size_t i) const { return certificates_[i]; }

 private:
  static std::expected<CertificateList, ListError> parse_all(Buffer der, const Vec<std::size_t>& ends,
                                                             OnMalformed on_malformed);

  Buffer der_;
  Vec<Certificate> certificates_;
};

}  // namespace limpid::x509
