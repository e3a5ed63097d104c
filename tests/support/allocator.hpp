// The allocator hook of the test programs lets a test look at memory that is about to be given back.
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::test {

// Called with every block just before it is freed, if set.
extern void (*observe_release)(Bytes block);

}  // namespace limpid::test
