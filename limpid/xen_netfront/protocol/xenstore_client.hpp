// A client of xenstore over its ring, as a machine. Every request gets exactly one answer, under the token that its
// asker chose. Whoever drives it moves bytes: what `stream::Send` holds goes into the request ring, what the response
// ring holds comes as `stream::Received`, and RingRoom says how much the request ring takes.
#pragma once

#include <array>

#include "limpid/core/inline_list.hpp"
#include "limpid/core/machine.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/xen_netfront/protocol/xenstore_message.hpp"

namespace limpid::xen_netfront::xenstore {

enum class Operation : std::uint8_t {
  read,            // answered with the value
  list,            // answered with the names below, each with a zero byte behind it
  write,           // `value`
  make_directory,  // fine if it is there already
  remove,
  watch,    // Fired{token, ...} once at once, and whenever something at or below the path changes
  unwatch,  // with the token of the watch
};
constexpr bool is_valid(Operation operation) { return operation <= Operation::unwatch; }

// Event: ask the store. A path that does not begin with '/' lies below the domain's own. No path holds a zero byte.
struct Request {
  std::uint32_t token = 0;
  Operation operation{};
  std::string_view path;
  Bytes value;  // of write
  static void fields(auto& self, auto&& visit) { visit(self.token, self.operation, self.path, self.value); }
};

struct Assignment {
  std::string_view path;
  Bytes value;
  friend bool operator==(const Assignment&, const Assignment&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.path, self.value); }
};

// Event: write all of these or none, in one transaction, which is tried again while another one comes in between. One
// at a time; a second is answered `busy`.
struct Publish {
  static constexpr std::size_t most = 16;
  std::uint32_t token = 0;
  InlineList<Assignment, most> assignments;
  static void fields(auto& self, auto&& visit) { visit(self.token, self.assignments); }
};

// Event: the request ring takes so many bytes more, counted from what was sent so far.
struct RingRoom {
  std::uint32_t bytes = 0;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// Event: the connection begins anew, both rings empty. Everything open is answered `connection_lost`; watches are gone.
struct ConnectionReset {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Action.
struct Answer {
  std::uint32_t token = 0;
  Status status{};
  Bytes value{};  // in the room
  static void fields(auto& self, auto&& visit) { visit(self.token, self.status, self.value); }
};

// Action: something changed at a path. There may be more firings than changes, and one for several.
struct Fired {
  std::uint32_t token = 0;
  std::string_view path;  // in the room
  static void fields(auto& self, auto&& visit) { visit(self.token, self.path); }
};

// Action: the store sent what is no message, so nobody knows where the next one begins. Everything open is answered
// `connection_lost`; only ConnectionReset helps.
struct Failed {
  static void fields(auto&, auto&& visit) { visit(); }
};

// A request that was sent.
struct OpenRequest {
  std::uint32_t request_id = 0;
  std::uint32_t token = 0;
  MessageType type{};
  bool of_publication = false;
  friend bool operator==(const OpenRequest&, const OpenRequest&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.request_id, self.token, self.type, self.of_publication); }
};

// A transaction under way.
struct Publication {
  static constexpr std::size_t largest = 4096;
  std::uint32_t token = 0;
  std::uint32_t transaction_id = 0;
  std::uint8_t attempts = 0;
  std::uint8_t awaited = 0;    // answers to writes
  bool end_due = false;        // all writes are answered
  Status status = Status::ok;  // of the first write that failed
  Buffer assignments;          // each: payload length in 2 bytes, payload
  static void fields(auto& self, auto&& visit) {
    visit(self.token, self.transaction_id, self.attempts, self.awaited, self.end_due, self.status, self.assignments);
  }
  bool restored(const LoadContext& context) const;
};

class Client {
 public:
  struct Config {
    std::uint8_t transaction_attempts = 16;
    static void fields(auto& self, auto&& visit) { visit(self.transaction_attempts); }
  };

  using Event = std::variant<Tick, Request, Publish, stream::Received, RingRoom, ConnectionReset>;
  using Action = std::variant<stream::Send, Answer, Fired, Failed>;

  static constexpr std::size_t most_open = 32;
  static constexpr std::size_t most_unsent = 8192;  // bytes
  static constexpr std::size_t largest_publication = Publication::largest;
  static constexpr LeastRoom least_room{.bytes = largest_payload + 256, .actions = 4, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"xens", 1};
  // What is unsent, an answer that is not all there, what a transaction writes; each while it grows.
  static constexpr std::size_t max_footprint = 2 * (most_unsent + largest_payload + largest_publication);

  static Progress<Action> advance(const Config& config, Client& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<std::variant<std::monostate>> pending() const { return {}; }
  std::optional<Instant> deadline() const { return {}; }

  bool failed() const { return failed_; }
  std::size_t open() const { return open_.size(); }         // requests without an answer
  std::size_t unsent() const { return unsent_.size(); }     // bytes that wait for room in the ring
  std::uint32_t stray_messages() const { return strays_; }  // that answered nothing, or told of no watch

  static void fields(auto& self, auto&& visit) {
    visit(self.open_, self.orphans_, self.last_request_, self.unsent_, self.ring_room_, self.header_, self.header_held_,
          self.payload_, self.payload_lost_, self.publication_, self.failed_, self.strays_);
  }
  bool restored(const LoadContext& context) const;

 private:
  using OpenList = InlineList<OpenRequest, most_open>;

  friend class ClientStep;

  OpenList open_;
  InlineList<std::uint32_t, most_open + 1> orphans_;  // tokens still to be answered `connection_lost`
  std::uint32_t last_request_ = 0;
  Buffer unsent_;
  std::uint32_t ring_room_ = 0;
  std::array<Byte, header_size> header_{};
  std::uint8_t header_held_ = 0;
  Buffer payload_;                  // as far as it is there
  std::uint32_t payload_lost_ = 0;  // of a message for which there was no memory: bytes skipped
  std::optional<Publication> publication_;
  bool failed_ = false;
  std::uint32_t strays_ = 0;
};

}  // namespace limpid::xen_netfront::xenstore
