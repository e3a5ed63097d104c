// What waits for room in the console's output ring. The console's daemon takes text at its own pace, and nobody waits
// for it: what does not fit is lost, counted, and the text says so.
#pragma once

#include <array>

#include "limpid/core/writer.hpp"
#include "limpid/xen_netfront/protocol/ring.hpp"

namespace limpid::xen_netfront {

class ConsoleOutput {
 public:
  static constexpr std::size_t capacity = 4096;

  // Keeps the text, or as much of it as there is room for. After a loss nothing is kept until the note about it is.
  void write(std::string_view text) {
    if (lost_ > 0 && !note_loss()) {
      lost_ += text.size();
      return;
    }
    const std::size_t kept = std::min(text.size(), capacity - held_);
    append(as_bytes(text).first(kept));
    lost_ += text.size() - kept;
  }

  // The next piece for a ring that has so much room, to be followed by taken(): the oldest text, in one piece.
  Bytes next(std::size_t room) {
    if (held_ == 0 && lost_ > 0) note_loss();
    return Bytes(kept_).first(std::min(room, held_));
  }
  void taken(std::size_t count) {
    copy(Bytes(kept_).subspan(count, held_ - count), kept_);
    held_ -= count;
  }

  std::size_t held() const { return held_; }
  std::uint64_t lost() const { return total_lost_ + lost_; }  // bytes, ever

 private:
  void append(Bytes text) {
    copy(text, MutableBytes(kept_).subspan(held_));
    held_ += text.size();
  }
  bool note_loss() {
    Byte note[40];
    Writer out((MutableBytes(note)));
    out.text("[");
    out.decimal(lost_);
    out.text(" bytes lost]\r\n");
    if (out.size() > capacity - held_) return false;
    append(out.written());
    total_lost_ += lost_;
    lost_ = 0;
    return true;
  }

  std::array<Byte, capacity> kept_{};
  std::size_t held_ = 0;
  std::uint64_t lost_ = 0;  // since the last note
  std::uint64_t total_lost_ = 0;
};

}  // namespace limpid::xen_netfront
