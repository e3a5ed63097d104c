// The key schedule and the transcript hash, beyond what the traces of RFC 8448 cover: SHA-384, updates, binders of
// external keys, loading.
#include "limpid/tls/handshake/key_schedule.hpp"

#include <gtest/gtest.h>

#include "limpid/tls/handshake/transcript.hpp"
#include "limpid/tls/wire/handshake.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"

namespace limpid::test {
namespace {

using namespace tls;
using wire::CipherSuite;

constexpr HashAlgorithm algorithms[] = {HashAlgorithm::sha256, HashAlgorithm::sha384};

// HKDF-Expand-Label of section 7.1, written down from its definition over plain HMAC.
std::vector<Byte> expand_label(HashAlgorithm algorithm, Bytes secret, const std::string& label, Bytes context,
                               std::size_t size) {
  std::vector<Byte> info{static_cast<Byte>(size >> 8), static_cast<Byte>(size), static_cast<Byte>(6 + label.size())};
  const std::string full = "tls13 " + label;
  info.insert(info.end(), full.begin(), full.end());
  info.push_back(static_cast<Byte>(context.size()));
  info.insert(info.end(), context.begin(), context.end());
  std::vector<Byte> out, block;
  for (Byte counter = 1; out.size() < size; ++counter) {
    block.insert(block.end(), info.begin(), info.end());
    block.push_back(counter);
    const HashSecret next = crypto::hmac(algorithm, secret, block, portable_cpu);
    block.assign(next.bytes().begin(), next.bytes().end());
    out.insert(out.end(), block.begin(), block.end());
  }
  out.resize(size);
  return out;
}

Digest digest_of(HashAlgorithm algorithm, std::string_view text) {
  return crypto::hash(algorithm, as_bytes(text), portable_cpu);
}

TEST(KeySchedule, ExpandLabelIsItsDefinition) {
  Random random(5);
  for (const HashAlgorithm algorithm : algorithms) {
    for (int round = 0; round < 50; ++round) {
      const auto secret = random.bytes(crypto::digest_size(algorithm));
      const auto context = random.bytes(random.below(256));
      const std::string label(1 + random.below(249), 'l');
      std::vector<Byte> out(1 + random.below(500));
      hkdf_expand_label(algorithm, secret, label, context, out, best_cpu());
      EXPECT_EQ(to_hex(out), to_hex(expand_label(algorithm, secret, label, context, out.size())));
    }
  }
}

TEST(KeySchedule, ExpandLabelTakesTheLongestLabelAndContext) {
  const std::string label(249, 'l');
  const std::vector<Byte> context(255, 7);
  std::vector<Byte> out(32);
  hkdf_expand_label(HashAlgorithm::sha256, as_bytes("secret"), label, context, out, best_cpu());
  EXPECT_EQ(to_hex(out), to_hex(expand_label(HashAlgorithm::sha256, as_bytes("secret"), label, context, 32)));
}

TEST(KeySchedule, EverySecretHasItsLabelAndItsParent) {
  for (const HashAlgorithm algorithm : algorithms) {
    const CpuFeatures cpu = best_cpu();
    const std::size_t size = crypto::digest_size(algorithm);
    const std::vector<Byte> zeros(size);
    const Digest empty = digest_of(algorithm, "");
    const auto expect = [&](const HashSecret& secret, Bytes parent, const std::string& label, Bytes context) {
      EXPECT_EQ(to_hex(secret.bytes()), to_hex(expand_label(algorithm, parent, label, context, size))) << label;
    };
    for (const std::string_view psk : {"", "a pre-shared key"}) {
      EarlySecret early(algorithm, as_bytes(psk), cpu);
      EXPECT_EQ(to_hex(early.bytes()),
                to_hex(crypto::hmac(algorithm, zeros, psk.empty() ? Bytes(zeros) : as_bytes(psk), cpu).bytes()));
      const std::vector<Byte> early_bytes(early.bytes().begin(), early.bytes().end());
      const Digest hash = digest_of(algorithm, "ClientHello");
      expect(early.resumption_binder_key(cpu), early_bytes, "res binder", empty.bytes());
      expect(early.external_binder_key(cpu), early_bytes, "ext binder", empty.bytes());
      expect(early.client_early_traffic_secret(hash, cpu), early_bytes, "c e traffic", hash.bytes());
      expect(early.early_exporter_master_secret(hash, cpu), early_bytes, "e exp master", hash.bytes());

      HandshakeSecret handshake = std::move(early).into_handshake_secret(as_bytes("ecdhe"), cpu);
      EXPECT_EQ(to_hex(handshake.bytes()),
                to_hex(crypto::hmac(algorithm, expand_label(algorithm, early_bytes, "derived", empty.bytes(), size),
                                    as_bytes("ecdhe"), cpu)
                           .bytes()));
      const std::vector<Byte> handshake_bytes(handshake.bytes().begin(), handshake.bytes().end());
      expect(handshake.client_handshake_traffic_secret(hash, cpu), handshake_bytes, "c hs traffic", hash.bytes());
      expect(handshake.server_handshake_traffic_secret(hash, cpu), handshake_bytes, "s hs traffic", hash.bytes());

      const MasterSecret master = std::move(handshake).into_master_secret(cpu);
      EXPECT_EQ(to_hex(master.bytes()),
                to_hex(crypto::hmac(algorithm, expand_label(algorithm, handshake_bytes, "derived", empty.bytes(), size),
                                    zeros, cpu)
                           .bytes()));
      expect(master.client_application_traffic_secret_0(hash, cpu), master.bytes(), "c ap traffic", hash.bytes());
      expect(master.server_application_traffic_secret_0(hash, cpu), master.bytes(), "s ap traffic", hash.bytes());
      expect(master.exporter_master_secret(hash, cpu), master.bytes(), "exp master", hash.bytes());
      expect(master.resumption_master_secret(hash, cpu), master.bytes(), "res master", hash.bytes());
    }
  }
}

TEST(KeySchedule, TrafficSecretsGoOn) {
  for (const CipherSuite suite : {CipherSuite::tls_aes_128_gcm_sha256, CipherSuite::tls_aes_256_gcm_sha384,
                                  CipherSuite::tls_chacha20_poly1305_sha256}) {
    const HashAlgorithm algorithm = wire::hash_of(suite);
    const std::size_t size = crypto::digest_size(algorithm);
    const HashSecret secret(digest_of(algorithm, "secret").bytes());
    const auto expect = [&](Bytes derived, const std::string& label, Bytes context = {}) {
      EXPECT_EQ(to_hex(derived), to_hex(expand_label(algorithm, secret.bytes(), label, context, derived.size())));
    };
    const TrafficKeys keys = traffic_keys(suite, secret, best_cpu());
    EXPECT_EQ(keys.key.size(), suite == CipherSuite::tls_aes_128_gcm_sha256 ? 16u : 32u);
    expect(keys.key.bytes(), "key");
    expect(keys.iv.bytes(), "iv");
    EXPECT_EQ(next_traffic_secret(algorithm, secret, best_cpu()).size(), size);
    expect(next_traffic_secret(algorithm, secret, best_cpu()).bytes(), "traffic upd");
    expect(finished_key(algorithm, secret, best_cpu()).bytes(), "finished");
    expect(resumption_psk(algorithm, secret, as_bytes("nonce"), best_cpu()).bytes(), "resumption", as_bytes("nonce"));
    const Digest hash = digest_of(algorithm, "messages");
    EXPECT_TRUE(finished_verify_data(algorithm, secret, hash, best_cpu()) ==
                crypto::hmac(algorithm, finished_key(algorithm, secret, best_cpu()).bytes(), hash.bytes(), best_cpu()));
  }
}

TEST(KeySchedule, LoadedStagesGoOnAndDamagedOnesAreRefused) {
  for (const HashAlgorithm algorithm : algorithms) {
    const CpuFeatures cpu = best_cpu();
    EarlySecret early(algorithm, {}, cpu);
    auto loaded_early = reloaded(early);
    ASSERT_TRUE(loaded_early);
    HandshakeSecret handshake = std::move(early).into_handshake_secret(as_bytes("x"), cpu);
    auto loaded_handshake = reloaded(std::move(*loaded_early).into_handshake_secret(as_bytes("x"), cpu));
    ASSERT_TRUE(loaded_handshake);
    EXPECT_EQ(to_hex(loaded_handshake->bytes()), to_hex(handshake.bytes()));
    const MasterSecret master = std::move(handshake).into_master_secret(cpu);
    const auto loaded_master = reloaded(std::move(*loaded_handshake).into_master_secret(cpu));
    ASSERT_TRUE(loaded_master);
    EXPECT_EQ(to_hex(loaded_master->bytes()), to_hex(master.bytes()));

    const auto saved = encoded(master);
    for (std::size_t n = 0; n < saved.size(); ++n) EXPECT_FALSE(decoded<MasterSecret>(Bytes(saved).first(n)));
    for (std::size_t bit = 0; bit < 16; ++bit) {  // algorithm and length
      auto damaged = saved;
      damaged[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
      EXPECT_FALSE(decoded<MasterSecret>(damaged)) << bit;
    }
  }
  EXPECT_TRUE(reloaded(EarlySecret{}));
  EXPECT_TRUE(reloaded(HandshakeSecret{}));
  EXPECT_TRUE(reloaded(MasterSecret{}));
}

TEST(Transcript, IsTheHashOfTheMessagesHoweverTheyAreAdded) {
  for (const HashAlgorithm algorithm : algorithms) {
    Transcript transcript(algorithm);
    transcript.add(as_bytes("one"), best_cpu());
    Transcript copied = transcript;
    transcript.add(as_bytes("two"), best_cpu());
    EXPECT_EQ(transcript.hash(best_cpu()), digest_of(algorithm, "onetwo"));
    EXPECT_EQ(copied.hash(best_cpu()), digest_of(algorithm, "one"));
    auto loaded = reloaded(transcript);
    ASSERT_TRUE(loaded);
    loaded->add(as_bytes("three"), best_cpu());
    EXPECT_EQ(loaded->hash(best_cpu()), digest_of(algorithm, "onetwothree"));
    EXPECT_EQ(loaded->algorithm(), algorithm);
  }
}

// Section 4.4.1: "Transcript-Hash(ClientHello1, HelloRetryRequest, ... Mn) = Hash(message_hash || 00 00 Hash.length ||
// Hash(ClientHello1) || HelloRetryRequest || ... || Mn)".
TEST(Transcript, ReplacesTheFirstClientHelloAfterARetry) {
  for (const HashAlgorithm algorithm : algorithms) {
    Transcript transcript(algorithm);
    transcript.add(as_bytes("ClientHello1"), best_cpu());
    Transcript retried = transcript.after_retry(best_cpu());
    retried.add(as_bytes("HelloRetryRequest"), best_cpu());
    std::vector<Byte> substitute{254, 0, 0, static_cast<Byte>(crypto::digest_size(algorithm))};
    const Digest first = digest_of(algorithm, "ClientHello1");
    substitute.insert(substitute.end(), first.bytes().begin(), first.bytes().end());
    const Bytes retry = as_bytes("HelloRetryRequest");
    substitute.insert(substitute.end(), retry.begin(), retry.end());
    EXPECT_EQ(retried.hash(best_cpu()), crypto::hash(algorithm, substitute, best_cpu()));
    Transcript stateless = Transcript::after_retry(algorithm, first, best_cpu());
    stateless.add(retry, best_cpu());
    EXPECT_EQ(stateless.hash(best_cpu()), retried.hash(best_cpu()));
  }
}

TEST(Transcript, AnUndecidedOneBecomesEither) {
  UndecidedTranscript undecided;
  undecided.add(as_bytes("ClientHello"), best_cpu());
  const auto loaded = reloaded(undecided);
  ASSERT_TRUE(loaded);
  for (const HashAlgorithm algorithm : algorithms) {
    EXPECT_EQ(loaded->decide(algorithm).algorithm(), algorithm);
    EXPECT_EQ(loaded->decide(algorithm).hash(best_cpu()), digest_of(algorithm, "ClientHello"));
  }
  auto saved = encoded(undecided);
  saved[0] = static_cast<Byte>(HashAlgorithm::sha384);
  EXPECT_FALSE(decoded<UndecidedTranscript>(saved));
}

TEST(CipherSuite, TheThreeOfTls13) {
  EXPECT_EQ(wire::hash_of(CipherSuite::tls_aes_128_gcm_sha256), HashAlgorithm::sha256);
  EXPECT_EQ(wire::hash_of(CipherSuite::tls_aes_256_gcm_sha384), HashAlgorithm::sha384);
  EXPECT_EQ(wire::hash_of(CipherSuite::tls_chacha20_poly1305_sha256), HashAlgorithm::sha256);
  EXPECT_EQ(wire::aead_of(CipherSuite::tls_aes_256_gcm_sha384), crypto::AeadAlgorithm::aes_256_gcm);
  EXPECT_EQ(wire::aead_of(CipherSuite::tls_chacha20_poly1305_sha256), crypto::AeadAlgorithm::chacha20_poly1305);
  int valid = 0;
  for (int value = 0; value <= 0xffff; ++value) {
    const auto suite = static_cast<CipherSuite>(value);
    valid += is_valid(suite);
    EXPECT_EQ(is_valid(suite), !wire::name(suite).empty());
  }
  EXPECT_EQ(valid, 3);
}

}  // namespace
}  // namespace limpid::test
