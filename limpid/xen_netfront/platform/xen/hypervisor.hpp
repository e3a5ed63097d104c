// Xen below this machine: calls to it, the page that it shares with us, and what a domain can ask of it.
#pragma once

#include <cstdint>

#include "limpid/core/bytes.hpp"

struct shared_info;

namespace limpid::xen_netfront::platform {

// Looks for Xen and, if it is there, has text go to its log, and the machine end by its means. False if this is another
// machine: then nothing else here may be called.
bool find_hypervisor();

// HYPERVISOR_`number`(a, b): its result, negative for errors. Counted.
std::int64_t hypercall(std::uint32_t number, std::uint64_t a, std::uint64_t b);
inline std::int64_t hypercall(std::uint32_t number, std::uint64_t a, void* b) {
  return hypercall(number, a, reinterpret_cast<std::uint64_t>(b));
}
std::uint64_t hypercalls_made();

shared_info& shared();

// HVM_PARAM_...; panics if there is none.
std::uint64_t hvm_parameter(std::uint32_t index);

// A page of a frame that another domain shares with us since before boot: the console's, xenstore's.
inline Byte* shared_page(std::uint64_t frame) { return reinterpret_cast<Byte*>(frame << 12); }

enum class Shutdown : std::uint32_t { poweroff = 0, reboot = 1, crash = 3 };
[[noreturn]] void shut_down(Shutdown reason);

}  // namespace limpid::xen_netfront::platform
