// What the toolstack asks of a domain, in xenstore: control/shutdown, and control/sysrq for a report.
#pragma once

#include <optional>

#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"
#include "limpid/xen_netfront/platform/xen/store.hpp"

namespace limpid::xen_netfront::image {

class Control {
 public:
  explicit Control(platform::Store& store) : store_(store) {}

  // Says what this guest can do, and has itself told of requests.
  void start(Time now);
  void heard(Time now, const xenstore::Answer& answer);
  void heard(Time now, const xenstore::Fired& fired);

  // What was asked for, once it was.
  std::optional<platform::Shutdown> shutdown() const { return shutdown_; }
  // Whether a report was asked for since this was asked: `xl sysrq NAME` with any letter.
  bool take_report() { return std::exchange(report_, false); }

 private:
  platform::Store& store_;
  std::optional<platform::Shutdown> shutdown_;
  bool report_ = false;
};

}  // namespace limpid::xen_netfront::image
