#include "limpid/http/client.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace limpid::http {
namespace {

const Client::Config config{};

struct Driver {
  std::size_t step(const Client::Event& event) {
    std::vector<Byte> bytes(room);
    std::array<Client::Action, Client::least_room.actions> slots;
    const auto progress = Client::advance(config, state, {}, event, {bytes, slots, budget, {}});
    for (const auto& action : progress.actions) {
      EXPECT_FALSE(done || failed) << "something follows the end";
      std::visit(Overloaded{
                     [&](const stream::Send& send) { sent += as_text(send.bytes); },
                     [&](const HeadReceived& head) { status = head.status; },
                     [&](const BodyReceived& part) { body += as_text(part.bytes); },
                     [&](const Done& d) { done = d; },
                     [&](const FetchFailed& f) { failed = f; },
                 },
                 action);
    }
    wants = progress.wants;
    return progress.consumed;
  }
  void receive(std::string_view text) {
    std::vector<Byte> bytes(text.begin(), text.end());
    EXPECT_EQ(step(stream::Received{bytes}), text.size());
  }

  Budget budget{1 << 20};
  Client state;
  std::size_t room = 1 << 12;
  std::string sent, body;
  int status = 0;
  std::optional<Done> done;
  std::optional<FetchFailed> failed;
  Wants wants = Wants::event;
};

const Fetch fetch{Method::get, as_bytes("/a?b"), as_bytes("site.test:8443"), {}};

TEST(HttpClient, AsksInRoomsOfEverySize) {
  const std::string request =
      "GET /a?b HTTP/1.1\r\nHost: site.test:8443\r\nUser-Agent: limpid\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  for (std::size_t room = 0; room < 200; ++room) {
    Driver driver;
    driver.room = room;
    driver.step(fetch);
    if (room == 0) {
      EXPECT_EQ(driver.wants, Wants::room);
      continue;
    }
    while (driver.wants == Wants::room) driver.step(Tick{});
    ASSERT_EQ(driver.sent, request);
  }
}

TEST(HttpClient, TheCallersFieldsReplaceItsOwn) {
  Driver driver;
  driver.step(
      Fetch{Method::head, as_bytes("/"), as_bytes("h"), as_bytes("accept: text/html\r\nHOST: other\r\nX-A: b\r\n")});
  EXPECT_EQ(driver.sent,
            "HEAD / HTTP/1.1\r\nUser-Agent: limpid\r\nConnection: close\r\naccept: text/html\r\nHOST: other\r\nX-A: "
            "b\r\n\r\n");
}

TEST(HttpClient, NothingCanBreakOutOfTheRequest) {
  const struct {
    std::string_view target, host, lines;
  } cases[] = {
      {"", "h", ""},
      {"a", "h", ""},
      {"/ HTTP/1.1\r\nX: y", "h", ""},
      {"/ ", "h", ""},
      {"/\n", "h", ""},
      {"/", "", ""},
      {"/", "h\r\nX: y", ""},
      {"/", "h h", ""},
      {"/", "h", "X: y"},
      {"/", "h", "X: y\n"},
      {"/", "h", "X: y\r\n\r\nGET / HTTP/1.1\r\n"},
      {"/", "h", "X : y\r\n"},
      {"/", "h", " X: y\r\n"},
      {"/", "h", "X: y\rz\r\n"},
      {"/", "h", "nothing\r\n"},
  };
  for (const auto& c : cases) {
    Driver driver;
    driver.step(Fetch{Method::get, as_bytes(c.target), as_bytes(c.host), as_bytes(c.lines)});
    ASSERT_TRUE(driver.failed) << c.target << c.host << c.lines;
    EXPECT_EQ(driver.failed->fault, FetchFault::malformed_request);
    EXPECT_EQ(driver.sent, "");
  }
}

struct Answer {
  std::string_view text;
  std::string_view body;
  bool ended_by_close = false;
};

constexpr Answer good[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
    {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello"},
    {"HTTP/1.1 200 OK\r\ncontent-length:\t5 \r\n\r\nhello and more", "hello"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
    {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", ""},
    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "a"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n5;a=\"b\"\r\nhello\r\n001\r\n!\r\n0;x\r\nA: b\r\nC: "
     "d\r\n\r\n",
     "hello!"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\nGET", "0123456789"},
    {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end", true},
    {"HTTP/1.1 200 OK\r\n\r\n", "", true},
};

TEST(HttpClient, ReadsEveryFramingAtEveryCut) {
  for (const Answer& answer : good) {
    for (std::size_t cut = 0; cut <= answer.text.size(); ++cut) {
      Driver driver;
      driver.step(fetch);
      driver.receive(answer.text.substr(0, cut));
      driver.receive(answer.text.substr(cut));
      EXPECT_EQ(driver.done.has_value(), !answer.ended_by_close);
      if (answer.ended_by_close) driver.step(stream::PeerFinished{});
      ASSERT_TRUE(driver.done) << answer.text << cut;
      EXPECT_EQ(driver.done->ended_by_close, answer.ended_by_close);
      ASSERT_EQ(driver.body, answer.body) << cut;
      EXPECT_FALSE(driver.state.head().empty());
      EXPECT_EQ(driver.wants, Wants::nothing);
    }
  }
}

// Every answer that ends early is known to be incomplete, but for those that nothing else ends.
TEST(HttpClient, EveryTruncationIsFound) {
  for (const Answer& answer : good) {
    if (answer.ended_by_close) continue;
    for (std::size_t n = 0; n < answer.text.size(); ++n) {
      Driver driver;
      driver.step(fetch);
      driver.receive(answer.text.substr(0, n));
      if (driver.done) break;  // complete: the rest is behind the answer
      driver.step(n % 2 == 0 ? Client::Event{stream::PeerFinished{}} : Client::Event{Truncated{}});
      ASSERT_TRUE(driver.failed) << answer.text.substr(0, n);
      EXPECT_EQ(driver.failed->fault, FetchFault::truncated);
      EXPECT_TRUE(answer.body.starts_with(driver.body)) << "what came before is delivered";
    }
  }
  // Over TLS the end of such an answer must have been said.
  Driver driver;
  driver.step(fetch);
  driver.receive("HTTP/1.0 200 OK\r\n\r\nuntil the");
  driver.step(Truncated{});
  EXPECT_EQ(driver.failed->fault, FetchFault::truncated);
}

TEST(HttpClient, RefusesHostileAnswers) {
  using R = ResponseFault;
  const struct {
    std::string text;
    FetchFault fault;
    R response = {};
  } cases[] = {
      {"HTTP/2 200 OK\r\n\r\n", FetchFault::malformed_head, R::malformed_status_line},
      {"HTTP/2.0 200 OK\r\n\r\n", FetchFault::malformed_head, R::wrong_version},
      {"ICY 200 OK\r\n\r\n", FetchFault::malformed_head, R::malformed_status_line},
      {"HTTP/1.1 20 OK\r\n\r\n", FetchFault::malformed_head, R::malformed_status_line},
      {"HTTP/1.1 099 X\r\n\r\n", FetchFault::malformed_head, R::malformed_status_line},
      {"HTTP/1.1 600 X\r\n\r\n", FetchFault::malformed_head, R::malformed_status_line},
      {"HTTP/1.1  200 OK\r\n\r\n", FetchFault::malformed_head, R::malformed_status_line},
      {"HTTP/1.1 200 OK\nA: b\n\n", FetchFault::malformed_head, R::malformed_field},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", FetchFault::malformed_head, R::malformed_field},
      {"HTTP/1.1 200 OK\r\n folded\r\n\r\n", FetchFault::malformed_head, R::malformed_field},
      {std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 24), FetchFault::malformed_head, R::malformed_field},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", FetchFault::malformed_head,
       R::faulty_framing},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", FetchFault::malformed_head, R::faulty_framing},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", FetchFault::malformed_head,
       R::faulty_framing},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", FetchFault::malformed_head, R::faulty_framing},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", FetchFault::malformed_head, R::unknown_coding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FetchFault::malformed_chunk},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", FetchFault::malformed_chunk},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", FetchFault::malformed_chunk},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nabc", FetchFault::malformed_chunk},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n", FetchFault::malformed_chunk},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'a'),
       FetchFault::malformed_chunk},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(20'000, 'a'),
       FetchFault::malformed_chunk},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", FetchFault::switched_protocols},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'a'), FetchFault::head_too_large},
      {"HTTP/1.1 200 " + std::string(9'000, 'a'), FetchFault::head_too_large},
  };
  for (const auto& c : cases) {
    Driver driver;
    driver.step(fetch);
    driver.receive(c.text);
    ASSERT_TRUE(driver.failed) << c.text.substr(0, 100);
    EXPECT_EQ(driver.failed->fault, c.fault) << c.text.substr(0, 100);
    EXPECT_EQ(driver.failed->response, c.response) << c.text.substr(0, 100);
  }
  Driver driver;
  driver.step(fetch);
  for (int i = 0; i < 9; ++i) driver.receive("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(driver.failed->fault, FetchFault::too_many_interim_answers);
}

TEST(HttpClient, HeadHasNoContentWhateverItSays) {
  Driver driver;
  driver.step(Fetch{Method::head, as_bytes("/"), as_bytes("h"), {}});
  driver.receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(driver.done);
}

TEST(HttpClient, EveryRefusedAllocationIsReported) {
  for (std::uint64_t n = 1;; ++n) {
    Driver driver;
    driver.budget.refuse_attempt(n);
    driver.step(fetch);
    driver.receive(good[0].text.substr(0, 20));
    driver.receive(good[0].text.substr(20));
    if (driver.budget.refusals() == 0) {
      EXPECT_TRUE(driver.done);
      EXPECT_GT(n, 2u);
      break;
    }
    ASSERT_TRUE(driver.failed);
    EXPECT_EQ(driver.failed->fault, FetchFault::out_of_memory);
  }
}

}  // namespace
}  // namespace limpid::http
