// A client under attack: a scripted server brings it to one point of a handshake.
#pragma once

#include "tests/tls/script.hpp"

namespace limpid::tls::test {

class ClientAttack {
 public:
  explicit ClientAttack(Config config = client_config()) : client(std::move(config)) {
    client.start();
    server.take_hello(client.take_sent());
  }
  // Sends a good ServerHello.
  void hello() { client.receive(server.say_hello(server.good_hello())); }
  void send(const std::string& message) { client.receive(server.seal_handshake(server.add(message))); }
  void up_to_encrypted_extensions() {
    hello();
    send(server.encrypted_extensions());
  }
  void up_to_certificate() {
    up_to_encrypted_extensions();
    send(server.certificate());
  }
  void up_to_certificate_verify() {
    up_to_certificate();
    send(server.certificate_verify(client.key));
  }
  void connect() {
    hello();
    client.receive(server.rest_of_flight(client.key));
    server.open_handshake(client.take_sent());
    server.take_finished();
    EXPECT_TRUE(client.last().starts_with("HandshakeDone")) << client.last();
  }

  End client;
  ServerScript server;
};

// The client failed so, said so, and is gone.
inline void expect_fault(ClientAttack& attack, Fault fault) {
  const std::string expected = "Failed " + std::string(name(fault)) + " " + std::string(name(alert_of(fault)));
  EXPECT_EQ(attack.client.last(), expected);
  const std::string alert = attack.server.open(attack.client.take_sent(), ContentType::alert);
  EXPECT_EQ(alert, alert_content(alert_of(fault))) << name(fault);
  EXPECT_TRUE(attack.client.state.ended());
  EXPECT_EQ(attack.client.last_wants, Wants::nothing);
  EXPECT_EQ(attack.client.budget.used(), 0u);
  // Nothing that follows has any effect.
  const std::size_t actions = attack.client.log.size();
  attack.client.receive(plain_handshake("more"));
  attack.client.write("x");
  EXPECT_EQ(attack.client.log.size(), actions);
  EXPECT_EQ(attack.client.sent, "");
}

}  // namespace limpid::tls::test
