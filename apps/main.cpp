// The `limpid` tool: parses the command line and hands over to one command.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cert.hpp"
#include "check.hpp"
#include "common.hpp"
#include "get.hpp"
#include "image.hpp"
#include "replay.hpp"
#include "serve.hpp"

namespace limpid::apps {
namespace {

int run(int argc, char** argv) {
  CLI::App tool("A TLS and TCP/IP stack whose protocol logic is free of side effects.", "limpid");
  tool.set_version_flag("--version", "limpid " LIMPID_VERSION);
  tool.require_subcommand(1);
  int status = done;
  add_serve(tool, status);
  add_get(tool, status);
  add_replay(tool, status);
  CLI::App* cert = tool.add_subcommand("cert", "make, read and judge certificates");
  cert->require_subcommand(1);
  add_cert_new(*cert, status);
  add_cert_show(*cert, status);
  add_cert_verify(*cert, status);
  add_check(tool, status);
  add_image(tool, status);
  try {
    tool.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return tool.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    std::string text = error.what();
    if (text.find("not yet supported") == text.npos) text += "; see 'limpid --help' and 'limpid COMMAND --help'";
    return complain_about_command_line(text);
  }
  return status;
}

}  // namespace
}  // namespace limpid::apps

int main(int argc, char** argv) { return limpid::apps::run(argc, argv); }
