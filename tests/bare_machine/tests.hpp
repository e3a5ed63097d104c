// What the image tests. Each prints its answers through report.hpp.
#pragma once

#include <string_view>

#include "limpid/core/cpu_features.hpp"
#include "limpid/xen_netfront/platform/boot_info.hpp"

namespace limpid::bare_machine {

// Known answers of every primitive on the path that `cpu` chooses.
void test_crypto(CpuFeatures cpu, std::string_view path);

// A TLS client and a server in one memory, a megabyte each way: once per suite, all groups and key types among them.
void test_handshakes(CpuFeatures cpu, std::string_view path);

// The allocator below every container: blocks are apart, aligned, all come back, and too much is refused.
void test_arena();

// The widest vector registers that the CPU says it has can be used.
void test_vector_registers();

// Starts as the boot image does, up to the first frame that a model of netback gets, and prints the instructions that
// each part took. The boot module is a site.
void send_first_frame(const xen_netfront::platform::BootInfo& boot);

// Does what must not go well; returns only if it did.
void provoke(std::string_view what);

}  // namespace limpid::bare_machine
