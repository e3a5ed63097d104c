// What was held out of order, as its owner sees it.
#include <algorithm>

#include "tests/tcpip/tcp/talk.hpp"

namespace limpid::tcpip::tcp {
namespace {

TEST(TcpReassembly, WhatWasDeliveredStaysUntilTheNextStep) {
  // Two pieces: what comes before another is not joined to it.
  const auto hold = [](Talk& talk) {
    talk.receives_quietly({.seq = 4001, .size = 1000});
    talk.receives_quietly({.seq = 2001, .size = 1000});
    talk.receives_quietly({.seq = 1001, .size = 1000});
  };
  std::vector<Byte> first = stream_piece(1, 0, 1000), fourth = stream_piece(1, 3000, 1000);
  // One step; what it delivered, as views.
  const auto step = [](Talk& talk, const Connection::Event& event, bool more) {
    const auto progress =
        Connection::advance(talk.config, talk.connection, {talk.now, {}}, event, {{}, talk.slots, talk.budget});
    EXPECT_EQ(progress.more, more);
    std::vector<Bytes> views;
    for (const auto& action : progress.actions) {
      if (const auto* received = std::get_if<stream::Received>(&action)) views.push_back(received->bytes);
    }
    return views;
  };
  const auto arrival = [](wire::SeqNumber sequence, MutableBytes payload) {
    wire::TcpHeader header;
    header.sequence = Talk::irs + sequence;
    header.acknowledgment = Talk::iss + 1;
    header.flags.ack = true;
    header.window = 10000;
    return SegmentArrived{header, payload, 0, 0};
  };
  const auto is_piece = [](Bytes view, std::uint64_t offset) {
    return std::ranges::equal(view, stream_piece(1, offset, 1000));
  };

  Talk talk;
  hold(talk);
  const auto views = step(talk, arrival(1, first), true);
  ASSERT_EQ(views.size(), 2u);
  // The application answers to what it sees.
  EXPECT_TRUE(step(talk, Consumed{1000}, true).empty());
  EXPECT_TRUE(is_piece(views[0], 0));
  EXPECT_TRUE(is_piece(views[1], 1000));
  const auto next = step(talk, arrival(3001, fourth), true);  // instead of the Tick that `more` asks for
  ASSERT_EQ(next.size(), 2u);
  EXPECT_TRUE(is_piece(next[0], 2000));
  EXPECT_TRUE(is_piece(next[1], 3000));
  const auto last = step(talk, Tick{}, false);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_TRUE(is_piece(last[0], 4000));
  step(talk, Tick{}, false);
  EXPECT_EQ(talk.budget.used(), 0u);
}

}  // namespace
}  // namespace limpid::tcpip::tcp
