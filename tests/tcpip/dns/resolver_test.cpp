#include "limpid/tcpip/dns/resolver.hpp"

#include <set>

#include "tests/support/hex.hpp"
#include "tests/tcpip/dns/driver.hpp"

namespace limpid::tcpip::dns {
namespace {

constexpr IpAddress an_address = IpAddress::v4({10, 9, 0, 8});

class DnsResolver : public testing::Test, protected Driver {
 protected:
  void expect_result(Outcome outcome, const AddressList& addresses = {}) {
    ASSERT_EQ(resolved.size(), 1u);
    EXPECT_EQ(resolved[0].outcome, outcome) << describe(resolved[0].outcome);
    EXPECT_EQ(resolved[0].addresses, addresses);
    EXPECT_TRUE(resolver.idle());
    EXPECT_FALSE(deadline);
    EXPECT_EQ(budget.used(), 0u);
  }
  // The answer is dropped for this reason, and the right one still awaited.
  void expect_dropped(const Datagram& datagram, Drop why) {
    const std::uint32_t before = resolver.dropped(why);
    tell(datagram);
    EXPECT_TRUE(asked.empty());
    EXPECT_TRUE(resolved.empty());
    EXPECT_EQ(resolver.dropped(why), before + 1) << name(why);
  }
};

TEST_F(DnsResolver, FindsAnAddress) {
  resolve("Example.com.");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].server, endpoint(first_server, 53));
  EXPECT_EQ(asked[0].header, (Header{.id = asked[0].header.id, .recursion_desired = true, .questions = 1}));
  EXPECT_EQ(asked[0].question, (Question{*Name::from_text("example.com"), RecordType::a, internet_class}));
  EXPECT_GE(asked[0].port, 1024);
  EXPECT_FALSE(resolver.listens_at(53));
  answer(Answer(asked[0]).a("example.COM", an_address.as_v4(), 77));
  expect_result(Outcome::found, {an_address});
  EXPECT_EQ(resolved[0].token, 1u);
  EXPECT_EQ(resolved[0].ttl, 77u);
  EXPECT_FALSE(resolver.listens_at(asked.empty() ? 0 : asked[0].port));
}

TEST_F(DnsResolver, AsksForBothFamiliesAndPutsIpv6First) {
  resolve("dual.test", Family::any, 5);
  ASSERT_EQ(asked.size(), 2u);
  const std::vector<Asked> questions = asked;
  EXPECT_EQ(questions[0].question.type, RecordType::aaaa);
  EXPECT_EQ(questions[1].question.type, RecordType::a);
  EXPECT_NE(questions[0].port, questions[1].port);
  answer(Answer(questions[1]).a("dual.test", an_address.as_v4(), 9));
  EXPECT_TRUE(resolved.empty());
  answer(Answer(questions[0]).aaaa("dual.test", "fd00:9::8", 8).aaaa("dual.test", "fd00:9::9", 7));
  expect_result(Outcome::found, {*parse_ip_address("fd00:9::8"), *parse_ip_address("fd00:9::9"), an_address});
  EXPECT_EQ(resolved[0].token, 5u);
  EXPECT_EQ(resolved[0].ttl, 7u);
}

TEST_F(DnsResolver, OneFamilyIsEnough) {
  resolve("dual.test", Family::any);
  const std::vector<Asked> questions = asked;
  answer(Answer(questions[0]));
  answer(Answer(questions[1]).a("dual.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, TheOtherFamilyIsNotAwaitedForLong) {
  resolve("dual.test", Family::any);
  answer(Answer(asked[1]).a("dual.test", an_address.as_v4()));
  EXPECT_TRUE(resolved.empty());
  EXPECT_EQ(wake(), milliseconds(250));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, FollowsAliasesInOneAnswer) {
  resolve("alias.test");
  // The alias may stand behind what it leads to.
  answer(Answer(asked[0])
             .a("end.test", an_address.as_v4(), 100)
             .cname("middle.test", "end.test", 50)
             .a("other.test", {6, 6, 6, 6}, 1)
             .a("alias.test.evil", {6, 6, 6, 6}, 1)
             .cname("alias.test", "middle.test", 60));
  expect_result(Outcome::found, {an_address});
  EXPECT_EQ(resolved[0].ttl, 50u);
}

TEST_F(DnsResolver, FollowsAnAliasOfDnsmasqToTheByte) {
  resolve("alias.test", Family::ipv6);
  std::vector<Byte> bytes = test::from_hex(
      "12348580000100020000000005616c696173047465737400001c0001"
      "c00c0005000100000000000b046475616c047465737400"
      "c028001c0001000000000010fd000009000000000000000000000008");
  bytes[0] = static_cast<Byte>(asked[0].header.id >> 8);
  bytes[1] = static_cast<Byte>(asked[0].header.id);
  tell(Datagram{asked[0].server, asked[0].port, bytes});
  expect_result(Outcome::found, {*parse_ip_address("fd00:9::8")});
  EXPECT_EQ(resolved[0].ttl, 0u);
}

TEST_F(DnsResolver, AsksAgainWhereAServerDoesNotFollowAliases) {
  resolve("alias.test");
  const Asked first = asked[0];
  Answer partial(first);
  partial.cname("alias.test", "end.test", 5);
  partial.header.recursion_available = false;
  answer(partial);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].name(), "end.test");
  EXPECT_NE(asked[0].header.id, first.header.id);
  answer(Answer(asked[0]).a("end.test", an_address.as_v4(), 100));
  expect_result(Outcome::found, {an_address});
  EXPECT_EQ(resolved[0].ttl, 5u);
}

TEST_F(DnsResolver, ARecursingServersAliasWithoutAddressesHasNone) {
  resolve("alias.test", Family::ipv6);
  answer(Answer(asked[0]).cname("alias.test", "end.test"));
  expect_result(Outcome::no_address);
}

TEST_F(DnsResolver, AliasesInACircleEnd) {
  resolve("a.test");
  answer(Answer(asked[0]).cname("a.test", "b.test").cname("b.test", "a.test"));
  expect_result(Outcome::alias_chain);
}

TEST_F(DnsResolver, AliasesOverManyAnswersEnd) {
  resolve("a0.test");
  int followed = 0;
  while (resolved.empty()) {
    ASSERT_EQ(asked.size(), 1u);
    ASSERT_LT(++followed, 20);
    const Asked question = asked[0];
    Answer partial(question);
    partial.cname(question.name(), "a" + std::to_string(followed) + ".test");
    partial.header.recursion_available = false;
    answer(partial);
  }
  EXPECT_EQ(followed, 9);
  expect_result(Outcome::alias_chain);
}

TEST_F(DnsResolver, NegativeAnswers) {
  resolve("missing.test", Family::any);
  std::vector<Asked> questions = asked;
  answer(Answer(questions[0]).code(ResponseCode::name_error));
  answer(Answer(questions[1]));
  expect_result(Outcome::no_such_name);
  resolve("empty.test", Family::any);
  questions = asked;
  answer(Answer(questions[0]));
  answer(Answer(questions[1]));
  expect_result(Outcome::no_address);
  resolve("alias.test");
  answer(Answer(asked[0]).cname("alias.test", "missing.test").code(ResponseCode::name_error));
  expect_result(Outcome::no_such_name);
}

TEST_F(DnsResolver, RefusesWhatIsNoName) {
  resolve("no name");
  EXPECT_TRUE(asked.empty());
  expect_result(Outcome::not_a_name);
}

TEST_F(DnsResolver, AddressesThatNobodyCanHaveAreLeftOut) {
  resolve("odd.test");
  answer(Answer(asked[0])
             .a("odd.test", {0, 0, 0, 0})
             .a("odd.test", {224, 0, 0, 1})
             .a("odd.test", {255, 255, 255, 255})
             .a("odd.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
  resolve("odd.test", Family::ipv6);
  answer(Answer(asked[0]).aaaa("odd.test", "::").aaaa("odd.test", "ff02::1").aaaa("odd.test", "::ffff:10.9.0.8"));
  expect_result(Outcome::no_address);
}

TEST_F(DnsResolver, KeepsTheFirstOfManyAddresses) {
  resolve("many.test");
  Answer many(asked[0]);
  for (int i = 0; i < 100; ++i) many.a("many.test", {10, 0, 0, static_cast<Byte>(i + 1)});
  answer(many);
  ASSERT_EQ(resolved.size(), 1u);
  EXPECT_EQ(resolved[0].addresses.size(), most_addresses);
  EXPECT_EQ(resolved[0].addresses[0], IpAddress::v4({10, 0, 0, 1}));
}

TEST_F(DnsResolver, AsksEachServerWithFreshIdAndPortAndLongerTimeouts) {
  resolve("slow.test");
  std::set<std::pair<std::uint16_t, std::uint16_t>> seen;
  std::vector<std::int64_t> waits;
  std::vector<IpAddress> servers;
  while (resolved.empty()) {
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_TRUE(seen.insert({asked[0].header.id, asked[0].port}).second);
    servers.push_back(address_of(asked[0].server));
    waits.push_back(wake().microseconds / 1000);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1000, 1000, 2000, 2000, 4000, 4000}));
  EXPECT_EQ(servers, (std::vector<IpAddress>{first_server, second_server, first_server, second_server, first_server,
                                             second_server}));
  expect_result(Outcome::no_answer);
}

TEST_F(DnsResolver, AnAnswerToAnEarlierAttemptIsTooLate) {
  resolve("slow.test");
  const Asked first = asked[0];
  wake();
  const Asked second = asked.at(0);
  answer(Answer(first).a("slow.test", {6, 6, 6, 6}));
  EXPECT_EQ(resolver.dropped(Drop::stray), 1u);
  answer(Answer(second).a("slow.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, AServerThatFailsIsPassedOver) {
  for (const ResponseCode code : {ResponseCode::server_failure, ResponseCode::refused, ResponseCode::not_implemented,
                                  ResponseCode::format_error, static_cast<ResponseCode>(15)}) {
    resolve("a.test");
    answer(Answer(asked[0]).code(code));
    ASSERT_EQ(asked.size(), 1u) << "the next one is asked at once";
    EXPECT_EQ(asked[0].server, endpoint(second_server, 53));
    answer(Answer(asked[0]).a("a.test", an_address.as_v4()));
    expect_result(Outcome::found, {an_address});
  }
  EXPECT_EQ(resolver.dropped(Drop::server_failed), 5u);
  resolve("a.test");
  while (resolved.empty()) answer(Answer(asked.at(0)).code(ResponseCode::server_failure));
  expect_result(Outcome::no_answer);
}

TEST_F(DnsResolver, AnswersThatMalformAreAServersFailure) {
  const auto failed = [&](Answer bad) {
    const std::uint32_t before = resolver.dropped(Drop::malformed);
    answer(bad);
    EXPECT_EQ(resolver.dropped(Drop::malformed), before + 1);
    ASSERT_EQ(asked.size(), 1u);
  };
  resolve("a.test");
  failed(Answer(asked[0]).record("a.test", RecordType::a, 1, as_bytes("abc")));
  Answer missing(asked[0]);
  missing.header.answers = 3;
  failed(missing);
  failed(Answer(asked[0]).record("a.test", RecordType::cname, 1,
                                 as_bytes("\x05"
                                          "ab")));
  failed(Answer(asked[0]).record("a.test", RecordType::cname, 1,
                                 as_bytes(std::string_view("\x01"
                                                           "a\0b",
                                                           4))));
  answer(Answer(asked[0]).a("a.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, RecordsOfOtherClassesAndTypesAreSkipped) {
  resolve("a.test");
  answer(Answer(asked[0])
             .record("a.test", RecordType::a, 1, as_bytes("\x06\x06\x06\x06"), 3)
             .record("a.test", static_cast<RecordType>(16), 1, as_bytes("text"))
             .aaaa("a.test", "fd00::6", 1)
             .a("a.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, ForgedAnswersAreDropped) {
  resolve("a.test");
  const Asked question = asked[0];
  const std::vector<Byte> good = Answer(question).a("a.test", {6, 6, 6, 6}).bytes();
  expect_dropped({endpoint(second_server, 53), question.port, good}, Drop::wrong_server);
  expect_dropped({endpoint(first_server, 54), question.port, good}, Drop::wrong_server);
  expect_dropped({question.server, static_cast<std::uint16_t>(question.port ^ 1), good}, Drop::stray);
  const auto altered = [&](auto alter) {
    Answer forged(question);
    forged.a("a.test", {6, 6, 6, 6});
    alter(forged);
    return forged.bytes();
  };
  const auto expect_altered_dropped = [&](auto alter, Drop why) {
    const std::vector<Byte> bytes = altered(alter);
    expect_dropped({question.server, question.port, bytes}, why);
  };
  expect_altered_dropped([](Answer& a) { a.header.id ^= 1; }, Drop::wrong_id);
  expect_altered_dropped([](Answer& a) { a.header.response = false; }, Drop::not_an_answer);
  expect_altered_dropped([](Answer& a) { a.header.opcode = 4; }, Drop::not_an_answer);
  expect_altered_dropped(
      [](Answer& a) {
        a.header.questions = 0;
        a.question.reset();
      },
      Drop::wrong_question);
  expect_altered_dropped([](Answer& a) { a.header.questions = 2; }, Drop::wrong_question);
  expect_altered_dropped([](Answer& a) { a.question->type = RecordType::aaaa; }, Drop::wrong_question);
  expect_altered_dropped([](Answer& a) { a.question->record_class = 3; }, Drop::wrong_question);
  expect_altered_dropped([](Answer& a) { a.question->name = *Name::from_text("b.test"); }, Drop::wrong_question);
  for (std::size_t size = 0; size < 12; ++size) {
    expect_dropped({question.server, question.port, Bytes(good).first(size)}, Drop::not_an_answer);
  }
  for (std::size_t size = 12; size < 12 + 12; ++size) {
    expect_dropped({question.server, question.port, Bytes(good).first(size)}, Drop::wrong_question);
  }
  answer(Answer(question).a("a.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, WhoeverGuessesIdsDrivesItToTcp) {
  resolve("a.test");
  const Asked question = asked[0];
  for (int i = 1; i <= 16; ++i) {
    ASSERT_TRUE(asked.empty() || i == 1);
    Answer forged(question);
    forged.header.id = static_cast<std::uint16_t>(question.header.id + i);
    answer(forged);
  }
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_TRUE(asked[0].over_tcp);
  EXPECT_FALSE(resolver.listens_at(question.port));
}

TEST_F(DnsResolver, TruncationLeadsToTcp) {
  resolve("large.test");
  const Asked question = asked[0];
  answer(Answer(question).a("large.test", {6, 6, 6, 6}).truncated());
  ASSERT_EQ(asked.size(), 1u);
  const Asked over_tcp = asked[0];
  ASSERT_TRUE(over_tcp.over_tcp);
  EXPECT_EQ(over_tcp.server, question.server);
  EXPECT_EQ(over_tcp.question, question.question);
  EXPECT_NE(over_tcp.header.id, question.header.id);

  // Byte by byte, with more behind it.
  Answer large(over_tcp);
  for (int i = 0; i < 200; ++i) large.a("large.test", an_address.as_v4(), 9);
  std::vector<Byte> bytes = large.framed();
  bytes.push_back(0xff);
  for (std::size_t i = 0; i + 2 < bytes.size(); ++i) {
    tell(TcpReceived{*over_tcp.over_tcp, Bytes(bytes).subspan(i, 1)});
    ASSERT_TRUE(resolved.empty());
  }
  tell(TcpReceived{*over_tcp.over_tcp, Bytes(bytes).last(2)});
  ASSERT_EQ(resolved.size(), 1u);
  EXPECT_EQ(resolved[0].addresses.size(), most_addresses);
  EXPECT_EQ(closed, (std::vector<QueryId>{*over_tcp.over_tcp}));
  EXPECT_TRUE(resolver.idle());
  EXPECT_EQ(budget.used(), 0u);
  // What comes later is nobody's.
  tell(TcpReceived{*over_tcp.over_tcp, bytes});
  tell(TcpEnded{*over_tcp.over_tcp});
  EXPECT_EQ(resolver.dropped(Drop::stray), 1u);
}

class DnsOverTcp : public DnsResolver {
 protected:
  void SetUp() override {
    resolve("large.test");
    answer(Answer(asked[0]).truncated());
    question = asked.at(0);
  }
  void expect_next_server() {
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_FALSE(asked[0].over_tcp);
    EXPECT_EQ(asked[0].server, endpoint(second_server, 53));
  }
  Asked question;
};

TEST_F(DnsOverTcp, AConnectionThatFailsLeadsToTheNextServer) {
  tell(TcpEnded{*question.over_tcp});
  EXPECT_TRUE(closed.empty());
  expect_next_server();
}

TEST_F(DnsOverTcp, AConnectionThatStallsIsClosed) {
  tell(TcpReceived{*question.over_tcp, as_bytes(std::string_view("\0\x10yy", 4))});
  EXPECT_EQ(wake(), seconds(5));
  EXPECT_EQ(closed, (std::vector<QueryId>{*question.over_tcp}));
  expect_next_server();
}

TEST_F(DnsOverTcp, AnAnswerThatIsTooLongIsNotAwaited) {
  tell(TcpReceived{*question.over_tcp, as_bytes("\x20\x01")});
  EXPECT_EQ(closed.size(), 1u);
  EXPECT_EQ(resolver.dropped(Drop::malformed), 1u);
  expect_next_server();
}

TEST_F(DnsOverTcp, AnAnswerToSomethingElseIsAFailure) {
  for (const auto alter : {+[](Answer& a) { a.header.id ^= 1; }, +[](Answer& a) { a.header.response = false; },
                           +[](Answer& a) { a.question->type = RecordType::aaaa; },
                           +[](Answer& a) { a.header.code = ResponseCode::refused; }}) {
    Driver other;
    other.resolve("large.test");
    other.answer(Answer(other.asked[0]).truncated());
    Answer wrong(other.asked.at(0));
    alter(wrong);
    other.answer_over_tcp(wrong);
    EXPECT_EQ(other.closed.size(), 1u);
    ASSERT_EQ(other.asked.size(), 1u);
    EXPECT_EQ(other.asked[0].server, endpoint(second_server, 53));
  }
}

TEST_F(DnsOverTcp, ATruncatedAnswerIsTakenAsItIs) {
  answer_over_tcp(Answer(question).a("large.test", an_address.as_v4()).truncated());
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsOverTcp, WithoutMemoryTheLookUpFails) {
  budget.refuse_attempt(1);
  tell(TcpReceived{*question.over_tcp, as_bytes(std::string_view("\0\x10yy", 4))});
  EXPECT_EQ(closed.size(), 1u);
  expect_result(Outcome::too_many);
}

TEST_F(DnsOverTcp, CancellingClosesTheConnection) {
  tell(Cancel{1});
  EXPECT_EQ(closed.size(), 1u);
  EXPECT_TRUE(resolved.empty());
  EXPECT_TRUE(resolver.idle());
}

TEST_F(DnsResolver, WaitsForServers) {
  tell(Servers{});
  resolve("a.test", Family::any);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(deadline, now + seconds(15));
  now = now + seconds(9);
  tell(Tick{});
  tell(Servers{{second_server}});
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].server, endpoint(second_server, 53));
  const std::vector<Asked> questions = asked;
  answer(Answer(questions[0]));
  answer(Answer(questions[1]).a("a.test", an_address.as_v4()));
  expect_result(Outcome::found, {an_address});
}

TEST_F(DnsResolver, GivesUpWithoutServers) {
  tell(Servers{});
  resolve("a.test", Family::any);
  EXPECT_EQ(wake(), seconds(15));
  expect_result(Outcome::no_server);
}

TEST_F(DnsResolver, ServersThatGoAwayEndALookUp) {
  resolve("a.test");
  tell(Servers{});
  EXPECT_TRUE(resolved.empty()) << "the question is under way";
  wake();
  expect_result(Outcome::no_answer);
}

TEST_F(DnsResolver, BoundsHowManyAtOnce) {
  for (std::uint32_t token = 0; token < config.most_lookups; ++token) {
    resolve("a.test", Family::any, token);
    EXPECT_EQ(asked.size(), 2u);
  }
  resolve("a.test", Family::any, 99);
  ASSERT_EQ(resolved.size(), 1u);
  EXPECT_EQ(resolved[0].outcome, Outcome::too_many);
  EXPECT_EQ(resolved[0].token, 99u);
  tell(Cancel{3});
  resolve("a.test", Family::any, 100);
  EXPECT_EQ(asked.size(), 2u);
  // All time out in the same step, through a room for one question and four actions.
  std::size_t ended = 0;
  while (deadline) {
    wake();
    ended += resolved.size();
  }
  EXPECT_EQ(ended, config.most_lookups);
}

TEST_F(DnsResolver, WithoutMemoryNothingIsLost) {
  budget.refuse_attempt(1);
  resolve("a.test");
  expect_result(Outcome::too_many);
}

// RFC 5452, section 4.5: what an attacker must guess. 3000 draws out of 64512 ports, or 65536 ids, leave few
// repetitions.
TEST_F(DnsResolver, IdsAndPortsAreSpread) {
  std::set<std::uint16_t> ids, ports;
  for (int i = 0; i < 3000; ++i) {
    resolve("a.test");
    ids.insert(asked.at(0).header.id);
    ports.insert(asked[0].port);
    tell(Cancel{1});
  }
  EXPECT_GT(ids.size(), 2850u);
  EXPECT_GT(ports.size(), 2850u);
  EXPECT_GE(*ports.begin(), 1024);
  EXPECT_LT(*ports.begin(), 1200);
  EXPECT_GT(*ports.rbegin(), 65300);
}

}  // namespace
}  // namespace limpid::tcpip::dns
