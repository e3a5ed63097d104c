// Receiving: records, and the messages inside.
#include "limpid/tls/connection/stepper.hpp"

namespace limpid::tls {

using record::ContentType;
using record::Record;

void Connection::Stepper::read_record(const Record& record) {
  if (record.type == ContentType::change_cipher_spec) return read_change_cipher_spec(record);
  if (record.type == ContentType::application_data) return read_protected(record);
  if (!may_be_unprotected(record)) return fail(Fault::record_not_protected, static_cast<std::uint32_t>(record.type));
  if (const auto checked = record::check_content(record.type, record.fragment()); !checked) {
    return fail(checked.error());
  }
  read_content(record.type, record.fragment());
}

// A client that cannot go on behind our ServerHello may not have keys yet to say so with: its alert is believed
// unprotected, as long as it has sent nothing protected.
bool Connection::Stepper::may_be_unprotected(const Record& record) const {
  if (state_.read_level_ == Level::initial) return true;
  return record.type == ContentType::alert && state_.role_ == Role::server && state_.read_level_ == Level::handshake &&
         state_.keys_->read.sequence_number() == 0;
}

void Connection::Stepper::read_change_cipher_spec(const Record& record) {
  // Section 5: "If an implementation detects a change_cipher_spec record received before the first ClientHello message
  // or after the peer's Finished message, it MUST be treated as an unexpected record type".
  Handshaking* handshaking = this->handshaking();
  if (handshaking == nullptr || !handshaking->hello_seen) return fail(Fault::change_cipher_spec_invalid);
  if (const auto checked = record::check_content(record.type, record.fragment()); !checked) {
    return fail(checked.error());
  }
  // Section 5.1: "if a handshake message is split over two or more records, there MUST NOT be any other records between
  // them."
  if (!state_.received_.empty()) return fail(Fault::interleaved_handshake_message);
  count(handshaking->change_cipher_specs, config_.limits().change_cipher_specs, Fault::too_many_change_cipher_specs);
}

void Connection::Stepper::read_protected(const Record& record) {
  Handshaking* handshaking = this->handshaking();
  const bool skipping = handshaking != nullptr && handshaking->skipping_early_data;
  if (state_.read_level_ == Level::initial) {
    // Section 4.2.10: after a HelloRetryRequest a server skips early data "by skipping all records with an external
    // content type of "application_data" (indicating that they are encrypted)".
    return skipping ? skip_early_data(record) : fail(Fault::record_protected_too_early);
  }
  const auto inner = state_.keys_->read.open(record, room_.cpu);
  if (!inner) {
    // Otherwise it skips them by trying the handshake traffic key, "discarding records which fail deprotection".
    if (skipping && inner.error().fault == Fault::bad_record_mac) return skip_early_data(record);
    return fail(inner.error());
  }
  if (skipping) handshaking->skipping_early_data = false;
  read_content(inner->type, inner->content);
}

void Connection::Stepper::skip_early_data(const Record& record) {
  Handshaking& handshaking = *this->handshaking();
  const auto size = static_cast<std::uint32_t>(record.fragment().size());
  if (size > handshaking.early_data_left) return fail(Fault::too_much_early_data, size);
  handshaking.early_data_left -= size;
  push(Noted{Note::early_data_skipped});
}

void Connection::Stepper::read_content(ContentType type, MutableBytes content) {
  if (type == ContentType::handshake) return read_handshake(content);
  if (!state_.received_.empty()) {
    return fail(Fault::interleaved_handshake_message, static_cast<std::uint32_t>(type));
  }
  if (type == ContentType::alert) return read_alert(content);
  read_application_data(content);
}

void Connection::Stepper::read_application_data(Bytes content) {
  // Only ever protected, and with the last keys.
  if (state_.read_level_ != Level::application) {
    return fail(Fault::unexpected_content_type, static_cast<std::uint32_t>(ContentType::application_data));
  }
  if (content.empty()) {
    count(state_.counters_.empty_records, config_.limits().empty_records, Fault::too_many_empty_records);
    return;
  }
  state_.counters_ = {};
  push(Deliver{content});
}

void Connection::Stepper::read_alert(Bytes content) {
  const auto alert = wire::AlertMessage::parse(content);
  if (!alert) return fail(alert.error());
  switch (alert->description) {
    case Alert::close_notify:
      // Before the handshake is complete it ends nothing but the attempt.
      if (established() == nullptr) return fail_silently(Fault::alert_received, Alert::close_notify);
      push(PeerClosed{});
      return close_reading();
    case Alert::user_canceled:
      // Section 6.1: "This alert SHOULD be followed by a close_notify."
      if (count(state_.counters_.warnings, config_.limits().warnings, Fault::too_many_warnings)) {
        push(Noted{Note::warning_ignored});
      }
      return;
    default:
      // Section 6: "All the alerts listed in Section 6.2 MUST be sent with AlertLevel=fatal and MUST be treated as
      // error alerts when received regardless of the AlertLevel in the message. Unknown Alert types MUST be treated as
      // error alerts."
      return fail_silently(Fault::alert_received, alert->description);
  }
}

bool Connection::Stepper::count(std::uint16_t& counter, std::uint16_t limit, Fault fault) {
  if (counter >= limit) {
    fail(fault, limit);
    return false;
  }
  ++counter;
  return true;
}

void Connection::Stepper::read_handshake(Bytes fragment) {
  Buffer& received = state_.received_;
  if (received.empty()) {
    fragment = fragment.subspan(process_messages(fragment));
    if (fragment.empty() || failing()) return;
    received = Buffer(room_.budget);
  }
  // Memory follows what has come, not what a header promises.
  if (!received.append(fragment)) return fail(Fault::out_of_memory);
}

void Connection::Stepper::process_received() {
  const std::size_t processed = process_messages(Bytes(state_.received_.data(), state_.received_.size()));
  state_.received_.erase_front(processed);
  if (state_.received_.empty()) state_.received_.release();
}

std::size_t Connection::Stepper::process_messages(Bytes bytes) {
  std::size_t processed = 0;
  while (has_slots() && !failing() && !state_.pending() && has_key_log_room()) {
    if (Handshaking* handshaking = this->handshaking(); handshaking != nullptr && !send_flight(*handshaking)) break;
    const auto message = wire::next_handshake(bytes.subspan(processed));
    if (!message) {
      fail(message.error());
      break;
    }
    if (!*message) {
      check_begun(bytes.subspan(processed));
      break;
    }
    processed += (*message)->message.size();
    process(**message, bytes.subspan(processed));
  }
  return processed;
}

// No memory is spent on a message that will be refused when it is whole.
void Connection::Stepper::check_begun(Bytes bytes) {
  if (bytes.empty()) return;
  const auto type = static_cast<wire::HandshakeType>(bytes.front());
  bool taken = type == wire::HandshakeType::key_update ||
               (type == wire::HandshakeType::new_session_ticket && state_.role_ == Role::client);
  if (const Handshaking* handshaking = this->handshaking()) {
    taken = std::visit([&](const auto& machine) { return machine.takes(type); }, handshaking->machine);
  }
  if (!taken) fail(Fault::unexpected_handshake_message, static_cast<std::uint32_t>(type));
}

void Connection::Stepper::process(const wire::Handshake& message, Bytes following) {
  if (Handshaking* handshaking = this->handshaking()) return process_in_handshake(*handshaking, message, following);
  if (message.type == wire::HandshakeType::key_update) return process_key_update(message, following);
  if (message.type == wire::HandshakeType::new_session_ticket && state_.role_ == Role::client) {
    return process_session_ticket(message);
  }
  // Post-handshake authentication is not offered: "A client that receives a post-handshake CertificateRequest message
  // without having sent the "post_handshake_auth" extension MUST send an "unexpected_message" fatal alert." TLS 1.3 has
  // no renegotiation either (section 4.1.2).
  fail(Fault::unexpected_handshake_message, static_cast<std::uint32_t>(message.type));
}

void Connection::Stepper::process_in_handshake(Handshaking& handshaking, const wire::Handshake& message,
                                               Bytes following) {
  Writer key_log(free_room());
  handshake::Output output = output_of(handshaking, key_log);
  const auto received = std::visit(
      [&](auto& machine) { return machine.receive(context(handshaking, output), state_.read_level_, message); },
      handshaking.machine);
  note_key_log(key_log);
  if (!received) return fail(received.error());
  handshaking.hello_seen = true;
  if (message.type == wire::HandshakeType::client_hello) {
    // The second ClientHello offers none: what was rejected with the first has ended then.
    handshaking.skipping_early_data = output.early_data_rejected;
    handshaking.early_data_left = output.early_data_rejected ? config_.limits().early_data : 0;
  }
  take_output(handshaking, output, following);
}

void Connection::Stepper::take_output(Handshaking& handshaking, const handshake::Output& output, Bytes following) {
  if (output.compatibility_mode) handshaking.compatibility_mode = true;
  if (output.certificate_requested) push(Noted{Note::client_certificate_requested});
  if (output.read_secret) {
    const auto boundary = AtRecordBoundary::check(following);
    if (!boundary) return fail(Fault::handshake_across_key_change);
    change_read_keys(*boundary, handshaking, output);
  }
  if (output.exporter_master_secret) state_.keys_->exporter_master_secret = output.exporter_master_secret->clone();
  if (output.peer_must_answer && !AtRecordBoundary::check(following)) {
    return fail(Fault::unexpected_handshake_message, following[0]);
  }
  if (const auto question = state_.pending()) {
    ++state_.query_.value;
    push(Ask{state_.query_, static_cast<QueryKind>(question->index())});
  }
}

bool Connection::Stepper::has_key_log_room() const {
  if (!config_.log_secrets() || state_.connected()) return true;
  return free_room().size() >= handshake::max_key_log_lines * handshake::max_key_log_line;
}

handshake::Output Connection::Stepper::output_of(Handshaking& handshaking, Writer& key_log) const {
  handshake::Output output{handshaking.flight};
  if (config_.log_secrets()) output.key_log = &key_log;
  return output;
}

void Connection::Stepper::note_key_log(const Writer& key_log) {
  if (key_log.size() == 0) return;
  push(KeyLog{room_.bytes.subspan(used_, key_log.size())});
  used_ += key_log.size();
}

void Connection::Stepper::change_read_keys(AtRecordBoundary, Handshaking& handshaking,
                                           const handshake::Output& output) {
  handshaking.cipher_suite = output.cipher_suite;
  state_.keys_->read = record::ReadProtection(output.cipher_suite, output.read_secret->clone(), room_.cpu);
  state_.read_level_ = output.read_level;
}

void Connection::Stepper::process_key_update(const wire::Handshake& message, Bytes following) {
  const auto update = wire::KeyUpdate::parse(message.body);
  if (!update) return fail(update.error());
  if (!AtRecordBoundary::check(following)) return fail(Fault::handshake_across_key_change);
  if (!count(state_.counters_.key_updates, config_.limits().key_updates, Fault::too_many_key_updates)) return;
  state_.keys_->read.update(room_.cpu);
  Established& established = *this->established();
  established.peer_update_requested = false;
  // Section 4.6.3: "If the request_update field is set to "update_requested", then the receiver MUST send a KeyUpdate
  // of its own with request_update set to "update_not_requested" prior to sending its next Application Data record."
  if (update->request_update == wire::KeyUpdateRequest::update_requested) established.update_requested = true;
  push(Noted{Note::keys_updated_by_peer});
}

void Connection::Stepper::process_session_ticket(const wire::Handshake& message) {
  const auto ticket = wire::NewSessionTicket::parse(message.body);
  if (!ticket) return fail(ticket.error());
  if (!count(state_.counters_.session_tickets, config_.limits().session_tickets, Fault::too_many_session_tickets)) {
    return;
  }
  push(Noted{Note::session_ticket_ignored});
}

}  // namespace limpid::tls
