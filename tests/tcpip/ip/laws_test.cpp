// The six laws over conversations, and snapshots that are not what they were.
#include "limpid/sim/laws.hpp"

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "tests/support/random.hpp"
#include "tests/tcpip/ip/frames.hpp"
#include "tests/tcpip/ip/link.hpp"

namespace limpid::tcpip::ip::test {
namespace {

using ip::Interface;

Time at_ms(std::int64_t ms) { return {Instant{ms * 1000}, UnixTime{1'700'000'000}}; }

ip::Config everything() {
  ip::Config config = config_with({"10.9.0.2/24", "fd00:9::2/64"});
  config.slaac = true;
  return config;
}

class Trace {
 public:
  explicit Trace(Budget& harness) : bytes(harness) {}
  void tell(std::int64_t ms, Interface::Event event) {
    ASSERT_TRUE(sim::append_event<Interface>(bytes, at_ms(ms), event));
  }
  void receive(std::int64_t ms, Frame frame) { tell(ms, FrameReceived{frame, {}}); }
  MutableBytes all() { return {bytes.data(), bytes.size()}; }
  Buffer bytes;
};

Frame fragment(std::uint16_t offset, bool more, std::size_t size) {
  wire::Ipv4Header header;
  header.source = address("10.9.0.1");
  header.destination = address("10.9.0.2");
  header.protocol = Protocol::icmp;
  header.identification = 5;
  header.fragment_offset = offset;
  header.more_fragments = more;
  return ipv4(header, Frame(size, 0));
}

// Of everything something.
void converse(Trace& trace) {
  trace.tell(0, ip::Started{{7}});
  trace.receive(5, from_hex(arp_request));
  trace.receive(6, from_hex(echo_request));
  trace.receive(7, from_hex(router_advertisement));
  trace.receive(8, from_hex(neighbor_solicitation));
  trace.receive(9, from_hex(echo_request6));
  for (std::int64_t ms = 250; ms < 6000; ms += 250) trace.tell(ms, Tick{});
  trace.receive(6000, from_hex(neighbor_solicitation));
  trace.receive(6001, from_hex(echo_request6));
  trace.receive(6002, from_hex(mld_query));
  trace.receive(6003, from_hex(udp));
  trace.receive(6004, from_hex(routing_header_0));
  trace.receive(6005, fragment(0, true, 800));
  trace.receive(6006, fragment(1600, true, 800));
  trace.receive(6007, ipv4("10.9.0.1", "10.9.0.2", static_cast<Protocol>(132), Frame(20)));
  trace.tell(6008, ip::AddAddress{*parse_cidr("10.9.0.7/24"), seconds(20), true});
  trace.tell(6009, ip::SetGateway{false, address("10.9.0.1")});
  trace.tell(6010, LinkChanged{false});
  trace.tell(6011, LinkChanged{true});
  trace.tell(6012, ip::SetMtu{1400});
  trace.receive(6013, ipv4("10.9.0.77", "10.9.0.2", static_cast<Protocol>(132), Frame(20)));
  for (std::int64_t ms = 7000; ms < 60'000; ms += 1000) trace.tell(ms, Tick{});
  trace.tell(60'000, ip::RemoveAddress{address("fd00:9::2")});
  trace.tell(60'001, ip::Started{{8}});
  trace.tell(3'000'000, Tick{});
}

void expect_lawful(const ip::Config& config, MutableBytes trace) {
  Budget harness(std::size_t{1} << 30);
  const auto outcome = sim::check_laws<Interface>(config, trace, {.budget = 4 << 20}, harness);
  if (!outcome) {
    ADD_FAILURE() << sim::describe(outcome.error().law) << ": " << outcome.error().what << ", event "
                  << outcome.error().event;
  }
}

TEST(IpLaws, AConversation) {
  Budget harness(64 << 20);
  Trace trace(harness);
  converse(trace);
  expect_lawful(everything(), trace.all());
  ip::Config probing = everything();
  probing.probe = true;
  probing.slaac = false;
  expect_lawful(probing, trace.all());
}

TEST(IpLaws, DamagedFrames) {
  const std::string_view frames[] = {arp_request, echo_request,     neighbor_solicitation, echo_request6,
                                     mld_query,   routing_header_0, router_advertisement,  udp};
  Random random(3);
  for (int round = 0; round < 12; ++round) {
    Budget harness(64 << 20);
    Trace trace(harness);
    trace.tell(0, ip::Started{{static_cast<Byte>(round)}});
    for (std::int64_t i = 1; i < 40; ++i) {
      Frame frame = from_hex(frames[random.below(std::size(frames))]);
      // Anywhere but where frames for others are told apart.
      for (std::size_t n = random.below(3); n > 0; --n) {
        frame[12 + random.below(frame.size() - 12)] = static_cast<Byte>(random.next());
      }
      trace.receive(i * 100, frame);
    }
    trace.tell(100'000, Tick{});
    expect_lawful(everything(), trace.all());
  }
}

// What comes back from a damaged snapshot is refused, or a state that holds: stepping it is safe and ends.
TEST(IpLaws, DamagedSnapshots) {
  Link link(everything());
  link.settle();
  for (const std::string_view hex : {arp_request, router_advertisement, neighbor_solicitation, udp}) link.receive(hex);
  link.receive(fragment(0, true, 800));
  link.receive(fragment(1600, true, 800));
  link.receive(ipv4("10.9.0.77", "10.9.0.2", static_cast<Protocol>(132), Frame(20)));
  Budget budget(8 << 20);
  const auto saved = save(link.state(), link.at, budget);
  ASSERT_TRUE(saved);
  const Frame whole(saved->begin(), saved->end());
  Random random(5);
  std::size_t loaded = 0;
  // Each bit of the header that is kept of the packet in pieces, which its two addresses end; then anything.
  const Frame addresses = from_hex("0a0900010a090002");
  const auto end_of_header = static_cast<std::size_t>(
      std::search(whole.begin(), whole.end(), addresses.begin(), addresses.end()) - whole.begin() + 8);
  constexpr std::size_t header_size = wire::Ipv4Header::least_size;
  const auto damage = [&](std::size_t round) {
    Frame damaged = whole;
    if (round < 8 * header_size) {
      damaged[end_of_header - header_size + round / 8] ^= static_cast<Byte>(1u << round % 8);
      return damaged;
    }
    for (std::size_t n = 1 + random.below(3); n > 0; --n) {
      damaged[random.below(damaged.size())] ^= static_cast<Byte>(1u << random.below(8));
    }
    if (random.below(10) == 0) damaged.resize(random.below(damaged.size()));
    return damaged;
  };
  for (std::size_t round = 0; round < 4000; ++round) {
    const Frame damaged = damage(round);
    Budget mine(4 << 20);
    auto state = load<Interface>(damaged, {link.at, mine});
    if (!state) continue;
    ++loaded;
    auto again = save(*state, link.at, budget);
    ASSERT_TRUE(again);
    EXPECT_EQ(Bytes(again->data(), again->size()), Bytes(damaged));
    std::vector<Byte> room(1 << 16);
    std::vector<Interface::Action> slots(64);
    Instant now = link.at;
    for (int steps = 0; steps < 200; ++steps) {
      Frame frame = from_hex(steps % 2 == 0 ? echo_request : neighbor_solicitation);
      // What is put together is whole then.
      if (steps == 1) frame = fragment(800, true, 800);
      if (steps == 2) frame = fragment(2400, false, 80);
      const Interface::Event event = steps % 3 == 0 ? Interface::Event{Tick{}} : FrameReceived{frame, {}};
      const auto progress = Interface::advance(link.config, *state, {now, {}}, event, {room, slots, mine});
      if (progress.deadline) {
        ASSERT_GT(*progress.deadline, now);
        if (steps % 5 == 0) now = *progress.deadline;
      }
      now = now + milliseconds(300);
    }
  }
  EXPECT_GT(loaded, 1000u);
}

}  // namespace
}  // namespace limpid::tcpip::ip::test
