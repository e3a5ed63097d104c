#include "limpid/tcpip/dhcp/message.hpp"

#include <gtest/gtest.h>

#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"

namespace limpid::tcpip::dhcp {
namespace {

using Fault = MessageFault;

// The fixed part up to chaddr, sname and file empty, the cookie, and options; all in hexadecimal.
std::vector<Byte> message(const std::string& options, const std::string& sname = "", const std::string& file = "",
                          const std::string& front =
                              "02010600"
                              "5b94b16c"
                              "00008000"
                              "00000000"
                              "0a09004f"
                              "0a090001"
                              "00000000"
                              "020000000005") {
  std::vector<Byte> bytes = test::from_hex(front);
  bytes.resize(44);
  for (const Byte byte : test::from_hex(sname)) bytes.push_back(byte);
  bytes.resize(108);
  for (const Byte byte : test::from_hex(file)) bytes.push_back(byte);
  bytes.resize(236);
  for (const Byte byte : test::from_hex("63825363" + options)) bytes.push_back(byte);
  return bytes;
}

Fault fault_of(const std::vector<Byte>& bytes) {
  const auto parsed = Message::parse(bytes);
  EXPECT_FALSE(parsed);
  return parsed ? Fault{} : parsed.error();
}

// What dnsmasq 2.90 sent.
const std::string dnsmasq_offer =
    "350102"
    "36040a090001"
    "330400000e10"
    "3a0400000708"
    "3b0400000c4e"
    "0104ffffff00"
    "1c040a0900ff"
    "03040a090001"
    "06040a090001"
    "1a020578"
    "ff00000000";

TEST(DhcpMessage, ReadsAnOfferOfDnsmasq) {
  const auto parsed = Message::parse(message(dnsmasq_offer));
  ASSERT_TRUE(parsed);
  const IpAddress server = IpAddress::v4({10, 9, 0, 1});
  Message expected;
  expected.operation = Operation::reply;
  expected.xid = 0x5b94b16c;
  expected.broadcast = true;
  expected.yiaddr = IpAddress::v4({10, 9, 0, 79});
  expected.siaddr = server;
  expected.chaddr = {{2, 0, 0, 0, 0, 5}};
  expected.type = MessageType::offer;
  expected.server_identifier = server;
  expected.subnet_mask = IpAddress::v4({255, 255, 255, 0});
  expected.routers = {server};
  expected.domain_name_servers = {server};
  expected.interface_mtu = 1400;
  expected.lease_time = 3600;
  expected.renewal_time = 1800;
  expected.rebinding_time = 3150;
  EXPECT_EQ(*parsed, expected);
}

TEST(DhcpMessage, RoundTrip) {
  Message full;
  full.operation = Operation::reply;
  full.xid = 0x01020304;
  full.secs = 77;
  full.broadcast = true;
  full.ciaddr = IpAddress::v4({1, 2, 3, 4});
  full.yiaddr = IpAddress::v4({5, 6, 7, 8});
  full.siaddr = IpAddress::v4({9, 10, 11, 12});
  full.giaddr = IpAddress::v4({13, 14, 15, 16});
  full.chaddr = {{1, 2, 3, 4, 5, 6}};
  full.type = MessageType::inform;
  full.requested_address = IpAddress::v4({17, 18, 19, 20});
  full.server_identifier = IpAddress::v4({21, 22, 23, 24});
  full.subnet_mask = IpAddress::v4({255, 255, 0, 0});
  full.routers = {IpAddress::v4(1u), IpAddress::v4(2u), IpAddress::v4(3u), IpAddress::v4(4u)};
  full.domain_name_servers = {IpAddress::v4(5u)};
  full.interface_mtu = 1280;
  full.maximum_message_size = 1500;
  full.lease_time = 1;
  full.renewal_time = 2;
  full.rebinding_time = 3;
  full.client_identifier = {255, 1, 2, 3};
  full.parameter_request_list = {OptionCode::router, OptionCode::end};
  for (const Message& original : {full, Message{}}) {
    std::vector<Byte> room(largest_emitted);
    Writer out{MutableBytes(room)};
    original.emit(out);
    ASSERT_FALSE(out.failed());
    EXPECT_GE(out.size(), 300u);
    const auto parsed = Message::parse(out.written());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, original);
  }
}

TEST(DhcpMessage, EveryTruncationIsRefusedOrLosesOnlyPadding) {
  const std::vector<Byte> whole = message(dnsmasq_offer);
  const auto parsed = Message::parse(whole);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = Message::parse(Bytes(whole).first(size));
    if (size < 240) {
      EXPECT_EQ(cut.error(), Fault::truncated) << size;
    } else if (cut) {
      // Cut between two options: what is there counts. A server whose last option is missing is not to be guessed at.
      EXPECT_EQ(cut->type, MessageType::offer);
    } else {
      EXPECT_TRUE(cut.error() == Fault::bad_options || cut.error() == Fault::no_message_type) << size;
    }
  }
}

TEST(DhcpMessage, FaultsOfTheFixedPart) {
  EXPECT_EQ(fault_of(message("350102ff", "", "", "030106005b94b16c")), Fault::bad_operation);
  EXPECT_EQ(fault_of(message("350102ff", "", "", "000106005b94b16c")), Fault::bad_operation);
  EXPECT_EQ(fault_of(message("350102ff", "", "", "020606005b94b16c")), Fault::not_ethernet);
  EXPECT_EQ(fault_of(message("350102ff", "", "", "020107005b94b16c")), Fault::not_ethernet);
  std::vector<Byte> bytes = message("350102ff");
  bytes[239] ^= 1;
  EXPECT_EQ(fault_of(bytes), Fault::bad_cookie);
}

TEST(DhcpMessage, FaultsOfOptions) {
  EXPECT_EQ(fault_of(message("")), Fault::no_message_type);
  EXPECT_EQ(fault_of(message("ff350102")), Fault::no_message_type) << "behind the end";
  EXPECT_EQ(fault_of(message("35")), Fault::bad_options) << "without a length";
  EXPECT_EQ(fault_of(message("3502")), Fault::bad_options) << "without its value";
  EXPECT_EQ(fault_of(message("350102 34")), Fault::bad_options);
  for (const char* value :
       {"3500", "350100", "350109", "35020202",      // no type
        "3501020103ffffff", "3501020105ffffffffff",  // a mask of 3 bytes, of 5
        "3501020300", "35010203050a0900010a",        // no router, one and a quarter
        "3501020600", "35010206030a0900",            // servers
        "3501021a0105", "3501023303000e10",          // MTU, lease
        "35010236020a09", "3501023a00", "3501023b020101", "350102320100", "3501023d0101", "3501023d00", "3501023700"}) {
    EXPECT_EQ(fault_of(message(value)), Fault::bad_option_value) << value;
  }
  for (const char* overload : {"350102340100", "350102340104", "3501023400", "35010234020101"}) {
    EXPECT_EQ(fault_of(message(overload)), Fault::bad_options) << overload;
  }
}

TEST(DhcpMessage, OptionsOverflowIntoFileAndThenSname) {
  const std::string lease = "330400000e10ff", router = "03040a090001ff";
  auto parsed = Message::parse(message("350102340103ff", lease, router));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->lease_time, 3600u);
  EXPECT_EQ(parsed->routers, (InlineList<IpAddress, 4>{IpAddress::v4({10, 9, 0, 1})}));
  parsed = Message::parse(message("350102340101ff", lease, router));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->lease_time) << "sname holds a name";
  EXPECT_EQ(parsed->routers.size(), 1u);
  parsed = Message::parse(message("350102340102ff", lease, router));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->lease_time);
  EXPECT_TRUE(parsed->routers.empty());
  // An overload inside of an overloaded field says nothing.
  parsed = Message::parse(message("350102340101ff", lease, "340102ff"));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->lease_time);
  EXPECT_EQ(fault_of(message("350102340101ff", "", "03ff")), Fault::bad_options) << "runs out of file";
}

TEST(DhcpMessage, JoinsTheValueOfAnOptionThatIsSplit) {
  // RFC 3396: over two instances in one field, and on into file and sname, in that order.
  auto parsed = Message::parse(message("350102 06020a09 03040a090001 06020001 ff"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->domain_name_servers, (InlineList<IpAddress, 4>{IpAddress::v4({10, 9, 0, 1})}));
  parsed = Message::parse(message("350102 340103 06030a0900 ff", "060102ff", "06040 10a0900 ff"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->domain_name_servers,
            (InlineList<IpAddress, 4>{IpAddress::v4({10, 9, 0, 1}), IpAddress::v4({10, 9, 0, 2})}));
  // Twice the same is not a value.
  EXPECT_EQ(fault_of(message("350102 330400000e10 330400000e10")), Fault::bad_option_value);
}

TEST(DhcpMessage, KeepsTheFirstOfManyAddressesAndSkipsStrangers) {
  std::string servers = "06ff";
  for (int i = 0; i < 255; ++i) servers += "0a";
  std::string more = "06010a";
  const auto parsed = Message::parse(message("00 0f0474657374 350102 " + servers + more + "ff"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->domain_name_servers.size(), 4u);
}

TEST(DhcpMessage, GarbageIsParsedWithinBounds) {
  test::Random random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Byte> bytes = message("");
    const std::vector<Byte> options = random.bytes(random.below(600));
    bytes.insert(bytes.end(), options.begin(), options.end());
    const auto parsed = Message::parse(bytes);
    if (!parsed) continue;
    std::vector<Byte> room(1000);
    Writer out{MutableBytes(room)};
    parsed->emit(out);
    ASSERT_EQ(Message::parse(out.written()), parsed);
  }
}

}  // namespace
}  // namespace limpid::tcpip::dhcp
