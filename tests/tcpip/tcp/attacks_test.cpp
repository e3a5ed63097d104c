// The known attacks, by name, and the rules made against them.
#include "limpid/crypto/keyed_hash.hpp"
#include "tests/tcpip/tcp/talk.hpp"

namespace limpid::tcpip::tcp {
namespace {

constexpr wire::TcpOptions plain{.mss = 1000, .sack_permitted = true};

TEST(TcpAttacks, Cve2019_11477_SackPanic) {
  // SACKs that cut the smallest segments out of superframes one by one: the records must neither overflow nor lie, and
  // their number has an end.
  Config config;
  config.max_superframe = 65536;
  config.max_unsent = config.send_buffer;
  Talk talk(config, {.mss = 8, .window_scale = 14, .sack_permitted = true}, false, 65535);
  EXPECT_EQ(talk.t().smss(), 216);
  constexpr std::uint32_t each = 216 * 19'000;
  while (talk.t().congestion.cwnd() < each) {
    talk.writes(each);
    talk.receives({.ack = talk.t().snd_nxt() - Talk::iss, .window = 65535});
    while (talk.t().scoreboard.outstanding() > 0) {
      talk.receives({.ack = talk.t().snd_nxt() - Talk::iss, .window = 65535});
    }
    talk.sent.clear();
  }
  talk.writes(each);
  const Scoreboard& board = talk.t().scoreboard;
  ASSERT_EQ(board.outstanding(), each);
  const std::uint32_t una = talk.t().snd_una() - Talk::iss;
  std::size_t most = 0;
  for (std::uint32_t at = 216; at + 1000 < each; at += 4 * 216) {
    talk.receives_quietly(
        {.ack = una, .window = 65535, .sack = {{una + at, una + at + 216}, {una + at + 432, una + at + 648}}});
    std::uint32_t sacked = 0, lost = 0;
    for (std::size_t i = 0; i < board.size(); ++i) {
      const std::uint32_t size = board[i].end - board.begin_of(i);
      if (board[i].fate == Fate::sacked) sacked += size;
      if (board[i].fate == Fate::lost) lost += size;
    }
    ASSERT_EQ(sacked, board.sacked());
    ASSERT_EQ(lost, board.lost());
    most = std::max(most, board.size());
  }
  EXPECT_EQ(most, Scoreboard::most_split);
}

TEST(TcpAttacks, Cve2019_11478_SackSlowness) {
  // Every second byte SACKed: what is no whole segment makes no record.
  Talk talk({}, plain, false, 65535);
  talk.writes(10000);
  const std::size_t before = talk.t().scoreboard.size();
  for (std::uint32_t at = 2; at < 9900; at += 2) {
    talk.receives({.ack = 1, .window = 65535, .sack = {{at, at + 1}}});
  }
  EXPECT_EQ(talk.t().scoreboard.size(), before);
  EXPECT_EQ(talk.t().scoreboard.sacked(), 0u);
}

TEST(TcpAttacks, Cve2019_11479_TinyMss) {
  Talk talk({}, {.mss = 1, .sack_permitted = true});
  talk.writes(2160);
  EXPECT_EQ(talk.sent.size(), 10u);
  Talk none({}, {.mss = 0});
  EXPECT_EQ(none.t().smss(), 216);
  talk.tell(PathMtu{1});
  EXPECT_EQ(talk.t().smss(), 216);
}

TEST(TcpAttacks, SegmentSmack_Cve2018_5390) {
  // Single bytes in reverse order, with gaps: pieces and memory are bounded, and what is refused comes again.
  Talk talk;
  for (std::uint32_t at = 60000; at > 2; at -= 2) talk.receives_quietly({.seq = at, .size = 1});
  EXPECT_LE(talk.budget.used(), Reassembly::most_pieces * 128);
  EXPECT_EQ(talk.ignored.back(), Ignored::out_of_order_limit);
  EXPECT_TRUE(talk.received.empty());
  for (std::uint32_t at = 1; at < 60001; at += 1000) talk.receives({.seq = at, .size = 1000});
  EXPECT_EQ(talk.received, stream_piece(1, 0, 60000));
  EXPECT_EQ(talk.budget.used(), 0u);
}

TEST(TcpAttacks, SegmentSmackWithNeighboursCostsWhatTheyHold) {
  Talk talk;
  for (std::uint32_t at = 1000; at < 60000; ++at) talk.receives_quietly({.seq = at, .size = 1});
  EXPECT_LE(talk.budget.used(), 2 * 65536u + 8192);
  talk.receives({.seq = 1, .size = 999});
  EXPECT_EQ(talk.received, stream_piece(1, 0, 59999));
}

TEST(TcpAttacks, SockstressZeroWindow) {
  // A peer that closes its window and never opens it: one byte of work every two minutes, and Config's user time-out
  // ends it although it answers each probe.
  Config config;
  config.user_timeout = seconds(300);
  Talk talk(config);
  talk.writes(1000);
  talk.sends({.flags = "P.", .size = 1000});
  talk.receives({.ack = 1001, .window = 0});
  talk.writes(5000);
  std::size_t probes = 0;
  while (!talk.was_reset) {
    talk.wait(seconds(1000));
    for (; !talk.sent.empty(); talk.sent.pop_front()) {
      ++probes;
      talk.receives({.ack = 1001, .window = 0});
    }
  }
  EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
  EXPECT_LT(probes, 15u);
  EXPECT_EQ(talk.budget.used(), 0u);
}

TEST(TcpAttacks, Cve2016_5696_ChallengeAcksTellNothingOfOtherConnections) {
  // The side channel was a limit that connections share. Here whatever one has provoked, another answers the same.
  Talk attacked, bystander;
  for (int i = 0; i < 1000; ++i) attacked.receives({.flags = "R", .seq = 100});
  EXPECT_EQ(attacked.sent.size(), 10u);  // RFC 5961, section 7: limited
  for (int i = 0; i < 10; ++i) {
    bystander.receives({.flags = "R", .seq = 100});
    bystander.sends({});
  }
  attacked.pass(seconds(5));
  attacked.sent.clear();
  attacked.receives({.flags = "R", .seq = 100});
  attacked.sends({});
}

TEST(TcpAttacks, Rfc5961_BlindReset) {
  Talk talk;
  talk.receives({.flags = "R", .seq = 2});  // in the window, not at its begin
  talk.sends({});
  EXPECT_EQ(talk.ignored.back(), Ignored::blind_reset);
  talk.receives({.flags = "R", .seq = 70000});
  talk.sends_nothing();
  talk.receives({.flags = "R", .seq = 0});
  talk.sends_nothing();
  EXPECT_FALSE(talk.was_reset);
  talk.receives({.flags = "R", .seq = 1});
  EXPECT_EQ(talk.was_reset, stream::ResetReason::reset);
}

TEST(TcpAttacks, Rfc5961_BlindSyn) {
  Talk talk;
  talk.receives({.flags = "S", .seq = 1});
  talk.sends({});
  talk.receives({.flags = "S.", .seq = 12345678});
  talk.sends({});
  EXPECT_FALSE(talk.was_reset);
}

TEST(TcpAttacks, Rfc5961_BlindData) {
  Talk talk;
  talk.writes(1000);
  talk.sent.clear();
  talk.receives({.seq = 1, .size = 10, .ack = 5000});  // of what was never sent
  EXPECT_EQ(talk.ignored.back(), Ignored::unacceptable_ack);
  talk.sends({.seq = 1001});
  talk.receives({.seq = 1, .size = 10, .ack = 0u - 100'000});  // too old
  EXPECT_TRUE(talk.received.empty());
  talk.sends({.seq = 1001});
}

TEST(TcpAttacks, BlindTextFarBehindTheWindowAcknowledgesNothing) {
  // A guess of the sequence number within the half of the circle before RCV.NXT is half of all guesses.
  Talk talk;
  talk.writes(3000);
  talk.sent.clear();
  const std::uint32_t limit = talk.t().receive_limit;
  talk.receives({.seq = 0u - limit - 1, .size = 1, .ack = 1001, .window = 1});
  talk.receives({.seq = 0u - 0x70000000, .size = 1, .ack = 1001, .window = 1});
  EXPECT_EQ(talk.t().snd_una(), Talk::iss + 1);
  EXPECT_EQ(talk.t().snd_wnd, 10000u);
  // As far as the window that was offered reaches, with a FIN, the peer itself may send again.
  talk.receives({.seq = 0u - limit, .size = 1, .ack = 1001, .window = 9000});
  EXPECT_EQ(talk.t().snd_una(), Talk::iss + 1001);
  EXPECT_EQ(talk.t().snd_wnd, 9000u);
}

TEST(TcpAttacks, FinWait2IsNotHeldOpenWithoutText) {
  // The peer never sends its FIN: neither junk, nor an ACK, nor the same text out of order prolongs it.
  const std::vector<Said> vain{{.seq = 0x10000000, .ack = 2},        // beyond the window
                               {.seq = 1, .size = 10, .ack = 5000},  // of what was never sent
                               {.flags = "S", .seq = 1},             // in the connection
                               {.seq = 1, .ack = 2},                 // without text
                               {.seq = 3, .size = 1, .ack = 2}};     // never in order
  for (const Said& said : vain) {
    Talk talk;
    talk.finishes();
    talk.receives({.ack = 2});
    ASSERT_EQ(talk.t().state, State::fin_wait_2);
    for (int i = 0; i < 2; ++i) {
      ASSERT_FALSE(talk.was_reset);
      talk.waits(seconds(200));
      if (talk.t_is_here()) talk.receives(said);
    }
    EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
  }
}

TEST(TcpAttacks, FinWait2LastsWhileTextComesOrIsConsumed) {
  Talk talk;
  talk.finishes();
  talk.receives({.ack = 2});
  for (std::uint32_t at = 1; at < 6; ++at) {
    talk.waits(seconds(200));
    talk.receives({.seq = at, .size = 1, .ack = 2});
  }
  for (int i = 0; i < 5; ++i) {
    talk.waits(seconds(200));
    talk.tell(Consumed{1});
  }
  EXPECT_FALSE(talk.was_reset);
  talk.waits(seconds(200));
  talk.tell(Consumed{1});  // there is nothing left
  talk.waits(seconds(101));
  EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
}

TEST(TcpAttacks, JunkIsNoAnswerToAKeepalive) {
  Config config;
  config.keepalive_idle = seconds(100);
  config.keepalive_interval = seconds(10);
  config.keepalive_probes = 3;
  Talk talk(config);
  for (int i = 0; i < 14; ++i) {
    talk.waits(seconds(10));
    if (talk.t_is_here()) talk.receives({.seq = 0x10000000});
  }
  EXPECT_EQ(talk.was_reset, stream::ResetReason::timed_out);
}

TEST(TcpAttacks, AckStormEnds) {
  // Two ends that disagree answer ACKs of each other's out-of-window ACKs; not for long.
  Talk talk;
  for (int i = 0; i < 1000; ++i) talk.receives({.seq = 0x10000000, .ack = 1});
  EXPECT_EQ(talk.sent.size(), 10u);
}

TEST(TcpAttacks, OptimisticAcksAreNotBelieved) {
  Talk talk;
  talk.writes(5000);
  const std::uint32_t cwnd = talk.t().congestion.cwnd();
  talk.receives({.ack = 90000});
  EXPECT_EQ(talk.t().congestion.cwnd(), cwnd);
  talk.receives({.ack = 1, .sack = {{4001, 90000}}});
  EXPECT_EQ(talk.ignored.back(), Ignored::lying_sack);
  // ACKs split into bytes open the window by bytes (RFC 3465).
  for (std::uint32_t at = 2; at <= 1001; ++at) talk.receives({.ack = at});
  EXPECT_LE(talk.t().congestion.cwnd(), cwnd + 1000);
}

TEST(TcpAttacks, RenegingPeerGetsItAgain) {
  // RFC 2018, section 8: what was SACKed may be dropped by the receiver, and must be kept by the sender until then.
  Talk talk;
  talk.writes(3000);
  talk.sent.clear();
  talk.pass(milliseconds(20));
  talk.receives({.ack = 1, .sack = {{1001, 3001}}});
  talk.waits(milliseconds(10));
  talk.sends({.size = 1000});
  talk.receives({.ack = 1001});  // but not 3001: it went back on its word
  talk.sent.clear();
  while (talk.sent.empty()) talk.wait(seconds(2));
  talk.sends({.seq = 1001, .size = 1000});
  talk.receives({.ack = 2001});
  talk.sends({.flags = "P.", .seq = 2001, .size = 1000});
}

TEST(TcpAttacks, UnreachableIsBelievedOnlyOfOurSyn) {
  Talk talk;
  talk.writes(1000);
  talk.tell(Unreachable{true, Talk::iss + 1});  // RFC 5927: soft in synchronized states
  EXPECT_FALSE(talk.was_reset);
  End calling;
  calling.tell(Connect{{here, there, 7, 0, 1460}});
  calling.flush();
  calling.tell(Unreachable{true, 8});
  EXPECT_FALSE(calling.was_reset);
  calling.tell(Unreachable{false, 7});
  EXPECT_FALSE(calling.was_reset);
  calling.tell(Unreachable{true, 7});
  EXPECT_EQ(calling.was_reset, stream::ResetReason::unreachable);
}

TEST(TcpAttacks, Rfc1337_TimeWaitIsNotAssassinated) {
  TimeWaitRecord record{.snd_nxt = 500, .rcv_nxt = 1000, .window = 10, .expires = Instant{60'000'000}};
  wire::TcpHeader rst;
  rst.flags.rst = true;
  rst.sequence = 1000;
  EXPECT_EQ(judge(record, rst, 0, {}, seconds(60)).kind, TimeWaitVerdict::Kind::drop);
  wire::TcpHeader fin;
  fin.flags.fin = fin.flags.ack = true;
  fin.sequence = 999;
  const auto again = judge(record, fin, 0, Instant{30'000'000}, seconds(60));
  EXPECT_EQ(again.kind, TimeWaitVerdict::Kind::acknowledge);
  EXPECT_EQ(again.reply.acknowledgment, 1000u);
  EXPECT_EQ(record.expires, Instant{90'000'000});
  wire::TcpHeader ack;
  ack.flags.ack = true;
  EXPECT_EQ(judge(record, ack, 0, {}, seconds(60)).kind, TimeWaitVerdict::Kind::drop);
}

TEST(TcpAttacks, Rfc6191_TimeWaitIsReusedOnlyByWhatIsNew) {
  TimeWaitRecord record{.snd_nxt = 500, .rcv_nxt = 1000, .ts_recent = 70, .expires = Instant{60'000'000}};
  wire::TcpHeader syn;
  syn.flags.syn = true;
  syn.sequence = 10;
  syn.options.timestamps = wire::TcpTimestamps{71, 0};
  const auto verdict = judge(record, syn, 0, {}, seconds(60));
  EXPECT_EQ(verdict.kind, TimeWaitVerdict::Kind::reuse);
  EXPECT_TRUE(wire::seq_after(verdict.least_iss, record.snd_nxt));
  syn.options.timestamps->value = 70;
  EXPECT_EQ(judge(record, syn, 0, {}, seconds(60)).kind, TimeWaitVerdict::Kind::acknowledge);
  record.ts_recent.reset();
  EXPECT_EQ(judge(record, syn, 0, {}, seconds(60)).kind, TimeWaitVerdict::Kind::acknowledge);
  syn.sequence = 1001;
  EXPECT_EQ(judge(record, syn, 0, {}, seconds(60)).kind, TimeWaitVerdict::Kind::reuse);
}

class TcpSynCookies : public testing::Test {
 protected:
  TcpSynCookies() { key.mutable_bytes()[0] = 1; }
  wire::TcpHeader syn(wire::TcpOptions options) {
    wire::TcpHeader header;
    header.source_port = there.port;
    header.destination_port = here.port;
    header.sequence = Talk::irs;
    header.flags.syn = true;
    header.options = options;
    return header;
  }
  wire::TcpHeader ack_of(const wire::TcpHeader& answer) {
    wire::TcpHeader ack;
    ack.flags.ack = true;
    ack.sequence = Talk::irs + 1;
    ack.acknowledgment = answer.sequence + 1;
    ack.window = 500;
    if (answer.options.timestamps)
      ack.options.timestamps = wire::TcpTimestamps{0x90000009, answer.options.timestamps->value};
    return ack;
  }
  Config config;
  crypto::HashTableKey key;
  Birth birth{here, there, 0, 0x12345678, 1460};
  Instant now{100'000'000};
};

TEST_F(TcpSynCookies, ComeBackAsAConnection) {
  const auto answer = syn_cookie_answer(
      config, key, birth,
      syn({.mss = 1460, .window_scale = 6, .sack_permitted = true, .timestamps = wire::TcpTimestamps{0x90000008, 0}}),
      now);
  const auto event = redeem_syn_cookie(config, key, birth, ack_of(answer), now + seconds(50));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->negotiated,
            (Negotiated{.mss = 1460, .window_scale = 6, .sack = true, .timestamps = true, .ecn = false}));
  End end;
  end.tell(*event);
  EXPECT_TRUE(end.established);
  // The peer's clock is in the half of the circle that lies before 0.
  end.arrive({ack_of(answer), stream_piece(1, 0, 100), 0, 0, {}});
  EXPECT_EQ(end.received.size(), 100u);
  EXPECT_EQ(end.t().snd_wnd, 500u << 6);
  EXPECT_EQ(end.write(stream_piece(0, 0, 100)), 100u);
  end.flush();
  EXPECT_EQ(end.sent.front().header.sequence, answer.sequence + 1);
}

TEST_F(TcpSynCookies, AreNotAheadOfTheClock) {
  // Their options are the timestamp's low bits: 6 | 16 here.
  const auto value_at = [&](std::uint32_t clock) {
    birth.timestamp_offset = clock;
    const auto answer = syn_cookie_answer(
        config, key, birth,
        syn({.mss = 1460, .window_scale = 6, .sack_permitted = true, .timestamps = wire::TcpTimestamps{1, 0}}), now);
    EXPECT_TRUE(redeem_syn_cookie(config, key, birth, ack_of(answer), now));
    return answer.options.timestamps->value;
  };
  EXPECT_EQ(value_at(0x12345640 + 22), 0x12345640u + 22);
  EXPECT_EQ(value_at(0x12345640 + 63), 0x12345640u + 22);
  EXPECT_EQ(value_at(0x12345640 + 21), 0x12345600u + 22);
  EXPECT_EQ(value_at(5), 0xffffffc0u + 22);
}

TEST_F(TcpSynCookies, GrantNothingThatCannotBeRemembered) {
  const auto answer =
      syn_cookie_answer(config, key, birth, syn({.mss = 1000, .window_scale = 6, .sack_permitted = true}), now);
  EXPECT_FALSE(answer.options.window_scale || answer.options.sack_permitted || answer.options.timestamps);
  const auto event = redeem_syn_cookie(config, key, birth, ack_of(answer), now);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->negotiated.mss, 536);  // the next smaller one that a cookie can say
  EXPECT_FALSE(event->negotiated.window_scale);
}

TEST_F(TcpSynCookies, AreNotForged) {
  const auto answer = syn_cookie_answer(config, key, birth, syn({.mss = 1460}), now);
  const auto ack = ack_of(answer);
  EXPECT_TRUE(redeem_syn_cookie(config, key, birth, ack, now));
  EXPECT_FALSE(redeem_syn_cookie(config, key, birth, ack, now + seconds(180)));  // too old
  for (int bit = 0; bit < 32; ++bit) {
    auto other = ack;
    other.acknowledgment = answer.sequence + 1;
    other.acknowledgment = (answer.sequence ^ 1u << bit) + 1;
    EXPECT_FALSE(redeem_syn_cookie(config, key, birth, other, now)) << bit;
    other = ack;
    other.sequence ^= 1u << bit;
    EXPECT_FALSE(redeem_syn_cookie(config, key, birth, other, now)) << bit;
  }
  Birth elsewhere = birth;
  elsewhere.remote.port ^= 1;
  EXPECT_FALSE(redeem_syn_cookie(config, key, elsewhere, ack, now));
  crypto::HashTableKey other_key;
  EXPECT_FALSE(redeem_syn_cookie(config, other_key, birth, ack, now));
}

TEST(TcpInitialSequence, Rfc6528_GrowsAndDiffersByConnection) {
  crypto::HashTableKey key;
  const Instant t{1'000'000};
  const auto first = initial_sequence(key, here, there, t);
  EXPECT_EQ(initial_sequence(key, here, there, t + microseconds(400)), first + 100);
  auto other = there;
  other.port ^= 1;
  EXPECT_NE(initial_sequence(key, here, other, t), first);
  // Timestamps are of the host, whatever the port: so a new connection's are newer (RFC 6191).
  EXPECT_EQ(initial_timestamp(key, here, other, t + milliseconds(5)), initial_timestamp(key, here, there, t) + 5);
}

TEST(TcpStray, Rfc9293_ResetForNoConnection) {
  wire::TcpHeader segment;
  segment.source_port = 1;
  segment.destination_port = 2;
  segment.sequence = 100;
  segment.flags.syn = true;
  auto reset = reset_for(segment, 10);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->acknowledgment, 111u);
  EXPECT_EQ(reset->sequence, 0u);
  EXPECT_EQ(reset->source_port, 2);
  segment.flags.ack = true;
  segment.acknowledgment = 77;
  reset = reset_for(segment, 10);
  EXPECT_EQ(reset->sequence, 77u);
  EXPECT_FALSE(reset->flags.ack);
  segment.flags.rst = true;
  EXPECT_FALSE(reset_for(segment, 0));
}

// RFC 7323, section 2.2: only "the window field in a segment where the SYN bit is set" is not scaled.
TEST(TcpAttacks, ChallengesBeforeTheHandshakeIsOverScaleTheWindow) {
  Config config;
  config.max_receive_window = 1 << 20;
  End end(config);
  wire::TcpHeader syn;
  syn.flags.syn = true;
  syn.sequence = 9000;
  syn.window = 5000;
  syn.options.window_scale = 3;
  end.tell(Accept{{here, there, Talk::iss, 0, 1460}, syn});
  end.flush();
  ASSERT_EQ(end.sent.back().header.options.window_scale, 5);
  wire::TcpHeader reset;
  reset.flags.rst = true;
  reset.sequence = 9011;  // in the window, but not where the next byte is due
  end.arrive({reset, {}, 0, 0, {}});
  end.flush();
  ASSERT_EQ(end.sent.size(), 2u);
  EXPECT_FALSE(end.sent.back().header.flags.syn);
  EXPECT_EQ(end.sent.back().header.window, config.initial_receive_window >> 5);
}

}  // namespace
}  // namespace limpid::tcpip::tcp
