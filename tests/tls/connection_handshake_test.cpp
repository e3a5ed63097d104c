// Client against server, in memory: what they agree on, in every way of cutting the streams and in rooms of every size.
#include "limpid/core/reader.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/random.hpp"
#include "tests/tls/connection_pair.hpp"

namespace limpid::tls::test {
namespace {

using limpid::test::Random;

constexpr CipherSuite suites[] = {CipherSuite::tls_aes_128_gcm_sha256, CipherSuite::tls_aes_256_gcm_sha384,
                                  CipherSuite::tls_chacha20_poly1305_sha256};
constexpr NamedGroup groups[] = {NamedGroup::x25519, NamedGroup::secp256r1, NamedGroup::secp384r1};
constexpr crypto::KeyType key_types[] = {crypto::KeyType::p256, crypto::KeyType::ed25519, crypto::KeyType::p384,
                                         crypto::KeyType::rsa, crypto::KeyType::rsa_pss};
constexpr NamedGroup only_p256[] = {NamedGroup::secp256r1};
constexpr NamedGroup only_x25519[] = {NamedGroup::x25519};

std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((from + i) * 131 >> 3);
  return text;
}

TEST(Handshake, CompletesAndCarriesDataBothWays) {
  Pair pair;
  pair.connect();
  EXPECT_EQ(pair.client.log,
            (Log{"Ask VerifyPeer 1", "HandshakeDone TLS_AES_128_GCM_SHA256 x25519 ecdsa alpn= name=example.com"}));
  EXPECT_EQ(pair.server.log, (Log{"Ask SelectCertificate 1", "Ask Sign 2",
                                  "HandshakeDone TLS_AES_128_GCM_SHA256 x25519 ecdsa alpn= name=example.com"}));
  pair.client.write("ping");
  pair.run();
  pair.server.write("pong");
  pair.run();
  EXPECT_EQ(pair.server.delivered, "ping");
  EXPECT_EQ(pair.client.delivered, "pong");
}

// RFC 4055, section 3.1, and RFC 8446, section 4.2.3: the parameters of a key restrict what it signs with.
TEST(Handshake, AKeyRestrictedToOneHashSignsWithThatOnly) {
  for (const auto scheme : crypto::schemes_of(crypto::KeyType::rsa_pss)) {
    Pair pair(client_config(), server_config(), crypto::KeyType::rsa_pss);
    pair.client.reload = true;
    pair.server.answerer = [&](const Query& query) -> std::optional<Answer> {
      if (!std::holds_alternative<SelectCertificate>(query)) return pair.server.default_answer(query);
      return CertificateSelected{as_bytes(pair.server.chain), scheme, 7};
    };
    pair.client.answerer = [&](const Query&) -> std::optional<Answer> {
      return PeerAccepted{pair.client.key.public_key().restricted_to(crypto::HashAlgorithm::sha384)};
    };
    pair.connect();
    const bool allowed = scheme == crypto::SignatureScheme::rsa_pss_pss_sha384;
    EXPECT_EQ(pair.client.state.connected(), allowed);
    EXPECT_EQ(pair.client.last() == "Failed certificate_verify_invalid decrypt_error", !allowed) << pair.client.last();
  }
}

TEST(Handshake, EverySuiteGroupAndKeyType) {
  for (const CipherSuite suite : suites) {
    for (const NamedGroup group : groups) {
      for (const crypto::KeyType type : key_types) {
        for (const CpuFeatures cpu : limpid::test::cpu_paths()) {
          const Config::Options options{.cipher_suites = {&suite, 1}, .groups = {&group, 1}};
          Pair pair(client_config(options), server_config(options), type);
          pair.client.cpu = cpu;
          pair.connect();
          const std::string expected = "HandshakeDone " + std::string(wire::name(suite)) + " " +
                                       std::string(group_name(group)) + " " +
                                       std::string(scheme_name(crypto::scheme_of(type))) + " alpn= name=example.com";
          EXPECT_EQ(pair.client.last(), expected);
          EXPECT_EQ(pair.server.last(), expected);
          const std::string data = pattern(40000);
          pair.client.write(data);
          pair.server.write(data);
          pair.run();
          EXPECT_EQ(pair.server.delivered, data);
          EXPECT_EQ(pair.client.delivered, data);
        }
      }
    }
  }
}

TEST(Handshake, TheServersPreferencesDecide) {
  const CipherSuite reversed[] = {suites[2], suites[1], suites[0]};
  Pair pair(client_config(), server_config({.cipher_suites = reversed}));
  pair.connect();
  EXPECT_TRUE(pair.server.last().starts_with("HandshakeDone TLS_CHACHA20_POLY1305_SHA256"));

  // A share at hand beats a preferred group that would cost a round trip.
  const NamedGroup p256_first[] = {NamedGroup::secp256r1, NamedGroup::x25519};
  Pair shared(client_config(), server_config({.groups = p256_first}));
  shared.connect();
  EXPECT_TRUE(shared.server.last().starts_with("HandshakeDone TLS_AES_128_GCM_SHA256 x25519 ecdsa alpn"));
}

TEST(Handshake, RetriesForAnotherGroup) {
  for (const bool cookie : {true, false}) {
    for (const CipherSuite suite : suites) {
      Pair pair(client_config({.cipher_suites = {&suite, 1}}),
                server_config({.groups = only_p256, .retry_with_cookie = cookie}));
      pair.connect();
      const std::string expected =
          "HandshakeDone " + std::string(wire::name(suite)) + " secp256r1 ecdsa retried alpn= name=example.com";
      EXPECT_EQ(pair.client.last(), expected);
      EXPECT_EQ(pair.server.last(), expected);
      pair.client.write("after retry");
      pair.run();
      EXPECT_EQ(pair.server.delivered, "after retry");
    }
  }
}

TEST(Handshake, SelectsAnApplicationProtocol) {
  const std::string_view theirs[] = {"h2", "http/1.1"}, ours[] = {"http/1.1"}, none_common[] = {"smtp"};
  Pair pair(client_config({.application_protocols = theirs}), server_config({.application_protocols = ours}));
  std::string asked;
  pair.server.answerer = [&](const Query& query) {
    if (const auto* select = std::get_if<SelectCertificate>(&query)) {
      asked = std::string(as_text(select->server_name)) + "/" + std::string(as_text(select->application_protocol));
      EXPECT_EQ(select->signature_schemes.size(), tls::SignatureSchemes::capacity);
    }
    return pair.server.default_answer(query);
  };
  pair.connect();
  EXPECT_EQ(asked, "example.com/http/1.1");
  EXPECT_TRUE(pair.client.last().ends_with("alpn=http/1.1 name=example.com")) << pair.client.last();
  EXPECT_TRUE(pair.server.last().ends_with("alpn=http/1.1 name=example.com"));

  Pair apart(client_config({.application_protocols = theirs}), server_config({.application_protocols = none_common}));
  apart.connect();
  EXPECT_EQ(apart.server.log, (Log{"Failed no_common_application_protocol no_application_protocol"}));
  EXPECT_EQ(apart.client.log, (Log{"Failed alert_received no_application_protocol"}));

  Pair server_without(client_config({.application_protocols = theirs}), server_config());
  server_without.connect();
  EXPECT_TRUE(server_without.client.last().ends_with("alpn= name=example.com"));
  Pair client_without(client_config(), server_config({.application_protocols = ours}));
  client_without.connect();
  EXPECT_TRUE(client_without.client.last().ends_with("alpn= name=example.com"));
}

TEST(Handshake, AddressesAreVerifiedButNotSent) {
  Pair pair(client_config({.server_name = "192.0.2.1"}));
  std::string verified;
  pair.client.answerer = [&](const Query& query) {
    verified = as_text(std::get<VerifyPeer>(query).server_name);
    EXPECT_EQ(as_text(std::get<VerifyPeer>(query).certificate_list), pair.server.chain);
    return pair.client.default_answer(query);
  };
  pair.connect();
  EXPECT_EQ(verified, "192.0.2.1");
  EXPECT_TRUE(pair.server.last().ends_with("name="));
}

TEST(Handshake, GreaseIsSentAndTolerated) {
  Pair pair(client_config({.grease = true}));
  pair.connect();
  EXPECT_TRUE(pair.client.last().starts_with("HandshakeDone"));
  Pair retried(client_config({.grease = true}), server_config({.groups = only_p256}));
  retried.connect();
  EXPECT_TRUE(retried.client.last().find("retried") != std::string::npos);

  // It stands in the hello, in every list.
  End client(client_config({.grease = true}));
  client.start();
  const auto hello = wire::ClientHello::parse(as_bytes(client.sent).subspan(9));
  ASSERT_TRUE(hello);
  const auto greasy = [](const auto& list) {
    bool found = false;
    for (const auto value : list) found = found || wire::is_grease(static_cast<std::uint16_t>(value));
    return found;
  };
  EXPECT_TRUE(greasy(hello->cipher_suites));
  EXPECT_TRUE(greasy(*hello->supported_groups));
  EXPECT_TRUE(greasy(*hello->supported_versions));
  EXPECT_EQ(hello->key_share->count(), 2u);
}

// The content types of the records in a stream, h, c, a or d.
std::string record_types(std::string_view stream) {
  std::string types;
  for (Reader in(as_bytes(stream)); !in.empty();) {
    const auto type = static_cast<record::ContentType>(in.u8());
    in.u16();
    in.vector16();
    types += type == record::ContentType::handshake            ? 'h'
             : type == record::ContentType::change_cipher_spec ? 'c'
             : type == record::ContentType::alert              ? 'a'
                                                               : 'd';
  }
  return types;
}

TEST(Handshake, CompatibilityModeLooksLikeTls12) {
  for (const bool compatible : {true, false}) {
    for (const bool retry : {true, false}) {
      End client(client_config({.compatibility_mode = compatible}));
      End server(server_config({.groups = retry ? std::span<const NamedGroup>(only_p256) : groups}));
      server.start();
      client.start();
      const std::string first = client.take_sent();
      EXPECT_EQ(static_cast<Byte>(first[9 + 34]), compatible ? 32 : 0) << "legacy_session_id";
      EXPECT_EQ(record_types(first), "h");
      server.receive(first);
      if (retry) {
        EXPECT_EQ(record_types(server.sent), compatible ? "hc" : "h");
        client.receive(server.take_sent());
        EXPECT_EQ(record_types(client.sent), compatible ? "ch" : "h");
        server.receive(client.take_sent());
        EXPECT_EQ(record_types(server.sent), "hd");
      } else {
        EXPECT_EQ(record_types(server.sent), compatible ? "hcd" : "hd");
      }
      client.receive(server.take_sent());
      EXPECT_EQ(record_types(client.sent), compatible && !retry ? "cd" : "d");
      server.receive(client.take_sent());
      EXPECT_TRUE(server.last().starts_with("HandshakeDone"));
    }
  }
}

// One session with everything in it: retry, names, data both ways, key updates, both closes.
struct Session {
  Log client_log, server_log;
  std::string client_delivered, server_delivered;
  std::string client_saved, server_saved;
};

Session converse(std::size_t room_bytes, std::size_t room_actions, std::function<std::size_t()> cut, bool reload,
                 CpuFeatures cpu = {}) {
  const std::string_view protocols[] = {"http/1.1", "h2"};
  Pair pair(client_config({.application_protocols = protocols, .grease = true}),
            server_config({.groups = only_p256, .application_protocols = protocols, .pad_to = 64}));
  for (End* end : {&pair.client, &pair.server}) {
    end->room_bytes = room_bytes;
    end->room_actions = room_actions;
    end->reload = reload;
    end->cpu = cpu;
  }
  pair.start();
  pair.run(cut);
  pair.client.write(pattern(50000));
  pair.run(cut);
  pair.server.write(pattern(70000, 5));
  pair.server.event(UpdateKeys{true});
  pair.server.write("under new keys");
  pair.run(cut);
  pair.client.write("answered");
  pair.client.event(Close{});
  pair.run(cut);
  pair.server.write("half-open");
  pair.server.event(Close{});
  pair.run(cut);
  EXPECT_EQ(pair.client.last_wants, Wants::nothing);
  EXPECT_EQ(pair.server.last_wants, Wants::nothing);
  EXPECT_EQ(pair.client.budget.used(), 0u);
  EXPECT_EQ(pair.server.budget.used(), 0u);
  return {pair.client.log,       pair.server.log,     pair.client.delivered,
          pair.server.delivered, pair.client.saved(), pair.server.saved()};
}

TEST(Segmentation, EveryCutAndRoomTellsTheSame) {
  const auto whole = [] { return std::size_t{1} << 20; };
  const Session plain = converse(1 << 18, 64, whole, false);
  EXPECT_EQ(plain.server_delivered, pattern(50000) + "answered");
  EXPECT_EQ(plain.client_delivered, pattern(70000, 5) + "under new keys" + "half-open");
  EXPECT_EQ(plain.client_log,
            (Log{"Ask VerifyPeer 1",
                 "HandshakeDone TLS_AES_128_GCM_SHA256 secp256r1 ecdsa retried alpn=http/1.1 name=example.com",
                 "Noted keys_updated_by_peer", "Noted keys_updated", "PeerClosed"}));
  EXPECT_EQ(plain.server_log,
            (Log{"Ask SelectCertificate 1", "Ask Sign 2",
                 "HandshakeDone TLS_AES_128_GCM_SHA256 secp256r1 ecdsa retried alpn=http/1.1 name=example.com",
                 "Noted keys_updated_by_peer", "PeerClosed"}));
  const auto same = [&](const Session& other) {
    EXPECT_EQ(other.client_log, plain.client_log);
    EXPECT_EQ(other.server_log, plain.server_log);
    EXPECT_EQ(other.client_delivered, plain.client_delivered);
    EXPECT_EQ(other.server_delivered, plain.server_delivered);
    EXPECT_EQ(other.client_saved, plain.client_saved);
    EXPECT_EQ(other.server_saved, plain.server_saved);
  };
  Random random(7);
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{600}, std::size_t{20000}}) {
    // (Records of the largest size in single bytes would take this test, not the machine, seconds.)
    same(converse(most == 1 ? 2000 : 1 << 18, 64, [&] { return 1 + random.below(most); }, false));
    same(converse(
        Connection::least_room.bytes + random.below(3000), Connection::least_room.actions + random.below(3),
        [&] { return 1 + random.below(most); }, false));
  }
  same(converse(Connection::least_room.bytes, Connection::least_room.actions, whole, false));
  for (const CpuFeatures cpu : limpid::test::cpu_paths()) same(converse(1 << 18, 64, whole, false, cpu));
}

TEST(Snapshot, ASessionSavedAndLoadedBeforeEveryStepGoesOnTheSame) {
  const auto whole = [] { return std::size_t{1} << 20; };
  const Session plain = converse(1 << 18, 64, whole, false);
  Random random(11);
  for (const std::size_t most : {std::size_t{1000}, std::size_t{1} << 20}) {
    const Session reloaded = converse(
        Connection::least_room.bytes + 100, Connection::least_room.actions, [&] { return 1 + random.below(most); },
        true);
    EXPECT_EQ(reloaded.client_log, plain.client_log);
    EXPECT_EQ(reloaded.server_log, plain.server_log);
    EXPECT_EQ(reloaded.client_delivered, plain.client_delivered);
    EXPECT_EQ(reloaded.server_delivered, plain.server_delivered);
  }
}

TEST(Snapshot, ALoadedTwinGivenTheSameEntropySendsTheSameBytes) {
  // After every message exchanged in a handshake with a retry, each side is loaded into a twin; both go on alike.
  for (int stage = 0; stage < 6; ++stage) {
    const auto go = [&](bool reload) {
      Pair pair(client_config(), server_config({.groups = only_p256}));
      pair.start();
      for (int i = 0; i < stage; ++i) {
        Pair::carry(pair.client, pair.server, [] { return std::size_t{100}; });
        if (i % 2 == 1) Pair::carry(pair.server, pair.client, [] { return std::size_t{100}; });
      }
      for (End* end : {&pair.client, &pair.server}) {
        if (reload) end->save_and_load();
        end->event(Entropy{seed(9)});
      }
      pair.run();
      EXPECT_TRUE(pair.client.last().starts_with("HandshakeDone")) << stage;
      pair.client.write("on");
      pair.run();
      return pair.client.saved() + pair.server.saved() + pair.server.delivered;
    };
    EXPECT_EQ(go(false), go(true)) << stage;
  }
}

TEST(Snapshot, DamagedOnesAreRefusedOrHarmless) {
  // Every byte of the saved states of a handshake is flipped; what loads must be steppable.
  Pair pair;
  pair.server.auto_answer = false;
  pair.start();
  pair.run();
  for (End* end : {&pair.client, &pair.server}) {
    const std::string saved = end->saved();
    for (std::size_t at = 0; at < saved.size(); ++at) {
      std::string damaged = saved;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      Budget budget(1 << 20);
      auto loaded = load<Connection>(as_bytes(damaged), {Instant{}, budget, {}});
      if (!loaded) continue;
      Budget scratch(1 << 20);
      const auto again = save(*loaded, Instant{}, scratch);
      ASSERT_TRUE(again);
      EXPECT_EQ(as_text(Bytes(again->data(), again->size())), damaged) << "not canonical at " << at;
      End twin(end->config);
      twin.state = std::move(*loaded);
      twin.auto_answer = true;
      twin.event(Tick{});
      twin.receive(std::string(40, '\x16'));
      twin.event(Close{});
    }
    for (std::size_t size = 0; size < saved.size(); size += 3) {
      Budget budget(1 << 20);
      EXPECT_FALSE(load<Connection>(as_bytes(saved.substr(0, size)), {Instant{}, budget, {}})) << size;
    }
  }
}

TEST(Determinism, TheSameEntropyGivesTheSameBytes) {
  const auto go = [] {
    Pair pair;
    pair.start();
    std::string all = pair.client.sent;
    pair.run();
    pair.client.write(pattern(1000));
    return all + pair.client.sent + pair.client.saved() + pair.server.saved();
  };
  EXPECT_EQ(go(), go());
}

TEST(Memory, EveryRefusedAllocationIsANamedFailure) {
  const auto run = [](std::uint64_t client_refuses, std::uint64_t server_refuses, std::uint64_t* attempts) {
    Pair pair(client_config(), server_config({.groups = only_p256}));
    pair.client.budget.refuse_attempt(client_refuses);
    pair.server.budget.refuse_attempt(server_refuses);
    pair.start();
    pair.run([] { return std::size_t{64}; });
    pair.client.write("x");
    pair.run();
    attempts[0] = pair.client.budget.allocations();
    attempts[1] = pair.server.budget.allocations();
    return std::pair(pair.client.last(), pair.server.last());
  };
  std::uint64_t attempts[2];
  const auto good = run(0, 0, attempts);
  EXPECT_TRUE(good.first.starts_with("HandshakeDone") && good.second.starts_with("HandshakeDone"));
  EXPECT_GT(attempts[0], 4u);
  EXPECT_GT(attempts[1], 4u);
  std::uint64_t ignored[2];
  for (std::uint64_t n = 1; n <= attempts[0]; ++n) {
    const auto ended = run(n, 0, ignored);
    EXPECT_EQ(ended.first, "Failed out_of_memory internal_error") << n;
    // The first three refusals leave nothing to tell the server with.
    if (n > 3) {
      EXPECT_EQ(ended.second, "Failed alert_received internal_error") << n;
    }
  }
  for (std::uint64_t n = 1; n <= attempts[1]; ++n) {
    const auto ended = run(0, n, ignored);
    EXPECT_EQ(ended.second, "Failed out_of_memory internal_error") << n;
    if (n > 2) {
      EXPECT_EQ(ended.first, "Failed alert_received internal_error") << n;
    }
  }
}

TEST(Memory, TheSteadyStateAllocatesNothing) {
  Pair pair;
  pair.connect();
  const auto before = pair.server.budget.allocations();
  const auto used = pair.server.budget.used();
  for (int i = 0; i < 20; ++i) {
    pair.client.write(pattern(30000));
    pair.server.write(pattern(30000));
    pair.client.event(UpdateKeys{true});
    pair.run();
  }
  EXPECT_EQ(pair.server.budget.allocations(), before);
  EXPECT_EQ(pair.server.budget.used(), used);
  EXPECT_LE(used, 2048u) << "heap bytes of an idle connection";
  EXPECT_LE(sizeof(Connection), 256u);
}

TEST(Room, NothingHappensInLessThanIsNeededAndNothingIsLost) {
  Pair pair;
  pair.client.room_bytes = 10;
  pair.client.event(Entropy{seed(1)});
  EXPECT_EQ(pair.client.last_wants, Wants::room);
  EXPECT_EQ(pair.client.sent, "");
  pair.client.room_bytes = 1 << 16;
  pair.client.event(Tick{});
  pair.server.start();
  pair.run();
  EXPECT_TRUE(pair.client.last().starts_with("HandshakeDone"));
  EXPECT_TRUE(pair.server.last().starts_with("HandshakeDone"));
}

TEST(Newborn, WantsEntropyAndNothingElse) {
  End end(client_config());
  std::vector<Byte> bytes(10);
  for (const Connection::Event& event :
       {Connection::Event(stream::Received{{bytes.data(), bytes.size()}}), Connection::Event(stream::PeerFinished{}),
        Connection::Event(Write{as_bytes("x")}), Connection::Event(UpdateKeys{})}) {
    const auto progress = end.step(event);
    EXPECT_EQ(progress.consumed, 0u);
    EXPECT_EQ(progress.wants, Wants::entropy);
    EXPECT_TRUE(progress.actions.empty());
  }
  EXPECT_EQ(end.step(Close{}).wants, Wants::nothing);
}

}  // namespace
}  // namespace limpid::tls::test
