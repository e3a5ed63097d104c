// One step over one interface: what interface.hpp promises, in parts. receive_*.cpp read what came in, timers.cpp does
// what is due, interface.cpp the rest.
#pragma once

#include "limpid/tcpip/ip/interface.hpp"
#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::ip {

class InterfaceStep {
 public:
  using Action = Interface::Action;

  InterfaceStep(const Config& config, Interface& state, Time now, Budget& budget, Outlet<Action>& out)
      : config_(config), state_(state), now_(now), budget_(budget), out_(out) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
    if (!state_.delivered_.empty()) state_.delivered_.release();
  }

  Progress<Action> take(const Interface::Event& event);

 private:
  // How a packet got here.
  struct Arrival {
    ReceiveOffload offload;
    MacAddress from;           // the frame's source
    bool to_group = false;     // the frame's destination was a group
    bool looped = false;       // from ourselves
    bool reassembled = false;  // it came in fragments
  };
  struct IpHeaders {
    IpAddress source, destination;
    Protocol protocol{};
    std::uint8_t ecn = 0, hop_limit = 0;
    bool to_group = false;  // the IP destination
  };

  Instant now() const { return now_.monotonic; }
  void drop(Drop why) { state_.drops_.add(why); }
  std::uint64_t random_below(std::uint64_t bound);

  // Events.
  void on(const Tick&) {}
  void on(const Started& event);
  void on(const FrameReceived& event);
  void on(const LinkChanged& event);
  void on(const AddAddress& event);
  void on(const RemoveAddress& event);
  void on(const SetGateway& event);
  void on(const SetMtu& event);

  // receive_arp.cpp
  void receive_arp(Bytes packet, const Arrival& arrival);
  void conflict(LocalAddress& local);

  // receive_ip.cpp
  void receive_ipv4(MutableBytes packet, const Arrival& arrival);
  void receive_ipv6(MutableBytes packet, const Arrival& arrival);
  void receive_upper(const IpHeaders& ip, Bytes packet, MutableBytes payload, const Arrival& arrival,
                     std::size_t next_header_at);
  void reassemble_ipv4(const wire::Parsed<wire::Ipv4Header>& parsed, Bytes packet, const Arrival& arrival);
  void reassemble_ipv6(const wire::Ipv6Header& header, const wire::Ipv6Extensions& extensions, Bytes packet,
                       Bytes payload, const Arrival& arrival);
  void receive_looped();
  // The drop that the addresses of a packet from the wire ask for.
  std::optional<Drop> judge_addresses(const IpHeaders& ip, const Arrival& arrival) const;
  void complain(Bytes packet, const IpHeaders& ip, const Arrival& arrival, const IcmpComplaint& complaint);

  // receive_icmp.cpp
  void receive_icmpv4(const IpHeaders& ip, Bytes message);
  void receive_icmpv6(const IpHeaders& ip, Bytes message, const Arrival& arrival, bool router_alert);
  void answer_echo(const IpHeaders& ip, std::uint32_t rest, Bytes data);
  void receive_error(Bytes quoted, bool ipv4, UnreachableKind kind, std::optional<std::uint32_t> mtu);
  void receive_mld_query(const IpHeaders& ip, Bytes message, bool router_alert);

  // receive_ndp.cpp
  void receive_ndp(const IpHeaders& ip, Bytes message, const Arrival& arrival);
  void receive_solicitation(const IpHeaders& ip, Bytes message, const Arrival& arrival);
  void receive_advertisement(const IpHeaders& ip, Bytes message);
  void receive_router(const IpHeaders& ip, Bytes message);
  void autoconfigure(const wire::PrefixInformation& prefix);
  void learn(const NeighbourClaim& claim);

  // addresses, in timers.cpp
  void add_address(const Cidr& cidr, AddressOrigin origin, std::optional<Duration> lifetime, bool probe,
                   std::uint8_t attempt = 0);
  void add_autoconfigured(const IpAddress& prefix, AddressOrigin origin, std::uint8_t attempt,
                          std::optional<Instant> valid_until, std::optional<Instant> preferred_until);
  void add_link_local();
  void lose(LocalAddress& local, LostBecause why);
  void announce_all();
  void look_for_routers();

  // timers.cpp: does what is due, as far as there is room; `more_` if there is not.
  void serve();
  bool has_room() {
    more_ = more_ || out_.actions.free() == 0 || out_.room.size() < control_room;
    return !more_;
  }
  void serve_lifetimes();
  void serve_news();
  void serve_listener();
  void serve_addresses();
  void serve_address(LocalAddress& local);
  void serve_router_solicitation();
  void serve_neighbours();
  void serve_pending();
  void serve_askers();
  void serve_reassembly();

  // Messages of the link, in timers.cpp. They go where they are told to, without asking who is where.
  void transmit(const MacAddress& to, const Packet& packet, Bytes extension = {});
  void transmit_icmpv6(const MacAddress& to, const IpAddress& source, const IpAddress& destination, Bytes message,
                       std::uint8_t hop_limit = 255, Bytes extension = {});
  void transmit_arp(const MacAddress& to, const wire::ArpPacket& packet);
  void solicit(const Neighbour& neighbour);
  void advertise(const MacAddress& to, const IpAddress& destination, const LocalAddress& local, bool solicited);

  // The largest frame that a timer sends, a report of 32 groups, fits.
  static constexpr std::size_t control_room = 768;

  const Config& config_;
  Interface& state_;
  Time now_;
  Budget& budget_;
  Outlet<Action>& out_;
  bool more_ = false;
  bool delivers_ = false;  // a packet, in this step
};

}  // namespace limpid::tcpip::ip
