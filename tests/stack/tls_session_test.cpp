#include "limpid/stack/tls_session.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/certificates.hpp"

namespace limpid::stack {
namespace {

constexpr Time now{{1'000'000}, test::certificate_epoch};

struct Pair {
  Pair(std::string_view name = "site.test") {
    Identities identities(authority.budget());
    EXPECT_TRUE(identities.add(authority.identity("site.test")));
    server_config.emplace(*ServerConfig::make({std::move(identities)}));
    std::vector<Bytes> roots;
    for (const auto& anchor : authority.anchors()) roots.push_back(anchor.der);
    client_config.emplace(*ClientConfig::make({.roots = *x509::CertificateList::parse(roots, authority.budget())}));
    client.emplace(*client_config, name, std::array<Byte, 32>{1}, memory);
    server.emplace(*server_config, std::array<Byte, 32>{2}, memory);
  }

  // Moves bytes between the two until both are quiet.
  void run() {
    for (bool moved = true; moved;) {
      moved = move(*client, client_io, server_io, from_server);
      moved = move(*server, server_io, client_io, from_client) || moved;
    }
  }
  bool move(TlsSession& session, Buffers& own, Buffers& other, std::string& plaintext) {
    const auto result = session.step(now, own);
    plaintext += as_text(result.plaintext);
    const MutableBytes room = other.free();
    EXPECT_LE(result.to_peer.size(), room.size());
    copy(result.to_peer, room);
    other.received(result.to_peer.size());
    return !result.to_peer.empty() || !result.plaintext.empty();
  }

  test::Authority authority;
  Budget memory{1 << 20};
  std::optional<ServerConfig> server_config;
  std::optional<ClientConfig> client_config;
  std::optional<TlsSession> client, server;
  Buffers client_io, server_io;
  std::string from_client, from_server;
};

TEST(TlsSession, TalksAndCloses) {
  Pair pair;
  ASSERT_TRUE(pair.client->write("hello"));
  pair.run();
  EXPECT_TRUE(pair.client->connected());
  EXPECT_EQ(pair.from_client, "hello");
  ASSERT_TRUE(pair.server->write(std::string(50'000, 'x')));
  pair.run();
  EXPECT_EQ(pair.from_server, std::string(50'000, 'x'));
  EXPECT_FALSE(pair.client->done());
  pair.server->close();
  EXPECT_FALSE(pair.server->write("late"));
  pair.run();
  EXPECT_TRUE(pair.client->done());
  EXPECT_TRUE(pair.server->done());
  EXPECT_TRUE(pair.client->end().orderly());
  EXPECT_TRUE(pair.server->end().orderly());
}

TEST(TlsSession, ForgetsTheEntropyThatItsKeysAreMadeFrom) {
  Pair pair;
  std::array<Byte, 32> entropy;
  entropy.fill(0xe7);
  for (TlsSession* session : {&pair.client.emplace(*pair.client_config, "site.test", entropy, pair.memory),
                              &pair.server.emplace(*pair.server_config, entropy, pair.memory)}) {
    const std::string_view memory(reinterpret_cast<const char*>(session), sizeof(TlsSession));
    EXPECT_NE(memory.find(as_text(entropy)), memory.npos) << "or this test looks in the wrong place";
    session->step(now, pair.client_io);
    EXPECT_EQ(memory.find(as_text(Bytes(entropy).first(8))), memory.npos);
  }
}

TEST(TlsSession, AnEndWithoutCloseNotifyIsTruncation) {
  Pair pair;
  ASSERT_TRUE(pair.client->write("hello"));
  pair.run();
  pair.client_io.finished();
  pair.run();
  EXPECT_TRUE(pair.client->done());
  EXPECT_EQ(pair.client->end().how, SessionEnd::How::truncated);
}

TEST(TlsSession, AnotherNameIsRefusedWithItsReason) {
  Pair pair("other.test");
  pair.run();
  EXPECT_TRUE(pair.client->done());
  EXPECT_EQ(pair.client->end().how, SessionEnd::How::failed);
  ASSERT_TRUE(pair.client->end().invalid);
  EXPECT_EQ(pair.client->end().invalid->reason, x509::InvalidReason::name_mismatch);
  EXPECT_EQ(pair.server->end().how, SessionEnd::How::failed);
  EXPECT_EQ(pair.server->end().alert, tls::Alert::bad_certificate);
}

TEST(TlsSession, AnImpossibleNameEndsItAtOnce) {
  Pair pair("not a name");
  EXPECT_TRUE(pair.client->done());
  EXPECT_EQ(pair.client->end().how, SessionEnd::How::misconfigured);
  EXPECT_TRUE(pair.client->step(now, pair.client_io).to_peer.empty());
}

TEST(TlsSession, ConfigurationsAreChecked) {
  EXPECT_EQ(ClientConfig::make({}).error().fault, ConfigError::Fault::no_roots);
  Budget budget(1 << 16);
  EXPECT_EQ(ServerConfig::make({Identities(budget)}).error().fault, ConfigError::Fault::no_identity);
}

TEST(TlsSession, GoesOnFromASnapshotAfterEveryStep) {
  Pair pair;
  ASSERT_TRUE(pair.client->write("hello"));
  ASSERT_TRUE(pair.server->write("welcome"));
  for (int i = 0; i < 12; ++i) {
    pair.move(*pair.client, pair.client_io, pair.server_io, pair.from_server);
    pair.move(*pair.server, pair.server_io, pair.client_io, pair.from_client);
    const auto saved = pair.client->save(now.monotonic, pair.memory);
    ASSERT_TRUE(saved);
    pair.client.emplace(*pair.client_config, "site.test", std::array<Byte, 32>{static_cast<Byte>(10 + i)}, pair.memory);
    ASSERT_TRUE(pair.client->load({saved->data(), saved->size()}, now.monotonic));
  }
  EXPECT_EQ(pair.from_client, "hello");
  EXPECT_EQ(pair.from_server, "welcome");
}

// The client's end after `end`, in a session that was saved and loaded behind it.
SessionEnd end_when_loaded_after(const std::function<void(Pair&)>& end) {
  Pair pair;
  EXPECT_TRUE(pair.client->write("hello"));
  pair.run();
  end(pair);
  const auto saved = pair.client->save(now.monotonic, pair.memory);
  EXPECT_TRUE(saved);
  TlsSession loaded(*pair.client_config, "site.test", std::array<Byte, 32>{77}, pair.memory);
  EXPECT_TRUE(loaded.load({saved->data(), saved->size()}, now.monotonic));
  loaded.step(now, pair.client_io);
  EXPECT_TRUE(loaded.done());
  return loaded.end();
}

TEST(TlsSession, ALoadedSessionKnowsHowItEnded) {
  const SessionEnd closed = end_when_loaded_after([](Pair& pair) {
    pair.server->close();
    pair.move(*pair.server, pair.server_io, pair.client_io, pair.from_client);
    pair.client->step(now, pair.client_io);
  });
  EXPECT_TRUE(closed.orderly());
  const SessionEnd truncated = end_when_loaded_after([](Pair& pair) {
    pair.client_io.finished();
    pair.client->step(now, pair.client_io);
  });
  EXPECT_EQ(truncated.how, SessionEnd::How::truncated);
  const SessionEnd failed = end_when_loaded_after([](Pair& pair) {
    constexpr std::string_view not_a_record = "HTTP/1.1 400";
    copy(as_bytes(not_a_record), pair.client_io.free());
    pair.client_io.received(not_a_record.size());
    pair.client->step(now, pair.client_io);
  });
  EXPECT_EQ(failed.how, SessionEnd::How::failed);
  EXPECT_EQ(failed.alert, tls::Alert::unexpected_message);
}

}  // namespace
}  // namespace limpid::stack
