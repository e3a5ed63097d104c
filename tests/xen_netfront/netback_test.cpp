// The device against the model of netback: what a guest sees of its network, whatever the other side does.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "limpid/sim/netfront_driver.hpp"

namespace limpid::sim {
namespace {

using xen_netfront::Device;
using xen_netfront::Drop;
using xen_netfront::Fact;
using xen_netfront::Fault;

std::string text_of(const Device& device) {
  Byte room[1024];
  Writer out((MutableBytes(room)));
  device.describe(out);
  return std::string(as_text(out.written()));
}

std::vector<Byte> frame_of(std::size_t size, Byte seed, bool ipv6 = false) {
  std::vector<Byte> frame(size);
  for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<Byte>(seed + i * 7 + i / 251);
  if (size >= 14) {
    frame[12] = ipv6 ? 0x86 : 0x08;
    frame[13] = ipv6 ? 0xDD : 0x00;
  }
  return frame;
}

using Frames = std::vector<std::vector<Byte>>;

struct Guest {
  std::vector<std::vector<Byte>> frames;
  std::vector<ReceiveOffload> offloads;
  std::vector<Fact> facts;
  std::size_t done_count = 0;
  bool up = false;
  void arrived(MutableBytes frame, ReceiveOffload offload) {
    frames.emplace_back(frame.begin(), frame.end());
    offloads.push_back(offload);
  }
  void done(Pin) { ++done_count; }
  void link(bool is_up) { up = is_up; }
  void report(Fact fact) { facts.push_back(fact); }
};

struct World {
  explicit World(Device::Config with = {}) : config(with) {}
  Device::Config config;
  Budget budget{64 << 20};
  Xenstore store{Netback::guest, budget};
  Netback netback{Device::pages(config), store, budget};
  Guest guest;
  NetfrontDriver<Guest> driver{config, netback, store, guest, budget};

  void connect() {
    ASSERT_TRUE(netback.create());
    driver.start();
    driver.run();
    ASSERT_TRUE(driver.device().connected()) << text_of(driver.device());
  }
  void transmit(const std::vector<Byte>& frame, TransmitOffload offload = {}, std::size_t header = 14) {
    Transmit transmit{Bytes(frame).first(std::min(header, frame.size())), {}, offload, {}};
    Bytes rest = Bytes(frame).subspan(transmit.header.size());
    while (!rest.empty()) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 4096);
      if (!transmit.payload.push_back(rest.first(size))) break;
      rest = rest.subspan(size);
    }
    driver.transmit(transmit);
  }
  std::vector<std::vector<Byte>> sent() {
    std::vector<std::vector<Byte>> all;
    for (auto frame = netback.sent(); frame; frame = netback.sent()) {
      all.emplace_back(frame->bytes.begin(), frame->bytes.end());
    }
    return all;
  }
  void exchange_works() {
    const auto out = frame_of(1514, 3), in = frame_of(900, 5);
    guest.frames.clear();
    sent();
    transmit(out);
    driver.run();
    EXPECT_EQ(sent(), Frames{out});
    EXPECT_TRUE(netback.send(in));
    driver.run();
    EXPECT_EQ(guest.frames, Frames{in});
    EXPECT_EQ(netback.broken(), Broken::nothing) << name(netback.broken());
  }
};

TEST(Netfront, ConnectsAndExchangesFrames) {
  World world;
  world.connect();
  EXPECT_TRUE(world.guest.up);
  EXPECT_TRUE(world.driver.granted_all());
  EXPECT_EQ(world.guest.facts, (std::vector{Fact::backend_found, Fact::published, Fact::connected}));
  EXPECT_EQ(world.driver.device().mac(), (std::array<Byte, 6>{0, 0x16, 0x3e, 1, 2, 3}));
  EXPECT_EQ(world.driver.device().mtu(), 1500);
  EXPECT_EQ(world.store.open_transactions(), 0u);
  world.exchange_works();
}

TEST(Netfront, SendsFramesOfEverySizeWithinTheRules) {
  World world;
  world.connect();
  for (const std::size_t size : {14, 60, 4095, 4096, 4097, 8192, 8193, 20000, 65535}) {
    const auto frame = frame_of(size, static_cast<Byte>(size));
    world.transmit(frame, {}, std::min<std::size_t>(size, 54));
    world.driver.run();
    EXPECT_EQ(world.sent(), Frames{frame}) << size;
    EXPECT_EQ(world.netback.broken(), Broken::nothing) << name(world.netback.broken());
  }
  world.transmit(frame_of(13, 1), {}, 13);
  world.transmit(frame_of(65536, 1));
  world.driver.run();
  EXPECT_EQ(world.sent(), Frames{});
  EXPECT_EQ(world.driver.device().dropped(Drop::transmit_short), 1u);
  EXPECT_EQ(world.driver.device().dropped(Drop::transmit_long), 1u);
}

TEST(Netfront, OffloadsBothWaysForBothFamilies) {
  for (const bool ipv6 : {false, true}) {
    World world;
    world.connect();
    const auto frame = frame_of(60000, 9, ipv6);
    const std::uint16_t start = ipv6 ? 54 : 34;
    world.transmit(frame, {start, 16, 1448}, 66);
    world.driver.run();
    const auto sent = world.netback.sent();
    ASSERT_TRUE(sent) << name(world.netback.broken());
    EXPECT_TRUE(sent->checksum_blank);
    EXPECT_EQ(sent->segment_size, 1448);
    EXPECT_EQ(Bytes(sent->bytes.data(), sent->bytes.size()), Bytes(frame));

    EXPECT_TRUE(world.netback.send(Bytes(frame), true, 1400));
    world.driver.run();
    EXPECT_EQ(world.guest.frames, Frames{frame});
    EXPECT_EQ(world.guest.offloads, (std::vector<ReceiveOffload>{{true, 1400}}));
  }
}

TEST(Netfront, UsesOnlyWhatTheBackendOffers) {
  World world;
  ASSERT_TRUE(world.netback.create({false, false, false}));
  world.driver.start();
  world.driver.run();
  ASSERT_TRUE(world.driver.device().connected());
  world.transmit(frame_of(100, 1, true), {54, 16, 0});   // a checksum for IPv6
  world.transmit(frame_of(3000, 1), {34, 16, 1448});     // segments
  world.transmit(frame_of(5000, 1));                     // two pages
  world.transmit(frame_of(100, 1, false), {34, 16, 0});  // a checksum for IPv4: always there
  world.driver.run();
  EXPECT_EQ(world.sent().size(), 1u);
  EXPECT_EQ(world.driver.device().dropped(Drop::transmit_offload), 2u);
  EXPECT_EQ(world.driver.device().dropped(Drop::transmit_long), 1u);

  World plain({.offloads = false});
  plain.connect();
  plain.transmit(frame_of(100, 1), {34, 16, 0});
  EXPECT_EQ(plain.driver.device().dropped(Drop::transmit_offload), 1u);
  EXPECT_EQ(plain.store.number("device/vif/0/feature-no-csum-offload"), 1u);
  EXPECT_EQ(plain.store.number("device/vif/0/feature-gso-tcpv4"), 0u);
}

TEST(Netfront, TenThousandFramesEachWay) {
  for (const auto& config : {Device::Config{}, Device::Config{.receive_pages = 18, .transmit_pages = 18}}) {
    World world(config);
    world.connect();
    world.netback.shuffle_transmit = true;
    world.netback.scatter_receive = true;
    Dice dice(7);
    Frames expected_in, expected_out, out;
    for (int i = 0; i < 10000; ++i) {
      const auto frame = frame_of(14 + dice.next() % (i % 50 == 0 ? 30000 : 1500), static_cast<Byte>(i));
      if (world.driver.device().can_transmit()) {
        world.transmit(frame);
        expected_out.push_back(frame);
      }
      if (world.netback.send(Bytes(frame))) expected_in.push_back(frame);
      if (dice.chance(300'000)) {
        world.driver.run();
        for (auto& one : world.sent()) out.push_back(std::move(one));
      }
    }
    world.driver.run();
    for (auto& one : world.sent()) out.push_back(std::move(one));
    EXPECT_EQ(out.size(), expected_out.size());
    EXPECT_TRUE(out == expected_out);
    EXPECT_EQ(world.guest.frames.size(), expected_in.size());
    EXPECT_TRUE(world.guest.frames == expected_in);
    EXPECT_EQ(world.netback.broken(), Broken::nothing) << name(world.netback.broken());
  }
}

TEST(Netfront, PinsComeBackAtOnce) {
  World world;
  const Byte header[14] = {};
  world.driver.transmit({Bytes(header), {}, {}, {1, 0, 1}});  // dropped: not connected
  EXPECT_EQ(world.guest.done_count, 1u);
  world.connect();
  world.driver.transmit({Bytes(header), {}, {}, {1, 0, 1}});
  world.driver.transmit({Bytes(header), {}, {}, {}});
  EXPECT_EQ(world.guest.done_count, 2u);
}

TEST(Netfront, IndicesWrap) {
  World world;
  world.connect();
  world.exchange_works();
  // All indices go up by 2^32 - 256, a multiple of the ring's size: on both sides, and in memory.
  auto saved = save(world.driver.device(), Instant{}, world.budget);
  ASSERT_TRUE(saved);
  constexpr std::uint32_t by = 0u - 256;
  // Behind the indices: places in the ring, the arriving packet, counters.
  constexpr std::size_t behind = 2 * xen_netfront::ring_slots + (2 + 18 * 6 + 3 + 5) +
                                 4 * (xen_netfront::drop_reasons + xen_netfront::fault_kinds + 1);
  for (std::size_t i = 0; i < 4; ++i) {
    const MutableBytes field(saved->data() + saved->size() - behind - 16 + 4 * i, 4);
    const std::uint32_t before = Reader(field).u32();
    ASSERT_LE(before, 300u);
    Writer(field).u32(before + by);
  }
  auto loaded = load<Device>({saved->data(), saved->size()}, {Instant{}, world.budget});
  ASSERT_TRUE(loaded);
  world.driver.device() = std::move(*loaded);
  world.netback.shift_indices(by);
  for (int i = 0; i < 600; ++i) world.exchange_works();
  EXPECT_LT(world.driver.device().receive_producer(), 1000u);
  EXPECT_LT(world.driver.device().transmit_producer(), 1000u);
}

TEST(Netfront, ConnectsAgainWhenTheBackendRestarts) {
  World world;
  world.connect();
  for (int i = 0; i < 5; ++i) {
    world.netback.restart();
    world.driver.run();
    ASSERT_TRUE(world.driver.device().connected()) << text_of(world.driver.device());
    EXPECT_TRUE(world.guest.up);
    world.exchange_works();
  }
  EXPECT_EQ(world.driver.device().connections(), 6u);
  EXPECT_EQ(world.driver.device().quarantined(), 0u);
  EXPECT_EQ(world.netback.granted(), Device::pages(world.config));
}

TEST(Netfront, IsTakenAwayAndComesBack) {
  World world;
  world.connect();
  for (int i = 0; i < 3; ++i) {
    world.netback.detach();
    world.driver.run();
    EXPECT_EQ(world.netback.state(), 6u);
    EXPECT_FALSE(world.guest.up);
    EXPECT_EQ(world.netback.granted(), 0u);
    world.netback.destroy();
    world.driver.run();
    EXPECT_FALSE(world.driver.device().connected());
    ASSERT_TRUE(world.netback.create());
    world.driver.run();
    ASSERT_TRUE(world.driver.device().connected()) << text_of(world.driver.device());
    world.exchange_works();
  }
}

// Another device, perhaps, under the same name.
TEST(Netfront, ComesBackAsAnotherOne) {
  World world;
  world.connect();
  const auto attach = [&](const Netback::Offers& offers) {
    world.netback.detach();
    world.driver.run();
    world.netback.destroy();
    world.driver.run();
    ASSERT_TRUE(world.netback.create(offers));
    world.driver.run();
  };
  const std::array<Byte, 6> first{0, 0x16, 0x3e, 1, 2, 3}, second{0, 0x16, 0x3e, 0x4c, 0x69, 0x77};
  attach({.mac = "00:16:3e:4c:69:77", .mtu = "1400"});
  ASSERT_TRUE(world.driver.device().connected()) << text_of(world.driver.device());
  EXPECT_EQ(world.driver.device().mac(), second);
  EXPECT_EQ(world.driver.device().mtu(), 1400);
  for (const std::string_view mtu : {"0", "20", "70000", "text"}) {
    attach({.mtu = mtu});
    ASSERT_TRUE(world.driver.device().connected()) << mtu;
    EXPECT_EQ(world.driver.device().mac(), first);
    EXPECT_EQ(world.driver.device().mtu(), 1500) << mtu;
  }
  attach({.mac = "00:16:3e:4c:69", .mtu = "1400"});
  EXPECT_FALSE(world.driver.device().connected());
  EXPECT_EQ(world.guest.facts.back(), Fact::unusable_entries);
  EXPECT_EQ(world.driver.device().mac(), first);
  attach({});
  ASSERT_TRUE(world.driver.device().connected());
  EXPECT_EQ(world.driver.device().mtu(), 1500);
  world.exchange_works();
}

TEST(Netfront, AppearsLate) {
  World world;
  world.driver.start();
  world.driver.run();
  EXPECT_EQ(world.guest.facts, std::vector{Fact::no_device});
  ASSERT_TRUE(world.netback.create());
  world.driver.run();
  EXPECT_TRUE(world.driver.device().connected());
  world.exchange_works();
}

TEST(Netfront, RetriesItsTransaction) {
  World world;
  world.store.conflicts = 15;
  world.connect();
  EXPECT_EQ(world.store.conflicts, 0u);
  world.exchange_works();
}

TEST(Netfront, SaysWhenPublishingIsRefused) {
  World world;
  world.store.refused = "event-channel";
  ASSERT_TRUE(world.netback.create());
  world.driver.start();
  world.driver.run();
  EXPECT_EQ(world.guest.facts.back(), Fact::publication_failed);
  EXPECT_FALSE(world.driver.device().connected());
  EXPECT_EQ(world.store.number("device/vif/0/tx-ring-ref"), 0u) << "all or nothing";
  EXPECT_EQ(world.store.open_transactions(), 0u);
  EXPECT_EQ(world.netback.granted(), 0u);
  // When its entries change, it tries again.
  world.store.refused = {};
  ASSERT_TRUE(world.netback.create());
  world.driver.run();
  EXPECT_TRUE(world.driver.device().connected());
}

TEST(Netfront, DoesWithoutAPort) {
  World world;
  world.driver.refuse_ports = true;
  ASSERT_TRUE(world.netback.create());
  world.driver.start();
  world.driver.run();
  EXPECT_EQ(world.guest.facts.back(), Fact::publication_failed);
  EXPECT_EQ(world.netback.granted(), 0u);
}

TEST(Netfront, StopsWhenToldTo) {
  World world;
  world.connect();
  world.driver.stop();
  world.driver.run();
  EXPECT_TRUE(world.driver.device().stopped());
  EXPECT_FALSE(world.guest.up);
  EXPECT_EQ(world.netback.state(), 6u);
  EXPECT_EQ(world.netback.granted(), 0u);
  world.netback.restart();
  world.driver.run();
  EXPECT_FALSE(world.driver.device().connected());
}

TEST(Netfront, QuarantinesWhatIsKept) {
  World world;
  world.connect();
  world.netback.keep_mapped = true;
  for (std::size_t i = 1; i <= 3; ++i) {
    world.netback.restart();
    world.driver.run();
    ASSERT_TRUE(world.driver.device().connected());
    EXPECT_EQ(world.driver.device().quarantined(), 2 * i);
    world.exchange_works();
  }
  // Until there are too few.
  World small({.receive_pages = 18, .transmit_pages = 20});
  small.connect();
  small.netback.keep_mapped = true;
  small.netback.restart();
  small.driver.run();
  EXPECT_TRUE(small.driver.device().connected());
  small.exchange_works();
  small.netback.restart();
  small.driver.run();
  EXPECT_FALSE(small.driver.device().connected());
  EXPECT_EQ(small.guest.facts.back(), Fact::too_few_pages);
}

TEST(Netfront, WithheldAnswersCostService) {
  World world;
  world.connect();
  world.netback.withhold_transmit = true;
  const auto frame = frame_of(1514, 1);
  std::size_t sent = 0;
  for (int i = 0; i < 1000; ++i) {
    world.transmit(frame);
    world.driver.run();
    sent += world.sent().size();
  }
  EXPECT_EQ(sent, 256u);
  EXPECT_FALSE(world.driver.device().can_transmit());
  EXPECT_EQ(world.driver.device().dropped(Drop::transmit_full), 1000u - 256u);
  EXPECT_TRUE(world.netback.send(Bytes(frame)));
  world.driver.run();
  EXPECT_EQ(world.guest.frames.size(), 1u) << "it still receives";
  world.netback.withhold_transmit = false;
  world.driver.run();
  world.exchange_works();
}

TEST(Netfront, HearsOfTransmitResponsesOnlyWhenItWantsTheirRoom) {
  World world;
  world.connect();
  world.exchange_works();  // the first is heard of: that stands in a new ring
  const auto frame = frame_of(1514, 1);
  for (int i = 0; i < 100; ++i) {
    world.transmit(frame);
    world.driver.look();
    world.netback.run();
    EXPECT_FALSE(world.netback.event());
  }
  world.netback.withhold_transmit = true;
  // Until there is none, nor any to be had of responses that lie there.
  for (int i = 0; i < 3; ++i) {
    while (world.driver.device().can_transmit()) world.transmit(frame);
    world.driver.run();
  }
  EXPECT_FALSE(world.driver.device().can_transmit());
  world.netback.withhold_transmit = false;
  world.netback.run();
  EXPECT_TRUE(world.netback.event());
  world.driver.run();
  EXPECT_TRUE(world.driver.device().can_transmit());
  EXPECT_EQ(world.driver.device().dropped(Drop::transmit_full), 0u);
}

TEST(Netfront, ReportsWhatItCounted) {
  World world;
  world.connect();
  world.netback.keep_mapped = true;
  world.netback.restart();
  world.driver.run();
  world.netback.misbehave(Mischief::transmit_id);
  world.transmit(frame_of(1514, 1));
  world.driver.run();
  world.transmit(frame_of(13, 1));
  std::vector<std::string> counted;
  world.driver.device().report([&](std::string_view group, std::string_view name, std::uint64_t value) {
    if (value > 0) counted.push_back(std::string(group) + "." + std::string(name) + " " + std::to_string(value));
  });
  const auto has = [&](std::string_view line) { return std::count(counted.begin(), counted.end(), line) == 1; };
  EXPECT_TRUE(has("network.connections " + std::to_string(world.driver.device().connections())));
  EXPECT_TRUE(has("network.quarantined_pages " + std::to_string(world.driver.device().quarantined())));
  EXPECT_GT(world.driver.device().quarantined(), 0u);
  EXPECT_TRUE(has("backend_faults.transmit_id 1")) << testing::PrintToString(counted);
  EXPECT_TRUE(has("dropped_by_network.transmit_short 1")) << testing::PrintToString(counted);
}

TEST(Netfront, ImpossibleRingsEndTheConnection) {
  const std::pair<Mischief, Fault> cases[] = {
      {Mischief::transmit_id, Fault::transmit_id},
      {Mischief::transmit_producer_back, Fault::transmit_producer},
      {Mischief::transmit_producer_far, Fault::transmit_producer},
      {Mischief::receive_id, Fault::receive_id},
      {Mischief::receive_producer_back, Fault::receive_producer},
      {Mischief::receive_producer_far, Fault::receive_producer},
  };
  for (const auto& [mischief, fault] : cases) {
    World world;
    world.connect();
    world.netback.misbehave(mischief);
    world.transmit(frame_of(500, 1));
    EXPECT_TRUE(world.netback.send(Bytes(frame_of(500, 1))));
    world.driver.run();
    EXPECT_EQ(world.driver.device().faults(fault), 1u) << name(fault);
    // Closed, and begun anew with a backend that behaves.
    ASSERT_TRUE(world.driver.device().connected()) << text_of(world.driver.device());
    EXPECT_EQ(world.driver.device().connections(), 2u);
    world.exchange_works();
  }
}

TEST(Netfront, DamagedPacketsAreDroppedByReason) {
  const std::pair<Mischief, Drop> cases[] = {
      {Mischief::receive_offset, Drop::receive_bad_slot},    {Mischief::receive_error, Drop::receive_error},
      {Mischief::receive_endless, Drop::receive_many_slots}, {Mischief::receive_extra, Drop::receive_bad_extra},
      {Mischief::receive_gso, Drop::receive_bad_extra},      {Mischief::receive_short, Drop::receive_short},
  };
  for (const auto& [mischief, reason] : cases) {
    World world;
    world.connect();
    world.netback.misbehave(mischief);
    EXPECT_TRUE(world.netback.send(Bytes(frame_of(6000, 1))));
    world.driver.run();
    EXPECT_EQ(world.driver.device().dropped(reason), 1u) << name(reason);
    EXPECT_TRUE(world.driver.device().connected());
    EXPECT_TRUE(world.guest.frames.empty());
    if (mischief == Mischief::receive_endless) {
      // It ends with the next frame's last slot.
      EXPECT_TRUE(world.netback.send(Bytes(frame_of(100, 1))));
      world.driver.run();
    }
    world.exchange_works();
  }
}

TEST(Netfront, AHostileBackendCostsNothingButService) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    World world({.receive_pages = 40, .transmit_pages = 40});
    Dice dice(seed);
    ASSERT_TRUE(world.netback.create());
    world.driver.start();
    for (int i = 0; i < 300; ++i) {
      if (dice.chance(300'000)) world.netback.misbehave(static_cast<Mischief>(dice.next() % mischiefs));
      if (dice.chance(50'000)) world.netback.withhold_transmit = !world.netback.withhold_transmit;
      if (dice.chance(20'000)) world.netback.keep_mapped = !world.netback.keep_mapped;
      if (dice.chance(20'000)) world.netback.restart();
      if (dice.chance(20'000)) world.netback.detach();
      if (dice.chance(500'000)) world.transmit(frame_of(14 + dice.next() % 20000, static_cast<Byte>(i)));
      if (dice.chance(500'000)) (void)world.netback.send(Bytes(frame_of(14 + dice.next() % 9000, 1)));
      if (dice.chance(100'000)) {
        // Anything at all in the rings.
        const MutableBytes page = world.netback.page(dice.next() % 2);
        for (int bytes = 0; bytes < 8; ++bytes) page[dice.next() % 512] = static_cast<Byte>(dice.next());
      }
      world.driver.run(1 + dice.next() % 20);
      (void)world.sent();
      auto saved = save(world.driver.device(), Instant{}, world.budget);
      ASSERT_TRUE(saved);
      ASSERT_TRUE(load<Device>({saved->data(), saved->size()}, {Instant{}, world.budget}))
          << seed << " " << i << " " << text_of(world.driver.device());
    }
    // It has not lost track: with a backend that behaves, and pages enough, all is well again.
    world.netback.withhold_transmit = world.netback.keep_mapped = false;
    world.netback.destroy();
    world.driver.run();
    if (world.driver.device().quarantined() > 0) continue;
    ASSERT_TRUE(world.netback.create());
    world.driver.run();
    ASSERT_TRUE(world.driver.device().connected()) << seed << " " << text_of(world.driver.device());
    world.netback.restart();
    world.driver.run();
    world.exchange_works();
  }
}

}  // namespace
}  // namespace limpid::sim
