#include "limpid/x509/pem.hpp"

#include <random>

#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

struct Block {
  std::string label;
  std::string bytes;
  friend bool operator==(const Block&, const Block&) = default;
};

// All blocks, or the fault.
std::expected<std::vector<Block>, PemError> blocks_of(std::string_view text) {
  std::vector<Block> blocks;
  PemReader reader(as_bytes(text));
  for (;;) {
    const auto block = reader.next();
    if (!block) return std::unexpected(block.error());
    if (!*block) return blocks;
    bool decoded = false;
    std::string bytes = text_of([&](Writer& out) { decoded = (*block)->decode(out); });
    if (!decoded) return std::unexpected(PemError{PemFault::bad_base64, (*block)->line});
    EXPECT_LE(bytes.size(), (*block)->max_size());
    blocks.push_back({std::string((*block)->label), std::move(bytes)});
  }
}

std::string encoded(std::string_view label, Bytes der) {
  return text_of([&](Writer& out) { write_pem(out, label, der); });
}

TEST(Pem, WritesLinesOf64) {
  EXPECT_EQ(encoded("THING", Octets(50)),
            "-----BEGIN THING-----\n" + std::string(64, 'A') + "\nAAA=\n-----END THING-----\n");
  EXPECT_EQ(encoded("THING", as_bytes("M")), "-----BEGIN THING-----\nTQ==\n-----END THING-----\n");
  EXPECT_EQ(encoded("THING", as_bytes("Man")), "-----BEGIN THING-----\nTWFu\n-----END THING-----\n");
  EXPECT_EQ(encoded("THING", {}), "-----BEGIN THING-----\n-----END THING-----\n");
}

TEST(Pem, RandomBytesReadBack) {
  std::mt19937 random(23);
  std::string text = "some text before\n";
  std::vector<Block> expected;
  for (int n = 0; n < 300; ++n) {
    Octets bytes(random() % 200);
    for (Byte& byte : bytes) byte = static_cast<Byte>(random());
    text += encoded("CERTIFICATE", bytes) + "and between\r\n\n";
    expected.push_back({"CERTIFICATE", std::string(bytes.begin(), bytes.end())});
  }
  EXPECT_EQ(blocks_of(text), expected);
}

TEST(Pem, ToleratesWhatFilesHave) {
  const std::vector<Block> man = {{"X", "Man"}};
  EXPECT_EQ(blocks_of("-----BEGIN X-----\r\nTWFu\r\n-----END X-----\r\n"), man);
  EXPECT_EQ(blocks_of("-----BEGIN X-----\nTWFu\n-----END X-----"), man);  // no last line end
  EXPECT_EQ(blocks_of("-----BEGIN X-----  \n  TW\n\nFu  \n-----END X----- \n"), man);
  EXPECT_EQ(blocks_of("-----BEGIN X-----\nComment: a\n\nTWFu\n-----END X-----"), man);
  EXPECT_EQ(blocks_of(""), std::vector<Block>{});
  EXPECT_EQ(blocks_of("no block here\n"), std::vector<Block>{});
  EXPECT_EQ(blocks_of("-----BEGIN X----\nTWFu\n"), std::vector<Block>{});  // four dashes: not a BEGIN line
}

TEST(Pem, HeadersAreKeptApart) {
  PemReader reader(
      as_bytes("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nTWFu\n-----END EC "
               "PRIVATE KEY-----\n"));
  const auto block = reader.next();
  ASSERT_TRUE(block && *block);
  EXPECT_NE((*block)->headers.find("ENCRYPTED"), std::string_view::npos);
  EXPECT_EQ((*block)->base64, "\nTWFu\n");
}

TEST(Pem, FaultsNameTheBlock) {
  const auto fault = [](std::string_view text) { return blocks_of(text).error(); };
  EXPECT_EQ(fault("\n\n-----BEGIN X-----\nTWFu\n"), (PemError{PemFault::no_end, 3}));
  EXPECT_EQ(fault("-----BEGIN X-----"), (PemError{PemFault::no_end, 1}));
  EXPECT_EQ(fault("-----BEGIN X-----\n-----BEGIN Y-----\n-----END Y-----\n"), (PemError{PemFault::no_end, 1}));
  EXPECT_EQ(fault("-----BEGIN X-----\nTWFu\n-----END Y-----\n"), (PemError{PemFault::wrong_end, 1}));
  for (const std::string_view base64 : {"T", "TW", "TWF", "TWFu=", "TWF=u", "TW=", "TW===", "====", "T===", "TWF$",
                                        "TW-_", "TWFuTWFuT", "TR==", "TWG="}) {
    const std::string text = "-----BEGIN X-----\n" + std::string(base64) + "\n-----END X-----\n";
    EXPECT_EQ(fault(text), (PemError{PemFault::bad_base64, 1})) << base64;
  }
}

// Every character alone, against the alphabet written out.
TEST(Pem, TheAlphabetIsTheAlphabet) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (unsigned c = 0; c < 256; ++c) {
    const PemBlock block{"X", {}, {}, 1};
    const std::string text = std::string(3, 'A') + static_cast<char>(c);
    PemBlock one = block;
    one.base64 = text;
    bool decoded = false;
    const std::string bytes = text_of([&](Writer& out) { decoded = one.decode(out); });
    const std::size_t value = alphabet.find(static_cast<char>(c));
    EXPECT_EQ(decoded, value != std::string::npos || c == '=') << c;
    if (value != std::string::npos) {
      EXPECT_EQ(bytes, std::string(2, '\0') + static_cast<char>(value));
    }
  }
}

TEST(Pem, EveryTruncationEnds) {
  const std::string text = encoded("CERTIFICATE", Octets(100, 0x5a)) + encoded("PRIVATE KEY", Octets(10));
  for (std::size_t n = 0; n < text.size(); ++n) blocks_of(std::string(text, 0, n));
}

}  // namespace
}  // namespace limpid::x509::test
