// A client against servers that spoil records, fragments, limits and ends.
#include "tests/tls/client_attack.hpp"

namespace limpid::tls::test {
namespace {

using Attack = ClientAttack;

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
