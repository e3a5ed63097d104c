// The six laws, for the machines of stack/, over traces of real exchanges.
#include "limpid/sim/laws.hpp"

#include <gtest/gtest.h>

#include "tests/stack/host_pair.hpp"

namespace limpid {
namespace {

// An application that also records what its machine is told.
template <class M, class Application>
struct Recording : Application {
  Recording(Application application, Budget& budget) : Application(std::move(application)), trace(budget) {}

  void told(Time now, const typename M::Event& event) { EXPECT_TRUE(sim::append_event<M>(trace, now, event)); }
  void arrived(Time now, Bytes bytes) {
    std::vector<Byte> copied(bytes.begin(), bytes.end());
    EXPECT_TRUE(sim::append_event<M>(trace, now, stream::Received{copied}));
  }

  Buffer trace;
};

using RecordingClient = Recording<stack::Client, test::ClientApplication>;
using RecordingServer = Recording<stack::Server, test::ServerApplication>;

struct Recorded {
  explicit Recorded(std::string target, bool with_tls, std::size_t delivery = 1 << 16)
      : exchange(std::move(target), {}, with_tls),
        client_app(std::move(exchange.client_app), harness),
        server_app(std::move(exchange.server_app), harness) {
    sim::TransportOptions options;
    options.largest_delivery = delivery;
    sim::TransportEnd<stack::Client, RecordingClient> client(exchange.client_config, client_app, exchange.client_budget,
                                                             harness);
    sim::TransportEnd<stack::Server, RecordingServer> server(exchange.server_config, server_app, exchange.server_budget,
                                                             harness);
    sim::MemoryTransport transport(options, client, server, test::epoch, harness);
    EXPECT_TRUE(transport.run(100'000));
  }

  template <class M>
  void check(const typename M::Config& config, Buffer& trace) {
    ASSERT_GT(trace.size(), 0u);
    sim::LawOptions options;
    options.cpu = {};
    const auto outcome = sim::check_laws<M>(config, {trace.data(), trace.size()}, options, harness);
    if (!outcome) {
      ADD_FAILURE() << describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                    << outcome.error().event;
    }
  }
  void check() {
    check<stack::Client>(exchange.client_config, client_app.trace);
    check<stack::Server>(exchange.server_config, server_app.trace);
  }

  Budget harness{1 << 28};
  test::Exchange exchange;
  RecordingClient client_app;
  RecordingServer server_app;
};

// Answers without a file's content: a trace holds the replies of one run, and pieces follow the room.
TEST(StackLaws, HoldOverTls) {
  Recorded recorded("/missing", true);
  EXPECT_EQ(recorded.client_app.status, 404);
  recorded.check();
}

TEST(StackLaws, HoldWithoutTls) {
  Recorded recorded("/missing", false);
  EXPECT_EQ(recorded.client_app.status, 404);
  recorded.check();
}

TEST(StackLaws, HoldWhenTheHandshakeFails) {
  Recorded recorded("/missing", true, 700);
  recorded.check();
  // A server that hears plain HTTP, and one that hears a client's bytes twice.
  Buffer trace(recorded.harness);
  Time now = test::epoch;
  const auto add = [&](const stack::Server::Event& event) {
    ASSERT_TRUE(sim::append_event<stack::Server>(trace, now, event));
  };
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  add(stream::Opened{});
  add(stream::Received{{reinterpret_cast<Byte*>(text.data()), text.size()}});
  now.monotonic = now.monotonic + seconds(30);
  add(Tick{});
  add(stream::PeerFinished{});
  recorded.check<stack::Server>(recorded.exchange.server_config, trace);
}

TEST(StackLaws, HoldWhenNothingComes) {
  Recorded recorded("/missing", true);
  Buffer trace(recorded.harness);
  Time now = test::epoch;
  const auto add = [&](const stack::Server::Event& event) {
    ASSERT_TRUE(sim::append_event<stack::Server>(trace, now, event));
  };
  add(stack::Drain{});
  add(stream::Opened{});
  add(http::Reply{{3}, http::Found{{1}, 1, {}, 1}});
  add(tls::Reply{{1}, tls::Declined{}});
  now.monotonic = now.monotonic + seconds(9);
  add(Tick{});
  now.monotonic = now.monotonic + seconds(1);
  add(Tick{});
  add(stack::Drain{});
  recorded.check<stack::Server>(recorded.exchange.server_config, trace);
}

// The whole server, told frames. What it is told depends on nothing that the runs vary.
TEST(StackLaws, HoldForAServerOverItsOwnHost) {
  for (const bool with_tls : {true, false}) {
    test::Exchange exchange("/missing", {}, with_tls);
    Budget harness(std::size_t{1} << 30);
    Buffer trace(harness);
    sim::LinkConditions lossy;
    lossy.loss = 20'000;
    lossy.reordering = 50'000;
    test::HostPair pair(exchange, lossy, 3, &trace);
    pair.run([] { return false; }, seconds(3));
    pair.fetching.emplace(exchange.client_config, "/missing", exchange.authority.anchors(), pair.client_budget);
    pair.id = pair.connect(443);
    ASSERT_TRUE(pair.run([&] { return pair.fetching->wants == Wants::nothing; }));
    pair.run([&] { return pair.ended.size() == 1; }, seconds(70));
    EXPECT_EQ(pair.fetching->application.status, 404);
    sim::LawOptions options;
    options.budget = pair.server_budget.limit();
    options.less_room = false;
    options.refusals = 60;
    const auto outcome =
        sim::check_laws<stack::HostServer>(pair.server_config, {trace.data(), trace.size()}, options, harness);
    if (!outcome) {
      ADD_FAILURE() << describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                    << outcome.error().event;
    }
  }
}

}  // namespace
}  // namespace limpid
