// One step over one connection: what connection.cpp, handshake.cpp, input.cpp, acknowledgment.cpp, timers.cpp and
// output.cpp share. Nobody else includes this.
#pragma once

#include "limpid/tcpip/tcp/connection.hpp"

namespace limpid::tcpip::tcp {

class ConnectionStep {
 public:
  using Action = Connection::Action;
  using SynSent = Connection::SynSent;
  using SynReceived = Connection::SynReceived;
  using Aborted = Connection::Aborted;
  using Ended = Connection::Ended;

  ConnectionStep(const Config& config, Connection& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), send_(state.send_), budget_(room.budget), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_ = state_.last_seen_;
  }

  Progress<Action> take(const Connection::Event& event);

 private:
  // connection.cpp. Each handler returns what it consumed.
  std::size_t on(const Tick&) { return 1; }
  std::size_t on(const Connect& event);
  std::size_t on(const Accept& event);
  std::size_t on(const AcceptCookie& event);
  std::size_t on(const SegmentArrived& event);
  std::size_t on(const Write& event);
  std::size_t on(const Commit& event);
  std::size_t on(const Consumed& event);
  std::size_t on(const Finish&);
  std::size_t on(const Abort&);
  std::size_t on(const Flush&);
  std::size_t on(const PathMtu& event);
  std::size_t on(const Unreachable& event);
  std::size_t on(const PinsDone& event);
  std::size_t on(const MemoryPressure& event);

  template <class Phase>
  Phase* in() {
    return std::get_if<Phase>(&state_.phase_);
  }
  void ignore(Ignored why) { actions_.push(SegmentIgnored{why}); }
  void end(Action last);
  void reset(stream::ResetReason why) { end(stream::Reset{why}); }

  // handshake.cpp
  void arrive(SynSent& s, const SegmentArrived& event);
  void arrive(SynReceived& s, const SegmentArrived& event);
  void expire(SynSent& s);
  void expire(SynReceived& s);
  std::size_t flush(SynSent& s);
  std::size_t flush(SynReceived& s);
  std::size_t flush(Aborted& s);
  Negotiated negotiate(const wire::TcpHeader& syn, const Birth& birth, bool we_asked_for_ecn) const;
  wire::TcpHeader handshake_header(const Birth& birth, Instant born) const;
  void emit_reset(const Birth& birth, wire::SeqNumber sequence);
  Synchronized& establish(const Birth& birth, Instant born, wire::SeqNumber irs, const Negotiated& negotiated);
  void measure_handshake(Synchronized& t, Instant born, Instant sent_at, bool retried, const wire::TcpHeader& header);

  // input.cpp
  void arrive(Synchronized& t, const SegmentArrived& event);
  bool acceptable(const Synchronized& t, const wire::TcpHeader& header, std::uint32_t length) const;
  bool timestamps_are_good(Synchronized& t, const wire::TcpHeader& header, std::size_t payload_size);
  void remember_timestamp(Synchronized& t, const wire::TcpHeader& header);
  void challenge(Synchronized& t);
  void receive_text(Synchronized& t, const SegmentArrived& event);
  void deliver(Synchronized& t, MutableBytes bytes);
  void deliver_held(Synchronized& t);
  void renew_fin_wait_2(Synchronized& t);
  void receive_fin(Synchronized& t);
  void acknowledge_later(Synchronized& t, std::size_t received);
  void tune_window(Synchronized& t);

  // acknowledgment.cpp
  bool receive_ack(Synchronized& t, const wire::TcpHeader& header, std::size_t payload_size);
  void update_send_window(Synchronized& t, const wire::TcpHeader& header);
  void acknowledge_sent(Synchronized& t, const wire::TcpHeader& header, std::size_t payload_size, bool window_changed);
  void count_duplicate(Synchronized& t);
  void enter_recovery(Synchronized& t);
  void detect_loss(Synchronized& t);
  void our_fin_acknowledged(Synchronized& t);

  // timers.cpp
  void expire(Synchronized& t);
  void retransmission_timeout(Synchronized& t);
  void schedule(Synchronized& t);
  void schedule_loss_probe(Synchronized& t);
  void arm_retransmit(Synchronized& t) { t.timers.retransmit = now_ + t.rtt.rto(config_, t.backoff); }

  // output.cpp
  struct Segment {
    enum class Kind : std::uint8_t { none, lost, loss_probe, fresh };
    Kind kind = Kind::none;
    std::size_t burst = 0;  // of lost ones
    wire::SeqNumber sequence = 0;
    std::uint32_t size = 0;  // payload
    bool fin = false;
    bool whole() const { return size > 0 || fin; }
  };
  std::size_t flush(Synchronized& t);
  Segment next_segment(const Synchronized& t) const;
  Segment next_lost(const Synchronized& t) const;
  Segment next_fresh(const Synchronized& t, bool probe) const;
  Segment last_sent_segment(const Synchronized& t) const;
  bool something_to_send(const Synchronized& t) const;
  void offer_room(Synchronized& t);
  bool emit(Synchronized& t, Segment segment);
  void emit_bare(Synchronized& t, wire::SeqNumber sequence);
  wire::TcpHeader header_of(Synchronized& t);
  std::uint32_t segment_room(const Synchronized& t) const;
  std::uint32_t largest_segment(const Synchronized& t) const;
  std::uint32_t cwnd_room(const Synchronized& t) const;
  std::uint32_t pipe(const Synchronized& t) const;
  std::uint32_t window_to_offer(const Synchronized& t) const;
  bool window_update_due(const Synchronized& t) const;
  void push_emit(const wire::TcpHeader& header) {
    Emit out;
    out.header = header;
    actions_.push(out);
  }

  wire::SeqNumber fin_sequence() const { return send_.end(); }
  bool fin_sent(const Synchronized& t) const { return t.snd_nxt() == fin_sequence() + 1; }
  bool flush_is_due();

  const Config& config_;
  Connection& state_;
  SendBuffer& send_;
  Instant now_;
  Budget& budget_;
  ActionList<Action> actions_;
};

}  // namespace limpid::tcpip::tcp
