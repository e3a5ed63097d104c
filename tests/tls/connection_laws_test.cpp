// The six laws, for a TLS connection of either role.
#include "limpid/sim/laws.hpp"

#include "tests/support/cpu.hpp"
#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

// What the end was told, told again in every way that a law speaks of.
void expect_laws(End& end, std::uint64_t cut_seed) {
  Budget harness(std::size_t{1} << 30);
  const sim::LawOptions options{.cpu = limpid::test::best_cpu(), .budget = 1 << 21, .seed = cut_seed};
  const auto outcome = sim::check_laws<Connection>(end.config, {end.trace.data(), end.trace.size()}, options, harness);
  ASSERT_TRUE(outcome.has_value()) << describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                                   << outcome.error().event;
  // The trace is the session that was recorded: what was delivered comes out again.
  Buffer delivered(harness);
  ASSERT_TRUE(outcome->log.collect(1, delivered));
  EXPECT_EQ(as_text(Bytes(delivered.data(), delivered.size())), end.delivered);
}

TEST(ConnectionLaws, AWholeSessionKeepsThem) {
  static constexpr NamedGroup only_p256[] = {NamedGroup::secp256r1};
  const std::string_view protocols[] = {"h2", "http/1.1"};
  Pair pair(client_config({.application_protocols = protocols, .grease = true}),
            server_config({.groups = only_p256, .application_protocols = protocols, .pad_to = 32}));
  // Records of a kilobyte or so: with those of 16 KiB, offered byte by byte, this would take seconds.
  pair.client.room_bytes = pair.server.room_bytes = 1500;
  pair.connect();
  pair.client.write(std::string(9000, 'q'));
  pair.run();
  pair.server.event(UpdateKeys{true});
  pair.server.write(std::string(5000, 'a'));
  pair.run();
  pair.client.write("more");
  pair.client.event(Close{});
  pair.run();
  pair.server.event(Reply{{1}, Declined{}});
  pair.server.write("last words");
  pair.server.event(Close{});
  pair.run();
  pair.client.finish();
  EXPECT_EQ(pair.client.last(), "PeerClosed");
  expect_laws(pair.client, 3);
  expect_laws(pair.server, 4);
}

TEST(ConnectionLaws, FailuresKeepThem) {
  {
    Pair pair;
    pair.client.answerer = [](const Query&) { return Declined{Fault::unknown_ca}; };
    pair.connect();
    EXPECT_EQ(pair.client.last(), "Failed unknown_ca unknown_ca");
    EXPECT_EQ(pair.server.last(), "Failed alert_received unknown_ca");
    expect_laws(pair.client, 5);
    expect_laws(pair.server, 6);
  }
  {
    Pair pair;
    pair.connect();
    pair.client.write("good");
    std::string bytes = pair.client.take_sent();
    pair.server.receive(bytes);
    pair.client.write("bad");
    bytes = pair.client.take_sent();
    bytes.back() ^= 1;
    pair.server.receive(bytes);
    EXPECT_EQ(pair.server.last(), "Failed bad_record_mac bad_record_mac");
    pair.client.finish();
    pair.client.write("into the void");
    expect_laws(pair.client, 7);
    expect_laws(pair.server, 8);
  }
  {
    End server(server_config());
    server.start();
    server.receive("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(server.last(), "Failed record_content_type_unknown unexpected_message");
    expect_laws(server, 9);
  }
}

TEST(ConnectionLaws, CoalescedTicketsAndSplitMessagesKeepThem) {
  End client(client_config());
  client.start();
  ServerScript server;
  server.take_hello(client.take_sent());
  client.receive(server.say_hello(server.good_hello()));
  std::string flight = server.add(server.encrypted_extensions());
  flight += server.add(server.certificate("", chain_text(3000)));
  flight += server.add(server.certificate_verify(client.key));
  flight += server.add(server.finished());
  for (std::size_t at = 0; at < flight.size(); at += 1000) {
    client.receive(server.seal_handshake(flight.substr(at, 1000)));
  }
  server.change_to_application_keys();
  std::string tickets;
  for (int i = 0; i < 20; ++i) {
    tickets += message(HandshakeType::new_session_ticket,
                       number(7200, 4) + number(1, 4) + vec("n", 1) + vec("ticket", 2) + number(0, 2));
  }
  client.receive(server.seal_handshake(tickets.substr(0, 300)));
  client.receive(server.seal_handshake(tickets.substr(300)));
  client.receive(server.seal(ContentType::application_data, "data"));
  EXPECT_EQ(client.delivered, "data");
  expect_laws(client, 10);
}

}  // namespace
}  // namespace limpid::tls::test
