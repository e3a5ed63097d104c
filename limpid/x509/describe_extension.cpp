// Extensions in words that decide about nothing here: write_extension_value.
#include "limpid/asn1/oid.hpp"
#include "limpid/core/reader.hpp"
#include "limpid/x509/describe.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerReader;
using asn1::Tag;
namespace oids = asn1::oids;

// Puts commas between what is written one after the other.
class List {
 public:
  explicit List(Writer& out) : out_(out) {}
  Writer& next() {
    if (!std::exchange(first_, false)) out_.text(", ");
    return out_;
  }

 private:
  Writer& out_;
  bool first_ = true;
};

// RFC 5280, section 4.2.1.4, and the CA/Browser Forum's.
std::string_view policy_name(Bytes id) {
  if (id == asn1::oid<2, 5, 29, 32, 0>) return "any policy";
  if (id == asn1::oid<2, 23, 140, 1, 1>) return "extended validation";
  if (id == asn1::oid<2, 23, 140, 1, 2, 1>) return "domain validated";
  if (id == asn1::oid<2, 23, 140, 1, 2, 2>) return "organization validated";
  if (id == asn1::oid<2, 23, 140, 1, 2, 3>) return "individual validated";
  return {};
}

//     PolicyInformation ::= SEQUENCE { policyIdentifier OBJECT IDENTIFIER, policyQualifiers SEQUENCE OF ... OPTIONAL }
void write_policies(Writer& out, DerReader policies) {
  List list(out);
  while (!policies.empty()) {
    const Bytes id = policies.sequence().object_identifier();
    if (policies.failed()) return;
    const std::string_view name = policy_name(id);
    if (name.empty()) {
      asn1::write_oid(list.next(), id);
    } else {
      list.next().text(name);
    }
  }
}

void write_general_names(List& list, DerReader names) {
  while (!names.empty()) {
    const GeneralName name = GeneralName::decode(names);
    if (!names.failed()) write_general_name(list.next(), name);
  }
}

//     DistributionPoint ::= SEQUENCE { distributionPoint [0] EXPLICIT CHOICE { fullName [0] GeneralNames, ... }
//     OPTIONAL, ... }
void write_distribution_points(Writer& out, DerReader points) {
  List list(out);
  while (!points.empty()) {
    DerReader point = points.sequence();
    if (!point.next_is(asn1::context_constructed(0))) continue;
    DerReader name = point.enter(asn1::context_constructed(0));
    if (name.next_is(asn1::context_constructed(0))) write_general_names(list, name.enter(asn1::context_constructed(0)));
  }
}

//     AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
void write_access(Writer& out, DerReader descriptions) {
  List list(out);
  while (!descriptions.empty()) {
    DerReader description = descriptions.sequence();
    const Bytes method = description.object_identifier();
    const GeneralName location = GeneralName::decode(description);
    if (descriptions.failed()) return;
    list.next();
    if (method == asn1::oid<1, 3, 6, 1, 5, 5, 7, 48, 1>) {
      out.text("OCSP at ");
    } else if (method == asn1::oid<1, 3, 6, 1, 5, 5, 7, 48, 2>) {
      out.text("issuer at ");
    } else {
      asn1::write_oid(out, method);
      out.text(" at ");
    }
    write_general_name(out, location);
  }
}

// RFC 7633: the numbers of TLS extensions.
void write_features(Writer& out, DerReader features) {
  List list(out);
  while (!features.empty()) {
    const std::uint32_t feature = features.small_integer(UINT32_MAX);
    if (features.failed()) return;
    if (feature == 5) {
      list.next().text("status_request (a server must staple OCSP)");
    } else {
      list.next().decimal(feature);
    }
  }
}

// RFC 6962, sections 3.2 and 3.3: version, the log's id, milliseconds, and what is passed over here.
void write_timestamps(Writer& out, DerReader in) {
  Reader all(in.octet_string());
  Reader timestamps(all.vector16());
  List list(out);
  while (!timestamps.empty()) {
    Reader timestamp(timestamps.vector16());
    timestamp.skip(1);
    const Bytes log = timestamp.take(32);
    const std::uint64_t milliseconds = timestamp.u64();
    if (timestamp.failed()) return in.fail(asn1::DerFault::truncated);
    write_time(list.next(), {static_cast<std::int64_t>(milliseconds / 1000)});
    out.text(" in log ");
    write_hex(out, log.first(4));
  }
  if (all.failed() || timestamps.failed()) in.fail(asn1::DerFault::truncated);
}

void write_raw(Writer& out, Bytes value) {
  constexpr std::size_t most = 32;
  write_hex(out, value.first(std::min(value.size(), most)));
  if (value.size() <= most) return;
  out.text("... (");
  out.decimal(value.size());
  out.text(" octets)");
}

// False, and part of it written perhaps, if it is none of these.
bool write_known(Writer& out, const Extension& extension) {
  asn1::DerDocument document(extension.value);
  DerReader in(document);
  const Bytes id = extension.id;
  if (id == oids::certificate_policies) {
    write_policies(out, in.sequence());
  } else if (id == oids::crl_distribution_points || id == oids::freshest_crl) {
    write_distribution_points(out, in.sequence());
  } else if (id == oids::authority_info_access || id == oids::subject_info_access) {
    write_access(out, in.sequence());
  } else if (id == oids::issuer_alt_name) {
    List list(out);
    write_general_names(list, in.sequence());
  } else if (id == oids::tls_feature) {
    write_features(out, in.sequence());
  } else if (id == oids::signed_certificate_timestamps) {
    write_timestamps(out, in);
  } else if (id == oids::inhibit_any_policy) {
    out.decimal(in.small_integer(UINT32_MAX));
  } else {
    return false;
  }
  if (document.failed()) out.text(" (malformed)");
  return true;
}

}  // namespace

void write_extension_value(Writer& out, const Extension& extension) {
  if (!write_known(out, extension)) write_raw(out, extension.value);
}

}  // namespace limpid::x509
