// TCP peers that do what they are told, right or wrong: each brings a connection of the host that is attacked into a
// state, lets one thing happen there, and goes on in a way that a seed draws, or does not.
#pragma once

#include "limpid/sim/script_node.hpp"
#include "limpid/sim/subject.hpp"

namespace limpid::sim {

enum class Move : std::uint8_t {
  // The puppet sends a segment (see SegmentKind).
  odd_flags,
  reset,
  reset_in_window,
  reset_outside,
  syn,  // the first; later one that is none of the connection's
  syn_ack,
  no_timestamp,
  old_timestamp,
  no_ack,
  outside,
  duplicate,
  ack_unsent,
  fin,
  fin_ahead,
  text,
  text_ahead,
  window_closed,
  ack,
  // A router says that a segment of the host did not arrive.
  too_big,
  hard_error,
  soft_error,
  // More of a segment's kind.
  lying_sack,
  optimistic_ack,
  sack,       // of all that the host sent but its first segment
  other_fin,  // where no FIN can be
  syn_again,  // as it was
  syn_anew,   // of another connection, when this one may be over
  // The application of the host.
  connect,
  write,
  consumed,
  finish,
  abort,
  // Nothing.
  pause,
};
inline constexpr std::size_t most_moves = 12;
using Moves = InlineList<Move, most_moves>;

// How one puppet acts. Its port follows from its place among all of them.
struct Part {
  Moves moves;
  std::uint16_t to_port = Subject::silent;
  std::uint16_t window = 60'000;
  std::uint16_t mss = 1400;
  std::uint8_t repeated = 0;  // the last move, so many more times
};

class Puppets {
 public:
  Puppets(const tcpip::IpAddress& own_v4, const tcpip::IpAddress& own_v6, Subject& subject, Budget& harness)
      : own_{own_v4, own_v6}, subject_(subject), puppets_(harness) {}

  // What they act against.
  struct Target {
    tcpip::MacAddress mac;
    tcpip::IpAddress v4, v6;
  };
  // Every state with every event, once for each way to get there, and some that need more; in an order, with addresses,
  // options, sequence numbers and pauses that the dice draw.
  void cast(const Target& target, Instant begin, Dice& dice);

  void hear(Mouth& mouth, Instant now, Bytes frame);
  std::optional<Instant> speak(Mouth& mouth, Instant now);
  bool has(const tcpip::IpAddress& address) const { return address == own_[0] || address == own_[1]; }

 private:
  struct Puppet {
    Part part;
    std::size_t next_move = 0;
    Instant at{};
    bool ipv6 = false, timestamps = false, sack = false;
    std::uint16_t port = 0, peer_port = 0;
    tcpip::wire::SeqNumber iss = 0, snd_nxt = 0, peer_iss = 0, rcv_nxt = 0, acked = 0;
    bool knows_peer = false;
    bool syn_sent = false;
    std::uint32_t last_value = 0;  // of the peer's timestamps
  };

  void add(const Part& part, Dice& dice);
  void move(Mouth& mouth, Puppet& puppet, Move move, Instant now);
  void segment(Mouth& mouth, Puppet& puppet, Move move, Instant now);
  void icmp_error(Mouth& mouth, const Puppet& puppet, Move move);
  void application(const Puppet& puppet, Move move);
  stream::Endpoint endpoint_of(const Puppet& puppet) const {
    return tcpip::endpoint(own_[puppet.ipv6 ? 1 : 0], puppet.port);
  }

  tcpip::IpAddress own_[2];
  Subject& subject_;
  Target target_;
  Instant begin_{};
  Vec<Puppet> puppets_;
};

}  // namespace limpid::sim
