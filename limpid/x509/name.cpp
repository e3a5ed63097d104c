#include "limpid/x509/name.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/core/text.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerReader;
using asn1::Tag;

struct Attribute {
  Bytes type;
  asn1::Element value;

  static Attribute decode(DerReader& in) {
    DerReader attribute = in.sequence();
    Attribute decoded;
    decoded.type = attribute.object_identifier();
    decoded.value = attribute.any();
    attribute.finish();
    return decoded;
  }
};

struct RelativeName {
  asn1::SequenceOf<Attribute> attributes;

  static RelativeName decode(DerReader& in) { return {asn1::SequenceOf<Attribute>(in.contents(Tag::set))}; }
};
using RelativeNames = asn1::SequenceOf<RelativeName>;

RelativeNames relative_names(Name name) {
  DerDocument document(name.der);
  return RelativeNames(DerReader(document).contents(Tag::sequence));
}

constexpr Byte ascii_lower(Byte c) { return c >= 'A' && c <= 'Z' ? static_cast<Byte>(c + ('a' - 'A')) : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(as_bytes(a), as_bytes(b), {}, ascii_lower, ascii_lower);
}

// Yields a text without insignificant spaces and in lower case, then zeros.
class FoldedText {
 public:
  explicit FoldedText(Bytes text) : text_(text) { skip_spaces(); }
  bool ended() const { return at_ == text_.size() && !space_due_; }
  Byte next() {
    if (space_due_) {
      space_due_ = false;
      return ' ';
    }
    if (at_ == text_.size()) return 0;
    const Byte c = ascii_lower(text_[at_++]);
    const std::size_t before = at_;
    skip_spaces();
    space_due_ = at_ != before && at_ != text_.size();
    return c;
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  Bytes text_;
  std::size_t at_ = 0;
  bool space_due_ = false;
};

bool texts_match(Bytes a, Bytes b) {
  FoldedText left(a);
  FoldedText right(b);
  while (!left.ended() && !right.ended()) {
    if (left.next() != right.next()) return false;
  }
  return left.ended() && right.ended();
}

bool is_text(Tag tag) { return tag == Tag::utf8_string || tag == Tag::printable_string; }

bool attributes_match(const Attribute& a, const Attribute& b) {
  if (a.type != b.type) return false;
  if (a.value.encoding == b.value.encoding) return true;
  return is_text(a.value.tag) && is_text(b.value.tag) && texts_match(a.value.contents, b.value.contents);
}

bool relative_names_match(const RelativeName& a, const RelativeName& b) {
  auto left = a.attributes.begin();
  auto right = b.attributes.begin();
  const auto end = std::default_sentinel;
  for (; left != end && right != end; ++left, ++right) {
    if (!attributes_match(*left, *right)) return false;
  }
  return left == end && right == end;
}

void write_byte_escaped(Writer& out, Byte byte) {
  const char escaped[] = {'\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  out.text({escaped, sizeof(escaped)});
}

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 0;  // in bytes; 0 if the text does not begin with well-formed UTF-8 (RFC 3629)
};

CodePoint decode_utf8(Bytes text) {
  const Byte lead = text[0];
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  std::uint32_t value = lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((text[i] & 0xc0) != 0x80) return {};
    value = value << 6 | (text[i] & 0x3f);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x1'0000);
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10'ffff) return {};
  return {value, size};
}

// Control characters, and those that change the direction of what follows.
bool is_harmless(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
  return c != 0x200e && c != 0x200f && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

void write_text(Writer& out, Bytes text, std::string_view escaped_besides) {
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    const std::size_t size = std::max<std::size_t>(c.size, 1);
    if (c.size == 0 || !is_harmless(c.value)) {
      for (const Byte byte : text.first(size)) write_byte_escaped(out, byte);
    } else {
      if (c.size == 1 && escaped_besides.find(static_cast<char>(text[0])) != std::string_view::npos) out.text("\\");
      out.bytes(text.first(size));
    }
    text = text.subspan(size);
  }
}

bool are_labels(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  bool last_is_number = false;
  for (bool more = true; more;) {
    const std::size_t end = std::min(name.find('.'), name.size());
    const std::string_view label = part_of(name, 0, end);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    last_is_number = true;
    for (const char c : label) {
      const bool digit = c >= '0' && c <= '9';
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (!digit && !letter && c != '-' && c != '_') return false;
      last_is_number = last_is_number && digit;
    }
    more = end < name.size();
    name.remove_prefix(more ? end + 1 : end);
    if (more && name.empty()) return false;
  }
  return !last_is_number;
}

}  // namespace

Name parse_name(DerReader& in) {
  const asn1::Element name = in.element(Tag::sequence);
  // The reader shares the document, so a fault in here is one there.
  DerReader relative = in.of(name.contents);
  while (!relative.empty()) {
    DerReader attributes = relative.enter(Tag::set);
    if (attributes.empty()) attributes.fail(asn1::DerFault::empty_sequence);
    while (!attributes.empty()) Attribute::decode(attributes);
  }
  return {name.encoding};
}

bool names_match(Name a, Name b) {
  if (a.der == b.der) return true;
  auto left = relative_names(a).begin();
  auto right = relative_names(b).begin();
  const auto end = std::default_sentinel;
  for (; left != end && right != end; ++left, ++right) {
    if (!relative_names_match(*left, *right)) return false;
  }
  return left == end && right == end;
}

bool is_within(Name name, Name base) {
  auto left = relative_names(name).begin();
  auto right = relative_names(base).begin();
  const auto end = std::default_sentinel;
  for (; right != end; ++left, ++right) {
    if (left == end || !relative_names_match(*left, *right)) return false;
  }
  return true;
}

std::string_view common_name(Name name) {
  for (const RelativeName& relative : relative_names(name)) {
    for (const Attribute& attribute : relative.attributes) {
      if (attribute.type == asn1::oids::common_name) return as_text(attribute.value.contents);
    }
  }
  return {};
}

bool has_attribute(Name name, Bytes type) {
  for (const RelativeName& relative : relative_names(name)) {
    for (const Attribute& attribute : relative.attributes) {
      if (attribute.type == type) return true;
    }
  }
  return false;
}

void write_name(Writer& out, Name name) {
  if (name.empty()) return out.text("(empty)");
  bool first = true;
  for (const RelativeName& relative : relative_names(name)) {
    bool first_attribute = true;
    for (const Attribute& attribute : relative.attributes) {
      if (!first) out.text(first_attribute ? ", " : " + ");
      first = first_attribute = false;
      const std::string_view type = asn1::oid_name(attribute.type);
      if (type.empty()) {
        asn1::write_oid(out, attribute.type);
      } else {
        out.text(type);
      }
      out.text("=");
      write_text(out, attribute.value.contents, ",+\\");
    }
  }
}

std::string_view describe(GeneralNameType type) {
  switch (type) {
    case GeneralNameType::other_name:
      return "otherName";
    case GeneralNameType::rfc822_name:
      return "email";
    case GeneralNameType::dns_name:
      return "DNS";
    case GeneralNameType::x400_address:
      return "X400Address";
    case GeneralNameType::directory_name:
      return "DirName";
    case GeneralNameType::edi_party_name:
      return "EDIPartyName";
    case GeneralNameType::uri:
      return "URI";
    case GeneralNameType::ip_address:
      return "IP";
    case GeneralNameType::registered_id:
      return "RegisteredID";
  }
  return "";
}

GeneralName GeneralName::decode(DerReader& in) {
  const auto expected_tag = [](unsigned n) {
    // otherName, x400Address and ediPartyName are IMPLICIT of constructed types; a Name is a CHOICE, so its tag is
    // EXPLICIT.
    const bool constructed = n == 0 || n == 3 || n == 4 || n == 5;
    return constructed ? asn1::context_constructed(n) : asn1::context(n);
  };
  for (unsigned n = 0; n <= 8; ++n) {
    if (!in.next_is(expected_tag(n))) continue;
    GeneralName name{static_cast<GeneralNameType>(n), {}};
    if (name.type == GeneralNameType::directory_name) {
      DerReader explicit_name = in.enter(expected_tag(n));
      name.value = parse_name(explicit_name).der;
      explicit_name.finish();
    } else if (name.type == GeneralNameType::registered_id) {
      name.value = in.object_identifier(expected_tag(n));
    } else {
      name.value = in.contents(expected_tag(n));
    }
    return name;
  }
  in.fail_unexpected();
  return {};
}

void write_general_name(Writer& out, const GeneralName& name) {
  out.text(describe(name.type));
  out.text(":");
  switch (name.type) {
    case GeneralNameType::directory_name:
      return write_name(out, {name.value});
    case GeneralNameType::ip_address:
      return write_ip(out, name.value);
    case GeneralNameType::registered_id:
      return asn1::write_oid(out, name.value);
    default:
      return write_untrusted_text(out, name.value);
  }
}

void write_untrusted_text(Writer& out, Bytes text) { write_text(out, text, "\\"); }

bool is_utf8(std::string_view text) {
  for (Bytes rest = as_bytes(text); !rest.empty();) {
    const std::size_t size = decode_utf8(rest).size;
    if (size == 0) return false;
    rest = rest.subspan(size);
  }
  return true;
}

bool is_dns_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return are_labels(name);
}

bool is_dns_pattern(std::string_view pattern) {
  if (pattern.starts_with("*.")) {
    pattern.remove_prefix(2);
    return pattern.find('.') != std::string_view::npos && pattern.size() <= 251 && are_labels(pattern);
  }
  return are_labels(pattern);
}

bool dns_name_matches(std::string_view pattern, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  // RFC 9525, section 6.3: "the wildcard character [...] appears only as the complete content of the left-most label",
  // and two labels behind it, so that no certificate speaks for all of a top-level domain.
  if (!is_dns_pattern(pattern) || !are_labels(name)) return false;
  if (!pattern.starts_with("*.")) return equal_ignoring_case(pattern, name);
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  pattern.remove_prefix(1);
  name.remove_prefix(dot);
  return equal_ignoring_case(pattern, name);
}

}  // namespace limpid::x509
