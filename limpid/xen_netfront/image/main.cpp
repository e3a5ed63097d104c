// The boot image: what runs below is in platform/, what is served lies in the boot module, and how is said on the
// command line.
#include "limpid/xen_netfront/image/guest.hpp"
#include "limpid/xen_netfront/platform/application.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/power.hpp"
#include "limpid/xen_netfront/platform/xen/grant_table.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"
#include "limpid/xen_netfront/platform/xen/xen_console.hpp"

namespace limpid::xen_netfront::platform {

std::uint8_t application(const BootInfo& boot) {
  if (!find_hypervisor()) panic("this image serves a network of Xen's; boot it as a guest: xl create -c main.xl");
  print_to_debug_port("limpid: entered\n");  // in Xen's own log, at once
  open_console();
  map_grant_table();
  image::serve(boot);
  return exit_good;
}

}  // namespace limpid::xen_netfront::platform
