// The network layer of one Ethernet link: from frames to transport payloads and back, for IPv4 and IPv6.
//
// It is a host's, never a router's. The driver, or the host machine above it, gives it Started first, then frames, Tick
// at the deadline, and sends packets by send() between steps. IPv4 addresses can be used at once and are defended
// (RFC 5227), or probed first if asked; static IPv6 addresses once nobody else has them (RFC 4862), autoconfigured ones
// while that is being found out (RFC 4429).
//
// A device of several queues has several interfaces (Queue). What they must tell each other their owner carries: the
// leader's knowledge when it has changed, and who wants and who found a neighbour. Any of it may be lost.
//
// What it does not do: forwarding, IGMP (nothing here joins an IPv4 group: RFC 1112's level 1 is all), redirects
// (ignored: a host with a router loses a hop, one with a liar nothing), jumbograms.
#pragma once

#include "limpid/crypto/generator.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/ip/addresses.hpp"
#include "limpid/tcpip/ip/icmp_error.hpp"
#include "limpid/tcpip/ip/icmp_limit.hpp"
#include "limpid/tcpip/ip/listener.hpp"
#include "limpid/tcpip/ip/neighbours.hpp"
#include "limpid/tcpip/ip/outgoing.hpp"
#include "limpid/tcpip/ip/path_mtu.hpp"
#include "limpid/tcpip/ip/reassembly.hpp"
#include "limpid/tcpip/ip/routers.hpp"

namespace limpid::tcpip::ip {

class Interface {
 public:
  using Config = ip::Config;
  using Event = std::variant<Tick, Started, FrameReceived, LinkChanged, AddAddress, RemoveAddress, SetGateway, SetMtu>;
  using Action = std::variant<Transmit, Deliver, Unreachable, Resolved, AddressReady, AddressLost, RouterFound,
                              DnsServersFound, NeighbourWanted, NeighbourFound>;

  // An echo of 64 KiB takes as many bytes, and an action for each of its fragments; with less it is dropped (no_room).
  static constexpr LeastRoom least_room{.bytes = PendingFrame::most_bytes, .actions = 4, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"ipif", 3};

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

  // Answers what was delivered with Port Unreachable, if that is allowed (RFC 1122, section 3.2.2; RFC 4443, section
  // 2.4) and not too much. `delivered` is of this step.
  template <class A>
  void refuse(const Config& config, Time now, const Deliver& delivered, Outlet<A>& out);

  // The address of ours from which a packet to `destination` should come (RFC 6724); none if nothing leads there.
  std::optional<IpAddress> source_for(const IpAddress& destination) const;
  // Whether packets to this address are for us, and packets from it may be sent.
  bool is_ours(const IpAddress& address) const;
  // The largest IP packet that is known to get to `destination` whole.
  std::uint16_t path_mtu(const IpAddress& destination, Instant now) const;
  // An Unreachable with an MTU matched something that was sent. False if it changes nothing: not smaller than what is
  // known. Below 1280 (IPv6) or 552 bytes (IPv4) nothing is believed. Forgotten after ten minutes (RFC 8201).
  bool confirm_path_mtu(const Config& config, Time now, const IpAddress& destination, std::uint16_t mtu);
  // The other end made progress, so the next hop takes what is sent (RFC 4861, section 7.3.1). A follower's next hop,
  // if the leader should be told of it by reached().
  std::optional<IpAddress> confirm_reachable(const Config& config, Time now, const IpAddress& destination);

  // The leader's: all that followers know but neighbours. The same bytes if nothing changed and `now` is the same.
  void write_knowledge(Writer& out, Instant now) const;
  // `queue` hears of it by NeighbourFound as soon as it is known, and of changes. A Tick does what is to be done at
  // once.
  void wanted(const Config& config, Time now, std::uint8_t queue, const NeighbourWanted& what);
  void reached(Time now, const IpAddress& neighbour);

  // A follower's. False, and nothing changes, if it is not what the leader wrote or memory is refused.
  bool adopt_knowledge(Time now, Reader& in, Budget& budget);
  // Afterwards a Tick sends what waits for it.
  void told(Time now, const NeighbourFound& found);

  // What time it is, for an owner whose every step knows it: what was seen last must not depend on which deadlines of
  // this machine were early.
  void see(Instant now) { last_seen_ = std::max(last_seen_, now); }

  std::uint16_t mtu() const { return mtu_; }  // of the link
  // The last step delivered what was put together here: a view that its next step ends.
  bool lends() const { return !delivered_.empty(); }
  std::optional<Instant> deadline() const;
  const DropCounts& drops() const { return drops_; }

  // For people and tests.
  const AddressList& addresses() const { return addresses_; }
  const NeighbourCache& neighbours() const { return neighbours_; }
  const RouterList& routers() const { return routers_; }
  const Reassembler& reassembler() const { return reassembler_; }
  const PathMtuCache& path_mtus() const { return path_mtus_; }

  static void fields(auto& self, auto&& visit) {
    visit(self.started_, self.link_up_, self.mtu_, self.last_seen_, self.generator_, self.address_secret_,
          self.addresses_, self.neighbours_, self.routers_, self.router_solicitations_, self.solicit_routers_at_,
          self.listener_, self.reassembler_, self.path_mtus_, self.icmp_limit_, self.looped_, self.looped_due_,
          self.drops_);
  }
  bool restored(const LoadContext&) const;

 private:
  friend class InterfaceStep;

  // A whole frame of ours to ourselves.
  struct Looped {
    Buffer frame;
    static void fields(auto& self, auto&& visit) { visit(self.frame); }
    bool restored(const LoadContext&) const;
  };
  static constexpr std::size_t most_looped = 16;
  // No IPv4 link has less (RFC 791: "Every internet destination must be able to receive a datagram of 576 octets").
  static constexpr std::uint16_t least_mtu = 576;

  // To which link-layer address a packet goes; otherwise why it does not go, or that it went without a frame.
  std::expected<MacAddress, SendResult> admit(const Config& config, Time now, const Packet& packet, Outgoing& outgoing,
                                              std::size_t room, std::size_t actions);
  SendResult queue(const Config& config, Time now, const Packet& packet, const Outgoing& outgoing,
                   const IpAddress& next_hop);
  SendResult loop(Time now, const Outgoing& outgoing);
  // Whether a packet may be answered with an error now, and from where; counts why not.
  std::optional<IpAddress> may_answer(Time now, Bytes packet, const IpAddress& source, const IpAddress& destination,
                                      const IcmpComplaint& complaint);
  std::uint16_t link_mtu(const IpAddress& destination) const;
  std::uint8_t hop_limit(const Config& config, const Packet& packet) const;

  bool started_ = false;
  bool link_up_ = true;
  std::uint16_t mtu_ = 0;
  Instant last_seen_{};
  crypto::Generator generator_;
  Secret<16> address_secret_;  // RFC 7217
  AddressList addresses_;
  NeighbourCache neighbours_;
  RouterList routers_;
  std::uint8_t router_solicitations_ = 0;  // still to be sent
  std::optional<Instant> solicit_routers_at_{};
  MulticastListener listener_;
  Reassembler reassembler_;
  PathMtuCache path_mtus_;
  IcmpLimit icmp_limit_;
  Vec<Looped> looped_;
  std::optional<Instant> looped_due_{};
  DropCounts drops_;
  Buffer delivered_;  // what the last step's Deliver points into, if that was put together here
};

template <class A>
SendResult Interface::send(const Config& config, Time now, const Packet& packet, Outlet<A>& out) {
  Outgoing outgoing(config, packet, path_mtu(packet.destination, now.monotonic), hop_limit(config, packet));
  const auto to = admit(config, now, packet, outgoing, out.room.size(), out.actions.free());
  if (!to) return to.error();
  for (std::size_t i = 0; i < outgoing.frames(); ++i) out.actions.push(outgoing.write(i, *to, out.room));
  return SendResult::sent;
}

template <class A>
void Interface::refuse(const Config& config, Time now, const Deliver& delivered, Outlet<A>& out) {
  const bool ipv4 = delivered.source.is_ipv4();
  if (delivered.broadcast_or_multicast) return drops_.add(Drop::icmp_error_unwarranted);
  const auto complaint = IcmpComplaint::port_unreachable(ipv4);
  const auto from = may_answer(now, delivered.packet, delivered.source, delivered.destination, complaint);
  if (!from) return;
  const IcmpError error(complaint, *from, delivered.source, delivered.packet);
  if (send(config, now, error.packet(), out) == SendResult::no_room) drops_.add(Drop::no_room);
}

}  // namespace limpid::tcpip::ip
