#include "tests/bare_machine/report.hpp"

#include "limpid/core/text.hpp"
#include "limpid/xen_netfront/platform/console.hpp"

namespace limpid::bare_machine {
namespace {

using xen_netfront::platform::print;

int counted = 0;
int wrong = 0;

void print_bytes(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t shown = 16;
  for (std::size_t i = 0; i < bytes.size() && i < shown; ++i) {
    print(part_of(digits, bytes[i] >> 4, 1));
    print(part_of(digits, bytes[i] & 15, 1));
  }
  if (bytes.size() > shown) print("...");
}

void begin(std::string_view what, std::string_view path, bool right) {
  ++counted;
  if (!right) ++wrong;
  print(right ? "right  " : "WRONG  ");
  print(what);
  if (!path.empty()) {
    print(" (");
    print(path);
    print(")");
  }
}

}  // namespace

void answer(std::string_view what, std::string_view path, Bytes computed, Bytes expected) {
  const bool right = computed == expected;
  begin(what, path, right);
  print(": ");
  print_bytes(computed);
  if (!right) {
    print(", expected ");
    print_bytes(expected);
  }
  print("\n");
}

void answer(std::string_view what, std::string_view path, bool right) {
  begin(what, path, right);
  print("\n");
}

int wrong_answers() { return wrong; }
int answers() { return counted; }

}  // namespace limpid::bare_machine
