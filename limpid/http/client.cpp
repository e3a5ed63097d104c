#include "limpid/http/client.hpp"

namespace limpid::http {

std::string_view describe(FetchFault fault) {
  switch (fault) {
    case FetchFault::malformed_request:
      return "the target, host or header given cannot stand in a request";
    case FetchFault::malformed_head:
      return "the head of the answer is malformed";
    case FetchFault::head_too_large:
      return "the head of the answer is too large";
    case FetchFault::too_many_interim_answers:
      return "the server sends interim answers without end";
    case FetchFault::switched_protocols:
      return "the server switched to another protocol unasked";
    case FetchFault::malformed_chunk:
      return "the chunks of the answer are malformed";
    case FetchFault::truncated:
      return "the connection ended before the answer was complete";
    case FetchFault::reset:
      return "the connection was reset";
    case FetchFault::out_of_memory:
      return "there is no memory for the answer's head";
  }
  return "";
}

bool Client::Asking::restored(const LoadContext&) {
  constexpr HeadLimits none{UINT32_MAX, UINT32_MAX, UINT32_MAX};
  std::size_t taken = 0;
  scanner = {};
  return sent <= request.size() &&
         scanner.scan(none, {head.data(), head.size()}, taken) == HeadScanner::Result::incomplete;
}

// One step over one state.
class ClientStep {
 public:
  using Action = Client::Action;

  ClientStep(const Client::Config& config, Client& state, const Room<Action>& room)
      : config_(config), state_(state), room_(room), actions_(room.actions) {}

  Progress<Action> take(const Client::Event& event) {
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    send();
    return {consumed, actions_.all(), false, state_.wants()};
  }

 private:
  template <class Phase>
  Phase* in() {
    return std::get_if<Phase>(&state_.phase_);
  }

  std::size_t on(const Tick&) { return 1; }

  std::size_t on(const Fetch& fetch) {
    if (!in<Client::Idle>()) return 1;
    Client::Asking asking;
    asking.method = fetch.method;
    asking.request = Buffer(room_.budget);
    asking.head = Buffer(room_.budget);
    if (!is_sound(fetch)) {
      fail(FetchFault::malformed_request);
    } else if (!compose(fetch, asking.request)) {
      fail(FetchFault::out_of_memory);
    } else if (asking.request.size() > config_.largest_request) {
      fail(FetchFault::malformed_request);
    } else {
      state_.phase_ = std::move(asking);
    }
    return 1;
  }

  std::size_t on(const stream::Received& event) {
    MutableBytes bytes = event.bytes;
    if (auto* asking = in<Client::Asking>()) bytes = read_head(*asking, bytes);
    if (auto* reading = in<Client::Reading>()) read_content(*reading, bytes);
    return event.bytes.size();
  }

  std::size_t on(const stream::PeerFinished&) {
    const auto* reading = in<Client::Reading>();
    if (reading != nullptr && std::holds_alternative<UntilClose>(reading->rest)) {
      done(true);
    } else {
      fail(FetchFault::truncated);
    }
    return 1;
  }

  std::size_t on(const Truncated&) {
    fail(FetchFault::truncated);
    return 1;
  }

  std::size_t on(const stream::Reset&) {
    fail(FetchFault::reset);
    return 1;
  }

  // The request.

  // Nothing in it can end a line early, or begin another request.
  static bool is_sound(const Fetch& fetch) {
    if (fetch.method != Method::get && fetch.method != Method::head) return false;
    const auto visible = [](Bytes bytes) {
      for (const char c : as_text(bytes)) {
        if (!is_vchar(c)) return false;
      }
      return !bytes.empty();
    };
    if (!visible(fetch.target) || !visible(fetch.host) || fetch.target[0] != '/') return false;
    if (fetch.header_lines.empty()) return true;
    // The lines are a head without its start line: the same rules.
    HeadScanner scanner;
    std::size_t taken = 0;
    constexpr HeadLimits limits{UINT32_MAX, UINT32_MAX, 1000};
    const std::string_view lines = as_text(fetch.header_lines);
    return lines.ends_with("\r\n") &&
           scanner.scan(limits, fetch.header_lines, taken) == HeadScanner::Result::incomplete &&
           Fields(lines).well_formed();
  }

  bool compose(const Fetch& fetch, Buffer& request) {
    const Fields given(as_text(fetch.header_lines));
    Writer out(request);
    out.text(fetch.method == Method::head ? "HEAD " : "GET ");
    out.bytes(fetch.target);
    out.text(" HTTP/1.1\r\n");
    const auto field = [&](std::string_view name, std::string_view value) {
      if (given.count(name) > 0) return;
      out.text(name);
      out.text(": ");
      out.text(value);
      out.text("\r\n");
    };
    field("Host", as_text(fetch.host));
    field("User-Agent", config_.user_agent);
    field("Accept", "*/*");
    field("Connection", "close");
    out.bytes(fetch.header_lines);
    out.text("\r\n");
    return !out.failed();
  }

  void send() {
    auto* asking = in<Client::Asking>();
    if (asking == nullptr) return;
    const Bytes left = Bytes(asking->request.data(), asking->request.size()).subspan(asking->sent);
    const Bytes now = left.first(std::min(left.size(), room_.bytes.size()));
    if (now.empty()) return;
    actions_.push(stream::Send{copy(now, room_.bytes)});
    asking->sent += static_cast<std::uint32_t>(now.size());
  }

  // The answer.

  // Returns what lies behind the head; nothing if it is not complete.
  MutableBytes read_head(Client::Asking& asking, MutableBytes bytes) {
    while (!bytes.empty()) {
      std::size_t taken = 0;
      const auto result = asking.scanner.scan(config_.head, bytes, taken);
      if (result == HeadScanner::Result::fault) {
        fail_scan(asking.scanner.fault());
        return {};
      }
      if (!asking.head.append(bytes.first(taken))) {
        fail(FetchFault::out_of_memory);
        return {};
      }
      bytes = bytes.subspan(taken);
      if (result == HeadScanner::Result::complete && !head_complete(asking)) return bytes;
    }
    return {};
  }

  void fail_scan(HeadFault fault) {
    if (fault != HeadFault::bad_byte) return fail(FetchFault::head_too_large);
    fail(FetchFault::malformed_head, ResponseFault::malformed_field);
  }

  // Whether another head must follow.
  bool head_complete(Client::Asking& asking) {
    const auto head = parse_response({asking.head.data(), asking.head.size()}, asking.method);
    if (!head) {
      fail(FetchFault::malformed_head, head.error());
      return false;
    }
    if (head->status < 200) {
      // RFC 9110, section 15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final
      // response".
      if (head->status == 101) {
        fail(FetchFault::switched_protocols);
        return false;
      }
      if (++asking.interim_answers > config_.interim_answers) {
        fail(FetchFault::too_many_interim_answers);
        return false;
      }
      asking.scanner = {};
      asking.head.clear();
      return true;
    }
    actions_.push(HeadReceived{head->status});
    Client::Reading reading;
    reading.rest = std::visit(Overloaded{
                                  [](std::uint64_t length) -> decltype(reading.rest) { return length; },
                                  [](ChunkedBody) -> decltype(reading.rest) { return ChunkedDecoder{}; },
                                  [](UntilClose until) -> decltype(reading.rest) { return until; },
                              },
                              head->body);
    reading.head = std::move(asking.head);
    state_.phase_ = std::move(reading);
    return false;
  }

  void read_content(Client::Reading& reading, MutableBytes bytes) {
    if (auto* left = std::get_if<std::uint64_t>(&reading.rest)) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(*left, bytes.size()));
      deliver(bytes.first(n));
      *left -= n;
      if (*left == 0) done(false);
    } else if (auto* decoder = std::get_if<ChunkedDecoder>(&reading.rest)) {
      read_chunks(*decoder, bytes);
    } else {
      deliver(bytes);
    }
  }

  // Chunks are moved together in front, so that any number of them is one action.
  void read_chunks(ChunkedDecoder& decoder, MutableBytes bytes) {
    std::size_t joined = 0;
    MutableBytes rest = bytes;
    while (true) {
      std::size_t taken = 0;
      Bytes content;
      const auto result = decoder.decode(rest, taken, content);
      joined += copy(content, bytes.subspan(joined)).size();
      rest = rest.subspan(taken);
      if (result == ChunkedDecoder::Result::content) continue;
      deliver(bytes.first(joined));
      if (result == ChunkedDecoder::Result::complete) done(false);
      if (result == ChunkedDecoder::Result::fault) fail(FetchFault::malformed_chunk);
      return;
    }
  }

  void deliver(Bytes content) {
    if (!content.empty()) actions_.push(BodyReceived{content});
  }

  void done(bool ended_by_close) {
    actions_.push(Done{ended_by_close});
    end();
  }

  void end() {
    auto* reading = in<Client::Reading>();
    state_.phase_ = Client::Ended{reading != nullptr ? std::move(reading->head) : Buffer()};
  }

  void fail(FetchFault fault, ResponseFault response = {}) {
    if (in<Client::Ended>()) return;
    actions_.push(FetchFailed{fault, response});
    end();
  }

  const Client::Config& config_;
  Client& state_;
  const Room<Action>& room_;
  ActionList<Action> actions_;
};

Progress<Client::Action> Client::advance(const Config& config, Client& state, Time, const Event& event,
                                         const Room<Action>& room) {
  if (room.actions.size() < least_room.actions) return {0, {}, false, Wants::room};
  return ClientStep(config, state, room).take(event);
}

Bytes Client::head() const {
  if (const auto* reading = std::get_if<Reading>(&phase_)) return {reading->head.data(), reading->head.size()};
  if (const auto* ended = std::get_if<Ended>(&phase_)) return {ended->head.data(), ended->head.size()};
  return {};
}

Wants Client::wants() const {
  if (ended()) return Wants::nothing;
  const auto* asking = std::get_if<Asking>(&phase_);
  return asking != nullptr && asking->sent < asking->request.size() ? Wants::room : Wants::event;
}

}  // namespace limpid::http
