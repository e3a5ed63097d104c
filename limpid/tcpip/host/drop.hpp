// Why a host dropped what its network layer delivered, or did less than it was asked for: each is counted under one of
// these names. What ip, tcp, dhcp and dns drop themselves has names there.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace limpid::tcpip::host {

enum class Drop : std::uint8_t {
  tcp_checksum,         // does not sum
  tcp_malformed,        // truncated, port 0, SYN with FIN
  stray_reset,          // a RST for no connection
  stray_segment,        // for no connection and no listener; answered with a RST
  stray_limited,        // the same, but the source was answered often enough
  time_wait_segment,    // an old duplicate for a connection that is over
  not_a_cookie,         // an ACK for a listener that answers SYNs with cookies, and none of those
  cookie_unaffordable,  // a right cookie, and no memory for its connection
  udp_checksum,         // does not sum, or has none over IPv6
  udp_malformed,        // truncated
  udp_no_socket,        // nobody listens; answered with port unreachable, unless it went to a group
  error_unmatched,      // an ICMP error about no connection of ours, or nothing that it has in flight
  stale_id,             // a command for a connection that is gone
  unsent,               // a packet that the network layer did not take: no route, no link, neighbour not known
  time_wait_evicted,    // a record that made room for a later one or for memory
  shed,                 // a connection that was given up for memory: it made no progress for longest
  queue_unready,        // this queue has yet to hear from the first one what it must know
  queue_misled,         // what another queue passed on, and is not this one's
  queue_malformed,      // a message from another queue that is none
  not_passed_on,        // another queue's, and no room to say so
};
inline constexpr std::size_t drop_kinds = static_cast<std::size_t>(Drop::not_passed_on) + 1;

constexpr std::string_view name(Drop drop) {
  switch (drop) {
    case Drop::tcp_checksum:
      return "tcp_checksum";
    case Drop::tcp_malformed:
      return "tcp_malformed";
    case Drop::stray_reset:
      return "stray_reset";
    case Drop::stray_segment:
      return "stray_segment";
    case Drop::stray_limited:
      return "stray_limited";
    case Drop::time_wait_segment:
      return "time_wait_segment";
    case Drop::not_a_cookie:
      return "not_a_cookie";
    case Drop::cookie_unaffordable:
      return "cookie_unaffordable";
    case Drop::udp_checksum:
      return "udp_checksum";
    case Drop::udp_malformed:
      return "udp_malformed";
    case Drop::udp_no_socket:
      return "udp_no_socket";
    case Drop::error_unmatched:
      return "error_unmatched";
    case Drop::stale_id:
      return "stale_id";
    case Drop::unsent:
      return "unsent";
    case Drop::time_wait_evicted:
      return "time_wait_evicted";
    case Drop::shed:
      return "shed";
    case Drop::queue_unready:
      return "queue_unready";
    case Drop::queue_misled:
      return "queue_misled";
    case Drop::queue_malformed:
      return "queue_malformed";
    case Drop::not_passed_on:
      return "not_passed_on";
  }
  return "";
}

// What else is counted.
enum class Count : std::uint8_t {
  accepted,      // connections that listeners took and that were established
  connected,     // established by connect()
  cookies_sent,  // SYNs answered without memory
  cookies_redeemed,
  time_wait_reuse,  // RFC 6191
  resets_sent,      // to strays
  passed_on,        // frames and packets, to the queues whose they are
};
inline constexpr std::size_t count_kinds = static_cast<std::size_t>(Count::passed_on) + 1;

constexpr std::string_view name(Count count) {
  switch (count) {
    case Count::accepted:
      return "accepted";
    case Count::connected:
      return "connected";
    case Count::cookies_sent:
      return "cookies_sent";
    case Count::cookies_redeemed:
      return "cookies_redeemed";
    case Count::time_wait_reuse:
      return "time_wait_reuse";
    case Count::resets_sent:
      return "resets_sent";
    case Count::passed_on:
      return "passed_on";
  }
  return "";
}

// One number for each value of an enum.
template <class Kind, std::size_t kinds>
class Counts {
 public:
  void add(Kind kind) { ++counts_[static_cast<std::size_t>(kind)]; }
  std::uint64_t operator[](Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  static void fields(auto& self, auto&& visit) { visit(self.counts_); }

 private:
  std::array<std::uint64_t, kinds> counts_{};
};

}  // namespace limpid::tcpip::host
