#include "limpid/xen_netfront/platform/xen/event_channels.hpp"

#include <algorithm>

#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/platform/xen/clock.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"

namespace limpid::xen_netfront::platform {
namespace {

std::uint64_t notifications = 0, waits = 0;

}  // namespace

std::optional<Port> allocate_port(std::uint16_t domain) {
  evtchn_alloc_unbound request{};
  request.dom = DOMID_SELF;
  request.remote_dom = domain;
  if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &request) != 0) return {};
  return request.port;
}

void close_port(Port port) {
  evtchn_close request{};
  request.port = port;
  hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &request);
}

void notify(Port port) {
  evtchn_send request{};
  request.port = port;
  ++notifications;
  hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &request);
}

bool take_pending(Port port) {
  constexpr std::size_t bits = 64;
  if (port >= std::size(shared().evtchn_pending) * bits) return false;
  const std::uint64_t bit = std::uint64_t{1} << port % bits;
  auto* word = &shared().evtchn_pending[port / bits];
  if ((read_once(*word) & bit) == 0) return false;
  __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
  return true;
}

void wait_for_events(std::span<const Port> ports, std::optional<Instant> deadline) {
  sched_poll request{};
  // It only reads them.
  request.ports.p = const_cast<evtchn_port_t*>(ports.data());
  request.nr_ports = static_cast<unsigned>(ports.size());
  // 0 means for ever; what is due is not waited for.
  if (deadline) {
    const std::uint64_t due = system_time_of(*deadline);
    if (due <= system_time()) return;
    request.timeout = due;
  }
  ++waits;
  hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &request);
}

std::uint64_t notifications_made() { return notifications; }
std::uint64_t waits_made() { return waits; }

}  // namespace limpid::xen_netfront::platform
