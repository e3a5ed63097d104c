// The six laws, for the machines of http/.
#include "limpid/sim/laws.hpp"

#include <gtest/gtest.h>

#include "limpid/http/client.hpp"
#include "limpid/http/server.hpp"

namespace limpid::http {
namespace {

constexpr Time start{{5'000'000}, {1763665992}};

template <class M>
class Trace {
 public:
  void add(const typename M::Event& event) { ASSERT_TRUE(sim::append_event<M>(trace_, now, event)); }
  void receive(std::string_view text) {
    std::vector<Byte> bytes(text.begin(), text.end());
    add(stream::Received{bytes});
  }
  void pass(Duration time) { now.monotonic = now.monotonic + time; }

  sim::Outcome check(sim::LawOptions options) {
    options.small_rooms_frame_alike = true;
    auto outcome = sim::check_laws<M>({}, {trace_.data(), trace_.size()}, options, harness);
    if (!outcome) {
      ADD_FAILURE() << describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                    << outcome.error().event;
      return {sim::ActionLog(harness), Buffer(harness)};
    }
    return std::move(*outcome);
  }

  Budget harness{1 << 28};
  Time now = start;

 private:
  Buffer trace_{harness};
};

std::string sent(const sim::Outcome& outcome, Budget& budget) {
  Buffer bytes(budget);
  EXPECT_TRUE(outcome.log.collect(0, bytes));
  return std::string(as_text({bytes.data(), bytes.size()}));
}

TEST(HttpLaws, ServerKeepsThem) {
  Trace<Server> trace;
  trace.receive(
      "\r\nGET /missing HTTP/1.1\r\nHost: h\r\n\r\n"
      "HEAD /notes.txt HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n"
      "GET /notes.txt HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n\r\n"
      "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n");
  trace.add(Reply{{1}, LookupFailure::not_found});
  trace.add(Reply{{9}, LookupFailure::not_found});
  trace.add(Reply{{2}, Found{{4}, 10, {784111777}, 7}});
  trace.add(Reply{{3}, Found{{5}, 10, {784111777}, 7}});
  trace.add(Reply{{3}, Found{{6}, 10, {784111777}, 7}});
  trace.pass(seconds(3));
  trace.receive("GET /sub HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HT");
  trace.add(Reply{{4}, LookupFailure::is_directory});
  trace.pass(seconds(10));
  trace.add(Tick{});
  trace.receive("TP/1.1\r\n");
  trace.add(stream::PeerFinished{});
  const auto outcome = trace.check({});
  const std::string text = sent(outcome, trace.harness);
  for (const std::string_view status : {"404", "200", "405", "304", "400", "301", "408"}) {
    EXPECT_TRUE(text.contains("HTTP/1.1 " + std::string(status))) << status;
  }
}

TEST(HttpLaws, ServerKeepsThemInsideOfAnAnswer) {
  // A file whose pieces are shorter than any room: the trace's replies fit every run.
  for (const bool reset : {false, true}) {
    Trace<Server> trace;
    trace.receive("GET /notes.txt HTTP/1.1\r\nHost: h\r\n\r\n");
    trace.add(Reply{{1}, Found{{4}, 3, {784111777}, 7}});
    trace.add(Reply{{7}, Piece{as_bytes("stale")}});
    if (reset) {
      trace.add(stream::Reset{});
      trace.add(Drain{});
    } else {
      trace.add(Drain{});
      trace.pass(seconds(40));
      trace.add(Tick{});
    }
    trace.receive("more");
    trace.check({});
  }
}

TEST(HttpLaws, ServerKeepsThemOnGarbage) {
  std::uint64_t seed = 1;
  for (int round = 0; round < 30; ++round) {
    Trace<Server> trace;
    std::string text;
    constexpr std::string_view pieces[] = {
        "GET ", "/ ", "HTTP/1.1", "\r\n",      "Host: h", "\r\n\r\n", "Content-Length: 3", "Transfer-Encoding: chunked",
        "\r",   "\n", "\x01",     "0\r\n\r\n", "fff\r\n", " "};
    for (int i = 0; i < 40; ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      text += pieces[(seed >> 33) % std::size(pieces)];
    }
    trace.receive(text);
    trace.add(stream::PeerFinished{});
    trace.check({.refusals = 4});
  }
}

TEST(HttpLaws, ClientKeepsThem) {
  const std::string_view answers[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789rest",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;x\r\nabcd\r\n1\r\ne\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: 1\r\n\r\nrest",
      "HTTP/1.0 200 OK\r\n\r\nuntil the end",
      "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcdX",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
  };
  for (const std::string_view answer : answers) {
    Trace<Client> trace;
    trace.add(Fetch{Method::get, as_bytes("/a?b"), as_bytes("site.test"), as_bytes("X-A: b\r\n")});
    trace.receive(answer);
    trace.add(stream::PeerFinished{});
    trace.check({});
  }
}

}  // namespace
}  // namespace limpid::http
