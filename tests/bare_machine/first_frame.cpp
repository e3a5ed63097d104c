// What the boot image does from its first instruction to its first frame, with a model of netback and of xenstore in
// the place of Xen's: site and identity come from the boot module, a host with an HTTPS server speaks to the network
// device.
#include <new>

#include "limpid/sim/netfront_driver.hpp"
#include "limpid/stack/host_server.hpp"
#include "limpid/stack/site_module.hpp"
#include "limpid/xen_netfront/image/secure.hpp"
#include "limpid/xen_netfront/platform/arena.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/cpu.hpp"
#include "limpid/xen_netfront/platform/entropy.hpp"
#include "limpid/xen_netfront/platform/power.hpp"
#include "tests/bare_machine/tests.hpp"

namespace limpid::bare_machine {
namespace {

using namespace xen_netfront::platform;
using stack::HostServer;
using xen_netfront::Device;

Byte output[256 * 1024];
HostServer::Action actions[HostServer::least_room.actions];

struct Guest {
  void arrived(MutableBytes, ReceiveOffload) {}
  void done(Pin) {}
  void link(bool) {}
  void report(xen_netfront::Fact) {}
};
using Driver = sim::NetfrontDriver<Guest>;

// Made once and never given back: the stack is small.
template <class T, class... Arguments>
T& make(Arguments&&... arguments) {
  void* memory = limpid_allocate(sizeof(T));
  if (memory == nullptr) panic("too little memory");
  return *::new (memory) T(std::forward<Arguments>(arguments)...);
}

// How far it is since the image's first instruction: with QEMU's -icount shift=0 the time stamp counter counts them.
void told(std::string_view what) {
  print_decimal(time_stamp() - entry_time_stamp());
  print_line(" instructions: ", what);
}

}  // namespace

void send_first_frame(const BootInfo& boot) {
  told("the machine is up");
  Budget budget(arena_free_bytes());
  const auto site = stack::SiteModule::open(boot.module);
  if (!site) panic("no site in the boot module");
  HostServer::Config config;
  config.server.tls = xen_netfront::image::load_identity(*site, budget);
  config.services.push_back({443, HostServer::Application::server});
  told("site and identity are loaded");

  Device::Config device_config;
  Guest guest;
  auto& store = make<sim::Xenstore>(sim::Netback::guest, budget);
  auto& netback = make<sim::Netback>(Device::pages(device_config), store, budget);
  auto& driver = make<Driver>(device_config, netback, store, guest, budget);
  if (!netback.create()) panic("too little memory for the model");
  told("the model of netback is there");
  driver.start();
  driver.run();
  if (!driver.device().connected()) panic("the network device does not connect");
  told("the network device is connected");

  config.host.ip.mac.octets = driver.device().mac();
  config.host.ip.addresses.push_back(*tcpip::parse_cidr("10.77.0.3/24"));
  config.host.ip.addresses.push_back(*tcpip::parse_cidr("fd77::3/64"));
  auto& machine = make<HostServer>();
  Time now{Instant{1'000'000}, UnixTime{1'800'000'000}};
  const auto step = [&](const HostServer::Event& event) {
    const auto progress = HostServer::advance(config, machine, now, event, {output, actions, budget, cpu_features()});
    for (const auto& action : progress.actions) {
      if (const auto* frame = std::get_if<Transmit>(&action)) driver.transmit(*frame);
    }
    // It waits a little before it says anything; nobody waits here.
    if (progress.deadline && !progress.more) now.monotonic = std::max(now.monotonic, *progress.deadline);
  };
  step(tls::Entropy{fresh_entropy()});
  step(LinkChanged{true});
  for (int turn = 0; turn < 100; ++turn) {
    step(Flush{});
    driver.run();
    if (netback.sent()) return told("the first frame is sent");
    step(Tick{});
  }
  panic("no frame is sent");
}

}  // namespace limpid::bare_machine
