#include <gtest/gtest.h>

#include <array>

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"

namespace limpid {
namespace {

constexpr Byte sample[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09};

TEST(Reader, ReadsBigEndianIntegersOfEveryWidth) {
  Reader in(sample);
  EXPECT_EQ(in.u8(), 0x01);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u24(), 0x040506u);
  EXPECT_EQ(in.remaining(), 3u);
  EXPECT_FALSE(in.finished());
  in.skip(3);
  EXPECT_TRUE(in.finished());
  Reader wide(sample);
  EXPECT_EQ(wide.u64(), 0x0102030405060708u);
  Reader four(sample);
  EXPECT_EQ(four.u32(), 0x01020304u);
}

TEST(Reader, TheFirstReadPastTheEndFailsForGood) {
  for (std::size_t size = 0; size < 8; ++size) {
    Reader in(Bytes(sample).first(size));
    EXPECT_EQ(in.u64(), 0u);
    EXPECT_TRUE(in.failed());
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(in.u8(), 0) << "a failed reader yields zeros although a byte is there";
    EXPECT_EQ(in.take(0).size(), 0u);
    EXPECT_FALSE(in.finished());
  }
}

TEST(Reader, TakesVectorsAndRefusesLengthsThatLie) {
  const Byte encoded[] = {2, 0xaa, 0xbb, 0, 1, 0xcc, 0, 0, 1, 0xdd};
  Reader in(encoded);
  const Byte first[] = {0xaa, 0xbb}, second[] = {0xcc}, third[] = {0xdd};
  EXPECT_EQ(in.vector8(), Bytes(first));
  EXPECT_EQ(in.vector16(), Bytes(second));
  EXPECT_EQ(in.vector24(), Bytes(third));
  EXPECT_TRUE(in.finished());
  for (std::size_t size = 0; size < sizeof encoded; ++size) {
    Reader cut(Bytes(encoded).first(size));
    cut.vector8(), cut.vector16(), cut.vector24();
    EXPECT_TRUE(cut.failed()) << size;
  }
}

TEST(Reader, OffsetIsThatOfTheNextByte) {
  Reader in(sample);
  in.u24();
  EXPECT_EQ(in.offset(), 3u);
  EXPECT_EQ(in.take_rest(), Bytes(sample).subspan(3));
  EXPECT_EQ(in.offset(), 9u);
}

template <class Make>
void write_sample(Make make, Bytes expected) {
  Writer& out = make();
  out.u8(0x01);
  out.u16(0x0203);
  out.u24(0x040506);
  out.vector8([&] { out.text("ab"); });
  out.vector16([&] { out.vector24([&] { out.u8(7); }); });
  EXPECT_FALSE(out.failed());
  EXPECT_EQ(Bytes(out.written()), expected);
  EXPECT_EQ(out.size(), expected.size());
}

TEST(Writer, WritesTheSameIntoRoomAndIntoABuffer) {
  const Byte expected[] = {1, 2, 3, 4, 5, 6, 2, 'a', 'b', 0, 4, 0, 0, 1, 7};
  std::array<Byte, 15> room;
  Writer into_room{MutableBytes(room)};
  write_sample([&]() -> Writer& { return into_room; }, expected);
  Budget budget(1000);
  Buffer buffer(budget);
  ASSERT_TRUE(buffer.push_back(0xff));
  Writer into_buffer(buffer);
  write_sample([&]() -> Writer& { return into_buffer; }, expected);
  EXPECT_EQ(buffer[0], 0xff) << "what stood in the buffer stays";
}

TEST(Writer, TheFirstWriteThatDoesNotFitFailsForGood) {
  std::array<Byte, 3> room{};
  Writer out{MutableBytes(room)};
  out.u16(0x0102);
  out.u16(0x0304);
  EXPECT_TRUE(out.failed());
  out.u8(5);
  EXPECT_EQ(out.size(), 2u);
  EXPECT_EQ(room[2], 0) << "nothing is written after the failure, though a byte would fit";
}

TEST(Writer, AVectorLongerThanItsPrefixFails) {
  std::array<Byte, 400> room{};
  Writer fits{MutableBytes(room)}, over{MutableBytes(room)};
  fits.vector8([&] { fits.bytes(Bytes(room).first(255)); });
  over.vector8([&] { over.bytes(Bytes(room).first(256)); });
  EXPECT_FALSE(fits.failed());
  EXPECT_TRUE(over.failed());
}

TEST(Writer, ABudgetThatRefusesFailsTheWriter) {
  Budget budget(4);
  Buffer buffer(budget);
  Writer out(buffer);
  out.u32(1);
  EXPECT_FALSE(out.failed());
  out.u8(1);
  EXPECT_TRUE(out.failed());
  EXPECT_EQ(buffer.size(), 4u);
}

TEST(Bytes, ComparesByContent) {
  const Byte one[] = {1, 2, 3}, same[] = {1, 2, 3}, other[] = {1, 2, 4};
  EXPECT_EQ(Bytes(one), Bytes(same));
  EXPECT_FALSE(Bytes(one) == Bytes(other));
  EXPECT_FALSE(Bytes(one) == Bytes(one).first(2));
  EXPECT_EQ(Bytes(), Bytes(one).first(0));
}

}  // namespace
}  // namespace limpid
