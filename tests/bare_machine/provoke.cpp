#include <cstdlib>

#include "limpid/xen_netfront/platform/console.hpp"
#include "tests/bare_machine/tests.hpp"

extern "C" const char image_start[], text_end[];  // image.ld

namespace limpid::bare_machine {
namespace {

char* hidden(const char* pointer) {
  asm("" : "+r"(pointer));
  return const_cast<char*>(pointer);
}

unsigned char return_instruction = 0xc3;

[[gnu::noinline]] int overflow(int depth) {
  volatile char room[1024];
  room[0] = static_cast<char>(depth);
  if (depth == 1'000'000) return 0;
  return overflow(depth + 1) + room[0];
}

[[gnu::noinline]] void overrun(std::size_t size) {
  char room[16];
  asm volatile("rep stosb" : : "D"(room), "c"(size), "a"(0x41) : "memory");
}

}  // namespace

void provoke(std::string_view what) {
  if (what == "null") *hidden(nullptr) = 1;
  if (what == "write-code") *hidden(image_start) = 1;
  if (what == "write-constant") *hidden(text_end) = 1;
  if (what == "run-data") reinterpret_cast<void (*)()>(&return_instruction)();
  if (what == "stack-overflow") overflow(0);
  if (what == "stack-overrun") overrun(64);
  if (what == "abort") std::abort();
  xen_netfront::platform::print_line("went well: ", what);
}

}  // namespace limpid::bare_machine
