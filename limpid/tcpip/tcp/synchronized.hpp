// The variables of a connection whose two ends know each other's sequence numbers (RFC 9293, section 3.3.1).
#pragma once

#include "limpid/tcpip/tcp/config.hpp"
#include "limpid/tcpip/tcp/congestion.hpp"
#include "limpid/tcpip/tcp/prr.hpp"
#include "limpid/tcpip/tcp/rack.hpp"
#include "limpid/tcpip/tcp/reassembly.hpp"
#include "limpid/tcpip/tcp/vocabulary.hpp"

namespace limpid::tcpip::tcp {

// RFC 9293, section 3.3.2. TIME-WAIT lasts until the next Flush: then a TimeWaitRecord goes on with it.
enum class State : std::uint8_t { established, fin_wait_1, fin_wait_2, close_wait, closing, last_ack, time_wait };
constexpr bool is_valid(State state) { return state <= State::time_wait; }

// What the congestion window is governed by.
enum class Phase : std::uint8_t {
  open,      // slow start or congestion avoidance
  recovery,  // PRR, until what was outstanding when it began is acknowledged
  loss,      // after a time-out, until the same
};
constexpr bool is_valid(Phase phase) { return phase <= Phase::loss; }

// One deadline per purpose.
struct Timers {
  std::optional<Instant> retransmit{};    // RFC 6298
  std::optional<Instant> loss_probe{};    // RFC 8985, section 7: TLP
  std::optional<Instant> reorder{};       // RFC 8985, section 6.3
  std::optional<Instant> delayed_ack{};   // RFC 9293, section 3.8.6.3
  std::optional<Instant> persist{};       // RFC 9293, section 3.8.6.1
  std::optional<Instant> keepalive{};     // RFC 9293, section 3.8.4
  std::optional<Instant> user_timeout{};  // RFC 9293, section 3.10.8
  std::optional<Instant> fin_wait_2{};
  std::optional<Instant> writable{};  // memory was refused: the application may try again

  std::optional<Instant> earliest() const;
  static void fields(auto& self, auto&& visit) {
    visit(self.retransmit, self.loss_probe, self.reorder, self.delayed_ack, self.persist, self.keepalive,
          self.user_timeout, self.fin_wait_2, self.writable);
  }
};

// RFC 7323. Our clock counts milliseconds from `offset` at `base`.
struct Timestamps {
  std::uint32_t ts_recent = 0;
  Instant ts_recent_at{};
  std::uint32_t offset = 0;
  Instant base{};
  std::uint32_t at(Instant t) const { return offset + static_cast<std::uint32_t>((t - base).microseconds / 1000); }
  static void fields(auto& self, auto&& visit) { visit(self.ts_recent, self.ts_recent_at, self.offset, self.base); }
  bool restored(const LoadContext& context) const {
    return is_near(ts_recent_at, context.now) && is_near(base, context.now);
  }
};

// Explicit congestion notification (RFC 3168, section 6.1), of a connection that has it.
struct Ecn {
  bool echo = false;     // CE was seen: ECE in all that is sent, until the peer's CWR
  bool reduced = false;  // CWR goes with the next new data
  static void fields(auto& self, auto&& visit) { visit(self.echo, self.reduced); }
};

struct Synchronized {
  State state = State::established;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;

  // Sending. SND.UNA and SND.NXT are the scoreboard's ends.
  Scoreboard scoreboard;
  std::uint32_t snd_wnd = 0;
  wire::SeqNumber snd_wl1 = 0;  // RFC 9293: "segment sequence number used for last window update",
  wire::SeqNumber snd_wl2 = 0;  // "segment acknowledgment number used for last window update"
  std::uint32_t max_snd_wnd = 0;
  wire::SeqNumber snd_sml = 0;  // the end of the last segment that was not full: Nagle's, as Minshall bettered it
  std::uint16_t peer_mss = 536;
  std::uint16_t path_mss = 536;
  std::uint8_t snd_wind_shift = 0;  // RFC 7323's names
  std::uint8_t rcv_wind_shift = 0;
  bool finish = false;  // the application has: FIN follows what was written
  bool sack = false;

  RoundTripTime rtt;
  Rack rack;
  Congestion congestion;
  Phase phase = Phase::open;
  wire::SeqNumber recovery_point = 0;
  Prr prr;
  bool cwnd_limited = false;                     // the last Flush left data for lack of window
  std::uint8_t backoff = 0;                      // of the RTO
  std::uint8_t retransmissions = 0;              // time-outs since something was acknowledged
  std::uint16_t duplicate_acks = 0;              // of a peer without SACK
  std::optional<wire::SeqNumber> tlp_end_seq{};  // a loss probe is under way
  bool tlp_is_retransmission = false;
  bool loss_probe_due = false;
  std::uint8_t persist_backoff = 0;
  std::uint8_t unanswered_probes = 0;  // of a closed window or of silence
  bool probe_due = false;              // a segment that only asks for an ACK
  bool override_due = false;           // little may be sent although the window is silly
  bool blocked = false;                // Writable is owed
  bool starved = false;                // memory for a record was refused: nothing is sent until a timer says try again
  Instant last_sent{};                 // new data

  // Receiving.
  wire::SeqNumber rcv_nxt = 0;
  wire::SeqNumber rcv_adv = 0;  // RCV.NXT + RCV.WND: the edge that was offered
  std::uint32_t unconsumed = 0;
  std::uint32_t receive_limit = 65535;  // of what is not consumed
  std::uint32_t tuning_consumed = 0;    // since `tuning_since`
  Instant tuning_since{};
  bool pressed = false;         // MemoryPressure
  std::uint16_t rcv_mss = 536;  // the largest segment seen, for "every second full-sized segment"
  wire::SeqNumber last_ack_sent = 0;
  std::uint8_t quick_acks = 16;  // at the start each segment is acknowledged, so that the peer's window opens
  bool ack_due = false;
  std::uint8_t more_acks_due = 0;  // duplicate ones, for a peer without SACK
  std::optional<wire::SackBlock> dsack{};
  std::optional<wire::SeqNumber> fin_at{};  // where the peer's FIN is
  bool peer_finished = false;
  Reassembly reassembly;
  Instant last_heard{};

  std::optional<Timestamps> timestamps{};
  std::optional<Ecn> ecn{};
  // RFC 5961, section 7: challenge ACKs are limited, here for each connection by itself (CVE-2016-5696).
  Instant challenges_since{};
  std::uint8_t challenges = 0;

  Timers timers;

  wire::SeqNumber snd_una() const { return scoreboard.begin(); }
  wire::SeqNumber snd_nxt() const { return scoreboard.end(); }
  std::uint32_t rcv_wnd() const { return rcv_adv - rcv_nxt; }
  // The payload of a full-sized segment that carries timestamps, if there are any.
  std::uint16_t smss() const {
    constexpr std::uint16_t timestamps_size = 12;
    return static_cast<std::uint16_t>(std::min(peer_mss, path_mss) - (timestamps ? timestamps_size : 0));
  }
  // What the send buffer may hold now.
  std::uint32_t send_limit(const Config& config) const {
    return std::min(config.send_buffer, scoreboard.outstanding() + config.max_unsent);
  }
  bool has_pending_delivery() const;

  static void fields(auto& self, auto&& visit) {
    visit(self.state, self.local_port, self.remote_port, self.scoreboard, self.snd_wnd, self.snd_wl1, self.snd_wl2,
          self.max_snd_wnd, self.snd_sml, self.peer_mss, self.path_mss, self.snd_wind_shift, self.rcv_wind_shift,
          self.finish, self.sack, self.rtt, self.rack, self.congestion, self.phase, self.recovery_point, self.prr,
          self.cwnd_limited, self.backoff, self.retransmissions, self.duplicate_acks, self.tlp_end_seq,
          self.tlp_is_retransmission, self.loss_probe_due, self.persist_backoff, self.unanswered_probes, self.probe_due,
          self.override_due, self.blocked, self.starved, self.last_sent, self.rcv_nxt, self.rcv_adv, self.unconsumed,
          self.receive_limit, self.tuning_consumed, self.tuning_since, self.pressed, self.rcv_mss, self.last_ack_sent,
          self.quick_acks, self.ack_due, self.more_acks_due, self.dsack, self.fin_at, self.peer_finished,
          self.reassembly, self.last_heard, self.timestamps, self.ecn, self.challenges_since, self.challenges,
          self.timers);
  }
  bool restored(const LoadContext& context) const;
};

}  // namespace limpid::tcpip::tcp
