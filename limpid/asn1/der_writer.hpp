// Writes DER through core's Writer, which says whether all of it fitted. The caller writes a SET OF in its order and
// leaves out what equals its DEFAULT.
#pragma once

#include "limpid/asn1/tag.hpp"
#include "limpid/core/time.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::asn1 {

class DerWriter {
 public:
  explicit DerWriter(Writer& out) : out_(&out) {}

  // An element around what `body` writes. The length is put in afterwards, so contents of 128 octets and more are moved
  // by up to four octets once per level.
  template <class Body>
  void element(Tag tag, Body&& body) {
    out_->u8(static_cast<std::uint8_t>(tag));
    const std::size_t at = out_->size();
    out_->u8(0);
    body();
    put_length(at);
  }
  template <class Body>
  void sequence(Body&& body) {
    element(Tag::sequence, body);
  }

  void primitive(Tag tag, Bytes contents) {
    element(tag, [&] { out_->bytes(contents); });
  }
  // An element that is encoded already.
  void encoded(Bytes element_encoding) { out_->bytes(element_encoding); }

  void boolean(bool value) {
    const Byte contents[] = {value ? Byte{0xff} : Byte{0x00}};
    primitive(Tag::boolean, contents);
  }
  void integer(std::uint32_t value);
  // Big-endian; leading zeros are dropped, a sign octet is added where needed.
  void unsigned_integer(Bytes big_endian);
  // `unused_bits` at the end, which must be zero.
  void bit_string(Bytes bytes, unsigned unused_bits = 0, Tag tag = Tag::bit_string);
  // Bit n of `bits` (from the low end) is named bit n; trailing zeros are dropped.
  void named_bits(std::uint16_t bits, Tag tag = Tag::bit_string);
  void octet_string(Bytes bytes) { primitive(Tag::octet_string, bytes); }
  void object_identifier(Bytes contents) { primitive(Tag::object_identifier, contents); }
  void null() { primitive(Tag::null, {}); }
  // RFC 5280, section 4.1.2.5: "CAs conforming to this profile MUST always encode certificate validity dates through
  // the year 2049 as UTCTime; certificate validity dates in 2050 or later MUST be encoded as GeneralizedTime." Fails
  // outside of the years 0 to 9999; years before 1950 are GeneralizedTime too.
  void time(UnixTime time);

  void fail() { out_->fail(); }

 private:
  void put_length(std::size_t at);

  Writer* out_;
};

}  // namespace limpid::asn1
