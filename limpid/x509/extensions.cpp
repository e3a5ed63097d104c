#include "limpid/x509/extensions.hpp"

#include <array>

#include "limpid/asn1/oid.hpp"
#include "limpid/core/text.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerFault;
using asn1::DerReader;
using asn1::Tag;
namespace oids = asn1::oids;

// Reads every element of a SEQUENCE OF that must not be empty, and gives its contents.
template <class T, class Check>
asn1::SequenceOf<T> parse_all(DerReader elements, Bytes contents, Check&& check) {
  if (elements.empty()) elements.fail(DerFault::empty_sequence);
  while (!elements.empty()) check(T::decode(elements));
  return asn1::SequenceOf<T>(contents);
}

// The characters of host names, and of wildcards. Whether they form one is looked at when one is looked for: a name
// that makes no sense matches nothing, and much that is in use is odd.
bool has_only_dns_characters(Bytes text) {
  return std::ranges::all_of(text, [](Byte c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
           c == '_' || c == '*';
  });
}

// RFC 5280, section 4.2.1.6: "The name MUST NOT be a relative URI [...] The name MUST include both a scheme (e.g.,
// "http" or "ftp") and a scheme-specific-part."
bool is_absolute_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == text.npos || colon + 1 == text.size()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return is_letter(text[0]) && std::ranges::all_of(part_of(text, 0, colon), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

// Section 4.2.1.6: "Local-part@Domain", without more.
bool is_mailbox(std::string_view text) {
  const std::size_t at = text.rfind('@');
  return at != text.npos && at > 0 && at + 1 < text.size() && text.find_first_of("<> ") == text.npos;
}

bool is_prefix_mask(Bytes mask) {
  bool ended = false;
  for (const Byte byte : mask) {
    for (unsigned bit = 8; bit-- > 0;) {
      const bool set = (byte >> bit & 1) != 0;
      if (set && ended) return false;
      ended = !set;
    }
  }
  return true;
}

bool is_sound(const GeneralName& name) {
  switch (name.type) {
    // RFC 5280, section 4.2.1.6: "dNSName of " " MUST NOT be used."
    case GeneralNameType::dns_name:
      return !name.value.empty() && has_only_dns_characters(name.value);
    // "For IP version 4 [...] the octet string MUST contain exactly four octets. For IP version 6 [...] exactly sixteen
    // octets."
    case GeneralNameType::ip_address:
      return name.value.size() == 4 || name.value.size() == 16;
    case GeneralNameType::rfc822_name:
      return is_mailbox(as_text(name.value));
    case GeneralNameType::uri:
      return is_absolute_uri(as_text(name.value));
    default:
      return !name.value.empty();
  }
}

bool is_sound(const GeneralSubtree& subtree) {
  const Bytes base = subtree.base.value;
  switch (subtree.base.type) {
    case GeneralNameType::dns_name:
      return has_only_dns_characters(base);  // empty: every name
    // RFC 5280, section 4.2.1.10: "For IPv4 addresses, the iPAddress field of GeneralName MUST contain eight (8)
    // octets, encoded in the style of RFC 4632 (CIDR)"; 32 octets for IPv6.
    case GeneralNameType::ip_address:
      return (base.size() == 8 || base.size() == 32) && is_prefix_mask(base.subspan(base.size() / 2));
    default:
      return true;
  }
}

class ExtensionsParser {
 public:
  ExtensionsParser(const DerDocument& document, std::optional<CertificateError>& error)
      : document_(document), error_(error) {}

  Extended parse(DerReader& in) {
    parse_extensions(in);
    return extended_;
  }

 private:
  void fail(CertificateFault fault, Bytes where) {
    if (error_ || document_.failed()) return;
    error_ = CertificateError{fault, static_cast<std::size_t>(where.data() - document_.der().data()), {}};
  }

  // RFC 5280, section 4.2.1.9: "CAs MUST NOT include the pathLenConstraint field unless the cA boolean is asserted and
  // the key usage extension asserts the keyCertSign bit."
  void check_path_length(Bytes where) {
    const bool signs = !extended_.key_usage || extended_.key_usage->has(KeyUsageBit::key_cert_sign);
    const bool stated = extended_.basic_constraints && extended_.basic_constraints->path_length;
    if (stated && !signs) fail(CertificateFault::bad_basic_constraints, where);
  }

  void parse_extensions(DerReader& in) {
    const Bytes contents = in.contents(Tag::sequence);
    std::array<Bytes, max_extensions> seen;
    std::size_t count = 0;
    extended_.extensions = parse_all<Extension>(in.of(contents), contents, [&](const Extension& extension) {
      if (error_) return;
      // RFC 5280, section 4.2: "A certificate MUST NOT include more than one instance of a particular extension."
      if (std::ranges::find(seen.begin(), seen.begin() + count, extension.id) != seen.begin() + count) {
        return fail(CertificateFault::duplicate_extension, extension.id);
      }
      if (count == max_extensions) return fail(CertificateFault::too_many_extensions, extension.id);
      seen[count++] = extension.id;
      parse_extension(extension, in.of(extension.value));
    });
    check_path_length(contents);
  }

  void parse_extension(const Extension& extension, DerReader value) {
    Extended& c = extended_;
    if (extension.id == oids::basic_constraints) {
      parse_basic_constraints(value);
    } else if (extension.id == oids::key_usage) {
      parse_key_usage(value);
    } else if (extension.id == oids::ext_key_usage) {
      const Bytes contents = value.contents(Tag::sequence);
      c.ext_key_usage = parse_all<KeyPurpose>(value.of(contents), contents, [](const KeyPurpose&) {});
    } else if (extension.id == oids::subject_alt_name) {
      const Bytes contents = value.contents(Tag::sequence);
      c.subject_alt_name = parse_general_names(value.of(contents), contents);
    } else if (extension.id == oids::name_constraints) {
      parse_name_constraints(value);
    } else if (extension.id == oids::subject_key_identifier) {
      c.subject_key_identifier = value.octet_string();
    } else if (extension.id == oids::authority_key_identifier) {
      parse_authority_key_identifier(value);
    } else {
      const bool harmless = extension.id == oids::certificate_policies;  // as verify.hpp says
      if (extension.critical && !harmless && c.unprocessed_critical.empty()) c.unprocessed_critical = extension.id;
      return;
    }
    value.finish();
  }

  GeneralNames parse_general_names(DerReader elements, Bytes contents) {
    return parse_all<GeneralName>(elements, contents, [&](const GeneralName& name) {
      if (!is_sound(name)) fail(CertificateFault::bad_alt_name, name.value);
    });
  }

  void parse_basic_constraints(DerReader& value) {
    const Bytes contents = value.contents(Tag::sequence);
    DerReader in = value.of(contents);
    BasicConstraints constraints;
    if (in.next_is(Tag::boolean)) {
      constraints.ca = in.boolean();
      if (!constraints.ca) in.fail(DerFault::bad_default);
    }
    if (!in.empty()) constraints.path_length = in.small_integer(UINT32_MAX);
    in.finish();
    // RFC 5280, section 4.2.1.9: "CAs MUST NOT include the pathLenConstraint field unless the cA boolean is asserted".
    if (constraints.path_length && !constraints.ca) fail(CertificateFault::bad_basic_constraints, contents);
    extended_.basic_constraints = constraints;
  }

  void parse_key_usage(DerReader& value) {
    const asn1::BitString bits = value.bit_string();  // a root in use has zeros at the end
    KeyUsage usage;
    for (unsigned n = 0; n <= static_cast<unsigned>(KeyUsageBit::decipher_only); ++n) {
      if (bits.bit(n)) usage.set(static_cast<KeyUsageBit>(n));
    }
    // RFC 5280, section 4.2.1.3: "When the keyUsage extension appears in a certificate, at least one of the bits MUST
    // be set to 1."
    bool unknown = false;
    for (std::size_t n = 9; n < bits.bytes.size() * 8; ++n) unknown = unknown || bits.bit(n);
    if (usage.bits == 0 || unknown) fail(CertificateFault::bad_key_usage, bits.bytes);
    extended_.key_usage = usage;
  }

  void parse_authority_key_identifier(DerReader& value) {
    const Bytes contents = value.contents(Tag::sequence);
    DerReader in = value.of(contents);
    AuthorityKeyIdentifier identifier;
    if (in.next_is(asn1::context(0))) identifier.key_identifier = in.octet_string(asn1::context(0));
    if (in.next_is(asn1::context_constructed(1))) {
      const Bytes names = in.contents(asn1::context_constructed(1));
      identifier.issuer = parse_general_names(in.of(names), names);
    }
    if (in.next_is(asn1::context(2))) identifier.serial = in.integer(asn1::context(2));
    in.finish();
    // RFC 5280, appendix A.2: "authorityCertIssuer and authorityCertSerialNumber MUST both be present or both be
    // absent".
    if (identifier.issuer.has_value() == identifier.serial.empty()) {
      fail(CertificateFault::bad_authority_key_identifier, contents);
    }
    extended_.authority_key_identifier = identifier;
  }

  void parse_name_constraints(DerReader& value) {
    const Bytes contents = value.contents(Tag::sequence);
    DerReader in = value.of(contents);
    // RFC 5280, section 4.2.1.10: "either the permittedSubtrees field or the excludedSubtrees MUST be present."
    if (contents.empty()) fail(CertificateFault::bad_name_constraints, contents);
    NameConstraints constraints;
    for (const unsigned n : {0u, 1u}) {
      if (!in.next_is(asn1::context_constructed(n))) continue;
      const Bytes subtrees = in.contents(asn1::context_constructed(n));
      (n == 0 ? constraints.permitted : constraints.excluded) =
          parse_all<GeneralSubtree>(in.of(subtrees), subtrees, [&](const GeneralSubtree& subtree) {
            if (!is_sound(subtree)) fail(CertificateFault::bad_name_constraints, subtree.base.value);
          });
    }
    in.finish();
    extended_.name_constraints = constraints;
  }

  const DerDocument& document_;
  std::optional<CertificateError>& error_;
  Extended extended_;
};

}  // namespace

std::string_view describe(CertificateFault fault) {
  static_assert(max_certificate_size == 64 * 1024 && max_extensions == 64);  // as the texts say
  switch (fault) {
    case CertificateFault::malformed_der:
      return "not a certificate in DER";
    case CertificateFault::too_large:
      return "the certificate is larger than 64 KiB";
    case CertificateFault::unsupported_version:
      return "the certificate's version is not 1, 2 or 3";
    case CertificateFault::algorithm_mismatch:
      return "the signature's algorithm is not the one that was signed";
    case CertificateFault::empty_issuer:
      return "the issuer's name is empty";
    case CertificateFault::unexpected_unique_id:
      return "a unique identifier in a certificate of version 1";
    case CertificateFault::unexpected_extensions:
      return "extensions in a certificate of a version below 3";
    case CertificateFault::too_many_extensions:
      return "more than 64 extensions";
    case CertificateFault::duplicate_extension:
      return "the same extension twice";
    case CertificateFault::bad_basic_constraints:
      return "basicConstraints with a path length of what is no CA's";
    case CertificateFault::bad_key_usage:
      return "keyUsage without any bit, or with an unknown one";
    case CertificateFault::bad_alt_name:
      return "an alternative name that is no name of its type";
    case CertificateFault::bad_name_constraints:
      return "nameConstraints that are empty or make no sense";
    case CertificateFault::bad_authority_key_identifier:
      return "authorityKeyIdentifier with only one of issuer and serial number";
  }
  return "";
}

void write_error(Writer& out, const CertificateError& error) {
  out.text(describe(error.fault));
  if (error.fault == CertificateFault::malformed_der) {
    out.text(": ");
    return asn1::write_error(out, error.der);
  }
  out.text(" (at byte ");
  out.decimal(error.offset);
  out.text(")");
}

std::string_view describe(KeyUsageBit bit) {
  switch (bit) {
    case KeyUsageBit::digital_signature:
      return "digitalSignature";
    case KeyUsageBit::content_commitment:
      return "nonRepudiation";
    case KeyUsageBit::key_encipherment:
      return "keyEncipherment";
    case KeyUsageBit::data_encipherment:
      return "dataEncipherment";
    case KeyUsageBit::key_agreement:
      return "keyAgreement";
    case KeyUsageBit::key_cert_sign:
      return "keyCertSign";
    case KeyUsageBit::crl_sign:
      return "cRLSign";
    case KeyUsageBit::encipher_only:
      return "encipherOnly";
    case KeyUsageBit::decipher_only:
      return "decipherOnly";
  }
  return "";
}

Extension Extension::decode(DerReader& in) {
  DerReader extension = in.sequence();
  Extension decoded;
  decoded.id = extension.object_identifier();
  if (extension.next_is(Tag::boolean)) {
    decoded.critical = extension.boolean();
    if (!decoded.critical) extension.fail(DerFault::bad_default);
  }
  decoded.value = extension.octet_string();
  extension.finish();
  return decoded;
}

GeneralSubtree GeneralSubtree::decode(DerReader& in) {
  DerReader subtree = in.sequence();
  GeneralSubtree decoded{GeneralName::decode(subtree)};
  subtree.finish();  // a minimum of 0 is the default, and nothing else is allowed
  return decoded;
}

Extended parse_extensions(DerReader& in, const DerDocument& document, std::optional<CertificateError>& error) {
  return ExtensionsParser(document, error).parse(in);
}

}  // namespace limpid::x509
