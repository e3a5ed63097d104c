// Connections in TIME-WAIT, as the small records that are left of them. All wait equally long, so they stand in the
// order in which they expire.
#pragma once

#include "limpid/tcpip/host/flow.hpp"
#include "limpid/tcpip/host/flow_table.hpp"
#include "limpid/tcpip/host/index_list.hpp"
#include "limpid/tcpip/tcp/time_wait.hpp"

namespace limpid::tcpip::host {

struct TimeWait {
  Flow flow;
  tcp::TimeWaitRecord record;
  ListLink order{};
  static void fields(auto& self, auto&& visit) { visit(self.flow, self.record, self.order); }
};

class TimeWaits {
 public:
  TimeWaits() = default;
  explicit TimeWaits(Budget& budget) : slab_(budget), table_(budget) {}

  TimeWait& operator[](std::uint32_t index) { return slab_[index]; }
  std::uint32_t find(const Flow& flow, std::uint64_t hash) const {
    return table_.find(hash, [&](std::uint32_t index) { return slab_[index].flow == flow; });
  }
  // False if the budget refuses. (No record is worth another connection: what TIME-WAIT protects from is rare.)
  bool insert(Budget& budget, const Flow& flow, const tcp::TimeWaitRecord& record, std::uint64_t hash) {
    if (!table_.reserve(std::size_t{slab_.next_index()} + 1)) return false;
    const std::uint32_t index = slab_.insert(budget, {flow, record});
    if (index == no_index) return false;
    table_.insert(index, hash);
    order_.push_back(slab_, index);
    return true;
  }
  void remove(std::uint32_t index) {
    table_.remove(index);
    order_.remove(slab_, index);
    slab_.remove(index);
  }
  // Its wait began anew.
  void renewed(std::uint32_t index) { order_.move_to_back(slab_, index); }

  // Whose wait ends first; no_index if there is none.
  std::uint32_t oldest() const { return order_.front(); }
  std::optional<Instant> deadline() const {
    if (order_.empty()) return {};
    return slab_[order_.front()].record.expires;
  }
  std::uint32_t used() const { return slab_.used(); }

  static void fields(auto& self, auto&& visit) { visit(self.slab_, self.order_); }
  bool restored_with(const crypto::HashTableKey& key, const LoadContext& context);

 private:
  Slab<TimeWait> slab_;
  FlowTable table_;
  IndexList<TimeWait, &TimeWait::order> order_;
};

}  // namespace limpid::tcpip::host
