// The identifier octet of a DER element: class, constructed bit and tag number (X.690, section 8.1.2).
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::asn1 {

// Only the low-tag-number form, one octet, exists here: nothing in X.509 numbers a tag above 30.
enum class Tag : std::uint8_t {
  end_of_contents = 0x00,  // never valid in DER; stands for "none"
  boolean = 0x01,
  integer = 0x02,
  bit_string = 0x03,
  octet_string = 0x04,
  null = 0x05,
  object_identifier = 0x06,
  enumerated = 0x0a,
  utf8_string = 0x0c,
  printable_string = 0x13,
  teletex_string = 0x14,
  ia5_string = 0x16,
  utc_time = 0x17,
  generalized_time = 0x18,
  visible_string = 0x1a,
  universal_string = 0x1c,
  bmp_string = 0x1e,
  sequence = 0x30,  // SEQUENCE and SEQUENCE OF, always constructed
  set = 0x31,
};

// [n] IMPLICIT of a primitive type.
constexpr Tag context(unsigned n) { return static_cast<Tag>(0x80 | (n & 0x1f)); }
// [n] EXPLICIT, or [n] IMPLICIT of a constructed type.
constexpr Tag context_constructed(unsigned n) { return static_cast<Tag>(0xa0 | (n & 0x1f)); }

constexpr bool is_constructed(Tag tag) { return (static_cast<std::uint8_t>(tag) & 0x20) != 0; }

// The type's name in ASN.1; "context [n]" and the like are left to whoever prints the number.
constexpr std::string_view describe(Tag tag) {
  switch (tag) {
    case Tag::end_of_contents:
      return "nothing";
    case Tag::boolean:
      return "BOOLEAN";
    case Tag::integer:
      return "INTEGER";
    case Tag::bit_string:
      return "BIT STRING";
    case Tag::octet_string:
      return "OCTET STRING";
    case Tag::null:
      return "NULL";
    case Tag::object_identifier:
      return "OBJECT IDENTIFIER";
    case Tag::enumerated:
      return "ENUMERATED";
    case Tag::utf8_string:
      return "UTF8String";
    case Tag::printable_string:
      return "PrintableString";
    case Tag::teletex_string:
      return "TeletexString";
    case Tag::ia5_string:
      return "IA5String";
    case Tag::utc_time:
      return "UTCTime";
    case Tag::generalized_time:
      return "GeneralizedTime";
    case Tag::visible_string:
      return "VisibleString";
    case Tag::universal_string:
      return "UniversalString";
    case Tag::bmp_string:
      return "BMPString";
    case Tag::sequence:
      return "SEQUENCE";
    case Tag::set:
      return "SET";
  }
  return (static_cast<std::uint8_t>(tag) & 0xc0) == 0x80 ? "a context-specific element" : "an unexpected element";
}

}  // namespace limpid::asn1
