// The elements of a SEQUENCE OF as a range, decoded one at a time from contents that were checked when they were
// parsed.
#pragma once

#include <iterator>

#include "limpid/asn1/der_reader.hpp"

namespace limpid::asn1 {

// T has `static T decode(DerReader&)`, which reads one element. Iteration ends early where `decode` fails.
template <class T>
class SequenceOf {
 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Bytes contents) : rest_(contents) { advance(); }
    const T& operator*() const { return *current_; }
    const T* operator->() const { return &*current_; }
    Iterator& operator++() {
      advance();
      return *this;
    }
    void operator++(int) { advance(); }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return !it.current_; }

   private:
    void advance() {
      current_.reset();
      if (rest_.empty()) return;
      DerDocument document(rest_);
      DerReader in(document);
      const T value = T::decode(in);
      if (document.failed()) return;
      rest_ = rest_.subspan(static_cast<std::size_t>(in.position() - rest_.data()));
      current_ = value;
    }

    Bytes rest_;
    std::optional<T> current_;
  };

  SequenceOf() = default;  // empty
  explicit SequenceOf(Bytes contents) : contents_(contents) {}

  Iterator begin() const { return Iterator(contents_); }
  std::default_sentinel_t end() const { return {}; }
  bool empty() const { return contents_.empty(); }
  Bytes contents() const { return contents_; }

  friend bool operator==(const SequenceOf&, const SequenceOf&) = default;

 private:
  Bytes contents_;
};

}  // namespace limpid::asn1
