// Distinguished names and the general names of alternative-name extensions (RFC 5280, sections 4.1.2.4 and 4.2.1.6).
#pragma once

#include "limpid/asn1/sequence_of.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::x509 {

//     Name ::= CHOICE { rdnSequence  RDNSequence }
//     RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
//     RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
//     AttributeTypeAndValue ::= SEQUENCE { type  AttributeType, value  AttributeValue }
//
// The structure was checked when the name was parsed; the character sets of the strings were not.
struct Name {
  Bytes der;  // the whole SEQUENCE

  bool empty() const { return der.size() <= 2; }
};

// Reads a Name. Fails the document if an RDN is empty.
Name parse_name(asn1::DerReader& in);

// RFC 5280, section 7.1: UTF8String and PrintableString values match regardless of ASCII case and of leading, trailing
// and repeated spaces, and of which of the two types they have; other values, and non-ASCII characters, octet for
// octet. Not done: Unicode normalization, and attributes of a multi-valued RDN in another order.
bool names_match(Name a, Name b);
// Whether `name` lies in the subtree whose root is `base`: each RDN of `base` matches the one at its place in `name`.
bool is_within(Name name, Name base);

// The first CommonName's value as it is encoded, or empty. For people only: it never identifies a host (RFC 9525).
std::string_view common_name(Name name);
// Whether an attribute of this type occurs in it.
bool has_attribute(Name name, Bytes type);
// As "C=GB, O=Example, CN=example.com", in the order of the encoding; commas, pluses and backslashes escaped, what is
// neither printable ASCII nor UTF-8 above it as \xx. "(empty)" if it is.
void write_name(Writer& out, Name name);

//     GeneralName ::= CHOICE {
//          otherName                 [0]  OtherName,
//          rfc822Name                [1]  IA5String,
//          dNSName                   [2]  IA5String,
//          x400Address               [3]  ORAddress,
//          directoryName             [4]  Name,
//          ediPartyName              [5]  EDIPartyName,
//          uniformResourceIdentifier [6]  IA5String,
//          iPAddress                 [7]  OCTET STRING,
//          registeredID              [8]  OBJECT IDENTIFIER }
enum class GeneralNameType : std::uint8_t {
  other_name,
  rfc822_name,
  dns_name,
  x400_address,
  directory_name,
  edi_party_name,
  uri,
  ip_address,
  registered_id,
};
std::string_view describe(GeneralNameType type);

struct GeneralName {
  GeneralNameType type{};
  Bytes value;  // the text, the address, the identifier's contents; for directory_name the whole Name

  static GeneralName decode(asn1::DerReader& in);
  friend bool operator==(const GeneralName&, const GeneralName&) = default;
};
using GeneralNames = asn1::SequenceOf<GeneralName>;

// As "DNS:example.com" or "IP:192.0.2.1".
void write_general_name(Writer& out, const GeneralName& name);
// Text from a certificate, made fit for a terminal: control characters and octets that are not UTF-8 become \xx.
void write_untrusted_text(Writer& out, Bytes text);

// Whether it is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

// Whether `name` is a host name that can be looked for in certificates: labels of letters, digits, hyphens and
// underscores, 1 to 63 octets each, 253 in all, the last not all digits; one trailing dot is allowed.
bool is_dns_name(std::string_view name);
// The same with "*" allowed as the whole leftmost label, and no trailing dot: what may stand in a certificate.
bool is_dns_pattern(std::string_view pattern);
// RFC 9525, section 6.3: ASCII case does not count. A wildcard matches exactly one label, which must be the leftmost
// one, and at least two labels must stand behind it. A trailing dot in `name` is ignored; a pattern with one never
// matches.
bool dns_name_matches(std::string_view pattern, std::string_view name);

}  // namespace limpid::x509
