// Doubly linked lists of values in a slab, linked by index: first come, first served; any value can leave at once.
#pragma once

#include "limpid/tcpip/host/slab.hpp"

namespace limpid::tcpip::host {

// Where a value stands in one list. Not in it: both are its own... absent, and `in` is false.
struct ListLink {
  std::uint32_t previous = no_index;
  std::uint32_t next = no_index;
  bool in = false;
  friend constexpr bool operator==(const ListLink&, const ListLink&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.previous, self.next, self.in); }
};

// `Link` is the member of T that belongs to this list.
template <class T, ListLink T::* Link>
class IndexList {
 public:
  bool empty() const { return first_ == no_index; }
  std::uint32_t front() const { return first_; }  // no_index if empty
  std::uint32_t size() const { return size_; }

  void push_back(Slab<T>& slab, std::uint32_t index) {
    ListLink& link = slab[index].*Link;
    if (link.in) return;
    link = {last_, no_index, true};
    if (last_ != no_index) (slab[last_].*Link).next = index;
    last_ = index;
    if (first_ == no_index) first_ = index;
    ++size_;
  }
  void remove(Slab<T>& slab, std::uint32_t index) {
    ListLink& link = slab[index].*Link;
    if (!link.in) return;
    (link.previous == no_index ? first_ : (slab[link.previous].*Link).next) = link.next;
    (link.next == no_index ? last_ : (slab[link.next].*Link).previous) = link.previous;
    link = {};
    --size_;
  }
  void move_to_back(Slab<T>& slab, std::uint32_t index) {
    if (last_ == index) return;
    remove(slab, index);
    push_back(slab, index);
  }

  static void fields(auto& self, auto&& visit) { visit(self.first_, self.last_); }
  // To be called when the slab is loaded, too: whether all that say so are in the list, and it in them.
  bool restored_over(const Slab<T>& slab) {
    std::uint32_t members = 0;
    for (std::uint32_t i = 0; i < slab.size(); ++i) {
      if (!slab.holds(i)) continue;
      const ListLink& link = slab[i].*Link;
      if (link.in) ++members;
      if (!link.in && link != ListLink{}) return false;
    }
    std::uint32_t previous = no_index;
    size_ = 0;
    for (std::uint32_t at = first_; at != no_index; at = (slab[at].*Link).next) {
      if (!slab.holds(at) || ++size_ > members) return false;
      const ListLink& link = slab[at].*Link;
      if (!link.in || link.previous != previous) return false;
      previous = at;
    }
    return size_ == members && previous == last_;
  }

 private:
  std::uint32_t first_ = no_index;
  std::uint32_t last_ = no_index;
  std::uint32_t size_ = 0;  // counted when loaded
};

}  // namespace limpid::tcpip::host
