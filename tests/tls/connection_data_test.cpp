// A connection after its handshake: records, key updates, both halves and their ends.
#include "tests/support/random.hpp"
#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

std::size_t count(const Log& log, std::string_view entry) {
  return static_cast<std::size_t>(std::count(log.begin(), log.end(), entry));
}

std::vector<std::size_t> record_sizes(std::string_view stream) {
  std::vector<std::size_t> sizes;
  for (Reader in(as_bytes(stream)); !in.empty();) {
    in.skip(3);
    sizes.push_back(in.vector16().size());
  }
  return sizes;
}

TEST(Data, IsCutIntoTheLargestRecordsThatTheRoomTakes) {
  Pair pair;
  pair.connect();
  pair.client.write(std::string(40000, 'x'));
  EXPECT_EQ(record_sizes(pair.client.take_sent()),
            (std::vector<std::size_t>{16384 + 17, 16384 + 17, 40000 - 2 * 16384 + 17}));
  pair.client.room_bytes = 5000;
  pair.client.write(std::string(9000, 'y'));
  EXPECT_EQ(record_sizes(pair.client.take_sent()), (std::vector<std::size_t>{4995, 9000 - 4978 + 17}));
}

TEST(Data, OfOneStepIsOneSend) {
  Pair pair;
  pair.connect();
  const std::string data(100000, 'x');
  std::vector<Byte> room(1 << 18);
  std::vector<Connection::Action> slots(64);
  const auto progress = Connection::advance(pair.client.config, pair.client.state, {}, Write{as_bytes(data)},
                                            {room, slots, pair.client.budget, {}});
  EXPECT_EQ(progress.consumed, data.size());
  ASSERT_EQ(progress.actions.size(), 1u);
  EXPECT_EQ(std::get<stream::Send>(progress.actions[0]).bytes.size(), 100000u + 7 * record::overhead);
}

TEST(Data, IsPaddedToTheConfiguredMultiple) {
  for (const std::size_t unit : {std::size_t{1}, std::size_t{100}, std::size_t{4096}, std::size_t{16384}}) {
    Pair pair(client_config({.pad_to = static_cast<std::uint16_t>(unit)}));
    pair.connect();
    std::string all;
    for (const std::size_t size : {std::size_t{1}, unit, unit + 1, std::size_t{16384}}) {
      pair.client.write(std::string(size, 'p'));
      all += std::string(size, 'p');
      const std::string sent = pair.client.take_sent();
      std::size_t content = 0;
      for (const std::size_t record : record_sizes(sent)) {
        content += record - 17;
        EXPECT_LE(record, 16384u + 17);
        EXPECT_TRUE((record - 17) % unit == 0 || record == 16384 + 17) << record << " of " << unit;
      }
      EXPECT_GE(content, size);
      pair.server.receive(sent);
    }
    EXPECT_EQ(pair.server.delivered, all);
  }
}

TEST(Data, NothingIsTakenBeforeTheHandshakeIsDone) {
  Pair pair;
  pair.client.write("early");
  pair.start();
  EXPECT_EQ(pair.client.outbox, "early");
  EXPECT_EQ(pair.client.step(Write{as_bytes("early")}).consumed, 0u);
  pair.run();
  EXPECT_EQ(pair.server.delivered, "early");
  EXPECT_EQ(pair.client.outbox, "");
}

TEST(Data, AReaderWithoutSlotsLosesNothing) {
  Pair pair;
  pair.connect();
  pair.server.room_actions = Connection::least_room.actions;
  for (int i = 0; i < 50; ++i) pair.client.write(std::to_string(i) + ",");
  pair.run();
  std::string expected;
  for (int i = 0; i < 50; ++i) expected += std::to_string(i) + ",";
  EXPECT_EQ(pair.server.delivered, expected);
}

TEST(KeyUpdates, BothWaysAndAtOnce) {
  Pair pair;
  pair.connect();
  const auto secrets_differ = [&](const std::string& before) { EXPECT_NE(pair.client.saved(), before); };
  const std::string before = pair.client.saved();
  for (const bool request : {false, true}) {
    // Both ask at the same time: each answers what it read, once, before its next data.
    pair.client.event(UpdateKeys{request});
    pair.server.event(UpdateKeys{request});
    pair.client.write("from the client");
    pair.server.write("from the server");
    pair.run();
    pair.client.write(", again");
    pair.server.write(", again");
    pair.run();
  }
  secrets_differ(before);
  EXPECT_EQ(pair.server.delivered, "from the client, againfrom the client, again");
  EXPECT_EQ(pair.client.delivered, "from the server, againfrom the server, again");
  EXPECT_EQ(count(pair.client.log, "Noted keys_updated_by_peer"), 3u);
  EXPECT_EQ(count(pair.client.log, "Noted keys_updated"), 1u);
  EXPECT_EQ(count(pair.server.log, "Noted keys_updated"), 1u);
}

TEST(KeyUpdates, RequestsAreAnsweredOnceHoweverManyThereWere) {
  Pair pair;
  pair.connect();
  for (int i = 0; i < 20; ++i) pair.client.event(UpdateKeys{true});
  pair.run();
  EXPECT_EQ(pair.server.sent, "") << "an answer waits for the next record";
  EXPECT_EQ(count(pair.server.log, "Noted keys_updated_by_peer"), 20u);
  pair.server.write("answer");
  pair.run();
  EXPECT_EQ(count(pair.server.log, "Noted keys_updated"), 1u);
  EXPECT_EQ(count(pair.client.log, "Noted keys_updated_by_peer"), 1u);
  EXPECT_EQ(pair.client.delivered, "answer");
}

TEST(KeyUpdates, ComeByThemselvesBeforeTheLimit) {
  // Each side changes its keys every five records, and asks for the peer's when that does not.
  Pair pair(client_config({.limits = {.records_per_key = 5}}));
  pair.connect();
  for (int i = 0; i < 23; ++i) pair.client.write("x");
  pair.run();
  EXPECT_EQ(pair.server.delivered, std::string(23, 'x'));
  EXPECT_EQ(count(pair.client.log, "Noted keys_updated"), 4u);
  EXPECT_EQ(count(pair.server.log, "Noted keys_updated_by_peer"), 4u);
  EXPECT_EQ(count(pair.server.log, "Noted keys_updated"), 0u);

  for (int i = 0; i < 7; ++i) pair.server.write("y");
  pair.run();
  pair.client.write("!");
  pair.run();
  pair.server.write("?");
  pair.run();
  EXPECT_EQ(count(pair.server.log, "Noted keys_updated"), 1u) << "it was asked to";
  EXPECT_EQ(count(pair.client.log, "Noted keys_updated_by_peer"), 1u);
  pair.client.write("!");
  pair.run();
  EXPECT_EQ(count(pair.client.log, "Noted keys_updated"), 5u) << "asked for once";
  EXPECT_EQ(pair.client.delivered, "yyyyyyy?");
}

TEST(KeyUpdates, AreRefusedWhereTheyMakeNoSense) {
  Pair pair;
  pair.start();
  pair.client.event(UpdateKeys{});
  EXPECT_EQ(pair.client.last(), "Refused not_connected");
  pair.run();
  pair.client.event(Close{});
  pair.client.event(UpdateKeys{});
  EXPECT_EQ(pair.client.last(), "Refused write_after_close");
}

TEST(Ends, BothHalvesCloseIndependently) {
  Pair pair;
  pair.connect();
  pair.client.write("request");
  pair.client.event(Close{});
  pair.run();
  EXPECT_EQ(pair.server.delivered, "request");
  EXPECT_EQ(pair.server.last(), "PeerClosed");
  EXPECT_TRUE(pair.server.state.may_write());
  EXPECT_FALSE(pair.client.state.may_write());
  pair.client.step(Write{as_bytes("too late")});
  EXPECT_EQ(pair.client.last(), "Refused write_after_close");
  pair.client.event(Close{});
  EXPECT_EQ(pair.client.last(), "Refused write_after_close");
  pair.server.write(std::string(30000, 'r'));
  pair.run();
  EXPECT_EQ(pair.client.delivered, std::string(30000, 'r'));
  EXPECT_FALSE(pair.client.state.ended());
  // A request for new keys to one that has closed its writing is not answered any more.
  pair.server.event(UpdateKeys{true});
  pair.server.event(Close{});
  EXPECT_TRUE(pair.server.state.ended());
  pair.run();
  EXPECT_EQ(pair.client.last(), "PeerClosed");
  EXPECT_TRUE(pair.client.state.ended());
  EXPECT_EQ(pair.client.budget.used() + pair.server.budget.used(), 0u);
}

TEST(Ends, TruncationIsNotAClose) {
  Pair pair;
  pair.connect();
  pair.server.write("half of it");
  pair.run();
  pair.client.finish();
  EXPECT_EQ(pair.client.last(), "Truncated");
  EXPECT_EQ(count(pair.client.log, "PeerClosed"), 0u);
  EXPECT_TRUE(pair.client.state.may_write());
  pair.client.event(Close{});
  EXPECT_TRUE(pair.client.state.ended());
}

TEST(Ends, ClosingDuringTheHandshakeGivesItUp) {
  for (int stage = 0; stage < 3; ++stage) {
    Pair pair;
    pair.server.auto_answer = stage != 1;
    pair.start();
    if (stage > 0) Pair::carry(pair.client, pair.server, [] { return std::size_t{1000}; });
    pair.server.event(Close{});
    EXPECT_TRUE(pair.server.state.ended());
    EXPECT_EQ(pair.server.last_wants, Wants::nothing);
    EXPECT_EQ(pair.server.budget.used(), 0u);
    pair.run();
    // With the server's whole flight in hand, the client is done before it learns of it.
    EXPECT_EQ(pair.client.last(), stage == 2 ? "PeerClosed" : "Failed alert_received close_notify") << stage;
    EXPECT_EQ(count(pair.client.log, "Noted warning_ignored"), 1u);
  }
  Pair pair;
  pair.client.auto_answer = false;
  pair.start();
  pair.run();
  EXPECT_EQ(pair.client.last(), "Ask VerifyPeer 1");
  pair.client.event(Close{});
  pair.run();
  EXPECT_EQ(pair.server.last(), "Failed alert_received close_notify");
  pair.client.event(Reply{{1}, Declined{}});
  EXPECT_EQ(pair.client.last(), "Ask VerifyPeer 1") << "an ended machine says no more";
}

// Every event in every phase: legal, without effect or with the one that is stated.
TEST(Ends, AnEndedConnectionConsumesEverythingSilently) {
  const std::function<void(Pair&)> ways[] = {
      [](Pair& p) { p.client.event(Close{}); },
      [](Pair& p) {
        p.connect();
        p.client.event(Close{});
        p.server.event(Close{});
        p.run();
      },
      [](Pair& p) {
        p.start();
        p.client.receive("garbage that is no record");
      },
  };
  for (const auto& way : ways) {
    Pair pair;
    way(pair);
    End& end = pair.client;
    EXPECT_TRUE(end.state.ended());
    end.save_and_load();
    const Log before = end.log;
    end.take_sent();
    std::vector<Byte> bytes(33);
    const std::pair<Connection::Event, std::size_t> events[] = {
        {Tick{}, 1},  {Entropy{}, 1},     {stream::Received{bytes}, 33}, {stream::PeerFinished{}, 1},
        {Close{}, 1}, {Write{bytes}, 33}, {UpdateKeys{true}, 1},         {Reply{{1}, Declined{}}, 1},
    };
    for (const auto& [event, size] : events) {
      const auto progress = end.step(event);
      EXPECT_EQ(progress.consumed, size);
      EXPECT_EQ(progress.wants, Wants::nothing);
      EXPECT_FALSE(progress.more);
    }
    EXPECT_EQ(end.log, before);
    EXPECT_EQ(end.sent, "");
    EXPECT_EQ(end.budget.used(), 0u);
  }
}

TEST(Transfer, MegabytesBothWaysThroughRandomCutsAndRooms) {
  limpid::test::Random random(2024);
  Pair pair(client_config({.pad_to = 7, .limits = {.records_per_key = 40}}),
            server_config({.limits = {.records_per_key = 60}}));
  pair.connect();
  std::string up, down;
  for (int round = 0; round < 60; ++round) {
    for (End* end : {&pair.client, &pair.server}) {
      end->room_bytes = Connection::least_room.bytes + random.below(40000);
      end->room_actions = Connection::least_room.actions + random.below(20);
      if (round % 10 == 0) end->save_and_load();
    }
    const auto data = random.bytes(random.below(30000)), back = random.bytes(random.below(30000));
    up += as_text(Bytes(data.data(), data.size()));
    down += as_text(Bytes(back.data(), back.size()));
    pair.client.write(as_text(Bytes(data.data(), data.size())));
    pair.server.write(as_text(Bytes(back.data(), back.size())));
    if (random.below(5) == 0) pair.client.event(UpdateKeys{random.below(2) == 0});
    pair.run([&] { return 1 + random.below(20000); });
  }
  EXPECT_TRUE(pair.server.delivered == up);
  EXPECT_TRUE(pair.client.delivered == down);
}

}  // namespace
}  // namespace limpid::tls::test
