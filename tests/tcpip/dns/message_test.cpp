#include "limpid/tcpip/dns/message.hpp"

#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/tcpip/dns/driver.hpp"

namespace limpid::tcpip::dns {
namespace {

// What dnsmasq 2.90 answered to a question for alias.test.
const char* const dnsmasq_answer =
    "12348580000100020000000005616c696173047465737400001c0001"
    "c00c0005000100000000000b046475616c047465737400"
    "c028001c0001000000000010fd000009000000000000000000000008";

TEST(DnsMessage, ReadsAnAnswerOfDnsmasq) {
  const std::vector<Byte> bytes = test::from_hex(dnsmasq_answer);
  Reader in(bytes);
  const auto header = Header::parse(in);
  ASSERT_TRUE(header);
  EXPECT_EQ(*header, (Header{.id = 0x1234,
                             .response = true,
                             .authoritative = true,
                             .recursion_desired = true,
                             .recursion_available = true,
                             .questions = 1,
                             .answers = 2}));
  const auto question = Question::parse(bytes, in);
  ASSERT_TRUE(question);
  EXPECT_EQ(*question, (Question{*Name::from_text("alias.test"), RecordType::aaaa, internet_class}));
  const auto alias = Record::parse(bytes, in);
  ASSERT_TRUE(alias);
  EXPECT_EQ(alias->type, RecordType::cname);
  EXPECT_EQ(text_of(alias->name), "alias.test");
  const auto address = Record::parse(bytes, in);
  ASSERT_TRUE(address);
  EXPECT_EQ(text_of(address->name), "dual.test");
  EXPECT_EQ(address->data, Bytes(parse_ip_address("fd00:9::8")->octets));
  EXPECT_TRUE(in.finished());
}

TEST(DnsMessage, WritesAQuestionToTheByte) {
  std::vector<Byte> room(100);
  Writer out{MutableBytes(room)};
  Header{.id = 0x1234, .recursion_desired = true, .questions = 1}.emit(out);
  Question{*Name::from_text("dual.test"), RecordType::aaaa}.emit(out);
  EXPECT_EQ(test::to_hex(out.written()), "123401000001000000000000046475616c047465737400001c0001");
}

TEST(DnsMessage, HeaderRoundTrip) {
  for (const Header& header : {Header{}, Header{.id = 0xffff,
                                                .response = true,
                                                .opcode = 15,
                                                .authoritative = true,
                                                .truncated = true,
                                                .recursion_desired = true,
                                                .recursion_available = true,
                                                .code = static_cast<ResponseCode>(15),
                                                .questions = 1,
                                                .answers = 2,
                                                .authorities = 3,
                                                .additionals = 4}}) {
    std::vector<Byte> room(12);
    Writer out{MutableBytes(room)};
    header.emit(out);
    Reader in(out.written());
    EXPECT_EQ(Header::parse(in), header);
  }
}

TEST(DnsMessage, EveryTruncationIsRefused) {
  const std::vector<Byte> whole = test::from_hex(dnsmasq_answer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut = Bytes(whole).first(size);
    Reader in(cut);
    EXPECT_FALSE(Header::parse(in) && Question::parse(cut, in) && Record::parse(cut, in) && Record::parse(cut, in));
  }
}

TEST(DnsName, FromText) {
  for (const char* good : {"a", "example.com", "example.com.", "a-b.c_d", "XN--80AK6AA92E.com", "1.2.3.4"}) {
    EXPECT_TRUE(Name::from_text(good)) << good;
  }
  EXPECT_EQ(test::to_hex(Name::from_text("ab.c.")->wire()),
            "0261620163"
            "00");
  for (const char* bad : {"", ".", "..", "a..b", ".a", "a b", "a/b", "ä", "a\n", "fd00::1"}) {
    EXPECT_FALSE(Name::from_text(bad)) << bad;
  }
  EXPECT_TRUE(Name::from_text(std::string(63, 'a')));
  EXPECT_FALSE(Name::from_text(std::string(64, 'a')));
  std::string longest;  // 253 characters are 255 bytes
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(Name::from_text(longest + "b"));
  EXPECT_FALSE(Name::from_text(longest + "bc"));
  EXPECT_FALSE(Name::from_text(longest + longest));
  EXPECT_FALSE(Name::from_text(std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                               std::string(62, 'a')));
}

TEST(DnsName, ComparesWithoutCase) {
  EXPECT_EQ(*Name::from_text("ExAmple.COM"), *Name::from_text("example.com."));
  EXPECT_FALSE(*Name::from_text("example.com") == *Name::from_text("example.con"));
  EXPECT_FALSE(*Name::from_text("a.bc") == *Name::from_text("ab.c"));
  EXPECT_FALSE(*Name::from_text("a-b") == *Name::from_text("a_b"));
}

// Reads a name at `at` of a message; what is behind it, or nothing if it failed.
std::optional<std::pair<std::string, std::size_t>> read_at(const std::vector<Byte>& message, std::size_t at) {
  Reader in(message);
  in.skip(at);
  const Name name = Name::read(message, in);
  if (in.failed()) {
    EXPECT_TRUE(name.empty());
    return {};
  }
  return std::pair{text_of(name), in.offset()};
}

TEST(DnsName, ReadsCompressedNames) {
  // 0: "a.b", 5: "c" and a pointer to "b", 9: a pointer to 5.
  const std::vector<Byte> message = test::from_hex("0161016200 0163c002 c005 ff");
  EXPECT_EQ(read_at(message, 0), (std::pair<std::string, std::size_t>{"a.b", 5}));
  EXPECT_EQ(read_at(message, 5), (std::pair<std::string, std::size_t>{"c.b", 9}));
  EXPECT_EQ(read_at(message, 9), (std::pair<std::string, std::size_t>{"c.b", 11}));
  EXPECT_FALSE(read_at(message, 11)) << "a pointer cut short";
}

TEST(DnsName, RefusesPointersThatDoNotLeadBack) {
  EXPECT_FALSE(read_at(test::from_hex("c000"), 0)) << "to itself";
  EXPECT_FALSE(read_at(test::from_hex("c002 0161 00"), 0)) << "ahead";
  EXPECT_FALSE(read_at(test::from_hex("0161c000"), 0)) << "to the name's own beginning";
  EXPECT_FALSE(read_at(test::from_hex("0161 c004 c000"), 4)) << "two in a circle";
  EXPECT_FALSE(read_at(test::from_hex("00 0161c001"), 1));
  EXPECT_FALSE(read_at(test::from_hex("4161 00"), 0)) << "a label of the kind 01";
  EXPECT_FALSE(read_at(test::from_hex("8161 00"), 0)) << "a label of the kind 10";
  EXPECT_FALSE(read_at(test::from_hex("ffff"), 0));
  EXPECT_FALSE(read_at(test::from_hex("0261"), 0));
  EXPECT_FALSE(read_at({}, 0));
}

TEST(DnsName, BoundsLengthAndJumps) {
  // A name of 255 bytes is the longest: 63 labels of 3 letters and one of one, and the root.
  std::vector<Byte> longest;
  for (int i = 0; i < 63; ++i) longest.insert(longest.end(), {3, 'a', 'b', 'c'});
  std::vector<Byte> longer = longest;
  longest.insert(longest.end(), {1, 'd', 0});
  EXPECT_TRUE(read_at(longest, 0));
  longer.insert(longer.end(), {2, 'd', 'e', 0});
  EXPECT_FALSE(read_at(longer, 0));
  // 127 pointers to pointers are followed, 128 are not.
  std::vector<Byte> chain{0};
  for (std::size_t i = 0; i < 128; ++i) {
    const std::size_t target = i == 0 ? 0 : 2 * i - 1;
    chain.insert(chain.end(), {static_cast<Byte>(0xc0 | target >> 8), static_cast<Byte>(target)});
  }
  EXPECT_TRUE(read_at(chain, 2 * 127 - 1));
  EXPECT_FALSE(read_at(chain, 2 * 128 - 1));
}

TEST(DnsName, DescribesWhatIsNotText) {
  const std::vector<Byte> message = test::from_hex("03 2e0a61 01 ff 00");
  EXPECT_EQ(read_at(message, 0)->first, "??a.?");
}

TEST(DnsRecord, ATtlWithTheHighestBitIsZero) {
  const std::vector<Byte> message = test::from_hex("00 0001 0001 80000000 0000  00 0001 0001 7fffffff 0000");
  Reader in(message);
  EXPECT_EQ(Record::parse(message, in)->ttl, 0u);
  EXPECT_EQ(Record::parse(message, in)->ttl, 0x7fffffffu);
}

TEST(DnsMessage, GarbageIsReadWithinBounds) {
  test::Random random(9);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Byte> bytes = random.bytes(random.below(200));
    // Pointers and short labels rather than noise.
    for (Byte& byte : bytes) {
      if (random.below(2) == 0) byte = static_cast<Byte>(random.below(3) == 0 ? 0xc0 : random.below(8));
    }
    Reader in(bytes);
    while (!in.empty() && Record::parse(bytes, in)) {
    }
  }
}

}  // namespace
}  // namespace limpid::tcpip::dns
