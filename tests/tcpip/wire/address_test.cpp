#include "limpid/tcpip/wire/address.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <string>

#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"

namespace limpid::tcpip {
namespace {

IpAddress v6(std::array<Byte, 16> octets) { return {octets}; }

TEST(IpAddress, ReadsWhatInetPtonReads) {
  for (const char* text : {"::", "::1", "1::", "fe80::1", "2001:db8::8:800:200c:417a", "ff02::1:ff00:1",
                           "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::1.2.3.4", "::ffff:1.2.3.4",
                           "1:2:3:4:5:6:1.2.3.4", "ABCD:EF01::", "0:0:0:0:0:0:0:0"}) {
    std::array<Byte, 16> expected{};
    ASSERT_EQ(inet_pton(AF_INET6, text, expected.data()), 1) << text;
    EXPECT_EQ(parse_ip_address(text), IpAddress{expected}) << text;
  }
  EXPECT_EQ(parse_ip_address("10.9.0.2"), IpAddress::v4({10, 9, 0, 2}));
  EXPECT_EQ(parse_ip_address("255.255.255.255"), IpAddress::v4(0xffffffffu));
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           ":::",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "01.2.3.4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1..2.3",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "1:",
                           ":1",
                           "::1:",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "fe80::1%eth0",
                           "+1.2.3.4",
                           "::-1"}) {
    EXPECT_FALSE(parse_ip_address(text)) << text;
  }
}

TEST(IpAddress, RandomTextIsReadAsInetPtonReadsIt) {
  test::Random random(1);
  constexpr std::string_view alphabet = "0123af:::..";
  int read = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (std::size_t n = random.below(14); n > 0; --n) text += alphabet[random.below(alphabet.size())];
    std::array<Byte, 16> expected{};
    std::array<Byte, 4> four{};
    const auto found = parse_ip_address(text);
    if (inet_pton(AF_INET6, text.c_str(), expected.data()) == 1) {
      EXPECT_EQ(found, IpAddress{expected}) << text;
      ++read;
    } else if (inet_pton(AF_INET, text.c_str(), four.data()) == 1) {
      EXPECT_EQ(found, IpAddress::v4(four)) << text;
      ++read;
    } else {
      EXPECT_FALSE(found) << text;
    }
  }
  EXPECT_GT(read, 100);
}

TEST(IpAddress, Kinds) {
  EXPECT_TRUE(IpAddress::v4({127, 0, 0, 1}).is_loopback());
  EXPECT_TRUE(parse_ip_address("::1")->is_loopback());
  EXPECT_FALSE(parse_ip_address("::2")->is_loopback());
  EXPECT_TRUE(IpAddress::v4({224, 0, 0, 1}).is_multicast());
  EXPECT_TRUE(IpAddress::v4({239, 255, 0, 1}).is_multicast());
  EXPECT_FALSE(IpAddress::v4({240, 0, 0, 1}).is_multicast());
  EXPECT_TRUE(parse_ip_address("ff02::1")->is_multicast());
  EXPECT_TRUE(parse_ip_address("fe80::1")->is_link_local());
  EXPECT_TRUE(parse_ip_address("febf::1")->is_link_local());
  EXPECT_FALSE(parse_ip_address("fec0::1")->is_link_local());
  EXPECT_TRUE(IpAddress::v4({169, 254, 3, 4}).is_link_local());
  EXPECT_TRUE(any_ipv4.is_unspecified());
  EXPECT_TRUE(any_ipv6.is_unspecified());
  EXPECT_TRUE(IpAddress::v4(0xffffffffu).is_limited_broadcast());
  EXPECT_TRUE(any_ipv4.is_ipv4());
  EXPECT_FALSE(any_ipv6.is_ipv4());
  EXPECT_EQ(IpAddress::v4({1, 2, 3, 4}).v4_bits(), 0x01020304u);
  EXPECT_EQ(IpAddress::v4({1, 2, 3, 4}).on_wire().size(), 4u);
  EXPECT_EQ(v6({1}).on_wire().size(), 16u);
}

TEST(IpAddress, IsWrittenAsInetNtopWritesIt) {
  test::Random random(3);
  const auto text_of = [](const IpAddress& address) {
    Byte room[64];
    Writer out{MutableBytes(room)};
    write_text(out, address);
    return std::string(as_text(out.written()));
  };
  EXPECT_EQ(text_of(any_ipv4), "0.0.0.0");
  EXPECT_EQ(text_of(IpAddress::v4(0x0a0900ffu)), "10.9.0.255");
  for (int i = 0; i < 20'000; ++i) {
    IpAddress address;
    for (std::size_t group = 1; group < 8; ++group) {
      if (random.below(2) == 0) continue;
      address.octets[2 * group] = static_cast<Byte>(random.below(2) == 0 ? 0 : random.next());
      address.octets[2 * group + 1] = static_cast<Byte>(random.next());
    }
    address.octets[0] = random.below(2) == 0 ? 0xfd : 0;
    const std::string text = text_of(address);
    ASSERT_EQ(parse_ip_address(text), address) << text;
    char expected[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address.octets.data(), expected, sizeof(expected));
    // That of the C library writes IPv4-compatible addresses, which RFC 4291 deprecates, with dots.
    if (std::string_view(expected).find('.') == std::string_view::npos) {
      ASSERT_EQ(text, expected);
    }
  }
}

TEST(Cidr, EveryPrefixLength) {
  test::Random random(2);
  for (std::uint8_t bits = 0; bits <= 128; ++bits) {
    IpAddress address;
    copy(random.bytes(16), address.octets);
    const Cidr cidr{address, bits};
    EXPECT_TRUE(cidr.contains(address));
    for (std::size_t flipped = 0; flipped < 128; ++flipped) {
      IpAddress other = address;
      other.octets[flipped / 8] ^= static_cast<Byte>(0x80 >> flipped % 8);
      EXPECT_EQ(cidr.contains(other), flipped >= bits) << int{bits} << " " << flipped;
    }
  }
  for (std::uint8_t bits = 0; bits <= 32; ++bits) {
    const Cidr cidr{IpAddress::v4(0x0a090002u), bits};
    for (std::size_t flipped = 0; flipped < 32; ++flipped) {
      EXPECT_EQ(cidr.contains(IpAddress::v4(0x0a090002u ^ (0x80000000u >> flipped))), flipped >= bits);
    }
    EXPECT_FALSE(cidr.contains(any_ipv6)) << "versions do not mix";
  }
}

TEST(Cidr, Broadcast) {
  EXPECT_EQ(parse_cidr("10.9.0.2/24")->broadcast(), IpAddress::v4({10, 9, 0, 255}));
  EXPECT_EQ(parse_cidr("10.9.0.2/30")->broadcast(), IpAddress::v4({10, 9, 0, 3}));
  EXPECT_EQ(parse_cidr("10.9.0.2/0")->broadcast(), IpAddress::v4(0xffffffffu));
  EXPECT_FALSE(parse_cidr("10.9.0.2/31")->broadcast());
  EXPECT_FALSE(parse_cidr("10.9.0.2/32")->broadcast());
  EXPECT_FALSE(parse_cidr("fd00::/64")->broadcast());
}

TEST(Cidr, TextAndSnapshot) {
  EXPECT_EQ(parse_cidr("fd00:9::2/64"), (Cidr{*parse_ip_address("fd00:9::2"), 64}));
  EXPECT_TRUE(parse_cidr("::/128"));
  for (const char* text : {"", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "::/129", "10.0.0.1/08", "x/8"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
  EXPECT_TRUE(test::reloaded(Cidr{IpAddress::v4(1u), 32}));
  EXPECT_FALSE(test::reloaded(Cidr{IpAddress::v4(1u), 33}));
  EXPECT_FALSE(test::reloaded(Cidr{any_ipv6, 129}));
}

TEST(MacAddress, Text) {
  EXPECT_EQ(parse_mac_address("02:00:5E:10:00:ff"), (MacAddress{{2, 0, 0x5e, 0x10, 0, 0xff}}));
  for (const char* text : {"", "02:00:5e:10:00", "02:00:5e:10:00:f", "02-00-5e-10-00-ff", "02:00:5e:10:00:fg",
                           "02:00:5e:10:00:ff:", "+2:00:5e:10:00:ff"}) {
    EXPECT_FALSE(parse_mac_address(text)) << text;
  }
  EXPECT_TRUE(broadcast_mac.is_group());
  EXPECT_FALSE((MacAddress{{2}}).is_group());
}

}  // namespace
}  // namespace limpid::tcpip
