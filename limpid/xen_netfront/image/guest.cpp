#include "limpid/xen_netfront/image/guest.hpp"

#include <new>

#include "limpid/stack/host_server.hpp"
#include "limpid/stack/site_module.hpp"
#include "limpid/xen_netfront/image/control.hpp"
#include "limpid/xen_netfront/image/counters.hpp"
#include "limpid/xen_netfront/image/parameters.hpp"
#include "limpid/xen_netfront/image/secure.hpp"
#include "limpid/xen_netfront/platform/arena.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/cpu.hpp"
#include "limpid/xen_netfront/platform/entropy.hpp"
#include "limpid/xen_netfront/platform/power.hpp"
#include "limpid/xen_netfront/platform/xen/clock.hpp"
#include "limpid/xen_netfront/platform/xen/netfront.hpp"
#include "limpid/xen_netfront/platform/xen/xen_console.hpp"

namespace limpid::xen_netfront::image {
namespace {

using platform::panic;
using platform::print;
using platform::print_decimal;
using platform::print_line;
using Machine = stack::HostServer;

// What a step is lent; the image's own, since there is one machine.
Byte output[256 * 1024];
Machine::Action actions[128];
static_assert(std::size(actions) >= Machine::least_room.actions && sizeof output >= Machine::least_room.bytes);

// A backend that does not come, or a connection that does not end, is not waited for any longer than this.
constexpr Duration network_patience = seconds(30);
constexpr Duration shutdown_patience = seconds(2);

// A few connections with what they send.
constexpr std::size_t least_memory = 2 << 20;

// Made once and never given back: the stack is small.
template <class T, class... Arguments>
T& make(Arguments&&... arguments) {
  void* memory = limpid_allocate(sizeof(T));
  if (memory == nullptr) panic("too little memory; raise `memory` in the configuration");
  return *::new (memory) T(std::forward<Arguments>(arguments)...);
}

// Less than there is: a budget that is used up is shared out by rules, but who finds the arena in pieces has nothing.
std::size_t memory_ceiling() { return platform::arena_free_bytes() / 8 * 7; }

stack::SiteModule open_site(Bytes module) {
  if (module.empty()) {
    panic("no site: the configuration names no `ramdisk`; make site.module with `limpid image` and name it");
  }
  const auto site = stack::SiteModule::open(module);
  if (!site) {
    print_line("site.module: ", describe(site.error()));
    panic("no site: the boot module cannot be used; make it again with `limpid image`");
  }
  return *site;
}

Parameters read_parameters(std::string_view command_line) {
  const auto parameters = parse_parameters(command_line);
  if (!parameters) {
    print_line("'", parameters.error(), "' is no parameter, or has no value that fits");
    panic(
        "the command line is wrong; it takes ip=CIDR gateway=IP ip6=CIDR gateway6=IP dns=IP dhcp slaac plain "
        "test-services no-offload");
  }
  if (!parameters->ip && !parameters->ip6 && !parameters->dhcp && !parameters->slaac) {
    panic("no address to serve at; put ip=CIDR, ip6=CIDR, dhcp or slaac into `cmdline`");
  }
  return *parameters;
}

class Guest {
 public:
  explicit Guest(const platform::BootInfo& boot)
      : parameters_(read_parameters(boot.command_line)),
        site_(open_site(boot.module)),
        budget_(memory_ceiling()),
        store_(make<platform::Store>(budget_)),
        network_(make<platform::Netfront>(budget_, store_, parameters_.offloads)),
        control_(store_),
        machine_(make<Machine>()) {}

  void run() {
    if (!parameters_.plain) config_.server.tls = load_identity(site_, budget_);
    const Time start = platform::now();
    control_.start(start);
    network_.start(start);
    connect();
    milestone("connected", connected_seen_);
    configure();
    step(tls::Entropy{fresh_entropy()});
    step(LinkChanged{true});
    static_cast<void>(network_.link_change());
    while (!control_.shutdown()) {
      serve();
      if (control_.take_report()) counters_.print(machine_, budget_, network_, store_);
    }
    stop();
  }

 private:
  // RDSEED's, with the module's seed mixed in, though that is the same at every boot.
  std::array<Byte, 32> fresh_entropy() {
    auto entropy = platform::fresh_entropy();
    for (std::size_t i = 0; i < entropy.size(); ++i) entropy[i] ^= site_.seed()[i];
    return entropy;
  }

  // Hears what the other side has to say. False if there was nothing.
  bool listen(Time now) {
    platform::take_pending(platform::console_port());
    platform::take_pending(store_.port());
    if (const auto port = network_.device().port()) platform::take_pending(*port);
    const bool heard = store_.serve(now, [&](const auto& what) {
      network_.heard(now, what);
      control_.heard(now, what);
    });
    const bool moved = network_.serve(now);
    return heard || moved;
  }

  void wait(std::optional<Instant> until) {
    platform::serve_console();
    network_.notify_backend();
    if (!network_.ask_for_more()) return;
    platform::Port ports[3] = {platform::console_port(), store_.port()};
    std::size_t count = 2;
    if (const auto port = network_.device().port()) ports[count++] = *port;
    platform::wait_for_events(std::span(ports).first(count), until);
  }

  void connect() {
    const Instant patience = platform::now().monotonic + network_patience;
    while (!network_.device().connected()) {
      const Time now = platform::now();
      if (now.monotonic >= patience) panic("no network: dom0 connects no vif; look at `vif` in the configuration");
      if (!listen(now)) wait(patience);
    }
  }

  void configure() {
    use_device();
    tcpip::Host::Config& host = config_.host;
    for (const auto& address : {parameters_.ip, parameters_.ip6}) {
      if (address) host.ip.addresses.push_back(*address);
    }
    host.ip.gateway = parameters_.gateway;
    host.ip.gateway6 = parameters_.gateway6;
    host.ip.slaac = parameters_.slaac;
    host.dhcp = parameters_.dhcp;
    host.dns_servers = parameters_.dns;

    if (parameters_.plain) {
      config_.services.push_back({80, Machine::Application::server});
    } else {
      config_.redirect.http.https_port = 443;
      config_.services.push_back({443, Machine::Application::server});
      config_.services.push_back({80, Machine::Application::redirect});
    }
    if (parameters_.test_services) {
      for (const Machine::Service& each : Machine::test_services) config_.services.push_back(each);
    }
  }

  // What the device is and can do may be different whenever it is connected again.
  void use_device() {
    const Device& device = network_.device();
    const Features& features = device.features();
    tcpip::Host::Config& host = config_.host;
    host.ip.mac.octets = device.mac();
    host.ip.mtu = device.mtu();
    // The host asks for one and the same, whatever a packet's family.
    host.ip.offload.checksum = features.checksum_ipv4 && features.checksum_ipv6;
    host.ip.offload.segmentation =
        host.ip.offload.checksum && features.scatter_gather && features.segmentation_ipv4 && features.segmentation_ipv6;
    host.tcp.max_superframe = host.ip.offload.segmentation ? 65536 - 128 : 0;
  }

  // One round: what came in, what is due, what is to be sent; then waits if nothing did.
  void serve() {
    const Time now = platform::now();
    const bool heard = listen(now);
    while (const auto frame = network_.next_frame()) {
      milestone("first frame received", first_frame_received_seen_);
      tell(*frame);
    }
    if (const auto up = network_.link_change()) {
      // It was down, however short.
      tell(LinkChanged{false});
      if (*up) {
        use_device();
        tell(LinkChanged{true});
      }
    }
    if (deadline_ && *deadline_ <= platform::now().monotonic) tell(Tick{});
    flush();
    network_.notify_backend();
    platform::serve_console();
    if (!heard && !(more_ && network_.device().can_transmit())) wait(deadline_);
  }

  void flush() {
    do {
      while (const auto query = machine_.pending()) tell(answer(*query));
      if (!network_.device().can_transmit()) return;
      step(Flush{});
    } while (more_ || machine_.pending());
  }

  void tell(const Machine::Event& event) {
    for (;;) {
      const auto progress = step(event);
      // What was not taken for want of room is offered again behind what made the room short.
      if (progress.consumed != 0 || !progress.more) return;
      step(Tick{});
    }
  }

  Progress<Machine::Action> step(const Machine::Event& event) {
    const Time now = platform::now();
    const auto progress = Machine::advance(config_, machine_, now, event, {output, actions, budget_, cpu_});
    deadline_ = progress.deadline;
    more_ = progress.more;
    for (const Machine::Action& action : progress.actions) {
      if (const auto* frame = std::get_if<Transmit>(&action)) {
        network_.transmit(now, *frame);
        milestone("first frame sent", first_frame_sent_seen_);
      }
      counters_.count(action);
      if (const auto* changed = std::get_if<tcpip::host::ConfigurationChanged>(&action)) report(*changed);
      if (const auto* said = std::get_if<Machine::Report>(&action)) report(*said);
    }
    return progress;
  }

  Machine::Event answer(const Machine::Query& query) {
    const auto http = [&](QueryId id, const http::Answer& answer) -> Machine::Event {
      return Machine::Reply{query.from, http::Reply{id, answer}};
    };
    return std::visit(Overloaded{
                          [&](const stack::TlsQuery& asked) -> Machine::Event {
                            milestone("first handshake", first_handshake_seen_);
                            return Machine::Reply{
                                query.from,
                                tls::Reply{asked.id, image::answer(asked.question, platform::now().wall, cpu_)}};
                          },
                          [&](const http::Lookup& asked) { return http(asked.id, site_.look_up(asked.path)); },
                          [&](const http::ReadFile& asked) { return http(asked.id, site_.read(asked)); },
                      },
                      query.question);
  }

  void stop() {
    print_line("stopping, as the toolstack asks");
    const Instant patience = platform::now().monotonic + shutdown_patience;
    tell(http::Drain{});
    while (machine_.connections() > 0 && platform::now().monotonic < patience) serve();
    network_.stop(platform::now());
    while (!network_.device().stopped()) {
      const Time now = platform::now();
      if (now.monotonic >= patience) break;
      if (!listen(now)) wait(patience);
    }
    print_line("stopped");
    platform::serve_console();
    if (control_.shutdown() == platform::Shutdown::reboot) platform::shut_down(platform::Shutdown::reboot);
  }

  // Says once how long after entry something happened.
  void milestone(std::string_view what, bool& seen) {
    if (std::exchange(seen, true)) return;
    print(what);
    print(" after ");
    print_decimal(static_cast<std::uint64_t>(platform::since_entry().microseconds));
    print(" us, ");
    print_decimal(platform::hypercalls_made());
    print(" hypercalls, ");
    print_decimal(store_.requests());
    print(" xenstore messages in ");
    print_decimal(store_.round_trips());
    print_line(" round trips");
  }

  void report(const tcpip::host::ConfigurationChanged& changed) {
    Byte text[64];
    Writer out((MutableBytes(text)));
    tcpip::write_text(out, changed.address);
    print_line(changed.usable ? "serving at " : "lost ", as_text(out.written()));
  }

  void report(const Machine::Report& said) {
    if (std::holds_alternative<http::RequestServed>(said.report)) milestone("first response", first_response_seen_);
  }

  Parameters parameters_;
  stack::SiteModule site_;
  Budget budget_;
  platform::Store& store_;
  platform::Netfront& network_;
  Control control_;
  Machine& machine_;
  Machine::Config config_;
  CpuFeatures cpu_ = platform::cpu_features();
  std::optional<Instant> deadline_;
  bool more_ = false;
  Counters counters_;
  bool connected_seen_ = false, first_frame_sent_seen_ = false, first_frame_received_seen_ = false,
       first_handshake_seen_ = false, first_response_seen_ = false;
};

}  // namespace

void serve(const platform::BootInfo& boot) {
  if (memory_ceiling() < least_memory) {
    panic("too little memory to serve, less than 2 MiB are left; raise `memory` in the configuration");
  }
  print("limpid: ");
  print_decimal(memory_ceiling() >> 10);
  print_line(" KiB of memory for connections");
  make<Guest>(boot).run();
}

}  // namespace limpid::xen_netfront::image
