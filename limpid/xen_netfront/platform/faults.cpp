#include "limpid/xen_netfront/platform/faults.hpp"

#include <cstddef>
#include <cstdint>

#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

extern "C" const char fault_vectors[], stack_guard[];  // fault_vectors.S, 16 bytes apart; image.ld

namespace limpid::xen_netfront::platform {
namespace {

// Intel SDM volume 3, sections 6.14.1 (gates) and 7.7 (the 64-bit TSS).
struct [[gnu::packed]] Gate {
  std::uint16_t offset_low, selector;
  std::uint8_t stack, type;
  std::uint16_t offset_middle;
  std::uint32_t offset_high, reserved;
};
static_assert(sizeof(Gate) == 16);

struct [[gnu::packed]] TaskState {
  std::uint32_t reserved;
  std::uint64_t privilege_stacks[3], reserved_too, interrupt_stacks[7], reserved_last;
  std::uint16_t reserved_word, io_map;
};
static_assert(sizeof(TaskState) == 104);

struct [[gnu::packed]] TablePointer {
  std::uint16_t limit;
  std::uint64_t base;
};

constexpr std::uint16_t code_selector = 8;
constexpr std::uint16_t task_selector = 16;

constexpr std::size_t vectors = 32;
Gate gates[vectors];
TaskState task;
std::uint64_t descriptors[4];
alignas(16) char fault_stack[8192];

}  // namespace

void catch_faults() {
  task.interrupt_stacks[0] = reinterpret_cast<std::uint64_t>(fault_stack + sizeof fault_stack);
  task.io_map = sizeof task;
  const auto base = reinterpret_cast<std::uint64_t>(&task);
  descriptors[1] = 0x00af'9b00'0000'ffff;  // 64-bit code
  // An available 64-bit TSS, in two slots.
  descriptors[2] = (sizeof task - 1) | (base & 0xff'ffff) << 16 | std::uint64_t{0x89} << 40 | (base >> 24 & 0xff) << 56;
  descriptors[3] = base >> 32;
  for (std::size_t i = 0; i < vectors; ++i) {
    const auto handler = reinterpret_cast<std::uint64_t>(fault_vectors + 16 * i);
    gates[i] = {.offset_low = static_cast<std::uint16_t>(handler),
                .selector = code_selector,
                .stack = 1,    // the first of the TSS's interrupt stacks
                .type = 0x8e,  // present, interrupt gate
                .offset_middle = static_cast<std::uint16_t>(handler >> 16),
                .offset_high = static_cast<std::uint32_t>(handler >> 32),
                .reserved = 0};
  }
  const TablePointer global{sizeof descriptors - 1, reinterpret_cast<std::uint64_t>(descriptors)};
  const TablePointer interrupts{sizeof gates - 1, reinterpret_cast<std::uint64_t>(gates)};
  asm volatile("lgdt %0" : : "m"(global));
  asm volatile("ltr %0" : : "r"(task_selector));
  asm volatile("lidt %0" : : "m"(interrupts));
}

struct Fault {
  std::uint64_t vector, error_code, rip, cs, flags, rsp, ss;
};

namespace {

const char* name(std::uint64_t vector) {
  switch (vector) {
    case 0:
      return "division by zero";
    case 6:
      return "invalid instruction";
    case 8:
      return "double fault";
    case 13:
      return "general protection";
    case 14:
      return "page fault";
    case 16:
      return "x87 exception";
    case 19:
      return "SIMD exception";
    default:
      return "exception";
  }
}

}  // namespace

extern "C" [[noreturn]] void report_fault(const Fault& fault) {
  std::uint64_t address;
  asm volatile("mov %%cr2, %0" : "=r"(address));
  print("fault: ");
  print(name(fault.vector));
  print(" (vector ");
  print_decimal(fault.vector);
  print(", error ");
  print_hex(fault.error_code);
  print(") at rip ");
  print_hex(fault.rip);
  print(", rsp ");
  print_hex(fault.rsp);
  if (fault.vector == 14) {
    print(", address ");
    print_hex(address);
    const auto guard = reinterpret_cast<std::uint64_t>(stack_guard);
    if (address >= guard && address < guard + 4096) print(": the stack is full");
  }
  print("\n");
  panic("the CPU raised an exception");
}

}  // namespace limpid::xen_netfront::platform
