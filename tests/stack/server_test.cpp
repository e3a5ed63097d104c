// What stack::Server does where things go wrong, and over snapshots.
#include <gtest/gtest.h>

#include "limpid/stack/live.hpp"
#include "tests/stack/exchange.hpp"

namespace limpid {
namespace {

using test::Exchange;

// A TLS client that the test steps by hand, over a machine that it steps by hand too.
class Hand {
 public:
  explicit Hand(Exchange& exchange) : exchange_(exchange) {
    server_ = step_server(stream::Opened{{}, {}, {3}});
    tls_step(tls::Entropy{{4}});
  }

  // Lets client and server exchange everything they have to say.
  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      if (!to_server.empty() && !(holding && client.connected())) {
        std::vector<Byte> bytes(to_server.begin(), to_server.end());
        const std::size_t consumed = step_server(stream::Received{bytes}).consumed;
        to_server.erase(0, consumed);
        moved = consumed > 0;
      }
      while (answer_server() || (server_.wants == Wants::room && room > 0) || server_.more) {
        if (server_.wants == Wants::room || server_.more) step_server(Tick{});
        moved = true;
      }
      if (!to_client.empty()) {
        std::vector<Byte> bytes(to_client.begin(), to_client.end());
        const std::size_t consumed = tls_step(stream::Received{bytes});
        to_client.erase(0, consumed);
        moved = moved || consumed > 0;
      }
      if (const auto query = client.pending()) {
        const auto& verify = std::get<tls::VerifyPeer>(*query);
        const auto verdict =
            trusting ? stack::accept_any_peer(verify)
                     : stack::verify_peer(verify, exchange_.authority.anchors(), test::certificate_epoch, budget, {});
        tls_step(tls::Reply{client.query_id(), verdict.answer});
        moved = true;
      }
    }
  }
  void write(std::string_view text) { EXPECT_EQ(tls_step(tls::Write{as_bytes(text)}), text.size()); }
  bool answer_server() {
    if (server_.wants != Wants::reply || !answering) return false;
    step_server(*exchange_.server_app.answer(*server.pending()));
    return true;
  }

  std::size_t tls_step(const tls::Connection::Event& event) {
    std::vector<Byte> bytes(1 << 16);
    std::array<tls::Connection::Action, 32> slots;
    const auto progress =
        tls::Connection::advance(*exchange_.client_config.tls, client, now, event, {bytes, slots, budget, {}});
    for (const auto& action : progress.actions) {
      if (const auto* send = std::get_if<stream::Send>(&action)) to_server += as_text(send->bytes);
      if (const auto* deliver = std::get_if<tls::Deliver>(&action)) plaintext += as_text(deliver->bytes);
      if (std::holds_alternative<tls::PeerClosed>(action)) peer_closed = true;
    }
    return progress.consumed;
  }

  Progress<stack::Server::Action> step_server(const stack::Server::Event& event) {
    std::vector<Byte> bytes(room);
    slots_.resize(stack::Server::least_room.actions);
    server_ = stack::Server::advance(exchange_.server_config, server, now, event,
                                     {bytes, slots_, exchange_.server_budget, {}});
    for (const auto& action : server_.actions) {
      if (const auto* send = std::get_if<stream::Send>(&action)) {
        EXPECT_FALSE(ended_) << "something is sent behind the end";
        to_client += as_text(send->bytes);
        if (first_byte == 0 && !send->bytes.empty()) first_byte = send->bytes[0];
      }
      if (std::holds_alternative<stream::Finish>(action) || std::holds_alternative<stream::Abort>(action))
        ended_ = true;
      exchange_.server_app.see(action);
    }
    largest_memory = std::max(largest_memory, exchange_.server_budget.used());
    return server_;
  }
  void pass(Duration time) { now.monotonic = now.monotonic + time; }
  const Progress<stack::Server::Action>& last() const { return server_; }

  Time now = test::epoch;
  std::size_t room = 1 << 16;
  bool answering = true;
  bool trusting = false;
  bool holding = false;  // what the client sends once it is connected
  Budget budget{1 << 20};
  tls::Connection client;
  stack::Server server;
  std::string to_server, to_client, plaintext;
  bool peer_closed = false;
  Byte first_byte = 0;  // that the server sent
  std::size_t largest_memory = 0;

 private:
  Exchange& exchange_;
  bool ended_ = false;
  Progress<stack::Server::Action> server_;
  std::vector<stack::Server::Action> slots_;
};

std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: site.test\r\n\r\n"; }

TEST(StackServer, HoldsAtMostOneRecordOfPipelinedRequests) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.run();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += get("/index.html");
  hand.write(requests);
  const std::size_t before = exchange.server_budget.used();
  hand.answering = false;
  hand.run();
  EXPECT_LE(exchange.server_budget.used(), before + 2 * 16384 + 1024);
  EXPECT_FALSE(hand.to_server.empty()) << "the second record must wait";
  hand.answering = true;
  hand.answer_server();
  hand.run();
  EXPECT_EQ(exchange.server_app.served.size(), 500u);
  EXPECT_TRUE(hand.to_server.empty());
  EXPECT_EQ(exchange.server_budget.used(), before);
}

// None of them is a question to anybody, so nothing but the room for actions ends the step.
TEST(StackServer, AnswersARecordFullOfRequestsThatItRefuses) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.run();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_LT(requests.size(), 16384u);
  hand.write(requests);
  hand.run();
  EXPECT_EQ(exchange.server_app.served.size(), 500u);
  EXPECT_FALSE(exchange.server_app.finished);
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = hand.plaintext.find("HTTP/1.1 405 ", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 500u);
}

TEST(StackServer, AReaderThatStopsReadingCostsNoMemory) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.run();
  hand.room = 0;
  hand.write(get("/big.bin"));
  hand.run();
  EXPECT_EQ(hand.last().wants, Wants::room);
  EXPECT_LE(hand.largest_memory, 64u * 1024);
  // It is cut off in the end, and its file closed.
  ASSERT_TRUE(hand.last().deadline);
  hand.pass(exchange.server_config.http.progress_interval);
  hand.step_server(Tick{});
  EXPECT_TRUE(exchange.server_app.aborted);
  EXPECT_EQ(hand.last().wants, Wants::nothing);
  EXPECT_TRUE(exchange.site.open.empty());
  EXPECT_EQ(exchange.server_app.served.at(0).abandoned, http::Abandoned::stalled);
  EXPECT_EQ(exchange.server_budget.used(), 0u);
}

TEST(StackServer, AHandshakeThatTakesTooLongIsAborted) {
  Exchange exchange("");
  Hand hand(exchange);
  EXPECT_TRUE(hand.server.handshaking());
  EXPECT_EQ(hand.last().deadline, hand.now.monotonic + exchange.server_config.handshake_timeout);
  std::vector<Byte> part(hand.to_server.begin(), hand.to_server.begin() + 40);
  hand.step_server(stream::Received{part});
  hand.pass(exchange.server_config.handshake_timeout);
  hand.step_server(Tick{});
  EXPECT_TRUE(exchange.server_app.aborted);
  EXPECT_EQ(hand.last().wants, Wants::nothing);
  EXPECT_EQ(exchange.server_budget.used(), 0u);
}

TEST(StackServer, PlainHttpToTheTlsPortGetsAnAlert) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.to_server = get("/");
  hand.run();
  ASSERT_TRUE(exchange.server_app.failed);
  EXPECT_TRUE(exchange.server_app.finished);
  EXPECT_EQ(hand.first_byte, 21) << "an alert record";
  // What still comes is discarded until the peer is done, or for so long.
  hand.to_server = "more";
  hand.run();
  EXPECT_EQ(hand.to_server, "");
  EXPECT_EQ(hand.last().wants, Wants::event);
  hand.step_server(stream::PeerFinished{});
  EXPECT_EQ(hand.last().wants, Wants::nothing);
  EXPECT_FALSE(exchange.server_app.aborted);
}

TEST(StackServer, AnAnswerThatDoesNotFitDeclines) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.answering = false;
  hand.run();
  const auto query = std::get<stack::TlsQuery>(*hand.server.pending());
  hand.step_server(tls::Reply{query.id, tls::Signed{as_bytes("not asked for")}});
  ASSERT_TRUE(exchange.server_app.failed);
  EXPECT_EQ(exchange.server_app.failed->error.fault, tls::Fault::verification_failed);
  EXPECT_FALSE(hand.server.pending());
}

TEST(StackServer, LingersBehindItsEndForSoLong) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.run();
  hand.write("GET / HTTP/1.0\r\n\r\n");
  hand.run();
  EXPECT_TRUE(hand.peer_closed) << "close_notify must come before FIN";
  EXPECT_TRUE(exchange.server_app.finished);
  EXPECT_EQ(hand.last().deadline, hand.now.monotonic + exchange.server_config.linger_timeout);
  EXPECT_EQ(exchange.server_budget.used(), 0u);
  hand.pass(exchange.server_config.linger_timeout);
  hand.step_server(Tick{});
  EXPECT_TRUE(exchange.server_app.aborted);
  EXPECT_EQ(hand.last().wants, Wants::nothing);
}

// The peer is still taking an answer when the connection is to end: close_notify waits behind it for room.
TEST(StackServer, ASlowReaderHasTimeToTakeTheEndOfAnAnswer) {
  for (const bool takes_it : {true, false}) {
    Exchange exchange("");
    Hand hand(exchange);
    hand.run();
    hand.room = 0;
    hand.step_server(stack::Drain{});
    ASSERT_EQ(hand.last().wants, Wants::room);
    hand.pass(exchange.server_config.linger_timeout);
    hand.step_server(Tick{});
    EXPECT_FALSE(exchange.server_app.aborted);
    if (takes_it) {
      hand.room = 1 << 16;
      hand.run();
      EXPECT_TRUE(hand.peer_closed);
      EXPECT_TRUE(exchange.server_app.finished);
    } else {
      hand.pass(exchange.server_config.http.progress_interval);
      hand.step_server(Tick{});
      EXPECT_TRUE(exchange.server_app.aborted);
      EXPECT_EQ(hand.last().wants, Wants::nothing);
    }
  }
}

// A view into the room lives until the step ends, whatever else is sent in it. (Nor is there a server name behind it:
// the client has but an address.)
TEST(StackServer, TheProtocolAgreedOnIsReportedBesideAnAnswerOfTheSameStep) {
  Exchange exchange("");
  constexpr std::string_view protocols[] = {"http/1.1"};
  exchange.server_config.tls = *tls::Config::make({.role = tls::Role::server, .application_protocols = protocols});
  exchange.client_config.tls =
      *tls::Config::make({.role = tls::Role::client, .server_name = "192.0.2.1", .application_protocols = protocols});
  Hand hand(exchange);
  hand.trusting = true;
  hand.holding = true;
  hand.run();
  hand.write("BAD\r\n\r\n");  // is answered without a question
  std::vector<Byte> bytes(hand.to_server.begin(), hand.to_server.end());
  hand.step_server(stream::Received{bytes});
  EXPECT_EQ(exchange.server_app.application_protocol, "http/1.1");
  EXPECT_FALSE(hand.to_client.empty()) << "or this test shows nothing";
}

TEST(StackServer, ThePeersCloseNotifyIsAnsweredWithOurs) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.run();
  hand.write(get("/index.html"));
  hand.tls_step(tls::Close{});
  hand.run();
  EXPECT_TRUE(hand.plaintext.ends_with("<h1>hello</h1>\n")) << "a half-closed peer still gets its answer";
  EXPECT_TRUE(hand.peer_closed);
  EXPECT_TRUE(exchange.server_app.finished);
  EXPECT_FALSE(exchange.server_app.truncated);
  hand.step_server(stream::PeerFinished{});
  EXPECT_EQ(hand.last().wants, Wants::nothing);
}

TEST(StackServer, AnEndWithoutCloseNotifyIsReported) {
  Exchange exchange("");
  Hand hand(exchange);
  hand.run();
  EXPECT_EQ(hand.step_server(stream::PeerFinished{}).consumed, 1u);
  EXPECT_TRUE(exchange.server_app.truncated);
  EXPECT_TRUE(exchange.server_app.finished);
  EXPECT_EQ(hand.last().wants, Wants::nothing);
}

TEST(StackServer, DrainsInEveryPhase) {
  {
    Exchange exchange("");
    Hand hand(exchange);
    hand.step_server(stack::Drain{});
    EXPECT_TRUE(exchange.server_app.finished) << "a handshake is given up";
  }
  {
    Exchange exchange("");
    Hand hand(exchange);
    hand.run();
    hand.step_server(stack::Drain{});
    hand.run();
    EXPECT_TRUE(exchange.server_app.finished);
    EXPECT_TRUE(hand.peer_closed);
  }
  {
    Exchange exchange("");
    Hand hand(exchange);
    hand.run();
    hand.room = 4096;
    hand.write(get("/big.bin") + get("/"));
    hand.answering = false;
    hand.run();
    hand.step_server(stack::Drain{});
    EXPECT_FALSE(exchange.server_app.finished);
    hand.answering = true;
    hand.answer_server();
    hand.run();
    EXPECT_TRUE(hand.plaintext.ends_with(exchange.site.files["big.bin"].content)) << "the answer under way is finished";
    EXPECT_TRUE(hand.peer_closed);
    EXPECT_TRUE(exchange.site.open.empty());
  }
}

TEST(StackServer, AResetGivesEverythingBack) {
  for (std::uint32_t turn = 1; turn < 60; ++turn) {
    sim::TransportOptions options;
    options.reset_after = turn;
    options.largest_delivery = 900;
    options.largest_room = 4096;
    options.pipe = 8192;
    Exchange exchange("/big.bin", options);
    exchange.run();
    EXPECT_TRUE(exchange.site.open.empty()) << turn;
    EXPECT_EQ(exchange.server_budget.used(), 0u) << turn;
    EXPECT_FALSE(exchange.client_app.done);
  }
}

TEST(StackServer, EveryRefusedAllocationEndsOneConnectionOrNone) {
  std::uint64_t n = 1;
  for (;; ++n) {
    Exchange exchange("/index.html");
    exchange.server_budget.refuse_attempt(n);
    exchange.run();
    EXPECT_TRUE(exchange.site.open.empty());
    EXPECT_EQ(exchange.server_budget.used(), 0u);
    if (exchange.server_budget.refusals() == 0) {
      EXPECT_EQ(exchange.client_app.status, 200);
      break;
    }
  }
  EXPECT_GT(n, 5u);
}

// Both ends are sealed and opened again, mid-handshake and mid-transfer.
TEST(StackServer, GoesOnFromSealedSnapshots) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    sim::TransportOptions options;
    options.seed = seed;
    options.largest_delivery = 1500;
    options.largest_room = 6000;
    options.pipe = 8192;
    Exchange exchange("/big.bin", options);
    sim::Dice dice(seed);
    const crypto::SealKey key(std::array<Byte, 32>{9});
    std::uint32_t sealed_states = 0;

    const auto replace = [&](auto& end) {
      using Machine = std::remove_reference_t<decltype(end.state)>;
      if (!end.opened || end.over()) return;
      ++sealed_states;
      const crypto::SealId id{static_cast<Byte>(sealed_states), static_cast<Byte>(sealed_states >> 8),
                              static_cast<Byte>(seed)};
      auto sealed = stack::seal(std::move(end.state), exchange.transport->now.monotonic, key, id, {}, end.budget, {});
      ASSERT_TRUE(sealed);
      EXPECT_EQ(end.budget.used(), sealed->capacity()) << "sealing consumes the live state";
      const Bytes blob{sealed->data(), sealed->size()};
      const LoadContext context{exchange.transport->now.monotonic, end.budget};
      EXPECT_EQ(stack::open<Machine>(stack::Claim::granted({}), blob, key, context).error().step,
                stack::LiveFault::Step::claim);
      EXPECT_TRUE(stack::replay<Machine>(blob, key, context));
      auto dormant = stack::open<Machine>(stack::Claim::granted(id), blob, key, context);
      ASSERT_TRUE(dormant);
      std::array<Byte, 32> entropy{};
      entropy[0] = static_cast<Byte>(sealed_states);
      std::vector<typename Machine::Action> slots(Machine::least_room.actions);
      auto woken = std::move(*dormant).wake(*end.config, exchange.transport->now, entropy, {{}, slots, end.budget, {}});
      EXPECT_TRUE(woken.progress.actions.empty());
      end.state = std::move(woken.state);
      end.wants = woken.progress.wants;
    };
    exchange.options = options;
    while (true) {
      if (!exchange.transport) {
        exchange.client.emplace(exchange.client_config, exchange.client_app, exchange.client_budget, exchange.harness);
        exchange.server.emplace(exchange.server_config, exchange.server_app, exchange.server_budget, exchange.harness);
        exchange.transport.emplace(options, *exchange.client, *exchange.server, test::epoch, exchange.harness);
      }
      if (exchange.transport->run(dice.up_to(7))) break;
      replace(*exchange.server);
      replace(*exchange.client);
    }
    EXPECT_EQ(exchange.client_app.body, exchange.site.files["big.bin"].content);
    EXPECT_TRUE(exchange.client_app.done);
    EXPECT_GT(sealed_states, 50u);
  }
}

}  // namespace
}  // namespace limpid
