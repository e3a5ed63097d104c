// Messages: what is built parses back, what parses re-emits to its bytes, and nothing malformed parses.
#include <gtest/gtest.h>

#include "limpid/tls/record/record.hpp"
#include "tests/support/random.hpp"
#include "tests/tls/messages.hpp"
#include "tests/tls/rfc8448_data.hpp"

namespace limpid::test {
namespace {

using wire::CipherSuite;
using wire::ClientHello;
using wire::ExtensionType;
using wire::Handshake;
using wire::HandshakeType;
using wire::HelloRetryRequest;
using wire::NamedGroup;
using wire::ProtocolVersion;
using wire::ServerHello;
using wire::SignatureScheme;
using RandomBytes = wire::Random;

using Message = std::vector<Byte>;

Handshake whole(const Message& message) {
  const auto next = wire::next_handshake(message);
  EXPECT_TRUE(next && *next);
  return next && *next ? **next : Handshake{};
}

// One body per kind of message, with its header, from the traces and made here where they have none.
std::vector<Message> examples() {
  std::vector<Message> all;
  for (const auto& [heading, trace] : rfc8448_traces()) {
    for (const auto& [name, bytes] : trace) {
      const bool hello =
          name.ends_with("hello_record") || name.ends_with("hello_1_record") || name == "hello_retry_request_record";
      if (hello) all.emplace_back(bytes.begin() + record::header_size, bytes.end());
      if (name == "encrypted_extensions" || name.starts_with("certificate") || name == "rsa_certificate" ||
          name == "server_finished") {
        all.push_back(bytes);
      }
    }
  }
  const auto ticket = from_hex("0102030405");
  const auto max_early_data = from_hex("002a0004 00000400");
  all.push_back(written([&](Writer& out) {
    wire::NewSessionTicket message{.ticket_lifetime = 7200,
                                   .ticket_age_add = 0x01020304,
                                   .ticket_nonce = Bytes(ticket).first(2),
                                   .ticket = ticket,
                                   .extensions = {max_early_data}};
    wire::emit_handshake(out, message);
  }));
  all.push_back(written(
      [](Writer& out) { wire::emit_handshake(out, wire::KeyUpdate{wire::KeyUpdateRequest::update_requested}); }));
  all.push_back(written([](Writer& out) { wire::emit_handshake(out, wire::EndOfEarlyData{}); }));
  return all;
}

// `message` with its body replaced, header included.
Message with_body(const Message& message, Bytes body) {
  return written(
      [&](Writer& out) { wire::put_handshake(out, static_cast<HandshakeType>(message[0]), [&] { out.bytes(body); }); });
}

TEST(Messages, EveryExampleReemitsToItsBytes) {
  const auto all = examples();
  EXPECT_GE(all.size(), 25u);
  for (const Message& message : all) {
    const auto again = reemitted(whole(message));
    ASSERT_TRUE(again) << name(again.error().fault) << " in " << to_hex(message);
    EXPECT_EQ(to_hex(*again), to_hex(message));
  }
}

TEST(Messages, NoTruncationParses) {
  for (const Message& message : examples()) {
    const Bytes body = whole(message).body;
    for (std::size_t n = 0; n < body.size(); ++n) {
      const Message cut = with_body(message, body.first(n));
      const auto again = reemitted(whole(cut));
      // A ClientHello may end before its extensions, as TLS 1.2 had it; a ServerHello that does is TLS 1.2's.
      if (again) {
        EXPECT_EQ(static_cast<HandshakeType>(message[0]), HandshakeType::client_hello) << n;
        EXPECT_EQ(*again, cut);
        EXPECT_FALSE(ClientHello::parse(body.first(n))->has_extensions);
        continue;
      }
      const Fault fault = again.error().fault;
      EXPECT_TRUE(alert_of(fault) == Alert::decode_error || fault == Fault::tls13_not_selected)
          << n << ": " << name(fault);
      EXPECT_LE(again.error().offset, n);
    }
  }
}

TEST(Messages, NoTrailingByteParses) {
  for (const Message& message : examples()) {
    Message body(message.begin() + 4, message.end());
    body.push_back(0);
    const auto again = reemitted({.type = static_cast<HandshakeType>(message[0]), .body = body, .message = {}});
    ASSERT_FALSE(again) << to_hex(message);
    EXPECT_TRUE(again.error().fault == Fault::trailing_bytes || again.error().fault == Fault::finished_wrong_length);
  }
}

// Whatever is done to a message: it is refused, or it re-emits to its bytes.
TEST(Messages, MutantsAreRefusedOrReemitToTheirBytes) {
  Random random(8446);
  std::size_t parsed = 0, refused = 0;
  for (const Message& message : examples()) {
    if (message.size() == wire::handshake_header_size) continue;
    for (int round = 0; round < 400; ++round) {
      Message body(message.begin() + 4, message.end());
      for (std::size_t n = 1 + random.below(3); n > 0; --n) {
        const std::size_t at = random.below(body.size());
        switch (random.below(4)) {
          case 0:
            body[at] = static_cast<Byte>(random.next());
            break;
          case 1:
            body[at] ^= static_cast<Byte>(1 << random.below(8));
            break;
          case 2:
            body.insert(body.begin() + static_cast<std::ptrdiff_t>(at), static_cast<Byte>(random.next()));
            break;
          default:
            if (body.size() > 1) body.erase(body.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
      const Message mutant = with_body(message, body);
      const auto next = wire::next_handshake(mutant);
      if (!next) {
        EXPECT_EQ(next.error().fault, Fault::message_too_long);
        continue;
      }
      const auto again = reemitted(**next);
      if (again) {
        ++parsed;
        EXPECT_EQ(to_hex(*again), to_hex(mutant));
      } else {
        ++refused;
        EXPECT_TRUE(is_valid(again.error().fault));
        EXPECT_LE(again.error().offset, body.size()) << name(again.error().fault);
      }
    }
  }
  EXPECT_GT(parsed, 1000u);
  EXPECT_GT(refused, 1000u);
}

template <class E>
std::vector<E> random_code_points(Random& random, std::size_t most) {
  std::vector<E> values;
  for (std::size_t n = 1 + random.below(most); n > 0; --n) values.push_back(static_cast<E>(random.next()));
  return values;
}

RandomBytes random_32(Random& random) {
  RandomBytes bytes;
  for (Byte& byte : bytes) byte = static_cast<Byte>(random.next());
  return bytes;
}

template <class E>
void expect_equal(const wire::CodePoints<E>& read, const std::vector<E>& expected) {
  ASSERT_EQ(read.size(), expected.size());
  std::size_t i = 0;
  for (const E value : read) EXPECT_EQ(value, expected[i++]);
}

TEST(Messages, RandomClientHellosRoundTrip) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const auto suites = random_code_points<CipherSuite>(random, 20);
    const auto suite_list = written([&](Writer& out) {
      for (const CipherSuite suite : suites) out.u16(static_cast<std::uint16_t>(suite));
    });
    const auto session_id = random.bytes(random.below(33));
    ClientHello hello{.random = random_32(random),
                      .legacy_session_id = session_id,
                      .cipher_suites = {suite_list},
                      .legacy_compression_methods = Bytes(wire::no_compression)};
    const auto groups = random_code_points<NamedGroup>(random, 8);
    const auto schemes = random_code_points<SignatureScheme>(random, 12);
    std::vector<ProtocolVersion> versions = random_code_points<ProtocolVersion>(random, 4);
    versions.push_back(ProtocolVersion::tls13);
    const auto key = random.bytes(1 + random.below(100));
    const std::vector<wire::KeyShareEntry> shares{{groups[0], key}};
    const auto cookie = random.bytes(1 + random.below(300));
    const auto grease = random.bytes(random.below(40));
    const auto message = written([&](Writer& out) {
      wire::put_handshake(out, HandshakeType::client_hello, [&] {
        hello.emit(out, [&] {
          wire::put_extension(out, {static_cast<ExtensionType>(0xfafa), grease});
          wire::put_cookie(out, cookie);
          wire::put_supported_versions(out, versions);
          wire::put_supported_groups(out, groups);
          wire::put_key_shares(out, shares);
          wire::put_signature_algorithms(out, schemes);
        });
      });
    });
    const auto parsed = ClientHello::parse(whole(message).body);
    ASSERT_TRUE(parsed) << name(parsed.error().fault);
    EXPECT_EQ(parsed->random, hello.random);
    EXPECT_EQ(to_hex(parsed->legacy_session_id), to_hex(session_id));
    expect_equal(parsed->cipher_suites, suites);
    expect_equal(*parsed->supported_versions, versions);
    expect_equal(*parsed->supported_groups, groups);
    expect_equal(*parsed->signature_algorithms, schemes);
    EXPECT_EQ(to_hex(*parsed->cookie), to_hex(cookie));
    EXPECT_EQ(*parsed->key_share->begin(), shares[0]);
    EXPECT_EQ(to_hex(find(parsed->extensions, static_cast<ExtensionType>(0xfafa)).value_or(Bytes{})), to_hex(grease));
    EXPECT_TRUE(parsed->check_tls13());
    EXPECT_EQ(*reemitted(whole(message)), message);
    EXPECT_EQ(*ClientHello::parse(whole(message).body), *parsed);
  }
}

TEST(Messages, RandomServerMessagesRoundTrip) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    const auto session_id = random.bytes(random.below(33));
    const auto key = random.bytes(1 + random.below(100));
    const ServerHello hello{.random = random_32(random),
                            .legacy_session_id_echo = session_id,
                            .cipher_suite = static_cast<CipherSuite>(random.next())};
    const wire::KeyShareEntry share{static_cast<NamedGroup>(random.next()), key};
    const auto message = written([&](Writer& out) {
      wire::put_handshake(out, HandshakeType::server_hello, [&] {
        hello.emit(out, [&] {
          wire::put_selected_version(out, ProtocolVersion::tls13);
          wire::put_key_share(out, share);
        });
      });
    });
    const auto parsed = wire::parse_server_hello(whole(message).body);
    ASSERT_TRUE(parsed && std::holds_alternative<ServerHello>(*parsed));
    EXPECT_EQ(std::get<ServerHello>(*parsed).key_share, share);
    EXPECT_EQ(std::get<ServerHello>(*parsed).cipher_suite, hello.cipher_suite);
    EXPECT_EQ(std::get<ServerHello>(*parsed).random, hello.random);

    const HelloRetryRequest retry{.legacy_session_id_echo = session_id, .cipher_suite = hello.cipher_suite};
    const auto retry_message = written([&](Writer& out) {
      wire::put_handshake(out, HandshakeType::server_hello, [&] {
        retry.emit(out, [&] {
          wire::put_selected_version(out, ProtocolVersion::tls13);
          wire::put_selected_group(out, share.group);
          wire::put_cookie(out, key);
        });
      });
    });
    const auto parsed_retry = wire::parse_server_hello(whole(retry_message).body);
    ASSERT_TRUE(parsed_retry && std::holds_alternative<HelloRetryRequest>(*parsed_retry));
    EXPECT_EQ(std::get<HelloRetryRequest>(*parsed_retry).key_share, share.group);
    EXPECT_EQ(to_hex(*std::get<HelloRetryRequest>(*parsed_retry).cookie), to_hex(key));
    EXPECT_EQ(*reemitted(whole(retry_message)), retry_message);

    std::vector<Message> certificates;
    for (std::size_t n = random.below(wire::max_certificates + 1); n > 0; --n) {
      certificates.push_back(random.bytes(1 + random.below(600)));
    }
    const std::vector<Bytes> chain(certificates.begin(), certificates.end());
    const auto certificate_message = written([&](Writer& out) {
      wire::put_handshake(out, HandshakeType::certificate, [&] { wire::Certificate::emit(out, session_id, chain); });
    });
    const auto certificate = wire::Certificate::parse(whole(certificate_message).body);
    ASSERT_TRUE(certificate);
    std::size_t i = 0;
    for (const wire::CertificateEntry& entry : certificate->certificate_list) {
      EXPECT_EQ(entry.cert_data, chain[i++]);
      EXPECT_TRUE(entry.extensions.empty());
    }
    EXPECT_EQ(i, chain.size());
    EXPECT_EQ(*reemitted(whole(certificate_message)), certificate_message);

    const wire::CertificateVerify verify{.algorithm = static_cast<SignatureScheme>(random.next()), .signature = key};
    const auto verify_message = written([&](Writer& out) { wire::emit_handshake(out, verify); });
    EXPECT_EQ(*wire::CertificateVerify::parse(whole(verify_message).body), verify);
  }
}

// A stream of handshake messages comes apart the same wherever it is cut.
TEST(Handshake, IsFoundOnlyWhenItIsWhole) {
  for (const Message& message : examples()) {
    for (std::size_t n = 0; n < message.size(); ++n) {
      const auto next = wire::next_handshake(Bytes(message).first(n));
      ASSERT_TRUE(next);
      EXPECT_FALSE(*next) << n;
      EXPECT_EQ(wire::next_handshake_size(Bytes(message).first(n)), n < 4 ? 0 : message.size());
    }
    Message followed = message;
    followed.push_back(0xee);
    EXPECT_EQ(whole(followed).message.size(), message.size());
    EXPECT_EQ(whole(followed).body.size(), message.size() - 4);
  }
}

TEST(Handshake, LengthsAboveTheLimitAreRefusedWithTheHeader) {
  EXPECT_EQ(wire::max_body_size(HandshakeType::client_hello), 16384u);
  EXPECT_EQ(wire::max_body_size(HandshakeType::certificate), 131072u);
  EXPECT_EQ(wire::max_body_size(HandshakeType::certificate_verify), 2048u);
  EXPECT_EQ(wire::max_body_size(HandshakeType::finished), 64u);
  EXPECT_EQ(wire::max_body_size(HandshakeType::key_update), 1u);
  EXPECT_EQ(wire::max_body_size(HandshakeType::end_of_early_data), 0u);
  for (int type = 0; type < 256; ++type) {
    const std::size_t limit = wire::max_body_size(static_cast<HandshakeType>(type));
    for (const std::size_t length : {limit, limit + 1, std::size_t{0xffffff}}) {
      const auto header = written([&](Writer& out) {
        out.u8(static_cast<std::uint8_t>(type));
        out.u24(static_cast<std::uint32_t>(length));
      });
      const auto next = wire::next_handshake(header);
      if (length > limit) {
        ASSERT_FALSE(next);
        EXPECT_EQ(next.error(), (Error{Fault::message_too_long, 1, static_cast<std::uint32_t>(length)}));
      } else {
        ASSERT_TRUE(next);
        EXPECT_EQ(next->has_value(), limit == 0);
      }
    }
  }
}

TEST(Messages, FieldsOutOfRange) {
  const auto fault = [](HandshakeType type, std::string_view hex) {
    const auto body = from_hex(hex);
    const auto result = reemitted(Handshake{.type = type, .body = body});
    return result ? std::string("accepted") : std::string(name(result.error().fault));
  };
  EXPECT_EQ(fault(HandshakeType::key_update, "02"), "key_update_request_unknown");
  EXPECT_EQ(fault(HandshakeType::key_update, "01"), "accepted");
  EXPECT_EQ(fault(HandshakeType::key_update, "0100"), "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::end_of_early_data, "00"), "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::certificate, "00 000005 000000 0000"), "length_out_of_range");  // no cert_data
  EXPECT_EQ(fault(HandshakeType::certificate, "00 00000a 000001 30 0004 0000 0000"), "extension_not_permitted");
  EXPECT_EQ(fault(HandshakeType::certificate, "00 000000"), "accepted");  // empty list
  EXPECT_EQ(fault(HandshakeType::certificate_request, "00 0000"), "length_out_of_range");
  EXPECT_EQ(fault(HandshakeType::certificate_request, "00 0004 ffce 0000"), "missing_signature_algorithms");
  EXPECT_EQ(fault(HandshakeType::certificate_request, "00 0008 000d 0004 0002 0807"), "accepted");
  EXPECT_EQ(fault(HandshakeType::certificate_request, "00 0004 0000 0000"), "extension_not_permitted");
  EXPECT_EQ(fault(HandshakeType::new_session_ticket, "00000000 00000000 00 0000 0000"), "length_out_of_range");
  EXPECT_EQ(fault(HandshakeType::new_session_ticket, "00000000 00000000 00 0001 aa 0000"), "accepted");
  EXPECT_EQ(fault(HandshakeType::new_session_ticket, "00000000 00000000 00 0001 aa 0006 002a 0002 0000"),
            "message_truncated");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0004 002d 0000"), "extension_not_permitted");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0005 0000 0001 00"), "trailing_bytes");  // server_name is empty
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0008 002a 0000 0000 0000"), "accepted");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0007 0010 0003 0001 00"), "length_out_of_range");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0008 0010 0004 0002 02 61"), "message_truncated");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "000a 0010 0006 0003 02 6832 00"), "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0009 000a 0005 0002 001d 00"), "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::encrypted_extensions, "0005 002a 0001 00"), "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::certificate_request, "00 0009 000d 0005 0002 0807 00"), "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::certificate_request, "00 0011 000d 0004 0002 0807 0032 0005 0002 0807 00"),
            "trailing_bytes");
  EXPECT_EQ(fault(HandshakeType::message_hash, ""), "unexpected_handshake_message");
}

TEST(Messages, AtMostSixteenCertificates) {
  const auto chain_of = [](std::size_t n) {
    const std::vector<Bytes> chain(n, as_bytes("x"));
    return written([&](Writer& out) { wire::Certificate::emit(out, {}, chain); });
  };
  EXPECT_TRUE(wire::Certificate::parse(chain_of(16)));
  EXPECT_EQ(wire::Certificate::parse(chain_of(17)).error().fault, Fault::too_many_certificates);
}

TEST(AlertMessage, IsExactlyTwoBytes) {
  EXPECT_EQ(wire::AlertMessage::parse(from_hex("0100"))->description, Alert::close_notify);
  EXPECT_EQ(wire::AlertMessage::parse(from_hex("0714"))->description, Alert::bad_record_mac);  // the level is ignored
  for (const std::string_view hex : {"", "02", "020000", "02320232"}) {
    const auto parsed = wire::AlertMessage::parse(from_hex(hex));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().fault, Fault::alert_malformed);
  }
}

}  // namespace
}  // namespace limpid::test
