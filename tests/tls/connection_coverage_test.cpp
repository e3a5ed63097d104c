// Coverage as tables: every event in every state, and every fault met by some test. An empty cell fails.
#include <algorithm>
#include <map>

#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

// Faults that no connection of this version can meet, and why.
const std::map<Fault, const char*> unreachable = {
    {Fault::read_key_exhausted, "2^64 records are too many for a test"},
};

class FaultCoverage : public ::testing::Environment {
 public:
  void TearDown() override {
    if (::testing::GTEST_FLAG(filter) != "*" || ::testing::UnitTest::GetInstance()->failed_test_count() > 0) return;
    for (int i = 0; i <= static_cast<int>(last_fault); ++i) {
      const auto fault = static_cast<Fault>(i);
      EXPECT_NE(met_faults().contains(fault), unreachable.contains(fault)) << name(fault);
    }
  }
};
[[maybe_unused]] auto* const coverage = ::testing::AddGlobalTestEnvironment(new FaultCoverage);

// A connection brought to a state, with whatever peer it took.
struct Subject {
  explicit Subject(Config config) : end(std::move(config)) {}
  End end;
  ServerScript server;
  ClientScript client;
};

constexpr NamedGroup only_p256[] = {NamedGroup::secp256r1};

struct State {
  const char* name;
  Role role;
  std::function<void(Subject&)> reach;
  bool retrying = false;
};

void send(Subject& s, const std::string& message) { s.end.receive(s.server.seal_handshake(s.server.add(message))); }

const std::vector<State>& states() {
  static const auto client_begun = [](Subject& s) {
    s.end.start();
    s.server.take_hello(s.end.take_sent());
  };
  static const auto hello = [](Subject& s) {
    client_begun(s);
    s.end.receive(s.server.say_hello(s.server.good_hello()));
  };
  static const auto extensions_read = [](Subject& s) {
    hello(s);
    send(s, s.server.encrypted_extensions());
  };
  static const auto certificate = [](Subject& s) {
    extensions_read(s);
    send(s, s.server.certificate());
  };
  static const auto verified = [](Subject& s) {
    certificate(s);
    send(s, s.server.certificate_verify(s.end.key));
  };
  static const auto connected = [](Subject& s) {
    hello(s);
    s.end.receive(s.server.rest_of_flight(s.end.key));
    s.end.take_sent();
  };
  static const std::vector<State> all = {
      {"Newborn", Role::client, [](Subject&) {}},
      {"client AwaitServerHello", Role::client, client_begun},
      {"client AwaitSecondServerHello", Role::client,
       [](Subject& s) {
         client_begun(s);
         s.end.receive(plain_handshake(s.server.good_retry().message()));
       }},
      {"client AwaitEncryptedExtensions", Role::client, hello},
      {"client AwaitCertificateOrRequest", Role::client, extensions_read},
      {"client AwaitCertificate", Role::client,
       [](Subject& s) {
         extensions_read(s);
         send(s,
              message(HandshakeType::certificate_request, vec("", 1) + extensions({{13, vec(number(0x0403, 2), 2)}})));
       }},
      {"client AwaitVerdict", Role::client,
       [](Subject& s) {
         s.end.auto_answer = false;
         certificate(s);
       }},
      {"client AwaitCertificateVerify", Role::client, certificate},
      {"client AwaitFinished", Role::client, verified},
      {"server AwaitClientHello", Role::server, [](Subject& s) { s.end.start(); }},
      {"server AwaitSecondClientHello", Role::server,
       [](Subject& s) {
         s.end.start();
         s.end.receive(s.client.say_hello(s.client.good_hello()));
       },
       true},
      {"server AwaitSelection", Role::server,
       [](Subject& s) {
         s.end.auto_answer = false;
         s.end.start();
         s.end.receive(s.client.say_hello(s.client.good_hello()));
       }},
      {"server AwaitSignature", Role::server,
       [](Subject& s) {
         s.end.answerer = [&s](const Query& query) -> std::optional<Answer> {
           if (std::holds_alternative<Sign>(query)) return std::nullopt;
           return s.end.default_answer(query);
         };
         s.end.start();
         s.end.receive(s.client.say_hello(s.client.good_hello()));
       }},
      {"server AwaitFinished", Role::server,
       [](Subject& s) {
         s.end.start();
         s.end.receive(s.client.say_hello(s.client.good_hello()));
       }},
      {"Connected", Role::client, connected},
      {"Connected, writing closed", Role::client,
       [](Subject& s) {
         connected(s);
         s.end.event(Close{});
       }},
      {"Connected, reading closed", Role::client,
       [](Subject& s) {
         connected(s);
         s.end.receive(s.server.seal(ContentType::alert, alert_content(Alert::close_notify, 1)));
       }},
      {"Connected, truncated", Role::client,
       [](Subject& s) {
         connected(s);
         s.end.finish();
       }},
      {"Failing, without room", Role::client,
       [](Subject& s) {
         connected(s);
         s.end.room_bytes = 0;
         s.end.receive(s.server.seal_raw(""));
       }},
      {"Ended", Role::client,
       [](Subject& s) {
         connected(s);
         s.end.receive(s.server.seal_raw(""));
       }},
  };
  return all;
}

const std::vector<std::pair<const char*, Connection::Event>>& events() {
  static std::string junk = "no record at all";
  static const std::vector<std::pair<const char*, Connection::Event>> all = {
      {"Tick", Tick{}},
      {"Entropy", Entropy{seed(5)}},
      {"Received junk", stream::Received{Script::mutable_bytes(junk)}},
      {"PeerFinished", stream::PeerFinished{}},
      {"Write", Write{as_bytes("abc")}},
      {"Close", Close{}},
      {"UpdateKeys", UpdateKeys{true}},
      {"Reply", Reply{{99}, Signed{}}},
  };
  return all;
}

// What an event did: how much of it was taken, what was said, how many bytes were sent, what is wanted next.
std::string outcome(const State& state, const Connection::Event& event) {
  Config::Options options;
  if (state.retrying) options.groups = only_p256;
  Subject subject(state.role == Role::client ? client_config(options) : server_config(options));
  state.reach(subject);
  subject.end.save_and_load();
  subject.end.log.clear();
  subject.end.take_sent();
  const auto progress = subject.end.step(event);
  EXPECT_FALSE(progress.more);
  EXPECT_FALSE(progress.deadline);
  static constexpr const char* wants[] = {"event", "room", "reply", "entropy", "nothing"};
  std::string text = std::to_string(progress.consumed);
  if (!subject.end.sent.empty()) text += " Send";
  for (const std::string& entry : subject.end.log) text += " [" + entry + "]";
  return text + " -> " + wants[static_cast<int>(progress.wants)];
}

TEST(Coverage, EveryEventInEveryState) {
  const std::string fail = "Failed record_content_type_unknown unexpected_message";
  const std::string truncated = "1 [Failed handshake_truncated close_notify] -> nothing";
  const std::string stale = "1 [Noted stale_reply] -> ";
  const std::string refused = "1 [Refused not_connected] -> ";
  // A state in the handshake that waits for the peer.
  const std::vector<std::string> waiting = {"1 -> event",      "1 -> event",   "16 Send [" + fail + "] -> nothing",
                                            truncated,         "0 -> event",   "1 Send -> nothing",
                                            refused + "event", stale + "event"};
  const std::vector<std::string> asking = {"1 -> reply", "1 -> reply",        "0 -> reply",      "0 -> reply",
                                           "0 -> reply", "1 Send -> nothing", refused + "reply", stale + "reply"};
  const std::vector<std::string> silent = {"1 -> nothing", "1 -> nothing", "16 -> nothing", "1 -> nothing",
                                           "3 -> nothing", "1 -> nothing", "1 -> nothing",  "1 -> nothing"};
  const std::map<std::string_view, std::vector<std::string>> expected = {
      {"Newborn",
       {"1 -> entropy", "1 Send -> event", "0 -> entropy", "0 -> entropy", "0 -> entropy", "1 -> nothing",
        "0 -> entropy", stale + "entropy"}},
      {"client AwaitServerHello", waiting},
      {"client AwaitSecondServerHello", waiting},
      {"client AwaitEncryptedExtensions", waiting},
      {"client AwaitCertificateOrRequest", waiting},
      {"client AwaitCertificate", waiting},
      {"client AwaitVerdict", asking},
      {"client AwaitCertificateVerify", waiting},
      {"client AwaitFinished", waiting},
      {"server AwaitClientHello", waiting},
      {"server AwaitSecondClientHello", waiting},
      {"server AwaitSelection", asking},
      {"server AwaitSignature", asking},
      {"server AwaitFinished", waiting},
      {"Connected",
       {"1 -> event", "1 -> event", "16 Send [" + fail + "] -> nothing", "1 [Truncated] -> event", "3 Send -> event",
        "1 Send -> event", "1 Send -> event", stale + "event"}},
      {"Connected, writing closed",
       {"1 -> event", "1 -> event", "16 [" + fail + "] -> nothing", "1 [Truncated] -> nothing",
        "3 [Refused write_after_close] -> event", "1 [Refused write_after_close] -> event",
        "1 [Refused write_after_close] -> event", stale + "event"}},
      {"Connected, reading closed",
       {"1 -> event", "1 -> event", "16 -> event", "1 -> event", "3 Send -> event", "1 Send -> nothing",
        "1 Send -> event", stale + "event"}},
      {"Connected, truncated",
       {"1 -> event", "1 -> event", "16 -> event", "1 -> event", "3 Send -> event", "1 Send -> nothing",
        "1 Send -> event", stale + "event"}},
      {"Failing, without room",
       {"1 -> room", "1 -> room", "0 -> room", "0 -> room", "0 -> room", "0 -> room", "0 -> room", stale + "room"}},
      {"Ended", silent},
  };
  for (const State& state : states()) {
    const auto row = expected.find(state.name);
    ASSERT_NE(row, expected.end()) << state.name;
    ASSERT_EQ(row->second.size(), std::variant_size_v<Connection::Event>) << state.name;
    ASSERT_EQ(events().size(), std::variant_size_v<Connection::Event>);
    for (std::size_t i = 0; i < events().size(); ++i) {
      EXPECT_EQ(outcome(state, events()[i].second), row->second[i]) << state.name << ", " << events()[i].first;
    }
  }
}

}  // namespace
}  // namespace limpid::tls::test
