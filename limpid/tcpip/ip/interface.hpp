// The network layer of one Ethernet link: from frames to transport payloads and back, for IPv4 and IPv6.
//
// It is a host's, never a router's. The driver, or the host machine above it, gives it Started first, then frames, Tick
// at the deadline, and sends packets by send() between steps. IPv4 addresses can be used at once and are defended
// (RFC 5227), or probed first if asked; static IPv6 addresses once nobody else has them (RFC 4862), autoconfigured ones
// while that is being found out (RFC 4429).
//
// What it does not do: forwarding, IGMP (nothing here joins an IPv4 group: RFC 1112's level 1 is all), redirects
// (ignored: a host with a router loses a hop, one with a liar nothing), jumbograms.
#pragma once

#include "limpid/crypto/generator.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/ip/config.hpp"
#include "limpid/tcpip/ip/drop.hpp"
#include "limpid/tcpip/ip/vocabulary.hpp"

namespace limpid::tcpip::ip {

class Interface {
 public:
  using Config = ip::Config;
  using Event = std::variant<Tick, Started, FrameReceived, LinkChanged, AddAddress, RemoveAddress, SetGateway, SetMtu>;
  using Action =
      std::variant<Transmit, Deliver, Unreachable, Resolved, AddressReady, AddressLost, RouterFound, DnsServersFound>;

  // An echo of 64 KiB takes as many bytes, and an action for each of its fragments; with less it is dropped (no_room).
  static constexpr LeastRoom least_room{.bytes = 2048, .actions = 4, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"ipif", 1};

  static Progress<Action> advance(const Config& config, Interface& state, Time now, const Event& event,
                                  const Room<Action>& room);
  // The same for an owner that shares the room of its own step: what is used of `out` is gone from its front.
  static Progress<Action> advance(const Config& config, Interface& state, Time now, const Event& event, Budget& budget,
                                  Outlet<Action>& out);

  // It asks nothing.
  std::optional<std::monostate> pending() const { return {}; }

  // Sends a packet: writes Ethernet, IP and transport header to the room and pushes Transmit, whose payload are the
  // packet's own pieces. What is larger than the path's MTU goes in fragments, which are copied into the room. A is
  // what the caller's actions are, one of them Transmit.
  template <class A>
  SendResult send(const Config& config, Time now, const Packet& packet, Outlet<A>& out);

  // Answers what was delivered with an ICMP error, if that is allowed (RFC 1122, section 3.2.2; RFC 4443, section 2.4)
  // and not too much.
  enum class Refusal : std::uint8_t { port_unreachable, protocol_unreachable };
  template <class A>
  void refuse(const Config& config, Time now, const Deliver& delivered, Refusal why, Outlet<A>& out);

  // The address of ours from which a packet to `destination` should come (RFC 6724); none if nothing leads there.
  std::optional<IpAddress> source_for(const IpAddress& destination) const;
  // Whether packets to this address are for us, and packets from it may be sent.
  bool is_ours(const IpAddress& address) const;
  // The largest IP packet that is known to get to `destination` whole.
  std::uint16_t path_mtu(const IpAddress& destination, Instant now) const;
  // An Unreachable with an MTU matched something that was sent. False if it changes nothing: not smaller than what is
  // known. Below 1280 (IPv6) or 552 bytes (IPv4) nothing is believed. Forgotten after ten minutes (RFC 8201).
  bool confirm_path_mtu(const Config& config, Time now, const IpAddress& destination, std::uint16_t mtu);
  // The other end made progress, so the next hop takes what is sent (RFC 4861, section 7.3.1).
  void confirm_reachable(Time now, const IpAddress& destination);

  std::uint16_t mtu() const;  // of the link
  std::optional<Instant> deadline() const;
  const DropCounts& drops() const;
};

}  // namespace limpid::tcpip::ip
