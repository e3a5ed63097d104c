// Finds the index of a value in a slab by a keyed hash. Values of one hash are chained; with a key that nobody else
// knows and at least as many chains as values, chains are short. The table is never saved: it is built again when its
// slab is loaded, and no decision depends on its order, since keys are unique.
#pragma once

#include "limpid/tcpip/host/slab.hpp"

namespace limpid::tcpip::host {

class FlowTable {
 public:
  FlowTable() = default;
  explicit FlowTable(Budget& budget) : chains_(budget), links_(budget) {}

  // Makes sure that indices below `size` can be inserted. False if the budget refuses; then what was there still works.
  [[nodiscard]] bool reserve(std::size_t size) {
    if (size > links_.size()) {
      const std::size_t grown = std::max<std::size_t>({8, size, links_.size() * 2});
      if (!links_.resize(grown)) return false;
    }
    if (size > chains_.size()) {
      std::size_t grown = std::max<std::size_t>(8, chains_.size());
      while (grown < size) grown *= 2;
      Vec<std::uint32_t> chains(*links_.budget());
      if (!chains.resize(grown)) return false;
      std::swap(chains, chains_);
      std::fill(chains_.begin(), chains_.end(), no_index);
      for (const std::uint32_t first : chains) {
        for (std::uint32_t at = first, next; at != no_index; at = next) {
          next = links_[at].next;
          insert(at, links_[at].hash);
        }
      }
    }
    return true;
  }

  // `index` must have been reserved and must not be in the table.
  void insert(std::uint32_t index, std::uint64_t hash) {
    std::uint32_t& chain = chains_[hash & (chains_.size() - 1)];
    links_[index] = {hash, chain};
    chain = index;
  }

  // `index` must be in the table.
  void remove(std::uint32_t index) {
    std::uint32_t* at = &chains_[links_[index].hash & (chains_.size() - 1)];
    while (*at != index) at = &links_[*at].next;
    *at = links_[index].next;
  }

  // The index for which `is(index)` holds among those of this hash; no_index if there is none.
  template <class Is>
  std::uint32_t find(std::uint64_t hash, Is&& is) const {
    if (chains_.empty()) return no_index;
    std::uint32_t at = chains_[hash & (chains_.size() - 1)];
    while (at != no_index && !(links_[at].hash == hash && is(at))) at = links_[at].next;
    return at;
  }

 private:
  struct Link {
    std::uint64_t hash = 0;
    std::uint32_t next = no_index;
  };

  Vec<std::uint32_t> chains_;  // a power of two
  Vec<Link> links_;            // by index in the slab
};

}  // namespace limpid::tcpip::host
