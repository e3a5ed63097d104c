// The network device against the model of netback: a script says what each side does, which mischief the backend is up
// to, what it writes into pages that it may write, and what the device is told that nobody should tell it.
#include "fuzz/support/machine.hpp"
#include "limpid/sim/netfront_driver.hpp"

namespace {

using namespace limpid;
using namespace limpid::xen_netfront;

struct Guest {
  std::size_t arrived_count = 0, done_count = 0;
  void arrived(MutableBytes frame, ReceiveOffload) {
    fuzz::require(frame.size() >= 14 && frame.size() <= Device::largest_frame, "a frame has a frame's size");
    ++arrived_count;
  }
  void done(Pin) { ++done_count; }
  void link(bool) {}
  void report(Fact) {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fuzz::require;
  const Bytes input(data, size);
  Reader script(input);
  const std::uint8_t options = script.u8();
  const Device::Config config{.receive_pages = static_cast<std::uint16_t>(18 + options % 4),
                              .transmit_pages = static_cast<std::uint16_t>(18 + options / 4 % 4),
                              .offloads = (options & 16) == 0};
  Budget harness(std::size_t{1} << 30);
  sim::Xenstore store(sim::Netback::guest, harness);
  sim::Netback netback(Device::pages(config), store, harness, options);
  Guest guest;
  sim::NetfrontDriver<Guest> driver(config, netback, store, guest, harness);
  Buffer trace(harness);
  driver.trace = &trace;
  require(netback.create({(options & 32) == 0, (options & 64) == 0, (options & 128) == 0}), "memory for the harness");
  driver.start();

  // Whether each side has told the other only what is so: then the frontend breaks no rule.
  bool pristine = true;
  std::size_t lent = 0;
  Byte content[20000] = {};
  const auto frame = [&](std::uint8_t kind) {
    content[12] = (kind & 1) != 0 ? 0x86 : 0x08;
    content[13] = (kind & 1) != 0 ? 0xDD : 0x00;
    return Bytes(content).first(script.u16() % sizeof(content));
  };
  for (int steps = 0; !script.empty() && steps < 100; ++steps) {
    const std::uint8_t operation = script.u8();
    const std::uint8_t argument = script.u8();
    switch (operation % 12) {
      case 0:
        driver.run(argument);
        break;
      case 1: {
        const Bytes bytes = frame(argument);
        const std::size_t header = std::min<std::size_t>(bytes.size(), argument);
        driver.transmit({bytes.first(header),
                         {bytes.subspan(header)},
                         {(argument & 2) != 0 ? std::uint16_t{34} : std::uint16_t{0}, 16,
                          (argument & 4) != 0 ? script.u16() : std::uint16_t{0}},
                         {1, 0, 1}});
        ++lent;
        break;
      }
      case 2:
        (void)netback.send(frame(argument), (argument & 2) != 0, (argument & 4) != 0 ? script.u16() : std::uint16_t{0});
        break;
      case 3:
        netback.misbehave(static_cast<sim::Mischief>(argument % sim::mischiefs));
        // A backend that says that it has let go, and has not, still reads what it is no longer granted.
        if (argument % sim::mischiefs == static_cast<int>(sim::Mischief::any_state)) pristine = false;
        break;
      case 4:
        netback.withhold_transmit = (argument & 1) != 0;
        netback.shuffle_transmit = (argument & 2) != 0;
        netback.keep_mapped = (argument & 4) != 0;
        netback.scatter_receive = (argument & 8) != 0;
        driver.refuse_ports = (argument & 16) != 0;
        break;
      case 5:
        if ((argument & 1) != 0) netback.restart();
        if ((argument & 2) != 0) netback.detach();
        if ((argument & 4) != 0) netback.destroy();
        if ((argument & 8) != 0) require(netback.create(), "memory for the harness");
        break;
      case 6: {  // bytes into a ring
        const MutableBytes page = netback.page(argument % 2);
        const std::size_t at = script.u16() % 4096;
        for (const Byte byte : script.take(std::min<std::size_t>(script.remaining(), 8)))
          page[(at + byte) % 4096] = byte;
        pristine = false;
        break;
      }
      case 7: {
        TransmitResponses event{script.u32(), script.u32(), {}};
        for (std::uint8_t i = 0; i < argument % 64; ++i) event.slots.push_back({script.u8(), 0, script.u8(), 0});
        driver.tell(event);
        pristine = false;  // it may believe that a page is free which the backend still reads
        break;
      }
      case 8: {
        ReceiveResponses event{
            driver.device().receive_consumer() + argument % 8, driver.device().receive_consumer(), {}};
        for (std::uint8_t i = 0; i < argument % 8; ++i) {
          netif::ReceiveResponseSlot slot{};
          for (Byte& byte : slot) byte = script.u8();
          event.slots.push_back(slot);
        }
        driver.tell(event);
        pristine = false;
        break;
      }
      case 9: {
        const std::uint32_t token = script.u16();
        const auto status = static_cast<xenstore::Status>(argument % 22);
        driver.tell(
            xenstore::Answer{token, status, script.take(std::min<std::size_t>(script.remaining(), argument % 24))});
        pristine = false;  // it may take another domain for its backend
        break;
      }
      case 10:
        driver.tell(
            xenstore::Fired{script.u16(), as_text(script.take(std::min<std::size_t>(script.remaining(), argument)))});
        break;
      default:
        if ((argument & 1) != 0) driver.tell(Revoked{script.u16(), (argument & 2) != 0});
        if ((argument & 4) != 0) driver.tell(PortAllocated{(argument & 8) != 0, script.u32()});
        if ((argument & 1) != 0) pristine = false;
        if (argument == 255) driver.stop();
    }
    while (netback.sent()) {
    }
    require(!pristine || netback.broken() == sim::Broken::nothing, "the frontend keeps netback's rules");
  }
  require(guest.done_count == lent, "what is lent is given back");

  sim::LawOptions law{.less_room = false};  // what the model answered depends on the pages that it was given
  law.only_again = !fuzz::is_thorough(input);
  const auto judged = sim::check_laws<Device>(config, fuzz::view(trace), law, harness);
  fuzz::require_lawful(judged);
  const auto live = save(driver.device(), Instant{}, harness);
  require(live && fuzz::view(*live) == fuzz::view(judged->saved), "a replayed trace ends in the same state");
  return 0;
}
