// Values under small indices that stay valid until the value is removed. An index is used again, with another
// generation.
#pragma once

#include "limpid/core/box.hpp"
#include "limpid/core/snapshot.hpp"

namespace limpid::tcpip::host {

inline constexpr std::uint32_t no_index = UINT32_MAX;

template <class T>
class Slab {
 public:
  Slab() = default;  // without a budget: empty, and refuses to grow
  explicit Slab(Budget& budget) : slots_(budget) {}

  // Where the next value would go; its index is below the next size() then.
  std::uint32_t next_index() const { return free_ != no_index ? free_ : static_cast<std::uint32_t>(slots_.size()); }
  // no_index, and nothing changed, if the budget refuses.
  std::uint32_t insert(Budget& budget, T value) {
    if (free_ == no_index && slots_.size() == slots_.capacity() &&
        !slots_.reserve(std::max<std::size_t>(8, slots_.capacity() * 2))) {
      return no_index;
    }
    auto box = Box<T>::make(budget, std::move(value));
    if (!box) return no_index;
    const std::uint32_t index = next_index();
    if (free_ == no_index) {
      if (!slots_.push_back({})) return no_index;
    } else {
      free_ = std::exchange(slots_[index].next_free, no_index);
    }
    slots_[index].value = std::move(box);
    ++used_;
    return index;
  }
  void remove(std::uint32_t index) { take(index); }
  // Removes it and hands it over.
  Box<T> take(std::uint32_t index) {
    Slot& slot = slots_[index];
    ++slot.generation;
    slot.next_free = std::exchange(free_, index);
    --used_;
    return std::move(slot.value);
  }

  // Null if there is none, or a later one than that of this generation.
  T* find(std::uint32_t index, std::uint32_t generation) {
    return holds(index) && slots_[index].generation == generation ? &*slots_[index].value : nullptr;
  }
  const T* find(std::uint32_t index, std::uint32_t generation) const {
    return holds(index) && slots_[index].generation == generation ? &*slots_[index].value : nullptr;
  }
  bool holds(std::uint32_t index) const { return index < slots_.size() && slots_[index].value; }
  // Only of an index that holds a value.
  T& operator[](std::uint32_t index) { return *slots_[index].value; }
  const T& operator[](std::uint32_t index) const { return *slots_[index].value; }
  std::uint32_t generation(std::uint32_t index) const { return slots_[index].generation; }

  std::uint32_t size() const { return static_cast<std::uint32_t>(slots_.size()); }  // indices are below
  std::uint32_t used() const { return used_; }

  static void fields(auto& self, auto&& visit) { visit(self.slots_, self.free_); }
  // The free slots form one chain, and each is in it.
  bool restored(const LoadContext&) {
    used_ = 0;
    if (slots_.size() >= no_index) return false;
    for (const Slot& slot : slots_) {
      if (slot.value) ++used_;
      if (slot.value && slot.next_free != no_index) return false;
    }
    std::uint32_t free = 0;
    for (std::uint32_t at = free_; at != no_index; at = slots_[at].next_free) {
      if (at >= slots_.size() || slots_[at].value || ++free > slots_.size() - used_) return false;
    }
    return free == slots_.size() - used_;
  }

 private:
  struct Slot {
    Box<T> value;
    std::uint32_t generation = 0;
    std::uint32_t next_free = no_index;
    static void fields(auto& self, auto&& visit) { visit(self.value, self.generation, self.next_free); }
  };

  Vec<Slot> slots_;
  std::uint32_t free_ = no_index;  // the slot that became free last
  std::uint32_t used_ = 0;         // counted when loaded
};

}  // namespace limpid::tcpip::host
