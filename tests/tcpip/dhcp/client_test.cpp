#include "limpid/tcpip/dhcp/client.hpp"

#include "tests/support/hex.hpp"
#include "tests/tcpip/dhcp/driver.hpp"

namespace limpid::tcpip::dhcp {
namespace {

const ClientIdentifier our_identifier{255, 0, 0, 0, 1, 0, 3, 0, 1, 2, 0, 0, 0, 0, 5};

class DhcpClient : public testing::Test, protected Driver {
 protected:
  // The offer is dropped for this reason, and a good one is still taken.
  void expect_offer_dropped(const Message& offer, Drop why) {
    const std::uint32_t before = client.dropped(why);
    receive(offer);
    EXPECT_FALSE(sent);
    EXPECT_EQ(client.dropped(why), before + 1) << name(why);
  }
};

TEST_F(DhcpClient, AcquiresALease) {
  link(true);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->source, any_ipv4);
  EXPECT_EQ(sent->destination, everybody);
  EXPECT_EQ(sent->message.type, MessageType::discover);
  EXPECT_TRUE(sent->message.broadcast);
  EXPECT_EQ(sent->message.chaddr, our_mac);
  EXPECT_EQ(sent->message.client_identifier, our_identifier);
  EXPECT_FALSE(sent->message.requested_address);
  const std::uint32_t xid = sent->message.xid;

  pass(milliseconds(1500));
  EXPECT_FALSE(sent);
  receive(reply(MessageType::offer));
  ASSERT_TRUE(sent);
  Message request;
  request.xid = xid;
  request.secs = 0;  // as in the DHCPDISCOVER
  request.broadcast = true;
  request.chaddr = our_mac;
  request.type = MessageType::request;
  request.requested_address = our_address;
  request.server_identifier = server_address;
  request.client_identifier = our_identifier;
  request.maximum_message_size = 1400;
  request.parameter_request_list = {OptionCode::subnet_mask,   OptionCode::router,       OptionCode::domain_name_server,
                                    OptionCode::interface_mtu, OptionCode::renewal_time, OptionCode::rebinding_time};
  EXPECT_EQ(sent->message, request);
  EXPECT_FALSE(client.lease());

  receive(reply(MessageType::ack));
  EXPECT_FALSE(sent);
  ASSERT_TRUE(leased);
  Lease lease;
  lease.address = {our_address, 24};
  lease.gateway = server_address;
  lease.dns_servers = {server_address, IpAddress::v4({10, 9, 0, 3})};
  lease.server = server_address;
  lease.times = Lease::Times{now + seconds(1800), now + seconds(3150), now + seconds(3600)};
  EXPECT_EQ(*leased, lease);
  EXPECT_EQ(client.lease(), leased);
  EXPECT_EQ(deadline, now + seconds(1800));
}

// The bytes on the wire, as dnsmasq 2.90 understood them.
TEST_F(DhcpClient, DiscoverToTheByte) {
  link(true);
  std::vector<Byte> expected = test::from_hex("01010600" + test::to_hex(Bytes(sent->bytes).subspan(4, 4)) +
                                              "00008000 00000000 00000000 00000000 00000000 020000000005");
  expected.resize(236);
  for (const Byte byte : test::from_hex("63825363 350101 37060103061a3a3b 39020578"
                                        "3d0fff00000001000300010200000000 05 ff")) {
    expected.push_back(byte);
  }
  expected.resize(300);
  EXPECT_EQ(test::to_hex(sent->bytes), test::to_hex(expected));
}

TEST_F(DhcpClient, RepeatsDiscoverWithBackOffAndJitter) {
  link(true);
  std::int64_t expected = 4'000'000, whole = 0;
  bool jittered = false;
  for (int i = 0; i < 8; ++i) {
    const std::int64_t slept = wake().microseconds;
    whole += slept;
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->message.type, MessageType::discover);
    EXPECT_EQ(sent->message.xid, last.xid);
    EXPECT_EQ(sent->message.secs, whole / 1'000'000);
    EXPECT_LE(std::abs(slept - expected), 1'000'000);
    jittered = jittered || slept != expected;
    expected = std::min<std::int64_t>(expected * 2, 64'000'000);
  }
  EXPECT_TRUE(jittered);
  receive(reply(MessageType::offer));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.type, MessageType::request);
}

TEST_F(DhcpClient, RepeatsRequestThenBeginsAnew) {
  link(true);
  receive(reply(MessageType::offer));
  for (int i = 0; i < 4; ++i) {
    wake();
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->message.type, MessageType::request);
    EXPECT_EQ(sent->message.xid, last.xid);
  }
  wake();
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.type, MessageType::discover);
  EXPECT_NE(sent->message.xid, last.xid);
  // What the first server says now is too late.
  receive(reply(MessageType::ack));
  EXPECT_EQ(client.dropped(Drop::wrong_transaction), 1u);
}

TEST_F(DhcpClient, ANakBeginsAnewAndARepeatedOneMakesItWait) {
  link(true);
  for (int round = 0; round < 5; ++round) {
    receive(reply(MessageType::offer));
    ASSERT_TRUE(sent);
    receive(nak());
    EXPECT_FALSE(lost);
    if (round == 0) {
      ASSERT_TRUE(sent) << "the first one is answered at once";
    } else {
      EXPECT_FALSE(sent);
      const Duration slept = wake();
      const std::int64_t expected = std::int64_t{4'000'000} << (round - 1);
      EXPECT_LE(std::abs(slept.microseconds - expected), 1'000'000);
      ASSERT_TRUE(sent);
    }
    EXPECT_EQ(sent->message.type, MessageType::discover);
    remember();
  }
}

TEST_F(DhcpClient, RenewsByUnicastRebindsByBroadcastAndExpires) {
  acquire();
  const Lease::Times times = *client.lease()->times;
  wake();
  EXPECT_EQ(now, times.renew);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->source, our_address);
  EXPECT_EQ(sent->destination, server_address);
  Message request = sent->message;
  EXPECT_EQ(request.type, MessageType::request);
  EXPECT_EQ(request.ciaddr, our_address);
  EXPECT_FALSE(request.broadcast);
  EXPECT_FALSE(request.requested_address);
  EXPECT_FALSE(request.server_identifier);

  // Half of what is left until T2: 675 s, 337.5 s, ..., at least 60 s.
  std::vector<std::int64_t> waits;
  while (true) {
    const Duration slept = wake();
    if (sent->destination == everybody) break;
    EXPECT_EQ(sent->message.xid, request.xid);
    waits.push_back(slept.microseconds / 1'000'000);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{675, 337, 168, 84, 60}));
  EXPECT_EQ(now, times.rebind);
  EXPECT_EQ(sent->source, our_address);
  EXPECT_EQ(sent->message.ciaddr, our_address);
  EXPECT_NE(sent->message.xid, request.xid);
  EXPECT_FALSE(lost);

  waits.clear();
  while (!lost) waits.push_back(wake().microseconds / 1'000'000);
  EXPECT_EQ(waits, (std::vector<std::int64_t>{225, 112, 60, 52}));
  EXPECT_EQ(now, times.expire);
  EXPECT_EQ(*lost, LossReason::expired);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.type, MessageType::discover);
  EXPECT_EQ(sent->message.requested_address, our_address) << "it asks for what it had";
  EXPECT_FALSE(client.lease());
}

TEST_F(DhcpClient, RenewalMayChangeWhatComesWithTheAddress) {
  acquire();
  wake();
  remember();
  Message ack = reply(MessageType::ack);
  ack.domain_name_servers = {IpAddress::v4({9, 9, 9, 9})};
  ack.lease_time = 7200;
  receive(ack);
  ASSERT_TRUE(leased);
  EXPECT_EQ(leased->dns_servers, (InlineList<IpAddress, 4>{IpAddress::v4({9, 9, 9, 9})}));
  EXPECT_EQ(deadline, now + seconds(3600));
}

TEST_F(DhcpClient, RenewalMayNotChangeTheAddressNorTheServer) {
  acquire();
  wake();
  remember();
  Message ack = reply(MessageType::ack);
  ack.yiaddr = IpAddress::v4({10, 9, 0, 78});
  receive(ack);
  EXPECT_FALSE(leased);
  EXPECT_EQ(client.dropped(Drop::bad_address), 1u);
  ack = reply(MessageType::ack);
  ack.server_identifier = IpAddress::v4({10, 9, 0, 2});
  receive(ack);
  EXPECT_EQ(client.dropped(Drop::wrong_server), 1u);
  Message refusal = nak();
  refusal.server_identifier = IpAddress::v4({10, 9, 0, 2});
  receive(refusal);
  EXPECT_FALSE(lost);
  EXPECT_EQ(client.dropped(Drop::wrong_server), 2u);
  receive(reply(MessageType::ack));
  EXPECT_TRUE(leased);
}

TEST_F(DhcpClient, AnotherServerMayRebind) {
  acquire();
  pass(seconds(3150));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, everybody);
  remember();
  Message ack = reply(MessageType::ack);
  ack.server_identifier = IpAddress::v4({10, 9, 0, 2});
  receive(ack);
  ASSERT_TRUE(leased);
  EXPECT_EQ(leased->server, IpAddress::v4({10, 9, 0, 2}));
}

TEST_F(DhcpClient, ANakEndsALease) {
  acquire();
  wake();
  remember();
  receive(nak());
  EXPECT_EQ(lost, LossReason::refused);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.type, MessageType::discover);
  EXPECT_FALSE(sent->message.requested_address) << "it was refused";
}

TEST_F(DhcpClient, DeclinesAnAddressThatIsTaken) {
  acquire();
  tell(AddressConflict{});
  EXPECT_EQ(lost, LossReason::conflict);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->source, any_ipv4);
  EXPECT_EQ(sent->destination, everybody);
  Message decline;
  decline.xid = sent->message.xid;
  decline.chaddr = our_mac;
  decline.type = MessageType::decline;
  decline.requested_address = our_address;
  decline.server_identifier = server_address;
  decline.client_identifier = our_identifier;
  EXPECT_EQ(sent->message, decline);
  EXPECT_EQ(wake(), seconds(10));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.type, MessageType::discover);
  EXPECT_FALSE(sent->message.requested_address);
  // Without a lease there is nothing to decline.
  tell(AddressConflict{});
  EXPECT_FALSE(sent);
}

TEST_F(DhcpClient, VerifiesItsLeaseWhenTheLinkIsBack) {
  acquire();
  link(false);
  EXPECT_FALSE(sent);
  EXPECT_FALSE(lost);
  pass(seconds(5));
  EXPECT_FALSE(sent);
  link(true);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, everybody);
  EXPECT_EQ(sent->message.type, MessageType::request);
  EXPECT_EQ(sent->message.requested_address, our_address);
  EXPECT_EQ(sent->message.ciaddr, any_ipv4);
  EXPECT_FALSE(sent->message.server_identifier);
  receive(nak());
  EXPECT_EQ(lost, LossReason::refused) << "another network";
}

TEST_F(DhcpClient, KeepsItsLeaseIfNobodyVerifiesIt) {
  acquire();
  const Lease::Times times = *client.lease()->times;
  link(false);
  link(true);
  for (int i = 0; i < 4; ++i) {
    wake();
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->message.requested_address, our_address);
  }
  wake();
  EXPECT_FALSE(sent);
  EXPECT_EQ(deadline, times.renew);
}

TEST_F(DhcpClient, ALeaseExpiresWithoutALink) {
  acquire();
  link(false);
  EXPECT_EQ(wake(), seconds(3600));
  EXPECT_EQ(lost, LossReason::expired);
  EXPECT_FALSE(sent);
  EXPECT_FALSE(deadline);
  link(true);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.type, MessageType::discover);
}

constexpr MacAddress other_mac{{2, 0, 0, 0, 0, 6}};
const ClientIdentifier other_identifier{255, 0, 0, 0, 1, 0, 3, 0, 1, 2, 0, 0, 0, 0, 6};

// What asks for its first lease, under the other address.
void expect_begins_as_another(const Message& message) {
  Message discover;
  discover.xid = message.xid;
  discover.broadcast = true;
  discover.chaddr = other_mac;
  discover.type = MessageType::discover;
  discover.client_identifier = other_identifier;
  discover.maximum_message_size = 1400;
  discover.parameter_request_list = {OptionCode::subnet_mask,        OptionCode::router,
                                     OptionCode::domain_name_server, OptionCode::interface_mtu,
                                     OptionCode::renewal_time,       OptionCode::rebinding_time};
  EXPECT_EQ(message, discover);
}

TEST_F(DhcpClient, UnderAnotherHardwareAddressItIsAnotherClient) {
  acquire();
  link(false);
  tell(HardwareAddress{our_mac});
  EXPECT_FALSE(lost);
  tell(HardwareAddress{other_mac});
  EXPECT_EQ(lost, LossReason::hardware_address);
  EXPECT_FALSE(client.lease());
  EXPECT_FALSE(sent);
  EXPECT_FALSE(deadline);
  link(true);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->source, any_ipv4);
  EXPECT_EQ(sent->destination, everybody);
  expect_begins_as_another(sent->message);

  // What is for the old one is not for this one.
  expect_offer_dropped(reply(MessageType::offer), Drop::wrong_hardware_address);
  Message offer = reply(MessageType::offer), ack = reply(MessageType::ack);
  offer.chaddr = ack.chaddr = other_mac;
  offer.client_identifier = our_identifier;
  expect_offer_dropped(offer, Drop::wrong_identifier);
  offer.client_identifier = other_identifier;
  receive(offer);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->message.chaddr, other_mac);
  EXPECT_EQ(sent->message.client_identifier, other_identifier);
  receive(ack);
  EXPECT_TRUE(leased);
  EXPECT_EQ(deadline, now + seconds(1800));
}

// Nor does it ask for what the old one had.
TEST_F(DhcpClient, AnExpiredLeaseIsForgottenWithItsHardwareAddress) {
  acquire();
  link(false);
  wake();
  EXPECT_EQ(lost, LossReason::expired);
  tell(HardwareAddress{other_mac});
  EXPECT_FALSE(lost);
  link(true);
  ASSERT_TRUE(sent);
  expect_begins_as_another(sent->message);
}

TEST_F(DhcpClient, BeginsAtOnceIfTheHardwareAddressChangesWhileTheLinkIsUp) {
  link(true);
  tell(HardwareAddress{other_mac});
  EXPECT_FALSE(lost);
  ASSERT_TRUE(sent);
  expect_begins_as_another(sent->message);
  tell(HardwareAddress{our_mac});
  remember();
  receive(reply(MessageType::offer));
  receive(reply(MessageType::ack));
  ASSERT_TRUE(leased);
  tell(HardwareAddress{other_mac});
  EXPECT_EQ(lost, LossReason::hardware_address);
  ASSERT_TRUE(sent);
  expect_begins_as_another(sent->message);
  link(true);  // it was up
  EXPECT_FALSE(sent);
}

TEST_F(DhcpClient, ALinkThatGoesWhileRequestingBeginsAnew) {
  link(true);
  receive(reply(MessageType::offer));
  link(false);
  EXPECT_FALSE(deadline);
  receive(reply(MessageType::ack));
  EXPECT_EQ(client.dropped(Drop::unexpected), 1u);
  link(true);
  EXPECT_EQ(sent->message.type, MessageType::discover);
  link(true);  // it was up
  EXPECT_FALSE(sent);
}

TEST_F(DhcpClient, LateWakeUpsGoStraightToWhatIsDue) {
  acquire();
  pass(seconds(3400));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, everybody) << "T1 and T2 have passed";
  pass(seconds(10000));
  EXPECT_EQ(lost, LossReason::expired);
  EXPECT_EQ(sent->message.type, MessageType::discover);
}

TEST_F(DhcpClient, ALeaseForEverHasNoDeadline) {
  link(true);
  Message offer = reply(MessageType::offer), ack = reply(MessageType::ack);
  offer.lease_time = ack.lease_time = UINT32_MAX;
  receive(offer);
  receive(ack);
  ASSERT_TRUE(leased);
  EXPECT_FALSE(leased->times);
  EXPECT_FALSE(deadline);
}

TEST_F(DhcpClient, TimesThatMakeNoSenseAreReplaced) {
  for (const auto& [renewal, rebinding] : {std::pair{0u, 3000u},
                                           {3000u, 3000u},
                                           {3000u, 2000u},
                                           {1000u, 3600u},
                                           {UINT32_MAX, UINT32_MAX},
                                           {100u, 99999u}}) {
    Driver driver;
    driver.link(true);
    driver.receive(driver.reply(MessageType::offer));
    Message ack = driver.reply(MessageType::ack);
    ack.renewal_time = renewal;
    ack.rebinding_time = rebinding;
    driver.receive(ack);
    ASSERT_TRUE(driver.leased);
    EXPECT_EQ(driver.leased->times->renew, driver.now + seconds(1800));
    EXPECT_EQ(driver.leased->times->rebind, driver.now + seconds(3150));
  }
}

TEST_F(DhcpClient, RepliesThatAreNotForItAreDropped) {
  link(true);
  Message offer = reply(MessageType::offer);
  offer.operation = Operation::request;
  expect_offer_dropped(offer, Drop::not_a_reply);
  offer = reply(MessageType::offer);
  offer.xid ^= 1;
  expect_offer_dropped(offer, Drop::wrong_transaction);
  offer = reply(MessageType::offer);
  offer.chaddr.octets[5] ^= 1;
  expect_offer_dropped(offer, Drop::wrong_hardware_address);
  offer = reply(MessageType::offer);
  offer.client_identifier = {255, 0, 0, 0, 2};
  expect_offer_dropped(offer, Drop::wrong_identifier);
  for (const MessageType type : {MessageType::ack, MessageType::nak, MessageType::discover, MessageType::inform}) {
    expect_offer_dropped(reply(type), Drop::unexpected);
  }
  tell(Received{as_bytes("short")});
  EXPECT_EQ(client.dropped(Drop::malformed), 1u);

  offer = reply(MessageType::offer);
  offer.client_identifier = our_identifier;
  receive(offer);
  EXPECT_TRUE(sent);
  expect_offer_dropped(offer, Drop::unexpected);
}

TEST_F(DhcpClient, HostileOffersAreDropped) {
  link(true);
  for (const std::uint32_t address :
       {0x00000000u, 0x00000001u, 0x7f000001u, 0xe0000001u, 0xf0000001u, 0xffffffffu, 0x0a090000u, 0x0a0900ffu}) {
    Message offer = reply(MessageType::offer);
    offer.yiaddr = IpAddress::v4(address);
    expect_offer_dropped(offer, Drop::bad_address);
  }
  for (const std::uint32_t mask : {0u, 0x80000000u, 0xfe000000u, 0xff00ff00u, 0x000000ffu, 0xffffff01u}) {
    Message offer = reply(MessageType::offer);
    offer.subnet_mask = IpAddress::v4(mask);
    expect_offer_dropped(offer, Drop::bad_subnet_mask);
  }
  for (const std::uint32_t server : {0u, 0x7f000001u, 0xe0000001u, 0xffffffffu}) {
    Message offer = reply(MessageType::offer);
    offer.server_identifier = IpAddress::v4(server);
    expect_offer_dropped(offer, Drop::no_server);
  }
  Message offer = reply(MessageType::offer);
  offer.server_identifier.reset();
  expect_offer_dropped(offer, Drop::no_server);
  for (const std::uint32_t lease : {0u, 9u}) {
    offer = reply(MessageType::offer);
    offer.lease_time = lease;
    expect_offer_dropped(offer, Drop::bad_lease_time);
  }
  offer.lease_time.reset();
  expect_offer_dropped(offer, Drop::bad_lease_time);
  receive(reply(MessageType::offer));
  EXPECT_TRUE(sent);
}

TEST_F(DhcpClient, TheAcknowledgementMustBeWhatWasOffered) {
  link(true);
  receive(reply(MessageType::offer));
  Message ack = reply(MessageType::ack);
  ack.server_identifier = IpAddress::v4({10, 9, 0, 2});
  receive(ack);
  EXPECT_EQ(client.dropped(Drop::wrong_server), 1u);
  ack = reply(MessageType::ack);
  ack.yiaddr = IpAddress::v4({10, 9, 0, 78});
  receive(ack);
  EXPECT_EQ(client.dropped(Drop::bad_address), 1u);
  Message refusal = nak();
  refusal.server_identifier.reset();
  receive(refusal);
  EXPECT_EQ(client.dropped(Drop::no_server), 1u);
  receive(reply(MessageType::ack));
  EXPECT_TRUE(leased);
}

TEST_F(DhcpClient, TakesOfTheRestWhatMakesSense) {
  link(true);
  receive(reply(MessageType::offer));
  Message ack = reply(MessageType::ack);
  ack.routers = {any_ipv4, IpAddress::v4({192, 168, 1, 1}), our_address, IpAddress::v4({10, 9, 0, 2})};
  ack.domain_name_servers = {IpAddress::v4({127, 0, 0, 1}), IpAddress::v4({9, 9, 9, 9}), everybody};
  ack.interface_mtu = 68;
  receive(ack);
  ASSERT_TRUE(leased);
  EXPECT_EQ(leased->gateway, IpAddress::v4({10, 9, 0, 2}));
  EXPECT_EQ(leased->dns_servers, (InlineList<IpAddress, 4>{IpAddress::v4({9, 9, 9, 9})}));
  EXPECT_EQ(leased->mtu, 0);
}

TEST_F(DhcpClient, WithoutAMaskTheClassOfTheAddressCounts) {
  link(true);
  Message offer = reply(MessageType::offer), ack = reply(MessageType::ack);
  offer.subnet_mask.reset();
  ack.subnet_mask.reset();
  receive(offer);
  receive(ack);
  ASSERT_TRUE(leased);
  EXPECT_EQ(leased->address, (Cidr{our_address, 8}));
}

TEST(DhcpClientBeforeStart, WantsEntropy) {
  Client client;
  Budget budget(0);
  std::vector<Byte> room(Client::least_room.bytes);
  std::vector<Client::Action> slots(Client::least_room.actions);
  auto progress = Client::advance({}, client, {}, LinkChanged{true}, {room, slots, budget});
  EXPECT_EQ(progress.consumed, 0u);
  EXPECT_EQ(progress.wants, Wants::entropy);
  progress = Client::advance({}, client, {}, Started{{7}, our_mac}, {room, slots, budget});
  EXPECT_EQ(progress.consumed, 1u);
  progress = Client::advance({}, client, {}, LinkChanged{true}, {MutableBytes(room).first(100), slots, budget});
  EXPECT_EQ(progress.consumed, 0u);
  EXPECT_EQ(progress.wants, Wants::room);
}

}  // namespace
}  // namespace limpid::tcpip::dhcp
