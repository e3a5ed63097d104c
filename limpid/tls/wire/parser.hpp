// Reads a message of a peer and remembers the first thing that is wrong with it, and where. After that it yields zeros
// and empty views, so that a parser reads straight on and asks once, at the end, for the error.
#pragma once

#include <expected>
#include <iterator>
#include <limits>
#include <optional>

#include "limpid/core/reader.hpp"
#include "limpid/tls/fault.hpp"

namespace limpid::tls::wire {

struct Length {
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

class Parser {
 public:
  // `base` is the offset of `bytes` in the message that errors count from.
  explicit Parser(Bytes bytes, std::size_t base = 0) : reader_(bytes), base_(base) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(reader_.u8())); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(reader_.u16())); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(number(reader_.u24())); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(reader_.u32())); }
  Bytes take(std::size_t n) { return checked(reader_.take(n)); }
  Bytes take_rest() { return take(reader_.remaining()); }

  // Vectors behind a length of one, two or three bytes (section 3.4), refused outside the bounds of their definition.
  Bytes vector8(Length allowed = {}) { return bounded(u8(), allowed); }
  Bytes vector16(Length allowed = {}) { return bounded(u16(), allowed); }
  Bytes vector24(Length allowed = {}) { return bounded(u24(), allowed); }

  // Lets `body(Parser&)` read all of `content`, which this parser just took, and keeps its error.
  template <class Body>
  void within(Bytes content, Body&& body) {
    if (failed()) return;
    Parser inner(content, offset() - content.size());
    body(inner);
    inner.finish();
    if (inner.failed()) error_ = inner.error_;
  }

  // Demands that nothing is left.
  void finish() {
    if (!failed() && !reader_.empty()) fail(Fault::trailing_bytes, static_cast<std::uint32_t>(reader_.remaining()));
  }

  bool at_end() const { return failed() || reader_.empty(); }
  std::size_t offset() const { return base_ + reader_.offset(); }

  // The first failure counts. `back` says how many bytes before the present offset the field at fault begins.
  void fail(Fault fault, std::uint32_t found = 0, std::size_t back = 0) {
    if (!failed()) error_ = Error{fault, static_cast<std::uint32_t>(offset() - back), found};
  }
  void fail(const Error& error) {
    if (!failed()) error_ = error;
  }
  bool failed() const { return error_.has_value(); }
  Error error() const { return error_.value_or(Error{}); }

  // `value`, once everything was read and nothing was wrong.
  template <class T>
  std::expected<T, Error> finished(const T& value) {
    finish();
    if (failed()) return std::unexpected(*error_);
    return value;
  }

 private:
  std::uint64_t number(std::uint64_t value) {
    if (reader_.failed()) fail(Fault::message_truncated);
    return failed() ? 0 : value;
  }
  Bytes checked(Bytes taken) {
    if (reader_.failed()) fail(Fault::message_truncated);
    return failed() ? Bytes{} : taken;
  }
  Bytes bounded(std::size_t length, Length allowed) {
    if (length < allowed.least || length > allowed.most) {
      fail(Fault::length_out_of_range, static_cast<std::uint32_t>(length));
      return {};
    }
    return take(length);
  }

  Reader reader_;
  std::size_t base_;
  std::optional<Error> error_;
};

// A list without its length, already checked: yields an Element at a time, without copying. `Element::read(Parser&)`
// reads one. (Of unchecked bytes it yields elements up to the first that is malformed.)
template <class Element>
struct Sequence {
  Bytes raw{};

  class Iterator {
   public:
    explicit Iterator(Bytes raw) : rest_(raw) { ++*this; }
    const Element& operator*() const { return element_; }
    const Element* operator->() const { return &element_; }
    Iterator& operator++() {
      Parser in(rest_);
      at_end_ = in.at_end();
      element_ = Element::read(in);
      if (in.failed()) at_end_ = true;
      rest_ = at_end_ ? Bytes{} : rest_.subspan(in.offset());
      return *this;
    }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.at_end_; }

   private:
    Bytes rest_;
    Element element_{};
    bool at_end_ = false;
  };

  Iterator begin() const { return Iterator(raw); }
  std::default_sentinel_t end() const { return {}; }
  bool empty() const { return raw.empty(); }
  std::size_t count() const {
    std::size_t n = 0;
    for (auto it = begin(); it != end(); ++it) ++n;
    return n;
  }

  // Reads the elements to the end of `in`, which checks them.
  static void check(Parser& in) {
    while (!in.at_end()) Element::read(in);
  }

  friend bool operator==(const Sequence&, const Sequence&) = default;
};

// A list of 16-bit code points without its length; the bytes are of even number.
template <class E>
struct CodePoints {
  Bytes raw{};

  std::size_t size() const { return raw.size() / 2; }
  E operator[](std::size_t i) const { return static_cast<E>(raw[2 * i] << 8 | raw[2 * i + 1]); }
  bool contains(E value) const {
    for (std::size_t i = 0; i < size(); ++i) {
      if ((*this)[i] == value) return true;
    }
    return false;
  }

  class Iterator {
   public:
    Iterator(const CodePoints& list, std::size_t at) : list_(list), at_(at) {}
    E operator*() const { return list_[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    CodePoints list_;
    std::size_t at_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  // Takes `content`, which `in` just read, as such a list.
  static CodePoints read(Parser& in, Bytes content) {
    if (content.size() % 2 != 0) in.fail(Fault::length_out_of_range, static_cast<std::uint32_t>(content.size()));
    return in.failed() ? CodePoints{} : CodePoints{content};
  }

  friend bool operator==(const CodePoints&, const CodePoints&) = default;
};

}  // namespace limpid::tls::wire
