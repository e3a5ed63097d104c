// A table in the order of its keys: found by halving, so that peers who choose the keys cannot make it slow, saved in
// one form only. Adding and removing move what lies behind, so it is meant for hundreds of entries.
#pragma once

#include <algorithm>

#include "limpid/core/snapshot.hpp"

namespace limpid::tcpip::ip {

// An Entry has `key()`, which never changes while it is in a table.
template <class Entry>
class SortedTable {
 public:
  SortedTable() = default;  // without a budget: refuses to grow
  explicit SortedTable(Budget& budget) : entries_(budget) {}

  template <class Key>
  Entry* find(const Key& key) {
    Entry* at = place(key);
    return at != entries_.end() && at->key() == key ? at : nullptr;
  }
  template <class Key>
  const Entry* find(const Key& key) const {
    return const_cast<SortedTable*>(this)->find(key);
  }
  // Its key must not be there yet. Null, and nothing changed, if the budget refuses.
  Entry* insert(Entry entry) {
    const auto before = static_cast<std::size_t>(place(entry.key()) - entries_.begin());
    if (!entries_.push_back(std::move(entry))) return nullptr;
    std::rotate(entries_.begin() + before, entries_.end() - 1, entries_.end());
    return entries_.begin() + before;
  }
  void erase(Entry* entry) {
    std::move(entry + 1, entries_.end(), entry);
    entries_.truncate(entries_.size() - 1);
  }

  Entry* begin() { return entries_.begin(); }
  Entry* end() { return entries_.end(); }
  const Entry* begin() const { return entries_.begin(); }
  const Entry* end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Budget* budget() const { return entries_.budget(); }

  static void fields(auto& self, auto&& visit) { visit(self.entries_); }
  bool restored(const LoadContext&) const {
    const auto unordered = [](const Entry& a, const Entry& b) { return !(a.key() < b.key()); };
    return std::adjacent_find(entries_.begin(), entries_.end(), unordered) == entries_.end();
  }

 private:
  template <class Key>
  Entry* place(const Key& key) {
    return std::lower_bound(entries_.begin(), entries_.end(), key,
                            [](const Entry& entry, const Key& wanted) { return entry.key() < wanted; });
  }

  Vec<Entry> entries_;
};

}  // namespace limpid::tcpip::ip
