// What a handshake machine gives out: messages at their encryption levels, and the secrets that protect them.
#pragma once

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/hmac.hpp"

namespace limpid::tls::handshake {

using crypto::HashSecret;

// Which keys protect a message: none, those of the handshake traffic secrets, or those of the application traffic
// secrets (what RFC 9001, section 4.1.4, calls encryption levels).
enum class Level : std::uint8_t { initial, handshake, application };
constexpr bool is_valid(Level level) { return level <= Level::application; }

// Messages to be sent, in order; levels only grow. A level's write secret stays here until it is taken into use, which
// must not be before everything of the levels below was sent.
class Flight {
 public:
  Flight() = default;  // without a budget: empty, and refuses to grow
  explicit Flight(Budget& budget) : bytes_(budget) {}

  // Appends what `emit(Writer&)` writes, whole handshake messages, and shows where it stands until the next call. Empty
  // if the budget refuses; the flight is then of no more use.
  template <class Emit>
  Bytes append(Level level, Emit&& emit) {
    const std::size_t before = bytes_.size();
    Writer out(bytes_);
    emit(out);
    if (out.failed()) {
      bytes_.truncate(before);
      return {};
    }
    for (std::size_t l = index(level); l < ends_.size(); ++l) ends_[l] = static_cast<std::uint32_t>(bytes_.size());
    return Bytes(bytes_.data(), bytes_.size()).subspan(before);
  }

  void set_write_secret(Level level, HashSecret secret) { secret_of(level) = std::move(secret); }
  bool has_write_secret(Level level) const { return !secret_of(level).empty(); }
  HashSecret take_write_secret(Level level) { return std::move(secret_of(level)); }

  // What of a level is still to be sent, and that `n` bytes of it were.
  Bytes unsent(Level level) const {
    const std::size_t begin = level == Level::initial ? 0 : ends_[index(level) - 1];
    const std::size_t end = ends_[index(level)];
    const std::size_t from = std::min(std::max<std::size_t>(begin, sent_), end);
    return Bytes(bytes_.data(), bytes_.size()).subspan(from, end - from);
  }
  void mark_sent(std::size_t n) { sent_ += static_cast<std::uint32_t>(n); }
  bool all_sent() const { return sent_ == bytes_.size(); }
  bool any_sent() const { return sent_ != 0; }

  // Forgets the messages, sent or not, and gives their memory back.
  void drop() {
    bytes_.release();
    ends_ = {};
    sent_ = 0;
  }

  static void fields(auto& self, auto&& visit) {
    visit(self.bytes_, self.ends_, self.sent_, self.handshake_secret_, self.application_secret_);
  }
  bool restored(const LoadContext&) const {
    return sent_ <= bytes_.size() && ends_[0] <= ends_[1] && ends_[1] <= ends_[2] && ends_[2] == bytes_.size();
  }

 private:
  static constexpr std::size_t index(Level level) { return static_cast<std::size_t>(level); }
  HashSecret& secret_of(Level level) { return level == Level::handshake ? handshake_secret_ : application_secret_; }
  const HashSecret& secret_of(Level level) const {
    return level == Level::handshake ? handshake_secret_ : application_secret_;
  }

  Buffer bytes_;
  std::array<std::uint32_t, 3> ends_{};  // where each level's messages end in bytes_
  std::uint32_t sent_ = 0;
  HashSecret handshake_secret_;
  HashSecret application_secret_;
};

}  // namespace limpid::tls::handshake
