// Why a packet was dropped: every drop of the network layer is counted under one of these names.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace limpid::tcpip::ip {

enum class Drop : std::uint8_t {
  not_started,              // before the machine was given entropy, or without a link
  frame_malformed,          // no whole Ethernet header, or one that comes from a group or from our own address
  frame_not_for_us,         // the Ethernet destination is neither ours nor a group
  ether_type_unknown,       // neither IPv4, IPv6 nor ARP
  arp_malformed,            // RFC 826: other hardware, protocols or operations; truncated
  arp_martian,              // its sender cannot be a host's: a group, loopback, broadcast
  arp_conflict,             // somebody else uses an address of ours
  arp_unsolicited,          // it tells about somebody of whom nobody asked
  ipv4_malformed,           // truncated, a wrong checksum, lengths that contradict each other
  ipv4_source_route,        // loose or strict source routing
  ipv6_malformed,           // truncated, lengths that contradict each other, mapped addresses
  martian_source,           // a source that no unicast packet from a wire can have
  martian_destination,      // loopback, or a group that only means a node's inside
  own_source,               // it claims to come from us
  land,                     // it claims to come from us, and goes to the address that it comes from
  not_for_us,               // the IP destination is not ours
  unicast_in_group_frame,   // RFC 1122, section 3.3.6
  group_to_unicast_only,    // broadcast or multicast for a protocol that knows unicast only
  extension_malformed,      // an IPv6 extension header, or more of them than are looked at
  extension_refused,        // an option, a routing header or a next header that has to be answered
  header_chain_incomplete,  // RFC 7112: the first fragment does not hold all headers
  fragment_malformed,       // lengths or offsets that no sender makes
  fragment_overlap,         // RFC 5722; what came before it is dropped, too
  fragment_limit,           // more pieces than one packet may have
  reassembly_evicted,       // an unfinished packet made room for a later one
  reassembly_expired,       // its pieces did not all come in time
  reassembly_ecn,           // RFC 3168, section 5.3: pieces contradict each other
  icmp_malformed,           // truncated
  icmp_checksum,            // does not sum
  icmp_ignored,             // a type that is not answered
  icmp_group_echo,          // an echo request to a group, which would amplify
  icmp_error_foreign,       // about a packet that we cannot have sent
  icmp_error_unwarranted,   // of ours: RFC 1122, section 3.2.2 and RFC 4443, section 2.4 (e) forbid it
  icmp_error_limited,       // of ours: too many were sent
  redirect_ignored,         // a host's routes are not for a link to change
  ndp_hop_limit,            // RFC 4861: not 255, so it came through a router
  ndp_malformed,            // a check of RFC 4861 failed
  ndp_fragmented,           // RFC 6980
  ndp_conflict,             // somebody else uses an address of ours
  ndp_unsolicited,          // it tells about somebody of whom nobody asked
  router_limit,             // more routers than are kept
  prefix_limit,             // more prefixes or addresses than are kept
  lifetime_ignored,         // RFC 4862, section 5.5.3 (e): shorter than an unauthenticated router may say
  neighbour_limit,          // more neighbours are being looked for than may be
  neighbour_locked,         // it would change a neighbour that answered a moment ago
  pending_limit,            // a packet that waited for its neighbour made room for a later one, or for none
  neighbour_unreachable,    // a packet whose neighbour did not answer, or not before the link went
  mld_malformed,            // a check of RFC 3810 failed
  protocol_unknown,         // nothing here speaks the protocol
  no_room,                  // an answer that did not fit the room lent
  no_memory,                // the budget refused
};
inline constexpr std::size_t drop_kinds = static_cast<std::size_t>(Drop::no_memory) + 1;
constexpr bool is_valid(Drop drop) { return drop <= Drop::no_memory; }

constexpr std::string_view name(Drop drop) {
  switch (drop) {
    case Drop::not_started:
      return "not_started";
    case Drop::frame_malformed:
      return "frame_malformed";
    case Drop::frame_not_for_us:
      return "frame_not_for_us";
    case Drop::ether_type_unknown:
      return "ether_type_unknown";
    case Drop::arp_malformed:
      return "arp_malformed";
    case Drop::arp_martian:
      return "arp_martian";
    case Drop::arp_conflict:
      return "arp_conflict";
    case Drop::arp_unsolicited:
      return "arp_unsolicited";
    case Drop::ipv4_malformed:
      return "ipv4_malformed";
    case Drop::ipv4_source_route:
      return "ipv4_source_route";
    case Drop::ipv6_malformed:
      return "ipv6_malformed";
    case Drop::martian_source:
      return "martian_source";
    case Drop::martian_destination:
      return "martian_destination";
    case Drop::own_source:
      return "own_source";
    case Drop::land:
      return "land";
    case Drop::not_for_us:
      return "not_for_us";
    case Drop::unicast_in_group_frame:
      return "unicast_in_group_frame";
    case Drop::group_to_unicast_only:
      return "group_to_unicast_only";
    case Drop::extension_malformed:
      return "extension_malformed";
    case Drop::extension_refused:
      return "extension_refused";
    case Drop::header_chain_incomplete:
      return "header_chain_incomplete";
    case Drop::fragment_malformed:
      return "fragment_malformed";
    case Drop::fragment_overlap:
      return "fragment_overlap";
    case Drop::fragment_limit:
      return "fragment_limit";
    case Drop::reassembly_evicted:
      return "reassembly_evicted";
    case Drop::reassembly_expired:
      return "reassembly_expired";
    case Drop::reassembly_ecn:
      return "reassembly_ecn";
    case Drop::icmp_malformed:
      return "icmp_malformed";
    case Drop::icmp_checksum:
      return "icmp_checksum";
    case Drop::icmp_ignored:
      return "icmp_ignored";
    case Drop::icmp_group_echo:
      return "icmp_group_echo";
    case Drop::icmp_error_foreign:
      return "icmp_error_foreign";
    case Drop::icmp_error_unwarranted:
      return "icmp_error_unwarranted";
    case Drop::icmp_error_limited:
      return "icmp_error_limited";
    case Drop::redirect_ignored:
      return "redirect_ignored";
    case Drop::ndp_hop_limit:
      return "ndp_hop_limit";
    case Drop::ndp_malformed:
      return "ndp_malformed";
    case Drop::ndp_fragmented:
      return "ndp_fragmented";
    case Drop::ndp_conflict:
      return "ndp_conflict";
    case Drop::ndp_unsolicited:
      return "ndp_unsolicited";
    case Drop::router_limit:
      return "router_limit";
    case Drop::prefix_limit:
      return "prefix_limit";
    case Drop::lifetime_ignored:
      return "lifetime_ignored";
    case Drop::neighbour_limit:
      return "neighbour_limit";
    case Drop::neighbour_locked:
      return "neighbour_locked";
    case Drop::pending_limit:
      return "pending_limit";
    case Drop::neighbour_unreachable:
      return "neighbour_unreachable";
    case Drop::mld_malformed:
      return "mld_malformed";
    case Drop::protocol_unknown:
      return "protocol_unknown";
    case Drop::no_room:
      return "no_room";
    case Drop::no_memory:
      return "no_memory";
  }
  return "";
}

class DropCounts {
 public:
  void add(Drop drop) { ++counts_[static_cast<std::size_t>(drop)]; }
  std::uint64_t operator[](Drop drop) const { return counts_[static_cast<std::size_t>(drop)]; }
  static void fields(auto& self, auto&& visit) { visit(self.counts_); }

 private:
  std::array<std::uint64_t, drop_kinds> counts_{};
};

}  // namespace limpid::tcpip::ip
