// Several queues: whose a frame is, what the leader tells the others, and what happens when it does not arrive.
#include "tests/tcpip/host/queues.hpp"

#include "limpid/sim/laws.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::test {
namespace {

using host::Count;
using host::Drop;
using host::QueueMessage;

QueueMessage kind_of(const Station::Message& message) { return static_cast<QueueMessage>(message.bytes[0]); }

crypto::HashTableKey key_of(std::uint8_t byte) {
  std::array<Byte, 16> bytes;
  bytes.fill(byte);
  return crypto::HashTableKey(bytes);
}

wire::TcpHeader with(std::uint8_t flags) {
  wire::TcpHeader header;
  header.flags = wire::TcpFlags::from_byte(flags);
  header.window = 1000;
  return header;
}

bool is_tcp(const Frame& frame) {
  const auto ether = wire::EthernetHeader::parse(frame.bytes);
  const Bytes packet = ether->payload(frame.bytes);
  if (ether->header.ether_type == wire::EtherType::ipv4) {
    return wire::Ipv4Header::parse(packet)->header.protocol == Protocol::tcp;
  }
  return ether->header.ether_type == wire::EtherType::ipv6 &&
         wire::Ipv6Header::parse(packet)->header.next_header == Protocol::tcp;
}

// Ownership.

TEST(Queues, EveryFlowHasOneOwnerAndEveryQueueItsPart) {
  std::mt19937 dice(1);
  for (const auto queues : std::initializer_list<std::uint8_t>{2, 3, 8, 64}) {
    const auto key = key_of(5);
    std::vector<int> flows(queues);
    for (int i = 0; i < 200 * queues; ++i) {
      const auto address = [&] { return IpAddress::v4(static_cast<std::uint32_t>(dice())); };
      const auto port = static_cast<std::uint16_t>(1 + dice() % 65535);
      const IpAddress here = address(), there = address();
      const host::Flow flow{endpoint(here, 80), endpoint(there, port)};
      const std::uint8_t owner = host::owner_of(key, queues, flow);
      ASSERT_LT(owner, queues);
      ++flows[owner];
      const Frame segment = tcp_frame(1, 2, flow.remote, flow.local, with(2));
      EXPECT_EQ(host::owner_of_frame(key, queues, segment.bytes), owner);
      // What somebody says about it is for the same.
      const Frame ours = tcp_frame(2, 1, flow.local, flow.remote, with(16));
      const Frame error = icmp_error(1, 2, ip("10.0.0.7"), 4, 1000, ours);
      EXPECT_EQ(host::owner_of_frame(key, queues, error.bytes), owner);
      EXPECT_EQ(host::owner_of_packet(key, queues, Bytes(error.bytes).subspan(14)), owner);
    }
    for (const int n : flows) EXPECT_GT(n, 100);
  }
}

TEST(Queues, AnotherKeyIsAnotherPartition) {
  int differ = 0;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const host::Flow flow{at("10.0.0.2", 80), at("10.0.0.1", port)};
    differ += host::owner_of(key_of(1), 64, flow) != host::owner_of(key_of(2), 64, flow);
  }
  EXPECT_GT(differ, 80);
}

TEST(Queues, WhatIsNoSegmentIsTheFirstOnes) {
  const auto key = key_of(9);
  const auto owner = [&](Bytes frame) { return host::owner_of_frame(key, 64, frame); };
  const Byte arp[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                      1,    2,    0,    0,    0,    0,    1, 10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2};
  EXPECT_EQ(owner(arp), 0);
  int elsewhere = 0;
  for (std::uint16_t port = 1; port <= 50; ++port) {
    Frame segment = tcp_frame(1, 2, at("10.0.0.1", port), at("10.0.0.2", 80), with(2), pattern(40));
    elsewhere += owner(segment.bytes) != 0;
    // Every truncation, and every piece.
    for (std::size_t size = 0; size < 14 + 20 + 4; ++size) EXPECT_EQ(owner(Bytes(segment.bytes).first(size)), 0);
    segment.bytes[20] = 0x20;  // more fragments: the header's checksum is wrong, too, so nobody can read it
    EXPECT_EQ(owner(segment.bytes), 0);
    segment.bytes[20] = 0x40;
    segment.bytes[23] = 17;
    EXPECT_EQ(owner(segment.bytes), 0);
  }
  EXPECT_GT(elsewhere, 40);
}

TEST(Queues, Ipv6IsSharedOutToo) {
  const auto key = key_of(4);
  std::vector<int> owners(4);
  for (std::uint16_t port = 1; port <= 100; ++port) {
    std::vector<Byte> frame(14 + 40 + 8 + 20);
    Writer out(frame);
    wire::EthernetHeader{mac_of(2), mac_of(1), wire::EtherType::ipv6}.emit(out);
    // Destination options, of padding, in front of the segment.
    wire::Ipv6Header{.payload_length = 28,
                     .next_header = Protocol::destination_options,
                     .source = ip("fd00::1"),
                     .destination = ip("fd00::2")}
        .emit(out);
    out.u32(0x06000104);
    out.u32(0);
    wire::TcpHeader header = with(2);
    header.source_port = port;
    header.destination_port = 80;
    header.emit(out);
    ASSERT_FALSE(out.failed());
    const host::Flow flow{at("fd00::2", 80), at("fd00::1", port)};
    const std::uint8_t owner = host::owner_of_frame(key, 4, frame);
    EXPECT_EQ(owner, host::owner_of(key, 4, flow));
    ++owners[owner];
  }
  for (const int n : owners) EXPECT_GT(n, 5);
}

// Serving.

struct Serving : Switchboard {
  explicit Serving(std::uint8_t n, const Host::Config& config = config_of(2), Buffer* traces = nullptr)
      : Switchboard(n, config, traces) {
    for (const auto& each : queues) {
      Station* station = each.get();
      station->listen(80);
      station->serve = [station](ConnectionId id) {
        auto& stream = station->stream(id);
        if (stream.sent < stream.received.size()) {
          station->write(id, Bytes(stream.received).subspan(stream.sent));
        }
        if (stream.peer_finished && stream.sent == stream.received.size()) station->finish(id);
      };
    }
    inspect = [this](std::size_t from, const Frame& frame) {
      if (from == 0) return;
      EXPECT_TRUE(is_tcp(frame)) << "a follower speaks on the link";
    };
    run_for(seconds(3));  // duplicate address detection
  }
  // Connections, each of which sends `size` bytes and gets them back, however long it takes.
  void exchange(int n, std::size_t size, std::string_view address = "10.0.0.2") {
    const auto content = pattern(size);
    std::vector<ConnectionId> ids;
    client.serve = [&](ConnectionId id) {
      auto& stream = client.stream(id);
      if (stream.sent < size) client.write(id, Bytes(content).subspan(stream.sent));
      if (stream.sent == size && stream.received.size() == size) client.finish(id);
    };
    for (int i = 0; i < n; ++i) ids.push_back(client.connect(at(address, 80)));
    EXPECT_TRUE(run(
        [&] { return std::all_of(ids.begin(), ids.end(), [&](ConnectionId id) { return client.stream(id).closed; }); },
        seconds(600)))
        << "not all ended";
    for (const ConnectionId id : ids) {
      EXPECT_FALSE(client.stream(id).reset);
      EXPECT_EQ(Bytes(client.stream(id).received), Bytes(content));
    }
  }
};

TEST(Queues, ServeWhereverTheDeviceGivesTheFrames) {
  for (const auto n : std::initializer_list<std::uint8_t>{2, 3, 8}) {
    Serving board(n);
    board.exchange(60, 5000);
    board.exchange(60, 5000, "fd00::2");
    std::uint64_t accepted = 0;
    for (const auto& each : board.queues) {
      EXPECT_GT(each->state.counted(Count::accepted), 0u);
      accepted += each->state.counted(Count::accepted);
    }
    EXPECT_EQ(accepted, 120u);
    EXPECT_GT(board.sum(Count::passed_on), 0u);
    EXPECT_EQ(board.sum(Drop::queue_misled), 0u);
    EXPECT_EQ(board.sum(Drop::queue_malformed), 0u);
    EXPECT_EQ(board.sum(Drop::not_passed_on), 0u);
    EXPECT_EQ(board.sum(Count::resets_sent), 0u);
  }
}

TEST(Queues, NothingIsPassedOnThatCameToItsOwner) {
  Serving board(4);
  board.steer = [&](const Frame& frame) {
    return host::owner_of_frame(key_of(0), 1, frame.bytes);  // the first queue gets all that is no segment
  };
  board.run_for(seconds(1));
  const std::uint64_t before = board.sum(Count::passed_on);
  // As the device would have learned: to the queue that has the connection.
  board.steer = [&](const Frame& frame) -> std::size_t {
    if (!is_tcp(frame)) return 0;
    const std::uint16_t port = Reader(Bytes(frame.bytes).subspan(34)).u16();
    return board.place_of(port).value_or(0);
  };
  board.exchange(40, 20'000);
  const std::uint64_t passed = board.sum(Count::passed_on) - before;
  // The SYN, the ACK that opens the connection, and what came behind the end of one.
  EXPECT_LE(passed, 5u * 40);
  EXPECT_GE(passed, 20u);
}

// Loops are impossible: what was passed on is taken or dropped.
TEST(Queues, WhatWasPassedOnGoesNoFurther) {
  Serving board(3);
  board.exchange(5, 10);
  const Frame segment = tcp_frame(1, 2, at("10.0.0.1", 999), at("10.0.0.2", 80), with(2));
  std::vector<Byte> message{static_cast<Byte>(QueueMessage::frame), 0, 0, 0};
  message.insert(message.end(), segment.bytes.begin(), segment.bytes.end());
  int taken = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    Station& queue = board.queue(i);
    const auto used = queue.state.connections().used();
    std::vector<Byte> copy = message;
    queue.tell(host::FromQueue{static_cast<std::uint8_t>((i + 1) % 3), copy});
    EXPECT_TRUE(queue.messages.empty());
    taken += static_cast<int>(queue.state.connections().used() - used);
  }
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(board.sum(Drop::queue_misled), 2u);
}

TEST(Queues, WhatSaysNothingIsCounted) {
  Serving board(3);
  std::vector<std::vector<Byte>> nonsense{{},     {6}, {255}, {0}, {0, 7}, {1, 0, 0, 0, 0}, {1, 0, 0, 0, 9, 1},
                                          {4, 1}, {3}};
  std::uint64_t expected = 0;
  for (auto& message : nonsense) {
    for (const auto from : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 200}) {
      for (std::uint8_t to = 0; to < 3; ++to) {
        auto copy = message;
        board.queue(to).tell(host::FromQueue{from, copy});
        ++expected;
      }
    }
  }
  EXPECT_EQ(board.sum(Drop::queue_malformed), expected);
  board.exchange(10, 100);
}

TEST(Queues, ErrorsReachTheFlowThatTheyAreAbout) {
  Serving board(4);
  std::vector<Frame> sent;
  const auto inspect = board.inspect;
  board.inspect = [&](std::size_t from, const Frame& frame) {
    inspect(from, frame);
    if (from == 3 && frame.bytes.size() > 1000) sent.push_back(frame);
  };
  std::vector<ConnectionId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(board.client.connect(at("10.0.0.2", 80)));
  ASSERT_TRUE(board.run([&] {
    return std::all_of(ids.begin(), ids.end(), [&](ConnectionId id) { return board.client.stream(id).open; });
  }));
  // What the queues have in flight when the error comes.
  const auto content = pattern(1400);
  for (const ConnectionId id : ids) board.client.write(id, content);
  ASSERT_TRUE(board.run([&] { return !sent.empty(); }));
  const Frame error = icmp_error(1, 2, ip("10.0.0.1"), 4, 1200, sent.back());
  const std::size_t narrow = board.queue(3).state.interface().path_mtus().size();
  board.steer = [](const Frame&) { return 1; };
  board.queue(1).tell(error);
  board.run([] { return false; }, microseconds(1));
  EXPECT_EQ(board.queue(3).state.interface().path_mtus().size(), narrow + 1);
  EXPECT_EQ(board.queue(0).state.interface().path_mtus().size(), 0u);
  EXPECT_EQ(board.sum(Drop::error_unmatched), 0u);
}

TEST(Queues, WhatCameInPiecesIsItsOwners) {
  Serving board(4);
  // Until one is found that is not the first queue's.
  for (std::uint16_t port = 1000; port < 1004; ++port) {
    const Frame whole = tcp_frame(1, 2, at("10.0.0.1", port), at("10.0.0.2", 80), with(2), pattern(40));
    const Bytes transport = Bytes(whole.bytes).subspan(34);
    for (const bool first : {true, false}) {
      std::array<Byte, 64> head;
      Writer out(head);
      const Bytes part = first ? transport.first(24) : transport.subspan(24);
      wire::EthernetHeader{mac_of(2), mac_of(1), wire::EtherType::ipv4}.emit(out);
      wire::Ipv4Header{.total_length = static_cast<std::uint16_t>(20 + part.size()),
                       .identification = port,
                       .more_fragments = first,
                       .fragment_offset = static_cast<std::uint16_t>(first ? 0 : 24),
                       .protocol = Protocol::tcp,
                       .source = ip("10.0.0.1"),
                       .destination = ip("10.0.0.2")}
          .emit(out);
      Frame frame{{out.written().begin(), out.written().end()}, {}};
      frame.bytes.insert(frame.bytes.end(), part.begin(), part.end());
      board.queue(port % 4).tell(frame);
      board.run([] { return false; }, microseconds(1));
    }
  }
  std::uint32_t used = 0;
  for (const auto& each : board.queues) used += each->state.connections().used();
  EXPECT_EQ(used, 4u);
  EXPECT_LT(board.queue(0).state.connections().used(), 4u);
  EXPECT_EQ(board.sum(Drop::queue_misled), 0u);
}

// The leader finds out for all of them, once.
TEST(Queues, TheLeaderAsksForNeighbours) {
  Serving board(3);
  int asked = 0;
  const auto inspect = board.inspect;
  board.inspect = [&](std::size_t from, const Frame& frame) {
    inspect(from, frame);
    const bool request = frame.bytes[12] == 8 && frame.bytes[13] == 6 && frame.bytes[21] == 1;
    if (request && from == 0) ++asked;
  };
  // From a stranger of whom nobody has heard: the answer waits for his address.
  for (std::uint16_t port = 1; port <= 40; ++port) {
    board.queue(port % 3).tell(tcp_frame(9, 2, at("10.0.0.9", port), at("10.0.0.2", 80), with(2)));
  }
  board.run_for(milliseconds(10));
  EXPECT_EQ(asked, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto* neighbour = board.queue(i).state.interface().neighbours().find(ip("10.0.0.9"));
    ASSERT_NE(neighbour, nullptr);
    EXPECT_EQ(neighbour->state, ip::Reachability::incomplete);
  }
  std::array<int, 3> answers{};
  board.inspect = [&](std::size_t from, const Frame& frame) {
    if (is_tcp(frame) && frame.bytes[5] == 9) ++answers[from];
  };
  const Byte reply[] = {2, 0, 0, 0, 0, 2, 2, 0,  0, 0, 0, 9, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                        2, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2};
  board.queue(2).tell(Frame{{std::begin(reply), std::end(reply)}, {}});
  board.run_for(milliseconds(10));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto* neighbour = board.queue(i).state.interface().neighbours().find(ip("10.0.0.9"));
    EXPECT_EQ(neighbour->state, ip::Reachability::reachable) << i;
    EXPECT_EQ(neighbour->mac, mac_of(9)) << i;
    EXPECT_GT(answers[i], 0) << i;
  }
}

// Who moves is followed: an address that was not verified for long is told at once.
TEST(Queues, FollowersHearOfANeighboursNewAddress) {
  Serving board(3);
  board.exchange(20, 100);
  board.run_for(seconds(100));
  const Byte moved[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 7, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                        1,    2,    0,    0,    0,    0,    7, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
  board.queue(1).tell(Frame{{std::begin(moved), std::end(moved)}, {}});
  board.run_for(milliseconds(1));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(board.queue(i).state.interface().neighbours().find(ip("10.0.0.1"))->mac, mac_of(7)) << i;
  }
}

// As long as a follower hears from it, the leader believes it to be where it is: a claim does not displace it.
TEST(Queues, TheLeaderHearsWhoIsReached) {
  Serving board(2);
  std::vector<ConnectionId> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(board.client.connect(at("10.0.0.2", 80)));
  std::optional<ConnectionId> lasting;
  ASSERT_TRUE(board.run([&] {
    for (const ConnectionId id : ids) {
      if (board.client.stream(id).open && board.place_of(board.client.stream(id).local.port) == 1) lasting = id;
    }
    return lasting.has_value();
  }));
  for (const ConnectionId id : ids) {
    if (id != *lasting) board.client.abort(id);
  }
  const std::uint64_t before = board.messages;
  board.steer = [](const Frame& frame) { return is_tcp(frame) ? 1 : 0; };
  for (int i = 0; i < 300; ++i) {
    board.client.write(*lasting, pattern(10));
    board.run_for(seconds(1));
    if (i < 20) continue;
    const auto* neighbour = board.queue(0).state.interface().neighbours().find(ip("10.0.0.1"));
    ASSERT_NE(neighbour, nullptr);
    EXPECT_EQ(neighbour->state, ip::Reachability::reachable);
  }
  EXPECT_LE(board.messages - before, 40u) << "once in ten seconds or so";
}

// Whatever is lost.

TEST(Queues, AFollowerThatHeardNothingTakesNothing) {
  Switchboard board(3);
  bool deaf = true;
  int told = 0;
  board.carries = [&](std::uint8_t, const Station::Message& message) {
    told += kind_of(message) == QueueMessage::knowledge;
    return !deaf || kind_of(message) != QueueMessage::knowledge;
  };
  for (const auto& each : board.queues) each->listen(80);
  board.steer = [](const Frame&) { return 0; };
  board.run_for(milliseconds(100));
  Station& follower = board.queue(1);
  const auto dropped = [&] { return follower.state.dropped(Drop::queue_unready); };
  follower.tell(tcp_frame(1, 2, at("10.0.0.1", 1), at("10.0.0.2", 80), with(2)));
  EXPECT_EQ(dropped(), 1u);
  EXPECT_TRUE(follower.messages.empty());
  EXPECT_FALSE(follower.state.interface().is_ours(ip("10.0.0.2")));
  const int before = told;
  board.run_for(seconds(10));
  EXPECT_GE(told, before + 20) << "each is told once a second until it hears";
  deaf = false;
  board.run_for(seconds(1));
  EXPECT_TRUE(follower.state.interface().is_ours(ip("10.0.0.2")));
  EXPECT_TRUE(follower.state.interface().is_ours(ip("fd00::2")));
  const int enough = told;
  board.run_for(seconds(100));
  EXPECT_EQ(told, enough) << "whoever heard is left in peace";
  follower.tell(tcp_frame(1, 2, at("10.0.0.1", 1), at("10.0.0.2", 80), with(2)));
  EXPECT_EQ(dropped(), 1u);
}

TEST(Queues, ConnectionsComeAboutThoughMessagesAreLost) {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u, 5u}) {
    Serving board(4);
    std::mt19937 fate(seed);
    board.carries = [&](std::uint8_t, const Station::Message&) { return fate() % 4 != 0; };
    board.exchange(30, 3000, seed % 2 == 0 ? "10.0.0.2" : "fd00::2");
  }
}

TEST(Queues, TheLinkIsEverybodys) {
  Serving board(3);
  board.exchange(10, 10);
  board.run_for(seconds(1));
  for (const bool up : {false, true}) {
    for (const auto& each : board.queues) each->tell(LinkChanged{up});
    board.run_for(seconds(1));
    std::uint64_t unsent = board.sum(Drop::unsent);
    for (std::uint16_t port = 1; port <= 20; ++port) {
      const Frame syn = tcp_frame(1, 2, at("10.0.0.1", port), at("10.0.0.2", 80), with(2));
      board.queue(port % 3).tell(syn);
    }
    std::uint32_t half_open = 0;
    board.run([] { return false; }, microseconds(1));
    for (const auto& each : board.queues) half_open += each->state.connections().used();
    EXPECT_EQ(half_open > 0, up);
    EXPECT_EQ(board.sum(Drop::unsent), unsent);
  }
}

TEST(Queues, ConnectionsOfOurOwnComeBackToTheirQueue) {
  Serving board(4);
  board.client.listen(81);
  for (int i = 0; i < 12; ++i) {
    Station& queue = board.queue(static_cast<std::size_t>(i % 4));
    const auto id = queue.connect(at("10.0.0.1", 81));
    EXPECT_TRUE(board.run([&] { return queue.stream(id).open; }, seconds(5)));
  }
}

TEST(Queues, DatagramsAreTheFirstOnes) {
  Serving board(2);
  EXPECT_EQ(board.queue(1).state.bind_udp(board.queue(1).context(), 9).error(), Refusal::other_queue);
  ASSERT_TRUE(board.queue(0).state.bind_udp(board.queue(0).context(), 9));
  board.client.tell(host::BindUdp{5});
  board.steer = [](const Frame&) { return 1; };
  board.client.tell(host::SendUdp{5, at("10.0.0.2", 9), as_bytes("hello")});
  EXPECT_TRUE(board.run([&] { return board.queue(0).datagrams.size() == 1; }));
}

TEST(Queues, AreSavedAndLoadedInMidTransfer) {
  Serving board(3);
  const std::size_t size = 200'000;
  const auto content = pattern(size);
  std::vector<ConnectionId> ids;
  board.client.serve = [&](ConnectionId id) {
    auto& stream = board.client.stream(id);
    if (stream.sent < size) board.client.write(id, Bytes(content).subspan(stream.sent));
  };
  for (int i = 0; i < 12; ++i) ids.push_back(board.client.connect(at("10.0.0.2", 80)));
  for (std::size_t part = 1; part <= 5; ++part) {
    ASSERT_TRUE(board.run([&] {
      return std::all_of(ids.begin(), ids.end(),
                         [&](ConnectionId id) { return board.client.stream(id).received.size() >= part * size / 5; });
    }));
    for (const auto& each : board.queues) each->reload();
  }
  for (const ConnectionId id : ids) EXPECT_EQ(Bytes(board.client.stream(id).received), Bytes(content));
}

TEST(Queues, KeepTheLaws) {
  Budget budget(std::size_t{1} << 31);
  std::array<Buffer, 3> traces{Buffer(budget), Buffer(budget), Buffer(budget)};
  {
    Serving board(3, config_of(2), traces.data());
    std::mt19937 fate(3);
    board.carries = [&](std::uint8_t, const Station::Message&) { return fate() % 8 != 0; };
    board.exchange(9, 4000);
    board.exchange(5, 1000, "fd00::2");
    for (const auto& each : board.queues) each->tell(LinkChanged{false});
    board.run_for(seconds(70));
  }
  for (std::uint8_t number = 0; number < 3; ++number) {
    Host::Config config = config_of(2);
    config.ip.queue = {number, 3};
    sim::LawOptions options{.refusals = 20};
    options.budget = 64 << 20;
    Buffer& trace = traces[number];
    const auto outcome = sim::check_laws<Host>(config, {trace.data(), trace.size()}, options, budget);
    ASSERT_TRUE(outcome) << int{number} << ": " << sim::describe(outcome.error().law) << ": " << outcome.error().what
                         << " at event " << outcome.error().event;
  }
}

}  // namespace
}  // namespace limpid::tcpip::test
