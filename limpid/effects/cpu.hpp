// Which of the kernels in crypto/ this machine can run.
#pragma once

#include "limpid/core/cpu_features.hpp"

namespace limpid::effects {

CpuFeatures cpu_features();

}  // namespace limpid::effects
