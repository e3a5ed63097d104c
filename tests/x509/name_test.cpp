#include "limpid/x509/name.hpp"

#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

TEST(Name, MatchesRegardlessOfCaseSpacesAndStringType) {
  using asn1::Tag;
  const auto match = [](std::string_view a, Tag type_a, std::string_view b, Tag type_b) {
    const Octets left = name_der(a, type_a);
    const Octets right = name_der(b, type_b);
    const bool matches = names_match({left}, {right});
    EXPECT_EQ(matches, names_match({right}, {left}));
    return matches;
  };
  EXPECT_TRUE(match("Example CA", Tag::utf8_string, "Example CA", Tag::printable_string));
  EXPECT_TRUE(match("Example CA", Tag::utf8_string, "  example   ca ", Tag::utf8_string));
  EXPECT_FALSE(match("Example CA", Tag::utf8_string, "ExampleCA", Tag::utf8_string));
  EXPECT_FALSE(match("Example CA", Tag::utf8_string, "Example CA2", Tag::utf8_string));
  EXPECT_FALSE(match("Example", Tag::utf8_string, "Example", Tag::teletex_string));
  EXPECT_FALSE(match("Example", Tag::bmp_string, "example", Tag::bmp_string));
  EXPECT_TRUE(match("Example", Tag::bmp_string, "Example", Tag::bmp_string));
  EXPECT_FALSE(match("\xc3\x84", Tag::utf8_string, "\xc3\xa4", Tag::utf8_string));
  EXPECT_FALSE(match("", Tag::utf8_string, "a", Tag::utf8_string));
  EXPECT_FALSE(match("a", Tag::utf8_string, "a b", Tag::utf8_string));
  EXPECT_FALSE(match("a", Tag::utf8_string, {"a\0", 2}, Tag::utf8_string));
}

Octets two_part_name(std::string_view organization, std::string_view name) {
  return der_of([&](asn1::DerWriter& der) {
    der.sequence([&] {
      for (const auto& [type, value] :
           {std::pair(asn1::oids::organization, organization), std::pair(asn1::oids::common_name, name)}) {
        if (value.empty()) continue;
        der.element(asn1::Tag::set, [&] {
          der.sequence([&] {
            der.object_identifier(type);
            der.primitive(asn1::Tag::utf8_string, as_bytes(value));
          });
        });
      }
    });
  });
}

TEST(Name, IsWithinASubtreeThatItBeginsWith) {
  const Octets whole = two_part_name("Example", "host");
  const Octets parent = two_part_name("EXAMPLE", "");
  const Octets other = two_part_name("Other", "");
  const Octets child = two_part_name("Example", "host2");
  const Octets root = two_part_name("", "");
  EXPECT_TRUE(is_within({whole}, {parent}));
  EXPECT_TRUE(is_within({whole}, {whole}));
  EXPECT_TRUE(is_within({whole}, {root}));
  EXPECT_FALSE(is_within({whole}, {other}));
  EXPECT_FALSE(is_within({whole}, {child}));
  EXPECT_FALSE(is_within({parent}, {whole}));
}

TEST(Name, ReadableFormEscapesWhatCouldDeceive) {
  const auto text = [](std::string_view value) {
    const Octets der = name_der(value);
    return text_of([&](Writer& out) { write_name(out, {der}); });
  };
  EXPECT_EQ(text("example.com"), "CN=example.com");
  EXPECT_EQ(text("a, O=b"), "CN=a\\, O=b");
  EXPECT_EQ(text("J\xc3\xb6rg"), "CN=J\xc3\xb6rg");
  EXPECT_EQ(text("\x1b[2J"), "CN=\\x1b[2J");
  EXPECT_EQ(text("\xff\xc3"), "CN=\\xff\\xc3");
  EXPECT_EQ(text("\xc0\xaf"), "CN=\\xc0\\xaf");  // overlong
  EXPECT_EQ(text("\xe2\x80\xae"
                 "moc"),
            "CN=\\xe2\\x80\\xaemoc");            // right-to-left override
  EXPECT_EQ(text("\xc2\x9b"), "CN=\\xc2\\x9b");  // a C1 control
  EXPECT_EQ(text(""), "(empty)");
  const Octets two = two_part_name("Example", "host");
  EXPECT_EQ(text_of([&](Writer& out) { write_name(out, {two}); }), "O=Example, CN=host");
  EXPECT_EQ(common_name({two}), "host");
  EXPECT_TRUE(has_attribute({two}, asn1::oids::organization));
  EXPECT_FALSE(has_attribute({two}, asn1::oids::email_address));
}

TEST(Name, EmptyRelativeNamesAreRefused) {
  const Octets octets = {0x30, 0x02, 0x31, 0x00};
  asn1::DerDocument document(octets);
  asn1::DerReader in(document);
  parse_name(in);
  EXPECT_EQ(document.error()->fault, asn1::DerFault::empty_sequence);
}

TEST(Utf8, IsWellFormedOrNot) {
  for (const std::string_view text : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                      "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const std::string_view text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0",
                                      "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xf0\x90\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(DnsName, LengthsAtTheLimit) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');  // 253
  EXPECT_TRUE(is_dns_name(longest));
  EXPECT_TRUE(is_dns_name(longest + "."));
  EXPECT_FALSE(is_dns_name(longest + "a"));
  EXPECT_TRUE(is_dns_pattern("*." + longest.substr(2)));
  EXPECT_FALSE(is_dns_pattern("*." + longest.substr(1)));
}

TEST(DnsName, Syntax) {
  for (const std::string_view name : {"example.com", "example.com.", "localhost", "a_b.example",
                                      "xn--bcher-kva.example", "1.example", "a-b.c", "azAZ09.zZ"}) {
    EXPECT_TRUE(is_dns_name(name)) << name;
  }
  const std::string long_label = std::string(64, 'a') + ".example";
  std::string long_name = "example";
  while (long_name.size() <= 253) long_name = "abcdefg." + long_name;
  for (const std::string_view name : {"",
                                      ".",
                                      "..",
                                      "a..b",
                                      ".example.com",
                                      "example.com..",
                                      "-a.example",
                                      "a-.example",
                                      "*.example.com",
                                      "127.0.0.1",
                                      "a b",
                                      "ex\xc3\xa4mple",
                                      "[::1]",
                                      "example.123",
                                      "a@.b",
                                      "a[.b",
                                      "a`.b",
                                      "a{.b",
                                      "a/.b",
                                      "a:.b",
                                      long_label.c_str(),
                                      long_name.c_str()}) {
    EXPECT_FALSE(is_dns_name(name)) << name;
  }
  EXPECT_TRUE(is_dns_pattern("*.example.com"));
  for (const std::string_view pattern : {"*", "*.com", "*.", "*.example.com.", "a*.example.com", "*a.example.com",
                                         "www.*.com", "*.*.example.com", "example.com."}) {
    EXPECT_FALSE(is_dns_pattern(pattern)) << pattern;
  }
}

struct Match {
  std::string_view pattern;
  std::string_view name;
  bool matches;
};

class DnsNameMatch : public testing::TestWithParam<Match> {};

TEST_P(DnsNameMatch, FollowsRfc9525) {
  EXPECT_EQ(dns_name_matches(GetParam().pattern, GetParam().name), GetParam().matches)
      << GetParam().pattern << " " << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(Table, DnsNameMatch,
                         testing::Values(Match{"example.com", "example.com", true},           //
                                         Match{"Example.COM", "eXAMPLE.com", true},           //
                                         Match{"example.com", "example.com.", true},          //
                                         Match{"example.com.", "example.com", false},         //
                                         Match{"example.com", "www.example.com", false},      //
                                         Match{"www.example.com", "example.com", false},      //
                                         Match{"*.example.com", "www.example.com", true},     //
                                         Match{"*.example.com", "WWW.EXAMPLE.COM.", true},    //
                                         Match{"*.example.com", "example.com", false},        //
                                         Match{"*.example.com", "a.b.example.com", false},    //
                                         Match{"*.example.com", ".example.com", false},       //
                                         Match{"*.example.com", "wwwexample.com", false},     //
                                         Match{"*.com", "example.com", false},                //
                                         Match{"*", "localhost", false},                      //
                                         Match{"w*.example.com", "www.example.com", false},   //
                                         Match{"*w.example.com", "www.example.com", false},   //
                                         Match{"www.*.com", "www.example.com", false},        //
                                         Match{"*.*.example.com", "a.b.example.com", false},  //
                                         Match{"*.example.com", "*.example.com", false},      //
                                         Match{"127.0.0.1", "127.0.0.1", false},              //
                                         Match{"*.0.0.1", "127.0.0.1", false},                //
                                         Match{"", "", false}));

}  // namespace
}  // namespace limpid::x509::test
