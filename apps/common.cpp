#include "common.hpp"

#include <cstdio>

namespace limpid::apps {
namespace {

int say(std::string_view text, ExitStatus status) {
  // One line whatever came in: names of files and peers' words may hold control characters.
  std::string line = "limpid: ";
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
  return status;
}

}  // namespace

int complain(const Failure& failure) { return say(failure.text, failed); }
int complain_about_command_line(std::string_view text) { return say(text, wrong_command_line); }

// Any number of values, so that whatever follows the name does not become a complaint of its own.
void NotYetSupported::option(CLI::App& command, const std::string& name) {
  options_.push_back(
      command.add_option(name, "not yet supported")->expected(0, 1)->take_all()->group("Not yet supported"));
}

void NotYetSupported::flag(CLI::App& command, const std::string& name) {
  options_.push_back(command.add_flag(name)->description("not yet supported")->group("Not yet supported"));
}

void NotYetSupported::refuse() const {
  for (const CLI::Option* each : options_) {
    if (each->count() != 0) apps::refuse(each->get_name());
  }
}

void refuse(const std::string& name) { throw CLI::ValidationError(name + " is not yet supported; leave it out"); }

}  // namespace limpid::apps
