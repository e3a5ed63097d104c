// Where checks end that cannot fail: std::get and std::visit, assertions of the standard library, the stack protector.
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

using namespace limpid::xen_netfront::platform;

extern "C" [[noreturn]] void abort() { panic("abort: a checked access failed"); }

// NOLINTNEXTLINE(bugprone-reserved-identifier): compilers call it by this name
extern "C" [[noreturn]] void __stack_chk_fail() { panic("a stack buffer was overrun"); }

namespace std {

void __glibcxx_assert_fail(const char* file, int line, const char* function, const char* condition) noexcept {
  print_line("assertion failed: ", condition != nullptr ? condition : "unreachable code");
  print(file != nullptr ? file : "");
  print(":");
  print_decimal(static_cast<unsigned>(line));
  print_line(" ", function != nullptr ? function : "");
  panic("an assertion failed");
}

}  // namespace std
