#include "limpid/effects/queue_inbox.hpp"

#include <sys/eventfd.h>

namespace limpid::effects {

QueueInbox::QueueInbox() : news_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

bool QueueInbox::put(std::uint8_t from, Bytes head, Bytes rest) {
  const Envelope envelope{static_cast<std::uint32_t>(head.size() + rest.size()), from};
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + sizeof envelope + envelope.size > capacity) return false;
    first = waiting_.empty();
    const std::size_t at = waiting_.size();
    waiting_.resize(at + sizeof envelope);
    std::memcpy(waiting_.data() + at, &envelope, sizeof envelope);
    waiting_.insert(waiting_.end(), head.begin(), head.end());
    waiting_.insert(waiting_.end(), rest.begin(), rest.end());
  }
  if (first) wake();
  return true;
}

void QueueInbox::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(news_.get(), &one, sizeof one));
}

void QueueInbox::swap() {
  std::uint64_t times = 0;
  static_cast<void>(!::read(news_.get(), &times, sizeof times));
  const std::lock_guard lock(mutex_);
  std::swap(waiting_, taken_);
}

}  // namespace limpid::effects
