// Peers that follow a script instead of the protocol: every message is built by hand from fields that a test may spoil,
// every record sealed by hand.
#pragma once

#include "limpid/crypto/key_agreement.hpp"
#include "tests/tls/connection_pair.hpp"

namespace limpid::tls::test {

using record::ContentType;
using wire::ExtensionType;
using wire::HandshakeType;

inline std::string number(std::size_t value, int width) {
  std::string text;
  for (int i = width - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}
inline std::string vec(std::string_view content, int width) {
  return number(content.size(), width) + std::string(content);
}
inline std::string text(Bytes bytes) { return std::string(as_text(bytes)); }

inline std::string message(HandshakeType type, std::string_view body) {
  return number(static_cast<std::size_t>(type), 1) + vec(body, 3);
}
inline std::string plain(ContentType type, std::string_view content, std::size_t version = 0x0303) {
  return number(static_cast<std::size_t>(type), 1) + number(version, 2) + vec(content, 2);
}
inline std::string plain_handshake(std::string_view content) { return plain(ContentType::handshake, content); }
inline std::string alert_content(Alert alert, int level = 2) {
  return number(static_cast<std::size_t>(level), 1) + number(static_cast<std::size_t>(alert), 1);
}
inline const std::string change_cipher_spec = plain(ContentType::change_cipher_spec, "\x01");

using ExtensionList = std::vector<std::pair<std::size_t, std::string>>;
inline std::size_t code(ExtensionType type) { return static_cast<std::size_t>(type); }
inline std::string extensions(const ExtensionList& list) {
  std::string all;
  for (const auto& [type, data] : list) all += number(type, 2) + vec(data, 2);
  return vec(all, 2);
}
inline std::string& extension(ExtensionList& list, ExtensionType type) {
  for (auto& [found, data] : list) {
    if (found == code(type)) return data;
  }
  return list.emplace_back(code(type), "").second;
}
inline void remove(ExtensionList& list, ExtensionType type) {
  std::erase_if(list, [&](const auto& entry) { return entry.first == code(type); });
}

// What both scripts need: a transcript, secrets, and protection in two directions.
class Script {
 public:
  std::string seal(ContentType type, std::string_view content, std::size_t padding = 0) {
    std::string out(content.size() + padding + record::overhead, '\0');
    const std::size_t size = write.seal(type, as_bytes(content), padding, mutable_bytes(out), {});
    EXPECT_EQ(size, out.size());
    return out;
  }
  std::string seal_handshake(std::string_view content) { return seal(ContentType::handshake, content); }
  // Seals an inner plaintext as it is: content, type and padding are the caller's.
  std::string seal_raw(std::string_view inner) {
    const TrafficKeys keys = traffic_keys(suite, write.traffic_secret(), {});
    crypto::AeadKey key(wire::aead_of(suite), keys.key.bytes(), {});
    std::array<Byte, 12> nonce;
    copy(keys.iv.bytes(), nonce);
    for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<Byte>(write.sequence_number() >> (8 * (7 - i)));
    std::string out = number(23, 1) + number(0x0303, 2) + number(inner.size() + 16, 2);
    const std::string header = out;
    out.resize(header.size() + inner.size() + 16);
    EXPECT_TRUE(key.seal(nonce, as_bytes(header), as_bytes(inner), mutable_bytes(out).subspan(header.size()), {}));
    return out;
  }

  // Decrypts what the machine sent: contents of handshake records joined, other records ignored.
  std::string open_handshake(std::string sent) { return open(std::move(sent), ContentType::handshake); }
  std::string open(std::string sent, ContentType type) {
    std::string content;
    for (MutableBytes rest = mutable_bytes(sent); !rest.empty();) {
      const auto record = record::next_record(rest);
      if (!record || !*record) break;
      rest = rest.subspan((*record)->bytes.size());
      if ((*record)->type != ContentType::application_data) {
        if ((*record)->type == type) content += text((*record)->fragment());
        continue;
      }
      const auto inner = read.open(**record, {});
      EXPECT_TRUE(inner.has_value());
      if (inner && inner->type == type) content += text(inner->content);
    }
    return content;
  }

  const std::string& add(const std::string& message) {
    transcript += message;
    return message;
  }
  Digest transcript_hash() const { return crypto::hash(hash(), as_bytes(transcript), {}); }
  crypto::HashAlgorithm hash() const { return wire::hash_of(suite); }
  void retry_transcript() {  // replaces the first ClientHello
    const Digest first = transcript_hash();
    transcript = message(HandshakeType::message_hash, text(first.bytes()));
  }

  void derive_handshake(Bytes shared, bool server) {
    handshake_secret = EarlySecret(hash(), {}, {}).into_handshake_secret(shared, {});
    client_secret = handshake_secret.client_handshake_traffic_secret(transcript_hash(), {});
    server_secret = handshake_secret.server_handshake_traffic_secret(transcript_hash(), {});
    write = record::WriteProtection(suite, (server ? server_secret : client_secret).clone(), {});
    read = record::ReadProtection(suite, (server ? client_secret : server_secret).clone(), {});
  }
  // Secrets only: which direction changes when is the script's business.
  void derive_application() {
    const MasterSecret master = std::move(handshake_secret).into_master_secret({});
    client_application = master.client_application_traffic_secret_0(transcript_hash(), {});
    server_application = master.server_application_traffic_secret_0(transcript_hash(), {});
  }
  std::string finished(const HashSecret& base) {
    return message(HandshakeType::finished, text(finished_verify_data(hash(), base, transcript_hash(), {}).bytes()));
  }

  static MutableBytes mutable_bytes(std::string& bytes) {
    return {reinterpret_cast<Byte*>(bytes.data()), bytes.size()};
  }

  CipherSuite suite = CipherSuite::tls_aes_128_gcm_sha256;
  std::string transcript;
  HandshakeSecret handshake_secret;
  HashSecret client_secret, server_secret, client_application, server_application;
  record::WriteProtection write;
  record::ReadProtection read;
  crypto::Generator generator{seed(77)};
};

class ServerScript : public Script {
 public:
  struct Hello {
    std::size_t version = 0x0303;
    std::string random = std::string(32, 'R');
    std::string session_id;
    std::size_t suite = 0x1301;
    std::size_t compression = 0;
    ExtensionList extensions;
    std::string message() const {
      return test::message(HandshakeType::server_hello, number(version, 2) + random + vec(session_id, 1) +
                                                            number(suite, 2) + number(compression, 1) +
                                                            test::extensions(extensions));
    }
  };

  // The plaintext records of a client, up to its hello.
  void take_hello(const std::string& sent) {
    client_hello = open(sent, ContentType::handshake);
    const auto hello = wire::ClientHello::parse(as_bytes(client_hello).subspan(4));
    ASSERT_TRUE(hello);
    session_id = text(hello->legacy_session_id);
    for (const auto& entry : *hello->key_share) {
      if (!crypto::is_supported(entry.group)) continue;
      group = entry.group;
      client_share = text(entry.key_exchange);
    }
    key = crypto::EphemeralKey::generate(group, generator, {});
    add(client_hello);
  }
  Hello good_hello() {
    return {.session_id = session_id,
            .extensions = {{code(ExtensionType::supported_versions), number(0x0304, 2)},
                           {code(ExtensionType::key_share),
                            number(static_cast<std::size_t>(group), 2) + vec(text(key.public_key()), 2)}}};
  }
  Hello good_retry(NamedGroup wanted = NamedGroup::secp256r1) {
    Hello retry = good_hello();
    retry.random = text(wire::hello_retry_request_random);
    extension(retry.extensions, ExtensionType::key_share) = number(static_cast<std::size_t>(wanted), 2);
    return retry;
  }
  // Adds the hello to the transcript and derives the keys of the handshake.
  std::string say_hello(const Hello& hello) {
    const std::string said = add(hello.message());
    const auto shared = key.agree(as_bytes(client_share), {});
    EXPECT_TRUE(shared.has_value());
    derive_handshake(shared->bytes(), true);
    return plain_handshake(said);
  }
  static std::string encrypted_extensions(const ExtensionList& list = {}) {
    return message(HandshakeType::encrypted_extensions, extensions(list));
  }
  static std::string certificate(std::string_view context = "", std::string_view list = chain_text()) {
    return message(HandshakeType::certificate, vec(context, 1) + vec(list, 3));
  }
  std::string certificate_verify(const crypto::PrivateKey& signer, std::size_t scheme = 0x0403, bool as_server = true) {
    const SignedContent content(as_server, transcript_hash().bytes());
    const auto hedge = seed(3);
    const auto signature = signer.sign(crypto::scheme_of(signer.type()), content.bytes(), hedge, {});
    return message(HandshakeType::certificate_verify, number(scheme, 2) + vec(text(signature.bytes()), 2));
  }
  std::string finished() { return Script::finished(server_secret); }
  // The rest of a good flight from EncryptedExtensions on, sealed message by message, and the last keys.
  std::string rest_of_flight(const crypto::PrivateKey& signer) {
    std::string all = seal_handshake(add(encrypted_extensions()));
    all += seal_handshake(add(certificate()));
    all += seal_handshake(add(certificate_verify(signer)));
    all += seal_handshake(add(finished()));
    change_to_application_keys();
    return all;
  }
  void change_to_application_keys() {
    derive_application();
    write = record::WriteProtection(suite, server_application.clone(), {});
  }
  void take_finished() { read = record::ReadProtection(suite, client_application.clone(), {}); }

  std::string client_hello, session_id, client_share;
  NamedGroup group = NamedGroup::x25519;
  crypto::EphemeralKey key;
};

class ClientScript : public Script {
 public:
  struct Hello {
    std::size_t version = 0x0303;
    std::string random = std::string(32, 'C');
    std::string session_id = std::string(32, 'S');
    std::string suites = "\x13\x01\x13\x02\x13\x03";
    std::string compression = std::string(1, '\0');
    ExtensionList extensions;
    std::string message() const {
      return test::message(HandshakeType::client_hello, number(version, 2) + random + vec(session_id, 1) +
                                                            vec(suites, 2) + vec(compression, 1) +
                                                            test::extensions(extensions));
    }
  };

  static std::string shares(const crypto::EphemeralKey& key) {
    return number(static_cast<std::size_t>(key.group()), 2) + vec(text(key.public_key()), 2);
  }
  Hello good_hello(NamedGroup group = NamedGroup::x25519) {
    key = crypto::EphemeralKey::generate(group, generator, {});
    return {.extensions = {
                {code(ExtensionType::server_name), vec(number(0, 1) + vec("example.com", 2), 2)},
                {code(ExtensionType::supported_groups), vec(number(0x001d, 2) + number(0x0017, 2), 2)},
                {code(ExtensionType::signature_algorithms), vec(number(0x0403, 2) + number(0x0807, 2), 2)},
                {code(ExtensionType::supported_versions), vec(number(0x0304, 2) + number(0x0303, 2), 1)},
                {code(ExtensionType::key_share), vec(shares(key), 2)},
            }};
  }
  std::string say_hello(const Hello& hello) { return plain_handshake(add(hello.message())); }
  // The server's flight of a handshake without retry: keys, and everything up to its Finished in the transcript.
  void take_flight(const std::string& sent) {
    std::string copied = sent;
    const std::size_t first = (*record::next_record(mutable_bytes(copied)))->bytes.size();
    const std::string hello = sent.substr(record::header_size, first - record::header_size);
    const auto parsed = wire::parse_server_hello(as_bytes(hello).subspan(4));
    ASSERT_TRUE(parsed && std::holds_alternative<wire::ServerHello>(*parsed));
    const auto& server_hello = std::get<wire::ServerHello>(*parsed);
    suite = server_hello.cipher_suite;
    add(hello);
    const auto shared = key.agree(server_hello.key_share->key_exchange, {});
    ASSERT_TRUE(shared.has_value());
    derive_handshake(shared->bytes(), false);
    add(open_handshake(sent.substr(first)));
    derive_application();
    read = record::ReadProtection(suite, server_application.clone(), {});
  }
  void take_retry(const std::string& sent) {
    const std::string retry = open(sent, ContentType::handshake);
    const auto parsed = wire::parse_server_hello(as_bytes(retry).subspan(4));
    ASSERT_TRUE(parsed && std::holds_alternative<wire::HelloRetryRequest>(*parsed));
    const auto& request = std::get<wire::HelloRetryRequest>(*parsed);
    suite = request.cipher_suite;
    cookie = text(request.cookie.value_or(Bytes{}));
    retry_transcript();
    add(retry);
    key = crypto::EphemeralKey::generate(*request.key_share, generator, {});
  }
  // The second hello that a retry asks for.
  Hello after_retry(Hello hello) const {
    extension(hello.extensions, ExtensionType::key_share) = vec(shares(key), 2);
    if (!cookie.empty()) extension(hello.extensions, ExtensionType::cookie) = vec(cookie, 2);
    return hello;
  }
  std::string finished() { return Script::finished(client_secret); }
  void change_to_application_keys() { write = record::WriteProtection(suite, client_application.clone(), {}); }

  crypto::EphemeralKey key;
  std::string cookie;
};

}  // namespace limpid::tls::test
