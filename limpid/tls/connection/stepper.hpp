// One step of a connection: the state, and what was lent for it. Internal to connection/.
//
// Everything that reads or writes is done in units, each of which finds its room before it begins: so a unit is done
// or not, and what was consumed was delivered.
#pragma once

#include "limpid/tls/connection/connection.hpp"

namespace limpid::tls {

// The proof without which keys for reading do not change: "Handshake messages MUST NOT span key changes.
// Implementations MUST verify that all messages immediately preceding a key change align with a record boundary; if
// not, then they MUST terminate the connection with an "unexpected_message" alert" (RFC 8446, section 5.1).
class AtRecordBoundary {
 public:
  // `following` is what has been received, in handshake records, behind the message that changes the keys.
  static std::optional<AtRecordBoundary> check(Bytes following) {
    if (!following.empty()) return std::nullopt;
    return AtRecordBoundary();
  }

 private:
  AtRecordBoundary() = default;
};

class Connection::Stepper {
 public:
  Stepper(const Config& config, Connection& state, const Room<Action>& room)
      : config_(config), state_(state), room_(room), actions_(room.actions) {}

  Progress<Action> take(const Tick&);
  Progress<Action> take(const Entropy& event);
  Progress<Action> take(const stream::Received& event);
  Progress<Action> take(const stream::PeerFinished&);
  Progress<Action> take(const Write& event);
  Progress<Action> take(const Close&);
  Progress<Action> take(const UpdateKeys& event);
  Progress<Action> take(const Reply& event);

 private:
  // Why a step cannot go on without its caller.
  enum class Blocked { no, room, actions, reply };

  // No unit pushes more actions than this: a Send, a Noted and an Ask, say.
  static constexpr std::size_t actions_of_a_unit = 3;
  // Less room than this is not used for a part of what is to be sent: records would become silly.
  static constexpr std::size_t least_fragment_room = 256;

  // connection.cpp

  // Does what can be done without an event: tells of a failure, sends what waits, ends the handshake, processes the
  // handshake messages at hand.
  Blocked settle();
  bool conclude_failure();
  bool conclude_handshake(Handshaking& handshaking);
  // `consumed` of the event were taken; then `blocked`.
  Progress<Action> progress(std::size_t consumed, Blocked blocked);
  Progress<Action> after_settling(std::size_t consumed) { return progress(consumed, settle()); }
  void begin(const Entropy& entropy);
  // Checks that an answer fits the question that is open.
  bool fits(const Query& question, const Answer& answer) const;
  void fail(const Error& error);
  void fail(Fault fault, std::uint32_t found = 0) { fail(Error{fault, 0, found}); }
  // The end came from the peer.
  void fail_silently(Fault fault, Alert alert);
  void close_reading();
  void close_writing();
  void end();

  // reading.cpp
  void read_record(const record::Record& record);
  void read_protected(const record::Record& record);
  void read_change_cipher_spec(const record::Record& record);
  void read_content(record::ContentType type, MutableBytes content);
  void read_alert(Bytes content);
  void read_handshake(Bytes fragment);
  void read_application_data(Bytes content);
  void skip_early_data(const record::Record& record);
  bool may_be_unprotected(const record::Record& record) const;
  // Processes whole messages from the front of `bytes` while nothing stands in the way; how many bytes they were.
  std::size_t process_messages(Bytes bytes);
  void process_received();
  void check_begun(Bytes bytes);
  void process(const wire::Handshake& message, Bytes following);
  void process_in_handshake(Handshaking& handshaking, const wire::Handshake& message, Bytes following);
  void process_key_update(const wire::Handshake& message, Bytes following);
  void process_session_ticket(const wire::Handshake& message);
  // What a handshake machine gave out, except what it sends.
  void take_output(Handshaking& handshaking, const handshake::Output& output, Bytes following);
  // Whether the lines that a message or an answer may lead to would find room.
  bool has_key_log_room() const;
  handshake::Output output_of(Handshaking& handshaking, Writer& key_log) const;
  void note_key_log(const Writer& key_log);
  void change_read_keys(AtRecordBoundary, Handshaking& handshaking, const handshake::Output& output);
  // False, and failed, if there were more in a row than allowed.
  bool count(std::uint16_t& counter, std::uint16_t limit, Fault fault);

  // writing.cpp
  // Sends what the handshake wants sent, as far as there is room; whether all of it was.
  bool send_flight(Handshaking& handshaking);
  void install_write_keys(Handshaking& handshaking, Level level);
  // Seals one record from the front of `content`, as much as fits; how many bytes were taken, 0 for lack of room.
  std::size_t send_record(record::ContentType type, Bytes content);
  record::ProtocolVersion legacy_record_version();
  // All of it in one record, or false and nothing.
  bool send_whole(record::ContentType type, Bytes content);
  bool send_alert(Alert alert);
  bool send_key_update(bool request_peer);
  // Before the next record of application data: whether it may go out.
  bool send_due_key_update(Established& established);
  bool send_due_change_cipher_spec();
  void note_sent(std::size_t size);
  MutableBytes free_room() const { return room_.bytes.subspan(used_); }
  std::size_t padding_for(std::size_t content, std::size_t most) const;

  template <class A>
  void push(A action) {
    actions_.push(Action(std::move(action)));
  }
  bool has_slots() const { return actions_.free() >= actions_of_a_unit; }
  Handshaking* handshaking() {
    auto* box = std::get_if<Box<Handshaking>>(&state_.phase_);
    return box == nullptr ? nullptr : &**box;
  }
  Established* established() { return std::get_if<Established>(&state_.phase_); }
  bool failing() const { return std::holds_alternative<Failing>(state_.phase_); }
  bool ended() const { return state_.ended(); }
  handshake::Context context(Handshaking& handshaking, handshake::Output& output) {
    return {config_, handshaking.generator, room_.budget, room_.cpu, output};
  }

  const Config& config_;
  Connection& state_;
  const Room<Action>& room_;
  ActionList<Action> actions_;
  std::size_t used_ = 0;  // of the room's bytes
};

}  // namespace limpid::tls
