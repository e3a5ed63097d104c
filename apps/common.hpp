// What the commands of the tool share: how they complain, and how they refuse what is not built yet.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "limpid/effects/failure.hpp"
#include "limpid/effects/key_log_file.hpp"

namespace limpid::apps {

using effects::Failure;
using effects::Result;

enum ExitStatus : int { done = 0, failed = 1, wrong_command_line = 2 };

// One line on stderr, "limpid: " in front. Returns the exit status that goes with it.
int complain(const Failure& failure);
int complain_about_command_line(std::string_view text);

// Text from elsewhere as a terminal may show it: whatever would move the cursor, change colours or the direction of
// writing, or is not UTF-8, is replaced by question marks.
std::string printable(std::string_view text);

// Opens it and warns of it.
Result<effects::KeyLogFile> open_key_log(const std::string& path);

// Options that the interface promises and that no code stands behind yet. They are accepted by the parser so that they
// can be refused by name instead of being taken for a misspelling.
class NotYetSupported {
 public:
  void option(CLI::App& command, const std::string& name);
  void flag(CLI::App& command, const std::string& name);

  // Throws CLI::ValidationError naming the first that was given.
  void refuse() const;

 private:
  std::vector<CLI::Option*> options_;
};

// Throws CLI::ValidationError: "NAME is not yet supported".
[[noreturn]] void refuse(const std::string& name);

}  // namespace limpid::apps
