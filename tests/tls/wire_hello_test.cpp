// The rules of ClientHello, ServerHello and HelloRetryRequest, each with a message that breaks it alone.
#include <gtest/gtest.h>

#include "tests/support/hex.hpp"
#include "tests/tls/messages.hpp"

namespace limpid::test {
namespace {

using wire::ClientHello;
using wire::HelloRetryRequest;
using wire::ServerHello;

// A ClientHello's body in parts, so that a test can change one.
struct ClientParts {
  std::string_view legacy_version = "0303";
  std::string session_id = "00";
  std::string_view cipher_suites = "0002 1301";
  std::string_view compression = "01 00";
  std::string_view supported_versions = "002b 0003 02 0304";
  std::string_view supported_groups = "000a 0004 0002 001d";
  std::string_view signature_algorithms = "000d 0004 0002 0403";
  std::string_view key_share = "0033 0007 0005 001d 0001 aa";
  std::string more{};

  std::vector<Byte> body() const {
    const std::string random(64, '5');
    const auto head = from_hex(std::string(legacy_version) + random + session_id + std::string(cipher_suites) +
                               std::string(compression));
    const auto extensions = from_hex(std::string(supported_versions) + std::string(supported_groups) +
                                     std::string(signature_algorithms) + std::string(key_share) + more);
    return written([&](Writer& out) {
      out.bytes(head);
      out.vector16([&] { out.bytes(extensions); });
    });
  }
};

// The fault of parsing, or else of check_tls13.
std::string fault_of(const ClientParts& parts) {
  const auto body = parts.body();
  const auto hello = ClientHello::parse(body);
  if (!hello) return "parse: " + std::string(name(hello.error().fault));
  const auto checked = hello->check_tls13();
  return checked ? "none" : std::string(name(checked.error().fault));
}

const std::string overlong_psk = "0029 002e 0007 0001 aa 00000000 0021 20" + std::string(64, '7');
const std::string good_psk = "0029 002c 0007 0001 aa 00000000 0021 20" + std::string(64, '7');

TEST(ClientHello, Minimal) { EXPECT_EQ(fault_of({}), "none"); }

TEST(ClientHello, Version) {
  EXPECT_EQ(fault_of({.legacy_version = "0300"}), "parse: ssl30_hello");
  EXPECT_EQ(fault_of({.legacy_version = "0301"}), "none");  // ignored beside supported_versions
  EXPECT_EQ(fault_of({.supported_versions = ""}), "tls13_not_offered");
  EXPECT_EQ(fault_of({.supported_versions = "002b 0003 02 0303"}), "tls13_not_offered");
  EXPECT_EQ(fault_of({.supported_versions = "002b 0005 04 7a7a 0304"}), "none");
}

TEST(ClientHello, WithoutExtensionsOffersNoTls13) {
  const auto body = from_hex("0303" + std::string(64, '5') + "00 0002 002f 01 00");
  const auto hello = ClientHello::parse(body);
  ASSERT_TRUE(hello);
  EXPECT_FALSE(hello->has_extensions);
  EXPECT_EQ(hello->check_tls13().error().fault, Fault::tls13_not_offered);
  EXPECT_EQ(written([&](Writer& out) { hello->emit(out); }), body);
}

TEST(ClientHello, LegacyFields) {
  EXPECT_EQ(fault_of({.session_id = "20" + std::string(64, '1')}), "none");
  EXPECT_EQ(fault_of({.session_id = "21" + std::string(66, '1')}), "parse: length_out_of_range");
  EXPECT_EQ(fault_of({.cipher_suites = "0000"}), "parse: length_out_of_range");
  EXPECT_EQ(fault_of({.cipher_suites = "0003 1301 13"}), "parse: length_out_of_range");
  EXPECT_EQ(fault_of({.compression = "00"}), "parse: length_out_of_range");
  EXPECT_EQ(fault_of({.compression = "01 01"}), "compression_offered");
  EXPECT_EQ(fault_of({.compression = "02 0100"}), "compression_offered");
  EXPECT_EQ(fault_of({.compression = "02 0001"}), "compression_offered");
}

TEST(ClientHello, MandatoryExtensions) {
  EXPECT_EQ(fault_of({.supported_groups = ""}), "missing_supported_groups");
  EXPECT_EQ(fault_of({.supported_groups = "", .key_share = ""}), "missing_supported_groups");
  EXPECT_EQ(fault_of({.signature_algorithms = ""}), "missing_signature_algorithms");
  EXPECT_EQ(fault_of({.key_share = ""}), "missing_key_share");
  EXPECT_EQ(fault_of({.key_share = "0033 0002 0000"}), "none");  // asks for a HelloRetryRequest
  const std::string modes = "002d 0002 01 01";
  EXPECT_EQ(fault_of({.more = good_psk}), "missing_psk_key_exchange_modes");
  EXPECT_EQ(fault_of({.more = modes + good_psk}), "none");
  EXPECT_EQ(fault_of({.signature_algorithms = "", .more = modes + good_psk}), "none");
  EXPECT_EQ(fault_of({.supported_groups = "", .key_share = "", .more = modes + good_psk}), "none");
  EXPECT_EQ(fault_of({.supported_groups = "", .more = modes + good_psk}), "missing_supported_groups");
}

TEST(ClientHello, Extensions) {
  EXPECT_EQ(fault_of({.more = "ffce 0000"}), "none");
  EXPECT_EQ(fault_of({.more = "ffce 0000 ffce 0000"}), "parse: duplicate_extension");
  EXPECT_EQ(fault_of({.more = "0030 0000"}), "parse: extension_not_permitted");  // oid_filters
  EXPECT_EQ(fault_of({.more = "002a 0001 00"}), "parse: trailing_bytes");        // early_data is empty
  EXPECT_EQ(fault_of({.more = "0031 0001 00"}), "parse: trailing_bytes");        // so is post_handshake_auth
  EXPECT_EQ(fault_of({.more = "002d 0002 01 01" + good_psk + "ffce 0000"}), "parse: pre_shared_key_not_last");
  EXPECT_EQ(fault_of({.more = overlong_psk}), "parse: message_truncated");
  EXPECT_EQ(fault_of({.key_share = "0033 0007 0005 0017 0001 aa"}), "parse: key_share_without_group");
  EXPECT_EQ(fault_of({.key_share = "0033 000c 000a 001d 0001 aa 001d 0001 aa"}), "parse: duplicate_key_share");
}

TEST(ClientHello, TheErrorNamesTheByteAndWhatWasFound) {
  const auto ssl30 = ClientParts{.legacy_version = "0300"}.body();
  EXPECT_EQ(ClientHello::parse(ssl30).error(), (Error{Fault::ssl30_hello, 0, 0x0300}));
  const auto long_id = ClientParts{.session_id = "21" + std::string(66, '1')}.body();
  EXPECT_EQ(ClientHello::parse(long_id).error(), (Error{Fault::length_out_of_range, 35, 33}));

  const auto body = ClientParts{.key_share = "0033 0007 0005 0017 0001 aa"}.body();
  const auto hello = ClientHello::parse(body);
  ASSERT_FALSE(hello);
  EXPECT_EQ(hello.error().found, 0x17u);
  EXPECT_EQ(to_hex(Bytes(body).subspan(hello.error().offset, 2)), "0017");
}

TEST(ClientHello, EveryExtensionIsReadToItsEnd) {
  const std::string_view with_one_byte_more[] = {
      "002b 0004 02 0304 00",      "000a 0005 0002 001d 00", "000d 0005 0002 0403 00",
      "0032 0005 0002 0403 00",    "0033 0003 0000 00",      "0000 0007 0004 00 0001 61 00",
      "0010 0006 0003 02 6832 00", "002d 0003 01 01 00",     "002c 0004 0001 cc 00",
      "0005 0006 01 0000 0000 00", "002a 0001 00",           "0031 0001 00",
  };
  for (const std::string_view extension : with_one_byte_more) {
    EXPECT_EQ(fault_of(ClientParts{.supported_versions = "",
                                   .supported_groups = "",
                                   .signature_algorithms = "",
                                   .key_share = "",
                                   .more = std::string(extension)}),
              "parse: trailing_bytes")
        << extension;
  }
  EXPECT_EQ(fault_of({.more = "0029 002d 0007 0001 aa 00000000 0021 20" + std::string(64, '7') + "00"}),
            "parse: trailing_bytes");
}

TEST(ClientHello, FlagsAndSmallExtensions) {
  const auto body = ClientParts{.more =
                                    "002a 0000 0031 0000 0005 0005 01 0000 0000 002c 0003 0001 cc"
                                    "0010 0005 0003 02 6832 0000 0006 0004 00 0001 61"
                                    "0032 0004 0002 0807 002d 0002 01 01"}
                        .body();
  const auto hello = ClientHello::parse(body);
  ASSERT_TRUE(hello) << name(hello.error().fault);
  EXPECT_TRUE(hello->early_data);
  EXPECT_TRUE(hello->post_handshake_auth);
  EXPECT_EQ(hello->status_request->status_type, 1);
  EXPECT_EQ(to_hex(*hello->cookie), "cc");
  EXPECT_EQ(as_text(hello->application_layer_protocol_negotiation->begin()->name), "h2");
  EXPECT_EQ(as_text(*hello->server_name), "a");
  EXPECT_TRUE(hello->signature_algorithms_cert->contains(wire::SignatureScheme::ed25519));
  EXPECT_EQ(to_hex(*hello->psk_key_exchange_modes), "01");
  EXPECT_FALSE(hello->pre_shared_key);
}

struct ServerParts {
  std::string_view legacy_version = "0303";
  std::string random = std::string(64, '5');
  std::string_view session_id = "00";
  std::string_view compression = "00";
  std::string_view extensions = "0010 002b 0002 0304 0033 0006 001d 0002 aabb";
};

std::string fault_of(const ServerParts& parts) {
  const auto body = from_hex(std::string(parts.legacy_version) + parts.random + std::string(parts.session_id) + "1301" +
                             std::string(parts.compression) + std::string(parts.extensions));
  const auto parsed = wire::parse_server_hello(body);
  if (!parsed) return std::string(name(parsed.error().fault));
  return std::holds_alternative<ServerHello>(*parsed) ? "ServerHello" : "HelloRetryRequest";
}

TEST(ServerHello, Rules) {
  EXPECT_EQ(fault_of(ServerParts{}), "ServerHello");
  EXPECT_EQ(fault_of(ServerParts{.legacy_version = "0300"}), "ssl30_hello");
  EXPECT_EQ(fault_of(ServerParts{.legacy_version = "0304"}), "legacy_version_wrong");
  EXPECT_EQ(fault_of(ServerParts{.compression = "01"}), "compression_selected");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0006 002b 0002 0303"}), "selected_version_not_offered");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0006 002b 0002 7f1c"}), "selected_version_not_offered");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "000a 002b 0002 0304 0010 0000"}), "extension_not_permitted");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "000a 002b 0002 0304 002c 0000"}), "extension_not_permitted");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "000a 002b 0002 0304 ffce 0000"}),
            "ServerHello");  // see check_solicited
  EXPECT_EQ(fault_of(ServerParts{.extensions = "000c 002b 0002 0304 0033 0002 001d"}), "message_truncated");
}

TEST(ServerHello, OfTls12IsToldApart) {
  EXPECT_EQ(fault_of(ServerParts{.extensions = ""}), "tls13_not_selected");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0005 ff01 0001 00"}), "tls13_not_selected");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0004 0010 0000"}), "tls13_not_selected");  // ALPN, there in TLS 1.2
  EXPECT_EQ(fault_of(ServerParts{.legacy_version = "0302", .extensions = ""}), "tls13_not_selected");
  const std::string random(48, '5');
  EXPECT_EQ(fault_of(ServerParts{.random = random + "444f574e47524401", .extensions = ""}), "downgrade_sentinel");
  EXPECT_EQ(fault_of(ServerParts{.random = random + "444f574e47524400", .extensions = ""}), "downgrade_sentinel");
  EXPECT_EQ(fault_of(ServerParts{.random = random + "444f574e47524402", .extensions = ""}), "tls13_not_selected");
  EXPECT_EQ(fault_of(ServerParts{.random = random + "444f574e47524401"}), "ServerHello");  // only below TLS 1.3
}

TEST(HelloRetryRequest, Rules) {
  const std::string random = to_hex(wire::hello_retry_request_random);
  EXPECT_EQ(random, "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "000c 002b 0002 0304 0033 0002 0017"}),
            "HelloRetryRequest");
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "000d 002b 0002 0304 002c 0003 0001 aa"}),
            "HelloRetryRequest");
  EXPECT_EQ(fault_of(ServerParts{.random = random}), "trailing_bytes");  // a whole key share
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "000a 002b 0002 0304 0029 0000"}),
            "extension_not_permitted");
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "000c 002b 0002 0304 002c 0002 0000"}),
            "length_out_of_range");
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = ""}), "tls13_not_selected");
}

TEST(ServerHello, TheErrorNamesTheByteAndWhatWasFound) {
  const auto error = [](std::string_view hex) { return wire::parse_server_hello(from_hex(hex)).error(); };
  const std::string random(64, '5');
  const std::string extensions = "0006 002b 0002 0304";
  EXPECT_EQ(error("0304" + random + "00 1301 00" + extensions), (Error{Fault::legacy_version_wrong, 0, 0x0304}));
  EXPECT_EQ(error("0303" + random + "21" + std::string(66, '1') + "1301 00" + extensions),
            (Error{Fault::length_out_of_range, 35, 33}));
  EXPECT_EQ(error("0303" + random + "00 1301 07" + extensions), (Error{Fault::compression_selected, 37, 7}));
  EXPECT_EQ(error("0303" + random + "00 002f 00"), (Error{Fault::tls13_not_selected, 0, 0x0303}));
  EXPECT_EQ(error("0303" + random + "00 1301 00 0006 002b 0002 0303"),
            (Error{Fault::selected_version_not_offered, 44, 0x0303}));
}

TEST(ServerHello, EveryExtensionIsReadToItsEnd) {
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0006 002b 0002 0304"}), "ServerHello");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0007 002b 0003 0304 00"}), "trailing_bytes");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "0010 002b 0002 0304 0033 0006 001d 0001 aa 00"}), "trailing_bytes");
  EXPECT_EQ(fault_of(ServerParts{.extensions = "000d 002b 0002 0304 0029 0003 0000 00"}), "trailing_bytes");
  const std::string random = to_hex(wire::hello_retry_request_random);
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "0006 002b 0002 0304"}), "HelloRetryRequest");
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "0007 002b 0003 0304 00"}), "trailing_bytes");
  EXPECT_EQ(fault_of(ServerParts{.random = random, .extensions = "000e 002b 0002 0304 002c 0004 0001 aa 00"}),
            "trailing_bytes");
}

TEST(ServerHello, ReadsItsExtensions) {
  const auto body = from_hex("0303" + std::string(64, '5') +
                             "01 77 1302 00 0016 0029 0002 0003 0033 0006 001d 0002 aabb 002b 0002 0304");
  const auto parsed = wire::parse_server_hello(body);
  ASSERT_TRUE(parsed) << name(parsed.error().fault);
  const auto& hello = std::get<ServerHello>(*parsed);
  EXPECT_EQ(hello.pre_shared_key, 3);
  EXPECT_EQ(to_hex(hello.key_share->key_exchange), "aabb");
  EXPECT_EQ(to_hex(hello.legacy_session_id_echo), "77");
  EXPECT_EQ(hello.cipher_suite, wire::CipherSuite::tls_aes_256_gcm_sha384);
}

}  // namespace
}  // namespace limpid::test
