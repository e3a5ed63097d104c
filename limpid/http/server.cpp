#include "limpid/http/server.hpp"

#include "limpid/http/answer.hpp"
#include "limpid/http/media_type.hpp"
#include "limpid/http/path.hpp"

namespace limpid::http {
namespace {

constexpr std::string_view index_file = "index.html";

// Behind the head, so much of a file's first piece is copied into the same Send: a small answer is one record, one
// segment.
constexpr std::size_t copied_behind_head = 4096;

// However little room there is at the moment, so much of a file is asked for.
constexpr std::size_t least_asked = 4096;

}  // namespace

bool Server::Request::derive_path(Budget& budget) {
  constexpr std::size_t longest_suffix = 3;
  path = Buffer(budget);
  const auto parsed = parse_request(head_bytes());
  if (!parsed || parsed->path.empty()) return true;
  if (!path.resize(parsed->path.size() + index_file.size() + longest_suffix)) return false;
  const auto normalized = normalize_path(parsed->path, {path.data(), path.size()});
  if (!normalized) {
    path.release();
    return true;
  }
  const bool directory = normalized->empty() || normalized->ends_with('/');
  path.truncate(normalized->size());
  if (directory && listing) return !path.empty() || path.append(as_bytes("/"));
  if (directory && !path.append(as_bytes(index_file))) return false;
  return path.append(as_bytes(suffix(coding)));
}

bool Server::ReadingHead::restored(const LoadContext&) {
  constexpr HeadLimits none{UINT32_MAX, UINT32_MAX, UINT32_MAX};
  std::size_t taken = 0;
  scanner = {};
  return scanner.scan(none, {head.data(), head.size()}, taken) == HeadScanner::Result::incomplete;
}

AnswerFacts Server::Responding::facts() const {
  return {.request = request.head_bytes(),
          .path = request.path_text(),
          .coding = request.coding,
          .status = status,
          .close = close,
          .date = date,
          .file = file};
}

bool Server::Responding::restored(const LoadContext&) const {
  if (has_file(status) != file.has_value() || (file && request.path.empty())) return false;
  const AnswerFacts said = facts();
  const AnswerText text(said);
  const ByteRange content = text.content(part);
  if (part >= text.parts() || file_sent > content.size || (file_sent > 0 && !text_done)) return false;
  if (status == Status::partial_content && text.content(0).size == 0) return false;
  const bool redirects = status == Status::moved_permanently || status == Status::permanent_redirect;
  if (redirects && !text.request()) return false;  // says where to
  if (sent < text_sent || sent - text_sent < file_sent) return false;
  return !query || (asked > 0 && asked <= content.size - file_sent);
}

// One step over one state.
class ServerStep {
 public:
  using Action = Server::Action;

  ServerStep(const Server::Config& config, Server& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), now_(now), budget_(room.budget), room_(room.bytes), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
    credit_ = room_.size();
  }

  Progress<Action> take(const Server::Event& event) {
    expire();
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    return {consumed, actions_.all(), more_, state_.wants(), state_.deadline()};
  }

  // For a step that was given no room for what it could have to report.
  Progress<Action> refuse() const { return {0, {}, false, Wants::room, state_.deadline()}; }

 private:
  template <class Phase>
  Phase* in() {
    return std::get_if<Phase>(&state_.phase_);
  }

  // Deadlines.

  void expire() {
    if (auto* idle = in<Server::Idle>()) {
      if (!idle->deadline) idle->deadline = now_.monotonic + config_.idle_timeout;
      if (*idle->deadline <= now_.monotonic) end();
    } else if (auto* reading = in<Server::ReadingHead>()) {
      if (reading->deadline <= now_.monotonic) answer_unread(Status::request_timeout);
    } else if (auto* discarding = in<Server::DiscardingBody>()) {
      if (discarding->deadline <= now_.monotonic) {
        answer(std::move(discarding->request), Status::request_timeout, true);
      }
    } else if (auto* looking_up = in<Server::LookingUp>()) {
      // The reply is overdue, and nothing was sent.
      if (looking_up->pace.deadline <= now_.monotonic) abort();
    } else if (auto* responding = in<Server::Responding>()) {
      if (responding->pace.deadline > now_.monotonic) return;
      if (responding->pace.sent < config_.least_progress) {
        report(*responding, Abandoned::stalled);
        return abort();
      }
      responding->pace = new_pace();
    }
  }

  Server::Pace new_pace() const { return {now_.monotonic + config_.progress_interval}; }

  // Events. Each handler returns what it consumed.

  std::size_t on(const Tick&) {
    respond({});
    return 1;
  }

  std::size_t on(const stream::Received& event) {
    Bytes bytes = event.bytes;
    while (true) {
      // What is left of an answer goes out before the next request is looked at.
      respond({});
      if (in<Server::Ended>()) return event.bytes.size();
      if (bytes.empty()) break;
      if (actions_.free() < Server::least_room.actions) {
        more_ = true;
        break;
      }
      if (in<Server::Idle>()) {
        state_.phase_ = Server::ReadingHead{{}, Buffer(budget_), now_.monotonic + config_.header_timeout};
      } else if (auto* reading = in<Server::ReadingHead>()) {
        bytes = bytes.subspan(read_head(*reading, bytes));
      } else if (auto* discarding = in<Server::DiscardingBody>()) {
        bytes = bytes.subspan(discard(*discarding, bytes));
      } else if (!in<Server::Ended>()) {
        break;  // an answer waits for room or for a reply
      }
    }
    return event.bytes.size() - bytes.size();
  }

  std::size_t on(const stream::PeerFinished&) {
    respond({});
    if (in<Server::LookingUp>() || in<Server::Responding>()) return 0;
    end();
    return 1;
  }

  std::size_t on(const stream::Reset&) {
    if (auto* responding = in<Server::Responding>()) report(*responding, Abandoned::reset);
    state_.phase_ = Server::Ended{};
    return 1;
  }

  std::size_t on(const Drain&) {
    state_.draining_ = true;
    if (in<Server::Idle>()) end();
    respond({});
    return 1;
  }

  std::size_t on(const Reply& reply) {
    if (auto* looking_up = in<Server::LookingUp>(); looking_up && looking_up->query == reply.id) {
      if (const auto* found = std::get_if<Found>(&reply.answer)) return found_file(*looking_up, *found);
      if (const auto* failure = std::get_if<LookupFailure>(&reply.answer)) return found_none(*looking_up, *failure);
    }
    if (auto* responding = in<Server::Responding>(); responding && responding->query == reply.id) {
      if (const auto* piece = std::get_if<Piece>(&reply.answer)) return got_piece(*responding, piece->bytes);
    }
    if (const auto* found = std::get_if<Found>(&reply.answer)) actions_.push(CloseFile{found->file});
    actions_.push(StaleReply{reply.id});
    return 1;
  }

  // Requests.

  std::size_t read_head(Server::ReadingHead& reading, Bytes bytes) {
    std::size_t taken = 0;
    const auto result = reading.scanner.scan(config_.head, bytes, taken);
    if (result == HeadScanner::Result::fault) {
      answer_unread(status_of(reading.scanner.fault()));
    } else if (!reading.head.append(bytes.first(taken))) {
      answer_unread(Status::service_unavailable);
    } else if (result == HeadScanner::Result::complete) {
      Server::Request request;
      request.head = std::move(reading.head);
      head_complete(std::move(request));
    }
    return taken;
  }

  static Status status_of(HeadFault fault) {
    switch (fault) {
      case HeadFault::bad_byte:
        return Status::bad_request;
      case HeadFault::start_line_too_long:
        return Status::uri_too_long;
      case HeadFault::head_too_large:
      case HeadFault::too_many_fields:
        return Status::request_header_fields_too_large;
    }
    return Status::bad_request;
  }

  void head_complete(Server::Request request) {
    const auto head = parse_request(request.head_bytes());
    if (!head) return answer(std::move(request), head.error().status, true);
    // RFC 9110, section 10.1.1: without a 100 the client may send its content or leave it out, so where the next
    // request begins is unknown after an answer: the connection ends.
    const auto* length = std::get_if<std::uint64_t>(&head->body);
    if ((length != nullptr && *length == 0) || head->expects_continue) return look_up(std::move(request));
    if (length != nullptr && *length > config_.largest_discarded_body) {
      return answer(std::move(request), Status::content_too_large, true);
    }
    Server::DiscardingBody discarding{
        {}, std::uint64_t{0}, config_.largest_discarded_body, now_.monotonic + config_.header_timeout};
    if (length != nullptr) {
      discarding.rest = *length;
    } else {
      discarding.rest = ChunkedDecoder{};
    }
    discarding.request = std::move(request);
    state_.phase_ = std::move(discarding);
  }

  std::size_t discard(Server::DiscardingBody& discarding, Bytes bytes) {
    if (auto* left = std::get_if<std::uint64_t>(&discarding.rest)) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(*left, bytes.size()));
      *left -= n;
      if (*left == 0) look_up(std::move(discarding.request));
      return n;
    }
    std::size_t taken = 0;
    Bytes content;
    switch (std::get<ChunkedDecoder>(discarding.rest).decode(bytes, taken, content)) {
      case ChunkedDecoder::Result::incomplete:
        break;
      case ChunkedDecoder::Result::content:
        if (content.size() > discarding.allowance) {
          answer(std::move(discarding.request), Status::content_too_large, true);
        } else {
          discarding.allowance -= static_cast<std::uint32_t>(content.size());
        }
        break;
      case ChunkedDecoder::Result::complete:
        look_up(std::move(discarding.request));
        break;
      case ChunkedDecoder::Result::fault:
        answer(std::move(discarding.request), Status::bad_request, true);
        break;
    }
    return taken;
  }

  // The request was read whole: finds out what it asks for.
  void look_up(Server::Request request) {
    const auto head = parse_request(request.head_bytes());
    if (!head) return answer(std::move(request), head.error().status, true);
    if (head->method == Method::other) return answer(std::move(request), Status::not_implemented, false);
    const bool reads = head->method == Method::get || head->method == Method::head;
    if (config_.https_port != 0 && head->path.starts_with('/')) {
      if (redirectable_host(*head).empty()) return answer(std::move(request), Status::bad_request, false);
      // RFC 9110, section 15.4.9: unlike 301, 308 "does not allow changing the request method from POST to GET".
      return answer(std::move(request), reads ? Status::moved_permanently : Status::permanent_redirect, false);
    }
    if (head->method == Method::options) return answer(std::move(request), Status::no_content, false);
    if (!reads) return answer(std::move(request), Status::method_not_allowed, false);
    request.coding = coding_after(*head, {});
    ask_for_file(std::move(request));
  }

  void ask_for_file(Server::Request request) {
    if (!request.derive_path(budget_)) return answer(std::move(request), Status::service_unavailable, true);
    if (request.path.empty()) return answer(std::move(request), Status::bad_request, false);
    if (is_hidden(request.path_text())) return answer(std::move(request), Status::not_found, false);
    if (request.coding != ContentCoding::identity && !is_compressible(media_type(base_path(request)))) {
      request.coding = ContentCoding::identity;
      return ask_for_file(std::move(request));
    }
    state_.phase_ = Server::LookingUp{std::move(request), next_query(), new_pace()};
  }

  // In which form to look for the file next, behind `tried`.
  static ContentCoding coding_after(const RequestHead& head, std::optional<ContentCoding> tried) {
    bool next = !tried;
    for (const ContentCoding coding : preferred_codings(head.fields)) {
      if (next) return coding;
      next = coding == *tried;
    }
    return ContentCoding::identity;
  }

  static std::string_view base_path(const Server::Request& request) {
    const std::string_view path = request.path_text();
    return first(path, path.size() - suffix(request.coding).size());
  }

  QueryId next_query() { return state_.last_query_ = {state_.last_query_.value + 1}; }

  // Answers.

  void answer(Server::Request request, Status status, bool close, std::optional<Found> file = {}) {
    const auto head = parse_request(request.head_bytes());
    if (!head || !head->keep_alive || state_.draining_) close = true;
    if (head && head->expects_continue && head->body != BodyFraming(std::uint64_t{0})) close = true;
    Server::Responding responding;
    responding.request = std::move(request);
    responding.status = status;
    responding.close = close;
    responding.date = now_.wall;
    responding.file = file;
    responding.pace = new_pace();
    state_.phase_ = std::move(responding);
    respond({});
  }

  // Without what was read of the request: it is not a head, or there was no memory for it.
  void answer_unread(Status status) { answer({}, status, true); }

  std::size_t found_file(Server::LookingUp& looking_up, const Found& found) {
    const auto head = parse_request(looking_up.request.head_bytes());
    const Status status =
        head ? evaluate_conditions(*head, found, looking_up.request.coding, now_.wall) : Status::internal_server_error;
    answer(std::move(looking_up.request), status, false, found);
    return 1;
  }

  std::size_t found_none(Server::LookingUp& looking_up, LookupFailure failure) {
    Server::Request request = std::move(looking_up.request);
    const auto head = parse_request(request.head_bytes());
    // That another form of it cannot be had is no failure.
    if (request.coding != ContentCoding::identity && head) {
      request.coding = coding_after(*head, request.coding);
      ask_for_file(std::move(request));
      return 1;
    }
    if (failure == LookupFailure::not_found && config_.list_folders && !request.listing && names_folder(*head)) {
      request.listing = true;
      ask_for_file(std::move(request));
      return 1;
    }
    const auto status = [&] {
      switch (failure) {
        case LookupFailure::not_found:
          return Status::not_found;
        case LookupFailure::is_directory:
          return Status::moved_permanently;
        case LookupFailure::forbidden:
          return Status::forbidden;
        case LookupFailure::failed:
          return Status::internal_server_error;
      }
      return Status::internal_server_error;
    }();
    answer(std::move(request), status, false);
    return 1;
  }

  static bool names_folder(const RequestHead& head) { return head.path.ends_with('/'); }

  std::size_t got_piece(Server::Responding& responding, Bytes bytes) {
    responding.query.reset();
    if (!bytes.empty()) {
      respond(bytes.first(std::min<std::size_t>(bytes.size(), responding.asked)));
    } else if (responding.sent == 0) {
      actions_.push(CloseFile{responding.file->file});
      responding.file.reset();
      responding.status = Status::internal_server_error;
      respond({});
    } else {
      report(responding, Abandoned::file_changed);
      abort();
    }
    return 1;
  }

  AnswerFacts facts_of(const Server::Responding& responding) const {
    AnswerFacts facts = responding.facts();
    facts.server_name = config_.server_name;
    facts.https_port = config_.https_port;
    return facts;
  }

  // Sends of the answer under way, if there is one, what the room takes; `piece` is what comes next of its file.
  void respond(Bytes piece) {
    auto* responding = in<Server::Responding>();
    if (responding == nullptr || responding->query) return;
    const AnswerFacts facts = facts_of(*responding);
    const AnswerText text(facts);
    for (;; next_part(*responding), piece = {}) {
      const std::uint64_t content = text.content(responding->part).size;
      // The head waits for the first piece: they travel together, and if there is none, it can still say so.
      const bool waits = responding->sent == 0 && content > 0 && piece.empty();
      if (!responding->text_done && !waits) piece = send_text(*responding, text, piece);
      if (responding->text_done) {
        piece = piece.first(std::min(piece.size(), credit_));
        send(*responding, piece);
        responding->file_sent += piece.size();
      }
      if (!responding->text_done || responding->file_sent < content) {
        if (credit_ > 0 && (responding->text_done || waits)) ask_for_piece(*responding, content);
        return;
      }
      if (responding->part + 1 == text.parts()) return complete(*responding, text);
    }
  }

  static void next_part(Server::Responding& responding) {
    ++responding.part;
    responding.text_sent = responding.file_sent = 0;
    responding.text_done = false;
  }

  void ask_for_piece(Server::Responding& responding, std::uint64_t content) {
    responding.query = next_query();
    // As much as this step's room took: the next one will be about as large.
    const std::uint64_t most =
        std::min<std::uint64_t>(config_.largest_piece, std::max<std::size_t>(room_.size(), least_asked));
    responding.asked = static_cast<std::uint32_t>(std::min(content - responding.file_sent, most));
  }

  // Returns what is left of `piece`.
  Bytes send_text(Server::Responding& responding, const AnswerText& text, Bytes piece) {
    const MutableBytes room = room_.first(credit_);
    WindowWriter out(responding.text_sent, room);
    text.emit(responding.part, out);
    std::size_t size = out.written();
    responding.text_sent += size;
    responding.text_done = responding.text_sent == out.total();
    if (responding.text_done) {
      const Bytes copied = piece.first(std::min({piece.size(), copied_behind_head, room.size() - size}));
      copy(copied, room.subspan(size));
      size += copied.size();
      responding.file_sent += copied.size();
      piece = piece.subspan(copied.size());
    }
    send(responding, room.first(size));
    room_ = room_.subspan(size);
    return piece;
  }

  void send(Server::Responding& responding, Bytes bytes) {
    if (bytes.empty()) return;
    actions_.push(stream::Send{bytes});
    credit_ -= bytes.size();
    responding.pace.sent += bytes.size();
    responding.sent += bytes.size();
  }

  void complete(Server::Responding& responding, const AnswerText& text) {
    report(responding, text, Abandoned::no);
    if (responding.close || state_.draining_) return end();
    state_.phase_ = Server::Idle{now_.monotonic + config_.idle_timeout};
  }

  void report(const Server::Responding& responding, Abandoned abandoned) {
    const AnswerFacts facts = facts_of(responding);
    report(responding, AnswerText(facts), abandoned);
  }

  void report(const Server::Responding& responding, const AnswerText& text, Abandoned abandoned) {
    if (responding.file) actions_.push(CloseFile{responding.file->file});
    RequestServed served;
    served.status = responding.status;
    served.abandoned = abandoned;
    if (const auto& head = text.request()) {
      served.method = head->method;
      served.minor_version = static_cast<std::uint8_t>(head->minor_version);
      served.method_name = decltype(served.method_name)(head->method_name);
      served.target = decltype(served.target)(head->target);
      served.referer = decltype(served.referer)(head->fields.only("referer").value_or(""));
      served.user_agent = decltype(served.user_agent)(head->fields.only("user-agent").value_or(""));
    }
    if (responding.status == Status::ok) {
      served.body_bytes = responding.file_sent;
    } else {
      // The head's length is known from emitting it alone.
      const std::uint64_t head_size = text.head_size();
      served.body_bytes = responding.sent > head_size ? responding.sent - head_size : 0;
    }
    actions_.push(served);
  }

  void end() {
    if (in<Server::Ended>()) return;
    actions_.push(stream::Finish{});
    state_.phase_ = Server::Ended{};
  }

  void abort() {
    actions_.push(stream::Abort{});
    state_.phase_ = Server::Ended{};
  }

  const Server::Config& config_;
  Server& state_;
  Time now_;
  Budget& budget_;
  MutableBytes room_;
  std::size_t credit_ = 0;
  ActionList<Action> actions_;
  bool more_ = false;
};

Progress<Server::Action> Server::advance(const Config& config, Server& state, Time now, const Event& event,
                                         const Room<Action>& room) {
  ServerStep step(config, state, now, room);
  return room.actions.size() < least_room.actions ? step.refuse() : step.take(event);
}

Wants Server::wants() const {
  if (std::holds_alternative<Ended>(phase_)) return Wants::nothing;
  if (std::holds_alternative<LookingUp>(phase_)) return Wants::reply;
  const auto* responding = std::get_if<Responding>(&phase_);
  if (responding == nullptr) return Wants::event;
  return responding->query ? Wants::reply : Wants::room;
}

std::optional<Instant> Server::deadline() const {
  return std::visit(Overloaded{
                        [](const Idle& idle) { return idle.deadline; },
                        [](const ReadingHead& reading) { return std::optional(reading.deadline); },
                        [](const DiscardingBody& discarding) { return std::optional(discarding.deadline); },
                        [](const LookingUp& looking_up) { return std::optional(looking_up.pace.deadline); },
                        [](const Responding& responding) { return std::optional(responding.pace.deadline); },
                        [](const Ended&) { return std::optional<Instant>(); },
                    },
                    phase_);
}

std::optional<Server::Query> Server::pending() const {
  if (const auto* looking_up = std::get_if<LookingUp>(&phase_)) {
    return Lookup{looking_up->query, looking_up->request.path_text()};
  }
  const auto* responding = std::get_if<Responding>(&phase_);
  if (responding == nullptr || !responding->query) return {};
  const Found& file = *responding->file;
  const AnswerFacts facts = responding->facts();
  const ByteRange content = AnswerText(facts).content(responding->part);
  return ReadFile{.id = *responding->query,
                  .file = file.file,
                  .offset = content.offset + responding->file_sent,
                  .room = responding->asked,
                  .path = responding->request.path_text(),
                  .size = file.size,
                  .version = file.version};
}

}  // namespace limpid::http
