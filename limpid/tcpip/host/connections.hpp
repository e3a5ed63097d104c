// The connections of a host: a slab of them, found by their flow, reminded of by one heap of timers, in one queue for
// what they have to send and in one order of who made progress last.
#pragma once

#include "limpid/tcpip/dns/resolver.hpp"
#include "limpid/tcpip/host/flow.hpp"
#include "limpid/tcpip/host/flow_table.hpp"
#include "limpid/tcpip/host/index_list.hpp"
#include "limpid/tcpip/host/timer_heap.hpp"
#include "limpid/tcpip/host/vocabulary.hpp"
#include "limpid/tcpip/tcp/connection.hpp"

namespace limpid::tcpip::host {

// Of a connection that the resolver asked for: which question, and what is to be written once it is established.
struct ResolverStream {
  QueryId question;
  Buffer bytes;
  static void fields(auto& self, auto&& visit) { visit(self.question, self.bytes); }
};

struct Entry {
  enum class Stage : std::uint8_t {
    half_open,  // a listener's; its application has not heard of it
    opening,    // of connect()
    open,       // Opened was said
    leaving,    // its owner wants no more of it, or it was shed: all that is left to do is a RST
  };
  friend constexpr bool is_valid(Stage stage) { return stage <= Stage::leaving; }

  Flow flow;
  tcp::Connection tcp;
  Stage stage = Stage::opening;
  std::uint16_t listener = 0;  // its port; 0: of connect()
  bool shed = false;           // it leaves for memory's sake: its owner has yet to hear Reset
  bool pressed = false;        // it was told MemoryPressure
  Box<ResolverStream> resolver{};
  Instant progressed{};  // when it last got anywhere, to a second
  ListLink dirty{}, progress{};

  static void fields(auto& self, auto&& visit) {
    visit(self.flow, self.tcp, self.stage, self.listener, self.shed, self.pressed, self.resolver, self.progressed,
          self.dirty, self.progress);
  }
};

class Connections {
 public:
  Connections() = default;
  explicit Connections(Budget& budget) : slab_(budget), table_(budget), timers_(budget), lent_(budget) {}

  Entry& operator[](std::uint32_t index) { return slab_[index]; }
  const Entry& operator[](std::uint32_t index) const { return slab_[index]; }
  ConnectionId id(std::uint32_t index) const { return {index, slab_.generation(index)}; }
  // no_index if it is gone, or its owner left it.
  std::uint32_t find(ConnectionId id) const {
    const Entry* entry = slab_.find(id.index, id.generation);
    return entry != nullptr && (entry->stage == Entry::Stage::open || entry->stage == Entry::Stage::opening) ? id.index
                                                                                                             : no_index;
  }
  std::uint32_t find(const Flow& flow, std::uint64_t hash) const {
    return table_.find(hash, [&](std::uint32_t index) { return slab_[index].flow == flow; });
  }

  // no_index if the budget refuses. Afterwards nothing that concerns the new one can be refused.
  std::uint32_t insert(Budget& budget, Entry entry, std::uint64_t hash) {
    const std::size_t size = std::size_t{slab_.next_index()} + 1;
    if (!table_.reserve(size) || !timers_.reserve(size) || !reserve_lent(used() + 1)) return no_index;
    const std::uint32_t index = slab_.insert(budget, std::move(entry));
    if (index == no_index) return index;
    table_.insert(index, hash);
    progress_.push_back(slab_, index);
    return index;
  }

  // It is over: nothing finds it any more. Its memory goes, unless the device has some of it.
  void end(std::uint32_t index) {
    table_.remove(index);
    timers_.disarm(index);
    dirty_.remove(slab_, index);
    progress_.remove(slab_, index);
    const ConnectionId id = this->id(index);
    Box<Entry> entry = slab_.take(index);
    if (entry->tcp.lent()) (void)lent_.push_back({id, std::move(entry)});  // room was set aside
  }

  // Gives the connection that a pin is of, alive or over, to `tell`; false if there is none.
  template <class Tell>
  bool unpin(ConnectionId id, Tell&& tell) {
    if (Entry* entry = slab_.find(id.index, id.generation)) {
      if (!entry->tcp.lent()) return false;
      tell(entry->tcp);
      settle(id.index);
      return true;
    }
    for (Lent& lent : lent_) {
      if (lent.id != id) continue;
      tell(lent.entry->tcp);
      if (!lent.entry->tcp.lent()) {
        std::swap(lent, lent_.back());
        lent_.truncate(lent_.size() - 1);
      }
      return true;
    }
    return false;
  }

  // After every step of the connection.
  void settle(std::uint32_t index) {
    Entry& entry = slab_[index];
    if (const auto deadline = entry.tcp.deadline()) timers_.arm(index, *deadline);
    if (entry.tcp.needs_flush()) dirty_.push_back(slab_, index);
  }
  // It got somewhere. The order is kept to a second, so that busy connections seldom change their places.
  bool progressed(std::uint32_t index, Instant now) {
    if (now < slab_[index].progressed + seconds(1)) return false;
    slab_[index].progressed = now;
    progress_.move_to_back(slab_, index);
    return true;
  }

  std::optional<Instant> deadline() const { return timers_.next(); }
  // See TimerHeap::expired.
  std::uint32_t expired(Instant now, std::size_t& looks) {
    return timers_.expired(now, looks, [&](std::uint32_t index) { return slab_[index].tcp.deadline(); });
  }
  bool any_dirty() const { return !dirty_.empty(); }
  std::uint32_t dirty() const { return dirty_.size(); }
  std::uint32_t take_dirty() {
    const std::uint32_t index = dirty_.front();
    if (index != no_index) dirty_.remove(slab_, index);
    return index;
  }
  // Who made no progress for longest; no_index if there is nobody.
  std::uint32_t slowest() const { return progress_.front(); }
  void leaves_order(std::uint32_t index) { progress_.remove(slab_, index); }

  std::uint32_t used() const { return slab_.used(); }
  // Those that nobody has given up yet.
  std::uint32_t staying() const { return progress_.size(); }
  std::size_t lent() const { return lent_.size(); }
  std::uint32_t size() const { return slab_.size(); }  // indices are below
  bool holds(std::uint32_t index) const { return slab_.holds(index); }

  static void fields(auto& self, auto&& visit) { visit(self.slab_, self.dirty_, self.progress_); }
  // Whether the lists are right; builds the tables. `key` is the host's.
  bool restored_with(const crypto::HashTableKey& key, const LoadContext& context);

 private:
  // What is left of a connection that is over while the device reads some of its memory. It is not saved: whoever loads
  // the state has another device. Nor is it ever long: a device has so many frames at one time.
  struct Lent {
    ConnectionId id;
    Box<Entry> entry;
  };
  bool reserve_lent(std::size_t more) {
    const std::size_t size = lent_.size() + more;
    return size <= lent_.capacity() || lent_.reserve(std::max<std::size_t>({8, size, lent_.capacity() * 2}));
  }

  Slab<Entry> slab_;
  FlowTable table_;
  TimerHeap timers_;
  IndexList<Entry, &Entry::dirty> dirty_;
  IndexList<Entry, &Entry::progress> progress_;
  Vec<Lent> lent_;  // has room for all connections
};

}  // namespace limpid::tcpip::host
