#include "limpid/asn1/der_reader.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "limpid/asn1/sequence_of.hpp"

namespace limpid::asn1 {
namespace {

using Octets = std::vector<Byte>;

// Runs `read` on the octets and gives the fault, if there is one.
std::optional<DerFault> fault_of(const Octets& octets, const std::function<void(DerReader&)>& read) {
  DerDocument document(octets);
  DerReader in(document);
  read(in);
  in.finish();
  return document.failed() ? std::optional(document.error()->fault) : std::nullopt;
}

void any(DerReader& in) { in.any(); }
void boolean(DerReader& in) { in.boolean(); }
void integer(DerReader& in) { in.integer(); }
void unsigned_integer(DerReader& in) { in.unsigned_integer(); }
void bit_string(DerReader& in) { in.bit_string(); }
void octets_in_bit_string(DerReader& in) { in.octets_in_bit_string(); }
void object_identifier(DerReader& in) { in.object_identifier(); }
void null(DerReader& in) { in.null(); }
void time(DerReader& in) { in.time(); }

Octets element_of_length(std::initializer_list<int> header, std::size_t length) {
  Octets octets;
  for (const int octet : header) octets.push_back(static_cast<Byte>(octet));
  octets.resize(octets.size() + length);
  return octets;
}

TEST(DerReader, LengthsAreDefiniteAndMinimal) {
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x00}, 0), any), std::nullopt);
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x7f}, 127), any), std::nullopt);
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x81, 0x80}, 128), any), std::nullopt);
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x82, 0x01, 0x00}, 256), any), std::nullopt);
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x83, 0x01, 0x00, 0x00}, 65536), any), std::nullopt);

  EXPECT_EQ(fault_of(element_of_length({0x04, 0x80}, 4), any), DerFault::bad_length);          // indefinite
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x81, 0x7f}, 127), any), DerFault::bad_length);  // one octet would do
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x82, 0x00, 0x80}, 128), any), DerFault::bad_length);  // leading zero
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x82, 0x00, 0xff}, 255), any), DerFault::bad_length);
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x85, 0, 0, 0, 0, 1}, 1), any), DerFault::bad_length);  // too many
  EXPECT_EQ(fault_of(element_of_length({0x04, 0xff}, 200), any), DerFault::bad_length);               // reserved
  EXPECT_EQ(fault_of(element_of_length({0x04, 0x84, 0xff, 0xff, 0xff, 0xff}, 9), any), DerFault::truncated);
}

TEST(DerReader, EveryTruncationIsRefused) {
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{5}, std::size_t{127}, std::size_t{128}, std::size_t{300}}) {
    Octets whole = length < 128   ? element_of_length({0x04, static_cast<int>(length)}, length)
                   : length < 256 ? element_of_length({0x04, 0x81, static_cast<int>(length)}, length)
                                  : element_of_length({0x04, 0x82, 1, static_cast<int>(length - 256)}, length);
    ASSERT_EQ(fault_of(whole, any), std::nullopt);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      EXPECT_EQ(fault_of(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)), any),
                DerFault::truncated);
    }
  }
}

TEST(DerReader, TagsAreInTheLowForm) {
  EXPECT_EQ(fault_of({0x1f, 0x01, 0x00}, any), DerFault::bad_tag);
  EXPECT_EQ(fault_of({0xbf, 0x1f, 0x00}, any), DerFault::bad_tag);
}

TEST(DerReader, WhatFollowsTheEndIsRefused) {
  EXPECT_EQ(fault_of({0x05, 0x00, 0x05, 0x00}, any), DerFault::trailing_data);
}

TEST(DerReader, AnUnexpectedTypeIsNamed) {
  const Octets octets = {0x30, 0x05, 0x05, 0x00, 0x02, 0x01, 0x00};
  DerDocument document(octets);
  DerReader in(document);
  DerReader sequence = in.sequence();
  sequence.null();
  sequence.octet_string();
  EXPECT_TRUE(in.failed());
  EXPECT_TRUE(sequence.empty());
  EXPECT_EQ(document.error(), (DerError{DerFault::unexpected_tag, 4, Tag::octet_string, Tag::integer}));
  Byte room[200];
  Writer out{MutableBytes(room)};
  write_error(out, *document.error());
  EXPECT_EQ(as_text(out.written()),
            "an element of another type was expected at byte 4: expected OCTET STRING, found INTEGER");
}

TEST(DerReader, AfterAFaultEverythingIsEmptyAndTheFirstFaultStays) {
  const Octets octets = {0x01, 0x01, 0x01, 0x04, 0x02, 0xaa, 0xbb};
  DerDocument document(octets);
  DerReader in(document);
  EXPECT_FALSE(in.boolean());
  EXPECT_TRUE(in.octet_string().empty());
  EXPECT_TRUE(in.integer().empty());
  EXPECT_EQ(in.time().seconds, 0);
  EXPECT_FALSE(in.boolean());
  EXPECT_TRUE(in.empty());
  in.finish();
  EXPECT_EQ(document.error()->fault, DerFault::bad_boolean);
  EXPECT_EQ(document.error()->offset, 2u);
}

TEST(DerReader, Boolean) {
  const Octets both = {0x01, 0x01, 0xff, 0x01, 0x01, 0x00};
  DerDocument document(both);
  DerReader in(document);
  EXPECT_TRUE(in.boolean());
  EXPECT_FALSE(in.boolean());
  EXPECT_FALSE(document.failed());
  EXPECT_EQ(fault_of({0x01, 0x01, 0x00}, boolean), std::nullopt);
  EXPECT_EQ(fault_of({0x01, 0x01, 0xff}, boolean), std::nullopt);
  EXPECT_EQ(fault_of({0x01, 0x01, 0x01}, boolean), DerFault::bad_boolean);
  EXPECT_EQ(fault_of({0x01, 0x00}, boolean), DerFault::bad_boolean);
  EXPECT_EQ(fault_of({0x01, 0x02, 0xff, 0xff}, boolean), DerFault::bad_boolean);
}

TEST(DerReader, Integer) {
  EXPECT_EQ(fault_of({0x02, 0x01, 0x00}, integer), std::nullopt);
  EXPECT_EQ(fault_of({0x02, 0x02, 0x00, 0x80}, integer), std::nullopt);
  EXPECT_EQ(fault_of({0x02, 0x02, 0xff, 0x7f}, integer), std::nullopt);
  EXPECT_EQ(fault_of({0x02, 0x00}, integer), DerFault::bad_integer);
  EXPECT_EQ(fault_of({0x02, 0x02, 0x00, 0x7f}, integer), DerFault::bad_integer);
  EXPECT_EQ(fault_of({0x02, 0x02, 0xff, 0x80}, integer), DerFault::bad_integer);
  EXPECT_EQ(fault_of({0x02, 0x01, 0x80}, unsigned_integer), DerFault::integer_range);
}

TEST(DerReader, UnsignedIntegersComeWithoutTheirSignOctet) {
  const Octets octets = {0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x00, 0x02, 0x02, 0x01, 0x02};
  DerDocument document(octets);
  DerReader in(document);
  EXPECT_EQ(in.unsigned_integer(), Bytes(Octets{0x80}));
  EXPECT_TRUE(in.unsigned_integer().empty());
  EXPECT_EQ(in.unsigned_integer(), Bytes(Octets{0x01, 0x02}));
  EXPECT_FALSE(document.failed());
}

TEST(DerReader, SmallIntegersStayInTheirRange) {
  const auto read = [](const Octets& octets, std::uint32_t max) -> std::optional<std::uint32_t> {
    DerDocument document(octets);
    DerReader in(document);
    const std::uint32_t value = in.small_integer(max);
    if (document.failed()) return std::nullopt;
    return value;
  };
  EXPECT_EQ(read({0x02, 0x01, 0x7f}, 127), 127u);
  EXPECT_EQ(read({0x02, 0x02, 0x00, 0x80}, 127), std::nullopt);
  EXPECT_EQ(read({0x02, 0x01, 0xff}, 127), std::nullopt);
  EXPECT_EQ(read({0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xff}, UINT32_MAX), UINT32_MAX);
  EXPECT_EQ(read({0x02, 0x05, 0x01, 0x00, 0x00, 0x00, 0x00}, UINT32_MAX), std::nullopt);
  EXPECT_EQ(read({0x02, 0x09, 0x01, 0, 0, 0, 0, 0, 0, 0, 1}, UINT32_MAX), std::nullopt);
}

TEST(DerReader, BitString) {
  EXPECT_EQ(fault_of({0x03, 0x01, 0x00}, bit_string), std::nullopt);
  EXPECT_EQ(fault_of({0x03, 0x02, 0x07, 0x80}, bit_string), std::nullopt);
  EXPECT_EQ(fault_of({0x03, 0x00}, bit_string), DerFault::bad_bit_string);
  EXPECT_EQ(fault_of({0x03, 0x01, 0x01}, bit_string), DerFault::bad_bit_string);
  EXPECT_EQ(fault_of({0x03, 0x02, 0x08, 0x00}, bit_string), DerFault::bad_bit_string);
  EXPECT_EQ(fault_of({0x03, 0x02, 0x01, 0x01}, bit_string), DerFault::bad_bit_string);
  EXPECT_EQ(fault_of({0x03, 0x02, 0x01, 0x80}, octets_in_bit_string), DerFault::bad_bit_string);

  const Octets octets = {0x03, 0x03, 0x07, 0x06, 0x80};
  DerDocument document(octets);
  const BitString bits = DerReader(document).bit_string();
  const std::vector<std::size_t> set = {5, 6, 8};
  for (std::size_t n = 0; n < 40; ++n) EXPECT_EQ(bits.bit(n), std::ranges::find(set, n) != set.end()) << n;
}

TEST(DerReader, ObjectIdentifier) {
  EXPECT_EQ(fault_of({0x06, 0x03, 0x2b, 0x65, 0x70}, object_identifier), std::nullopt);
  EXPECT_EQ(fault_of({0x06, 0x00}, object_identifier), DerFault::bad_object_identifier);
  EXPECT_EQ(fault_of({0x06, 0x02, 0x2b, 0x80}, object_identifier), DerFault::bad_object_identifier);  // unfinished
  EXPECT_EQ(fault_of({0x06, 0x03, 0x2b, 0x80, 0x01}, object_identifier),
            DerFault::bad_object_identifier);  // leading zero
  EXPECT_EQ(fault_of({0x06, 0x03, 0x2b, 0x81, 0x00}, object_identifier), std::nullopt);
}

TEST(DerReader, Null) {
  EXPECT_EQ(fault_of({0x05, 0x00}, null), std::nullopt);
  EXPECT_EQ(fault_of({0x05, 0x01, 0x00}, null), DerFault::bad_null);
}

Octets text_element(Tag tag, std::string_view text) {
  Octets octets = {static_cast<Byte>(tag), static_cast<Byte>(text.size())};
  octets.insert(octets.end(), text.begin(), text.end());
  return octets;
}

TEST(DerReader, Times) {
  const auto read = [](Tag tag, std::string_view text) -> std::optional<std::int64_t> {
    const Octets octets = text_element(tag, text);
    DerDocument document(octets);
    const UnixTime time = DerReader(document).time();
    if (document.failed()) return std::nullopt;
    return time.seconds;
  };
  EXPECT_EQ(read(Tag::utc_time, "700101000000Z"), 0);
  EXPECT_EQ(read(Tag::utc_time, "491231235959Z"), 2524607999);  // 2049
  EXPECT_EQ(read(Tag::utc_time, "500101000000Z"), -631152000);  // 1950
  EXPECT_EQ(read(Tag::generalized_time, "20500101000000Z"), 2524608000);
  EXPECT_EQ(read(Tag::generalized_time, "99991231235959Z"), 253402300799);
  EXPECT_EQ(read(Tag::utc_time, "000229120000Z"), 951825600);
  EXPECT_EQ(read(Tag::utc_time, "700131000000Z"), 30 * 86400);
  EXPECT_EQ(read(Tag::utc_time, "700430000000Z"), 119 * 86400);
  for (const std::string_view text :
       {"7001010000Z", "700101000000", "700101000000+0000", "700101000060Z", "700101240000Z", "701301000000Z",
        "700001000000Z", "700132000000Z", "700100000000Z", "000230000000Z", "700431000000Z", "700631000000Z",
        "700931000000Z", "701131000000Z", "990229000000Z", "010229000000Z", "7001010000 0Z", "70010100000-1Z",
        "700101000000z"}) {
    EXPECT_EQ(read(Tag::utc_time, text), std::nullopt) << text;
  }
  for (const std::string_view text : {"20500101000000.5Z", "205001010000Z", "20500101000000", "20500101000000+0100",
                                      "21000229000000Z", "500101000000Z"}) {
    EXPECT_EQ(read(Tag::generalized_time, text), std::nullopt) << text;
  }
  EXPECT_EQ(fault_of(text_element(Tag::utf8_string, "700101000000Z"), time), DerFault::unexpected_tag);
}

struct Number {
  std::uint32_t value = 0;
  static Number decode(DerReader& in) { return {in.small_integer(100)}; }
};

TEST(SequenceOf, GivesElementsUntilOneIsMalformed) {
  const Octets octets = {0x02, 0x01, 0x05, 0x02, 0x01, 0x07, 0x02, 0x01, 0x65, 0x02, 0x01, 0x01};
  std::vector<std::uint32_t> values;
  for (const Number& number : SequenceOf<Number>(octets)) values.push_back(number.value);
  EXPECT_EQ(values, (std::vector<std::uint32_t>{5, 7}));
  EXPECT_EQ(SequenceOf<Number>().begin(), std::default_sentinel);
}

// Whatever the octets are: reading ends, twice with the same outcome, and all views stay inside of the document.
TEST(DerReader, RandomOctetsNeverLeaveTheDocument) {
  std::mt19937 random(20);
  for (int round = 0; round < 20'000; ++round) {
    Octets octets(random() % 40);
    for (Byte& octet : octets) {
      constexpr Byte likely[] = {0x30, 0x31, 0x02, 0x03, 0x06, 0x01, 0x00, 0x04, 0x80, 0x81, 0x82, 0xff};
      octet = random() % 3 == 0 ? static_cast<Byte>(random()) : likely[random() % sizeof(likely)];
    }
    std::optional<DerError> errors[2];
    for (std::optional<DerError>& error : errors) {
      DerDocument document(octets);
      const std::function<void(DerReader, int)> walk = [&](DerReader in, int depth) {
        while (!in.empty()) {
          const Element element = in.any();
          if (in.failed()) return;
          ASSERT_GE(element.encoding.data(), octets.data());
          ASSERT_LE(element.encoding.data() + element.encoding.size(), octets.data() + octets.size());
          if (is_constructed(element.tag) && depth < 50) walk(in.of(element.contents), depth + 1);
        }
      };
      walk(DerReader(document), 0);
      error = document.error();
      if (error) {
        EXPECT_LE(error->offset, octets.size());
      }
    }
    EXPECT_EQ(errors[0], errors[1]);
  }
}

}  // namespace
}  // namespace limpid::asn1
