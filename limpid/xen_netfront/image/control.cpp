#include "limpid/xen_netfront/image/control.hpp"

namespace limpid::xen_netfront::image {
namespace {

// Above those of the network device (protocol/device.hpp).
enum Token : std::uint32_t { feature = 1 << 24, watch, request, acknowledgment };

constexpr std::string_view path = "control/shutdown";

}  // namespace

void Control::start(Time now) {
  using xenstore::Operation;
  for (const std::string_view name : {"control/feature-poweroff", "control/feature-reboot"}) {
    store_.request(now, {feature, Operation::write, name, as_bytes("1")});
  }
  store_.request(now, {watch, Operation::watch, path, {}});
}

void Control::heard(Time now, const xenstore::Fired& fired) {
  if (fired.token == watch) store_.request(now, {request, xenstore::Operation::read, path, {}});
}

void Control::heard(Time now, const xenstore::Answer& answer) {
  if (answer.token != request || answer.status != xenstore::Status::ok || answer.value.empty()) return;
  const std::string_view asked = as_text(answer.value);
  // What is unknown is left unanswered, as the protocol has it (docs/misc/xenstore-paths).
  if (asked == "poweroff" || asked == "halt") shutdown_ = platform::Shutdown::poweroff;
  if (asked == "reboot") shutdown_ = platform::Shutdown::reboot;
  if (shutdown_) store_.request(now, {acknowledgment, xenstore::Operation::write, path, {}});
}

}  // namespace limpid::xen_netfront::image
