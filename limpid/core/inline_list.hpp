// A list of at most N plain values, held in place. What does not fit is refused.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "limpid/core/snapshot.hpp"

namespace limpid {

template <class T, std::size_t N>
class InlineList {
  static_assert(N <= UINT16_MAX && std::is_trivially_copyable_v<T>);

 public:
  static constexpr std::size_t capacity = N;

  constexpr InlineList() = default;
  // The first N values at most.
  constexpr explicit InlineList(std::span<const T> values) {
    for (const T& value : values) push_back(value);
  }
  constexpr InlineList(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }

  // False, and nothing changed, if the list is full.
  constexpr bool push_back(const T& value) {
    if (size_ == N) return false;
    values_[size_++] = value;
    return true;
  }

  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const T* data() const { return values_.data(); }
  constexpr const T* begin() const { return values_.data(); }
  constexpr const T* end() const { return values_.data() + size_; }
  constexpr const T& operator[](std::size_t i) const { return std::span<const T>(values_).first(size_)[i]; }
  constexpr std::span<const T> span() const { return std::span<const T>(values_).first(size_); }
  constexpr bool contains(const T& value) const { return std::find(begin(), end(), value) != end(); }

  friend constexpr bool operator==(const InlineList& a, const InlineList& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

  static void fields(auto& self, auto&& visit) { visit(self.size_, self.values_); }
  // Only the canonical form: what is not used is as it was born.
  bool restored(const LoadContext&) const {
    return size_ <= N && std::all_of(values_.begin() + size_, values_.end(), [](const T& v) { return v == T{}; });
  }

 private:
  std::array<T, N> values_{};
  std::uint16_t size_ = 0;
};

// A short byte string held in place: a name, an identifier.
template <std::size_t N>
using InlineBytes = InlineList<Byte, N>;

}  // namespace limpid
