#include "limpid/xen_netfront/protocol/xenstore_client.hpp"

namespace limpid::xen_netfront::xenstore {
namespace {

// A number as the store writes it: decimal digits, nothing else.
std::optional<std::uint32_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > UINT32_MAX) return {};
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (text.empty() || value > UINT32_MAX) return {};
  return static_cast<std::uint32_t>(value);
}

// Text that ends with its only zero byte, without that.
std::optional<std::string_view> terminated(std::string_view text) {
  if (text.find('\0') + 1 != text.size() || text.empty()) return {};
  text.remove_suffix(1);
  return text;
}

bool is_path(std::string_view path) { return !path.empty() && path.find('\0') == std::string_view::npos; }

MessageType type_of(Operation operation) {
  switch (operation) {
    case Operation::read:
      return MessageType::read;
    case Operation::list:
      return MessageType::directory;
    case Operation::write:
      return MessageType::write;
    case Operation::make_directory:
      return MessageType::mkdir;
    case Operation::remove:
      return MessageType::rm;
    case Operation::watch:
      return MessageType::watch;
    case Operation::unwatch:
      return MessageType::unwatch;
  }
  return MessageType::read;
}

}  // namespace

class ClientStep {
 public:
  using Action = Client::Action;

  ClientStep(const Client::Config& config, Client& state, const Room<Action>& room)
      : config_(config), state_(state), budget_(room.budget), room_(room.bytes), actions_(room.actions) {}

  Progress<Action> take(const Client::Event& event) {
    if (!answer_orphans()) return {0, actions_.all(), true, Wants::event, {}};
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    end_transaction();
    send();
    if (!answer_orphans()) more_ = true;
    return {consumed, actions_.all(), more_, Wants::event, {}};
  }

 private:
  // A step that delivers a message needs room for its payload, and slots: for what it brings, and for what is sent.
  static constexpr std::size_t slots_a_message = 3;
  static constexpr std::size_t room_for_sending = 128;

  std::size_t on(const Tick&) { return 1; }

  std::size_t on(const RingRoom& event) {
    state_.ring_room_ = event.bytes;
    return 1;
  }

  std::size_t on(const ConnectionReset&) {
    lose_everything();
    state_.ring_room_ = 0;
    state_.failed_ = false;
    return 1;
  }

  std::size_t on(const Request& request) {
    const Status status = ask(request);
    if (status != Status::ok) actions_.push(Answer{request.token, status});
    return 1;
  }

  std::size_t on(const Publish& publish) {
    const Status status = prepare(publish);
    if (status != Status::ok) {
      actions_.push(Answer{publish.token, status});
    } else {
      start_transaction();
    }
    return 1;
  }

  std::size_t on(const stream::Received& event) {
    std::size_t at = 0;
    while (at < event.bytes.size() && !state_.failed_) {
      if (actions_.free() < slots_a_message || room_.size() < largest_payload + room_for_sending) {
        more_ = true;
        return at;
      }
      at += take_piece(Bytes(event.bytes).subspan(at));
    }
    return event.bytes.size();  // what follows on a failure is nothing that anybody could read
  }

  // Requests.

  Status ask(const Request& request) {
    if (state_.failed_) return Status::connection_lost;
    if (!is_path(request.path)) return Status::invalid;
    const bool watching = request.operation == Operation::watch || request.operation == Operation::unwatch;
    return enqueue(type_of(request.operation), 0, request.token, false, [&](Writer& out) {
      out.text(request.path);
      out.u8(0);
      if (watching) {
        out.decimal(request.token);
        out.u8(0);
      } else if (request.operation == Operation::write) {
        out.bytes(request.value);
      }
    });
  }

  // Queues a message whose payload `fill` writes.
  template <class Fill>
  Status enqueue(MessageType type, std::uint32_t transaction, std::uint32_t token, bool of_publication, Fill&& fill) {
    if (state_.open_.size() == Client::most_open) return Status::too_many_requests;
    if (state_.unsent_.budget() == nullptr) state_.unsent_ = Buffer(budget_);
    const std::size_t before = state_.unsent_.size();
    const std::uint64_t refusals = budget_.refusals();
    Writer out(state_.unsent_);
    MessageHeader header{type, state_.last_request_ + 1, transaction, 0};
    header.emit(out);
    fill(out);
    const std::size_t payload = out.size() - std::min(out.size(), header_size);
    if (out.failed() || payload > largest_payload || state_.unsent_.size() > Client::most_unsent) {
      state_.unsent_.truncate(before);
      return budget_.refusals() != refusals ? Status::out_of_memory : Status::too_many_requests;
    }
    header.length = static_cast<std::uint32_t>(payload);
    Writer again(MutableBytes(state_.unsent_.data() + before, header_size));
    header.emit(again);
    ++state_.last_request_;
    state_.open_.push_back({header.request_id, token, type, of_publication});
    return Status::ok;
  }

  void send() {
    const std::size_t held = std::min<std::size_t>(state_.unsent_.size(), state_.ring_room_);
    const std::size_t count = std::min(held, room_.size());
    if (count == 0 || actions_.free() == 0) {
      more_ = more_ || held > 0;
      return;
    }
    actions_.push(stream::Send{lend(Bytes(state_.unsent_.data(), count))});
    state_.unsent_.erase_front(count);
    state_.ring_room_ -= static_cast<std::uint32_t>(count);
    if (count < held) more_ = true;
  }

  Bytes lend(Bytes bytes) {
    const Bytes lent = copy(bytes, room_);
    room_ = room_.subspan(bytes.size());
    return lent;
  }

  // What the store says.

  // Takes a message's next bytes, at most to its end. Returns how many.
  std::size_t take_piece(Bytes bytes) {
    const std::size_t of_header = std::min<std::size_t>(bytes.size(), header_size - state_.header_held_);
    copy(bytes.first(of_header), MutableBytes(state_.header_).subspan(state_.header_held_));
    state_.header_held_ = static_cast<std::uint8_t>(state_.header_held_ + of_header);
    if (state_.header_held_ < header_size) return of_header;

    const MessageHeader header = MessageHeader::parse(state_.header_);
    if (header.length > largest_payload) {
      actions_.push(Failed{});
      lose_everything();
      state_.failed_ = true;
      return of_header;
    }
    const std::size_t missing = header.length - state_.payload_.size() - state_.payload_lost_;
    const Bytes piece = bytes.subspan(of_header, std::min(missing, bytes.size() - of_header));
    keep(piece, header.length);
    if (piece.size() == missing) {
      deliver(header);
      state_.header_held_ = 0;
      state_.payload_.clear();
      state_.payload_lost_ = 0;
      end_transaction();
      send();  // now: what is sent when must not depend on how the answers were cut
    }
    return of_header + piece.size();
  }

  void keep(Bytes piece, std::uint32_t length) {
    if (state_.payload_.budget() == nullptr) state_.payload_ = Buffer(budget_);
    if (state_.payload_lost_ == 0 && state_.payload_.reserve(length) && state_.payload_.append(piece)) return;
    state_.payload_lost_ += static_cast<std::uint32_t>(state_.payload_.size() + piece.size());
    state_.payload_.clear();
  }

  void deliver(const MessageHeader& header) {
    const std::string_view payload = as_text(Bytes(state_.payload_.data(), state_.payload_.size()));
    if (header.type == MessageType::watch_event) return fire(payload);
    Client::OpenList rest;
    std::optional<OpenRequest> answered;
    for (const auto& open : state_.open_) {
      if (!answered && open.request_id == header.request_id) {
        answered = open;
      } else {
        rest.push_back(open);
      }
    }
    if (!answered) return stray();
    state_.open_ = rest;
    const Status status = status_of_answer(*answered, header.type, payload);
    if (answered->of_publication) return go_on(answered->type, status, payload);
    const bool has_value = answered->type == MessageType::read || answered->type == MessageType::directory;
    actions_.push(
        Answer{answered->token, status, has_value && status == Status::ok ? lend(as_bytes(payload)) : Bytes()});
  }

  Status status_of_answer(const OpenRequest& asked, MessageType type, std::string_view payload) const {
    if (state_.payload_lost_ > 0) return Status::out_of_memory;
    if (type == MessageType::error) {
      const auto error = terminated(payload);
      return error ? status_of(*error) : Status::malformed_answer;
    }
    return type == asked.type ? Status::ok : Status::malformed_answer;
  }

  void fire(std::string_view payload) {
    const std::size_t end = payload.find('\0');
    if (end == std::string_view::npos) return stray();
    const Bytes path = as_bytes(payload).first(end);
    const auto text = terminated(as_text(as_bytes(payload).subspan(end + 1)));
    const auto token = text ? decimal(*text) : std::nullopt;
    if (!token) return stray();
    actions_.push(Fired{*token, as_text(lend(path))});
  }

  void stray() {
    if (state_.strays_ != UINT32_MAX) ++state_.strays_;
  }

  // The transaction.

  Status prepare(const Publish& publish) {
    if (state_.failed_) return Status::connection_lost;
    if (state_.publication_) return Status::busy;
    std::size_t size = 0;
    for (const auto& assignment : publish.assignments) {
      if (!is_path(assignment.path)) return Status::invalid;
      size += 2 + assignment.path.size() + 1 + assignment.value.size();
    }
    if (publish.assignments.empty()) return Status::invalid;
    if (size > Client::largest_publication) return Status::too_many_requests;
    Publication publication{.token = publish.token, .assignments = Buffer(budget_)};
    Writer out(publication.assignments);
    for (const auto& assignment : publish.assignments) {
      out.vector16([&] {
        out.text(assignment.path);
        out.u8(0);
        out.bytes(assignment.value);
      });
    }
    if (out.failed()) return Status::out_of_memory;
    state_.publication_ = std::move(publication);
    return Status::ok;
  }

  void start_transaction() {
    Publication& publication = *state_.publication_;
    ++publication.attempts;
    publication.transaction_id = 0;
    const Status status = enqueue(MessageType::transaction_start, 0, 0, true, [](Writer& out) { out.u8(0); });
    if (status != Status::ok) finish_publication(status);
  }

  void go_on(MessageType answered, Status status, std::string_view payload) {
    if (!state_.publication_) return stray();
    Publication& publication = *state_.publication_;
    if (answered == MessageType::transaction_start) {
      const auto text = terminated(payload);
      const auto id = text ? decimal(*text) : std::nullopt;
      if (status != Status::ok) return finish_publication(status);
      if (!id || *id == 0) return finish_publication(Status::malformed_answer);
      publication.transaction_id = *id;
      write_assignments(publication);
    } else if (answered == MessageType::write) {
      if (publication.status == Status::ok) publication.status = status;
      if (publication.awaited > 0) --publication.awaited;
      publication.end_due = publication.awaited == 0;
    } else if (publication.status != Status::ok) {
      finish_publication(publication.status);  // it was aborted
    } else if (status == Status::again && publication.attempts < config_.transaction_attempts) {
      start_transaction();
    } else {
      finish_publication(status);
    }
  }

  // All at once: the store answers them in order, and one round trip does for all.
  void write_assignments(Publication& publication) {
    Reader in(Bytes(publication.assignments.data(), publication.assignments.size()));
    while (!in.empty() && publication.status == Status::ok) {
      const Bytes payload = in.vector16();
      publication.status =
          enqueue(MessageType::write, publication.transaction_id, 0, true, [&](Writer& out) { out.bytes(payload); });
      if (publication.status == Status::ok) ++publication.awaited;
    }
    publication.end_due = publication.awaited == 0;
  }

  // Only when it is known how the writes ended: all or none. If there is no room to say so now, there will be.
  void end_transaction() {
    if (!state_.publication_ || !state_.publication_->end_due) return;
    Publication& publication = *state_.publication_;
    const bool commit = publication.status == Status::ok;
    const Status status = enqueue(MessageType::transaction_end, publication.transaction_id, 0, true, [&](Writer& out) {
      out.text(commit ? "T" : "F");
      out.u8(0);
    });
    publication.end_due = status != Status::ok;
  }

  void finish_publication(Status status) {
    actions_.push(Answer{state_.publication_->token, status});
    state_.publication_.reset();
  }

  // The end of a connection.

  void lose_everything() {
    for (const auto& open : state_.open_) {
      if (!open.of_publication) state_.orphans_.push_back(open.token);
    }
    if (state_.publication_) state_.orphans_.push_back(state_.publication_->token);
    state_.open_ = {};
    state_.publication_.reset();
    state_.unsent_.clear();
    state_.header_held_ = 0;
    state_.payload_.clear();
    state_.payload_lost_ = 0;
  }

  // False if there are more than there were slots for.
  bool answer_orphans() {
    if (state_.orphans_.empty()) return true;
    std::size_t answered = 0;
    for (; answered < state_.orphans_.size() && actions_.free() > 0; ++answered) {
      actions_.push(Answer{state_.orphans_[answered], Status::connection_lost});
    }
    state_.orphans_ = decltype(state_.orphans_)(state_.orphans_.span().subspan(answered));
    return state_.orphans_.empty();
  }

  const Client::Config& config_;
  Client& state_;
  Budget& budget_;
  MutableBytes room_;  // what is left of it
  ActionList<Action> actions_;
  bool more_ = false;
};

Progress<Client::Action> Client::advance(const Config& config, Client& state, Time, const Event& event,
                                         const Room<Action>& room) {
  if (room.bytes.size() < least_room.bytes || room.actions.size() < least_room.actions) {
    return {0, {}, false, Wants::room, {}};
  }
  return ClientStep(config, state, room).take(event);
}

bool Publication::restored(const LoadContext&) const {
  if (assignments.empty() || assignments.size() > largest) return false;
  Reader in(Bytes(assignments.data(), assignments.size()));
  std::size_t count = 0;
  for (; !in.empty(); ++count) in.vector16();
  return in.finished() && count <= Publish::most && awaited <= count;
}

bool Client::restored(const LoadContext&) const {
  if (unsent_.size() > most_unsent || header_held_ > header_size) return false;
  const bool in_payload = header_held_ == header_size;
  const std::size_t held = payload_.size() + payload_lost_;
  if (!in_payload && held > 0) return false;
  if (in_payload &&
      (MessageHeader::parse(header_).length > largest_payload || held >= MessageHeader::parse(header_).length)) {
    return false;
  }
  if (failed_ && (!open_.empty() || publication_ || !unsent_.empty() || header_held_ > 0)) return false;
  // Answers that nobody waits for any more are given before anything else happens.
  return orphans_.empty() || (open_.empty() && !publication_);
}

}  // namespace limpid::xen_netfront::xenstore
