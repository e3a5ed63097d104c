// Sending: flights, records, key updates, alerts.
#include "limpid/tls/connection/stepper.hpp"

namespace limpid::tls {

using record::ContentType;

namespace {

constexpr std::size_t change_cipher_spec_size = record::header_size + 1;

}  // namespace

void Connection::Stepper::note_sent(std::size_t size) {
  const Bytes written = room_.bytes.subspan(used_, size);
  used_ += size;
  // Records that stand one behind the other are one Send.
  if (const auto pushed = actions_.all(); !pushed.empty()) {
    if (auto* send = std::get_if<stream::Send>(&pushed.back()); send != nullptr) {
      if (send->bytes.data() + send->bytes.size() == written.data()) {
        send->bytes = Bytes(send->bytes.data(), send->bytes.size() + size);
        return;
      }
    }
  }
  push(stream::Send{written});
}

bool Connection::Stepper::send_due_change_cipher_spec() {
  if (!state_.change_cipher_spec_due_) return true;
  Writer out(free_room());
  static constexpr Byte content[1] = {1};
  record::put_plaintext_record(out, ContentType::change_cipher_spec, content);
  if (out.failed()) return false;
  note_sent(out.size());
  state_.change_cipher_spec_due_ = false;
  return true;
}

// What rounds `content` bytes up to a multiple of the configured size, but no more than `most`.
std::size_t Connection::Stepper::padding_for(std::size_t content, std::size_t most) const {
  const std::size_t unit = config_.pad_to();
  if (unit == 0 || content % unit == 0) return 0;
  return std::min(unit - content % unit, most);
}

std::size_t Connection::Stepper::send_record(ContentType type, Bytes content) {
  const bool sealed = state_.keys_->write.has_key();
  const std::size_t overhead = sealed ? record::overhead : record::header_size;
  // A server that did not understand the first flight is told why without one.
  const bool behind_change_cipher_spec = state_.change_cipher_spec_due_ && (sealed || type == ContentType::handshake);
  const std::size_t extra = overhead + (behind_change_cipher_spec ? change_cipher_spec_size : 0);
  const std::size_t whole = std::min(content.size(), record::max_plaintext);
  const std::size_t free = free_room().size();
  if (free < std::min(extra + whole, least_fragment_room)) return 0;
  if (behind_change_cipher_spec && !send_due_change_cipher_spec()) return 0;

  const MutableBytes room = free_room();
  const Bytes fragment = content.first(std::min(whole, room.size() - overhead));
  if (!sealed) {
    Writer out(room);
    record::put_plaintext_record(out, type, fragment);
    note_sent(out.size());
    return fragment.size();
  }
  const std::size_t most = std::min(record::max_plaintext, room.size() - overhead) - fragment.size();
  const std::size_t padding = padding_for(fragment.size(), most);
  const std::size_t size = state_.keys_->write.seal(type, fragment, padding, room, room_.cpu);
  if (size == 0) return 0;
  note_sent(size);
  return fragment.size();
}

bool Connection::Stepper::send_whole(ContentType type, Bytes content) {
  // A whole record of this size, with all that may stand in front of it, is less than what send_record would split.
  if (free_room().size() < content.size() + record::overhead + change_cipher_spec_size) return false;
  return send_record(type, content) == content.size();
}

bool Connection::Stepper::send_alert(Alert alert) {
  // Closure alerts (section 6.1) are warnings; error alerts (section 6.2) "MUST be sent with AlertLevel=fatal".
  const bool closure = alert == Alert::close_notify || alert == Alert::user_canceled;
  std::array<Byte, 2> encoded{};
  Writer out{MutableBytes(encoded)};
  wire::AlertMessage{closure ? wire::AlertLevel::warning : wire::AlertLevel::fatal, alert}.emit(out);
  return send_whole(ContentType::alert, encoded);
}

bool Connection::Stepper::send_key_update(bool request_peer) {
  using wire::KeyUpdateRequest;
  std::array<Byte, 5> encoded{};
  Writer out{MutableBytes(encoded)};
  wire::emit_handshake(
      out, wire::KeyUpdate{request_peer ? KeyUpdateRequest::update_requested : KeyUpdateRequest::update_not_requested});
  if (!send_whole(ContentType::handshake, encoded)) return false;
  state_.keys_->write.update(room_.cpu);
  if (auto* established = this->established()) {
    established->update_requested = false;
    established->peer_update_requested = established->peer_update_requested || request_peer;
  }
  return true;
}

bool Connection::Stepper::send_due_key_update(Established& established) {
  const std::uint64_t limit = config_.limits().records_per_key == 0 ? UINT64_MAX : config_.limits().records_per_key;
  const record::WriteProtection& write = state_.keys_->write;
  const record::ReadProtection& read = state_.keys_->read;
  const bool write_due = write.wants_update() || write.sequence_number() >= limit;
  // Section 4.6.3: with "update_requested" the peer "MUST send a KeyUpdate of its own".
  const bool read_due = !established.peer_update_requested && !state_.read_closed_ &&
                        read.sequence_number() >= std::min(limit, record::record_limit(read.cipher_suite()));
  if (!established.update_requested && !write_due && !read_due) return true;
  // An answer asks for nothing itself (section 4.6.3), or two peers would never come to rest.
  if (!send_key_update(read_due && !established.update_requested)) return false;
  push(Noted{Note::keys_updated});
  return true;
}

void Connection::Stepper::install_write_keys(Handshaking& handshaking, Level level) {
  state_.keys_->write =
      record::WriteProtection(handshaking.cipher_suite, handshaking.flight.take_write_secret(level), room_.cpu);
  state_.write_level_ = level;
}

bool Connection::Stepper::send_flight(Handshaking& handshaking) {
  handshake::Flight& flight = handshaking.flight;
  for (const Level level : {Level::initial, Level::handshake, Level::application}) {
    if (level != Level::initial && flight.has_write_secret(level)) install_write_keys(handshaking, level);
    for (Bytes unsent = flight.unsent(level); !unsent.empty(); unsent = flight.unsent(level)) {
      const std::size_t sent = send_record(ContentType::handshake, unsent);
      if (sent == 0) return false;
      flight.mark_sent(sent);
    }
    // Appendix D.4: "the server sends a dummy change_cipher_spec record immediately after its first handshake message.
    // This may either be after a ServerHello or a HelloRetryRequest"; a client "immediately before its second flight".
    if (level == Level::initial && flight.any_sent()) {
      if (handshaking.compatibility_mode && !handshaking.change_cipher_spec_sent) {
        handshaking.change_cipher_spec_sent = true;
        state_.change_cipher_spec_due_ = true;
      }
      if (state_.role_ == Role::server && !send_due_change_cipher_spec()) return false;
    }
  }
  if (flight.any_sent()) flight.drop();
  return true;
}

}  // namespace limpid::tls
