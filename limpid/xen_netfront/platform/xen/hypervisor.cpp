#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"

#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/cpuid.hpp"
#include "limpid/xen_netfront/platform/power.hpp"
#include "limpid/xen_netfront/platform/xen/abi.hpp"

namespace limpid::xen_netfront::platform {
namespace {

bool intel = false;
std::uint64_t calls = 0;
// Xen puts a page of its own in its place.
alignas(4096) shared_info shared_page_of_xen;

void end(std::uint8_t status) { shut_down(status == exit_good ? Shutdown::poweroff : Shutdown::crash); }

bool is_xen() {
  // cpuid.h: the leaves are at 0x40000000, or higher by multiples of 256 if Viridian's are there, too.
  for (std::uint32_t leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
    const Cpuid answer = cpuid(leaf);
    if (answer.ebx == 0x566e6558 && answer.ecx == 0x65584d4d && answer.edx == 0x4d4d566e) return true;  // XenVMMXenVMM
  }
  return false;
}

}  // namespace

bool find_hypervisor() {
  if (!is_xen()) return false;
  intel = cpuid(0).ecx == 0x6c65746e;  // GenuineIntel
  xen_add_to_physmap page{};
  page.domid = DOMID_SELF;
  page.space = XENMAPSPACE_shared_info;
  page.gpfn = reinterpret_cast<std::uint64_t>(&shared_page_of_xen) >> 12;
  if (hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &page) != 0) panic("xen: no shared info page");
  // No interrupt is wanted, but only when it is told how to deliver them does Xen fill in the wall clock.
  xen_hvm_param callback{};
  callback.domid = DOMID_SELF;
  callback.index = HVM_PARAM_CALLBACK_IRQ;
  if (hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, &callback) != 0) panic("xen: no wall clock");
  on_power_off(end);
  show_serial(false);
  return true;
}

std::int64_t hypercall(std::uint32_t number, std::uint64_t a, std::uint64_t b) {
  ++calls;
  std::uint64_t result = number;
  // The instruction itself, instead of a page of Xen's with it: then no page need be both written and run.
  if (intel) {
    asm volatile("vmcall" : "+a"(result), "+D"(a), "+S"(b) : : "rdx", "r10", "r8", "memory");
  } else {
    asm volatile("vmmcall" : "+a"(result), "+D"(a), "+S"(b) : : "rdx", "r10", "r8", "memory");
  }
  return static_cast<std::int64_t>(result);
}

std::uint64_t hypercalls_made() { return calls; }

shared_info& shared() { return shared_page_of_xen; }

std::uint64_t hvm_parameter(std::uint32_t index) {
  xen_hvm_param parameter{};
  parameter.domid = DOMID_SELF;
  parameter.index = index;
  if (hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, &parameter) != 0)
    panic("xen: a parameter of the domain is missing");
  return parameter.value;
}

void shut_down(Shutdown reason) {
  sched_shutdown request{};
  request.reason = static_cast<unsigned>(reason);
  hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &request);
  for (;;) asm volatile("cli; hlt");
}

}  // namespace limpid::xen_netfront::platform
