#include "limpid/x509/describe.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/asn1/time.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::x509 {
namespace {

namespace oids = asn1::oids;

// Whether Extended holds its value, which the account writes elsewhere.
bool is_held(Bytes id) {
  static constexpr Bytes all[] = {oids::basic_constraints,       oids::key_usage,        oids::ext_key_usage,
                                  oids::subject_alt_name,        oids::name_constraints, oids::subject_key_identifier,
                                  oids::authority_key_identifier};
  for (const Bytes held : all) {
    if (id == held) return true;
  }
  return false;
}

class Account {
 public:
  Account(Writer& out, CpuFeatures cpu) : out_(out), cpu_(cpu) {}

  void write(const Certificate& c, std::optional<UnixTime> now) {
    line("subject", [&] { write_name(out_, c.subject); });
    line("issuer", [&] { write_name(out_, c.issuer); });
    line("version", [&] { out_.decimal(c.version); });
    line("serial", [&] { write_hex(out_, c.serial); });
    line("valid from", [&] { write_time(out_, c.validity.not_before); });
    line("valid until", [&] {
      write_time(out_, c.validity.not_after);
      if (!now) return;
      out_.text(" (");
      write_remaining(out_, c.validity, *now);
      out_.text(")");
    });
    line("key", [&] { write_key_type(out_, c.public_key_info); });
    line("signed with", [&] { write_signature_algorithm_name(out_, c.signature_algorithm); });
    write_extended(c);
    write_hashes(c.der, c.public_key_info);
  }

  void write(const CertificationRequest& request) {
    line("request for", [&] { write_name(out_, request.subject); });
    line("key", [&] { write_key_type(out_, request.public_key_info); });
    line("signed with", [&] {
      write_signature_algorithm_name(out_, request.signature_algorithm);
      out_.text(is_signed_by_its_key(request, cpu_) ? ", by its key" : ", but not by its key as far as can be told");
    });
    write_extended(request);
    write_hashes(request.der, request.public_key_info);
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

  void write_extended(const Extended& c) {
    if (c.subject_alt_name) line("names", [&] { write_names(*c.subject_alt_name); });
    line("CA", [&] { write_ca(c); });
    if (c.key_usage) line("key usage", [&] { write_key_usage(*c.key_usage); });
    if (c.ext_key_usage) line("purposes", [&] { write_purposes(*c.ext_key_usage); });
    if (c.name_constraints) {
      write_subtrees("permitted", c.name_constraints->permitted);
      write_subtrees("excluded", c.name_constraints->excluded);
    }
    if (c.subject_key_identifier) line("key id", [&] { write_hex(out_, *c.subject_key_identifier); });
    if (c.authority_key_identifier && c.authority_key_identifier->key_identifier) {
      line("issuer key id", [&] { write_hex(out_, *c.authority_key_identifier->key_identifier); });
    }
    for (const Extension& extension : c.extensions) {
      line("extension", [&] {
        write_oid_name(out_, extension.id);
        if (extension.critical) out_.text(", critical");
        if (is_held(extension.id)) return;
        out_.text(": ");
        write_extension_value(out_, extension);
      });
    }
  }

  void write_hashes(Bytes der, const SubjectPublicKeyInfo& key) {
    line("SHA-256", [&] { write_hex(out_, crypto::hash(crypto::HashAlgorithm::sha256, der, cpu_).bytes()); });
    line("key's SHA-256", [&] { write_hex(out_, crypto::hash(crypto::HashAlgorithm::sha256, key.der, cpu_).bytes()); });
  }

  void write_names(const GeneralNames& names) {
    bool first = true;
    for (const GeneralName& name : names) {
      if (!first) out_.text(", ");
      first = false;
      write_general_name(out_, name);
    }
  }

  void write_ca(const Extended& c) {
    out_.text(c.is_ca() ? "yes" : "no");
    if (!c.is_ca() || !c.basic_constraints->path_length) return;
    out_.text(", path length ");
    out_.decimal(*c.basic_constraints->path_length);
  }

  void write_key_usage(KeyUsage usage) {
    bool first = true;
    for (unsigned n = 0; n <= static_cast<unsigned>(KeyUsageBit::decipher_only); ++n) {
      const auto bit = static_cast<KeyUsageBit>(n);
      if (!usage.has(bit)) continue;
      if (!first) out_.text(", ");
      first = false;
      out_.text(describe(bit));
    }
  }

  void write_purposes(const KeyPurposes& purposes) {
    bool first = true;
    for (const KeyPurpose& purpose : purposes) {
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
  CpuFeatures cpu_;
};

}  // namespace

void describe(Writer& out, const Certificate& certificate, CpuFeatures cpu, std::optional<UnixTime> now) {
  Account(out, cpu).write(certificate, now);
}
void describe(Writer& out, const CertificationRequest& request, CpuFeatures cpu) { Account(out, cpu).write(request); }

void write_remaining(Writer& out, Validity validity, UnixTime now) {
  const auto span = [&](std::int64_t seconds) {
    constexpr std::int64_t day = 86'400, hour = 3'600;
    const bool in_days = seconds >= 2 * day;
    const std::int64_t number = seconds / (in_days ? day : hour);
    out.decimal(static_cast<std::uint64_t>(number));
    out.text(in_days ? " days" : number == 1 ? " hour" : " hours");
  };
  if (now < validity.not_before) {
    out.text("begins in ");
    return span(validity.not_before.seconds - now.seconds);
  }
  const bool over = now > validity.not_after;
  if (over) out.text("expired ");
  span(over ? now.seconds - validity.not_after.seconds : validity.not_after.seconds - now.seconds);
  out.text(over ? " ago" : " left");
}

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
