#include "limpid/effects/entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace limpid::effects {

std::array<Byte, 32> entropy() {
  std::array<Byte, 32> bytes;
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = getrandom(bytes.data() + filled, bytes.size() - filled, 0);
    if (n > 0) filled += static_cast<std::size_t>(n);
    if (n < 0 && errno != EINTR) std::abort();
  }
  return bytes;
}

}  // namespace limpid::effects
