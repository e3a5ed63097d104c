#include "limpid/core/constant_time.hpp"

namespace limpid {

bool declassify(bool bit) { return bit; }

}  // namespace limpid
