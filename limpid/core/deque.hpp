// A Vec that gives up its front cheaply: what was removed there is closed up only when it is half as much as what is
// left.
// The elements lie in one piece.
#pragma once

#include <algorithm>

#include "limpid/core/vec.hpp"

namespace limpid {

template <class T>
class Deque {
 public:
  Deque() = default;  // without a budget: empty, and refuses to grow
  explicit Deque(Budget& budget) : items_(budget) {}

  // These are false, and nothing changed, if the budget refuses.
  [[nodiscard]] bool reserve(std::size_t n) { return items_.reserve(removed_ + n); }
  [[nodiscard]] bool resize(std::size_t n) { return items_.resize(removed_ + n); }
  [[nodiscard]] bool push_back(T value) { return items_.push_back(std::move(value)); }
  [[nodiscard]] bool append(std::span<const T> values)
    requires std::is_trivially_copyable_v<T>
  {
    return items_.append(values);
  }
  [[nodiscard]] bool insert(std::size_t at, T value) {
    if (!items_.push_back(std::move(value))) return false;
    T last = std::move(back());
    std::move_backward(begin() + at, end() - 1, end());
    begin()[at] = std::move(last);
    return true;
  }

  void erase(std::size_t at, std::size_t n) {
    std::move(begin() + at + n, end(), begin() + at);
    items_.truncate(items_.size() - n);
    close_up();
  }
  void pop_front() { erase_front(1); }
  void erase_front(std::size_t n) {
    // What they owned is given back at once.
    if constexpr (!std::is_trivially_destructible_v<T>) {
      for (std::size_t i = 0; i < n; ++i) (*this)[i] = T{};
    }
    removed_ += n;
    close_up();
  }
  void clear() {
    items_.clear();
    removed_ = 0;
  }
  // Gives the memory back to the budget.
  void release() {
    items_.release();
    removed_ = 0;
  }

  std::size_t size() const { return items_.size() - removed_; }
  bool empty() const { return size() == 0; }
  T* data() { return items_.data() + removed_; }
  const T* data() const { return items_.data() + removed_; }
  T* begin() { return data(); }
  T* end() { return items_.end(); }
  const T* begin() const { return data(); }
  const T* end() const { return items_.end(); }
  T& operator[](std::size_t i) { return items_[removed_ + i]; }
  const T& operator[](std::size_t i) const { return items_[removed_ + i]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return items_.back(); }
  const T& back() const { return items_.back(); }

 private:
  void close_up() {
    if (removed_ < size() / 2) return;
    items_.erase_front(removed_);
    removed_ = 0;
  }

  Vec<T> items_;
  std::size_t removed_ = 0;
};

}  // namespace limpid
