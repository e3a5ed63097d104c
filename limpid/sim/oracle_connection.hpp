// One TCP connection as the oracle knows it: what both ends sent and what reached them, in offsets from each end's
// initial sequence number, which do not wrap.
#pragma once

#include <optional>

#include "limpid/sim/interval_set.hpp"
#include "limpid/sim/oracle_report.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::sim {

// A segment on the wire, with what its frame says about it.
struct SeenSegment {
  std::uint64_t packet = 0;
  Instant at;
  stream::Endpoint source, destination;
  tcpip::wire::TcpHeader header{};
  Bytes payload{};               // what the capture holds of it
  std::size_t payload_size = 0;  // what was sent
  std::size_t options_size = 0;
  std::uint16_t superframe_size = 0;  // not 0: what segments a superframe is made of
  bool ipv6 = false;
  Instant last_question{INT64_MIN};  // when somebody last asked for a neighbour's address
};

class OracleConnection {
 public:
  OracleConnection(const OracleOptions& options, Budget& budget)
      : ends_{End(budget), End(budget)}, options_(&options) {}

  // The two ends, of which 0 sent the first SYN.
  stream::Endpoint endpoint(std::size_t end) const { return ends_[end].endpoint; }
  bool is_of(const stream::Endpoint& source, const stream::Endpoint& destination) const {
    return (ends_[0].endpoint == source && ends_[1].endpoint == destination) ||
           (ends_[0].endpoint == destination && ends_[1].endpoint == source);
  }
  // A SYN with another initial sequence number than its sender had.
  bool is_another(const SeenSegment& segment) const;
  // Both ends have said farewell, or one has ended it.
  bool is_over() const;

  void sent(const SeenSegment& segment, OracleReport& report);
  void received(const SeenSegment& segment, OracleReport& report);
  // A forged one, or one that is none of the connection's: nothing follows from it, but it may be answered.
  void intruded(const SeenSegment& segment);
  // Nothing more will come: judges what was due by `now`.
  void finish(Instant now, Instant last_question, OracleReport& report);

 private:
  using TcpHeader = tcpip::wire::TcpHeader;

  struct End {
    explicit End(Budget& budget) : content(budget), seen(budget), received(budget) {}

    stream::Endpoint endpoint;

    // As a sender.
    std::optional<std::uint32_t> iss;
    std::optional<std::uint16_t> mss;
    std::optional<std::uint8_t> window_scale;
    bool sack_permitted = false, timestamps = false;
    std::int64_t sent_end = 0;        // one past the highest offset sent
    std::optional<std::int64_t> fin;  // its offset
    bool reset = false;               // it sent RST
    bool lawless = false;             // what it does is held against nobody
    Buffer content;                   // bytes from content_begin on
    std::int64_t content_begin = 1;
    IntervalSet seen;             // offsets sent
    std::int64_t acked = 0;       // by what reached this end
    std::int64_t right_edge = 0;  // granted by what reached this end
    bool window_known = false;
    bool answered = false;                   // something was heard since it sent data
    std::optional<std::uint32_t> timestamp;  // the last one sent

    // As a receiver of the other end's offsets.
    IntervalSet received;
    std::int64_t ack_sent = 0;
    std::int64_t edge_sent = 0;
    std::optional<std::uint32_t> timestamp_received, first_timestamp_received;
    std::optional<Instant> unacknowledged_since;
    Instant full_at;                                // when the latest full-sized segment came that is not acknowledged
    int full_unacknowledged = 0;                    // how many
    std::int64_t latest_begin = 0, latest_end = 0;  // of the latest data out of order; nothing if equal
    std::array<std::uint32_t, 8> acks_received{};   // the latest ones, for resets
    std::size_t ack_count = 0;
    std::array<std::uint32_t, 8>
        intruders{};  // where the latest without ACK ended, of those that are none of the peer's
    std::size_t intruder_count = 0;

    // Its retransmissions of what is first not acknowledged, since it heard anything.
    Instant heard;
    Instant timer_started;  // with the first data outstanding, or when some was acknowledged
    std::optional<Instant> last_retransmission;
    Duration last_interval{};
    int silent_retransmissions = 0;
  };

  std::size_t end_of(const stream::Endpoint& source) const { return ends_[0].endpoint == source ? 0 : 1; }
  static std::int64_t unwrap(const End& end, std::uint32_t sequence, std::int64_t near);
  bool whole() const { return options_->view == View::whole; }
  bool both(bool End::* offered) const { return ends_[0].*offered && ends_[1].*offered; }
  std::int64_t window_of(const End& from, const TcpHeader& header) const;
  std::uint32_t most_payload(const End& receiver, const SeenSegment& segment) const;

  static bool intruder_ended_at(const End& me, std::uint32_t sequence);
  static void has_heard(End& me, Instant at);
  static void remember_timestamp(End& me, const TcpHeader& header);
  // Each judges one aspect of a segment that `me` sends to `peer`.
  void judge_syn(End& me, const End& peer, const SeenSegment& segment, OracleReport& report);
  void judge_reset(End& me, const End& peer, const SeenSegment& segment, OracleReport& report);
  void judge_options(const End& peer, const SeenSegment& segment, OracleReport& report);
  void judge_timestamps(End& me, const SeenSegment& segment, OracleReport& report);
  void judge_acknowledgment(End& me, const End& peer, const SeenSegment& segment, OracleReport& report);
  void judge_sack(const End& me, const End& peer, const SeenSegment& segment, std::int64_t ack, OracleReport& report);
  void judge_data(End& me, const End& peer, const SeenSegment& segment, OracleReport& report);
  void judge_content(End& me, const SeenSegment& segment, std::int64_t begin, OracleReport& report);
  void judge_retransmission(End& me, const SeenSegment& segment, OracleReport& report);
  void judge_delay(End& me, const SeenSegment& segment, OracleReport& report);

  std::array<End, 2> ends_;
  const OracleOptions* options_;
  bool estranged_ = false;  // an end took an intruder's SYN for the beginning of another connection
};

}  // namespace limpid::sim
