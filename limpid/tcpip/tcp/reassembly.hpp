// What came out of order (RFC 9293, section 3.10.7.4: "segments ... may be held for later processing"), and what of it
// is told to the peer (RFC 2018, RFC 2883).
//
// Bounded against SegmentSmack (CVE-2018-5390): at most `most_pieces` pieces, found by bisection, neighbours joined as
// far as a piece has room; what is one piece too many is refused and comes again.
#pragma once

#include "limpid/core/deque.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::tcp {

class Reassembly {
 public:
  static constexpr std::size_t most_pieces = 128;
  static constexpr std::size_t largest_piece = 65536;

  bool empty() const { return pieces_.empty(); }
  // From the first byte held to behind the last one; not if empty().
  wire::SeqNumber begin() const { return pieces_.front().begin; }
  wire::SeqNumber end() const { return pieces_.back().end(); }

  // Keeps of [sequence, sequence + bytes.size()) what is not here yet; none of it lies before `rcv_nxt`. False if a
  // part of it was refused, by the limit or by the budget. `duplicate` says which part was here, if any.
  bool insert(wire::SeqNumber rcv_nxt, wire::SeqNumber sequence, Bytes bytes, Budget& budget,
              std::optional<wire::SackBlock>& duplicate);

  // The next bytes in order if they are here: the piece at `rcv_nxt` without what lies before it. It is no longer held,
  // its memory stays until forget_delivered(), and until then nothing more is taken.
  MutableBytes take(wire::SeqNumber rcv_nxt);
  void forget_delivered() { delivered_.release(); }

  // Drops all: the peer sends it again.
  void clear();

  // The blocks to report, as many as fit: first the one that holds what came last, then the others from the newest on.
  // "The SACK option SHOULD be filled out by repeating the most recently reported SACK blocks" (RFC 2018, section 4).
  void report(InlineList<wire::SackBlock, 4>& blocks, std::size_t most) const;

  static void fields(auto& self, auto&& visit) { visit(self.pieces_, self.recent_); }
  bool restored(const LoadContext&) const;

 private:
  struct Piece {
    wire::SeqNumber begin = 0;
    Buffer bytes;
    wire::SeqNumber end() const { return begin + static_cast<wire::SeqNumber>(bytes.size()); }
    static void fields(auto& self, auto&& visit) { visit(self.begin, self.bytes); }
  };

  // Pieces that touch each other, from the first to the last.
  struct Run {
    std::size_t first = 0, last = 0;
  };
  Run run_around(std::size_t index) const;
  bool add(std::size_t index, wire::SeqNumber sequence, Bytes bytes, Budget& budget);

  Deque<Piece> pieces_;                    // in order, without overlap
  InlineList<wire::SeqNumber, 4> recent_;  // a byte of each block that was reported, from the newest on
  Buffer delivered_;
};

}  // namespace limpid::tcpip::tcp
