// TLS in somebody's own program: a stack::TlsSession over effects::Tcp, as the README shows it.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

#include "limpid/crypto/generator.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/sockets.hpp"
#include "limpid/stack/tls_session.hpp"
#include "limpid/x509/issue.hpp"

namespace limpid::effects {
namespace {

Credentials make_credentials() {
  crypto::Generator generator{entropy()};
  auto key = crypto::PrivateKey::generate(crypto::KeyType::p256, generator);
  const std::string_view names[] = {"localhost"};
  x509::CertificateContents contents;
  contents.common_name = "localhost";
  contents.dns_names = names;
  const UnixTime today = now().wall;
  contents.validity = {{today.seconds - 60}, {today.seconds + 3600}};
  generator.fill(contents.serial_entropy);
  Buffer der(startup_budget());
  EXPECT_TRUE(x509::issue_self_signed(der, contents, key, crypto::draw<32>(generator).bytes(), {}));
  const Bytes ders[] = {Bytes(der.data(), der.size())};
  return {*x509::CertificateList::parse(ders, startup_budget()), std::move(key)};
}

// Answers one client in upper case and ends.
void shout(const Descriptor& listener, Credentials credentials) {
  stack::Identities identities(startup_budget());
  auto identity = stack::Identity::make(std::move(credentials.chain), std::move(credentials.key), startup_budget());
  ASSERT_TRUE(identities.add(std::move(*identity)));
  auto config = stack::ServerConfig::make({.identities = std::move(identities)});
  Budget memory(1 << 20);
  stack::TlsSession session(*config, entropy(), memory);
  const Descriptor peer(::accept(listener.get(), nullptr, nullptr));
  for (stack::Buffers io; !session.done();) {
    const auto r = session.step(now(), io);
    if (!r.to_peer.empty()) {
      ASSERT_EQ(::send(peer.get(), r.to_peer.data(), r.to_peer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(r.to_peer.size()));
    }
    if (!r.plaintext.empty()) {
      std::string text(as_text(r.plaintext));
      for (char& c : text) c = static_cast<char>(std::toupper(c));
      ASSERT_TRUE(session.write(text));
      session.close();
    } else if (r.want) {
      const MutableBytes room = io.free();
      const ssize_t n = ::recv(peer.get(), room.data(), room.size(), 0);
      n > 0 ? io.received(static_cast<std::size_t>(n)) : io.finished();
    }
  }
  EXPECT_TRUE(session.end().orderly()) << session.end().describe();
}

TEST(Embedding, ASessionOverTcp) {
  Credentials credentials = make_credentials();
  const Bytes ders[] = {credentials.chain[0].der};
  auto roots = x509::CertificateList::parse(ders, startup_budget());
  auto listener = listen_on({parse_address("127.0.0.1")->address, 0});
  ::fcntl(listener->get(), F_SETFL, 0);  // the server here waits
  std::thread server([&] { shout(*listener, std::move(credentials)); });

  auto config = stack::ClientConfig::make({.roots = std::move(*roots)});
  ASSERT_TRUE(config);
  Budget memory(1 << 20);
  stack::TlsSession session(*config, "localhost", entropy(), memory);
  const auto endpoint = local_endpoint(*listener);
  auto tcp = Tcp::connect({"localhost", endpoint.port}, {endpoint}, std::nullopt);
  ASSERT_TRUE(tcp);
  ASSERT_TRUE(session.write("hello"));
  std::string said;
  for (stack::Buffers io; !session.done();) {
    const auto r = session.step(now(), io);
    ASSERT_TRUE(tcp->send(r.to_peer));
    said += as_text(r.plaintext);
    if (r.want) {
      ASSERT_TRUE(tcp->receive_into(io));
    }
  }
  server.join();
  EXPECT_EQ(said, "HELLO");
  EXPECT_TRUE(session.end().orderly()) << session.end().describe();
}

TEST(SystemRoots, AreFoundWhereTheHostKeepsThem) {
  const auto roots = system_roots();
  if (!roots) GTEST_SKIP() << "skipped: " << roots.error().text;
  EXPECT_GT(roots->size(), 10u);
}

}  // namespace
}  // namespace limpid::effects
