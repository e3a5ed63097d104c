// A client against servers that break the rules: which fault it names, and which alert it sends.
#include "tests/tls/client_attack.hpp"

namespace limpid::tls::test {
namespace {

using Attack = ClientAttack;
using Hello = ServerScript::Hello;

void expect_hello_fault(Fault fault, const std::function<void(Hello&)>& spoil) {
  Attack attack;
  Hello hello = attack.server.good_hello();
  spoil(hello);
  attack.client.receive(plain_handshake(hello.message()));
  expect_fault(attack, fault);
}

TEST(ClientFaults, ServerHello) {
  expect_hello_fault(Fault::tls13_not_selected,
                     [](Hello& h) { remove(h.extensions, ExtensionType::supported_versions); });
  expect_hello_fault(Fault::tls13_not_selected, [](Hello& h) { h.extensions.clear(); });
  for (const char* sentinel : {"DOWNGRD\x01", "DOWNGRD"}) {
    expect_hello_fault(Fault::downgrade_sentinel, [&](Hello& h) {
      h.extensions.clear();
      h.random.replace(24, 8, std::string(sentinel, 8));
    });
  }
  expect_hello_fault(Fault::selected_version_not_offered,
                     [](Hello& h) { extension(h.extensions, ExtensionType::supported_versions) = number(0x0303, 2); });
  expect_hello_fault(Fault::legacy_version_wrong, [](Hello& h) { h.version = 0x0304; });
  expect_hello_fault(Fault::ssl30_hello, [](Hello& h) { h.version = 0x0300; });
  expect_hello_fault(Fault::session_id_not_echoed, [](Hello& h) { h.session_id[5] ^= 1; });
  expect_hello_fault(Fault::session_id_not_echoed, [](Hello& h) { h.session_id.clear(); });
  expect_hello_fault(Fault::compression_selected, [](Hello& h) { h.compression = 1; });
  expect_hello_fault(Fault::cipher_suite_not_offered, [](Hello& h) { h.suite = 0x1304; });
  expect_hello_fault(Fault::cipher_suite_not_offered, [](Hello& h) { h.suite = 0x0a0a; });
  expect_hello_fault(Fault::missing_key_share, [](Hello& h) { remove(h.extensions, ExtensionType::key_share); });
  expect_hello_fault(Fault::group_not_offered, [](Hello& h) {
    extension(h.extensions, ExtensionType::key_share).replace(0, 2, number(0x0017, 2));
  });
  expect_hello_fault(Fault::key_share_invalid, [](Hello& h) {
    extension(h.extensions, ExtensionType::key_share) = number(0x001d, 2) + vec(std::string(32, '\0'), 2);
  });
  expect_hello_fault(Fault::key_share_invalid, [](Hello& h) {
    extension(h.extensions, ExtensionType::key_share) = number(0x001d, 2) + vec(std::string(33, '\1'), 2);
  });
  expect_hello_fault(Fault::unsolicited_extension,
                     [](Hello& h) { extension(h.extensions, ExtensionType::pre_shared_key) = number(0, 2); });
  expect_hello_fault(Fault::unsolicited_extension, [](Hello& h) { h.extensions.emplace_back(0x1234, "x"); });
  expect_hello_fault(Fault::extension_not_permitted,
                     [](Hello& h) { extension(h.extensions, ExtensionType::cookie) = vec("c", 2); });
  expect_hello_fault(Fault::duplicate_extension, [](Hello& h) { h.extensions.push_back(h.extensions[0]); });
}

TEST(ClientFaults, MalformedMessages) {
  const auto fault_of = [](const std::string& record) {
    Attack attack;
    attack.client.receive(record);
    return attack.client.last();
  };
  Attack attack;
  const std::string hello = attack.server.good_hello().message();
  for (std::size_t size = 0; size + 4 < hello.size(); ++size) {
    const std::string cut = message(HandshakeType::server_hello, hello.substr(4, size));
    EXPECT_TRUE(fault_of(plain_handshake(cut)).starts_with("Failed ")) << size;
  }
  EXPECT_EQ(fault_of(plain_handshake(message(HandshakeType::server_hello, hello.substr(4) + "x"))),
            "Failed trailing_bytes decode_error");
  EXPECT_EQ(fault_of(plain_handshake(number(2, 1) + number(1 << 20, 3))), "Failed message_too_long decode_error");
}

TEST(ClientFaults, NothingFollowsAHelloRetryRequest) {
  ClientAttack attack;
  const std::string hello = attack.server.good_hello().message();
  attack.client.receive(plain_handshake(attack.server.good_retry().message() + hello.substr(0, 1)));
  EXPECT_EQ(attack.client.last(), "Failed unexpected_handshake_message unexpected_message");
}

TEST(ClientFaults, InitialRecordLooksLikeTls10) {
  End client(client_config());
  client.start();
  EXPECT_EQ(client.take_sent().substr(0, 3), "\x16\x03\x01");
  End plain_client(client_config({.compatibility_mode = false}));
  plain_client.start();
  EXPECT_EQ(plain_client.take_sent().substr(0, 3), "\x16\x03\x03");
}

TEST(ClientFaults, HelloRetryRequest) {
  const auto expect_retry_fault = [](Fault fault, const std::function<void(Hello&)>& spoil) {
    Attack attack;
    Hello retry = attack.server.good_retry();
    spoil(retry);
    attack.client.receive(plain_handshake(retry.message()));
    expect_fault(attack, fault);
  };
  expect_retry_fault(Fault::retry_without_change, [](Hello& h) { remove(h.extensions, ExtensionType::key_share); });
  expect_retry_fault(Fault::retry_group_wrong,
                     [](Hello& h) { extension(h.extensions, ExtensionType::key_share) = number(0x001d, 2); });
  expect_retry_fault(Fault::retry_group_wrong,
                     [](Hello& h) { extension(h.extensions, ExtensionType::key_share) = number(0x0019, 2); });
  expect_retry_fault(Fault::session_id_not_echoed, [](Hello& h) { h.session_id = "no"; });
  expect_retry_fault(Fault::cipher_suite_not_offered, [](Hello& h) { h.suite = 0x1305; });
  expect_retry_fault(Fault::unsolicited_extension, [](Hello& h) { h.extensions.emplace_back(0x4321, ""); });

  {
    Attack attack;
    attack.client.receive(plain_handshake(attack.server.good_retry().message()));
    attack.client.receive(plain_handshake(attack.server.good_retry().message()));
    attack.client.take_sent();
    EXPECT_EQ(attack.client.last(), "Failed second_hello_retry_request unexpected_message");
  }
  {
    Attack attack;
    attack.client.receive(plain_handshake(attack.server.good_retry().message()));
    Hello hello = attack.server.good_hello();
    hello.suite = 0x1302;
    attack.client.receive(plain_handshake(hello.message()));
    EXPECT_EQ(attack.client.last(), "Failed retry_cipher_suite_changed illegal_parameter");
  }
  {
    // The group of the first hello, after another was asked for.
    Attack attack;
    attack.client.receive(plain_handshake(attack.server.good_retry().message()));
    attack.client.receive(plain_handshake(attack.server.good_hello().message()));
    EXPECT_EQ(attack.client.last(), "Failed group_not_offered illegal_parameter");
  }
}

TEST(ClientFaults, ACookieAloneIsReturnedWithTheSameShare) {
  Attack attack;
  Hello retry = attack.server.good_retry();
  remove(retry.extensions, ExtensionType::key_share);
  extension(retry.extensions, ExtensionType::cookie) = vec("bake me", 2);
  const std::string first = attack.server.client_hello;
  attack.server.retry_transcript();
  attack.client.receive(plain_handshake(attack.server.add(retry.message())));
  const std::string second = attack.server.open(attack.client.take_sent(), ContentType::handshake);
  const auto before = wire::ClientHello::parse(as_bytes(first).subspan(4));
  const auto after = wire::ClientHello::parse(as_bytes(second).subspan(4));
  ASSERT_TRUE(before && after);
  EXPECT_EQ(as_text(*after->cookie), "bake me");
  EXPECT_EQ(after->key_share, before->key_share);
  EXPECT_EQ(after->random, before->random);
  attack.server.add(second);
  attack.hello();
  attack.client.receive(attack.server.rest_of_flight(attack.client.key));
  EXPECT_TRUE(attack.client.last().starts_with("HandshakeDone")) << attack.client.last();
}

TEST(ClientFaults, EncryptedExtensions) {
  const auto expect_extensions_fault = [](Fault fault, const ExtensionList& list) {
    Attack attack;
    attack.hello();
    attack.send(attack.server.encrypted_extensions(list));
    expect_fault(attack, fault);
  };
  const auto alpn = code(ExtensionType::application_layer_protocol_negotiation);
  expect_extensions_fault(Fault::unsolicited_extension, {{alpn, vec(vec("h2", 1), 2)}});
  expect_extensions_fault(Fault::unsolicited_extension, {{code(ExtensionType::early_data), ""}});
  expect_extensions_fault(Fault::unsolicited_extension, {{0x9999, ""}});
  expect_extensions_fault(Fault::extension_not_permitted, {{code(ExtensionType::key_share), "xx"}});
  expect_extensions_fault(Fault::duplicate_extension, {{0, ""}, {0, ""}});

  const std::string_view protocols[] = {"http/1.1", "h2"};
  for (const auto& [data, fault] : {std::pair(vec(vec("smtp", 1), 2), Fault::alpn_not_offered),
                                    std::pair(vec(vec("h2", 1) + vec("h2", 1), 2), Fault::alpn_not_one_protocol)}) {
    Attack attack(client_config({.application_protocols = protocols}));
    attack.hello();
    attack.send(attack.server.encrypted_extensions({{alpn, data}}));
    expect_fault(attack, fault);
  }
  {
    // What a client may ask for by address is not a name to be acknowledged.
    Attack attack(client_config({.server_name = "::1"}));
    attack.hello();
    attack.send(attack.server.encrypted_extensions({{0, ""}}));
    expect_fault(attack, Fault::unsolicited_extension);
  }
}

TEST(ClientFaults, Certificate) {
  const auto expect_certificate_fault = [](Fault fault, const std::string& certificate) {
    Attack attack;
    attack.up_to_encrypted_extensions();
    attack.send(certificate);
    expect_fault(attack, fault);
  };
  expect_certificate_fault(Fault::server_certificate_missing, ServerScript::certificate("", ""));
  expect_certificate_fault(Fault::certificate_request_context_not_empty, ServerScript::certificate("ctx"));
  const std::string with_ocsp = vec("DER", 3) + extensions({{5, number(1, 1) + vec("response", 3)}});
  expect_certificate_fault(Fault::unsolicited_extension, ServerScript::certificate("", with_ocsp));
  std::string too_many;
  for (int i = 0; i < 40; ++i) too_many += vec("DER", 3) + number(0, 2);
  expect_certificate_fault(Fault::too_many_certificates, ServerScript::certificate("", too_many));
  expect_certificate_fault(Fault::length_out_of_range, ServerScript::certificate("", vec("", 3) + number(0, 2)));

  for (const Fault fault :
       {Fault::bad_certificate, Fault::unsupported_certificate, Fault::certificate_revoked, Fault::certificate_expired,
        Fault::certificate_unknown, Fault::unknown_ca, Fault::access_denied, Fault::verification_failed}) {
    Attack attack;
    attack.client.answerer = [&](const Query&) { return Declined{fault}; };
    attack.up_to_certificate();
    expect_fault(attack, fault);
  }
}

TEST(ClientFaults, CertificateVerify) {
  {
    Attack attack;
    attack.up_to_certificate();
    attack.send(attack.server.certificate_verify(attack.client.key, 0x0807));
    expect_fault(attack, Fault::signature_scheme_not_for_key);
  }
  {
    Attack attack;
    attack.up_to_certificate();
    attack.send(attack.server.certificate_verify(attack.client.key, 0x0906));
    expect_fault(attack, Fault::signature_scheme_not_offered);
  }
  {
    // Another key than the certificate's.
    Attack attack;
    attack.up_to_certificate();
    auto scalar = seed(0x42);
    scalar[31] = 0x43;
    attack.send(attack.server.certificate_verify(*crypto::PrivateKey::from_bytes(crypto::KeyType::p256, scalar)));
    expect_fault(attack, Fault::certificate_verify_invalid);
  }
  {
    // A client's signature, or one over another transcript.
    Attack attack;
    attack.up_to_certificate();
    attack.send(attack.server.certificate_verify(attack.client.key, 0x0403, false));
    expect_fault(attack, Fault::certificate_verify_invalid);
  }
  {
    Attack attack;
    attack.up_to_certificate();
    attack.server.transcript[60] ^= 1;
    attack.send(attack.server.certificate_verify(attack.client.key));
    expect_fault(attack, Fault::certificate_verify_invalid);
  }
}

TEST(ClientFaults, Finished) {
  {
    Attack attack;
    attack.up_to_certificate_verify();
    std::string finished = attack.server.finished();
    finished.back() ^= 1;
    attack.send(finished);
    expect_fault(attack, Fault::finished_invalid);
  }
  {
    Attack attack;
    attack.up_to_certificate_verify();
    attack.send(message(HandshakeType::finished, std::string(31, 'f')));
    expect_fault(attack, Fault::finished_wrong_length);
  }
  {
    // Made with the client's secret.
    Attack attack;
    attack.up_to_certificate_verify();
    attack.send(attack.server.Script::finished(attack.server.client_secret));
    expect_fault(attack, Fault::finished_invalid);
  }
}

// Every state of the client and every message: what is not the next one is refused by name.
TEST(ClientFaults, EveryStateRefusesEveryOtherMessage) {
  struct Stage {
    const char* name;
    void (*reach)(Attack&);
    std::vector<HandshakeType> expected;
    bool sealed;
  };
  const Stage stages[] = {
      {"AwaitServerHello", [](Attack&) {}, {HandshakeType::server_hello}, false},
      {"AwaitSecondServerHello",
       [](Attack& a) { a.client.receive(plain_handshake(a.server.good_retry().message())); },
       {HandshakeType::server_hello},
       false},
      {"AwaitEncryptedExtensions", [](Attack& a) { a.hello(); }, {HandshakeType::encrypted_extensions}, true},
      {"AwaitCertificateOrRequest",
       [](Attack& a) { a.up_to_encrypted_extensions(); },
       {HandshakeType::certificate, HandshakeType::certificate_request},
       true},
      {"AwaitCertificate",
       [](Attack& a) {
         a.up_to_encrypted_extensions();
         a.send(
             message(HandshakeType::certificate_request, vec("", 1) + extensions({{13, vec(number(0x0403, 2), 2)}})));
       },
       {HandshakeType::certificate},
       true},
      {"AwaitCertificateVerify", [](Attack& a) { a.up_to_certificate(); }, {HandshakeType::certificate_verify}, true},
      {"AwaitFinished", [](Attack& a) { a.up_to_certificate_verify(); }, {HandshakeType::finished}, true},
      {"Connected",
       [](Attack& a) { a.connect(); },
       {HandshakeType::key_update, HandshakeType::new_session_ticket},
       true},
  };
  const HandshakeType types[] = {
      HandshakeType::client_hello,        HandshakeType::server_hello,         HandshakeType::new_session_ticket,
      HandshakeType::end_of_early_data,   HandshakeType::encrypted_extensions, HandshakeType::certificate,
      HandshakeType::certificate_request, HandshakeType::certificate_verify,   HandshakeType::finished,
      HandshakeType::key_update,          HandshakeType::message_hash,         static_cast<HandshakeType>(0),
      static_cast<HandshakeType>(255)};
  for (const Stage& stage : stages) {
    for (const HandshakeType type : types) {
      if (std::find(stage.expected.begin(), stage.expected.end(), type) != stage.expected.end()) continue;
      Attack attack;
      stage.reach(attack);
      attack.client.take_sent();
      const std::string empty = message(type, "");
      attack.client.receive(stage.sealed ? attack.server.seal_handshake(empty) : plain_handshake(empty));
      EXPECT_EQ(attack.client.last(), "Failed unexpected_handshake_message unexpected_message")
          << stage.name << " " << static_cast<int>(type);
    }
  }
}

}  // namespace
}  // namespace limpid::tls::test
