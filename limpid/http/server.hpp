// An HTTP/1.1 server for one connection that serves files (RFC 9110, RFC 9112). It sees plaintext: stack::Server puts
// it onto a byte stream, with TLS or without.
//
// GET, HEAD and OPTIONS, one request after the other: what was received behind a request is consumed when its answer is
// complete. Where the peer accepts it, a file that lies compressed beside the one asked for is sent instead (".br",
// ".gz"). Files and folders whose names begin with a dot are not there, except below /.well-known/.
#pragma once

#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/http/chunked.hpp"
#include "limpid/http/content_coding.hpp"
#include "limpid/http/files.hpp"
#include "limpid/http/head_scanner.hpp"
#include "limpid/http/request.hpp"
#include "limpid/http/status.hpp"

namespace limpid::http {

// Event: finish the answer under way, then end. (The driver was asked to stop.)
struct Drain {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Why an exchange did not come to its end.
enum class Abandoned : std::uint8_t {
  no,
  file_changed,  // a piece of it could not be read: the length that was promised cannot be kept
  stalled,       // the peer took less than Config::least_progress in Config::progress_interval
  reset,         // the connection was gone
};
constexpr bool is_valid(Abandoned why) { return why <= Abandoned::reset; }

// The front of a text that a peer sent.
template <std::size_t N>
using Excerpt = InlineList<char, N>;

// Action: one exchange is over. For access logs and counters.
struct RequestServed {
  Method method = Method::other;
  Status status = Status::bad_request;
  Abandoned abandoned = Abandoned::no;
  std::uint8_t minor_version = 1;
  std::uint64_t body_bytes = 0;  // of the answer's content, handed out for sending
  Excerpt<16> method_name;       // a token; empty, as all that follows, if no head could be read
  Excerpt<255> target;           // visible ASCII
  Excerpt<127> referer;          // any bytes but control characters other than HTAB
  Excerpt<127> user_agent;
  static void fields(auto& self, auto&& visit) {
    visit(self.method, self.status, self.abandoned, self.minor_version, self.body_bytes, self.method_name, self.target,
          self.referer, self.user_agent);
  }
};

struct AnswerFacts;

class Server {
 public:
  struct Config {
    std::string_view server_name = "limpid";       // of the Server field; outlives the configuration
    HeadLimits head{};                             // beyond them: 414, 431
    std::uint32_t largest_discarded_body = 65536;  // content of a request that is read and ignored; beyond: 413
    std::uint32_t largest_piece = 65536;           // asked for at once
    Duration header_timeout = seconds(10);  // from the first byte of a request to the end of its head and content
    Duration idle_timeout = seconds(60);    // from the start or the end of an answer to the next request's first byte
    Duration progress_interval = seconds(30);  // during an answer: in every such interval
    // so many bytes are taken, or the connection is aborted: who takes less than 1 KiB/s for long would hold what an
    // answer costs for as long as he likes
    std::uint32_t least_progress = 30 * 1024;
    bool list_folders = false;     // that have no index.html; otherwise they are not found
    std::uint16_t https_port = 0;  // not 0: every request is answered by a redirect to this port, with https
    static void fields(auto& self, auto&& visit) {
      visit(self.server_name, self.head.start_line, self.head.head, self.head.fields, self.largest_discarded_body,
            self.largest_piece, self.header_timeout, self.idle_timeout, self.progress_interval, self.least_progress,
            self.list_folders, self.https_port);
    }
  };

  using Event = std::variant<Tick, stream::Received, stream::PeerFinished, stream::Reset, Drain, Reply>;
  using Action = std::variant<stream::Send, stream::Finish, stream::Abort, CloseFile, RequestServed, StaleReply>;
  using Query = std::variant<Lookup, ReadFile>;

  static constexpr LeastRoom least_room{.bytes = 1, .actions = 6, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"hsrv", 2};
  // Bytes owned with the default limits: a head that grew by doubling while it moved, and the path from it.
  static constexpr std::size_t max_footprint = 3 * HeadLimits{}.head + HeadLimits{}.start_line + 64;

  // Send's bytes are in the room or in the Piece replied; together they are never more than room.bytes.size(), which is
  // the credit. A Piece larger than what the room takes is asked for again from where it was cut. Without action slots
  // enough (least_room) nothing happens. After Finish or Abort the machine has ended and ignores every event.
  static Progress<Action> advance(const Config& config, Server& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<Query> pending() const;
  // What the last step's Progress said, as far as it follows from the state.
  Wants wants() const;
  std::optional<Instant> deadline() const;

  // Nothing has been received since the last answer, and none is being made.
  bool idle() const { return std::holds_alternative<Idle>(phase_); }
  // A part of a request has been received.
  bool receiving() const {
    return std::holds_alternative<ReadingHead>(phase_) || std::holds_alternative<DiscardingBody>(phase_);
  }
  bool ended() const { return std::holds_alternative<Ended>(phase_); }

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) {
    visit(self.phase_, self.last_seen_, self.last_query_, self.draining_);
  }

 private:
  // A request whose head is complete. The head is kept as it came; what it says is parsed again where it is needed.
  struct Request {
    Buffer head;                                     // empty if it could not be read
    ContentCoding coding = ContentCoding::identity;  // the form of the file that is meant
    bool listing = false;                            // or, if it is a folder, the page that lists it
    Buffer path;                                     // of the file to look up, derived; empty if there is none
    static void fields(auto& self, auto&& visit) { visit(self.head, self.coding, self.listing); }
    bool restored(const LoadContext& context) { return derive_path(context.budget); }
    bool derive_path(Budget& budget);  // false only if memory is refused
    std::string_view path_text() const { return as_text({path.data(), path.size()}); }
    Bytes head_bytes() const { return {head.data(), head.size()}; }
  };

  // How fast the peer takes an answer.
  struct Pace {
    Instant deadline;        // end of the current interval
    std::uint64_t sent = 0;  // in it
    static void fields(auto& self, auto&& visit) { visit(self.deadline, self.sent); }
  };

  struct Idle {
    std::optional<Instant> deadline;  // none before the first step
    static void fields(auto& self, auto&& visit) { visit(self.deadline); }
  };
  struct ReadingHead {
    HeadScanner scanner;  // where it stands behind `head`
    Buffer head;
    Instant deadline;
    static void fields(auto& self, auto&& visit) { visit(self.head, self.deadline); }
    bool restored(const LoadContext&);
  };
  struct DiscardingBody {
    Request request;
    std::variant<std::uint64_t, ChunkedDecoder> rest;  // bytes still to come, or chunks
    std::uint32_t allowance = 0;                       // of content that may still come
    Instant deadline;
    static void fields(auto& self, auto&& visit) { visit(self.request, self.rest, self.allowance, self.deadline); }
  };
  struct LookingUp {
    Request request;
    QueryId query;
    Pace pace;
    static void fields(auto& self, auto&& visit) { visit(self.request, self.query, self.pace); }
    bool restored(const LoadContext&) const { return !request.path.empty(); }
  };
  struct Responding {
    Request request;
    Status status = Status::ok;
    bool close = false;            // the connection ends after this answer
    UnixTime date;                 // when the answer began
    std::optional<Found> file;     // open until the answer is over
    std::uint32_t part = 0;        // of the answer (AnswerText), which is being sent
    std::uint64_t text_sent = 0;   // of its text
    bool text_done = false;        // all of it
    std::uint64_t file_sent = 0;   // of its piece of the file
    std::uint64_t sent = 0;        // of all parts
    std::optional<QueryId> query;  // open: the next piece
    std::uint32_t asked = 0;       // its room
    Pace pace;
    AnswerFacts facts() const;  // without what the configuration says
    static void fields(auto& self, auto&& visit) {
      visit(self.request, self.status, self.close, self.date, self.file, self.part, self.text_sent, self.text_done,
            self.file_sent, self.sent, self.query, self.asked, self.pace);
    }
    bool restored(const LoadContext&) const;
  };
  struct Ended {
    static void fields(auto&, auto&& visit) { visit(); }
  };

  friend class ServerStep;

  std::variant<Idle, ReadingHead, DiscardingBody, LookingUp, Responding, Ended> phase_;
  Instant last_seen_;
  QueryId last_query_;
  bool draining_ = false;
};

}  // namespace limpid::http
