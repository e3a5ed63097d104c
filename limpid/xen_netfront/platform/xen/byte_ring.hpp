// Rings of bytes in shared memory: xenstore's and the console's. Bytes are copied out once, before anybody looks at
// them.
#pragma once

#include <cstdint>

#include "limpid/core/bytes.hpp"

namespace limpid::xen_netfront::platform {

// Memory of the ring, and where both sides' indices lie.
struct ByteRing {
  Byte* bytes = nullptr;
  std::size_t size = 0;
  std::uint32_t* consumer = nullptr;
  std::uint32_t* producer = nullptr;

  // How many bytes it would take now.
  std::size_t room() const;
  // As much as there is room for; how much that was.
  std::size_t write(Bytes from) const;
  // What is there, at most as much as fits.
  MutableBytes read(MutableBytes to) const;
};

}  // namespace limpid::xen_netfront::platform
