// A client against servers that break the rules: which fault it names, and which alert it sends.
#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

// A client and a scripted server, brought to one point of a handshake.
class Attack {
 public:
  explicit Attack(Config config = client_config()) : client(std::move(config)) {
    client.start();
    server.take_hello(client.take_sent());
  }
  // Sends a good ServerHello.
  void hello() { client.receive(server.say_hello(server.good_hello())); }
  void send(const std::string& message) { client.receive(server.seal_handshake(server.add(message))); }
  void up_to_encrypted_extensions() {
    hello();
    send(server.encrypted_extensions());
  }
  void up_to_certificate() {
    up_to_encrypted_extensions();
    send(server.certificate());
  }
  void up_to_certificate_verify() {
    up_to_certificate();
    send(server.certificate_verify(client.key));
  }
  void connect() {
    hello();
    client.receive(server.rest_of_flight(client.key));
    server.open_handshake(client.take_sent());
    server.take_finished();
    EXPECT_TRUE(client.last().starts_with("HandshakeDone")) << client.last();
  }

  End client;
  ServerScript server;
};

// The client failed so, said so, and is gone.
void expect_fault(Attack& attack, Fault fault) {
  const std::string expected = "Failed " + std::string(name(fault)) + " " + std::string(name(alert_of(fault)));
  EXPECT_EQ(attack.client.last(), expected);
  const std::string alert = attack.server.open(attack.client.take_sent(), ContentType::alert);
  EXPECT_EQ(alert, alert_content(alert_of(fault))) << name(fault);
  EXPECT_TRUE(attack.client.state.ended());
  EXPECT_EQ(attack.client.last_wants, Wants::nothing);
  EXPECT_EQ(attack.client.budget.used(), 0u);
  // Nothing that follows has any effect.
  const std::size_t actions = attack.client.log.size();
  attack.client.receive(plain_handshake("more"));
  attack.client.write("x");
  EXPECT_EQ(attack.client.log.size(), actions);
  EXPECT_EQ(attack.client.sent, "");
}

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
                     [](Hello& h) { extension(h.extensions, ExtensionType::key_share) = number(0x0018, 2); });
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
    attack.send(attack.server.certificate_verify(attack.client.key, 0x0804));
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

TEST(ClientFaults, Records) {
  const auto expect_record_fault = [](Fault fault, const std::function<void(Attack&)>& reach,
                                      const std::function<std::string(Attack&)>& record) {
    Attack attack;
    reach(attack);
    if (!attack.client.state.connected()) attack.client.take_sent();
    attack.client.receive(record(attack));
    expect_fault(attack, fault);
  };
  const auto at_start = [](Attack&) {};
  const auto after_hello = [](Attack& a) { a.hello(); };
  const auto connected = [](Attack& a) { a.connect(); };

  expect_record_fault(Fault::record_content_type_unknown, at_start, [](Attack&) { return "HTTP/1.1 400 Bad Request"; });
  expect_record_fault(Fault::record_content_type_unknown, connected, [](Attack&) { return "HTTP/1.1 400"; });
  expect_record_fault(Fault::record_too_long, at_start,
                      [](Attack&) { return number(22, 1) + number(0x0303, 2) + number((1 << 14) + 1, 2); });
  expect_record_fault(Fault::record_too_long, connected,
                      [](Attack&) { return number(23, 1) + number(0x0303, 2) + number((1 << 14) + 257, 2); });
  expect_record_fault(Fault::inner_plaintext_too_long, connected,
                      [](Attack& a) { return a.server.seal_raw(std::string((1 << 14) + 1, 'x') + "\x17"); });
  expect_record_fault(Fault::inner_plaintext_too_long, connected,
                      [](Attack& a) { return a.server.seal_raw("x\x17" + std::string(1 << 14, '\0')); });
  expect_record_fault(Fault::record_protected_too_early, at_start,
                      [](Attack&) { return plain(ContentType::application_data, std::string(40, 'x')); });
  expect_record_fault(Fault::record_not_protected, after_hello,
                      [](Attack& a) { return plain_handshake(a.server.encrypted_extensions()); });
  expect_record_fault(Fault::record_not_protected, after_hello,
                      [](Attack&) { return plain(ContentType::alert, alert_content(Alert::handshake_failure)); });
  expect_record_fault(Fault::record_not_protected, connected,
                      [](Attack&) { return plain(ContentType::alert, alert_content(Alert::close_notify, 1)); });
  // The header's version (what it says means nothing, but it is sealed), ciphertext, tag.
  for (const std::size_t at : {std::size_t{1}, std::size_t{5}, std::size_t{20}}) {
    expect_record_fault(Fault::bad_record_mac, connected, [at](Attack& a) {
      std::string record = a.server.seal(ContentType::application_data, "authentic");
      record[at] ^= 0x40;
      return record;
    });
  }
  expect_record_fault(Fault::bad_record_mac, connected,
                      [](Attack&) { return plain(ContentType::application_data, ""); });
  expect_record_fault(Fault::bad_record_mac, connected,
                      [](Attack&) { return plain(ContentType::application_data, std::string(16, 'x')); });
  expect_record_fault(Fault::bad_record_mac, connected, [](Attack& a) {
    a.server.seal(ContentType::application_data, "withheld");
    return a.server.seal(ContentType::application_data, "out of turn");
  });
  expect_record_fault(Fault::content_type_missing, connected,
                      [](Attack& a) { return a.server.seal_raw(std::string(10, '\0')); });
  expect_record_fault(Fault::content_type_missing, connected, [](Attack& a) { return a.server.seal_raw(""); });
  expect_record_fault(Fault::record_content_type_unknown, connected,
                      [](Attack& a) { return a.server.seal_raw("x\x18"); });
  expect_record_fault(Fault::empty_handshake_record, at_start, [](Attack&) { return plain_handshake(""); });
  expect_record_fault(Fault::empty_handshake_record, connected,
                      [](Attack& a) { return a.server.seal(ContentType::handshake, "", 9); });
  expect_record_fault(Fault::empty_alert_record, connected,
                      [](Attack& a) { return a.server.seal(ContentType::alert, ""); });
  expect_record_fault(Fault::alert_malformed, connected,
                      [](Attack& a) { return a.server.seal(ContentType::alert, "\x02"); });
  expect_record_fault(Fault::alert_malformed, connected, [](Attack& a) {
    return a.server.seal(ContentType::alert, alert_content(Alert::close_notify) + alert_content(Alert::close_notify));
  });
  expect_record_fault(Fault::unexpected_content_type, after_hello,
                      [](Attack& a) { return a.server.seal(ContentType::application_data, "early"); });

  // change_cipher_spec: the one form, in the one phase.
  expect_record_fault(Fault::change_cipher_spec_invalid, at_start,
                      [](Attack&) { return plain(ContentType::change_cipher_spec, "\x02"); });
  expect_record_fault(Fault::change_cipher_spec_invalid, at_start,
                      [](Attack&) { return plain(ContentType::change_cipher_spec, "\x01\x01"); });
  expect_record_fault(Fault::change_cipher_spec_invalid, at_start,
                      [](Attack&) { return plain(ContentType::change_cipher_spec, ""); });
  expect_record_fault(Fault::change_cipher_spec_invalid, after_hello,
                      [](Attack& a) { return a.server.seal_raw("\x01\x14"); });
  expect_record_fault(Fault::change_cipher_spec_invalid, connected, [](Attack&) { return change_cipher_spec; });
  expect_record_fault(Fault::too_many_change_cipher_specs, after_hello, [](Attack&) {
    std::string many;
    for (int i = 0; i < 5; ++i) many += change_cipher_spec;
    return many;
  });
}

TEST(ClientFaults, FragmentsInterleavedAndAcrossKeyChanges) {
  const std::string ticket = message(HandshakeType::new_session_ticket,
                                     number(7200, 4) + number(1, 4) + vec("n", 1) + vec("ticket", 2) + number(0, 2));
  {
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal_handshake(ticket.substr(0, 3)));
    attack.client.receive(attack.server.seal(ContentType::application_data, "between"));
    expect_fault(attack, Fault::interleaved_handshake_message);
    EXPECT_EQ(attack.client.delivered, "");
  }
  {
    Attack attack;
    attack.hello();
    attack.client.receive(attack.server.seal_handshake(attack.server.encrypted_extensions().substr(0, 5)));
    attack.client.take_sent();
    attack.client.receive(change_cipher_spec);
    expect_fault(attack, Fault::interleaved_handshake_message);
  }
  {
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal_handshake(ticket.substr(0, 3)));
    attack.client.receive(attack.server.seal(ContentType::alert, alert_content(Alert::close_notify, 1)));
    expect_fault(attack, Fault::interleaved_handshake_message);
  }
  {
    // EncryptedExtensions begins in the record of ServerHello, unprotected.
    Attack attack;
    const std::string hello = attack.server.good_hello().message();
    attack.client.receive(plain_handshake(hello + attack.server.encrypted_extensions()));
    expect_fault(attack, Fault::handshake_across_key_change);
  }
  {
    Attack attack;
    const std::string hello = attack.server.good_hello().message();
    attack.client.receive(plain_handshake(hello + "\x08"));
    expect_fault(attack, Fault::handshake_across_key_change);
  }
  {
    Attack attack;
    attack.up_to_certificate_verify();
    const std::string finished = attack.server.add(attack.server.finished());
    attack.client.receive(attack.server.seal_handshake(finished + ticket));
    EXPECT_EQ(attack.client.last(), "Failed handshake_across_key_change unexpected_message");
  }
  {
    Attack attack;
    attack.connect();
    attack.client.receive(
        attack.server.seal_handshake(message(HandshakeType::key_update, number(0, 1)) + ticket.substr(0, 1)));
    expect_fault(attack, Fault::handshake_across_key_change);
  }
}

TEST(ClientFaults, KeyUpdate) {
  {
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal_handshake(message(HandshakeType::key_update, number(2, 1))));
    expect_fault(attack, Fault::key_update_request_unknown);
  }
  {
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal_handshake(message(HandshakeType::key_update, "")));
    expect_fault(attack, Fault::message_truncated);
  }
  {
    // The old keys after an update.
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal_handshake(message(HandshakeType::key_update, number(0, 1))));
    attack.client.receive(attack.server.seal(ContentType::application_data, "old keys"));
    expect_fault(attack, Fault::bad_record_mac);
  }
}

TEST(ClientFaults, Limits) {
  const std::string ticket = message(HandshakeType::new_session_ticket,
                                     number(7200, 4) + number(1, 4) + vec("n", 1) + vec("ticket", 2) + number(0, 2));
  const auto expect_limit = [](Fault fault, int allowed, const std::function<std::string(Attack&)>& one) {
    for (const bool interrupted : {false, true}) {
      Attack attack;
      attack.connect();
      for (int i = 0; i < allowed; ++i) attack.client.receive(one(attack));
      EXPECT_FALSE(attack.client.state.ended()) << name(fault);
      if (interrupted) {
        // Data that is not empty starts the count anew.
        attack.client.receive(attack.server.seal(ContentType::application_data, "data"));
        for (int i = 0; i < allowed; ++i) attack.client.receive(one(attack));
        EXPECT_FALSE(attack.client.state.ended()) << name(fault);
      }
      attack.client.receive(one(attack));
      expect_fault(attack, fault);
    }
  };
  expect_limit(Fault::too_many_empty_records, 32,
               [](Attack& a) { return a.server.seal(ContentType::application_data, "", 3); });
  expect_limit(Fault::too_many_session_tickets, 32, [&](Attack& a) { return a.server.seal_handshake(ticket); });
  expect_limit(Fault::too_many_warnings, 4,
               [](Attack& a) { return a.server.seal(ContentType::alert, alert_content(Alert::user_canceled, 1)); });
  expect_limit(Fault::too_many_key_updates, 32, [](Attack& a) {
    const std::string update = a.server.seal_handshake(message(HandshakeType::key_update, number(1, 1)));
    a.server.write.update({});
    return update;
  });
  {
    // Of a message that nobody waits for, the header is enough.
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal_handshake(number(11, 1) + number(100000, 3)));
    expect_fault(attack, Fault::unexpected_handshake_message);
  }
  {
    // All in one record: some are whole, slots run out, nothing is lost.
    Attack attack;
    attack.connect();
    attack.client.room_actions = Connection::least_room.actions;
    std::string many;
    for (int i = 0; i < 33; ++i) many += ticket;
    attack.client.receive(attack.server.seal_handshake(many));
    EXPECT_EQ(std::count(attack.client.log.begin(), attack.client.log.end(), "Noted session_ticket_ignored"), 32);
    expect_fault(attack, Fault::too_many_session_tickets);
  }
}

TEST(ClientFaults, AlertsOfThePeerAreNamed) {
  const auto expect_alert = [](Alert alert, const std::function<void(Attack&)>& reach, int level) {
    Attack attack;
    reach(attack);
    attack.client.take_sent();
    const std::string content = alert_content(alert, level);
    attack.client.receive(attack.client.state.connected() ? attack.server.seal(ContentType::alert, content)
                                                          : plain(ContentType::alert, content));
    EXPECT_EQ(attack.client.last(), "Failed alert_received " + std::string(name(alert)));
    EXPECT_EQ(attack.client.sent, "") << "an alert is not answered";
    EXPECT_TRUE(attack.client.state.ended());
  };
  for (const int level : {1, 2}) {
    expect_alert(Alert::handshake_failure, [](Attack&) {}, level);
    expect_alert(Alert::protocol_version, [](Attack&) {}, level);
    expect_alert(Alert::close_notify, [](Attack&) {}, level);
    expect_alert(Alert::unknown_ca, [](Attack& a) { a.connect(); }, level);
    expect_alert(static_cast<Alert>(250), [](Attack& a) { a.connect(); }, level);
  }
  Attack attack;
  attack.client.receive(plain(ContentType::alert, alert_content(Alert::user_canceled, 1)));
  EXPECT_EQ(attack.client.last(), "Noted warning_ignored");
  attack.client.receive(plain(ContentType::alert, alert_content(Alert::close_notify, 1)));
  EXPECT_EQ(attack.client.last(), "Failed alert_received close_notify");
}

TEST(ClientFaults, TheStreamsEnd) {
  const std::function<void(Attack&)> stages[] = {
      [](Attack&) {},
      [](Attack& a) { a.hello(); },
      [](Attack& a) { a.up_to_encrypted_extensions(); },
      [](Attack& a) { a.up_to_certificate(); },
      [](Attack& a) { a.up_to_certificate_verify(); },
      [](Attack& a) { a.client.receive(a.server.say_hello(a.server.good_hello()).substr(0, 20)); }};
  for (const auto& reach : stages) {
    Attack attack;
    reach(attack);
    attack.client.take_sent();
    attack.client.finish();
    EXPECT_EQ(attack.client.last(), "Failed handshake_truncated close_notify");
    EXPECT_EQ(attack.client.sent, "");
  }
  {
    Attack attack;
    attack.connect();
    attack.client.receive(attack.server.seal(ContentType::application_data, "all of this").substr(0, 20));
    attack.client.finish();
    EXPECT_EQ(attack.client.last(), "Truncated");
    EXPECT_EQ(attack.client.delivered, "");
    // This side may go on.
    attack.client.write("still here");
    EXPECT_EQ(attack.server.open(attack.client.take_sent(), ContentType::application_data), "still here");
    attack.client.event(Close{});
    EXPECT_EQ(attack.client.last_wants, Wants::nothing);
  }
  {
    Attack attack;
    attack.connect();
    std::string stream = attack.server.seal(ContentType::application_data, "last words");
    stream += attack.server.seal(ContentType::alert, alert_content(Alert::close_notify, 1));
    attack.client.receive(stream + "anything behind it is ignored");
    EXPECT_EQ(attack.client.delivered, "last words");
    EXPECT_EQ(attack.client.last(), "PeerClosed");
    attack.client.finish();
    EXPECT_EQ(attack.client.last(), "PeerClosed");
    EXPECT_EQ(attack.client.inbox, "");
  }
}

TEST(ClientFaults, WhatCameBeforeAFaultIsDeliveredFirst) {
  Attack attack;
  attack.connect();
  std::string bad = attack.server.seal(ContentType::application_data, "good ");
  bad += attack.server.seal(ContentType::application_data, "data");
  std::string last = attack.server.seal(ContentType::application_data, "forged");
  last.back() ^= 1;
  attack.client.receive(bad + last);
  EXPECT_EQ(attack.client.delivered, "good data");
  expect_fault(attack, Fault::bad_record_mac);
}

TEST(ClientFaults, AFailureWaitsForRoomToBeTold) {
  Attack attack;
  attack.connect();
  attack.client.room_bytes = 8;
  attack.client.receive("not a record at all");
  EXPECT_EQ(attack.client.last_wants, Wants::room);
  EXPECT_TRUE(attack.client.last().starts_with("HandshakeDone"));
  attack.client.save_and_load();
  attack.client.room_bytes = Connection::least_room.bytes;
  attack.client.event(Tick{});
  expect_fault(attack, Fault::record_content_type_unknown);
}

TEST(ClientFaults, ACertificateRequestIsAnsweredWithNone) {
  Attack attack;
  attack.up_to_encrypted_extensions();
  attack.send(message(HandshakeType::certificate_request, vec("", 1) + extensions({{13, vec(number(0x0403, 2), 2)}})));
  attack.send(attack.server.certificate());
  attack.send(attack.server.certificate_verify(attack.client.key));
  const std::string transcript = attack.server.transcript;
  attack.send(attack.server.finished());
  EXPECT_EQ(attack.client.log[0], "Noted client_certificate_requested");
  EXPECT_TRUE(attack.client.last().starts_with("HandshakeDone"));
  const std::string flight = attack.server.open_handshake(attack.client.take_sent());
  const std::string none = message(HandshakeType::certificate, vec("", 1) + vec("", 3));
  ASSERT_TRUE(flight.starts_with(none));
  attack.server.add(none);
  EXPECT_EQ(flight.substr(none.size()), attack.server.Script::finished(attack.server.client_secret));

  Attack with_context;
  with_context.up_to_encrypted_extensions();
  with_context.send(
      message(HandshakeType::certificate_request, vec("c", 1) + extensions({{13, vec(number(0x0403, 2), 2)}})));
  expect_fault(with_context, Fault::certificate_request_context_not_empty);
}

// Every handshake message split at every place over records, and all of them coalesced.
TEST(ClientFraming, MessagesSplitAndCoalescedEveryWay) {
  for (std::size_t piece = 1; piece < 700; piece = piece * 3 + 1) {
    Attack attack;
    const std::string hello = attack.server.add(attack.server.good_hello().message());
    const auto shared = attack.server.key.agree(as_bytes(attack.server.client_share), {});
    for (std::size_t at = 0; at < hello.size(); at += piece) {
      attack.client.receive(plain_handshake(hello.substr(at, piece)));
    }
    attack.server.derive_handshake(shared->bytes(), true);
    std::string flight = attack.server.add(attack.server.encrypted_extensions());
    flight += attack.server.add(attack.server.certificate());
    flight += attack.server.add(attack.server.certificate_verify(attack.client.key));
    flight += attack.server.add(attack.server.finished());
    for (std::size_t at = 0; at < flight.size(); at += piece) {
      attack.client.receive(attack.server.seal_handshake(flight.substr(at, piece)));
    }
    EXPECT_TRUE(attack.client.last().starts_with("HandshakeDone")) << piece << attack.client.last();
  }
  // A record that ends inside the message behind a question that stays open.
  Attack attack;
  attack.client.auto_answer = false;
  attack.hello();
  std::string flight = attack.server.add(attack.server.encrypted_extensions());
  flight += attack.server.add(attack.server.certificate());
  flight += attack.server.add(attack.server.certificate_verify(attack.client.key));
  flight += attack.server.add(attack.server.finished());
  attack.client.receive(attack.server.seal_handshake(flight.substr(0, flight.size() - 50)));
  attack.client.receive(attack.server.seal_handshake(flight.substr(flight.size() - 50)));
  EXPECT_EQ(attack.client.last(), "Ask VerifyPeer 1");
  EXPECT_FALSE(attack.client.inbox.empty()) << "nothing is read while a question is open";
  attack.client.save_and_load();
  attack.client.auto_answer = true;
  attack.client.receive("");
  EXPECT_TRUE(attack.client.last().starts_with("HandshakeDone")) << attack.client.last();
}

}  // namespace
}  // namespace limpid::tls::test
