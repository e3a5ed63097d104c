#include "limpid/x509/certificate_list.hpp"

namespace limpid::x509 {
namespace {

std::unexpected<ListError> refuse(ListFault fault) { return std::unexpected(ListError{fault, 0, {}, {}}); }

bool is_certificate_label(std::string_view label) { return label == "CERTIFICATE" || label == "X509 CERTIFICATE"; }

}  // namespace

std::string_view describe(ListFault fault) {
  switch (fault) {
    case ListFault::no_certificate:
      return "no certificate in it; a PEM file with a CERTIFICATE block is wanted";
    case ListFault::malformed_pem:
      return "not certificates in PEM";
    case ListFault::malformed_certificate:
      return "a malformed certificate";
    case ListFault::out_of_memory:
      return "the memory allowed does not hold its certificates";
  }
  return "";
}

void write_error(Writer& out, const ListError& error) {
  out.text(describe(error.fault));
  if (error.fault == ListFault::malformed_pem) {
    out.text(": ");
    out.text(describe(error.pem.fault));
    out.text(" (line ");
    out.decimal(error.pem.line);
    out.text(")");
  }
  if (error.fault == ListFault::malformed_certificate) {
    out.text(" (number ");
    out.decimal(error.index + 1);
    out.text("): ");
    write_error(out, error.certificate);
  }
}

std::expected<CertificateList, ListError> CertificateList::load(Bytes file, Budget& budget, OnMalformed on_malformed) {
  // All bytes first: views into them must not move.
  Buffer der(budget);
  Vec<std::size_t> ends(budget);
  if (!der.reserve(file.size())) return refuse(ListFault::out_of_memory);
  PemReader pem(file);
  bool has_pem = false;
  for (;;) {
    const auto block = pem.next();
    if (!block) return std::unexpected(ListError{ListFault::malformed_pem, ends.size(), block.error(), {}});
    if (!*block) break;
    has_pem = true;
    if (!is_certificate_label((*block)->label)) continue;
    Writer out(der);
    if (!(*block)->decode(out)) {
      const PemError error{PemFault::bad_base64, (*block)->line};
      return std::unexpected(ListError{ListFault::malformed_pem, ends.size(), error, {}});
    }
    if (out.failed() || !ends.push_back(der.size())) return refuse(ListFault::out_of_memory);
  }
  if (!has_pem && !file.empty() && static_cast<asn1::Tag>(file[0]) == asn1::Tag::sequence) {
    if (!der.append(file) || !ends.push_back(der.size())) return refuse(ListFault::out_of_memory);
  }
  return parse_all(std::move(der), ends, on_malformed);
}

std::expected<CertificateList, ListError> CertificateList::parse(std::span<const Bytes> ders, Budget& budget,
                                                                 OnMalformed on_malformed) {
  Buffer der(budget);
  Vec<std::size_t> ends(budget);
  for (const Bytes one : ders) {
    if (!der.append(one) || !ends.push_back(der.size())) return refuse(ListFault::out_of_memory);
  }
  return parse_all(std::move(der), ends, on_malformed);
}

std::expected<CertificateList, ListError> CertificateList::parse_all(Buffer der, const Vec<std::size_t>& ends,
                                                                     OnMalformed on_malformed) {
  CertificateList list;
  list.certificates_ = Vec<Certificate>(*der.budget());
  list.der_ = std::move(der);
  if (!list.certificates_.reserve(ends.size())) return refuse(ListFault::out_of_memory);
  std::optional<ListError> first_error;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto certificate =
        parse_certificate(Bytes(list.der_.data(), list.der_.size()).subspan(begin, ends[i] - begin));
    begin = ends[i];
    if (!certificate) {
      if (!first_error) first_error = ListError{ListFault::malformed_certificate, i, {}, certificate.error()};
      if (on_malformed == OnMalformed::refuse) break;
    } else if (!list.certificates_.push_back(*certificate)) {
      return refuse(ListFault::out_of_memory);
    }
  }
  if (first_error && (on_malformed == OnMalformed::refuse || list.empty())) return std::unexpected(*first_error);
  if (list.empty()) return refuse(ListFault::no_certificate);
  return list;
}

}  // namespace limpid::x509
