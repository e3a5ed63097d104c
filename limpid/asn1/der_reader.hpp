// A strict reader of DER, the Distinguished Encoding Rules of ASN.1 (X.690, sections 8 to 11).
//
// What it guarantees of everything that it hands out: definite lengths in the fewest octets, tags in the low-tag-number
// form, primitive and constructed as the type demands, and the one canonical encoding of each value that has a function
// here. What it does not: the order of a SET OF, the character set of a string, and the absence of an element that
// equals its DEFAULT are for the caller, who knows the type. It does not recurse: a document is only entered as deep as
// the caller's code enters it, and every view points into the document.
#pragma once

#include <optional>

#include "limpid/asn1/tag.hpp"
#include "limpid/core/time.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::asn1 {

enum class DerFault : std::uint8_t {
  truncated,       // an element claims more than there is
  bad_length,      // indefinite, or not in the fewest octets
  bad_tag,         // the high-tag-number form
  unexpected_tag,  // another type was expected
  trailing_data,   // something follows where the structure ends
  bad_boolean,     // neither 00 nor FF
  bad_integer,     // empty, or with a superfluous leading octet
  integer_range,   // negative, or larger than its use allows
  bad_bit_string,  // no count of unused bits, one above 7, or unused bits that are set
  bad_object_identifier,
  bad_null,
  bad_time,        // not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, or no such moment
  bad_default,     // a DEFAULT value was encoded
  empty_sequence,  // where at least one element is demanded
};
std::string_view describe(DerFault fault);

// What was wrong first, and where.
struct DerError {
  DerFault fault{};
  std::size_t offset = 0;               // from the start of the document
  Tag expected = Tag::end_of_contents;  // for unexpected_tag and truncated: the type that was wanted, if one was
  Tag found = Tag::end_of_contents;     // for unexpected_tag; end_of_contents: nothing was left

  friend constexpr bool operator==(const DerError&, const DerError&) = default;
};

// One line: what is wrong, at which byte, and for unexpected_tag what was expected and found.
void write_error(Writer& out, const DerError& error);

// One document being read. All its readers share it: the first error of any of them stops them all, so that a parser
// reads straight through and asks once.
class DerDocument {
 public:
  explicit DerDocument(Bytes der) : der_(der) {}
  DerDocument(const DerDocument&) = delete;
  DerDocument& operator=(const DerDocument&) = delete;

  Bytes der() const { return der_; }
  bool failed() const { return error_.has_value(); }
  const std::optional<DerError>& error() const { return error_; }

  // Keeps the first. `at` points into the document.
  void fail(DerFault fault, const Byte* at, Tag expected = Tag::end_of_contents, Tag found = Tag::end_of_contents) {
    if (!error_) error_ = DerError{fault, static_cast<std::size_t>(at - der_.data()), expected, found};
  }

 private:
  Bytes der_;
  std::optional<DerError> error_;
};

struct Element {
  Tag tag = Tag::end_of_contents;
  Bytes contents;
  Bytes encoding;  // identifier and length octets included
};

struct BitString {
  Bytes bytes;                   // whole octets, the first bit in the high end of the first one
  std::uint8_t unused_bits = 0;  // at the low end of the last one; they are zero

  // Bit 0 is the first; bits beyond the end are 0.
  constexpr bool bit(std::size_t n) const { return n / 8 < bytes.size() && (bytes[n / 8] >> (7 - n % 8) & 1) != 0; }
  friend constexpr bool operator==(const BitString&, const BitString&) = default;
};

// Reads consecutive elements. After the document failed every function yields zeros and empty views.
class DerReader {
 public:
  explicit DerReader(DerDocument& document) : document_(&document), rest_(document.der()) {}
  DerReader(DerDocument& document, Bytes contents) : document_(&document), rest_(contents) {}

  bool failed() const { return document_->failed(); }
  bool empty() const { return failed() || rest_.empty(); }
  Tag peek() const { return empty() ? Tag::end_of_contents : static_cast<Tag>(rest_[0]); }
  bool next_is(Tag tag) const { return !empty() && peek() == tag; }
  const Byte* position() const { return rest_.data(); }

  Element any();
  Element element(Tag tag);
  Bytes contents(Tag tag) { return element(tag).contents; }
  DerReader enter(Tag tag) { return {*document_, contents(tag)}; }
  DerReader sequence() { return enter(Tag::sequence); }
  // Of contents that an element of the same document gave.
  DerReader of(Bytes inner) const { return {*document_, inner}; }

  // Fails unless all was read. Every structure's reader ends with this.
  void finish();
  void fail(DerFault fault) { document_->fail(fault, rest_.data()); }
  // For a CHOICE that none of its alternatives matched.
  void fail_unexpected() { document_->fail(DerFault::unexpected_tag, rest_.data(), Tag::end_of_contents, peek()); }

  bool boolean();
  // Two's complement, big-endian, as few octets as possible, at least one.
  Bytes integer(Tag tag = Tag::integer);
  // Without the sign octet; empty for 0. Fails if negative.
  Bytes unsigned_integer();
  // Fails if negative or above `max`.
  std::uint32_t small_integer(std::uint32_t max, Tag tag = Tag::integer);
  // Zeros at the end of a list of named bits, which X.690, 11.2.2, wants removed, are not looked at.
  BitString bit_string(Tag tag = Tag::bit_string);
  // A BIT STRING that must consist of whole octets, as keys and signatures do.
  Bytes octets_in_bit_string();
  Bytes octet_string(Tag tag = Tag::octet_string) { return contents(tag); }
  // The contents octets: what oid.hpp's constants are compared with.
  Bytes object_identifier(Tag tag = Tag::object_identifier);
  void null();
  // UTCTime or GeneralizedTime as RFC 5280, section 4.1.2.5, restricts them: to the second, in GMT, two-digit years
  // from 50 in the twentieth century.
  UnixTime time();

 private:
  DerDocument* document_;
  Bytes rest_;
};

}  // namespace limpid::asn1
