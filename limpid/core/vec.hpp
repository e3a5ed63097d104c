// A growable array whose growth can be refused. Move-only; it points to the budget that it charges.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "limpid/core/budget.hpp"
#include "limpid/core/bytes.hpp"
#include "limpid/core/constant_time.hpp"

namespace limpid {

template <class T>
class Vec {
  static_assert(alignof(T) <= 16);

 public:
  Vec() = default;  // without a budget: empty, and refuses to grow
  explicit Vec(Budget& budget) : budget_(&budget) {}
  Vec(Vec&& other) noexcept
      : budget_(other.budget_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Vec& operator=(Vec&& other) noexcept {
    if (this != &other) {
      release();
      budget_ = other.budget_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  Vec(const Vec&) = delete;
  Vec& operator=(const Vec&) = delete;
  ~Vec() { release(); }

  // False, and nothing changed, if the budget refuses. Grows to exactly n.
  [[nodiscard]] bool reserve(std::size_t n) {
    if (n <= capacity_) return true;
    if (budget_ == nullptr || n > SIZE_MAX / sizeof(T)) return false;
    T* moved = static_cast<T*>(budget_->allocate(n * sizeof(T)));
    if (moved == nullptr) return false;
    if constexpr (std::is_trivially_copyable_v<T>) {
      if (size_ > 0) std::memcpy(moved, data_, size_ * sizeof(T));
      // What grows may hold keys, a snapshot say: no copy is left behind in memory given back.
      if constexpr (std::is_same_v<T, Byte>) wipe({data_, size_});
    } else {
      for (std::size_t i = 0; i < size_; ++i) {
        ::new (static_cast<void*>(moved + i)) T(std::move(data_[i]));
        data_[i].~T();
      }
    }
    if (data_ != nullptr) budget_->release(data_, capacity_ * sizeof(T));
    data_ = moved;
    capacity_ = n;
    return true;
  }

  [[nodiscard]] bool push_back(T value) {
    if (!grow_for(1)) return false;
    ::new (static_cast<void*>(data_ + size_)) T(std::move(value));
    ++size_;
    return true;
  }

  [[nodiscard]] bool append(std::span<const T> values)
    requires std::is_trivially_copyable_v<T>
  {
    if (!grow_for(values.size())) return false;
    if (!values.empty()) std::memcpy(data_ + size_, values.data(), values.size() * sizeof(T));
    size_ += values.size();
    return true;
  }

  // New elements are value-initialized.
  [[nodiscard]] bool resize(std::size_t n) {
    if (n < size_) {
      truncate(n);
      return true;
    }
    if (!reserve(n)) return false;
    if constexpr (std::is_integral_v<T>) {
      // As one block: byte by byte, the compiler must assume that a byte written is one of `size_`.
      if (n > size_) std::memset(data_ + size_, 0, (n - size_) * sizeof(T));
      size_ = n;
    } else {
      for (; size_ < n; ++size_) ::new (static_cast<void*>(data_ + size_)) T();
    }
    return true;
  }

  // The reserved memory behind the elements; its first n become elements, as they were written there, by adopt(n).
  std::span<T> spare()
    requires std::is_trivially_copyable_v<T>
  {
    return {data_ + size_, capacity_ - size_};
  }
  void adopt(std::size_t n)
    requires std::is_trivially_copyable_v<T>
  {
    size_ += spare().first(n).size();
  }

  void truncate(std::size_t n) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      size_ = std::min(size_, n);
    } else {
      while (size_ > n) data_[--size_].~T();
    }
  }
  void clear() { truncate(0); }

  void erase_front(std::size_t n) {
    if (n == 0) return;
    if constexpr (std::is_trivially_copyable_v<T>) {
      const auto kept = std::span<const T>(data_, size_).subspan(n);
      std::memmove(data_, kept.data(), kept.size_bytes());
    } else {
      for (std::size_t i = n; i < size_; ++i) data_[i - n] = std::move(data_[i]);
    }
    truncate(size_ - n);
  }

  // Gives the memory back to the budget.
  void release() {
    clear();
    if (data_ != nullptr) budget_->release(data_, capacity_ * sizeof(T));
    data_ = nullptr;
    capacity_ = 0;
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) { return std::span<T>(data_, size_)[i]; }
  const T& operator[](std::size_t i) const { return std::span<const T>(data_, size_)[i]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  Budget* budget() const { return budget_; }

 private:
  bool grow_for(std::size_t extra) {
    if (extra <= capacity_ - size_) return true;
    if (extra > SIZE_MAX / 2 - size_) return false;
    const std::size_t needed = size_ + extra;
    return reserve(std::max(needed, capacity_ * 2));
  }

  Budget* budget_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

using Buffer = Vec<Byte>;

}  // namespace limpid
