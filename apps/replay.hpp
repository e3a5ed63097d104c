// `limpid replay`: steps a recorded session again.
#pragma once

#include <CLI/CLI.hpp>

namespace limpid::apps {

// Adds the command; when it is given, it runs at the end of parsing and leaves its exit status in `status`.
void add_replay(CLI::App& tool, int& status);

}  // namespace limpid::apps
