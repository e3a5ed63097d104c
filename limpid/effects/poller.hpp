// An epoll set whose entries are named by 64-bit numbers.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "limpid/core/time.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/descriptor.hpp"

namespace limpid::effects {

class Poller {
 public:
  Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  explicit operator bool() const { return static_cast<bool>(epoll_); }

  bool add(int descriptor, std::uint32_t events, std::uint64_t name) {
    return change(EPOLL_CTL_ADD, descriptor, events, name);
  }
  bool remove(int descriptor) { return change(EPOLL_CTL_DEL, descriptor, 0, 0); }

  // What is ready, at most 256 entries; waits for it until `deadline` (none: for ever; one that has passed: not at
  // all).
  std::span<const epoll_event> wait(std::optional<Instant> deadline) {
    const int n =
        ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), milliseconds_until(deadline));
    return std::span(ready_).first(static_cast<std::size_t>(std::max(n, 0)));
  }

 private:
  bool change(int operation, int descriptor, std::uint32_t events, std::uint64_t name) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = name;
    return ::epoll_ctl(epoll_.get(), operation, descriptor, &event) == 0;
  }

  Descriptor epoll_;
  std::array<epoll_event, 256> ready_{};
};

}  // namespace limpid::effects
