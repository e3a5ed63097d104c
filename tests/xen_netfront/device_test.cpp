// The network device alone: exact exchanges, stale answers, the laws over lives with the model of netback.
#include "limpid/xen_netfront/protocol/device.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "limpid/sim/laws.hpp"
#include "limpid/sim/netfront_driver.hpp"

namespace limpid::xen_netfront {
namespace {

using xenstore::Answer;
using xenstore::Fired;
using xenstore::Status;

template <class Slots>
std::string hex(const Slots& slots) {
  std::string out;
  for (const auto& slot : slots) {
    if (!out.empty()) out += ' ';
    for (const Byte byte : slot) out += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return out;
}

std::string text(const InlineList<FrameArrived::Piece, netif::most_slots>& pieces) {
  std::string out;
  for (const auto& piece : pieces) {
    out += " " + std::to_string(piece.page) + "@" + std::to_string(piece.offset) + "+" + std::to_string(piece.size);
  }
  return out;
}

// Every action as a line; grants and revocations are counted.
struct Session {
  explicit Session(Device::Config with = {.receive_pages = 18, .transmit_pages = 18}) : config(with) {}

  std::vector<std::string> tell(Device::Event event) {
    std::vector<std::string> lines;
    for (;;) {
      const auto progress = Device::advance(config, device, {}, event, {room, slots, budget});
      for (const auto& action : progress.actions) {
        std::visit([&](const auto& a) { note(lines, a); }, action);
      }
      if (progress.consumed == 1) event = Tick{};
      if (!progress.more) break;
    }
    return lines;
  }
  using Lines = std::vector<std::string>;
  void note(Lines& out, const PushTransmit& a) {
    std::string pages;
    for (const auto page : a.pages) pages += " " + std::to_string(page);
    out.push_back("transmit " + std::to_string(a.first) + ": " + hex(a.slots) + " in" + pages);
  }
  void note(Lines& out, const PushReceive& a) {
    out.push_back("receive " + std::to_string(a.first) + ": " + std::to_string(a.slots.size()));
    for (const auto& slot : a.slots) posted.push_back(netif::parse_receive_request(slot));
  }
  void note(Lines& out, const FrameArrived& a) {
    out.push_back("arrived" + text(a.pieces) + (a.offload.checksum_good ? " good" : "") +
                  (a.offload.segment_size != 0 ? " of " + std::to_string(a.offload.segment_size) : ""));
  }
  void note(Lines& out, const TransmitDone&) { out.push_back("done"); }
  void note(Lines& out, const LinkChanged& a) { out.push_back(a.up ? "up" : "down"); }
  void note(Lines& out, const ResetRings& a) {
    out.push_back("rings " + std::to_string(a.transmit_page) + " " + std::to_string(a.receive_page));
  }
  void note(Lines&, const Grant& a) {
    granted.push_back(a);
    EXPECT_EQ(a.reference, a.page + 8u);
  }
  void note(Lines&, const Revoke& a) { revoked.push_back(a.page); }
  void note(Lines& out, const AllocatePort& a) { out.push_back("port for " + std::to_string(a.domain)); }
  void note(Lines& out, const ClosePort& a) { out.push_back("close port " + std::to_string(a.port)); }
  void note(Lines& out, const xenstore::Request& a) {
    const char* operations[] = {"read", "list", "write", "make", "remove", "watch", "unwatch"};
    out.push_back(std::string(operations[static_cast<int>(a.operation)]) + " " + std::string(a.path) +
                  (a.value.empty() ? "" : " = " + std::string(as_text(a.value))));
    tokens[std::string(a.path)] = a.token;
  }
  void note(Lines& out, const xenstore::Publish& a) {
    std::string line = "publish";
    for (const auto& one : a.assignments) line += " " + std::string(one.path) + "=" + std::string(as_text(one.value));
    out.push_back(line);
    tokens["publish"] = a.token;
  }
  void note(Lines& out, const Report& a) { out.push_back(std::string(describe(a.fact))); }

  Lines answer(const std::string& path, const std::string& value) {
    return tell(Answer{tokens.at(path), Status::ok, as_bytes(value)});
  }
  Lines missing(const std::string& path) { return tell(Answer{tokens.at(path), Status::no_entry, {}}); }
  // The backend's state, and what is read with it.
  Lines state(const std::string& value, const std::string& mtu = "1500") {
    tell(Answer{tokens.at("/b/state"), Status::ok, as_bytes(value)});
    answer("/b/online", "1");
    answer("device/vif/0/mtu", mtu);
    answer("/b/feature-sg", "1");
    answer("/b/feature-gso-tcpv4", "1");
    answer("/b/feature-gso-tcpv6", "1");
    return answer("/b/feature-ipv6-csum-offload", "1");
  }
  void connect() {
    tell(Started{});
    tell(Fired{tokens.at("device/vif/0"), "device/vif/0"});
    answer("device/vif/0/backend", "/b");
    answer("device/vif/0/backend-id", "3");
    answer("device/vif/0/mac", "00:16:3e:AA:bb:cc");
    backend_watch = tokens.at("/b/state");
    tell(Fired{backend_watch, "/b/state"});
    state("2");
    tell(PortAllocated{true, 17});
    answer("publish", "");
    state("4");
    ASSERT_TRUE(device.connected());
  }

  Device::Config config;
  Budget budget{0};
  Device device;
  Byte room[Device::least_room.bytes];
  Device::Action slots[Device::least_room.actions];
  std::vector<Grant> granted;
  std::vector<std::uint16_t> revoked;
  std::vector<netif::ReceiveRequest> posted;
  std::map<std::string, std::uint32_t> tokens;
  std::uint32_t backend_watch = 0;
};
using Lines = std::vector<std::string>;

TEST(Device, ConnectsStepByStep) {
  Session session;
  EXPECT_EQ(session.tell(Started{}), Lines{"watch device/vif/0"});
  EXPECT_EQ(session.tell(Fired{session.tokens["device/vif/0"], "device/vif/0/state"}), Lines{})
      << "no entry that matters";
  EXPECT_EQ(session.tell(Fired{session.tokens["device/vif/0"], "device/vif/0"}),
            (Lines{"read device/vif/0/backend", "read device/vif/0/backend-id", "read device/vif/0/mac"}));
  EXPECT_EQ(session.answer("device/vif/0/backend", "/b"), Lines{});
  EXPECT_EQ(session.answer("device/vif/0/backend-id", "3"), Lines{});
  EXPECT_EQ(session.answer("device/vif/0/mac", "00:16:3e:AA:bb:cc"),
            (Lines{"the network device's backend is found", "watch /b/state"}));
  EXPECT_EQ(session.device.mac(), (std::array<Byte, 6>{0, 0x16, 0x3e, 0xaa, 0xbb, 0xcc}));
  const Lines reads{"read /b/state",
                    "read /b/online",
                    "read device/vif/0/mtu",
                    "read /b/feature-sg",
                    "read /b/feature-gso-tcpv4",
                    "read /b/feature-gso-tcpv6",
                    "read /b/feature-ipv6-csum-offload"};
  const std::uint32_t watch = session.tokens["/b/state"];
  EXPECT_EQ(session.tell(Fired{watch, "/b/state"}), reads);
  EXPECT_EQ(session.tell(Fired{watch, "/b/state"}), Lines{}) << "it is being read";
  EXPECT_EQ(session.state("1"), reads) << "it changed meanwhile";
  EXPECT_EQ(session.state("1"), Lines{}) << "not in InitWait";
  EXPECT_EQ(session.tell(Fired{watch, "/b/state"}), reads);
  EXPECT_EQ(session.state("2"), (Lines{"rings 0 1", "port for 3", "receive 0: 18"}));
  ASSERT_EQ(session.granted.size(), 38u);
  for (const Grant& grant : session.granted) {
    EXPECT_EQ(grant.domain, 3);
    EXPECT_EQ(grant.read_only, grant.page >= 20) << "the backend writes rings and what it received";
  }
  EXPECT_EQ(session.tell(PortAllocated{true, 17}),
            Lines{"publish device/vif/0/tx-ring-ref=8 device/vif/0/rx-ring-ref=9 device/vif/0/event-channel=17 "
                  "device/vif/0/request-rx-copy=1 device/vif/0/feature-rx-notify=1 device/vif/0/feature-sg=1 "
                  "device/vif/0/feature-gso-tcpv4=1 device/vif/0/feature-gso-tcpv6=1 "
                  "device/vif/0/feature-ipv6-csum-offload=1 device/vif/0/feature-no-csum-offload=0 "
                  "device/vif/0/state=4"});
  Lines published{"the network device's rings are published"};
  published.insert(published.end(), reads.begin(), reads.end());
  EXPECT_EQ(session.answer("publish", ""), published);
  EXPECT_EQ(session.state("2"), Lines{});
  session.tell(Fired{watch, "/b/state"});
  EXPECT_EQ(session.state("4", "9000"), (Lines{"the network device is connected", "up"}));
  EXPECT_EQ(session.device.mtu(), 9000);
  EXPECT_TRUE(session.device.can_transmit());
}

TEST(Device, PutsFramesIntoSlots) {
  Session session;
  session.connect();
  Byte header[54] = {};
  header[12] = 8;
  const std::vector<Byte> payload(4096 + 100);
  // Little-endian: reference, offset, flags, id, size.
  EXPECT_EQ(session.tell(Transmit{Bytes(header), {}, {}, {}}), Lines{"transmit 0: 2d000000"
                                                                     "0000"
                                                                     "0000"
                                                                     "2500"
                                                                     "3600 in 37"});
  EXPECT_EQ(session.tell(Transmit{Bytes(header), {Bytes(payload)}, {34, 16, 1448}, {9, 1, 1}}),
            (Lines{"transmit 1: 2c000000"
                   "0000"
                   "0f00"
                   "2400"
                   "9a10"                       // blank, validated, more, extra; size of all
                   " 0100a8050100000000000000"  // GSO, 1448, TCPv4
                   " 2b000000"
                   "0000"
                   "0000"
                   "2300"
                   "9a00 in 36 35",
                   "done"}));
  // Answers: any order, and one that says nothing in the place of the extra info.
  const auto response = [](std::uint16_t id, std::int16_t status) {
    return netif::emit(netif::TransmitResponse{id, status});
  };
  EXPECT_EQ(session.tell(TransmitResponses{2, 0, {response(36, 0), response(7, 1)}}), Lines{});
  EXPECT_EQ(session.device.transmit_consumer(), 2u);
  // Offered again with others behind them, as far as the producer says.
  EXPECT_EQ(session.tell(TransmitResponses{3, 0, {response(36, 0), response(7, 1), response(37, -1), response(99, 0)}}),
            Lines{});
  EXPECT_EQ(session.device.transmit_consumer(), 3u);
  EXPECT_EQ(session.device.dropped(Drop::transmit_refused), 1u);
  EXPECT_EQ(session.tell(Transmit{Bytes(header), {}, {}, {}}), Lines{"transmit 4: 2d000000"
                                                                     "0000"
                                                                     "0000"
                                                                     "2500"
                                                                     "3600 in 37"});
}

TEST(Device, CopiesAcrossPages) {
  std::vector<Byte> bytes(10000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<Byte>(i * 31);
  const Bytes all(bytes);
  PushTransmit push;
  push.pages = {4, 9, 2};
  push.header = all.first(54);
  push.payload = {all.subspan(54, 4000), all.subspan(4054, 42), {}, all.subspan(4096)};
  std::map<std::size_t, std::vector<Byte>> pages;
  for_each_copy(push, [&](std::uint16_t page, std::size_t offset, Bytes piece) {
    pages[page].resize(4096);
    ASSERT_FALSE(piece.empty());
    copy(piece, MutableBytes(pages[page]).subspan(offset));
  });
  EXPECT_EQ(Bytes(pages[4]), all.first(4096));
  EXPECT_EQ(Bytes(pages[9]), all.subspan(4096, 4096));
  EXPECT_EQ(Bytes(pages[2]).first(1808), all.subspan(8192));
}

TEST(Device, PutsReceivedSlotsTogether) {
  Session session;
  session.connect();
  ASSERT_EQ(session.posted.size(), 18u);
  std::uint32_t next = 0;
  const auto page = [&](std::uint32_t at) { return session.posted[at].id; };
  const auto receive = [&](std::vector<netif::ReceiveResponseSlot> slots) {
    ReceiveResponses event{next + static_cast<std::uint32_t>(slots.size()), next, {}};
    for (const auto& slot : slots) event.slots.push_back(slot);
    next = event.producer;
    return session.tell(event);
  };
  const auto slot = [&](std::uint32_t at, std::uint16_t offset, std::uint16_t flags, std::int16_t size) {
    return netif::emit(netif::ReceiveResponse{page(at), offset, flags, size});
  };
  const auto piece = [&](std::uint32_t at, const std::string& rest) { return " " + std::to_string(page(at)) + rest; };

  EXPECT_EQ(receive({slot(0, 0, 0, 60)}), (Lines{"arrived" + piece(0, "@0+60"), "receive 18: 1"}));
  EXPECT_EQ(receive({slot(1, 100, netif::rx_data_validated, 3996)}),
            (Lines{"arrived" + piece(1, "@100+3996") + " good", "receive 19: 1"}));
  // A packet of three slots and extra info, of which the last slot comes later.
  const auto gso = netif::emit_extra<8>({netif::extra_gso, 0, 1400, netif::gso_tcpv6});
  EXPECT_EQ(receive({slot(2, 0, netif::rx_checksum_blank | netif::rx_more_data | netif::rx_extra_info, 4096), gso,
                     slot(4, 0, netif::rx_more_data, 4096)}),
            Lines{"receive 20: 1"});
  EXPECT_EQ(receive({slot(5, 0, 0, 7)}),
            (Lines{"arrived" + piece(2, "@0+4096") + piece(4, "@0+4096") + piece(5, "@0+7") + " good of 1400",
                   "receive 21: 3"}));
  // The wrong id: whoever answers so answers for pages that it was not given.
  session.posted[6].id ^= 1;
  Lines lines = receive({slot(6, 0, 0, 60)});
  EXPECT_EQ(lines[0], "the network device's backend wrote what cannot be; the connection is closed");
  EXPECT_EQ(session.device.faults(Fault::receive_id), 1u);
}

TEST(Device, ClosesInOrder) {
  Session session;
  session.connect();
  session.tell(Fired{session.backend_watch, "/b/state"});
  const Lines closing = session.state("5");
  EXPECT_EQ((Lines(closing.begin(), closing.begin() + 4)),
            (Lines{"the network device's backend has left", "down", "close port 17", "write device/vif/0/state = 6"}));
  EXPECT_TRUE(session.revoked.empty()) << "not before the backend has let go";
  session.state("5");
  session.tell(Fired{session.backend_watch, "/b/state"});
  EXPECT_EQ(session.state("6"), Lines{});
  ASSERT_EQ(session.revoked.size(), 38u);
  // All but one page come back.
  for (std::uint16_t page = 0; page < 37; ++page) EXPECT_EQ(session.tell(Revoked{page, true}), Lines{});
  EXPECT_EQ(session.tell(Revoked{5, true}), Lines{}) << "an answer counts once";
  EXPECT_EQ(session.tell(Revoked{37, false}).size(), 3u) << "it looks for a device again";
  EXPECT_EQ(session.device.quarantined(), 1u);
  EXPECT_EQ(session.tell(Revoked{37, true}), Lines{}) << "nobody asked";
}

TEST(Device, StaleAnswersMeanNothing) {
  Session session;
  session.connect();
  for (std::uint32_t token = 0; token < 0x300; ++token) {
    if (token >> 8 == 1) continue;  // the questions of this epoch
    if ((token & 0xFF) == 1) continue;
    EXPECT_EQ(session.tell(Answer{token, Status::ok, as_bytes("6")}), Lines{});
  }
  EXPECT_EQ(session.tell(Answer{0xFFFFFFFF, Status::ok, as_bytes("6")}), Lines{});
  EXPECT_EQ(session.tell(PortAllocated{false, 0}), Lines{});
  EXPECT_EQ(session.tell(PortAllocated{true, 17}), Lines{});
  EXPECT_EQ(session.tell(PortAllocated{true, 18}), Lines{"close port 18"}) << "one too many";
  EXPECT_EQ(session.tell(Revoked{3, true}), Lines{});
  EXPECT_EQ(session.tell(Started{}), Lines{});
  EXPECT_TRUE(session.device.connected());
}

TEST(Device, UnusableEntries) {
  const std::vector<std::string> good{"/b", "3", "00:16:3e:aa:bb:cc"};
  const std::vector<std::vector<std::string>> bad{
      {"", std::string(65, 'x'), std::string("a\0b", 3)},
      {"", "x", "32752", "-1", "3 "},
      {"", "00:16:3e:aa:bb:c", "00:16:3e:aa:bb:cg", "01:16:3e:aa:bb:cc", "00:00:00:00:00:00", "00-16-3e-aa-bb-cc"}};
  const std::string paths[] = {"device/vif/0/backend", "device/vif/0/backend-id", "device/vif/0/mac"};
  for (std::size_t which = 0; which < 3; ++which) {
    for (const std::string& value : bad[which]) {
      Session session;
      session.tell(Started{});
      session.tell(Fired{session.tokens["device/vif/0"], "device/vif/0"});
      Lines lines;
      for (std::size_t i = 0; i < 3; ++i) {
        for (const auto& line : session.answer(paths[i], i == which ? value : good[i])) lines.push_back(line);
      }
      EXPECT_EQ(lines, Lines{std::string(describe(Fact::unusable_entries))}) << value;
    }
  }
}

// An MTU that is none, or that no link or backend has, is not one; the device is usable all the same.
TEST(Device, TakesAnMtuThatMakesSense) {
  const std::pair<std::string, std::uint16_t> mtus[] = {
      {"68", 68},     {"1400", 1400}, {"65517", 65517}, {"", 1500},      {"0", 1500},
      {"20", 1500},   {"67", 1500},   {"65518", 1500},  {"70000", 1500}, {"4294968696", 1500},
      {"text", 1500}, {"-1", 1500},   {"1400 ", 1500}};
  for (const auto& [text, mtu] : mtus) {
    Session session;
    session.connect();
    EXPECT_EQ(session.device.mtu(), 1500);
    session.tell(Fired{session.backend_watch, "/b/state"});
    EXPECT_EQ(session.state("4", text), Lines{});
    EXPECT_EQ(session.device.mtu(), mtu) << text;
    session.tell(Fired{session.backend_watch, "/b/state"});
    session.missing("device/vif/0/mtu");
    EXPECT_EQ(session.device.mtu(), 1500);
  }
}

// Lives with the model: the plain one, and such in which anything happens.

struct Nobody {
  void arrived(MutableBytes, ReceiveOffload) {}
  void done(Pin) {}
  void link(bool) {}
  void report(Fact) {}
};

TEST(Device, KeepsTheLaws) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Budget budget(512 << 20);
    const Device::Config config{.receive_pages = 30, .transmit_pages = 20};
    sim::Xenstore store(sim::Netback::guest, budget);
    sim::Netback netback(Device::pages(config), store, budget, seed + 1);
    Nobody nobody;
    sim::NetfrontDriver<Nobody> driver(config, netback, store, nobody, budget);
    Buffer trace(budget);
    driver.trace = &trace;
    sim::Dice dice(seed);
    ASSERT_TRUE(netback.create());
    driver.start();
    driver.run();
    std::vector<Byte> frame(20000);
    frame[12] = 8;
    for (int i = 0; i < 40; ++i) {
      if (seed > 0 && dice.chance(300'000)) netback.misbehave(static_cast<sim::Mischief>(dice.next() % sim::mischiefs));
      if (dice.chance(100'000)) netback.restart();
      const std::size_t size = 14 + dice.next() % (i % 8 == 0 ? 19000 : 200);
      driver.transmit({Bytes(frame).first(14), {Bytes(frame).subspan(14, size - 14)}, {}, {1, 1, 1}});
      (void)netback.send(Bytes(frame).first(size));
      driver.run(20);
      (void)netback.sent();
    }
    driver.stop();
    driver.run();
    // What the model answered depends on the pages that it was given, and those on the room.
    const auto outcome = sim::check_laws<Device>(config, {trace.data(), trace.size()}, {.less_room = false}, budget);
    ASSERT_TRUE(outcome) << describe(outcome.error().law) << ": " << outcome.error().what << " "
                         << outcome.error().event;
    EXPECT_EQ(outcome->allocations, 0u) << "all of it is in place";
  }
}

TEST(Device, DamagedSnapshotsAreRefusedOrHarmless) {
  Budget budget(64 << 20);
  Session session;
  session.connect();
  const auto saved = save(session.device, Instant{}, budget);
  ASSERT_TRUE(saved);
  sim::Dice dice(3);
  std::size_t loaded_count = 0;
  for (std::size_t i = 0; i < 20000; ++i) {
    Buffer damaged(budget);
    ASSERT_TRUE(damaged.append({saved->data(), saved->size()}));
    for (std::size_t flips = dice.up_to(3); flips > 0; --flips) {
      damaged[dice.next() % damaged.size()] ^= static_cast<Byte>(1 << dice.next() % 8);
    }
    auto loaded = load<Device>({damaged.data(), damaged.size()}, {Instant{}, budget});
    if (!loaded) continue;
    ++loaded_count;
    Session other;
    other.device = std::move(*loaded);
    const Byte header[14] = {};
    other.tell(Transmit{Bytes(header), {}, {}, {}});
    ReceiveResponses received{other.device.receive_consumer() + 18, other.device.receive_consumer(), {}};
    for (std::size_t slot = 0; slot < 18; ++slot) {
      received.slots.push_back(netif::emit(netif::ReceiveResponse{session.posted[slot].id, 0, 0, 60}));
    }
    other.tell(received);
    other.tell(Stop{});
    for (std::uint16_t page = 0; page < 38; ++page) other.tell(Revoked{page, true});
  }
  EXPECT_GT(loaded_count, 0u);
}

}  // namespace
}  // namespace limpid::xen_netfront
