// The six laws, for the DHCP client.
#include "limpid/sim/laws.hpp"

#include "tests/support/random.hpp"
#include "tests/tcpip/dhcp/driver.hpp"

namespace limpid::tcpip::dhcp {
namespace {

class Trace {
 public:
  void add(const Client::Event& event) { ASSERT_TRUE(recorder.tell({now, {}}, event)); }
  void pass(Duration time) {
    now = now + time;
    add(Tick{});
  }
  // Answers the message sent last, as Driver does.
  void answer(MessageType type, std::uint32_t lease_time = 3600, IpAddress address = our_address) {
    Buffer all(harness);
    ASSERT_TRUE(recorder.log().collect(0, all));
    const auto length = static_cast<std::size_t>(all.size());
    ASSERT_GE(length, 336u);
    // The last entry: the length of the message, the message, two addresses.
    const auto last = Message::parse(Bytes(all.data(), all.size()).last(332).first(300));
    ASSERT_TRUE(last);
    Driver server;
    server.last = *last;
    Message message = type == MessageType::nak ? server.nak() : server.reply(type);
    if (type != MessageType::nak) message.lease_time = lease_time;
    if (type != MessageType::nak) message.yiaddr = address;
    std::vector<Byte> bytes(1000);
    Writer out{MutableBytes(bytes)};
    message.emit(out);
    add(Received{out.written()});
  }
  void check() {
    const auto live = recorder.finish();
    ASSERT_TRUE(live) << live.error().what;
    const auto outcome = sim::check_laws<Client>(config, recorder.trace(), {.less_room = true}, harness);
    ASSERT_TRUE(outcome) << describe(outcome.error().law) << ": " << outcome.error().what << " at "
                         << outcome.error().event;
  }

  Client::Config config{};
  Budget budget{1 << 10}, harness{1 << 28};
  sim::Recorder<Client> recorder{config, budget, harness};
  Instant now = Instant{} + seconds(50);
};

TEST(DhcpLaws, KeptThroughALife) {
  Trace trace;
  trace.add(LinkChanged{true});
  trace.add(Started{{3}, our_mac});
  trace.add(LinkChanged{true});
  trace.pass(seconds(6));
  trace.answer(MessageType::offer);
  trace.pass(seconds(6));
  trace.answer(MessageType::ack);
  trace.pass(seconds(1800));
  trace.answer(MessageType::ack);
  trace.pass(seconds(3200));
  trace.answer(MessageType::ack, 60);
  trace.pass(seconds(20));
  trace.add(LinkChanged{false});
  trace.pass(seconds(5));
  trace.add(Started{{4}, our_mac});
  trace.add(LinkChanged{true});
  trace.answer(MessageType::nak);
  trace.answer(MessageType::offer);
  trace.answer(MessageType::ack, UINT32_MAX);
  trace.add(AddressConflict{});
  trace.add(HardwareAddress{our_mac});
  trace.pass(seconds(10));
  trace.answer(MessageType::offer);
  trace.answer(MessageType::ack, 100);
  trace.add(LinkChanged{false});
  trace.add(HardwareAddress{{{2, 0, 0, 0, 0, 6}}});
  trace.add(LinkChanged{true});
  trace.pass(seconds(100));
  trace.check();
}

TEST(DhcpLaws, KeptUnderAnything) {
  constexpr MacAddress other_mac{{2, 0, 0, 0, 0, 6}};
  test::Random random(11);
  for (int round = 0; round < 20; ++round) {
    Trace trace;
    trace.add(Started{{static_cast<Byte>(round)}, our_mac});
    trace.add(LinkChanged{true});
    for (int i = 0; i < 60; ++i) {
      switch (random.below(9)) {
        case 0:
          trace.add(LinkChanged{random.below(3) != 0});
          break;
        case 1:
          if (random.below(4) == 0) trace.add(AddressConflict{});
          break;
        case 2:
          trace.answer(MessageType::nak);
          break;
        case 3:
        case 4:
          trace.answer(MessageType::offer, static_cast<std::uint32_t>(random.below(500)));
          break;
        case 5:
        case 6:
          trace.answer(MessageType::ack, static_cast<std::uint32_t>(random.below(500)));
          break;
        case 7:
          if (random.below(4) == 0) trace.add(HardwareAddress{random.below(4) == 0 ? other_mac : our_mac});
          break;
        default:
          trace.pass(milliseconds(static_cast<std::int64_t>(random.below(100'000))));
      }
    }
    trace.check();
  }
}

// A snapshot in which any byte was altered is refused, or loads to a state that is still total.
TEST(DhcpLaws, DamagedSnapshotsAreHarmless) {
  Driver driver;
  driver.acquire();
  driver.wake();
  Budget budget(1 << 16);
  const auto saved = save(driver.client, driver.now, budget);
  ASSERT_TRUE(saved);
  test::Random random(5);
  for (std::size_t at = 0; at < saved->size(); ++at) {
    std::vector<Byte> damaged(saved->begin(), saved->end());
    damaged[at] ^= static_cast<Byte>(1 + random.below(255));
    auto loaded = load<Client>(damaged, {driver.now, budget});
    if (!loaded) continue;
    Driver other;
    other.now = driver.now;
    other.client = std::move(*loaded);
    other.remember();
    for (int i = 0; i < 5; ++i) {
      other.pass(seconds(1000));
      other.receive(driver.reply(MessageType::ack));
      other.tell(LinkChanged{i % 2 == 0});
      other.tell(AddressConflict{});
    }
  }
}

}  // namespace
}  // namespace limpid::tcpip::dhcp
