// What a network device does with a frame that it is given: it finishes checksums and cuts superframes into segments
// (TransmitOffload), so that what comes out is what a wire carries.
#pragma once

#include "limpid/core/frame.hpp"
#include "limpid/core/vec.hpp"

namespace limpid::sim {

// Writes the frame's pieces into `whole`, in place of what it held, and finishes its checksum if that is asked for; a
// superframe stays whole. False if the budget refuses or the metadata does not fit the frame.
[[nodiscard]] bool assemble(const Transmit& transmit, Buffer& whole);

// Cuts an assembled TCP superframe into frames, one a call: the one that begins `at` bytes into the payload, into
// `frame`. Returns where the next begins, or nothing if that was the last; 0 is where to begin. A frame whose
// segment_size is 0 is its own last. `failed` is set if the budget refuses or the frame is no TCP segment.
struct Cut {
  std::size_t next = 0;
  bool last = true;
  bool failed = false;
};
Cut cut(Bytes whole, std::uint16_t segment_size, std::size_t at, Buffer& frame);

}  // namespace limpid::sim
