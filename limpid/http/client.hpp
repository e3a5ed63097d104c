// An HTTP/1.1 client for one request (RFC 9110, RFC 9112). It sees plaintext: stack::Client puts it onto a byte stream.
#pragma once

#include "limpid/core/machine.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/http/chunked.hpp"
#include "limpid/http/head_scanner.hpp"
#include "limpid/http/response.hpp"

namespace limpid::http {

// Event: ask for `target` (origin-form, such as "/a?b") of `host` (with ":port" unless it is the scheme's own).
// `header_lines` are more, each ended by CRLF; one named Host, User-Agent or Accept takes the place of ours. A second
// one is ignored.
struct Fetch {
  Method method = Method::get;  // get or head
  Bytes target, host, header_lines;
  static void fields(auto& self, auto&& visit) { visit(self.method, self.target, self.host, self.header_lines); }
};

// Event: the stream ended, but perhaps not where the peer ended it (TLS without close_notify).
struct Truncated {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Action: the head of the final answer is complete. Client::head() shows it.
struct HeadReceived {
  std::uint16_t status = 0;
  static void fields(auto& self, auto&& visit) { visit(self.status); }
};

// Action: content. A view into the bytes received.
struct BodyReceived {
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// Action: the answer is complete.
struct Done {
  // Nothing but the orderly end of the connection said so: without TLS, an attacker could have made it.
  bool ended_by_close = false;
  static void fields(auto& self, auto&& visit) { visit(self.ended_by_close); }
};

enum class FetchFault : std::uint8_t {
  malformed_request,  // a target, host or field that would break the head
  malformed_head,     // see ResponseFault
  head_too_large,
  too_many_interim_answers,
  switched_protocols,  // 101, which nobody asked for
  malformed_chunk,
  truncated,  // the end came before the answer was complete
  reset,
  out_of_memory,
};
constexpr bool is_valid(FetchFault fault) { return fault <= FetchFault::out_of_memory; }
std::string_view describe(FetchFault fault);

// Action: there will be no complete answer; nothing follows.
struct FetchFailed {
  FetchFault fault{};
  ResponseFault response{};  // for malformed_head
  static void fields(auto& self, auto&& visit) { visit(self.fault, self.response); }
};

class Client {
 public:
  struct Config {
    std::string_view user_agent = "limpid";  // outlives the configuration
    HeadLimits head{.start_line = 8192, .head = 32768, .fields = 200};
    std::uint32_t interim_answers = 8;
    std::uint32_t largest_request = 16384;
    static void fields(auto& self, auto&& visit) {
      visit(self.user_agent, self.head.start_line, self.head.head, self.head.fields, self.interim_answers,
            self.largest_request);
    }
  };

  using Event = std::variant<Tick, Fetch, stream::Received, stream::PeerFinished, Truncated, stream::Reset>;
  using Action = std::variant<stream::Send, HeadReceived, BodyReceived, Done, FetchFailed>;

  static constexpr LeastRoom least_room{.bytes = 1, .actions = 4, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"hcli", 1};

  // All that is received is consumed; chunks are joined in place. What comes before Fetch, or behind the answer, is
  // discarded.
  static Progress<Action> advance(const Config& config, Client& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<std::variant<std::monostate>> pending() const { return {}; }

  // The head of the final answer as it came; empty before HeadReceived.
  Bytes head() const;
  bool ended() const { return std::holds_alternative<Ended>(phase_); }
  Wants wants() const;

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) { visit(self.phase_); }

 private:
  struct Idle {
    static void fields(auto&, auto&& visit) { visit(); }
  };
  // Sending the request and reading the head of its answer, which may come before all of it is sent.
  struct Asking {
    Method method = Method::get;
    Buffer request;
    std::uint32_t sent = 0;
    HeadScanner scanner;  // where it stands behind `head`
    Buffer head;
    std::uint32_t interim_answers = 0;
    static void fields(auto& self, auto&& visit) {
      visit(self.method, self.request, self.sent, self.head, self.interim_answers);
    }
    bool restored(const LoadContext&);
  };
  struct Reading {
    Buffer head;
    std::variant<std::uint64_t, ChunkedDecoder, UntilClose> rest;  // of the content
    static void fields(auto& self, auto&& visit) { visit(self.head, self.rest); }
  };
  struct Ended {
    Buffer head;  // if it was complete
    static void fields(auto& self, auto&& visit) { visit(self.head); }
  };

  friend class ClientStep;

  std::variant<Idle, Asking, Reading, Ended> phase_;
};

}  // namespace limpid::http
