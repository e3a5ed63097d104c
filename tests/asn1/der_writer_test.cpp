#include "limpid/asn1/der_writer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "limpid/asn1/der_reader.hpp"
#include "limpid/asn1/oid.hpp"
#include "limpid/asn1/time.hpp"

namespace limpid::asn1 {
namespace {

using Octets = std::vector<Byte>;

template <class Body>
Octets written(Body&& body) {
  Budget budget(1 << 20);
  Buffer buffer(budget);
  Writer out(buffer);
  DerWriter der(out);
  body(der);
  EXPECT_FALSE(out.failed());
  return {buffer.begin(), buffer.end()};
}

TEST(DerWriter, WritesTheCanonicalForms) {
  EXPECT_EQ(written([](DerWriter& der) { der.boolean(true); }), (Octets{0x01, 0x01, 0xff}));
  EXPECT_EQ(written([](DerWriter& der) { der.integer(0); }), (Octets{0x02, 0x01, 0x00}));
  EXPECT_EQ(written([](DerWriter& der) { der.integer(128); }), (Octets{0x02, 0x02, 0x00, 0x80}));
  EXPECT_EQ(written([](DerWriter& der) { der.integer(0xffffffff); }),
            (Octets{0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(written([](DerWriter& der) { der.null(); }), (Octets{0x05, 0x00}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(0); }), (Octets{0x03, 0x01, 0x00}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(1); }), (Octets{0x03, 0x02, 0x07, 0x80}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(1 << 5 | 1 << 6); }), (Octets{0x03, 0x02, 0x01, 0x06}));
  EXPECT_EQ(written([](DerWriter& der) { der.named_bits(1 << 8); }), (Octets{0x03, 0x03, 0x07, 0x00, 0x80}));
  EXPECT_EQ(written([](DerWriter& der) { der.object_identifier(oids::ed25519); }),
            (Octets{0x06, 0x03, 0x2b, 0x65, 0x70}));
}

TEST(DerWriter, LengthsOfEverySizeReadBack) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 255u, 256u, 65535u, 65536u, 70000u}) {
    Octets contents(size);
    for (std::size_t i = 0; i < size; ++i) contents[i] = static_cast<Byte>(i * 7);
    const Octets octets = written([&](DerWriter& der) {
      der.sequence([&] {
        der.octet_string(contents);
        der.integer(7);
      });
    });
    DerDocument document(octets);
    DerReader in(document);
    DerReader sequence = in.sequence();
    EXPECT_EQ(sequence.octet_string(), Bytes(contents)) << size;
    EXPECT_EQ(sequence.small_integer(10), 7u);
    sequence.finish();
    in.finish();
    EXPECT_FALSE(document.failed()) << size;
  }
}

TEST(DerWriter, FailsInEveryRoomThatIsTooSmall) {
  const auto body = [](DerWriter& der) {
    der.sequence([&] {
      der.octet_string(Octets(200));
      der.sequence([&] { der.integer(1000); });
    });
  };
  const Octets whole = written(body);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    Octets room(size);
    Writer out{MutableBytes(room)};
    DerWriter der(out);
    body(der);
    EXPECT_EQ(out.failed(), size < whole.size());
  }
}

TEST(DerWriter, TimesReadBackInTheirDueType) {
  std::mt19937_64 random(21);
  std::uniform_int_distribution<std::int64_t> moments(-62'167'219'200, 253'402'300'799);  // years 0 to 9999
  for (int round = 0; round < 20'000; ++round) {
    const UnixTime time{moments(random)};
    const Octets octets = written([&](DerWriter& der) { der.time(time); });
    DerDocument document(octets);
    DerReader in(document);
    const std::int64_t year = civil_time(time).year;
    EXPECT_EQ(in.peek(), year >= 1950 && year < 2050 ? Tag::utc_time : Tag::generalized_time);
    EXPECT_EQ(in.time(), time);
    in.finish();
    EXPECT_FALSE(document.failed());
    EXPECT_EQ(unix_time(civil_time(time)), time);
  }
  Byte room[32];
  Writer out{MutableBytes(room)};
  DerWriter(out).time({253'402'300'800});
  EXPECT_TRUE(out.failed());
}

TEST(CivilTime, IsTotal) {
  EXPECT_EQ(civil_time({0}), (CivilTime{1970, 1, 1, 0, 0, 0}));
  EXPECT_EQ(civil_time({-1}), (CivilTime{1969, 12, 31, 23, 59, 59}));
  EXPECT_EQ(civil_time({1709210096}), (CivilTime{2024, 2, 29, 12, 34, 56}));
  for (const std::int64_t seconds : {INT64_MIN, INT64_MAX}) {
    const CivilTime civil = civil_time({seconds});
    EXPECT_TRUE(civil.month >= 1 && civil.month <= 12 && civil.day >= 1 && civil.day <= 31);
    EXPECT_EQ(unix_time(civil), std::nullopt);
  }
}

TEST(ObjectIdentifier, TextAndNames) {
  const auto text = [](Bytes id) {
    Byte room[200];
    Writer out{MutableBytes(room)};
    write_oid(out, id);
    return std::string(as_text(out.written()));
  };
  EXPECT_EQ(text(oids::ec_public_key), "1.2.840.10045.2.1");
  EXPECT_EQ(text(oids::any_extended_key_usage), "2.5.29.37.0");
  EXPECT_EQ(text(oids::domain_component), "0.9.2342.19200300.100.1.25");
  EXPECT_EQ(text(oid<2, 999, 3>), "2.999.3");
  EXPECT_EQ(text(oid<1, 3, 4294967295>), "1.3.4294967295");
  // 2^64 is one arc too large to be shown.
  EXPECT_EQ(text(Octets{0x2b, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x05}), "1.3.?.5");
  EXPECT_EQ(text(Octets{0x2b, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), "1.3.18446744073709551615");
  EXPECT_EQ(oid_name(oids::ecdsa_with_sha256), "ecdsa-with-SHA256");
  EXPECT_EQ(oid_name(oid<1, 2, 3>), "");
}

}  // namespace
}  // namespace limpid::asn1
