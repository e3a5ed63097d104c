// What an interface is told, what it answers, and what it sends.
#pragma once

#include "limpid/core/frame.hpp"
#include "limpid/core/machine.hpp"
#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::ip {

// Events, beside Tick, FrameReceived and LinkChanged.

// The first event, and again after a restore: the entropy is mixed in, and addresses are announced anew.
struct Started {
  std::array<Byte, 32> entropy{};
  static void fields(auto& self, auto&& visit) { visit(self.entropy); }
};

// An address that was learned (DHCP) or configured later. One that is there already gets the new lifetime.
struct AddAddress {
  Cidr cidr;
  std::optional<Duration> lifetime{};  // none: for ever
  bool probe = false;                  // IPv4: look for others first (RFC 5227). IPv6 always does.
  static void fields(auto& self, auto&& visit) { visit(self.cidr, self.lifetime, self.probe); }
};

struct RemoveAddress {
  IpAddress address;
  static void fields(auto& self, auto&& visit) { visit(self.address); }
};

// The default router that is configured, instead of the one before; none to have none.
struct SetGateway {
  bool ipv6 = false;
  std::optional<IpAddress> gateway{};
  static void fields(auto& self, auto&& visit) { visit(self.ipv6, self.gateway); }
};

// The link's MTU is another one. Below 576 it is 576.
struct SetMtu {
  std::uint16_t mtu = 1500;
  static void fields(auto& self, auto&& visit) { visit(self.mtu); }
};

// Actions, beside Transmit.

// A packet for a protocol above. The views point into the event's frame, or, of a packet that came in fragments, into
// the interface until its next step.
struct Deliver {
  Protocol protocol{};
  IpAddress source, destination;  // the source is a unicast address
  MutableBytes payload;           // from the transport header on
  Bytes packet;                   // the same from the IP header on, for refuse()
  std::uint8_t ecn = 0;
  std::uint8_t hop_limit = 0;
  bool checksum_good = false;  // the device judged the transport's checksum; otherwise nobody did
  std::uint16_t segment_size = 0;
  bool broadcast_or_multicast = false;  // the IP destination, or the Ethernet destination
  static void fields(auto& self, auto&& visit) {
    visit(self.protocol, self.source, self.destination, self.payload, self.packet, self.ecn, self.hop_limit,
          self.checksum_good, self.segment_size, self.broadcast_or_multicast);
  }
};

enum class UnreachableKind : std::uint8_t {
  soft,  // RFC 1122, section 4.2.3.9: may heal
  hard,  // protocol or port unreachable
  packet_too_big,
};
constexpr bool is_valid(UnreachableKind kind) { return kind <= UnreachableKind::packet_too_big; }

// Somebody says that a packet of ours did not arrive. Anybody can say so: believe it only if `quoted` matches what a
// connection has sent, and a smaller MTU only by confirm_path_mtu().
struct Unreachable {
  UnreachableKind kind = UnreachableKind::soft;
  Protocol protocol{};
  IpAddress source, destination;       // of the packet of ours
  Bytes quoted;                        // its transport header's beginning, at least 8 bytes
  std::optional<std::uint16_t> mtu{};  // with packet_too_big
  static void fields(auto& self, auto&& visit) {
    visit(self.kind, self.protocol, self.source, self.destination, self.quoted, self.mtu);
  }
};

// A neighbour that send() could not reach yet has answered.
struct Resolved {
  IpAddress next_hop;
  static void fields(auto& self, auto&& visit) { visit(self.next_hop); }
};

// An address may be used from now on.
struct AddressReady {
  IpAddress address;
  static void fields(auto& self, auto&& visit) { visit(self.address); }
};

enum class LostBecause : std::uint8_t { duplicate, expired, removed };
constexpr bool is_valid(LostBecause why) { return why <= LostBecause::removed; }

// An address may not be used any more, or never could be.
struct AddressLost {
  IpAddress address;
  LostBecause why = LostBecause::duplicate;
  static void fields(auto& self, auto&& visit) { visit(self.address, self.why); }
};

// A router has advertised itself for the first time.
struct RouterFound {
  IpAddress router;
  static void fields(auto& self, auto&& visit) { visit(self.router); }
};

// RFC 8106. The servers of one router advertisement; a lifetime of zero takes them back.
struct DnsServersFound {
  InlineList<IpAddress, 3> servers;
  Duration lifetime{};
  static void fields(auto& self, auto&& visit) { visit(self.servers, self.lifetime); }
};

// Between the interfaces of one device (Queue).

// Of a follower, for the leader's wanted(): it wants to send there, or (`verify`) has and wonders whether that arrives.
struct NeighbourWanted {
  IpAddress address;
  IpAddress asking;  // the source of the packet
  bool verify = false;
  static void fields(auto& self, auto&& visit) { visit(self.address, self.asking, self.verify); }
};

// Of the leader, for told() of one that asked.
struct NeighbourFound {
  std::uint8_t queue = 0;  // whose
  IpAddress address;
  MacAddress mac;
  bool verified = false;  // it answered not long ago
  static void fields(auto& self, auto&& visit) { visit(self.queue, self.address, self.mac, self.verified); }
};

// A packet to be sent.
struct Packet {
  IpAddress source, destination;
  Protocol protocol{};
  std::uint8_t ecn = 0;
  std::uint8_t hop_limit = 0;  // 0: the interface's
  // False: IPv4 routers may fragment it. True: larger than the path's MTU it is `too_big`.
  bool dont_fragment = false;
  Bytes header;                      // the transport's, at most `most_header` bytes; its checksum field counts as 0
  std::uint8_t checksum_offset = 0;  // of the checksum in the header
  std::span<const Bytes> payload;    // behind it, at most Transmit::most_pieces
  bool copied = false;               // the payload is copied behind the header, and need not outlive the call
  std::uint16_t segment_size = 0;    // not 0: a superframe, cut by the device (Offload::segmentation)
  Pin pin{};

  static constexpr std::size_t most_header = 60;
};

enum class SendResult : std::uint8_t {
  sent,        // one Transmit, or several with fragments; none if it goes to ourselves and comes with the next step
  queued,      // a copy waits for the neighbour's address; the pin is free
  unresolved,  // dropped: the neighbour is being looked for, Resolved will tell. Too large to be kept, or one too many.
  no_route,    // no router, no prefix
  no_source,   // the source is not ours, or not usable yet
  too_big,     // larger than the path's MTU and not to be fragmented; than 65535 bytes; a superframe nobody can cut
  no_room,     // fewer bytes or actions than it takes: nothing was sent; with more room it will be
  no_link,     // the device has no carrier, or the machine was not started
};
constexpr bool is_valid(SendResult result) { return result <= SendResult::no_link; }

// Where send() writes: what is left of the room of a step.
template <class A>
struct Outlet {
  MutableBytes room;  // frames are written to its front, by which it shrinks
  ActionList<A>& actions;
};

}  // namespace limpid::tcpip::ip
