// What the queues of a device say to each other, on its way from one thread to another.
#pragma once

#include <cstring>
#include <mutex>
#include <vector>

#include "limpid/core/bytes.hpp"
#include "limpid/effects/descriptor.hpp"

namespace limpid::effects {

// The messages that wait for one queue. Bounded: who is told too much at once loses some, and nobody waits.
class QueueInbox {
 public:
  static constexpr std::size_t capacity = 1 << 20;  // 15 superframes

  QueueInbox();

  // From any thread: a message of two parts. False if it is lost.
  bool put(std::uint8_t from, Bytes head, Bytes rest);
  // From any thread: as if there were a message.
  void wake();

  // Its own thread's. Readable if there is a message, or wake() was called.
  int descriptor() const { return news_.get(); }
  // Gives all that waits to `take(from, message)`, which may alter it.
  template <class Take>
  void take_all(Take&& take) {
    swap();
    for (std::size_t at = 0; at < taken_.size();) {
      Envelope envelope;
      std::memcpy(&envelope, taken_.data() + at, sizeof envelope);
      at += sizeof envelope;
      take(envelope.from, MutableBytes(taken_).subspan(at, envelope.size));
      at += envelope.size;
    }
    taken_.clear();
  }

 private:
  struct Envelope {
    std::uint32_t size;
    std::uint8_t from;
  };
  void swap();

  Descriptor news_;
  std::mutex mutex_;
  std::vector<Byte> waiting_, taken_;
};

}  // namespace limpid::effects
