// Room for what an application writes: where it is, how much, and when there is some again.
#include "tests/tcpip/tcp/talk.hpp"

namespace limpid::tcpip::tcp {
namespace {

TEST(TcpRoom, ReservedRoomIsSentInPlace) {
  Talk talk;
  MutableBytes room = talk.connection.reserve(talk.config, 16384, talk.budget);
  ASSERT_EQ(room.size(), 16384u);
  copy(stream_piece(0, 0, 100), room);
  talk.tell(Commit{100});
  EXPECT_LT(talk.budget.used(), 1000u) << "a large chunk for little";
  talk.flush();
  talk.sends({.flags = "P.", .size = 100});
  room = talk.connection.reserve(talk.config, 5000, talk.budget);
  copy(stream_piece(0, 100, 5000), room);
  talk.tell(Commit{5000});
  talk.tell(Commit{5000});  // nothing is reserved any more
  EXPECT_EQ(talk.t().scoreboard.outstanding(), 100u);
  talk.receives({.ack = 101});
  talk.sends({.seq = 101, .size = 1000});
}

TEST(TcpRoom, RoomIsReservedWhereverThereIsMoreInOnePiece) {
  Config config;
  config.max_unsent = 10000;
  Talk talk(config);
  ASSERT_EQ(talk.connection.reserve(config, 8192, talk.budget).size(), 8192u);
  talk.tell(Commit{3000});
  // 5192 behind what was written, and 1808 that a piece of their own would have.
  EXPECT_EQ(talk.connection.reserve(config, 8192, talk.budget).size(), 5192u);
  talk.tell(Commit{5192});
  EXPECT_EQ(talk.connection.reserve(config, 8192, talk.budget).size(), 1808u);
}

TEST(TcpRoom, WritableComesAfterAFullBuffer) {
  Config config;
  config.send_buffer = 8192;
  Talk talk(config);
  EXPECT_EQ(talk.write(stream_piece(0, 0, 10000)), 8192u);
  EXPECT_EQ(talk.connection.writable(config), 0u);
  talk.flush();
  EXPECT_FALSE(talk.writable);
  talk.receives({.ack = 8193});
  EXPECT_TRUE(talk.writable);
  EXPECT_EQ(talk.connection.writable(config), 8192u);
}

TEST(TcpRoom, WritableComesWithWhatLeavesIfOnlyWhatIsUnsentWasTooMuch) {
  Config config;
  config.max_unsent = 8192;
  Talk talk(config);
  EXPECT_EQ(talk.write(stream_piece(0, 0, 10000)), 8192u);
  EXPECT_FALSE(talk.writable);
  talk.flush();
  EXPECT_TRUE(talk.writable);
  EXPECT_EQ(talk.t().scoreboard.outstanding(), 8192u);
  EXPECT_EQ(talk.connection.writable(config), 8192u);
}

}  // namespace
}  // namespace limpid::tcpip::tcp
