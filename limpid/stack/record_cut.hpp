// Where the first TLS record of a stream ends. A composite that must deal with what one record held before the next is
// decrypted offers its connection one at a time.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::stack {

// Bytes of the first record (RFC 8446, section 5.1), or all if it is not complete.
inline std::size_t first_record(Bytes stream) {
  constexpr std::size_t header = 5;
  if (stream.size() < header) return stream.size();
  return std::min<std::size_t>(stream.size(), header + (std::size_t{stream[3]} << 8 | stream[4]));
}

}  // namespace limpid::stack
