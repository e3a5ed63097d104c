// What the application wrote and the peer has not acknowledged, in chunks that never move: segments are views into
// them, and a device may read them until it says that it is done.
#pragma once

#include "limpid/core/deque.hpp"
#include "limpid/core/frame.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/tcpip/tcp/config.hpp"
#include "limpid/tcpip/tcp/vocabulary.hpp"

namespace limpid::tcpip::tcp {

class SendBuffer {
 public:
  static constexpr std::size_t smallest_chunk = 2048;
  static constexpr std::size_t largest_chunk = 65536;

  SendBuffer() = default;
  SendBuffer(wire::SeqNumber first, Budget& budget) : begin_(first), end_(first), chunks_(budget), lent_(budget) {}

  wire::SeqNumber begin() const { return begin_; }  // the first byte that is not acknowledged
  wire::SeqNumber end() const { return end_; }      // behind the last that was written
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // How many bytes would be taken now, memory granted.
  std::size_t writable(std::uint32_t limit) const;

  // Copies as much as fits; returns how much.
  std::size_t write(Bytes bytes, std::uint32_t limit, Budget& budget);

  // Contiguous room of at most n bytes behind the end, until the next call or forget_reserved(). commit() makes the
  // first n bytes of it a part of what is to be sent; at most what was reserved counts.
  MutableBytes reserve(std::size_t n, std::uint32_t limit, Budget& budget);
  void commit(std::size_t n, Budget& budget);
  void forget_reserved();

  // Views of the `size` bytes from `from` on, fewer if that takes too many pieces; both within begin() to end(). Says
  // in `pin` which chunks these are.
  std::size_t gather(wire::SeqNumber from, std::size_t size, InlineList<Bytes, Emit::most_pieces>& pieces,
                     Pin& pin) const;

  // The chunks of a pin stay until unpin() was called with it.
  void pin(const Pin& pin);
  void unpin(const Pin& pin);
  bool lent() const;

  // Drops what lies before `una`.
  void acknowledge(wire::SeqNumber una);
  // Drops everything but what is lent.
  void retire();

  // What is lent is not saved: whoever loads the state has another device.
  static void fields(auto& self, auto&& visit) { visit(self.begin_, self.end_, self.next_id_, self.chunks_); }
  bool restored(const LoadContext& context);

 private:
  struct Chunk {
    wire::SeqNumber begin = 0;
    std::uint32_t id = 0;
    std::uint32_t room = 0;  // the capacity of `bytes`
    Buffer bytes;
    std::uint32_t pins = 0;
    std::uint32_t size() const { return static_cast<std::uint32_t>(bytes.size()); }
    static void fields(auto& self, auto&& visit) { visit(self.begin, self.id, self.room, self.bytes); }
  };

  std::size_t tail_room() const { return chunks_.empty() ? 0 : chunks_.back().room - chunks_.back().size(); }
  std::size_t room() const;  // of all chunks
  bool make_slot(Budget& budget);
  void append(Buffer bytes);
  void drop_front();
  // The index of the chunk that holds `at`.
  std::size_t find(wire::SeqNumber at) const;

  wire::SeqNumber begin_ = 0;
  wire::SeqNumber end_ = 0;
  std::uint32_t next_id_ = 0;
  Deque<Chunk> chunks_;  // begin where the one before ends
  Deque<Chunk> lent_;    // acknowledged, but still read by a device; has room for all of `chunks_`
  Buffer spare_;         // a chunk that was reserved and into which nothing is committed yet
  std::size_t reserved_ = 0;
};

}  // namespace limpid::tcpip::tcp
