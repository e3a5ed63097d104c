// Signals as something to wait for in a loop.
#pragma once

#include <optional>

#include "limpid/effects/descriptor.hpp"

namespace limpid::effects {

// Takes SIGTERM, SIGINT, SIGHUP and SIGUSR1 out of their usual effect for the calling thread and those it starts later,
// and ignores SIGPIPE. Make it before any thread.
class Signals {
 public:
  Signals();
  int descriptor() const { return descriptor_.get(); }  // readable when a signal is waiting
  std::optional<int> take();                            // the next one, if any; never blocks

 private:
  Descriptor descriptor_;
};

}  // namespace limpid::effects
