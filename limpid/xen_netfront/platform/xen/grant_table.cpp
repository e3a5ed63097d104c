#include "limpid/xen_netfront/platform/xen/grant_table.hpp"

#include "limpid/xen_netfront/platform/power.hpp"
#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"

namespace limpid::xen_netfront::platform {
namespace {

// Xen puts pages of its own in its place.
alignas(4096) grant_entry_v1 entries[grant_references];
static_assert(sizeof entries % 4096 == 0);

}  // namespace

void map_grant_table() {
  static_assert(first_free_reference == GNTTAB_NR_RESERVED_ENTRIES);
  for (std::size_t page = 0; page < sizeof entries / 4096; ++page) {
    xen_add_to_physmap request{};
    request.domid = DOMID_SELF;
    request.space = XENMAPSPACE_grant_table;
    request.idx = page;
    request.gpfn = (reinterpret_cast<std::uint64_t>(entries) >> 12) + page;
    if (hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &request) != 0) panic("xen: no grant table");
  }
}

void grant(std::uint32_t reference, std::uint16_t domain, const Byte* page, bool read_only) {
  grant_entry_v1& entry = entries[reference];
  write_once(entry.domid, domain);
  write_once(entry.frame, static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(page) >> 12));
  barrier();  // flags make it valid
  write_once(entry.flags, static_cast<std::uint16_t>(GTF_permit_access | (read_only ? GTF_readonly : 0)));
}

bool end_grant(std::uint32_t reference) {
  std::uint16_t& flags = entries[reference].flags;
  std::uint16_t seen = read_once(flags);
  do {
    if ((seen & (GTF_reading | GTF_writing)) != 0) return false;
  } while (!__atomic_compare_exchange_n(&flags, &seen, std::uint16_t{GTF_invalid}, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST));
  return true;
}

}  // namespace limpid::xen_netfront::platform
