// An OCSP response that comes with the certificate (RFC 6066, section 8; RFC 8446, section 4.4.2.1): asked for, passed
// through, shown to whoever judges the chain, and refused where it has no business.
#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

std::string stapled_chain(std::string_view response) {
  Budget budget(1 << 20);
  Buffer list(budget);
  Writer out(list);
  append_certificate(out, as_bytes("a leaf"), as_bytes(response));
  append_certificate(out, as_bytes("its issuer"));
  return std::string(as_text(Bytes(list.data(), list.size())));
}

TEST(Staple, IsAskedForAndShown) {
  for (const bool asked : {true, false}) {
    Pair pair(client_config({.request_staple = asked}));
    pair.client.reload = pair.server.reload = true;
    bool offered = !asked;
    pair.server.answerer = [&](const Query& query) -> std::optional<Answer> {
      if (const auto* select = std::get_if<SelectCertificate>(&query)) {
        offered = select->staple_requested;
        if (offered) pair.server.chain = stapled_chain("a response");
      }
      return pair.server.default_answer(query);
    };
    std::string shown = "nothing yet";
    pair.client.answerer = [&](const Query& query) -> std::optional<Answer> {
      shown = text(std::get<VerifyPeer>(query).ocsp_response);
      return pair.client.default_answer(query);
    };
    pair.connect();
    EXPECT_TRUE(pair.client.state.connected());
    EXPECT_EQ(offered, asked);
    EXPECT_EQ(shown, asked ? "a response" : "");
  }
}

TEST(Staple, OfAnUnknownKindIsNotOneThatWasAskedFor) {
  End server(server_config());
  ClientScript client;
  bool requested = true;
  server.answerer = [&](const Query& query) -> std::optional<Answer> {
    if (const auto* select = std::get_if<SelectCertificate>(&query)) requested = select->staple_requested;
    return server.default_answer(query);
  };
  server.start();
  auto hello = client.good_hello();
  extension(hello.extensions, ExtensionType::status_request) = "\x02whatever";
  server.receive(client.say_hello(hello));
  EXPECT_FALSE(requested);
  EXPECT_TRUE(server.has("Ask Sign 2"));
}

// What a client says of a certificate list.
std::string outcome(bool asked, std::string_view list) {
  End client(client_config({.request_staple = asked}));
  ServerScript server;
  client.start();
  server.take_hello(client.take_sent());
  client.receive(server.say_hello(server.good_hello()));
  client.receive(server.seal_handshake(server.add(server.encrypted_extensions())));
  client.receive(server.seal_handshake(server.add(server.certificate("", list))));
  return client.last();
}

std::string entry(std::string_view status) {
  return vec("a leaf", 3) + extensions({{code(ExtensionType::status_request), std::string(status)}});
}

TEST(Staple, IsCheckedForItsForm) {
  EXPECT_EQ(outcome(true, stapled_chain("a response")), "Ask VerifyPeer 1");
  EXPECT_EQ(outcome(true, stapled_chain("")), "Ask VerifyPeer 1");
  EXPECT_EQ(outcome(true, entry("\x01" + vec("response", 3))), "Ask VerifyPeer 1");
  EXPECT_EQ(outcome(false, stapled_chain("a response")), "Failed unsolicited_extension unsupported_extension");
  EXPECT_EQ(outcome(true, entry("\x02" + vec("response", 3))), "Failed certificate_status_unknown decode_error");
  EXPECT_EQ(outcome(true, entry("\x01" + vec("", 3))), "Failed length_out_of_range decode_error");
  EXPECT_EQ(outcome(true, entry("\x01" + number(9, 3) + "response")), "Failed message_truncated decode_error");
  EXPECT_EQ(outcome(true, entry("\x01" + vec("response", 3) + "x")), "Failed trailing_bytes decode_error");
  EXPECT_EQ(outcome(true, entry("")), "Failed message_truncated decode_error");
}

TEST(Staple, ThatIsNotGoodEndsTheHandshake) {
  Pair pair(client_config({.request_staple = true}));
  pair.client.answerer = [](const Query&) { return Declined{Fault::bad_certificate_status}; };
  pair.connect();
  EXPECT_EQ(pair.client.last(), "Failed bad_certificate_status bad_certificate_status_response");
  EXPECT_EQ(pair.server.last(), "Failed alert_received bad_certificate_status_response");
}

}  // namespace
}  // namespace limpid::tls::test
