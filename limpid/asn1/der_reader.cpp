#include "limpid/asn1/der_reader.hpp"

#include "limpid/asn1/time.hpp"

namespace limpid::asn1 {

std::string_view describe(DerFault fault) {
  switch (fault) {
    case DerFault::truncated:
      return "an element is longer than what holds it";
    case DerFault::bad_length:
      return "a length is not in its shortest definite form";
    case DerFault::bad_tag:
      return "a tag number above 30";
    case DerFault::unexpected_tag:
      return "an element of another type was expected";
    case DerFault::trailing_data:
      return "data follows where the structure ends";
    case DerFault::bad_boolean:
      return "a BOOLEAN is neither 00 nor FF";
    case DerFault::bad_integer:
      return "an INTEGER is not in its shortest form";
    case DerFault::integer_range:
      return "an INTEGER is negative or too large";
    case DerFault::bad_bit_string:
      return "a BIT STRING's unused bits are miscounted or not zero";
    case DerFault::bad_object_identifier:
      return "an OBJECT IDENTIFIER is not canonical";
    case DerFault::bad_null:
      return "a NULL with contents";
    case DerFault::bad_time:
      return "a time is not to the second in GMT, or does not exist";
    case DerFault::bad_default:
      return "a default value is encoded";
    case DerFault::empty_sequence:
      return "a SEQUENCE that must not be empty is";
  }
  return "";
}

void write_error(Writer& out, const DerError& error) {
  out.text(describe(error.fault));
  out.text(" at byte ");
  out.decimal(error.offset);
  if (error.fault != DerFault::unexpected_tag) return;
  if (error.expected != Tag::end_of_contents) {
    out.text(": expected ");
    out.text(describe(error.expected));
    out.text(", found ");
  } else {
    out.text(": found ");
  }
  out.text(describe(error.found));
}

Element DerReader::any() {
  if (failed()) return {};
  const Byte* const start = rest_.data();
  const auto fail_here = [&](DerFault fault) {
    document_->fail(fault, start);
    return Element{};
  };
  if (rest_.size() < 2) return fail_here(DerFault::truncated);
  if ((rest_[0] & 0x1f) == 0x1f) return fail_here(DerFault::bad_tag);
  std::size_t header = 2;
  std::size_t length = rest_[1];
  if (length >= 0x80) {
    // X.690, 10.1: "The definite form of length encoding shall be used, encoded in the minimum number of octets."
    // Four octets of length are more than any input here may have.
    const std::size_t octets = length & 0x7f;
    if (octets == 0 || octets > 4) return fail_here(DerFault::bad_length);
    if (rest_.size() < header + octets) return fail_here(DerFault::truncated);
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = length << 8 | rest_[header + i];
    if (length < 0x80 || length >> (8 * (octets - 1)) == 0) return fail_here(DerFault::bad_length);
    header += octets;
  }
  if (length > rest_.size() - header) return fail_here(DerFault::truncated);
  const Element element{static_cast<Tag>(rest_[0]), rest_.subspan(header, length), rest_.first(header + length)};
  rest_ = rest_.subspan(header + length);
  return element;
}

Element DerReader::element(Tag tag) {
  if (failed()) return {};
  if (!next_is(tag)) {
    document_->fail(DerFault::unexpected_tag, rest_.data(), tag, peek());
    return {};
  }
  return any();
}

void DerReader::finish() {
  if (!empty()) fail(DerFault::trailing_data);
}

bool DerReader::boolean() {
  const Bytes value = contents(Tag::boolean);
  if (failed()) return false;
  // X.690, 11.1: "If the encoding represents the boolean value TRUE, its single contents octet shall have all eight
  // bits set to one."
  if (value.size() != 1 || (value[0] != 0x00 && value[0] != 0xff)) {
    document_->fail(DerFault::bad_boolean, value.data());
    return false;
  }
  return value[0] == 0xff;
}

Bytes DerReader::integer(Tag tag) {
  const Bytes value = contents(tag);
  if (failed()) return {};
  // X.690, 8.3.2: "the bits of the first octet and bit 8 of the second octet shall not all be ones; and shall not all
  // be zero."
  const bool superfluous =
      value.size() > 1 && ((value[0] == 0x00 && value[1] < 0x80) || (value[0] == 0xff && value[1] >= 0x80));
  if (value.empty() || superfluous) {
    document_->fail(DerFault::bad_integer, value.data());
    return {};
  }
  return value;
}

Bytes DerReader::unsigned_integer() {
  const Bytes value = integer();
  if (failed()) return {};
  if (value[0] >= 0x80) {
    document_->fail(DerFault::integer_range, value.data());
    return {};
  }
  return value[0] == 0 ? value.subspan(1) : value;
}

std::uint32_t DerReader::small_integer(std::uint32_t max, Tag tag) {
  const Bytes value = integer(tag);
  if (failed()) return 0;
  std::uint64_t number = 0;
  if (value.size() <= 5) {
    for (const Byte byte : value) number = number << 8 | byte;
  }
  if (value[0] >= 0x80 || value.size() > 5 || number > max) {
    document_->fail(DerFault::integer_range, value.data());
    return 0;
  }
  return static_cast<std::uint32_t>(number);
}

BitString DerReader::bit_string(Tag tag) {
  const Bytes value = contents(tag);
  if (failed()) return {};
  // X.690, 11.2.1: "Each unused bit in the final octet of the encoding of a bit string value shall be set to zero."
  const bool ok = !value.empty() && value[0] <= 7 && (value.size() > 1 || value[0] == 0) &&
                  (value[value.size() - 1] & ((1u << value[0]) - 1)) == 0;
  // With one octet only the count itself, 0, was masked: nothing.
  if (!ok) {
    document_->fail(DerFault::bad_bit_string, value.data());
    return {};
  }
  return {value.subspan(1), value[0]};
}

Bytes DerReader::octets_in_bit_string() {
  const Byte* const start = rest_.data();
  const BitString value = bit_string();
  if (value.unused_bits != 0) {
    document_->fail(DerFault::bad_bit_string, start);
    return {};
  }
  return value.bytes;
}

Bytes DerReader::object_identifier(Tag tag) {
  const Bytes value = contents(tag);
  if (failed()) return {};
  // X.690, 8.19.2: "The subidentifier shall be encoded in the fewest possible octets, that is, the leading octet of the
  // subidentifier shall not have the value 80."
  bool starts = true;
  for (const Byte byte : value) {
    if (starts && byte == 0x80) {
      document_->fail(DerFault::bad_object_identifier, value.data());
      return {};
    }
    starts = byte < 0x80;
  }
  if (value.empty() || !starts) {
    document_->fail(DerFault::bad_object_identifier, value.data());
    return {};
  }
  return value;
}

void DerReader::null() {
  const Bytes value = contents(Tag::null);
  if (!value.empty()) document_->fail(DerFault::bad_null, value.data());
}

UnixTime DerReader::time() {
  const bool general = next_is(Tag::generalized_time);
  const Bytes value = contents(general ? Tag::generalized_time : Tag::utc_time);
  if (failed()) return {};
  const std::optional<UnixTime> time = general ? parse_generalized_time(value) : parse_utc_time(value);
  if (!time) document_->fail(DerFault::bad_time, value.data());
  return time.value_or(UnixTime{});
}

}  // namespace limpid::asn1
