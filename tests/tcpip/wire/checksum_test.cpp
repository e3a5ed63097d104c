#include "limpid/tcpip/wire/checksum.hpp"

#include <gtest/gtest.h>

#include "tests/support/random.hpp"

namespace limpid::tcpip::wire {
namespace {

// As RFC 1071, section 4.1, writes it.
std::uint16_t slowly(Bytes bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += std::uint64_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

TEST(Checksum, TheExampleOfRfc1071) {
  const Byte bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(internet_checksum(bytes), static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, EveryLengthAndAlignment) {
  test::Random random(1);
  const auto bytes = random.bytes(400);
  for (std::size_t at = 0; at < 9; ++at) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const Bytes piece(bytes.data() + at, size);
      ASSERT_EQ(internet_checksum(piece), slowly(piece)) << at << " " << size;
    }
  }
}

TEST(Checksum, CarriesAreNotLost) {
  for (const std::size_t size : {2u, 64u, 65'534u, 65'535u, 1u << 20}) {
    const std::vector<Byte> bytes(size, 0xff);
    EXPECT_EQ(internet_checksum(bytes), slowly(bytes)) << size;
  }
  EXPECT_EQ(internet_checksum({}), 0xffff);
}

TEST(Checksum, PiecesOfAnyLengthSumAsTheWhole) {
  test::Random random(2);
  for (int round = 0; round < 2000; ++round) {
    const auto bytes = random.bytes(random.below(400));
    Checksum sum;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min(bytes.size() - at, random.below(70));
      sum.add(Bytes(bytes).subspan(at, n));
      at += n;
    }
    ASSERT_EQ(sum.finish(), slowly(bytes));
    ASSERT_EQ(static_cast<std::uint16_t>(~sum.sum()), sum.finish());
  }
}

TEST(Checksum, NumbersAreBigEndianPieces) {
  for (const bool odd : {false, true}) {
    const Byte bytes[] = {0x99, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef};
    Checksum sum;
    if (odd) sum.add(Bytes(bytes).first(1));
    sum.add_u16(0x1234);
    sum.add_u32(0x89abcdef);
    EXPECT_EQ(sum.finish(), slowly(Bytes(bytes).subspan(odd ? 0 : 1)));
  }
}

TEST(Checksum, OfATransportProtocolVerifiesToZero) {
  test::Random random(3);
  for (const bool ipv4 : {true, false}) {
    const auto a = random.bytes(16), b = random.bytes(16);
    IpAddress source, destination;
    copy(a, source.octets);
    copy(b, destination.octets);
    if (ipv4) source = IpAddress::v4(0x0a090001u), destination = IpAddress::v4(0x0a090002u);
    for (const std::size_t size : {20u, 21u, 1480u, 65'000u}) {
      auto segment = random.bytes(size);
      segment[16] = segment[17] = 0;
      const std::uint16_t checksum = transport_checksum(source, destination, Protocol::tcp, segment);
      segment[16] = static_cast<Byte>(checksum >> 8);
      segment[17] = static_cast<Byte>(checksum);
      EXPECT_EQ(transport_checksum(source, destination, Protocol::tcp, segment), 0);
      segment[random.below(size)] ^= 0x40;
      EXPECT_NE(transport_checksum(source, destination, Protocol::tcp, segment), 0);
    }
  }
}

// What a device is left to finish: it sums from the transport header on over a field that holds the pseudo-header's
// sum.
TEST(Checksum, ADeviceFinishesThePseudoHeadersSum) {
  test::Random random(4);
  const IpAddress source = IpAddress::v4(0x0a090001u), destination = IpAddress::v4(0x0a090002u);
  auto segment = random.bytes(100);
  segment[16] = segment[17] = 0;
  const std::uint16_t whole = transport_checksum(source, destination, Protocol::tcp, segment);
  const std::uint16_t left = pseudo_header(source, destination, Protocol::tcp, 100).sum();
  segment[16] = static_cast<Byte>(left >> 8);
  segment[17] = static_cast<Byte>(left);
  EXPECT_EQ(internet_checksum(segment), whole);
}

}  // namespace
}  // namespace limpid::tcpip::wire
