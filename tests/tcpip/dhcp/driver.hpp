// Steps a DHCP client as its host would, and plays the server.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "limpid/core/reader.hpp"
#include "limpid/tcpip/dhcp/client.hpp"

namespace limpid::tcpip::dhcp {

inline constexpr MacAddress our_mac{{2, 0, 0, 0, 0, 5}};
inline constexpr IpAddress server_address = IpAddress::v4({10, 9, 0, 1});
inline constexpr IpAddress our_address = IpAddress::v4({10, 9, 0, 77});
inline constexpr IpAddress everybody = IpAddress::v4(UINT32_MAX);

// One message sent, parsed.
struct Sent {
  Message message;
  IpAddress source, destination;
  std::vector<Byte> bytes;
};

class Driver {
 public:
  Driver() { tell(Started{{7}, our_mac}); }

  // Tells one event and sorts what it caused into sent, leased and lost.
  void tell(const Client::Event& event) {
    sent.reset();
    leased.reset();
    lost.reset();
    std::vector<Byte> room(Client::least_room.bytes);
    std::vector<Client::Action> slots(Client::least_room.actions);
    const auto progress = Client::advance(config, client, {now, {}}, event, {room, slots, budget});
    EXPECT_EQ(progress.consumed, 1u);
    EXPECT_FALSE(progress.more);
    deadline = progress.deadline;
    EXPECT_GT(deadline.value_or(now + seconds(1)), now);
    for (const Client::Action& action : progress.actions) {
      std::visit(Overloaded{[&](const Send& send) {
                              EXPECT_FALSE(sent) << "two messages in one step";
                              const auto message = Message::parse(send.message);
                              ASSERT_TRUE(message) << name(message.error());
                              sent = Sent{
                                  *message, send.source, send.destination, {send.message.begin(), send.message.end()}};
                            },
                            [&](const Leased& granted) { leased = granted.lease; },
                            [&](const Lost& gone) { lost = gone.why; }},
                 action);
    }
  }

  // Sleeps until the client wants to wake; how long that was.
  Duration wake() {
    EXPECT_TRUE(deadline);
    const Duration slept = deadline.value_or(now) - now;
    now = deadline.value_or(now);
    tell(Tick{});
    return slept;
  }
  void pass(Duration time) {
    now = now + time;
    tell(Tick{});
  }

  void receive(const Message& message) {
    std::vector<Byte> bytes(1024);
    Writer out{MutableBytes(bytes)};
    message.emit(out);
    tell(Received{out.written()});
  }

  // What the server answers to the last message by: everything that makes a good lease of an hour.
  Message reply(MessageType type) const {
    Message message;
    message.operation = Operation::reply;
    message.xid = last.xid;
    message.chaddr = our_mac;
    message.yiaddr = our_address;
    message.siaddr = server_address;
    message.type = type;
    message.server_identifier = server_address;
    message.subnet_mask = IpAddress::v4({255, 255, 255, 0});
    message.routers = {server_address};
    message.domain_name_servers = {server_address, IpAddress::v4({10, 9, 0, 3})};
    message.lease_time = 3600;
    return message;
  }
  Message nak() const {
    Message message;
    message.operation = Operation::reply;
    message.xid = last.xid;
    message.chaddr = our_mac;
    message.type = MessageType::nak;
    message.server_identifier = server_address;
    return message;
  }

  void link(bool up) {
    tell(LinkChanged{up});
    remember();
  }
  void remember() {
    if (sent) last = sent->message;
  }

  // From the link's beginning to a lease.
  void acquire() {
    link(true);
    receive(reply(MessageType::offer));
    receive(reply(MessageType::ack));
    ASSERT_TRUE(leased);
  }

  Client::Config config{};
  Budget budget{0};
  Client client;
  Instant now = Instant{} + seconds(100);
  std::optional<Instant> deadline;
  std::optional<Sent> sent;
  std::optional<Lease> leased;
  std::optional<LossReason> lost;
  Message last;  // sent
};

}  // namespace limpid::tcpip::dhcp
