#include "limpid/x509/ip_address.hpp"

#include <random>

#include "limpid/x509/verify.hpp"
#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

std::string round_trip(std::string_view text) {
  const auto address = parse_ip(text);
  if (!address) return "refused";
  return text_of([&](Writer& out) { write_ip(out, address->bytes()); });
}

TEST(IpAddress, CanonicalForms) {
  EXPECT_EQ(round_trip("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(round_trip("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(round_trip("::"), "::");
  EXPECT_EQ(round_trip("::1"), "::1");
  EXPECT_EQ(round_trip("1::"), "1::");
  EXPECT_EQ(round_trip("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  EXPECT_EQ(round_trip("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(round_trip("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(round_trip("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
  EXPECT_EQ(round_trip("::ffff:192.0.2.1"), "::ffff:c000:201");
  EXPECT_EQ(round_trip("1:2:3:4:5:6:192.0.2.1"), "1:2:3:4:5:6:c000:201");
  EXPECT_EQ(round_trip("0001:02:003:0004:5:6:7:8"), "1:2:3:4:5:6:7:8");
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const std::string_view text : {"",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "01.2.3.4",
                                      "1.2.3.4 ",
                                      "1.2.3.-4",
                                      "1..2.3",
                                      "1.2.3.",
                                      ":",
                                      ":::",
                                      "1:",
                                      ":1",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7:8::",
                                      "1::2::3",
                                      "12345::",
                                      "g::",
                                      "::1%eth0",
                                      "[::1]",
                                      "::1.2.3",
                                      "1.2.3.4::",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "::1.2.3.4:1",
                                      "::1:2:3:4:5:6:7:8"}) {
    EXPECT_EQ(round_trip(text), "refused") << text;
  }
}

TEST(IpAddress, OtherLengthsAreWrittenInHexadecimal) {
  EXPECT_EQ(text_of([](Writer& out) { write_ip(out, Octets{0x0a, 0xff, 0x30}); }), "0aff30");
  EXPECT_EQ(ip_from_bytes(Octets(5)), std::nullopt);
}

TEST(IpAddress, RandomOnesReadBack) {
  std::mt19937 random(22);
  for (int round = 0; round < 20'000; ++round) {
    IpAddress address{{}, static_cast<std::uint8_t>(random() % 2 == 0 ? 4 : 16)};
    for (std::size_t i = 0; i < address.size; ++i)
      address.storage[i] = random() % 3 == 0 ? static_cast<Byte>(random()) : 0;
    const std::string text = text_of([&](Writer& out) { write_ip(out, address.bytes()); });
    EXPECT_EQ(parse_ip(text), address) << text;
  }
}

TEST(IpAddress, PeerNamesAreAddressesOrHosts) {
  EXPECT_EQ(std::get<IpAddress>(peer_name("127.0.0.1")), *parse_ip("127.0.0.1"));
  EXPECT_EQ(std::get<IpAddress>(peer_name("[::1]")), *parse_ip("::1"));
  EXPECT_EQ(std::get<std::string_view>(peer_name("example.com")), "example.com");
}

}  // namespace
}  // namespace limpid::x509::test
