#include "limpid/tcpip/host/connections.hpp"
#include "limpid/tcpip/host/time_waits.hpp"

namespace limpid::tcpip::host {

bool Connections::restored_with(const crypto::HashTableKey& key, const LoadContext& context) {
  if (!dirty_.restored_over(slab_) || !progress_.restored_over(slab_)) return false;
  table_ = FlowTable(context.budget);
  timers_ = TimerHeap(context.budget);
  lent_ = Vec<Lent>(context.budget);
  if (!table_.reserve(slab_.size()) || !timers_.reserve(slab_.size()) || !reserve_lent(slab_.used())) return false;
  for (std::uint32_t i = 0; i < slab_.size(); ++i) {
    if (!slab_.holds(i)) continue;
    const Entry& entry = slab_[i];
    if (entry.progress.in == (entry.stage == Entry::Stage::leaving)) return false;
    const std::uint64_t hash = hash_of(key, entry.flow);
    if (find(entry.flow, hash) != no_index) return false;
    table_.insert(i, hash);
    if (const auto deadline = entry.tcp.deadline()) timers_.arm(i, *deadline);
  }
  return true;
}

bool TimeWaits::restored_with(const crypto::HashTableKey& key, const LoadContext& context) {
  if (!order_.restored_over(slab_)) return false;
  table_ = FlowTable(context.budget);
  if (!table_.reserve(slab_.size())) return false;
  for (std::uint32_t i = 0; i < slab_.size(); ++i) {
    if (!slab_.holds(i)) continue;
    if (!slab_[i].order.in) return false;
    const std::uint64_t hash = hash_of(key, slab_[i].flow);
    if (find(slab_[i].flow, hash) != no_index) return false;
    table_.insert(i, hash);
  }
  return true;
}

}  // namespace limpid::tcpip::host
