// Tests that the pure archives work without an operating system. The command line chooses: nothing for the tests, or
// `provoke NAME` for a fault that the machine must report, or `first-frame`.
#include "limpid/core/text.hpp"
#include "limpid/xen_netfront/platform/application.hpp"
#include "limpid/xen_netfront/platform/arena.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/cpu.hpp"
#include "limpid/xen_netfront/platform/power.hpp"
#include "tests/bare_machine/report.hpp"
#include "tests/bare_machine/tests.hpp"

namespace limpid::xen_netfront::platform {

std::uint8_t application(const BootInfo& boot) {
  constexpr std::string_view provoked = "provoke ";
  if (boot.command_line.starts_with(provoked)) bare_machine::provoke(part_of(boot.command_line, provoked.size()));

  if (boot.command_line == "first-frame") {
    bare_machine::send_first_frame(boot);
    return exit_good;
  }

  print("bare machine: no operating system, ");
  print_decimal(arena_free_bytes() >> 20);
  const CpuFeatures cpu = cpu_features();
  print_line(" MiB of memory, ", cpu == portable_cpu ? "portable kernels only" : "AES-NI and PCLMULQDQ");

  const std::size_t free_before = arena_free_bytes();
  bare_machine::test_arena();
  bare_machine::test_vector_registers();
  bare_machine::test_crypto(portable_cpu, "portable");
  if (cpu != portable_cpu) bare_machine::test_crypto(cpu, "AES-NI");
  bare_machine::test_handshakes(cpu, cpu == portable_cpu ? "portable" : "AES-NI");
  bare_machine::answer("all memory came back", "", arena_free_bytes() == free_before);

  print_decimal(static_cast<unsigned>(bare_machine::answers()));
  print(" answers, ");
  print_decimal(static_cast<unsigned>(bare_machine::wrong_answers()));
  print_line(" wrong");
  return bare_machine::wrong_answers() == 0 ? exit_good : exit_bad;
}

}  // namespace limpid::xen_netfront::platform
