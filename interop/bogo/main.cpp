// The shim that BoringSSL's BoGo runner drives (ssl/test/PORTING.md there): a TCP client that dials the runner, tells
// it who it is, runs TLS as its flags say, echoes what it is sent with all bits flipped, and says why it failed.
#include <cstdio>

#include "interop/bogo/exchange.hpp"

int main(int argc, char** argv) {
  using namespace limpid::bogo;
  constexpr int not_implemented = 89;  // the runner skips the test
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-is-handshaker-supported") {
      std::puts("No");
      return 0;
    }
  }
  const auto line = parse_command_line(argc, argv);
  if (!line) return not_implemented;
  for (unsigned i = 0; i <= line->initial.resume_count; ++i) {
    if (const auto failure = exchange(i == 0 ? line->initial : line->resumed)) {
      std::fprintf(stderr, "connection %u: %s\n", i, failure->c_str());
      return 1;
    }
  }
  return 0;
}
