#include "limpid/x509/describe.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/asn1/time.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::x509 {
namespace {

namespace oids = asn1::oids;

class Account {
 public:
  Account(Writer& out, const Certificate& certificate, CpuFeatures cpu) : out_(out), c_(certificate), cpu_(cpu) {}

  void write() {
    line("subject", [&] { write_name(out_, c_.subject); });
    line("issuer", [&] { write_name(out_, c_.issuer); });
    line("version", [&] { out_.decimal(c_.version); });
    line("serial", [&] { write_hex(out_, c_.serial); });
    line("valid from", [&] { write_time(out_, c_.validity.not_before); });
    line("valid until", [&] { write_time(out_, c_.validity.not_after); });
    line("key", [&] { write_key_type(out_, c_.public_key_info); });
    line("signed with", [&] { write_signature_algorithm_name(out_, c_.signature_algorithm); });
    if (c_.subject_alt_name) line("names", [&] { write_names(*c_.subject_alt_name); });
    line("CA", [&] { write_ca(); });
    if (c_.key_usage) line("key usage", [&] { write_key_usage(); });
    if (c_.ext_key_usage) line("purposes", [&] { write_purposes(); });
    if (c_.name_constraints) {
      write_subtrees("permitted", c_.name_constraints->permitted);
      write_subtrees("excluded", c_.name_constraints->excluded);
    }
    if (c_.subject_key_identifier) line("key id", [&] { write_hex(out_, *c_.subject_key_identifier); });
    if (c_.authority_key_identifier && c_.authority_key_identifier->key_identifier) {
      line("issuer key id", [&] { write_hex(out_, *c_.authority_key_identifier->key_identifier); });
    }
    for (const Extension& extension : c_.extensions) {
      line("extension", [&] {
        write_oid_name(out_, extension.id);
        if (extension.critical) out_.text(", critical");
      });
    }
    line("SHA-256", [&] { write_hex(out_, crypto::hash(crypto::HashAlgorithm::sha256, c_.der, cpu_).bytes()); });
  }

 private:
  template <class Body>
  void line(std::string_view label, Body&& body) {
    constexpr std::size_t column = 15;
    out_.text(label);
    out_.text(":");
    for (std::size_t at = label.size() + 1; at < column; ++at) out_.text(" ");
    body();
    out_.text("\n");
  }

  void write_names(const GeneralNames& names) {
    bool first = true;
    for (const GeneralName& name : names) {
      if (!first) out_.text(", ");
      first = false;
      write_general_name(out_, name);
    }
  }

  void write_ca() {
    out_.text(c_.is_ca() ? "yes" : "no");
    if (!c_.is_ca() || !c_.basic_constraints->path_length) return;
    out_.text(", path length ");
    out_.decimal(*c_.basic_constraints->path_length);
  }

  void write_key_usage() {
    bool first = true;
    for (unsigned n = 0; n <= static_cast<unsigned>(KeyUsageBit::decipher_only); ++n) {
      const auto bit = static_cast<KeyUsageBit>(n);
      if (!c_.key_usage->has(bit)) continue;
      if (!first) out_.text(", ");
      first = false;
      out_.text(describe(bit));
    }
  }

  void write_purposes() {
    bool first = true;
    for (const KeyPurpose& purpose : *c_.ext_key_usage) {
      if (!first) out_.text(", ");
      first = false;
      write_oid_name(out_, purpose.id);
    }
  }

  void write_subtrees(std::string_view label, const GeneralSubtrees& subtrees) {
    for (const GeneralSubtree& subtree : subtrees) {
      line(label, [&] {
        if (subtree.base.type != GeneralNameType::ip_address) return write_general_name(out_, subtree.base);
        const Bytes base = subtree.base.value;
        out_.text("IP:");
        write_ip(out_, base.first(base.size() / 2));
        out_.text("/");
        write_ip(out_, base.subspan(base.size() / 2));
      });
    }
  }

  Writer& out_;
  const Certificate& c_;
  CpuFeatures cpu_;
};

}  // namespace

void describe(Writer& out, const Certificate& certificate, CpuFeatures cpu) { Account(out, certificate, cpu).write(); }

void write_time(Writer& out, UnixTime time) {
  const asn1::CivilTime civil = asn1::civil_time(time);
  const auto padded = [&](std::int64_t value, std::int64_t digits) {
    for (std::int64_t power = 1; --digits > 0;) {
      power *= 10;
      if (value < power) out.text("0");
    }
    out.decimal(static_cast<std::uint64_t>(value));
  };
  padded(std::max<std::int64_t>(civil.year, 0), 4);
  out.text("-");
  padded(civil.month, 2);
  out.text("-");
  padded(civil.day, 2);
  out.text("T");
  padded(civil.hour, 2);
  out.text(":");
  padded(civil.minute, 2);
  out.text(":");
  padded(civil.second, 2);
  out.text("Z");
}

void write_hex(Writer& out, Bytes bytes) {
  bool first = true;
  for (const Byte byte : bytes) {
    if (!first) out.text(":");
    first = false;
    const char digits[] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    out.text({digits, 2});
  }
}

void write_oid_name(Writer& out, Bytes id) {
  const std::string_view name = asn1::oid_name(id);
  if (name.empty()) {
    asn1::write_oid(out, id);
  } else {
    out.text(name);
  }
}

}  // namespace limpid::x509
