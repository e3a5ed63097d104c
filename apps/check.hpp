// `limpid check`: judges a capture with the TCP oracle.
#pragma once

#include <CLI/CLI.hpp>

namespace limpid::apps {

void add_check(CLI::App& tool, int& status);

}  // namespace limpid::apps
