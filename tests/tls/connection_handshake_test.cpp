// Client against server, in memory.
#include "connection_pair.hpp"

namespace limpid::tls::test {
namespace {

TEST(Handshake, CompletesAndCarriesDataBothWays) {
  Pair pair;
  pair.connect();
  EXPECT_EQ(pair.client.log, (Log{"Ask VerifyPeer 1",
                                  "HandshakeDone TLS_AES_128_GCM_SHA256 x25519 ecdsa alpn= name=example.com"}));
  EXPECT_EQ(pair.server.log, (Log{"Ask SelectCertificate 1", "Ask Sign 2",
                                  "HandshakeDone TLS_AES_128_GCM_SHA256 x25519 ecdsa alpn= name=example.com"}));
  pair.client.write("ping");
  pair.run();
  pair.server.write("pong");
  pair.run();
  EXPECT_EQ(pair.server.delivered, "ping");
  EXPECT_EQ(pair.client.delivered, "pong");
}

}  // namespace
}  // namespace limpid::tls::test
