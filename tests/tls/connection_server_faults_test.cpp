// A server against clients that break the rules: which fault it names, and which alert it sends.
#include "tests/tls/script.hpp"

namespace limpid::tls::test {
namespace {

using Hello = ClientScript::Hello;

constexpr NamedGroup only_p256[] = {NamedGroup::secp256r1};

class Attack {
 public:
  explicit Attack(Config config = server_config()) : server(std::move(config)) { server.start(); }
  void hello() { server.receive(client.say_hello(client.good_hello())); }
  void take_flight() { client.take_flight(server.take_sent()); }
  void connect() {
    hello();
    take_flight();
    server.receive(client.seal_handshake(client.finished()));
    client.change_to_application_keys();
    EXPECT_TRUE(server.last().starts_with("HandshakeDone")) << server.last();
  }
  // Up to the answer to a HelloRetryRequest; the first hello stays for the second.
  void retry() {
    first = client.good_hello();
    server.receive(client.say_hello(first));
    client.take_retry(server.take_sent());
  }

  End server;
  ClientScript client;
  Hello first;
};

void expect_fault(Attack& attack, Fault fault, bool by_alert = true) {
  const std::string expected = "Failed " + std::string(name(fault)) + " " + std::string(name(alert_of(fault)));
  EXPECT_EQ(attack.server.last(), expected);
  if (by_alert) {
    const std::string alert = attack.client.open(attack.server.take_sent(), ContentType::alert);
    EXPECT_EQ(alert, alert_content(alert_of(fault))) << name(fault);
  }
  EXPECT_TRUE(attack.server.state.ended());
  EXPECT_EQ(attack.server.last_wants, Wants::nothing);
  EXPECT_EQ(attack.server.budget.used(), 0u);
}

void expect_hello_fault(Fault fault, const std::function<void(Hello&)>& spoil) {
  Attack attack;
  Hello hello = attack.client.good_hello();
  spoil(hello);
  attack.server.receive(plain_handshake(hello.message()));
  expect_fault(attack, fault);
  EXPECT_EQ(attack.server.log.size(), 1u) << "nothing was asked";
}

TEST(ServerFaults, ClientHello) {
  expect_hello_fault(Fault::tls13_not_offered,
                     [](Hello& h) { remove(h.extensions, ExtensionType::supported_versions); });
  expect_hello_fault(Fault::tls13_not_offered, [](Hello& h) { h.extensions.clear(); });
  expect_hello_fault(Fault::tls13_not_offered, [](Hello& h) {
    extension(h.extensions, ExtensionType::supported_versions) = vec(number(0x0303, 2), 1);
  });
  expect_hello_fault(Fault::ssl30_hello, [](Hello& h) { h.version = 0x0300; });
  expect_hello_fault(Fault::compression_offered, [](Hello& h) { h.compression = std::string("\0\1", 2); });
  expect_hello_fault(Fault::compression_offered, [](Hello& h) { h.compression = "\1"; });
  expect_hello_fault(Fault::no_common_cipher_suite, [](Hello& h) { h.suites = "\x13\x04\x0a\x0a\xc0\x2b"; });
  expect_hello_fault(Fault::no_common_group, [](Hello& h) {
    extension(h.extensions, ExtensionType::supported_groups) = vec(number(0x0019, 2), 2);
    extension(h.extensions, ExtensionType::key_share) = vec("", 2);
  });
  expect_hello_fault(Fault::no_common_signature_scheme, [](Hello& h) {
    extension(h.extensions, ExtensionType::signature_algorithms) = vec(number(0x0906, 2) + number(0x0a0a, 2), 2);
  });
  expect_hello_fault(Fault::missing_signature_algorithms,
                     [](Hello& h) { remove(h.extensions, ExtensionType::signature_algorithms); });
  expect_hello_fault(Fault::missing_supported_groups,
                     [](Hello& h) { remove(h.extensions, ExtensionType::supported_groups); });
  expect_hello_fault(Fault::missing_key_share, [](Hello& h) { remove(h.extensions, ExtensionType::key_share); });
  expect_hello_fault(Fault::duplicate_extension, [](Hello& h) { h.extensions.push_back(h.extensions[0]); });
  expect_hello_fault(Fault::extension_not_permitted,
                     [](Hello& h) { extension(h.extensions, ExtensionType::oid_filters) = vec("", 2); });
  expect_hello_fault(Fault::duplicate_key_share, [](Hello& h) {
    std::string& shares = extension(h.extensions, ExtensionType::key_share);
    shares = vec(shares.substr(2) + shares.substr(2), 2);
  });
  expect_hello_fault(Fault::key_share_without_group, [](Hello& h) {
    extension(h.extensions, ExtensionType::supported_groups) = vec(number(0x0017, 2), 2);
  });
  expect_hello_fault(Fault::server_name_not_one_host_name, [](Hello& h) {
    extension(h.extensions, ExtensionType::server_name) =
        vec(number(0, 1) + vec("a.example", 2) + number(0, 1) + vec("b.example", 2), 2);
  });
  expect_hello_fault(Fault::server_name_malformed, [](Hello& h) {
    extension(h.extensions, ExtensionType::server_name) = vec(number(0, 1) + vec("a example", 2), 2);
  });
  expect_hello_fault(Fault::too_many_extensions, [](Hello& h) {
    for (std::size_t i = 0; i < 70; ++i) h.extensions.emplace_back(0x5000 + i, "");
  });
  expect_hello_fault(Fault::key_share_invalid, [](Hello& h) {
    extension(h.extensions, ExtensionType::key_share) = vec(number(0x001d, 2) + vec(std::string(31, 'x'), 2), 2);
  });
  expect_hello_fault(Fault::key_share_invalid, [](Hello& h) {
    std::string share = extension(h.extensions, ExtensionType::key_share).substr(6) + "x";
    extension(h.extensions, ExtensionType::key_share) = vec(number(0x001d, 2) + vec(share, 2), 2);
  });

  // Pre-shared keys of other servers: well-formed or not.
  const std::string identity = vec(vec("ticket", 2) + number(0, 4), 2), binder = vec(vec(std::string(32, 'b'), 1), 2);
  expect_hello_fault(Fault::missing_psk_key_exchange_modes, [&](Hello& h) {
    h.extensions.emplace_back(code(ExtensionType::pre_shared_key), identity + binder);
  });
  expect_hello_fault(Fault::pre_shared_key_not_last, [&](Hello& h) {
    h.extensions.emplace_back(code(ExtensionType::psk_key_exchange_modes), vec("\x01", 1));
    h.extensions.emplace_back(code(ExtensionType::pre_shared_key), identity + binder);
    h.extensions.emplace_back(0x7777, "");
  });
  expect_hello_fault(Fault::binder_count_mismatch, [&](Hello& h) {
    h.extensions.emplace_back(code(ExtensionType::psk_key_exchange_modes), vec("\x01", 1));
    h.extensions.emplace_back(code(ExtensionType::pre_shared_key),
                              identity + vec(vec(std::string(32, 'b'), 1) + vec(std::string(32, 'b'), 1), 2));
  });
  for (const ExtensionType left_out : {ExtensionType::signature_algorithms, ExtensionType::key_share}) {
    // With a pre-shared key these may be missing; without any that is known they may not.
    Attack attack;
    Hello hello = attack.client.good_hello();
    remove(hello.extensions, left_out);
    if (left_out == ExtensionType::key_share) remove(hello.extensions, ExtensionType::supported_groups);
    hello.extensions.emplace_back(code(ExtensionType::psk_key_exchange_modes), vec("\x01", 1));
    hello.extensions.emplace_back(code(ExtensionType::pre_shared_key), identity + binder);
    attack.server.receive(plain_handshake(hello.message()));
    EXPECT_TRUE(attack.server.last().ends_with("missing_extension")) << attack.server.last();
  }
}

TEST(ServerFaults, SharesThatAreNoKeys) {
  // Of the right size, found out when a key is agreed on.
  const auto expect_invalid = [](NamedGroup group, const std::string& share) {
    Attack attack;
    Hello hello = attack.client.good_hello(group);
    extension(hello.extensions, ExtensionType::key_share) =
        vec(number(static_cast<std::size_t>(group), 2) + vec(share, 2), 2);
    attack.server.receive(plain_handshake(hello.message()));
    expect_fault(attack, Fault::key_share_invalid);
  };
  expect_invalid(NamedGroup::x25519, std::string(32, '\0'));
  expect_invalid(NamedGroup::secp256r1, "\x04" + std::string(64, '\1'));
  expect_invalid(NamedGroup::secp256r1, std::string(65, '\0'));
}

TEST(ServerFaults, UnknownPreSharedKeysAreIgnored) {
  Attack attack;
  Hello hello = attack.client.good_hello();
  hello.extensions.emplace_back(code(ExtensionType::psk_key_exchange_modes), vec("\x01", 1));
  hello.extensions.emplace_back(code(ExtensionType::pre_shared_key), vec(vec("another server's", 2) + number(5, 4), 2) +
                                                                         vec(vec(std::string(32, 'b'), 1), 2));
  attack.server.receive(attack.client.say_hello(hello));
  attack.take_flight();
  attack.server.receive(attack.client.seal_handshake(attack.client.finished()));
  EXPECT_TRUE(attack.server.last().starts_with("HandshakeDone")) << attack.server.last();
}

TEST(ServerFaults, MalformedHellos) {
  const std::string good = ClientScript().good_hello().message();
  for (std::size_t size = 0; size + 4 < good.size(); ++size) {
    Attack attack;
    attack.server.receive(plain_handshake(message(HandshakeType::client_hello, good.substr(4, size))));
    EXPECT_TRUE(attack.server.last().starts_with("Failed ")) << size;
  }
  Attack longer;
  longer.server.receive(plain_handshake(message(HandshakeType::client_hello, good.substr(4) + "x")));
  expect_fault(longer, Fault::trailing_bytes);
  Attack huge;
  huge.server.receive(plain_handshake(number(1, 1) + number(0xffffff, 3)));
  expect_fault(huge, Fault::message_too_long);
  EXPECT_LT(huge.server.budget.peak(), 8192u) << "a promise of length claims no memory";
}

TEST(ServerFaults, NotTls) {
  Attack http;
  http.server.receive("GET / HTTP/1.1\r\n");
  expect_fault(http, Fault::record_content_type_unknown);
  Attack ssl2;
  ssl2.server.receive(std::string("\x80\x2e\x01\x00\x02", 5));
  expect_fault(ssl2, Fault::record_content_type_unknown);
}

TEST(ServerFaults, NothingFollowsAClientHelloThatIsAnsweredWithARetry) {
  End server(server_config({.groups = only_p256}));
  ClientScript client;
  server.start();
  const std::string hello = client.good_hello().message();
  server.receive(plain_handshake(hello + hello.substr(0, 1)));
  EXPECT_EQ(server.last(), "Failed unexpected_handshake_message unexpected_message");
}

TEST(ServerFaults, SecondClientHello) {
  const auto expect_second_fault = [](Fault fault, const std::function<void(Hello&)>& spoil) {
    Attack attack(server_config({.groups = only_p256}));
    attack.retry();
    Hello second = attack.client.after_retry(attack.first);
    spoil(second);
    attack.server.receive(plain_handshake(second.message()));
    expect_fault(attack, fault);
  };
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) { h.random[3] ^= 1; });
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) { h.session_id[3] ^= 1; });
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) { h.suites = h.suites.substr(0, 4); });
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) { h.version = 0x0302; });
  expect_second_fault(Fault::second_client_hello_changed,
                      [](Hello& h) { remove(h.extensions, ExtensionType::server_name); });
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) { h.extensions.emplace_back(0x7777, ""); });
  expect_second_fault(Fault::second_client_hello_changed,
                      [](Hello& h) { std::swap(h.extensions[0], h.extensions[1]); });
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) {  // another type around the same bytes
    for (auto& [type, data] : h.extensions) {
      if (type == static_cast<std::uint16_t>(ExtensionType::server_name)) type = 0x7777;
    }
  });
  expect_second_fault(Fault::second_client_hello_changed, [](Hello& h) {
    extension(h.extensions, ExtensionType::supported_groups) = vec(number(0x0017, 2), 2);
  });
  expect_second_fault(Fault::missing_cookie, [](Hello& h) { remove(h.extensions, ExtensionType::cookie); });
  expect_second_fault(Fault::cookie_invalid,
                      [](Hello& h) { extension(h.extensions, ExtensionType::cookie).back() ^= 1; });
  expect_second_fault(Fault::cookie_invalid,
                      [](Hello& h) { extension(h.extensions, ExtensionType::cookie) = vec("x", 2); });
  expect_second_fault(Fault::second_key_share_wrong,
                      [](Hello& h) { extension(h.extensions, ExtensionType::key_share) = vec("", 2); });
  expect_second_fault(Fault::second_key_share_wrong, [](Hello& h) {
    std::string& shares = extension(h.extensions, ExtensionType::key_share);
    shares = vec(shares.substr(2) + number(0x001d, 2) + vec(std::string(32, 'x'), 2), 2);
  });
  expect_second_fault(Fault::early_data_in_second_client_hello,
                      [](Hello& h) { extension(h.extensions, ExtensionType::early_data) = ""; });

  // What may change.
  Attack attack(server_config({.groups = only_p256}));
  attack.retry();
  Hello second = attack.client.after_retry(attack.first);
  extension(second.extensions, ExtensionType::padding) = std::string(100, '\0');
  attack.server.receive(attack.client.say_hello(second));
  attack.take_flight();
  attack.server.receive(attack.client.seal_handshake(attack.client.finished()));
  EXPECT_TRUE(attack.server.last().starts_with("HandshakeDone")) << attack.server.last();
}

TEST(ServerFaults, Answers) {
  for (const Fault fault : {Fault::unknown_server_name, Fault::no_certificate, Fault::no_common_signature_scheme}) {
    Attack attack;
    attack.server.answerer = [&](const Query&) { return Declined{fault}; };
    attack.hello();
    expect_fault(attack, fault);
  }
  for (const bool declined : {true, false}) {
    Attack attack;
    attack.server.answerer = [&](const Query& query) -> std::optional<Answer> {
      if (!std::holds_alternative<Sign>(query)) return attack.server.default_answer(query);
      if (declined) return Declined{Fault::signing_failed};
      return Signed{};
    };
    attack.hello();
    expect_fault(attack, Fault::signing_failed);
  }
}

TEST(ServerFaults, RepliesThatDoNotFit) {
  Attack attack;
  attack.server.auto_answer = false;
  attack.server.event(Reply{{0}, Declined{}});
  EXPECT_EQ(attack.server.last(), "Noted stale_reply");
  attack.hello();
  EXPECT_EQ(attack.server.last(), "Ask SelectCertificate 1");
  const std::string before = attack.server.saved();
  const auto send = [&](std::uint32_t id, Answer answer, std::string_view expected) {
    attack.server.event(Reply{{id}, answer});
    EXPECT_EQ(attack.server.last(), expected);
    EXPECT_EQ(attack.server.saved(), before);
  };
  const std::string chain = chain_text(), huge(200000, 'x');
  const auto ecdsa = SignatureScheme::ecdsa_secp256r1_sha256;
  send(0, Signed{as_bytes("x")}, "Noted stale_reply");
  send(2, Signed{as_bytes("x")}, "Noted stale_reply");
  send(1, Signed{as_bytes("x")}, "Refused answer_unfit");
  send(1, PeerAccepted{}, "Refused answer_unfit");
  send(1, CertificateSelected{{}, ecdsa, 0}, "Refused answer_unfit");
  send(1, CertificateSelected{as_bytes(huge), ecdsa, 0}, "Refused answer_unfit");
  send(1, CertificateSelected{as_bytes(chain), static_cast<SignatureScheme>(0x0804), 0}, "Refused answer_unfit");
  attack.server.auto_answer = true;
  attack.server.event(Tick{});
  EXPECT_EQ(attack.server.last(), "Ask Sign 2");
  attack.server.event(Reply{{2}, Signed{as_bytes("again")}});
  EXPECT_EQ(attack.server.last(), "Noted stale_reply");
  attack.take_flight();
  attack.server.receive(attack.client.seal_handshake(attack.client.finished()));
  EXPECT_TRUE(attack.server.last().starts_with("HandshakeDone"));
}

TEST(ServerFaults, EveryStateRefusesEveryOtherMessage) {
  struct Stage {
    const char* name;
    void (*reach)(Attack&);
    std::optional<HandshakeType> expected;
    bool sealed;
  };
  const Stage stages[] = {
      {"AwaitClientHello", [](Attack&) {}, HandshakeType::client_hello, false},
      {"AwaitSecondClientHello", [](Attack& a) { a.retry(); }, HandshakeType::client_hello, false},
      {"AwaitFinished",
       [](Attack& a) {
         a.hello();
         a.take_flight();
       },
       HandshakeType::finished, true},
      {"Connected", [](Attack& a) { a.connect(); }, HandshakeType::key_update, true},
  };
  for (const Stage& stage : stages) {
    for (int type = 0; type < 256; ++type) {
      const auto handshake_type = static_cast<HandshakeType>(type);
      if (handshake_type == stage.expected) continue;
      if (type > 30 && type < 250) continue;
      const bool retried = std::string_view(stage.name) == "AwaitSecondClientHello";
      Attack attack(server_config(retried ? Config::Options{.groups = only_p256} : Config::Options{}));
      stage.reach(attack);
      const std::string empty = message(handshake_type, "");
      attack.server.receive(stage.sealed ? attack.client.seal_handshake(empty) : plain_handshake(empty));
      EXPECT_EQ(attack.server.last(), "Failed unexpected_handshake_message unexpected_message")
          << stage.name << " " << type;
    }
  }
}

TEST(ServerFaults, Finished) {
  {
    Attack attack;
    attack.hello();
    attack.take_flight();
    std::string finished = attack.client.finished();
    finished.back() ^= 1;
    attack.server.receive(attack.client.seal_handshake(finished));
    expect_fault(attack, Fault::finished_invalid);
  }
  {
    // The server's own, reflected.
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(attack.client.seal_handshake(attack.client.Script::finished(attack.client.server_secret)));
    expect_fault(attack, Fault::finished_invalid);
  }
  {
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(attack.client.seal_handshake(message(HandshakeType::finished, std::string(33, 'f'))));
    expect_fault(attack, Fault::finished_wrong_length);
  }
  {
    // Data before Finished, though sealed with the right keys.
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(attack.client.seal(ContentType::application_data, "GET /"));
    expect_fault(attack, Fault::unexpected_content_type);
    EXPECT_EQ(attack.server.delivered, "");
  }
  {
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(attack.client.seal_handshake(attack.client.finished() + "\x18"));
    expect_fault(attack, Fault::handshake_across_key_change);
  }
}

TEST(ServerFaults, HelloAndMoreInOneRecord) {
  // What follows would be read unprotected, though keys change behind the hello: refused when they do.
  Attack attack;
  const std::string hello = attack.client.good_hello().message();
  attack.server.receive(plain_handshake(hello + hello));
  expect_fault(attack, Fault::handshake_across_key_change);
}

TEST(ServerFaults, Records) {
  {
    Attack attack;
    attack.server.receive(change_cipher_spec);
    expect_fault(attack, Fault::change_cipher_spec_invalid);
  }
  {
    Attack attack;
    attack.server.receive(plain(ContentType::application_data, std::string(40, 'x')));
    expect_fault(attack, Fault::record_protected_too_early);
  }
  {
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(plain_handshake(attack.client.finished()));
    expect_fault(attack, Fault::record_not_protected);
  }
  {
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(change_cipher_spec);
    attack.server.receive(attack.client.seal_handshake(attack.client.finished()));
    EXPECT_TRUE(attack.server.last().starts_with("HandshakeDone"));
    attack.client.change_to_application_keys();
    attack.server.receive(change_cipher_spec);
    expect_fault(attack, Fault::change_cipher_spec_invalid);
  }
  {
    Attack attack;
    attack.hello();
    attack.take_flight();
    attack.server.receive(plain(ContentType::application_data, std::string(40, 'x')));
    expect_fault(attack, Fault::bad_record_mac);
  }
  {
    // A hello in two fragments with a change_cipher_spec between.
    Attack attack(server_config({.groups = only_p256}));
    attack.retry();
    const std::string second = attack.client.after_retry(attack.first).message();
    attack.server.receive(plain_handshake(second.substr(0, 50)));
    attack.server.receive(change_cipher_spec);
    expect_fault(attack, Fault::interleaved_handshake_message);
  }
  {
    Attack attack;
    attack.server.receive(plain_handshake(attack.client.good_hello().message().substr(0, 50)));
    attack.server.receive(plain(ContentType::alert, alert_content(Alert::close_notify)));
    expect_fault(attack, Fault::interleaved_handshake_message);
  }
  {
    Attack attack;
    attack.connect();
    attack.server.receive(attack.client.seal(ContentType::application_data, ""));
    EXPECT_FALSE(attack.server.state.ended());
    attack.server.receive(attack.client.seal_raw("x\x17").replace(7, 1, "?"));
    expect_fault(attack, Fault::bad_record_mac);
  }
}

TEST(ServerFaults, AClientsAlertIsBelievedUnprotectedUntilItHasProtected) {
  Attack attack;
  attack.hello();
  attack.take_flight();
  attack.server.receive(plain(ContentType::alert, alert_content(Alert::illegal_parameter)));
  EXPECT_EQ(attack.server.last(), "Failed alert_received illegal_parameter");
  EXPECT_EQ(attack.server.sent, "");

  Attack later;
  later.hello();
  later.take_flight();
  later.server.receive(later.client.seal_handshake(later.client.finished().substr(0, 3)));
  later.server.receive(plain(ContentType::alert, alert_content(Alert::illegal_parameter)));
  expect_fault(later, Fault::record_not_protected);
}

// Early data that was not accepted.
class EarlyData : public Attack {
 public:
  explicit EarlyData(Config config = server_config()) : Attack(std::move(config)) {
    first = client.good_hello();
    extension(first.extensions, ExtensionType::early_data) = "";
    server.receive(client.say_hello(first));
  }
  static std::string record(std::size_t size) { return plain(ContentType::application_data, std::string(size, 'e')); }
};

TEST(EarlyDataSkipped, UpToTheLimitThenTheHandshakeGoesOn) {
  EarlyData attack;
  attack.take_flight();
  attack.server.receive(change_cipher_spec);
  attack.server.receive(EarlyData::record(16000));
  attack.server.receive(EarlyData::record(384));
  EXPECT_EQ(attack.server.last(), "Noted early_data_skipped");
  attack.server.save_and_load();
  attack.server.receive(attack.client.seal_handshake(attack.client.finished()));
  EXPECT_TRUE(attack.server.last().starts_with("HandshakeDone")) << attack.server.last();
  // From the first record that opens on, none is skipped.
  attack.server.receive(EarlyData::record(100));
  attack.client.change_to_application_keys();
  expect_fault(attack, Fault::bad_record_mac);
}

TEST(EarlyDataSkipped, NotBeyondTheLimit) {
  EarlyData attack;
  attack.take_flight();
  attack.server.receive(EarlyData::record(16000));
  attack.server.receive(EarlyData::record(385));
  expect_fault(attack, Fault::too_much_early_data);
}

TEST(EarlyDataSkipped, NotUnannounced) {
  Attack attack;
  attack.hello();
  attack.take_flight();
  attack.server.receive(EarlyData::record(100));
  expect_fault(attack, Fault::bad_record_mac);
}

TEST(EarlyDataSkipped, AfterARetryToo) {
  EarlyData attack(server_config({.groups = only_p256}));
  attack.client.take_retry(attack.server.take_sent());
  attack.server.receive(EarlyData::record(16384));
  attack.server.receive(change_cipher_spec);
  remove(attack.first.extensions, ExtensionType::early_data);
  attack.server.receive(attack.client.say_hello(attack.client.after_retry(attack.first)));
  attack.take_flight();
  // The second hello ended it.
  attack.server.receive(EarlyData::record(1));
  expect_fault(attack, Fault::bad_record_mac);

  EarlyData more(server_config({.groups = only_p256}));
  more.client.take_retry(more.server.take_sent());
  more.server.receive(EarlyData::record(16384));
  more.server.receive(EarlyData::record(1));
  expect_fault(more, Fault::too_much_early_data);

  EarlyData good(server_config({.groups = only_p256}));
  good.client.take_retry(good.server.take_sent());
  good.server.receive(EarlyData::record(500));
  remove(good.first.extensions, ExtensionType::early_data);
  good.server.receive(good.client.say_hello(good.client.after_retry(good.first)));
  good.take_flight();
  good.server.receive(good.client.seal_handshake(good.client.finished()));
  EXPECT_TRUE(good.server.last().starts_with("HandshakeDone")) << good.server.last();
}

TEST(ServerFaults, TheStreamsEndAndClosing) {
  const std::function<void(Attack&)> stages[] = {[](Attack&) {}, [](Attack& a) { a.hello(); },
                                                 [](Attack& a) { a.server.receive("\x16\x03"); }};
  for (const auto& reach : stages) {
    Attack attack;
    reach(attack);
    attack.server.take_sent();
    attack.server.finish();
    EXPECT_EQ(attack.server.last(), "Failed handshake_truncated close_notify");
    EXPECT_EQ(attack.server.sent, "");
  }
  // The end of the stream waits behind an open question.
  Attack attack;
  attack.server.auto_answer = false;
  attack.hello();
  attack.server.finish();
  EXPECT_FALSE(attack.server.fin_taken);
  EXPECT_EQ(attack.server.last_wants, Wants::reply);
  attack.server.auto_answer = true;
  attack.server.receive("");
  EXPECT_EQ(attack.server.last(), "Failed handshake_truncated close_notify");
}

TEST(ServerFaults, AFaultIsToldUnderTheKeysOfItsTime) {
  // Before the flight goes out: in the clear. While the client has yet to finish: under the last keys that the server
  // announced.
  Attack early;
  early.server.answerer = [&](const Query& query) -> std::optional<Answer> {
    if (std::holds_alternative<Sign>(query)) return Declined{Fault::signing_failed};
    return early.server.default_answer(query);
  };
  early.hello();
  EXPECT_EQ(early.server.sent, plain(ContentType::alert, alert_content(Alert::internal_error)));
}

}  // namespace
}  // namespace limpid::tls::test
