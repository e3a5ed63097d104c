// `limpid image`: packs a site for the boot image.
#pragma once

#include "common.hpp"

namespace limpid::apps {

void add_image(CLI::App& tool, int& status);

}  // namespace limpid::apps
