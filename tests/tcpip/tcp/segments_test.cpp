// Exact segments in and out, concept by concept.
#include "tests/tcpip/tcp/talk.hpp"

namespace limpid::tcpip::tcp {
namespace {

TEST(TcpSegments, HandshakeAnswersWhatWasOffered) {
  Talk full({}, {.mss = 1000, .window_scale = 3, .sack_permitted = true, .timestamps = wire::TcpTimestamps{7, 0}});
  const auto& options = full.handshake.header.options;
  EXPECT_EQ(options.mss, 1460);
  EXPECT_EQ(options.window_scale, 7);  // 4 MiB
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.timestamps->echo, 7u);
  EXPECT_EQ(full.handshake.header.acknowledgment, Talk::irs + 1);
}

TEST(TcpSegments, HandshakeGrantsNothingThatWasNotOffered) {
  Talk plain({}, {});
  const auto& options = plain.handshake.header.options;
  EXPECT_FALSE(options.window_scale || options.sack_permitted || options.timestamps);
  EXPECT_EQ(plain.t().peer_mss, 536);  // RFC 9293: without the option
}

TEST(TcpSegments, SynIsSentAgainAndGivenUp) {
  Config config;
  config.syn_retries = 2;
  End end(config);
  end.tell(Connect{{here, there, 7, 0, 1460}});
  end.flush();
  const Instant began = end.now;
  while (!end.was_reset) end.wait(seconds(100));
  EXPECT_EQ(end.sent.size(), 3u);
  EXPECT_EQ((end.now - began).microseconds, 7'000'000);  // 1 + 2 + 4
  EXPECT_EQ(*end.was_reset, stream::ResetReason::timed_out);
}

TEST(TcpSegments, InOrderTextIsDeliveredAtOnceAndEverySecondSegmentAcknowledged) {
  Talk talk;
  for (int i = 0; i < 16; ++i) {  // the quick ones at the start
    talk.receives({.seq = 1 + 1000u * i, .size = 1000});
    talk.sends({.ack = 1001 + 1000u * i});
    talk.tell(Consumed{1000});
  }
  talk.receives({.seq = 16001, .size = 1000});
  EXPECT_EQ(talk.received.size(), 17000u);
  talk.sends_nothing();
  talk.receives({.seq = 17001, .size = 1000});
  talk.sends({.ack = 18001});
  talk.receives({.seq = 18001, .size = 1000});
  talk.waits(milliseconds(39));
  talk.sends_nothing();
  talk.waits(milliseconds(2));
  talk.sends({.ack = 19001});
  EXPECT_EQ(talk.received, stream_piece(1, 0, 19000));
}

TEST(TcpSegments, OneFlushAcknowledgesABatch) {
  Talk talk;
  for (std::uint32_t i = 0; i < 5; ++i) talk.receives_quietly({.seq = 1 + 1000 * i, .size = 1000});
  talk.flush();
  talk.sends({.ack = 5001});
  talk.sends_nothing();
}

TEST(TcpSegments, OutOfOrderTextIsHeldAndReported) {
  Talk talk;
  talk.receives({.seq = 1001, .size = 1000});
  talk.sends({.ack = 1, .sack = {{1001, 2001}}});
  talk.receives({.seq = 3001, .size = 1000});
  talk.sends({.ack = 1, .sack = {{3001, 4001}, {1001, 2001}}});
  talk.receives({.seq = 1001, .size = 1000});  // once more: RFC 2883
  talk.sends({.ack = 1, .sack = {{1001, 2001}, {1001, 2001}, {3001, 4001}}});
  EXPECT_TRUE(talk.received.empty());
  talk.receives({.seq = 1, .size = 1000});
  talk.sends({.ack = 2001, .sack = {{3001, 4001}}});
  talk.receives({.seq = 1501, .size = 2000});  // half old, half new, half held
  talk.sends({.ack = 4001, .sack = {{1501, 2001}}});
  EXPECT_EQ(talk.received, stream_piece(1, 0, 4000));
  EXPECT_TRUE(talk.t().reassembly.empty());
}

TEST(TcpSegments, FinOutOfOrderWaitsForTheText) {
  Talk talk;
  talk.receives({.flags = "F.", .seq = 501, .size = 500});
  talk.sends({.ack = 1, .sack = {{501, 1001}}});
  EXPECT_FALSE(talk.peer_finished);
  talk.receives({.seq = 1, .size = 500});
  talk.sends({.ack = 1002});
  EXPECT_TRUE(talk.peer_finished);
  EXPECT_EQ(talk.received.size(), 1000u);
}

TEST(TcpSegments, SendsWhatFitsTheInitialWindow) {
  Talk talk({}, {.mss = 1000, .sack_permitted = true}, false, 65535);
  talk.writes(20000);
  for (std::uint32_t i = 0; i < 10; ++i) talk.sends({.seq = 1 + 1000 * i, .size = 1000});
  talk.sends_nothing();
  talk.receives({.ack = 2001, .window = 65535});
  for (std::uint32_t i = 10; i < 14; ++i) talk.sends({.seq = 1 + 1000 * i, .size = 1000});  // slow start
  talk.sends_nothing();
}

TEST(TcpSegments, SuperframesAreWholeSegments) {
  Config config;
  config.max_superframe = 65536;
  config.pins = true;
  Talk talk(config, {.mss = 1000, .sack_permitted = true}, false, 65535);
  talk.writes(20000);
  ASSERT_EQ(talk.sent.size(), 1u);
  EXPECT_EQ(talk.sent[0].segment_size, 1000);
  EXPECT_GT(talk.sent[0].pin.count, 0);
  const Pin pin = talk.sent[0].pin;
  talk.sends({.seq = 1, .size = 10000});
  // Acknowledged, the chunk stays until the device is done with it.
  talk.receives({.ack = 10001, .window = 65535});
  talk.receives({.ack = 20001, .window = 65535});
  EXPECT_TRUE(talk.connection.lent());
  while (!talk.sent.empty()) {
    talk.tell(PinsDone{talk.sent.front().pin});
    talk.sent.pop_front();
  }
  EXPECT_TRUE(talk.connection.lent());
  talk.tell(PinsDone{pin});
  talk.tell(PinsDone{pin});  // twice is once
  EXPECT_FALSE(talk.connection.lent());
  EXPECT_EQ(talk.budget.used(), 0u);
}

TEST(TcpSegments, LentChunksOutliveTheConnection) {
  Config config;
  config.pins = true;
  Talk talk(config);
  talk.writes(500);
  const Pin pin = talk.sent.front().pin;
  talk.tell(Abort{});
  talk.flush();
  EXPECT_TRUE(talk.closed);
  EXPECT_TRUE(talk.connection.lent());
  talk.tell(PinsDone{pin});
  EXPECT_FALSE(talk.connection.lent());
  EXPECT_EQ(talk.budget.used(), 0u);
}

TEST(TcpSegments, NagleHoldsOnlyBehindAnotherSmallSegment) {
  Talk talk;
  talk.writes(100);
  talk.sends({.flags = "P.", .seq = 1, .size = 100});
  talk.writes(100);
  talk.writes(100);
  talk.sends_nothing();
  talk.receives({.ack = 101});
  talk.sends({.flags = "P.", .seq = 101, .size = 200});
  Config eager;
  eager.nagle = false;
  Talk now(eager);
  now.writes(100);
  now.writes(100);
  now.sends({.flags = "P.", .seq = 1, .size = 100});
  now.sends({.flags = "P.", .seq = 101, .size = 100});
}

TEST(TcpSegments, SillyWindowsAreNotFilled) {
  Talk talk;
  talk.receives({.window = 10000});
  talk.writes(10000);
  talk.sent.clear();
  talk.receives({.ack = 10001, .window = 10});
  talk.writes(5000);
  talk.sends_nothing();
  // RFC 9293, section 3.8.6.2.1, (4): the override timeout.
  talk.waits(seconds(1));
  talk.sends({.seq = 10001, .size = 10});
}

TEST(TcpSegments, NewestWindowStaysWhenOlderSegmentsComeAgain) {
  // What acknowledges more tells of a newer window even in text sent again; what is older than the newest sequence
  // number seen tells of none.
  Talk talk;
  talk.writes(1000);
  talk.receives({.seq = 1, .size = 300, .ack = 1, .window = 5000});
  talk.receives({.seq = 301, .size = 100, .ack = 1, .window = 6000});
  talk.receives({.seq = 1, .size = 300, .ack = 1001, .window = 8000});
  EXPECT_EQ(talk.t().snd_wnd, 8000u);
  talk.receives({.seq = 201, .size = 100, .ack = 1001, .window = 7000});
  EXPECT_EQ(talk.t().snd_wnd, 8000u);
  talk.receives({.seq = 401, .ack = 1001, .window = 7000});
  EXPECT_EQ(talk.t().snd_wnd, 7000u);
}

TEST(TcpSegments, WindowIsOfferedByWholeSegments) {
  Config config;
  config.initial_receive_window = config.max_receive_window = 4000;
  Talk talk(config);
  for (std::uint32_t i = 0; i < 4; ++i) talk.receives({.seq = 1 + 1000 * i, .size = 1000});
  talk.sent.erase(talk.sent.begin(), talk.sent.begin() + 3);
  talk.sends({.ack = 4001, .window = 0});
  // "The suggested SWS avoidance algorithm for the receiver": nothing for a little.
  talk.tell(Consumed{500});
  talk.flush();
  talk.sends_nothing();
  talk.tell(Consumed{1500});
  talk.flush();
  talk.sends({.ack = 4001, .window = 2000});
  // A probe of the closed window is answered; its text does not fit.
  Talk closed(config);
  for (std::uint32_t i = 0; i < 4; ++i) closed.receives({.seq = 1 + 1000 * i, .size = 1000});
  closed.sent.clear();
  closed.receives({.seq = 4001, .size = 1});
  closed.sends({.ack = 4001, .window = 0});
  EXPECT_EQ(closed.received.size(), 4000u);
}

TEST(TcpSegments, ClosedWindowIsProbedEverLessOften) {
  Talk talk;
  talk.writes(100);
  talk.sends({.flags = "P.", .size = 100});
  talk.receives({.ack = 101, .window = 0});
  talk.writes(100);
  talk.sends_nothing();
  std::vector<std::int64_t> gaps;
  Instant last = talk.now;
  while (gaps.size() < 5) {
    talk.wait(seconds(1000));
    while (!talk.sent.empty()) {
      talk.sends({.seq = 100, .ack = 1});
      gaps.push_back((talk.now - last).microseconds);
      last = talk.now;
      talk.receives({.ack = 101, .window = 0});
    }
  }
  for (std::size_t i = 1; i < gaps.size(); ++i) EXPECT_LT(std::abs(gaps[i] - 2 * gaps[i - 1]), 2000);
  talk.receives({.ack = 101, .window = 1000});
  talk.sends({.flags = "P.", .seq = 101, .size = 100});
}

TEST(TcpSegments, ProbesThatNobodyAnswersEndIt) {
  Config config;
  config.data_retries = 4;
  Talk talk(config);
  talk.receives({.window = 0});
  talk.writes(100);
  talk.waits(seconds(100));
  EXPECT_EQ(talk.sent.size(), 4u);
  EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
}

TEST(TcpSegments, TimeOutBacksOffAndGivesUp) {
  Config config;
  config.data_retries = 3;
  Talk talk(config, {.mss = 1000});  // without SACK there is no loss probe
  talk.writes(100);
  const Instant began = talk.now;
  std::vector<std::int64_t> at;
  while (!talk.was_reset) {
    talk.wait(seconds(1000));
    at.push_back((talk.now - began).microseconds / 1000);
  }
  EXPECT_EQ(at, (std::vector<std::int64_t>{220, 660, 1540, 3300}));
  EXPECT_EQ(talk.sent.size(), 4u);
  for (int i = 0; i < 4; ++i) talk.sends({.flags = "P.", .size = 100});
}

TEST(TcpSegments, TimeOutShrinksTheWindowToOneSegment) {
  Talk talk({}, {.mss = 1000});
  talk.writes(5000);
  talk.sent.clear();
  talk.waits(milliseconds(250));
  talk.sends({.seq = 1, .size = 1000});
  talk.sends_nothing();
  EXPECT_EQ(talk.t().congestion.ssthresh(), 7000u);  // CUBIC's 0.7
  talk.receives({.ack = 1001});
  talk.sends({.seq = 1001, .size = 1000});
  talk.sends({.seq = 2001, .size = 1000});
  talk.sends_nothing();
}

TEST(TcpSegments, ThreeDuplicatesRepairWithoutSack) {
  Config config;
  config.congestion = CongestionControl::new_reno;
  Talk talk(config, {.mss = 1000});
  talk.writes(10000);
  EXPECT_EQ(talk.sent.size(), 10u);
  talk.sent.clear();
  talk.receives({.ack = 1001});
  talk.receives({.ack = 1001});
  talk.sends_nothing();
  talk.receives({.ack = 1001});
  talk.sends_nothing();
  talk.receives({.ack = 1001});
  talk.sends({.seq = 1001, .size = 1000});
  EXPECT_EQ(talk.t().phase, Phase::recovery);
  // RFC 6582: a partial ACK repairs the next.
  talk.receives({.ack = 4001});
  talk.sends({.seq = 4001, .size = 1000});
  talk.receives({.ack = 10001});
  EXPECT_EQ(talk.t().phase, Phase::open);
  EXPECT_EQ(talk.t().congestion.cwnd(), 5500u);  // half of what it had grown to
}

TEST(TcpSegments, ThreeDuplicatesRepairWhateverTheInitialSequenceNumber) {
  for (const wire::SeqNumber iss : {0u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    End end;
    wire::TcpHeader peer;
    peer.flags.syn = true;
    peer.window = 10000;
    peer.options.mss = 1000;
    end.tell(Accept{{here, there, iss, 0, 1460}, peer});
    end.flush();
    peer = {.sequence = 1, .acknowledgment = iss + 1, .flags = {.ack = true}, .window = 10000};
    end.arrive({peer, {}, 0, 0, {}});
    EXPECT_EQ(end.write(stream_piece(0, 0, 4000)), 4000u);
    end.flush();
    end.sent.clear();
    for (int i = 0; i < 3; ++i) end.arrive({peer, {}, 0, 0, {}});
    end.flush();
    ASSERT_EQ(end.sent.size(), 1u) << iss;
    EXPECT_EQ(end.sent.front().header.sequence, iss + 1);
    EXPECT_EQ(end.sent.front().payload.size(), 1000u);
  }
}

TEST(TcpSegments, LimitedTransmitForTheFirstTwoDuplicates) {
  Talk talk({}, {.mss = 1000}, false, 65535);
  talk.writes(20000);
  EXPECT_EQ(talk.sent.size(), 10u);
  talk.sent.clear();
  talk.receives({.ack = 1, .window = 65535});
  talk.sends({.seq = 10001, .size = 1000});
  talk.receives({.ack = 1, .window = 65535});
  talk.sends({.seq = 11001, .size = 1000});
  talk.receives({.ack = 1, .window = 65535});
  talk.sends({.seq = 1, .size = 1000});
}

TEST(TcpSegments, RackRepairsWhatWasOvertaken) {
  Talk talk;
  talk.writes(10000);
  talk.sent.clear();
  talk.pass(milliseconds(20));
  talk.receives({.ack = 1, .sack = {{1001, 2001}}});
  talk.sends_nothing();
  EXPECT_TRUE(talk.t().timers.reorder);  // it may only be late
  talk.waits(milliseconds(6));
  talk.sends({.seq = 1, .size = 1000});
  EXPECT_EQ(talk.t().phase, Phase::recovery);
  talk.receives({.ack = 2001});
  EXPECT_EQ(talk.t().scoreboard.in_flight(), 8000u);
  talk.receives({.ack = 10001});
  EXPECT_EQ(talk.t().phase, Phase::open);
  EXPECT_EQ(talk.t().congestion.cwnd(), 7000u);
}

TEST(TcpSegments, RackWaitsLongerWhereTheNetworkReorders) {
  Talk talk;
  talk.writes(10000);
  talk.sent.clear();
  talk.pass(milliseconds(20));
  talk.receives({.ack = 1, .sack = {{2001, 3001}}});
  talk.receives({.ack = 1, .sack = {{1001, 3001}}});  // it was only late: "RACK.reordering_seen"
  EXPECT_TRUE(talk.t().rack.reordering_seen());
  // Now even three segments that overtook one do not make it lost at once.
  talk.receives({.ack = 1, .sack = {{1001, 5001}}});
  talk.sends_nothing();
  talk.waits(milliseconds(6));
  talk.sends({.seq = 1, .size = 1000});
  // It was not: the receiver has it twice, and the window of patience grows (section 6.2, step 4).
  const auto patience = [&] { return talk.t().rack.reordering_window(talk.t().scoreboard, talk.t().rtt, true, 1000); };
  const Duration before = patience();
  talk.receives({.ack = 5001, .sack = {{1, 1001}}});
  EXPECT_GT(patience(), before);
}

TEST(TcpSegments, LossProbeFindsTheLostTail) {
  Talk talk;
  talk.writes(3000);
  talk.sent.clear();
  talk.pass(milliseconds(20));
  talk.receives({.ack = 1001});
  talk.waits(milliseconds(60));
  talk.sends({.flags = "P.", .seq = 2001, .size = 1000});  // the last one again, after two round-trip times
  talk.receives({.ack = 1001, .sack = {{2001, 3001}}});
  talk.sends({.seq = 1001, .size = 1000});  // what lies before it was sent longer ago
  talk.receives({.ack = 3001});
  EXPECT_TRUE(talk.t().scoreboard.empty());
  EXPECT_EQ(talk.t().backoff, 0);
}

TEST(TcpSegments, PrrEndsAtTheThreshold) {
  Talk talk({}, {.mss = 1000, .sack_permitted = true}, false, 65535);
  talk.writes(100000);
  talk.sent.clear();
  std::uint32_t sacked = 2001;
  talk.pass(milliseconds(20));
  std::size_t most = 0;
  talk.receives({.ack = 1, .window = 65535, .sack = {{1001, 5001}}});
  talk.sends({.seq = 1, .size = 1000});
  for (sacked = 6001; sacked <= 10001; sacked += 1000) {
    talk.receives({.ack = 1, .window = 65535, .sack = {{1001, sacked}}});
    most = std::max<std::size_t>(most, talk.t().scoreboard.in_flight());
  }
  EXPECT_LE(talk.t().scoreboard.in_flight(), 7000u);
  EXPECT_EQ(talk.t().prr.recover_fs, 10000u);
  talk.receives({.ack = talk.t().snd_nxt() - Talk::iss, .window = 65535});
  EXPECT_EQ(talk.t().phase, Phase::open);
  EXPECT_EQ(talk.t().congestion.ssthresh(), 7000u);
}

TEST(TcpSegments, TimestampsEchoAndPawsWrap) {
  Talk talk({}, {.mss = 1000, .sack_permitted = true, .timestamps = wire::TcpTimestamps{0xfffffff0, 0}});
  // The peer's clock wraps to 5: newer, "without regard to the sign".
  talk.receives({.seq = 1, .size = 100, .timestamps = wire::TcpTimestamps{5, 0}});
  ASSERT_FALSE(talk.sent.empty());
  EXPECT_EQ(talk.sent.front().header.options.timestamps->echo, 5u);
  talk.sends({.ack = 101});
  // From before the wrap: an old duplicate, acknowledged and dropped (RFC 7323, section 5.3, R1).
  talk.receives({.seq = 101, .size = 100, .timestamps = wire::TcpTimestamps{0xfffffff8, 0}});
  EXPECT_EQ(talk.ignored.back(), Ignored::old_timestamp);
  talk.sends({.ack = 101});
  EXPECT_EQ(talk.received.size(), 100u);
  // Without the option: dropped in silence.
  talk.receives({.seq = 101, .size = 100});
  EXPECT_EQ(talk.ignored.back(), Ignored::missing_timestamp);
  talk.sends_nothing();
  // Section 5.5: after 24 days of silence TS.Recent means nothing.
  talk.pass(seconds(25 * 86400));
  talk.receives({.seq = 101, .size = 100, .timestamps = wire::TcpTimestamps{0x90000000, 0}});
  EXPECT_EQ(talk.received.size(), 200u);
}

TEST(TcpSegments, TimestampIsEchoedOfTheSegmentThatAdvances) {
  // RFC 7323, section 4.3: of what came out of order the echo is not taken.
  Talk talk({}, {.mss = 1000, .sack_permitted = true, .timestamps = wire::TcpTimestamps{10, 0}});
  talk.receives({.seq = 1001, .size = 1000, .timestamps = wire::TcpTimestamps{20, 0}});
  EXPECT_EQ(talk.sent.front().header.options.timestamps->echo, 10u);
}

TEST(TcpSegments, WindowScaleShiftsBothWays) {
  Talk talk({}, {.mss = 1000, .window_scale = 4, .sack_permitted = true}, false, 2000);
  EXPECT_EQ(talk.t().snd_wnd, 2000u * 16);  // of the ACK; of the SYN it was not scaled
  talk.receives({.window = 100});
  EXPECT_EQ(talk.t().snd_wnd, 1600u);
  talk.writes(3000);
  talk.sends({.size = 1000});
  talk.sends_nothing();
  talk.receives({.seq = 1, .size = 10, .window = 100});
  EXPECT_EQ(talk.sent.back().header.window, (65535u - 10) / 128);
}

TEST(TcpSegments, ActiveCloseEndsInTimeWait) {
  Talk talk;
  talk.writes(10);
  talk.finishes();
  talk.sends({.flags = "P.", .seq = 1, .size = 10});
  talk.sends({.flags = "F.", .seq = 11});
  EXPECT_EQ(talk.connection.state_name(), "FIN-WAIT-1");
  talk.receives({.ack = 12});
  EXPECT_EQ(talk.connection.state_name(), "FIN-WAIT-2");
  talk.receives({.seq = 1, .size = 5, .ack = 12});
  talk.sends({.seq = 12, .ack = 6});
  talk.receives({.flags = "F.", .seq = 6, .ack = 12});
  talk.sends({.seq = 12, .ack = 7});
  EXPECT_TRUE(talk.peer_finished);
  ASSERT_TRUE(talk.closed && talk.closed->time_wait);
  EXPECT_EQ(talk.closed->time_wait->rcv_nxt, Talk::irs + 7);
  EXPECT_EQ(talk.wants, Wants::nothing);
  EXPECT_EQ(talk.budget.used(), 0u);
}

TEST(TcpSegments, PassiveCloseNeedsNoTimeWait) {
  Talk talk;
  talk.receives({.flags = "F.", .seq = 1});
  talk.sends({.ack = 2});
  EXPECT_EQ(talk.connection.state_name(), "CLOSE-WAIT");
  talk.writes(10);  // it may still write
  talk.sends({.flags = "P.", .seq = 1, .size = 10, .ack = 2});
  talk.finishes();
  talk.sends({.flags = "F.", .seq = 11, .ack = 2});
  EXPECT_EQ(talk.connection.state_name(), "LAST-ACK");
  talk.receives({.seq = 2, .ack = 12});
  ASSERT_TRUE(talk.closed);
  EXPECT_FALSE(talk.closed->time_wait);
}

TEST(TcpSegments, SimultaneousClose) {
  Talk talk;
  talk.finishes();
  talk.sends({.flags = "F.", .seq = 1});
  talk.receives({.flags = "F.", .seq = 1});  // it has not seen ours
  talk.sends({.seq = 2, .ack = 2});
  EXPECT_EQ(talk.connection.state_name(), "CLOSING");
  talk.receives({.seq = 2, .ack = 2});
  EXPECT_TRUE(talk.closed && talk.closed->time_wait);
}

TEST(TcpSegments, SimultaneousOpen) {
  End end;
  end.tell(Connect{{here, there, Talk::iss, 0, 1460}});
  end.flush();
  wire::TcpHeader syn;
  syn.flags.syn = true;
  syn.sequence = 9000;
  syn.window = 5000;
  end.arrive({syn, {}, 0, 0, {}});
  EXPECT_EQ(end.connection.state_name(), "SYN-RECEIVED");
  end.flush();
  ASSERT_EQ(end.sent.size(), 2u);
  EXPECT_EQ(end.sent[1].header.sequence, Talk::iss);
  EXPECT_EQ(end.sent[1].header.flags.byte(), 0x12);
  syn.flags.ack = true;
  syn.acknowledgment = Talk::iss + 1;
  end.arrive({syn, {}, 0, 0, {}});
  EXPECT_TRUE(end.established);
  EXPECT_EQ(end.connection.state_name(), "ESTABLISHED");
}

TEST(TcpSegments, CallIsRefused) {
  End end;
  end.tell(Connect{{here, there, Talk::iss, 0, 1460}});
  end.flush();
  wire::TcpHeader rst;
  rst.flags.rst = rst.flags.ack = true;
  rst.acknowledgment = Talk::iss + 2;  // not of our SYN
  end.arrive({rst, {}, 0, 0, {}});
  EXPECT_FALSE(end.was_reset);
  rst.acknowledgment = Talk::iss + 1;
  end.arrive({rst, {}, 0, 0, {}});
  EXPECT_EQ(end.was_reset, stream::ResetReason::reset);
}

TEST(TcpSegments, OldSynAckIsReset) {
  // RFC 9293, figure 9 and its like: an old duplicate makes no connection.
  End end;
  end.tell(Connect{{here, there, Talk::iss, 0, 1460}});
  end.flush();
  wire::TcpHeader old;
  old.flags.syn = old.flags.ack = true;
  old.acknowledgment = 12345;
  end.arrive({old, {}, 0, 0, {}});
  end.flush();
  ASSERT_EQ(end.sent.size(), 2u);
  EXPECT_TRUE(end.sent[1].header.flags.rst);
  EXPECT_EQ(end.sent[1].header.sequence, 12345u);
  EXPECT_FALSE(end.established);
}

TEST(TcpSegments, AbortSendsAReset) {
  Talk talk;
  talk.writes(10);
  talk.sent.clear();
  talk.tell(Abort{});
  EXPECT_TRUE(talk.connection.needs_flush());
  talk.flush();
  talk.sends({.flags = "R.", .seq = 11});
  EXPECT_TRUE(talk.closed);
}

TEST(TcpSegments, KeepaliveProbesSilenceAndGivesUp) {
  Config config;
  config.keepalive_idle = seconds(100);
  config.keepalive_interval = seconds(10);
  config.keepalive_probes = 3;
  Talk talk(config);
  talk.waits(seconds(101));
  talk.sends({.seq = 0});
  talk.receives({});  // it lives
  talk.waits(seconds(99));
  talk.sends_nothing();
  talk.waits(seconds(100));
  EXPECT_EQ(talk.sent.size(), 3u);
  EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
}

TEST(TcpSegments, UserTimeout) {
  Config config;
  config.user_timeout = seconds(5);
  Talk talk(config);
  talk.writes(10);
  talk.waits(milliseconds(4900));
  EXPECT_FALSE(talk.was_reset);
  talk.waits(milliseconds(200));
  EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
}

TEST(TcpSegments, EcnEchoesUntilTheWindowWasReduced) {
  Config config;
  config.ecn = true;
  Talk talk(config, {.mss = 1000, .sack_permitted = true}, true);
  EXPECT_TRUE(talk.handshake.header.flags.ece);
  talk.receives({.seq = 1, .size = 1000, .ecn = 3});
  talk.sends({.flags = "E.", .ack = 1001});
  talk.receives({.seq = 1001, .size = 1000, .ecn = 2});
  talk.sends({.flags = "E.", .ack = 2001});
  talk.receives({.flags = "W.", .seq = 2001, .size = 1000, .ecn = 2});
  talk.sends({.ack = 3001});
  // The other way: ECE reduces the window once in a round.
  talk.writes(10000);
  for (std::uint32_t i = 0; i < 10; ++i)
    talk.sends({.flags = i == 9 ? "P." : ".", .seq = 1 + i * 1000, .size = 1000, .ack = 3001, .ecn = 2});
  talk.receives({.flags = "E.", .seq = 3001, .ack = 1001});
  EXPECT_EQ(talk.t().congestion.ssthresh(), 7000u);
  talk.receives({.flags = "E.", .seq = 3001, .ack = 2001});
  EXPECT_EQ(talk.t().congestion.ssthresh(), 7000u);
  talk.receives({.seq = 3001, .ack = 10001});
  talk.writes(1000);
  talk.sends({.flags = "PW.", .seq = 10001, .size = 1000, .ack = 3001, .ecn = 2});
}

TEST(TcpSegments, SmallerPathSendsAgainAtOnce) {
  Talk talk;
  talk.writes(3000);
  talk.sent.clear();
  talk.tell(PathMtu{600});
  talk.flush();
  for (std::uint32_t i = 0; i < 5; ++i) talk.sends({.flags = i == 4 ? "P." : ".", .seq = 1 + 600 * i, .size = 600});
  EXPECT_EQ(talk.t().congestion.ssthresh(), 1u << 30) << "that was no congestion";
}

TEST(TcpSegments, ReceiveWindowGrowsWithAQuickReader) {
  Talk talk({}, {.mss = 1000, .window_scale = 0, .sack_permitted = true});
  const std::uint32_t before = talk.t().receive_limit;
  std::uint32_t at = 1;
  for (; at < 200'000; at += 1000) {
    talk.receives({.seq = at, .size = 1000});
    talk.tell(Consumed{1000});
    if (at % 20'000 == 1) talk.pass(milliseconds(25));
  }
  EXPECT_EQ(talk.t().receive_limit, before) << "it was slow until now";
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 60; ++i, at += 1000) {
      talk.receives({.seq = at, .size = 1000});
      talk.tell(Consumed{1000});
    }
    talk.pass(milliseconds(25));
  }
  EXPECT_GT(talk.t().receive_limit, 100'000u);
  talk.tell(MemoryPressure{true});
  talk.receives({.seq = at, .size = 1000});
  EXPECT_GE(talk.t().rcv_wnd(), 65535u) << "what was offered is not taken back";
}

TEST(TcpSegments, IdlenessRestartsSlowly) {
  Talk talk({}, {.mss = 1000, .sack_permitted = true}, false, 65535);
  for (std::uint32_t at = 0; at < 60000;) {
    talk.writes(10000);
    at += 10000;
    talk.pass(milliseconds(20));
    talk.receives({.ack = 1 + at, .window = 65535});
  }
  EXPECT_GT(talk.t().congestion.cwnd(), 10000u);
  talk.pass(seconds(10));
  talk.writes(60000);
  EXPECT_EQ(talk.t().scoreboard.in_flight(), 10000u);
}

}  // namespace
}  // namespace limpid::tcpip::tcp
