// One TCP connection as a machine (RFC 9293). No IP, no table, no clock: it is told segments and what the application
// does, and answers with segments to send and with what the peer said.
//
//   - Segments leave only at Flush, which is offered again until it is consumed: a step emits a bounded burst and says
//     `more` while there is more to send at once. needs_flush() tells whether a Flush would do something.
//   - Write, Commit, Consumed, Finish, Abort, PathMtu, PinsDone, MemoryPressure give no actions and need no slots: what
//     they cause comes with the next Flush. (With slots lent, what is due by then is reported as in any step.)
//   - Received is given at once, in order, whether or not the application can consume it: what it did not consume the
//     owner keeps, and it counts against the receive window until Consumed says otherwise. A segment that fills a gap
//     may bring more than one step delivers: then `more` is said, and Tick goes on.
//   - After Reset or Closed the machine wants nothing; drop it. (With pins, first wait until lent() is false.)
#pragma once

#include <variant>

#include "limpid/core/snapshot.hpp"
#include "limpid/tcpip/tcp/config.hpp"
#include "limpid/tcpip/tcp/send_buffer.hpp"
#include "limpid/tcpip/tcp/synchronized.hpp"
#include "limpid/tcpip/tcp/vocabulary.hpp"

namespace limpid::tcpip::tcp {

class Connection {
 public:
  using Config = tcp::Config;
  using Event = std::variant<Tick, Connect, Accept, AcceptCookie, SegmentArrived, Write, Commit, Consumed, Finish,
                             Abort, Flush, PathMtu, Unreachable, PinsDone, MemoryPressure>;
  using Action = std::variant<Emit, Established, stream::Received, Writable, stream::PeerFinished, stream::Reset,
                              Closed, SegmentIgnored>;

  static constexpr LeastRoom least_room{.bytes = 0, .actions = 8, .input = 0};
  static constexpr SnapshotKind snapshot_kind{"tcpc", 1};

  static Progress<Action> advance(const Config& config, Connection& state, Time now, const Event& event,
                                  const Room<Action>& room);
  std::optional<std::monostate> pending() const { return {}; }  // it asks nothing

  // Contiguous room at the end of what is to be sent, for Commit; at most n bytes, fewer or none if the send buffer or
  // the budget has no more (then Writable follows when it has), or if nothing can be written in this state. Valid until
  // the next step or reserve.
  MutableBytes reserve(const Config& config, std::size_t n, Budget& budget);
  std::size_t writable(
      const Config& config) const;  // how many bytes reserve() and Write would take now, memory granted
  // How many bytes of what was written the peer has yet to acknowledge.
  std::size_t unacknowledged() const { return send_.size(); }
  bool needs_flush() const { return flush_due_; }
  std::optional<Instant> deadline() const;
  // Chunks are lent to the device: PinsDone is awaited.
  bool lent() const { return send_.lent(); }

  // For those who look in from outside: nothing while the ends do not know each other.
  const Synchronized* synchronized() const { return std::get_if<Synchronized>(&phase_); }
  // RFC 9293's name of the state; CLOSED before the first event and at the end.
  std::string_view state_name() const;
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) { visit(self.phase_, self.send_, self.last_seen_, self.flush_due_); }
  bool restored(const LoadContext& context) const;

 private:
  struct Fresh {
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct SynSent {
    Birth birth;
    Instant born{};
    Instant sent_at{};
    Instant retransmit_at{};
    std::uint8_t retries = 0;
    bool syn_due = true;
    std::optional<wire::SeqNumber> reset_due{};  // for an ACK of what was never sent
    static void fields(auto& self, auto&& visit) {
      visit(self.birth, self.born, self.sent_at, self.retransmit_at, self.retries, self.syn_due, self.reset_due);
    }
    bool restored(const LoadContext& context) const;
  };
  struct SynReceived {
    Birth birth;
    Instant born{};
    Instant sent_at{};
    Instant retransmit_at{};
    std::uint8_t retries = 0;
    bool syn_due = true;
    bool ack_due = false;
    bool finish = false;
    wire::SeqNumber irs = 0;
    std::uint32_t ts_recent = 0;
    Negotiated negotiated;
    std::optional<wire::SeqNumber> reset_due{};
    static void fields(auto& self, auto&& visit) {
      visit(self.birth, self.born, self.sent_at, self.retransmit_at, self.retries, self.syn_due, self.ack_due,
            self.finish, self.irs, self.ts_recent, self.negotiated, self.reset_due);
    }
    bool restored(const LoadContext& context) const;
  };
  // Closed by the application before or against order: the RST, if one is due, and Closed come with the next Flush.
  struct Aborted {
    std::optional<wire::TcpHeader> reset{};
    static void fields(auto& self, auto&& visit) { visit(self.reset); }
  };
  struct Ended {
    static void fields(auto&, auto&& visit) { visit(); }
  };

  friend class ConnectionStep;

  std::variant<Fresh, SynSent, SynReceived, Synchronized, Aborted, Ended> phase_;
  SendBuffer send_;
  Instant last_seen_{};
  bool flush_due_ = false;
};

}  // namespace limpid::tcpip::tcp
