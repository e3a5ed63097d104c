// One value on the heap, owned, possibly absent, charged to a budget. Move-only.
#pragma once

#include <new>
#include <utility>

#include "limpid/core/budget.hpp"

namespace limpid {

template <class T>
class Box {
  static_assert(alignof(T) <= 16);

 public:
  Box() = default;  // absent
  // Absent if the budget refuses; then the arguments are untouched.
  template <class... Arguments>
  static Box make(Budget& budget, Arguments&&... arguments) {
    Box box;
    void* memory = budget.allocate(sizeof(T));
    if (memory == nullptr) return box;
    box.value_ = ::new (memory) T{std::forward<Arguments>(arguments)...};
    box.budget_ = &budget;
    return box;
  }
  Box(Box&& other) noexcept : value_(std::exchange(other.value_, nullptr)), budget_(other.budget_) {}
  Box& operator=(Box&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = std::exchange(other.value_, nullptr);
      budget_ = other.budget_;
    }
    return *this;
  }
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;
  ~Box() { reset(); }

  void reset() {
    if (value_ == nullptr) return;
    value_->~T();
    budget_->release(std::exchange(value_, nullptr), sizeof(T));
  }

  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_; }
  const T* operator->() const { return value_; }

 private:
  T* value_ = nullptr;
  Budget* budget_ = nullptr;
};

}  // namespace limpid
