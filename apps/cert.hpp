// `limpid cert`: makes, reads and judges certificates.
#pragma once

#include <CLI/CLI.hpp>

namespace limpid::apps {

// Each adds a command; when it is given, it runs at the end of parsing and leaves its exit status in `status`.
void add_cert_new(CLI::App& cert, int& status);
void add_cert_show(CLI::App& cert, int& status);
void add_cert_verify(CLI::App& cert, int& status);

}  // namespace limpid::apps
