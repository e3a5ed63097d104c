#include "limpid/asn1/der_writer.hpp"

#include "limpid/asn1/time.hpp"

namespace limpid::asn1 {

void DerWriter::put_length(std::size_t at) {
  if (out_->failed()) return;
  const std::size_t length = out_->size() - at - 1;
  if (length < 0x80) {
    out_->written()[at] = static_cast<Byte>(length);
    return;
  }
  std::size_t octets = 1;
  while (octets < sizeof(length) && length >> (8 * octets) != 0) ++octets;
  const Byte room[sizeof(length)] = {};
  out_->bytes({room, octets});
  if (out_->failed()) return;
  const MutableBytes written = out_->written().subspan(at);
  copy(written.subspan(1, length), written.subspan(1 + octets));
  written[0] = static_cast<Byte>(0x80 | octets);
  for (std::size_t i = 0; i < octets; ++i) written[octets - i] = static_cast<Byte>(length >> (8 * i));
}

void DerWriter::integer(std::uint32_t value) {
  const Byte big_endian[] = {static_cast<Byte>(value >> 24), static_cast<Byte>(value >> 16),
                             static_cast<Byte>(value >> 8), static_cast<Byte>(value)};
  unsigned_integer(big_endian);
}

void DerWriter::unsigned_integer(Bytes big_endian) {
  while (!big_endian.empty() && big_endian[0] == 0) big_endian = big_endian.subspan(1);
  element(Tag::integer, [&] {
    if (big_endian.empty() || big_endian[0] >= 0x80) out_->u8(0);
    out_->bytes(big_endian);
  });
}

void DerWriter::bit_string(Bytes bytes, unsigned unused_bits, Tag tag) {
  element(tag, [&] {
    out_->u8(static_cast<std::uint8_t>(unused_bits));
    out_->bytes(bytes);
  });
}

void DerWriter::named_bits(std::uint16_t bits, Tag tag) {
  Byte bytes[2] = {};
  unsigned count = 0;  // of bits up to the last that is set
  for (unsigned n = 0; n < 16; ++n) {
    if ((bits >> n & 1) == 0) continue;
    bytes[n / 8] |= static_cast<Byte>(0x80 >> (n % 8));
    count = n + 1;
  }
  bit_string({bytes, (count + 7) / 8}, (8 - count % 8) % 8, tag);
}

void DerWriter::time(UnixTime time) {
  const CivilTime civil = civil_time(time);
  if (civil.year < 0 || civil.year > 9'999) return out_->fail();
  Byte text[15];
  std::size_t size = 0;
  const auto two_digits = [&](unsigned value) {
    text[size++] = static_cast<Byte>('0' + value / 10 % 10);
    text[size++] = static_cast<Byte>('0' + value % 10);
  };
  const auto year = static_cast<unsigned>(civil.year);
  const bool utc = year >= 1950 && year < 2050;
  if (!utc) two_digits(year / 100);
  two_digits(year % 100);
  two_digits(civil.month);
  two_digits(civil.day);
  two_digits(civil.hour);
  two_digits(civil.minute);
  two_digits(civil.second);
  text[size++] = 'Z';
  primitive(utc ? Tag::utc_time : Tag::generalized_time, {text, size});
}

}  // namespace limpid::asn1
