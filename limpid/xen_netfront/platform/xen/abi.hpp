// Xen's public headers, as C++ takes them.
#pragma once

#include <cstdint>
#include <cstring>

// What they want said beforehand.
// NOLINTBEGIN(bugprone-reserved-identifier)
#define __XEN_INTERFACE_VERSION__ 0x00040e00
// NOLINTEND(bugprone-reserved-identifier)

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/xen.h>

namespace limpid::xen_netfront::platform {

// Orders what this side wrote to shared memory, or read of it, before what follows. On x86 the processor keeps stores
// in order and loads in order, so only the compiler is held back; full_barrier() also keeps a load behind a store.
inline void barrier() { asm volatile("" : : : "memory"); }
inline void full_barrier() { asm volatile("mfence" : : : "memory"); }

// One read of what the other side may change meanwhile.
template <class T>
T read_once(const T& shared) {
  return *static_cast<const volatile T*>(&shared);
}
template <class T>
void write_once(T& shared, T value) {
  *static_cast<volatile T*>(&shared) = value;
}

}  // namespace limpid::xen_netfront::platform
