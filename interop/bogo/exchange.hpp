// One connection to the runner.
#pragma once

#include "interop/bogo/options.hpp"

namespace limpid::bogo {

// Dials, shakes hands, echoes, closes. Nothing if all was as expected; otherwise why not, a fault of TLS as `:name:`.
std::optional<std::string> exchange(const Options& options);

}  // namespace limpid::bogo
