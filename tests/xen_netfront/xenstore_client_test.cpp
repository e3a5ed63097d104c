// The client of xenstore alone: exact messages, faults by name, the laws.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "limpid/sim/laws.hpp"
#include "limpid/xen_netfront/protocol/console_output.hpp"
#include "limpid/xen_netfront/protocol/ring.hpp"
#include "limpid/xen_netfront/protocol/xenstore_client.hpp"

namespace limpid::xen_netfront::xenstore {
namespace {

using std::string_literals::operator""s;

std::string message(MessageType type, std::uint32_t id, std::uint32_t transaction, const std::string& payload,
                    std::optional<std::uint32_t> length = {}) {
  Byte room[header_size];
  Writer out((MutableBytes(room)));
  MessageHeader{type, id, transaction, length.value_or(static_cast<std::uint32_t>(payload.size()))}.emit(out);
  return std::string(as_text(room)) + payload;
}

// A client, everything it does written down as text.
struct Session {
  explicit Session(std::uint32_t ring = 100000) { tell(RingRoom{ring}); }

  void tell(Client::Event event) {
    for (;;) {
      const auto progress = Client::advance({}, client, {}, event, {room, slots, budget});
      for (const auto& action : progress.actions) {
        std::visit(Overloaded{[&](const stream::Send& a) { sent += as_text(a.bytes); },
                              [&](const Answer& a) {
                                told.push_back(std::to_string(a.token) + " " + std::string(describe(a.status)) +
                                               (a.value.empty() ? "" : ": " + std::string(as_text(a.value))));
                              },
                              [&](const Fired& a) {
                                told.push_back(std::to_string(a.token) + " fired " + std::string(a.path));
                              },
                              [&](const Failed&) { told.push_back("failed"); }},
                   action);
      }
      if (auto* received = std::get_if<stream::Received>(&event)) {
        received->bytes = received->bytes.subspan(progress.consumed);
        if (received->bytes.empty()) event = Tick{};
      } else if (progress.consumed == 1) {
        event = Tick{};
      }
      if (!progress.more) return;
    }
  }
  void receive(std::string bytes) { tell(stream::Received{{reinterpret_cast<Byte*>(bytes.data()), bytes.size()}}); }
  std::string take_sent() { return std::exchange(sent, {}); }
  std::vector<std::string> take_told() { return std::exchange(told, {}); }

  Budget budget{1 << 20};
  Client client;
  Byte room[Client::least_room.bytes];
  Client::Action slots[Client::least_room.actions];
  std::string sent;
  std::vector<std::string> told;
};
using Told = std::vector<std::string>;

TEST(XenstoreClient, SaysEveryRequestInItsOwnForm) {
  Session session;
  session.tell(Request{7, Operation::read, "device/vif/0/mac", {}});
  EXPECT_EQ(session.take_sent(), "\2\0\0\0\1\0\0\0\0\0\0\0\x11\0\0\0device/vif/0/mac\0"s);
  session.tell(Request{8, Operation::write, "a", as_bytes("value")});
  EXPECT_EQ(session.take_sent(), message(MessageType::write, 2, 0, "a\0value"s));
  session.tell(Request{9, Operation::watch, "b", {}});
  EXPECT_EQ(session.take_sent(), message(MessageType::watch, 3, 0, "b\0009\0"s));
  session.tell(Request{9, Operation::unwatch, "b", {}});
  EXPECT_EQ(session.take_sent(), message(MessageType::unwatch, 4, 0, "b\0009\0"s));
  session.tell(Request{10, Operation::list, "c", {}});
  EXPECT_EQ(session.take_sent(), message(MessageType::directory, 5, 0, "c\0"s));
  session.tell(Request{11, Operation::make_directory, "d", {}});
  EXPECT_EQ(session.take_sent(), message(MessageType::mkdir, 6, 0, "d\0"s));
  session.tell(Request{12, Operation::remove, "e", {}});
  EXPECT_EQ(session.take_sent(), message(MessageType::rm, 7, 0, "e\0"s));
  EXPECT_EQ(session.client.open(), 7u);

  // Answered in another order, in pieces of one byte.
  const std::string answers =
      message(MessageType::rm, 7, 0, "OK\0"s) + message(MessageType::error, 6, 0, "EACCES\0"s) +
      message(MessageType::directory, 5, 0, "x\0y\0"s) + message(MessageType::unwatch, 4, 0, "OK\0"s) +
      message(MessageType::watch, 3, 0, "OK\0"s) + message(MessageType::watch_event, 0, 0, "b/c\0009\0"s) +
      message(MessageType::write, 2, 0, "OK\0"s) + message(MessageType::read, 1, 0, "");
  for (const char byte : answers) session.receive(std::string(1, byte));
  EXPECT_EQ(session.take_told(), (Told{"12 done", "11 access is denied (EACCES)", "10 done: x\0y\0"s, "9 done",
                                       "9 done", "9 fired b/c", "8 done", "7 done"}));
  EXPECT_EQ(session.client.open(), 0u);
}

TEST(XenstoreClient, PublishesInOneTransaction) {
  Session session;
  session.tell(Publish{5, {{"a", as_bytes("1")}, {"b", as_bytes("2")}}});
  EXPECT_EQ(session.take_sent(), message(MessageType::transaction_start, 1, 0, "\0"s));
  // A second one at the same time is refused; other requests go their way.
  session.tell(Publish{6, {{"a", as_bytes("1")}}});
  EXPECT_EQ(session.take_told(), Told{"6 the store is busy (EBUSY)"});
  session.receive(message(MessageType::transaction_start, 1, 0, "4294967295\0"s));
  EXPECT_EQ(session.take_sent(), message(MessageType::write, 2, 0xFFFFFFFF, "a\0001"s) +
                                     message(MessageType::write, 3, 0xFFFFFFFF, "b\0002"s));
  session.receive(message(MessageType::write, 3, 0xFFFFFFFF, "OK\0"s));
  EXPECT_EQ(session.take_sent(), "");
  session.receive(message(MessageType::write, 2, 0xFFFFFFFF, "OK\0"s));
  EXPECT_EQ(session.take_sent(), message(MessageType::transaction_end, 4, 0xFFFFFFFF, "T\0"s));
  session.receive(message(MessageType::error, 4, 0xFFFFFFFF, "EAGAIN\0"s));
  EXPECT_EQ(session.take_sent(), message(MessageType::transaction_start, 5, 0, "\0"s));
  session.receive(message(MessageType::transaction_start, 5, 0, "9\0"s));
  session.receive(message(MessageType::write, 6, 9, "OK\0"s) + message(MessageType::write, 7, 9, "OK\0"s));
  session.receive(message(MessageType::transaction_end, 8, 9, "OK\0"s));
  EXPECT_EQ(session.take_told(), Told{"5 done"});
}

TEST(XenstoreClient, AbortsWhenAWriteFails) {
  Session session;
  session.tell(Publish{5, {{"a", as_bytes("1")}, {"b", as_bytes("2")}}});
  session.receive(message(MessageType::transaction_start, 1, 0, "3\0"s));
  session.take_sent();
  session.receive(message(MessageType::error, 2, 3, "ENOSPC\0"s) + message(MessageType::write, 3, 3, "OK\0"s));
  EXPECT_EQ(session.take_sent(), message(MessageType::transaction_end, 4, 3, "F\0"s));
  EXPECT_EQ(session.take_told(), Told{});
  session.receive(message(MessageType::transaction_end, 4, 3, "OK\0"s));
  EXPECT_EQ(session.take_told(), Told{"5 the domain's quota is used up (ENOSPC)"});
}

TEST(XenstoreClient, GivesUpAfterSixteenConflicts) {
  Session session;
  session.tell(Publish{5, {{"a", as_bytes("1")}}});
  for (std::uint32_t i = 0; i < 16; ++i) {
    EXPECT_EQ(session.take_told(), Told{});
    session.receive(message(MessageType::transaction_start, 1 + 3 * i, 0, "3\0"s) +
                    message(MessageType::write, 2 + 3 * i, 3, "OK\0"s) +
                    message(MessageType::error, 3 + 3 * i, 3, "EAGAIN\0"s));
  }
  EXPECT_EQ(session.take_told(), Told{"5 other transactions came in between each time (EAGAIN)"});
}

TEST(XenstoreClient, SendsAsTheRingHasRoom) {
  Session session(0);
  session.tell(Request{1, Operation::read, "abcdef", {}});
  EXPECT_EQ(session.take_sent(), "");
  EXPECT_EQ(session.client.unsent(), 23u);
  std::string all;
  for (int i = 0; i < 23; ++i) {
    session.tell(RingRoom{1});
    EXPECT_EQ(session.sent.size(), 1u);
    all += session.take_sent();
  }
  EXPECT_EQ(all, message(MessageType::read, 1, 0, "abcdef\0"s));
}

TEST(XenstoreClient, NamesEveryFault) {
  const std::pair<std::string, std::string> answers[] = {
      {message(MessageType::error, 1, 0, "ENOENT\0"s), "1 there is no such entry (ENOENT)"},
      {message(MessageType::error, 1, 0, "EWHATEVER\0"s), "1 the store named an error that is not known"},
      {message(MessageType::error, 1, 0, "ENOENT"), "1 the store's answer is malformed"},
      {message(MessageType::error, 1, 0, ""), "1 the store's answer is malformed"},
      {message(MessageType::write, 1, 0, "OK\0"s), "1 the store's answer is malformed"},
      {message(static_cast<MessageType>(999), 1, 0, "x"), "1 the store's answer is malformed"},
  };
  for (const auto& [answer, expected] : answers) {
    Session session;
    session.tell(Request{1, Operation::read, "a", {}});
    session.receive(answer);
    EXPECT_EQ(session.take_told(), Told{expected});
  }
}

TEST(XenstoreClient, CountsWhatNobodyAskedFor) {
  Session session;
  for (const auto& stray :
       {message(MessageType::read, 1, 0, "x"), message(MessageType::watch_event, 0, 0, "path"),
        message(MessageType::watch_event, 0, 0, "path\0token\0"s),
        message(MessageType::watch_event, 0, 0, "path\0004294967296\0"s),
        message(MessageType::watch_event, 0, 0, "path\0005"s), message(MessageType::watch_event, 0, 0, "")}) {
    session.receive(stray);
  }
  EXPECT_EQ(session.take_told(), Told{});
  EXPECT_EQ(session.client.stray_messages(), 6u);
  // An id is answered once.
  session.tell(Request{1, Operation::read, "a", {}});
  session.receive(message(MessageType::read, 1, 0, "x") + message(MessageType::read, 1, 0, "y"));
  EXPECT_EQ(session.take_told(), Told{"1 done: x"});
  EXPECT_EQ(session.client.stray_messages(), 7u);
}

TEST(XenstoreClient, AMessageThatIsTooLongEndsTheConnection) {
  Session session;
  session.tell(Request{1, Operation::read, "a", {}});
  session.tell(Publish{2, {{"a", as_bytes("1")}}});
  session.receive(message(MessageType::read, 1, 0, "", 4097) + "whatever follows");
  EXPECT_EQ(session.take_told(),
            (Told{"failed", "1 the connection to the store was lost", "2 the connection to the store was lost"}));
  EXPECT_TRUE(session.client.failed());
  session.take_sent();
  session.tell(Request{3, Operation::read, "a", {}});
  EXPECT_EQ(session.take_told(), Told{"3 the connection to the store was lost"});
  session.tell(ConnectionReset{});
  session.tell(RingRoom{1024});
  session.tell(Request{4, Operation::read, "a", {}});
  EXPECT_EQ(session.take_sent(), message(MessageType::read, 3, 0, "a\0"s));
  session.receive(message(MessageType::read, 3, 0, std::string(4096, 'v')));
  EXPECT_EQ(session.take_told(), Told{"4 done: " + std::string(4096, 'v')});
}

TEST(XenstoreClient, AReset) {
  Session session;
  for (std::uint32_t i = 0; i < 32; ++i) session.tell(Request{i, Operation::read, "a", {}});
  EXPECT_EQ(session.take_told(), Told{});
  session.tell(Request{32, Operation::read, "a", {}});
  EXPECT_EQ(session.take_told(), Told{"32 too much is asked of the store at once"});
  session.receive("half a header");
  session.tell(ConnectionReset{});
  const auto told = session.take_told();
  ASSERT_EQ(told.size(), 32u);
  EXPECT_EQ(told[31], "31 the connection to the store was lost");
  EXPECT_EQ(session.client.open(), 0u);
}

TEST(XenstoreClient, RefusesWhatIsNoRequest) {
  Session session;
  session.tell(Request{1, Operation::read, "", {}});
  session.tell(Request{2, Operation::read, {"a\0b", 3}, {}});
  session.tell(Request{3, Operation::write, "a", as_bytes(std::string(4095, 'x'))});
  session.tell(Publish{4, {}});
  session.tell(Publish{5, {{"", {}}}});
  const std::string long_value(4096, 'x');
  session.tell(Publish{6, {{"a", as_bytes(long_value)}}});
  EXPECT_EQ(session.take_told(),
            (Told{"1 the request is not valid (EINVAL)", "2 the request is not valid (EINVAL)",
                  "3 too much is asked of the store at once", "4 the request is not valid (EINVAL)",
                  "5 the request is not valid (EINVAL)", "6 too much is asked of the store at once"}));
  EXPECT_EQ(session.take_sent(), "");
}

// A whole life, with everything in it.
Buffer life(Budget& harness) {
  Buffer trace(harness);
  std::vector<std::string> kept;
  const auto tell = [&](const Client::Event& event) { EXPECT_TRUE(sim::append_event<Client>(trace, {}, event)); };
  const auto receive = [&](std::string bytes) {
    tell(stream::Received{{reinterpret_cast<Byte*>(bytes.data()), bytes.size()}});
  };
  tell(Request{1, Operation::watch, "device", {}});
  tell(RingRoom{1024});
  tell(Publish{2, {{"a", as_bytes("1")}, {"b/c", as_bytes("twenty-two")}}});
  tell(Request{3, Operation::list, "c", {}});
  receive(message(MessageType::watch, 1, 0, "OK\0"s) + message(MessageType::watch_event, 0, 0, "device\0001\0"s) +
          message(MessageType::transaction_start, 2, 0, "17\0"s) +
          message(MessageType::directory, 3, 0, std::string(3000, 'n')));
  receive(message(MessageType::write, 4, 17, "OK\0"s) + message(MessageType::write, 5, 17, "OK\0"s));
  tell(RingRoom{100});
  receive(message(MessageType::error, 6, 17, "EAGAIN\0"s) + message(MessageType::transaction_start, 7, 0, "18\0"s));
  receive(message(MessageType::error, 8, 18, "ENOSPC\0"s) + message(MessageType::write, 9, 18, "OK\0"s));
  tell(Request{4, Operation::read, "d", {}});
  receive(message(MessageType::transaction_end, 10, 18, "OK\0"s) + message(MessageType::read, 99, 0, "stray"));
  tell(RingRoom{1024});
  receive(message(MessageType::read, 11, 0, "value") + message(MessageType::read, 1, 0, "", 5000) + "lost");
  tell(Request{5, Operation::read, "d", {}});
  tell(ConnectionReset{});
  tell(RingRoom{1024});
  for (std::uint32_t i = 0; i < 40; ++i) tell(Request{i, Operation::write, "path", as_bytes("some value")});
  tell(ConnectionReset{});
  return trace;
}

TEST(XenstoreClient, KeepsTheLaws) {
  Budget harness(256 << 20);
  Buffer trace = life(harness);
  const auto outcome = sim::check_laws<Client>({}, {trace.data(), trace.size()}, {}, harness);
  ASSERT_TRUE(outcome) << describe(outcome.error().law) << ": " << outcome.error().what << " " << outcome.error().event;
  EXPECT_GE(outcome->allocations, 3u);
}

TEST(XenstoreClient, DamagedSnapshotsAreRefusedOrHarmless) {
  Budget harness(64 << 20);
  Session session(10);
  session.tell(Request{1, Operation::read, "a", {}});
  session.tell(Publish{2, {{"a", as_bytes("1")}, {"b", as_bytes("2")}}});
  session.tell(RingRoom{1000});
  session.receive(message(MessageType::transaction_start, 2, 0, "17\0"s) +
                  message(MessageType::read, 1, 0, "value").substr(0, 18));
  const auto saved = save(session.client, Instant{}, harness);
  ASSERT_TRUE(saved);
  std::size_t loaded_count = 0;
  for (std::size_t bit = 0; bit < saved->size() * 8; ++bit) {
    Buffer damaged(harness);
    ASSERT_TRUE(damaged.append({saved->data(), saved->size()}));
    damaged[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    Budget budget(1 << 20);
    auto loaded = load<Client>({damaged.data(), damaged.size()}, {Instant{}, budget});
    if (!loaded) continue;
    ++loaded_count;
    Session other;
    other.client = std::move(*loaded);
    other.receive(message(MessageType::write, 3, 17, "OK\0"s) + message(MessageType::transaction_end, 4, 17, "OK\0"s));
    other.tell(Request{9, Operation::read, "a", {}});
    other.tell(ConnectionReset{});
    EXPECT_EQ(other.client.open(), 0u);
    other.client = Client{};
  }
  EXPECT_GT(loaded_count, 0u);
}

// The rings' arithmetic.

TEST(Ring, NotifiesIffTheEventWasPassed) {
  for (const std::uint32_t base : {0u, 100u, 0xFFFFFFF0u}) {
    EXPECT_TRUE(must_notify(base, base + 1, base + 1));
    EXPECT_FALSE(must_notify(base, base + 1, base + 2));
    EXPECT_TRUE(must_notify(base, base + 20, base + 20));
    EXPECT_FALSE(must_notify(base, base + 20, base));
    EXPECT_FALSE(must_notify(base, base, base));
  }
}

TEST(Ring, BytesAtTheEndAndAcrossTheWrap) {
  EXPECT_EQ(bytes_in_ring(0xFFFFFFFF, 1, 1024), 2u);
  EXPECT_EQ(room_in_ring(0xFFFFFFFF, 1, 1024), 1022u);
  EXPECT_EQ(bytes_in_ring(1, 0, 1024), 0u) << "ran backwards";
  EXPECT_EQ(room_in_ring(0, 1025, 1024), 0u) << "too far";
  EXPECT_EQ(room_in_ring(0, 1024, 1024), 0u);
  EXPECT_EQ(span_in_ring(1020, 10, 1024), (RingSpan{1020, 4, 6}));
  EXPECT_EQ(span_in_ring(0xFFFFFFFE, 3, 1024), (RingSpan{1022, 2, 1}));
  EXPECT_EQ(span_in_ring(2048, 3, 1024), (RingSpan{0, 3, 0}));
  EXPECT_EQ(slot_offset(257, 12), 64u + 12);
  EXPECT_EQ(slot_offset(0xFFFFFFFF, 8), 64u + 255 * 8);
}

TEST(ConsoleOutput, KeepsWhatFitsAndSaysWhatIsLost) {
  ConsoleOutput console;
  const std::string line(1000, 'x');
  for (int i = 0; i < 5; ++i) console.write(line);
  EXPECT_EQ(console.held(), ConsoleOutput::capacity);
  EXPECT_EQ(console.lost(), 904u);
  std::string out;
  const auto drain = [&](std::size_t room) {
    const Bytes piece = console.next(room);
    out += as_text(piece);
    console.taken(piece.size());
    return piece.size();
  };
  EXPECT_EQ(drain(10), 10u);
  console.write("nothing is kept before the note");
  EXPECT_EQ(console.lost(), 904u + 31);
  EXPECT_EQ(drain(2048), 2048u);
  console.write("after");
  while (drain(2048) > 0) {
  }
  EXPECT_EQ(out.substr(4096), "[935 bytes lost]\r\nafter");
  console.write("more");
  EXPECT_EQ(as_text(console.next(2)), "mo");
}

}  // namespace
}  // namespace limpid::xen_netfront::xenstore
