#include "limpid/tls/connection/connection.hpp"

#include "limpid/tls/connection/stepper.hpp"

namespace limpid::tls {

Progress<Connection::Action> Connection::advance(const Config& config, Connection& state, Time, const Event& event,
                                                 const Room<Action>& room) {
  Stepper stepper(config, state, room);
  return std::visit([&](const auto& held) { return stepper.take(held); }, event);
}

std::optional<Query> Connection::pending() const {
  const auto* handshaking = std::get_if<Box<Handshaking>>(&phase_);
  if (handshaking == nullptr) return std::nullopt;
  return std::visit([](const auto& machine) { return machine.pending(); }, (*handshaking)->machine);
}

bool Connection::export_keying_material(std::string_view label, Bytes context, MutableBytes out,
                                        CpuFeatures cpu) const {
  if (!connected()) return false;
  const HashAlgorithm hash = wire::hash_of(keys_->read.cipher_suite());
  if (label.size() > 249 || out.size() > 255 * crypto::digest_size(hash)) return false;
  tls::export_keying_material(hash, keys_->exporter_master_secret, label, context, out, cpu);
  return true;
}

// Whatever the bytes were, no later step may meet a state that its code does not expect.
bool Connection::restored(const LoadContext&) const {
  const auto* box = std::get_if<Box<Handshaking>>(&phase_);
  if (box != nullptr && !*box) return false;
  const bool has_keys = static_cast<bool>(keys_);
  if (has_keys != !(std::holds_alternative<Newborn>(phase_) || ended())) return false;
  if (!has_keys) return received_.empty();
  if (keys_->read.has_key() != (read_level_ != Level::initial)) return false;
  if (keys_->write.has_key() != (write_level_ != Level::initial)) return false;
  if (connected()) {
    return read_level_ == Level::application && write_level_ == Level::application &&
           !(read_closed_ && write_closed_) &&
           keys_->exporter_master_secret.size() == crypto::digest_size(wire::hash_of(keys_->read.cipher_suite()));
  }
  if (box == nullptr) return true;
  const Handshaking& handshaking = **box;
  if ((role_ == Role::server) != std::holds_alternative<handshake::Server>(handshaking.machine)) return false;
  // What waits to be sent needs keys that are there or will be.
  for (const Level level : {Level::handshake, Level::application}) {
    if (!handshaking.flight.unsent(level).empty() && level > write_level_ &&
        !handshaking.flight.has_write_secret(level)) {
      return false;
    }
  }
  return true;
}

using Action = Connection::Action;

Progress<Action> Connection::Stepper::progress(std::size_t consumed, Blocked blocked) {
  Progress<Action> progress{.consumed = consumed, .actions = actions_.all()};
  if (ended()) {
    progress.wants = Wants::nothing;
  } else if (blocked == Blocked::actions && room_.actions.size() >= least_room.actions) {
    progress.more = true;
  } else if (blocked == Blocked::actions || blocked == Blocked::room) {
    progress.wants = Wants::room;
  } else if (std::holds_alternative<Newborn>(state_.phase_)) {
    progress.wants = Wants::entropy;
  } else if (state_.pending()) {
    progress.wants = Wants::reply;
  }
  return progress;
}

Connection::Stepper::Blocked Connection::Stepper::settle() {
  for (;;) {
    if (!has_slots()) return Blocked::actions;
    if (failing() && !conclude_failure()) return Blocked::room;
    if (state_.pending()) return Blocked::reply;
    if (Handshaking* handshaking = this->handshaking()) {
      if (!send_flight(*handshaking) || !conclude_handshake(*handshaking)) return Blocked::room;
    }
    if (state_.received_.empty()) return has_slots() ? Blocked::no : Blocked::actions;
    const std::size_t before = state_.received_.size();
    if (!has_key_log_room()) return Blocked::room;
    process_received();
    // Nothing was whole, or there were no slots left for what it leads to.
    if (state_.received_.size() == before && !failing()) return has_slots() ? Blocked::no : Blocked::actions;
  }
}

void Connection::Stepper::fail(const Error& error) {
  state_.phase_ = Failing{error, alert_of(error.fault), !state_.write_closed_};
}

void Connection::Stepper::fail_silently(Fault fault, Alert alert) {
  state_.phase_ = Failing{Error{fault, 0, static_cast<std::uint32_t>(alert)}, alert, false};
}

bool Connection::Stepper::conclude_failure() {
  const Failing failing = std::get<Failing>(state_.phase_);
  if (failing.tell && !send_alert(failing.alert)) return false;
  push(Failed{failing.error, failing.alert});
  end();
  return true;
}

bool Connection::Stepper::conclude_handshake(Handshaking& handshaking) {
  const handshake::Agreement* agreement =
      std::visit([](const auto& machine) { return machine.agreement(); }, handshaking.machine);
  if (agreement == nullptr) return true;
  const Bytes protocol = agreement->application_protocol.span();
  const Bytes name = agreement->server_name.span();
  if (free_room().size() < protocol.size() + name.size()) return false;
  HandshakeDone done{
      agreement->cipher_suite, agreement->group, agreement->signature_scheme, agreement->retried, {}, {}};
  done.application_protocol = copy(protocol, free_room());
  used_ += protocol.size();
  done.server_name = copy(name, free_room());
  used_ += name.size();
  push(std::move(done));
  state_.phase_ = Established{};
  return true;
}

void Connection::Stepper::close_reading() {
  state_.read_closed_ = true;
  state_.received_.release();
  if (state_.write_closed_) end();
}

void Connection::Stepper::close_writing() {
  state_.write_closed_ = true;
  if (state_.read_closed_) end();
}

void Connection::Stepper::end() {
  state_.phase_ = Ended{};
  state_.keys_.reset();
  state_.received_.release();
  state_.change_cipher_spec_due_ = false;
  state_.read_closed_ = state_.write_closed_ = true;
}

Progress<Action> Connection::Stepper::take(const Tick&) { return after_settling(1); }

void Connection::Stepper::begin(const Entropy& entropy) {
  state_.role_ = config_.role();
  state_.keys_ = Box<Keys>::make(room_.budget);
  auto handshaking = Box<Handshaking>::make(room_.budget);
  if (!state_.keys_ || !handshaking) {
    // Not even an alert was promised to anyone yet.
    end();
    return push(Failed{Error{Fault::out_of_memory, 0, 0}, alert_of(Fault::out_of_memory)});
  }
  handshaking->generator = crypto::Generator(entropy.bytes);
  handshaking->flight = handshake::Flight(room_.budget);
  if (config_.role() == Role::server) {
    handshaking->machine.emplace<handshake::Server>();
    state_.phase_ = std::move(handshaking);
    return;
  }
  handshaking->hello_seen = true;
  handshaking->compatibility_mode = config_.compatibility_mode();
  handshake::Output output{handshaking->flight};
  auto& client = handshaking->machine.emplace<handshake::Client>();
  const auto started = client.start(context(*handshaking, output));
  state_.phase_ = std::move(handshaking);
  if (!started) fail(started.error());
}

Progress<Action> Connection::Stepper::take(const Entropy& event) {
  if (!has_slots()) return progress(0, Blocked::actions);
  if (std::holds_alternative<Newborn>(state_.phase_)) {
    begin(event);
  } else if (Handshaking* handshaking = this->handshaking()) {
    handshaking->generator.mix(event.bytes);
  }
  return after_settling(1);
}

Progress<Action> Connection::Stepper::take(const stream::Received& event) {
  if (std::holds_alternative<Newborn>(state_.phase_)) return progress(0, Blocked::no);
  std::size_t consumed = 0;
  for (;;) {
    const Blocked blocked = settle();
    // Section 6.1: "Any data received after a closure alert has been received MUST be ignored."
    if (state_.read_closed_) return progress(event.bytes.size(), blocked);
    if (blocked != Blocked::no) return progress(consumed, blocked);
    const auto record = record::next_record(event.bytes.subspan(consumed));
    if (!record) {
      fail(record.error());
      continue;
    }
    if (!*record) return progress(consumed, Blocked::no);
    consumed += (*record)->bytes.size();
    read_record(**record);
  }
}

Progress<Action> Connection::Stepper::take(const stream::PeerFinished&) {
  if (std::holds_alternative<Newborn>(state_.phase_)) return progress(0, Blocked::no);
  if (const Blocked blocked = settle(); blocked != Blocked::no) return progress(ended() ? 1 : 0, blocked);
  if (state_.read_closed_) return progress(1, Blocked::no);
  if (established() == nullptr) {
    fail_silently(Fault::handshake_truncated, Alert::close_notify);
  } else {
    push(Truncated{});
    close_reading();
  }
  return after_settling(1);
}

Progress<Action> Connection::Stepper::take(const Write& event) {
  if (std::holds_alternative<Newborn>(state_.phase_)) return progress(0, Blocked::no);
  const Blocked blocked = settle();
  if (ended()) return progress(event.bytes.size(), blocked);
  if (blocked != Blocked::no) return progress(0, blocked);
  if (established() == nullptr) return progress(0, Blocked::no);
  if (state_.write_closed_) {
    push(Refused{Misuse::write_after_close});
    return progress(event.bytes.size(), Blocked::no);
  }
  std::size_t consumed = 0;
  while (consumed < event.bytes.size()) {
    if (!has_slots()) return progress(consumed, Blocked::actions);
    if (!send_due_key_update(*established())) return progress(consumed, Blocked::room);
    const std::size_t sent = send_record(record::ContentType::application_data, event.bytes.subspan(consumed));
    if (sent == 0) return progress(consumed, Blocked::room);
    consumed += sent;
  }
  return progress(consumed, Blocked::no);
}

Progress<Action> Connection::Stepper::take(const Close&) {
  if (std::holds_alternative<Newborn>(state_.phase_)) {
    end();
    return progress(1, Blocked::no);
  }
  // A question may stay open: the answer is not needed any more.
  const Blocked blocked = settle();
  if (ended()) return progress(1, blocked);
  if (blocked != Blocked::no && blocked != Blocked::reply) return progress(0, blocked);
  if (handshaking() != nullptr) {
    // Section 6.1: user_canceled "notifies the recipient that the sender is canceling the handshake for some reason
    // unrelated to a protocol failure."
    if (free_room().size() < least_fragment_room) return progress(0, Blocked::room);
    send_alert(Alert::user_canceled);
    send_alert(Alert::close_notify);
    end();
    return progress(1, Blocked::no);
  }
  if (state_.write_closed_) {
    push(Refused{Misuse::write_after_close});
  } else if (send_alert(Alert::close_notify)) {
    close_writing();
  } else {
    return progress(0, Blocked::room);
  }
  return progress(1, Blocked::no);
}

Progress<Action> Connection::Stepper::take(const UpdateKeys& event) {
  if (std::holds_alternative<Newborn>(state_.phase_)) return progress(0, Blocked::no);
  const Blocked blocked = settle();
  if (ended()) return progress(1, blocked);
  if (blocked == Blocked::room || blocked == Blocked::actions) return progress(0, blocked);
  if (established() == nullptr) {
    push(Refused{Misuse::not_connected});
  } else if (state_.write_closed_) {
    push(Refused{Misuse::write_after_close});
  } else if (!send_key_update(event.request_peer)) {
    return progress(0, Blocked::room);
  }
  return progress(1, blocked);
}

bool Connection::Stepper::fits(const Query& question, const Answer& answer) const {
  if (std::holds_alternative<Declined>(answer)) return true;
  if (const auto* select = std::get_if<SelectCertificate>(&question)) {
    const auto* selected = std::get_if<CertificateSelected>(&answer);
    return selected != nullptr && !selected->certificate_list.empty() &&
           selected->certificate_list.size() <= max_certificate_list &&
           std::ranges::find(select->signature_schemes, selected->scheme) != select->signature_schemes.end();
  }
  if (std::holds_alternative<Sign>(question)) return std::holds_alternative<Signed>(answer);
  return std::holds_alternative<PeerAccepted>(answer);
}

Progress<Action> Connection::Stepper::take(const Reply& event) {
  if (ended()) return progress(1, Blocked::no);
  if (!has_slots()) return progress(0, Blocked::actions);
  if (!has_key_log_room()) return progress(0, Blocked::room);
  const auto question = state_.pending();
  if (!question || event.query != state_.query_) {
    push(Noted{Note::stale_reply});
    return after_settling(1);
  }
  if (!fits(*question, event.answer)) {
    push(Refused{Misuse::answer_unfit});
    return progress(1, Blocked::reply);
  }
  Handshaking& handshaking = *this->handshaking();
  Writer key_log(free_room());
  handshake::Output output = output_of(handshaking, key_log);
  const auto replied = std::visit(
      [&](auto& machine) { return machine.reply(context(handshaking, output), event.answer); }, handshaking.machine);
  note_key_log(key_log);
  if (replied) {
    take_output(handshaking, output, Bytes(state_.received_.data(), state_.received_.size()));
  } else {
    fail(replied.error());
  }
  return after_settling(1);
}

}  // namespace limpid::tls
