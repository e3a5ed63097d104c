// Which extension may stand where, and the contents of each: what is accepted, what is refused, and why.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/hex.hpp"
#include "tests/tls/messages.hpp"

namespace limpid::test {
namespace {

using wire::ExtensionContext;
using wire::Extensions;
using wire::ExtensionType;
using wire::NamedGroup;
using wire::Parser;
using wire::ProtocolVersion;
using wire::SignatureScheme;

constexpr ExtensionContext contexts[] = {ExtensionContext::client_hello,        ExtensionContext::server_hello,
                                         ExtensionContext::hello_retry_request, ExtensionContext::encrypted_extensions,
                                         ExtensionContext::certificate_request, ExtensionContext::certificate,
                                         ExtensionContext::new_session_ticket};

// RFC 8446, section 4.2: "CH (ClientHello), SH (ServerHello), EE (EncryptedExtensions), CT (Certificate),
// CR (CertificateRequest), NST (NewSessionTicket), and HRR (HelloRetryRequest)".
TEST(Extensions, ThePermittedOnesAreThoseOfTheRfcsTable) {
  constexpr std::string_view names[] = {"CH", "SH", "HRR", "EE", "CR", "CT", "NST"};
  const struct {
    ExtensionType type;
    int number;  // in RFC 8446, section 4.2
    std::string_view where;
  } table[] = {
      {ExtensionType::server_name, 0, "CH, EE,"},
      {ExtensionType::max_fragment_length, 1, "CH, EE,"},
      {ExtensionType::status_request, 5, "CH, CR, CT,"},
      {ExtensionType::supported_groups, 10, "CH, EE,"},
      {ExtensionType::signature_algorithms, 13, "CH, CR,"},
      {ExtensionType::use_srtp, 14, "CH, EE,"},
      {ExtensionType::heartbeat, 15, "CH, EE,"},
      {ExtensionType::application_layer_protocol_negotiation, 16, "CH, EE,"},
      {ExtensionType::signed_certificate_timestamp, 18, "CH, CR, CT,"},
      {ExtensionType::client_certificate_type, 19, "CH, EE,"},
      {ExtensionType::server_certificate_type, 20, "CH, EE,"},
      {ExtensionType::padding, 21, "CH,"},
      {ExtensionType::key_share, 51, "CH, SH, HRR,"},
      {ExtensionType::pre_shared_key, 41, "CH, SH,"},
      {ExtensionType::psk_key_exchange_modes, 45, "CH,"},
      {ExtensionType::early_data, 42, "CH, EE, NST,"},
      {ExtensionType::cookie, 44, "CH, HRR,"},
      {ExtensionType::supported_versions, 43, "CH, SH, HRR,"},
      {ExtensionType::certificate_authorities, 47, "CH, CR,"},
      {ExtensionType::oid_filters, 48, "CR,"},
      {ExtensionType::post_handshake_auth, 49, "CH,"},
      {ExtensionType::signature_algorithms_cert, 50, "CH, CR,"},
  };
  for (const auto& [type, number, where] : table) {
    EXPECT_EQ(static_cast<int>(type), number);
    for (std::size_t i = 0; i < std::size(contexts); ++i) {
      EXPECT_EQ(wire::is_permitted(type, contexts[i]), where.contains(std::string(names[i]) + ","))
          << static_cast<int>(type) << " in " << names[i];
    }
  }
  std::size_t restricted = 0;
  for (int type = 0; type <= 0xffff; ++type) {
    for (const ExtensionContext context : contexts) {
      if (!wire::is_permitted(static_cast<ExtensionType>(type), context)) {
        ++restricted;
        break;
      }
    }
  }
  EXPECT_EQ(restricted, std::size(table));
}

// Reads a whole extension's data.
template <class Read>
auto read_all(Read read, std::string_view hex) {
  static std::vector<Byte> bytes;  // what the result points into
  bytes = from_hex(hex);
  Parser in(bytes);
  auto value = read(in);
  return in.finished(value);
}

template <class Read>
void refuses(Read read, std::string_view hex, Error error) {
  const auto result = read_all(read, hex);
  ASSERT_FALSE(result) << hex;
  EXPECT_EQ(name(result.error().fault), name(error.fault)) << hex;
  EXPECT_EQ(result.error(), error) << hex;
}

TEST(Extensions, SupportedVersions) {
  const auto versions = read_all(wire::read_supported_versions, "06 0304 0303 2a2a");
  ASSERT_TRUE(versions);
  EXPECT_EQ(versions->size(), 3u);
  EXPECT_TRUE(versions->contains(ProtocolVersion::tls13));
  EXPECT_FALSE(versions->contains(ProtocolVersion::tls11));
  EXPECT_EQ((*versions)[2], static_cast<ProtocolVersion>(0x2a2a));
  refuses(wire::read_supported_versions, "00", {Fault::length_out_of_range, 1, 0});
  refuses(wire::read_supported_versions, "03 0304 03", {Fault::length_out_of_range, 4, 3});
  refuses(wire::read_supported_versions, "04 0304", {Fault::message_truncated, 1, 0});
  refuses(wire::read_supported_versions, "02 0304 00", {Fault::trailing_bytes, 3, 1});
  refuses(wire::read_supported_versions, "ff", {Fault::length_out_of_range, 1, 255});
}

TEST(Extensions, GroupsAndSchemes) {
  EXPECT_TRUE(read_all(wire::read_supported_groups, "0004 001d 0017")->contains(NamedGroup::secp256r1));
  refuses(wire::read_supported_groups, "0000", {Fault::length_out_of_range, 2, 0});
  refuses(wire::read_supported_groups, "0003 001d 00", {Fault::length_out_of_range, 5, 3});
  EXPECT_TRUE(read_all(wire::read_signature_algorithms, "0002 0807")->contains(SignatureScheme::ed25519));
  refuses(wire::read_signature_algorithms, "0000", {Fault::length_out_of_range, 2, 0});
  refuses(wire::read_signature_algorithms, "0003 0807 04", {Fault::length_out_of_range, 5, 3});
  refuses(wire::read_signature_algorithms, "ffff", {Fault::length_out_of_range, 2, 0xffff});
}

TEST(Extensions, KeyShares) {
  const auto shares = read_all(wire::read_key_shares, "000b 3a3a 0001 00 001d 0002 aabb");
  ASSERT_TRUE(shares);
  EXPECT_EQ(shares->count(), 2u);
  ASSERT_TRUE(find(*shares, NamedGroup::x25519));
  EXPECT_EQ(to_hex(find(*shares, NamedGroup::x25519)->key_exchange), "aabb");
  EXPECT_FALSE(find(*shares, NamedGroup::secp256r1));
  EXPECT_TRUE(read_all(wire::read_key_shares, "0000"));  // "This vector MAY be empty if the client is requesting a HRR"
  refuses(wire::read_key_shares, "000a 001d 0001 aa 001d 0001 bb", {Fault::duplicate_key_share, 7, 0x1d});
  refuses(wire::read_key_shares, "0004 001d 0000", {Fault::length_out_of_range, 6, 0});
  refuses(wire::read_key_shares, "0003 001d 00", {Fault::message_truncated, 4, 0});
}

TEST(Extensions, ServerName) {
  EXPECT_EQ(as_text(*read_all(wire::read_server_name, "0006 00 0003 612e62")), "a.b");
  refuses(wire::read_server_name, "0000", {Fault::length_out_of_range, 2, 0});
  refuses(wire::read_server_name, "0003 00 0000", {Fault::length_out_of_range, 5, 0});
  refuses(wire::read_server_name, "0004 01 0001 61", {Fault::server_name_not_one_host_name, 2, 1});
  refuses(wire::read_server_name, "0008 00 0001 61 00 0001 62", {Fault::server_name_not_one_host_name, 6, 0});
  refuses(wire::read_server_name, "0005 00 0002 6100", {Fault::server_name_malformed, 5, 0});
  refuses(wire::read_server_name, "0004 00 0001 20", {Fault::server_name_malformed, 5, 0});
  refuses(wire::read_server_name, "0004 00 0001 7f", {Fault::server_name_malformed, 5, 0});
  const std::string longest(255 * 2, '6');
  EXPECT_TRUE(read_all(wire::read_server_name, "0102 00 00ff" + longest));
  refuses(wire::read_server_name, "0103 00 0100 66" + longest, {Fault::server_name_malformed, 5, 0});
}

TEST(Extensions, ApplicationLayerProtocols) {
  const auto names = read_all(wire::read_protocol_names, "000c 02 6832 08 687474702f312e31");
  ASSERT_TRUE(names);
  EXPECT_EQ(names->count(), 2u);
  EXPECT_EQ(as_text(names->begin()->name), "h2");
  refuses(wire::read_protocol_names, "0000", {Fault::length_out_of_range, 2, 0});
  refuses(wire::read_protocol_names, "0003 00 0161", {Fault::length_out_of_range, 3, 0});
  refuses(wire::read_protocol_names, "0003 03 6832", {Fault::message_truncated, 3, 0});
  EXPECT_EQ(as_text(*read_all(wire::read_selected_protocol, "0003 02 6832")), "h2");
  EXPECT_EQ(as_text(*read_all(wire::read_selected_protocol, "0002 01 61")), "a");
  refuses(wire::read_selected_protocol, "0006 02 6832 02 6833", {Fault::alpn_not_one_protocol, 5, 0});
  refuses(wire::read_selected_protocol, "0000", {Fault::length_out_of_range, 2, 0});
}

TEST(Extensions, PreSharedKeys) {
  const std::string binder(32 * 2, '7');
  const auto offered = read_all(wire::read_offered_psks, "0007 0001 aa 01020304 0021 20" + binder);
  ASSERT_TRUE(offered);
  EXPECT_EQ(to_hex(offered->identities.begin()->identity), "aa");
  EXPECT_EQ(offered->identities.begin()->obfuscated_ticket_age, 0x01020304u);
  EXPECT_EQ(to_hex(offered->binders.begin()->binder), binder);
  EXPECT_EQ(offered->binders_offset, 9u);
  const auto read = wire::read_offered_psks;
  refuses(read, "0006 0001 aa 010203", {Fault::length_out_of_range, 2, 6});
  refuses(read, "0007 0000 aa 01020304 0021 20" + binder, {Fault::length_out_of_range, 4, 0});
  refuses(read, "0007 0001 aa 01020304 0020" + binder, {Fault::length_out_of_range, 11, 32});
  refuses(read, "0007 0001 aa 01020304 0021 1f" + binder, {Fault::length_out_of_range, 12, 31});
  refuses(read, "000e 0001 aa 01020304 0001 bb 01020304 0021 20" + binder, {Fault::binder_count_mismatch, 51, 1});
  refuses(read, "0007 0001 aa 01020304 0042 20" + binder + "20" + binder, {Fault::binder_count_mismatch, 77, 2});
}

TEST(Extensions, ModesCookiesAndStatusRequests) {
  EXPECT_EQ(to_hex(*read_all(wire::read_psk_key_exchange_modes, "02 0100")), "0100");
  refuses(wire::read_psk_key_exchange_modes, "00", {Fault::length_out_of_range, 1, 0});
  EXPECT_EQ(to_hex(*read_all(wire::read_cookie, "0001 aa")), "aa");
  refuses(wire::read_cookie, "0000", {Fault::length_out_of_range, 2, 0});
  EXPECT_EQ(read_all(wire::read_status_request, "01 0000 0000")->status_type, 1);
  EXPECT_TRUE(read_all(wire::read_status_request, "01 0003 0001 aa 0001 bb"));
  EXPECT_EQ(to_hex(read_all(wire::read_status_request, "09 abcdef")->request), "abcdef");
  refuses(wire::read_status_request, "01 0000", {Fault::message_truncated, 3, 0});
  refuses(wire::read_status_request, "01 0002 0000 0000", {Fault::length_out_of_range, 5, 0});
  refuses(wire::read_status_request, "01 0000 0000 00", {Fault::trailing_bytes, 5, 1});
}

Extensions block(Parser& in) {
  return wire::read_extensions(in, {}, ExtensionContext::client_hello, [](ExtensionType, Parser&) { return false; });
}

TEST(Extensions, UnknownOnesAreKeptInTheirOrder) {
  const auto extensions = read_all(block, "000d 1a1a 0000 ffce 0001 07 4a4a 0000");
  ASSERT_TRUE(extensions);
  EXPECT_EQ(extensions->count(), 3u);
  EXPECT_EQ(to_hex(find(*extensions, static_cast<ExtensionType>(0xffce)).value_or(Bytes{})), "07");
  EXPECT_FALSE(find(*extensions, ExtensionType::cookie));
}

TEST(Extensions, DuplicatesAreRefusedKnownOrNot) {
  refuses(block, "0008 ffce 0000 ffce 0000", {Fault::duplicate_extension, 6, 0xffce});
  refuses(block, "000c 002a 0000 ffce 0000 002a 0000", {Fault::duplicate_extension, 10, 42});
}

TEST(Extensions, AtMostSixtyFour) {
  const auto many = [](int n) {
    return written([&](Writer& out) {
      out.vector16([&] {
        for (int i = 0; i < n; ++i) wire::put_empty_extension(out, static_cast<ExtensionType>(0x8000 + i));
      });
    });
  };
  EXPECT_TRUE(read_all(block, to_hex(many(64))));
  refuses(block, to_hex(many(65)), {Fault::too_many_extensions, 2 + 64 * 4, 0x8000 + 64});
}

TEST(Extensions, OneThatTheMessageMayNotCarryIsRefused) {
  refuses(block, "0004 0030 0000", {Fault::extension_not_permitted, 2, 48});
}

TEST(Extensions, AnExtensionsDataMustBeReadToItsEnd) {
  const auto reads_one_byte = [](Parser& in) {
    return wire::read_extensions(in, {}, ExtensionContext::client_hello, [](ExtensionType, Parser& data) {
      data.u8();
      return true;
    });
  };
  EXPECT_TRUE(read_all(reads_one_byte, "0005 ffce 0001 00"));
  refuses(reads_one_byte, "0006 ffce 0002 0000", {Fault::trailing_bytes, 7, 1});
  refuses(reads_one_byte, "0004 ffce 0000", {Fault::message_truncated, 6, 0});
}

TEST(Extensions, OnlyWhatWasOfferedMayComeBack) {
  const auto response = from_hex("0000 0000 002b 0002 0304");
  const auto offered = [](ExtensionType type) { return type == ExtensionType::server_name; };
  EXPECT_TRUE(wire::check_solicited(Extensions{response}, [](ExtensionType) { return true; }));
  const auto checked = wire::check_solicited(Extensions{response}, offered);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error(), (Error{Fault::unsolicited_extension, 4, 43}));
}

// What the writers write, the readers read.
TEST(Extensions, WritersAndReadersAgree) {
  const NamedGroup groups[] = {NamedGroup::x25519, static_cast<NamedGroup>(0x9a9a), NamedGroup::secp256r1};
  const SignatureScheme schemes[] = {SignatureScheme::ed25519, SignatureScheme::ecdsa_secp256r1_sha256};
  const ProtocolVersion versions[] = {ProtocolVersion::tls13};
  const wire::PskKeyExchangeMode modes[] = {wire::PskKeyExchangeMode::psk_dhe_ke};
  const auto key = from_hex("010203");
  const wire::KeyShareEntry shares[] = {{groups[0], key}, {groups[1], Bytes(key).first(1)}};
  const Bytes names[] = {as_bytes("h2"), as_bytes("http/1.1")};
  const auto cookie = from_hex("c0ffee");
  const auto bytes = written([&](Writer& out) {
    wire::put_server_name(out, as_bytes("example.com"));
    wire::put_supported_groups(out, groups);
    wire::put_signature_algorithms(out, schemes);
    wire::put_protocol_names(out, names);
    wire::put_supported_versions(out, versions);
    wire::put_psk_key_exchange_modes(out, modes);
    wire::put_cookie(out, cookie);
    wire::put_empty_extension(out, ExtensionType::early_data);
    wire::put_key_shares(out, shares);
  });
  const Extensions extensions{bytes};
  EXPECT_EQ(extensions.count(), 9u);
  const auto data = [&](ExtensionType type) { return to_hex(*find(extensions, type)); };
  EXPECT_EQ(as_text(*read_all(wire::read_server_name, data(ExtensionType::server_name))), "example.com");
  const auto read_groups = read_all(wire::read_supported_groups, data(ExtensionType::supported_groups));
  ASSERT_EQ(read_groups->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ((*read_groups)[i], groups[i]);
  const auto read_schemes = read_all(wire::read_signature_algorithms, data(ExtensionType::signature_algorithms));
  ASSERT_EQ(read_schemes->size(), 2u);
  EXPECT_EQ((*read_schemes)[1], schemes[1]);
  EXPECT_EQ(data(ExtensionType::application_layer_protocol_negotiation), "000c02683208687474702f312e31");
  EXPECT_EQ(data(ExtensionType::supported_versions), "020304");
  EXPECT_EQ(data(ExtensionType::psk_key_exchange_modes), "0101");
  EXPECT_EQ(data(ExtensionType::cookie), "0003c0ffee");
  EXPECT_EQ(data(ExtensionType::early_data), "");
  const auto read_shares = read_all(wire::read_key_shares, data(ExtensionType::key_share));
  std::size_t i = 0;
  for (const wire::KeyShareEntry& share : *read_shares) EXPECT_EQ(share, shares[i++]);
  EXPECT_EQ(i, 2u);
}

TEST(Extensions, WritersOfTheServersSide) {
  const auto key = from_hex("0102");
  const auto bytes = written([&](Writer& out) {
    wire::put_selected_version(out, ProtocolVersion::tls13);
    wire::put_key_share(out, {NamedGroup::x25519, key});
    wire::put_selected_protocol(out, as_bytes("h2"));
  });
  EXPECT_EQ(to_hex(bytes),
            "002b00020304"
            "00330006001d00020102"
            "001000050003026832");
  const auto selected = written([&](Writer& out) { wire::put_selected_group(out, NamedGroup::secp256r1); });
  EXPECT_EQ(to_hex(selected), "003300020017");
}

TEST(Sequence, OfUncheckedBytesEndsAtTheFirstMalformedElement) {
  const auto bytes = from_hex("0000 0000 0001 00ff aa");
  EXPECT_EQ(Extensions{bytes}.count(), 1u);
  EXPECT_EQ(Extensions{}.count(), 0u);
}

TEST(Grease, IsWhatRfc8701Reserves) {
  int count = 0;
  for (int value = 0; value <= 0xffff; ++value) count += wire::is_grease(static_cast<std::uint16_t>(value));
  EXPECT_EQ(count, 16);
  EXPECT_TRUE(wire::is_grease(0x0a0a));
  EXPECT_TRUE(wire::is_grease(0xfafa));
  EXPECT_FALSE(wire::is_grease(0x0a1a));
}

}  // namespace
}  // namespace limpid::test
