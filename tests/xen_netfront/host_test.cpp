// A host over netfront over the model of netback, against a host on the simulated Ethernet that the backend bridges to.
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "limpid/sim/netfront_driver.hpp"
#include "limpid/sim/network.hpp"
#include "limpid/tcpip/host/host.hpp"

namespace limpid::sim {
namespace {

using tcpip::ConnectionId;
using tcpip::Host;
using xen_netfront::Device;

constexpr std::uint16_t port = 80;

Byte content_at(std::size_t at) { return static_cast<Byte>(at * 13 + at / 253); }

Host::Config host_config(Byte n, bool offloads) {
  Host::Config config;
  config.ip.mac = n == 1 ? tcpip::MacAddress{{0, 0x16, 0x3e, 1, 2, 3}} : tcpip::MacAddress{{2, 0, 0, 0, 0, n}};
  config.ip.addresses.push_back({tcpip::IpAddress::v4({10, 9, 0, n}), 24});
  config.ip.addresses.push_back({*tcpip::parse_ip_address(n == 1 ? "fd00:9::1" : "fd00:9::2"), 64});
  config.ip.offload = {.checksum = offloads, .segmentation = offloads};
  config.tcp.max_superframe = offloads ? 60'000 : 0;
  config.tcp.pins = n == 1;  // what is lent to the device comes back in the step that copies it
  return config;
}

// A host, what it says and hears on one connection.
struct End {
  End(Byte n, bool offloads) : config(host_config(n, offloads)) {}

  // Calls send(const Transmit&) for each frame.
  template <class Send>
  void tell(Time now, const Host::Event& event, Send&& send) {
    for (;;) {
      const auto progress = Host::advance(config, host, now, event, {room, slots, budget, {}});
      deadline = progress.deadline;
      more = progress.more;
      for (const auto& action : progress.actions) {
        std::visit(Overloaded{[&](const Transmit& frame) { send(frame); },
                              [&](const tcpip::host::Opened& opened) {
                                id = opened.id;
                                open = true;
                              },
                              [&](const tcpip::host::Received& received) {
                                for (const Byte byte : received.bytes) wrong += byte != content_at(heard++) ? 1 : 0;
                                unread += received.bytes.size();
                              },
                              [&](const tcpip::host::PeerFinished&) { finished = true; },
                              [&](const tcpip::host::Reset&) { reset = true; }, [](const auto&) {}},
                   action);
      }
      if (progress.consumed != 0 || !progress.more) return;
    }
  }
  // What an application does when it can: say `size` bytes, then finish.
  void speak(Time now, std::size_t size) {
    const Host::Context context{config, now, budget};
    if (unread > 0) host.consumed(context, id, std::exchange(unread, 0));
    while (open && said < size) {
      const MutableBytes lent = host.reserve(context, id, std::min<std::size_t>(size - said, 65536));
      if (lent.empty()) return;
      for (Byte& byte : lent) byte = content_at(said++);
      host.commit(context, id, lent.size());
    }
    if (open && said == size && !told_finish) {
      host.finish(context, id);
      told_finish = true;
    }
  }

  Host::Config config;
  Host host;
  Budget budget{64 << 20};
  std::vector<Byte> bytes = std::vector<Byte>(1 << 18);
  MutableBytes room{bytes};
  std::vector<Host::Action> slots = std::vector<Host::Action>(128);
  std::optional<Instant> deadline;
  bool more = false, open = false, finished = false, reset = false, told_finish = false;
  ConnectionId id;
  std::size_t said = 0, heard = 0, wrong = 0, unread = 0;
};

struct World {
  // What the driver tells: frames wait until the device's step is over.
  struct Guest {
    std::deque<std::pair<std::vector<Byte>, ReceiveOffload>> frames;
    std::deque<Pin> done_pins;
    std::optional<bool> link_is;
    void arrived(MutableBytes frame, ReceiveOffload offload) {
      frames.emplace_back(std::vector<Byte>(frame.begin(), frame.end()), offload);
    }
    void done(Pin pin) { done_pins.push_back(pin); }
    void link(bool up) { link_is = up; }
    void report(xen_netfront::Fact) {}
  };

  World(bool offloads, const LinkConditions& conditions)
      : config{.receive_pages = 128, .transmit_pages = 128, .offloads = offloads},
        inside(1, offloads),
        outside(2, offloads) {
    network.attach(conditions);
    network.attach(conditions);
  }

  void start() {
    ASSERT_TRUE(netback.create());
    driver.start();
    driver.run();
    ASSERT_TRUE(driver.device().connected());
    EXPECT_EQ(driver.device().mac(), inside.config.ip.mac.octets);
    tell_outside(tcpip::host::Started{{2}});
    tell_inside(tcpip::host::Started{{1}});
    tell_outside(LinkChanged{true});
  }

  void tell_inside(const Host::Event& event) {
    inside.tell(now, event, [&](const Transmit& frame) { driver.transmit(frame); });
  }
  void tell_outside(const Host::Event& event) {
    outside.tell(now, event, [&](const Transmit& frame) { network.send(1, now.monotonic, frame); });
  }

  // Everything that happens at this moment.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      driver.run(50);
      while (const auto frame = netback.sent()) {
        look_at(*frame);
        network.send(0, now.monotonic, frame->transmit());
      }
      if (guest.link_is) {
        const bool up = *std::exchange(guest.link_is, {});
        tell_inside(LinkChanged{false});
        if (up) {
          inside.config.ip.mac.octets = driver.device().mac();
          inside.config.ip.mtu = driver.device().mtu();
          tell_inside(LinkChanged{true});
        }
        moved = true;
      }
      while (!guest.frames.empty() || !guest.done_pins.empty()) {
        if (!guest.done_pins.empty()) {
          const Pin pin = guest.done_pins.front();
          guest.done_pins.pop_front();
          tell_inside(TransmitDone{pin});
          continue;
        }
        auto [frame, offload] = std::move(guest.frames.front());
        guest.frames.pop_front();
        tell_inside(FrameReceived{frame, offload});
        moved = true;
      }
      inside.speak(now, inside_says);
      outside.speak(now, outside_says);
      // No more frames than the device takes.
      while (driver.device().can_transmit()) {
        inside.tell(now, Flush{}, [&](const Transmit& frame) { driver.transmit(frame); });
        if (!inside.more) break;
      }
      do tell_outside(Flush{});
      while (outside.more);
      moved = moved || !guest.done_pins.empty() || netback.event();
    }
  }

  template <class Done>
  bool run(Done&& done, Duration most) {
    const Instant end = now.monotonic + most;
    for (;;) {
      settle();
      if (done()) return true;
      std::optional<Instant> next = network.next();
      for (const auto& deadline : {inside.deadline, outside.deadline}) {
        if (deadline && (!next || *deadline < *next)) next = deadline;
      }
      if (!next || *next > end) return false;
      now.monotonic = std::max(now.monotonic, *next);
      while (const auto arrival = network.arrival(now.monotonic)) {
        if (arrival->to == 1) {
          tell_outside(FrameReceived{arrival->frame, arrival->offload});
        } else if (!netback.send(arrival->frame, arrival->offload.checksum_good, arrival->offload.segment_size)) {
          driver.run(50);
        }
      }
      if (inside.deadline && *inside.deadline <= now.monotonic) tell_inside(Tick{});
      if (outside.deadline && *outside.deadline <= now.monotonic) tell_outside(Tick{});
    }
  }

  // Once addresses are there, with so much for each to say.
  void connect(std::size_t bytes) {
    ASSERT_TRUE(inside.host.listen({inside.config, now, inside.budget}, port, 16));
    run([] { return false; }, seconds(4));
    ASSERT_TRUE(outside.host.connect({outside.config, now, outside.budget},
                                     tcpip::endpoint(inside.config.ip.addresses[0].address, port)));
    inside_says = outside_says = bytes;
  }

  // The device goes, and another one comes.
  void attach(const Netback::Offers& offers) {
    netback.detach();
    settle();
    netback.destroy();
    settle();
    ASSERT_TRUE(netback.create(offers));
    settle();
    ASSERT_TRUE(driver.device().connected());
  }

  void look_at(const Netback::Frame& sent) {
    const Bytes frame(sent.bytes.data(), sent.bytes.size());
    largest_segment = std::max<std::size_t>(largest_segment, sent.segment_size);
    if (frame.subspan(6, 6) != Bytes(driver.device().mac())) ++from_strangers;
    constexpr std::size_t headers = 14 + 20 + 8;
    if (frame.size() < headers || frame[23] != 17) return;
    if (const auto message = tcpip::dhcp::Message::parse(frame.subspan(headers))) asked.push_back(*message);
  }

  void exchange(bool ipv6, std::size_t size, Duration most) {
    start();
    ASSERT_TRUE(inside.host.listen({inside.config, now, inside.budget}, port, 16));
    run([] { return false; }, seconds(4));  // duplicate address detection
    ASSERT_TRUE(outside.host.connect({outside.config, now, outside.budget},
                                     tcpip::endpoint(inside.config.ip.addresses[ipv6 ? 1 : 0].address, port)));
    inside_says = outside_says = size;
    EXPECT_TRUE(run([&] { return inside.finished && outside.finished; }, most));
    EXPECT_EQ(inside.heard, size);
    EXPECT_EQ(outside.heard, size);
    EXPECT_EQ(inside.wrong + outside.wrong, 0u);
    EXPECT_FALSE(inside.reset || outside.reset);
    EXPECT_EQ(netback.broken(), Broken::nothing) << name(netback.broken());
  }

  Device::Config config;
  Budget budget{256 << 20};
  Xenstore store{Netback::guest, budget};
  Netback netback{Device::pages(config), store, budget};
  Guest guest;
  NetfrontDriver<Guest> driver{config, netback, store, guest, budget};
  Network network{7, budget};
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};
  End inside, outside;
  std::size_t inside_says = 0, outside_says = 0;
  // What the guest sent.
  std::size_t largest_segment = 0, from_strangers = 0;
  std::vector<tcpip::dhcp::Message> asked;
};

TEST(HostOverNetfront, FourMegabytesEachWay) {
  for (const bool ipv6 : {false, true}) {
    for (const bool offloads : {true, false}) {
      SCOPED_TRACE(testing::Message() << (ipv6 ? "IPv6" : "IPv4") << (offloads ? ", offloads" : ""));
      World world(offloads, {.carries_superframes = offloads});
      world.exchange(ipv6, 4 << 20, seconds(60));
      const Device& device = world.driver.device();
      EXPECT_EQ(device.dropped(xen_netfront::Drop::transmit_full), 0u);
      EXPECT_EQ(device.dropped(xen_netfront::Drop::transmit_offload), 0u);
      if (offloads) {
        EXPECT_LT(world.netback.slots_taken(), 4096u) << "superframes";
      }
    }
  }
}

// As `xl network-detach` and `xl network-attach` do, with another MAC and a smaller MTU; the guest does what the boot
// image does. The peer, who sends as large segments as before, is on a link of that MTU, too.
TEST(HostOverNetfront, GoesOnOverAnotherDevice) {
  World world(true, {.carries_superframes = true});
  world.start();
  ASSERT_NO_FATAL_FAILURE(world.connect(8 << 20));
  world.run([&] { return world.inside.heard > 100'000 && world.outside.heard > 100'000; }, seconds(10));
  world.attach({.mac = "00:16:3e:4c:69:77", .mtu = "1400"});
  ASSERT_FALSE(world.inside.finished);
  EXPECT_EQ(world.inside.host.interface().mtu(), 1400);
  world.largest_segment = 0;
  EXPECT_TRUE(world.run([&] { return world.inside.finished && world.outside.finished; }, seconds(60)));
  EXPECT_EQ(world.inside.heard, world.inside_says);
  EXPECT_EQ(world.outside.heard, world.outside_says);
  EXPECT_EQ(world.inside.wrong + world.outside.wrong, 0u);
  EXPECT_EQ(world.largest_segment, 1400u - 20 - 32);
  EXPECT_EQ(world.from_strangers, 0u);
  world.attach({.mtu = "1500"});
  EXPECT_EQ(world.inside.host.interface().mtu(), 1500);
  EXPECT_EQ(world.netback.broken(), Broken::nothing) << name(world.netback.broken());
}

// What a DHCP server is told by.
TEST(HostOverNetfront, AsksForALeaseUnderTheHardwareAddressOfItsDevice) {
  World world(false, {});
  world.inside.config.dhcp = true;
  world.inside.config.ip.addresses = {};
  const auto asked = [&] {
    world.asked.clear();
    world.run([&] { return !world.asked.empty(); }, seconds(10));
    return world.asked.empty() ? tcpip::dhcp::Message{} : world.asked.front();
  };
  world.start();
  using Identifier = tcpip::dhcp::ClientIdentifier;
  auto message = asked();
  EXPECT_EQ(message.chaddr, (tcpip::MacAddress{{0, 0x16, 0x3e, 1, 2, 3}}));
  EXPECT_EQ(message.client_identifier, (Identifier{255, 0, 0, 0, 1, 0, 3, 0, 1, 0, 0x16, 0x3e, 1, 2, 3}));
  world.attach({.mac = "00:16:3e:4c:69:77"});
  message = asked();
  EXPECT_EQ(message.type, tcpip::dhcp::MessageType::discover);
  EXPECT_EQ(message.chaddr, (tcpip::MacAddress{{0, 0x16, 0x3e, 0x4c, 0x69, 0x77}}));
  EXPECT_EQ(message.client_identifier, (Identifier{255, 0, 0, 0, 1, 0, 3, 0, 1, 0, 0x16, 0x3e, 0x4c, 0x69, 0x77}));
  EXPECT_EQ(world.from_strangers, 0u);
}

TEST(HostOverNetfront, OverALossyLink) {
  World world(true, {.jitter = milliseconds(3), .loss = 10'000, .duplication = 5'000, .reordering = 20'000});
  world.netback.shuffle_transmit = true;
  world.netback.scatter_receive = true;
  world.exchange(false, 1 << 20, seconds(300));
}

// What the backend does to frames and connections costs time, but not a byte.
TEST(HostOverNetfront, OutlivesTheBackendsMischief) {
  World world(true, {});
  Dice dice(5);
  world.start();
  ASSERT_NO_FATAL_FAILURE(world.connect(2 << 20));
  const auto done = [&] { return world.inside.finished && world.outside.finished; };
  for (int i = 0; i < 60 && !done(); ++i) {
    const auto mischief = static_cast<Mischief>(dice.next() % mischiefs);
    // These last, until the next connection.
    if (mischief != Mischief::transmit_null && mischief != Mischief::any_state) world.netback.misbehave(mischief);
    if (dice.chance(100'000)) world.netback.restart();
    world.run(done, milliseconds(100));
  }
  EXPECT_GT(world.driver.device().connections(), 3u);
  world.netback.restart();
  EXPECT_TRUE(world.run(done, seconds(300)));
  EXPECT_EQ(world.inside.heard, world.inside_says);
  EXPECT_EQ(world.outside.heard, world.outside_says);
  EXPECT_EQ(world.inside.wrong + world.outside.wrong, 0u);
  EXPECT_EQ(world.netback.broken(), Broken::nothing) << name(world.netback.broken());
}

}  // namespace
}  // namespace limpid::sim
