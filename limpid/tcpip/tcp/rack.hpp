// RACK (RFC 8985): a segment is lost if one that was sent sufficiently later has been delivered.
#pragma once

#include "limpid/tcpip/tcp/rtt.hpp"
#include "limpid/tcpip/tcp/scoreboard.hpp"

namespace limpid::tcpip::tcp {

class Rack {
 public:
  Rack() = default;
  explicit Rack(wire::SeqNumber snd_una) : fack_(snd_una) {}

  // Section 6.2, steps 2 and 3, for each part that an ACK delivered. `echo_is_older`: the ACK's timestamp echo shows
  // that it answers an earlier transmission than the last.
  void delivered(const DeliveredPart& part, Duration min_rtt, bool echo_is_older, Instant now);

  // Section 6.2, step 4: adapts the reordering window. `dsack`: the ACK reported a duplicate.
  void adapt(bool dsack, bool left_recovery, wire::SeqNumber snd_una, wire::SeqNumber snd_nxt);

  // Section 6.2, step 5: marks what is lost. Returns when to look again, if something may be lost later.
  std::optional<Instant> detect_loss(Scoreboard& scoreboard, const RoundTripTime& rtt, bool recovering,
                                     std::uint32_t smss, Instant now) const;

  bool started() const { return started_; }
  bool reordering_seen() const { return reordering_seen_; }
  Duration rtt() const { return rtt_; }
  Duration reordering_window(const Scoreboard& scoreboard, const RoundTripTime& rtt, bool recovering,
                             std::uint32_t smss) const;

  static void fields(auto& self, auto&& visit) {
    visit(self.started_, self.xmit_ts_, self.end_seq_, self.rtt_, self.fack_, self.reordering_seen_, self.dsack_round_,
          self.reo_wnd_mult_, self.reo_wnd_persist_);
  }
  bool restored(const LoadContext& context) const {
    return is_near(xmit_ts_, context.now) && rtt_ >= Duration{} && rtt_ <= seconds(1 << 24) && reo_wnd_mult_ >= 1 &&
           reo_wnd_persist_ <= 16;
  }

 private:
  bool started_ = false;
  Instant xmit_ts_{};            // of the segment, of all that were delivered, that was sent last,
  wire::SeqNumber end_seq_ = 0;  // where it ends,
  Duration rtt_{};               // and how long it took
  wire::SeqNumber fack_ = 0;     // the highest sequence number that was delivered
  bool reordering_seen_ = false;
  std::optional<wire::SeqNumber> dsack_round_{};
  std::uint8_t reo_wnd_mult_ = 1;
  std::uint8_t reo_wnd_persist_ = 16;
};

}  // namespace limpid::tcpip::tcp
