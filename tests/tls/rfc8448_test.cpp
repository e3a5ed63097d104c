// The traces of RFC 8448, walked through message by message: every message re-emits to its bytes, every secret, key and
// Finished comes out of the key schedule, every record opens to its content and is sealed again to its bytes. The RSA
// signatures in them are not verified: they are bytes here.
#include <gtest/gtest.h>

#include <set>

#include "limpid/tls/handshake/transcript.hpp"
#include "limpid/tls/record/protection.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/round_trip.hpp"
#include "tests/tls/messages.hpp"
#include "tests/tls/rfc8448_data.hpp"

namespace limpid::test {
namespace {

using record::ContentType;
using record::ReadProtection;
using record::WriteProtection;
using wire::CipherSuite;
using wire::HandshakeType;

constexpr CipherSuite suite = CipherSuite::tls_aes_128_gcm_sha256;
constexpr HashAlgorithm sha256 = HashAlgorithm::sha256;

std::string hex(Bytes bytes) { return to_hex(bytes); }

// The (EC)DHE output of a trace's private key with the peer's public one.
std::vector<Byte> agreed(crypto::NamedGroup group, Bytes private_key, Bytes peer_public_key) {
  std::vector<Byte> saved{static_cast<Byte>(static_cast<std::uint16_t>(group) >> 8), static_cast<Byte>(group),
                          static_cast<Byte>(private_key.size())};
  saved.insert(saved.end(), private_key.begin(), private_key.end());
  const auto key = decoded<crypto::EphemeralKey>(saved);
  if (!key) return {};
  const auto shared = key->agree(peer_public_key, portable_cpu);
  if (!shared) return {};
  return {shared->bytes().begin(), shared->bytes().end()};
}

class Walk {
 public:
  Walk(const Trace& trace, CpuFeatures cpu) : trace_(trace), cpu_(cpu) {}

  void all() {
    hellos();
    server_flight();
    client_flight();
    after();
    for (const auto& [name, value] : trace_) EXPECT_TRUE(used_.contains(name) || is_common(name)) << "unused: " << name;
  }

 private:
  // Not every trace uses these.
  static bool is_common(const std::string& name) {
    return name == "application_data" || name == "rsa_certificate" || name.ends_with("_without_psk");
  }
  bool has(const std::string& name) const { return trace_.contains(name); }
  const std::vector<Byte>& at(const std::string& name) {
    used_.insert(name);
    return trace_.at(name);
  }
  Bytes value(const std::string& name) {
    EXPECT_TRUE(has(name)) << name;
    return at(name);
  }
  // What was computed, if the trace has it.
  void check(const std::string& name, Bytes computed) {
    if (has(name)) {
      EXPECT_EQ(hex(computed), hex(at(name))) << name;
    }
  }
  void check_keys(const std::string& prefix, const HashSecret& secret) {
    const TrafficKeys keys = traffic_keys(suite, secret, cpu_);
    check(prefix + "_key", keys.key.bytes());
    check(prefix + "_iv", keys.iv.bytes());
  }

  // Every message in `stream`, each re-emitted.
  std::vector<wire::Handshake> messages(Bytes stream) {
    std::vector<wire::Handshake> found;
    while (!stream.empty()) {
      const auto next = wire::next_handshake(stream);
      EXPECT_TRUE(next && *next);
      if (!next || !*next) return found;
      const wire::Handshake handshake = **next;
      const auto again = reemitted(handshake);
      EXPECT_TRUE(again) << name(handshake.type) << ": " << name(again.error().fault);
      if (again) {
        EXPECT_EQ(hex(*again), hex(handshake.message)) << name(handshake.type);
      }
      found.push_back(handshake);
      stream = stream.subspan(handshake.message.size());
    }
    return found;
  }

  // The one message in an unprotected record, which is emitted again too.
  wire::Handshake hello(const std::string& name) {
    kept_.push_back(at(name));
    const auto found = record::next_record(kept_.back());
    EXPECT_TRUE(found && *found) << name;
    if (!found || !*found) return {};
    const Bytes fragment = (*found)->fragment();
    EXPECT_EQ((*found)->type, ContentType::handshake);
    EXPECT_TRUE(record::check_content((*found)->type, fragment));
    const bool initial =
        name == "client_hello_record" ? !has("client_hello_1_record") : name == "client_hello_1_record";
    const auto again = written([&](Writer& out) {
      record::put_plaintext_record(out, ContentType::handshake, fragment,
                                   initial ? wire::ProtocolVersion::tls10 : wire::ProtocolVersion::tls12);
    });
    EXPECT_EQ(hex(again), hex(at(name)));
    const auto all = messages(fragment);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? wire::Handshake{} : all[0];
  }

  // The content of a protected record, which `write` seals again to the same bytes.
  std::vector<Byte> opened(const std::string& name, ReadProtection& read, WriteProtection& write, ContentType type) {
    if (!has(name)) return {};
    std::vector<Byte> bytes = at(name);
    const auto found = record::next_record(bytes);
    EXPECT_TRUE(found && *found) << name;
    if (!found || !*found) return {};
    const auto inner = read.open(**found, cpu_);
    EXPECT_TRUE(inner) << name;
    if (!inner) return {};
    EXPECT_EQ(inner->type, type) << name;
    std::vector<Byte> content(inner->content.begin(), inner->content.end());
    std::vector<Byte> sealed(content.size() + record::overhead);
    EXPECT_EQ(write.seal(type, content, 0, sealed, cpu_), sealed.size());
    EXPECT_EQ(hex(sealed), hex(at(name))) << name;
    return content;
  }

  void change_cipher_spec(const std::string& name) {
    if (!has(name)) return;
    std::vector<Byte> bytes = at(name);
    const auto found = record::next_record(bytes);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->type, ContentType::change_cipher_spec);
    EXPECT_TRUE(record::check_content((*found)->type, (*found)->fragment()));
  }

  void early_data(const EarlySecret& early_secret, const wire::ClientHello& client_hello, Bytes message) {
    const HashSecret binder_key = early_secret.resumption_binder_key(cpu_);
    check("binder_key", binder_key.bytes());
    check("binder_finished_key", finished_key(sha256, binder_key, cpu_).bytes());
    ASSERT_TRUE(client_hello.pre_shared_key);
    EXPECT_TRUE(client_hello.early_data);
    const Bytes truncated = message.first(wire::handshake_header_size + client_hello.pre_shared_key->binders_offset);
    const Digest binder_hash = crypto::hash(sha256, truncated, cpu_);
    check("binder_hash", binder_hash.bytes());
    const HashSecret binder = finished_verify_data(sha256, binder_key, binder_hash, cpu_);
    check("binder", binder.bytes());
    EXPECT_EQ(client_hello.pre_shared_key->binders.begin()->binder, binder.bytes());

    const Digest client_hello_hash = crypto::hash(sha256, message, cpu_);
    check("client_hello_hash", client_hello_hash.bytes());
    client_early_ = early_secret.client_early_traffic_secret(client_hello_hash, cpu_);
    check("client_early_traffic_secret", client_early_.bytes());
    check("early_exporter_master_secret", early_secret.early_exporter_master_secret(client_hello_hash, cpu_).bytes());
    check_keys("client_early", client_early_);
  }

  void hellos() {
    EarlySecret early_secret(sha256, has("psk") ? value("psk") : Bytes{}, cpu_);
    check(has("psk") ? "early_secret" : "early_secret_without_psk", early_secret.bytes());

    UndecidedTranscript undecided;
    std::optional<wire::HelloRetryRequest> retry;
    if (has("client_hello_1_record")) {
      undecided.add(hello("client_hello_1_record").message, cpu_);
      const wire::Handshake handshake = hello("hello_retry_request_record");
      const auto parsed = wire::parse_server_hello(handshake.body);
      ASSERT_TRUE(parsed);
      ASSERT_TRUE(std::holds_alternative<wire::HelloRetryRequest>(*parsed));
      retry = std::get<wire::HelloRetryRequest>(*parsed);
      EXPECT_EQ(retry->key_share, wire::NamedGroup::secp256r1);
      EXPECT_EQ(hex(retry->cookie.value_or(Bytes{})), hex(value("cookie")));
      transcript_ = undecided.decide(sha256).after_retry(cpu_);
      transcript_.add(handshake.message, cpu_);
    }

    const wire::Handshake first = hello("client_hello_record");
    const auto client_hello = wire::ClientHello::parse(first.body);
    ASSERT_TRUE(client_hello);
    EXPECT_TRUE(client_hello->check_tls13());
    EXPECT_EQ(as_text(client_hello->server_name.value_or(Bytes{})), "server");
    if (retry) {
      EXPECT_EQ(client_hello->cookie, retry->cookie);
    } else {
      undecided.add(first.message, cpu_);
      transcript_ = undecided.decide(sha256);
    }
    if (retry) transcript_.add(first.message, cpu_);
    if (has("psk")) early_data(early_secret, *client_hello, first.message);

    const wire::Handshake second = hello("server_hello_record");
    const auto parsed = wire::parse_server_hello(second.body);
    ASSERT_TRUE(parsed);
    ASSERT_TRUE(std::holds_alternative<wire::ServerHello>(*parsed));
    const auto& server_hello = std::get<wire::ServerHello>(*parsed);
    EXPECT_EQ(server_hello.cipher_suite, suite);
    EXPECT_EQ(server_hello.legacy_session_id_echo, client_hello->legacy_session_id);
    EXPECT_EQ(server_hello.pre_shared_key.has_value(), has("psk"));
    transcript_.add(second.message, cpu_);
    const Digest hello_hash = transcript_.hash(cpu_);
    check("hello_hash", hello_hash.bytes());

    ASSERT_TRUE(server_hello.key_share);
    const auto group = server_hello.key_share->group;
    const auto share = find(*client_hello->key_share, group);
    ASSERT_TRUE(share);
    const auto shared = agreed(group, value("client_private_key"), server_hello.key_share->key_exchange);
    EXPECT_EQ(hex(shared), hex(agreed(group, value("server_private_key"), share->key_exchange)));
    check("shared_secret", shared);

    const HashSecret derived_for_handshake =
        derive_secret(sha256, early_secret.bytes(), "derived", crypto::hash(sha256, {}, cpu_).bytes(), cpu_);
    check(has("psk") ? "derived_for_handshake" : "derived_for_handshake_without_psk", derived_for_handshake.bytes());
    HandshakeSecret handshake_secret = std::move(early_secret).into_handshake_secret(shared, cpu_);
    EXPECT_EQ(hex(early_secret.bytes()), "");
    check("handshake_secret", handshake_secret.bytes());
    client_handshake_ = handshake_secret.client_handshake_traffic_secret(hello_hash, cpu_);
    check("client_handshake_traffic_secret", client_handshake_.bytes());
    server_handshake_ = handshake_secret.server_handshake_traffic_secret(hello_hash, cpu_);
    check("server_handshake_traffic_secret", server_handshake_.bytes());
    check_keys("server_handshake", server_handshake_);
    check_keys("client_handshake", client_handshake_);
    const HashSecret derived_for_master =
        derive_secret(sha256, handshake_secret.bytes(), "derived", crypto::hash(sha256, {}, cpu_).bytes(), cpu_);
    check("derived_for_master", derived_for_master.bytes());
    master_ = std::move(handshake_secret).into_master_secret(cpu_);
    EXPECT_EQ(hex(handshake_secret.bytes()), "");
    check("master_secret", master_.bytes());
  }

  // The flight's expected messages, in order, as one string.
  std::vector<Byte> expected_server_flight() {
    std::vector<Byte> flight;
    const auto append = [&](const std::string& name) {
      const Bytes message = value(name);
      flight.insert(flight.end(), message.begin(), message.end());
    };
    append("encrypted_extensions");
    if (has("certificate_request")) append("certificate_request");
    if (!has("psk")) {
      append(has("certificate") ? "certificate" : "rsa_certificate");
      append("certificate_verify");
    }
    append("server_finished");
    return flight;
  }

  void check_finished(const std::string& prefix, const HashSecret& base_key, Bytes verify_data) {
    check(prefix + "_finished_key", finished_key(sha256, base_key, cpu_).bytes());
    const HashSecret expected = finished_verify_data(sha256, base_key, transcript_.hash(cpu_), cpu_);
    EXPECT_EQ(hex(verify_data), hex(expected.bytes())) << prefix;
  }

  void server_flight() {
    ReadProtection read(suite, server_handshake_.clone(), cpu_);
    WriteProtection write(suite, server_handshake_.clone(), cpu_);
    change_cipher_spec("server_change_cipher_spec_record");
    const auto flight = opened("server_flight_record", read, write, ContentType::handshake);
    EXPECT_EQ(hex(flight), hex(expected_server_flight()));
    for (const wire::Handshake& message : messages(flight)) {
      if (message.type == HandshakeType::finished) check_finished("server", server_handshake_, message.body);
      transcript_.add(message.message, cpu_);
    }
    const Digest hash = transcript_.hash(cpu_);
    check("server_finished_hash", hash.bytes());
    client_application_ = master_.client_application_traffic_secret_0(hash, cpu_);
    check("client_application_traffic_secret_0", client_application_.bytes());
    server_application_ = master_.server_application_traffic_secret_0(hash, cpu_);
    check("server_application_traffic_secret_0", server_application_.bytes());
    check("exporter_master_secret", master_.exporter_master_secret(hash, cpu_).bytes());
    check_keys("client_application", client_application_);
    check_keys("server_application", server_application_);
  }

  void client_flight() {
    if (has("psk")) {
      ReadProtection read(suite, client_early_.clone(), cpu_);
      WriteProtection write(suite, client_early_.clone(), cpu_);
      EXPECT_EQ(hex(opened("early_data_record", read, write, ContentType::application_data)), hex(value("early_data")));
      const auto end = opened("end_of_early_data_record", read, write, ContentType::handshake);
      EXPECT_EQ(hex(end), "05000000");
      for (const wire::Handshake& message : messages(end)) transcript_.add(message.message, cpu_);
    }
    ReadProtection read(suite, client_handshake_.clone(), cpu_);
    WriteProtection write(suite, client_handshake_.clone(), cpu_);
    change_cipher_spec("client_change_cipher_spec_record");
    const std::string name = has("client_flight_record") ? "client_flight_record" : "client_finished_record";
    const auto flight = opened(name, read, write, ContentType::handshake);
    const auto found = messages(flight);
    EXPECT_EQ(found.size(), has("client_flight_record") ? 3u : 1u);
    for (const wire::Handshake& message : found) {
      if (message.type == HandshakeType::certificate_verify) {
        EXPECT_EQ(hex(wire::CertificateVerify::parse(message.body)->signature), hex(value("client_signature")));
      }
      if (message.type == HandshakeType::finished) check_finished("client", client_handshake_, message.body);
      transcript_.add(message.message, cpu_);
    }
    const Digest hash = transcript_.hash(cpu_);
    check("client_finished_hash", hash.bytes());
    resumption_ = master_.resumption_master_secret(hash, cpu_);
    check("resumption_master_secret", resumption_.bytes());
  }

  void after() {
    ReadProtection server_read(suite, server_application_.clone(), cpu_),
        client_read(suite, client_application_.clone(), cpu_);
    WriteProtection server_write(suite, server_application_.clone(), cpu_),
        client_write(suite, client_application_.clone(), cpu_);
    const auto ticket = opened("new_session_ticket_record", server_read, server_write, ContentType::handshake);
    for (const wire::Handshake& message : messages(ticket)) {
      const auto parsed = wire::NewSessionTicket::parse(message.body);
      ASSERT_TRUE(parsed);
      EXPECT_EQ(parsed->ticket_lifetime, 30u);
      EXPECT_EQ(hex(parsed->ticket), hex(value("ticket")));
      EXPECT_EQ(parsed->max_early_data_size, 1024u);
      check("resumption_psk", resumption_psk(sha256, resumption_, parsed->ticket_nonce, cpu_).bytes());
    }
    for (const std::string end : {"client", "server"}) {
      ReadProtection& read = end == "client" ? client_read : server_read;
      WriteProtection& write = end == "client" ? client_write : server_write;
      if (has(end + "_application_data_record")) {
        EXPECT_EQ(hex(opened(end + "_application_data_record", read, write, ContentType::application_data)),
                  hex(value("application_data")));
      }
      const auto alert = opened(end + "_close_notify_record", read, write, ContentType::alert);
      const auto parsed = wire::AlertMessage::parse(alert);
      ASSERT_TRUE(parsed);
      EXPECT_EQ(parsed->description, Alert::close_notify);
      EXPECT_EQ(written([&](Writer& out) { parsed->emit(out); }), alert);
    }
  }

  const Trace& trace_;
  std::set<std::string> used_;
  CpuFeatures cpu_;
  std::vector<std::vector<Byte>> kept_ = [] {
    std::vector<std::vector<Byte>> kept;
    kept.reserve(8);  // views into the elements stay valid
    return kept;
  }();
  Transcript transcript_;
  MasterSecret master_;
  HashSecret client_early_, client_handshake_, server_handshake_, client_application_, server_application_, resumption_;
};

TEST(Rfc8448, EveryTraceWithEveryKernel) {
  const auto traces = rfc8448_traces();
  ASSERT_EQ(traces.size(), 5u);
  for (const auto& [heading, trace] : traces) {
    for (const CpuFeatures cpu : cpu_paths()) {
      SCOPED_TRACE(heading + ", " + name_of(cpu));
      Walk(trace, cpu).all();
    }
  }
}

}  // namespace
}  // namespace limpid::test
