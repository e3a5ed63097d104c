// Where checks end that cannot fail: std::get and std::visit, checks of the standard library, the stack protector.
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

using namespace limpid::xen_netfront::platform;

extern "C" [[noreturn]] void abort() { panic("abort: a checked access failed"); }

// NOLINTNEXTLINE(bugprone-reserved-identifier): compilers call it by this name
extern "C" [[noreturn]] void __stack_chk_fail() { panic("a stack buffer was overrun"); }
