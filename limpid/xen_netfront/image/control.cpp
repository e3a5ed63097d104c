#include "limpid/xen_netfront/image/control.hpp"

namespace limpid::xen_netfront::image {
namespace {

// Above those of the network device (protocol/device.hpp). A node's stands for watching, reading and emptying it.
enum Token : std::uint32_t { feature = 1 << 24, shutdown_node, sysrq_node };

std::string_view path(std::uint32_t node) { return node == shutdown_node ? "control/shutdown" : "control/sysrq"; }

}  // namespace

void Control::start(Time now) {
  using xenstore::Operation;
  for (const std::string_view name : {"control/feature-poweroff", "control/feature-reboot"}) {
    store_.request(now, {feature, Operation::write, name, as_bytes("1")});
  }
  for (const std::uint32_t node : {shutdown_node, sysrq_node}) {
    store_.request(now, {node, Operation::watch, path(node), {}});
  }
}

void Control::heard(Time now, const xenstore::Fired& fired) {
  if (fired.token != shutdown_node && fired.token != sysrq_node) return;
  store_.request(now, {fired.token, xenstore::Operation::read, path(fired.token), {}});
}

// Empty is the answer to a read of what was acknowledged, and to everything else that was asked.
void Control::heard(Time now, const xenstore::Answer& answer) {
  if (answer.status != xenstore::Status::ok || answer.value.empty()) return;
  const std::string_view asked = as_text(answer.value);
  bool understood = false;
  if (answer.token == sysrq_node) understood = report_ = true;
  // What is unknown is left unanswered, as the protocol has it (docs/misc/xenstore-paths).
  if (answer.token == shutdown_node) {
    if (asked == "poweroff" || asked == "halt") shutdown_ = platform::Shutdown::poweroff;
    if (asked == "reboot") shutdown_ = platform::Shutdown::reboot;
    understood = shutdown_.has_value();
  }
  if (understood) store_.request(now, {answer.token, xenstore::Operation::write, path(answer.token), {}});
}

}  // namespace limpid::xen_netfront::image
