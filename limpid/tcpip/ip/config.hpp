// The policy of one interface, and the addresses that it begins with.
#pragma once

#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/core/time.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::ip {

// What the device does for frames that are sent. What it did for those received stands in each (ReceiveOffload).
struct Offload {
  bool checksum = false;      // TCP's and UDP's
  bool segmentation = false;  // TCP superframes; needs checksum
  friend bool operator==(const Offload&, const Offload&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.checksum, self.segmentation); }
};

// What peers can make an interface keep. Each is reached with the memory that it says and not passed.
struct Limits {
  std::uint16_t neighbours = 512;
  std::uint16_t unresolved = 64;                // RFC 6583: of them, looked for at one time
  std::uint8_t pending_packets = 3;             // RFC 4861, section 7.2.2: kept for one neighbour that is looked for
  std::uint8_t routers = 4;                     // that advertised themselves
  std::uint8_t prefixes = 8;                    // advertised
  std::uint8_t addresses = 20;                  // configured ones included
  std::uint16_t path_mtus = 256;                // destinations whose path is narrower than the link
  std::uint16_t reassemblies = 16;              // packets in pieces at one time
  std::uint32_t reassembly_bytes = 256 * 1024;  // that all of them hold
  static void fields(auto& self, auto&& visit) {
    visit(self.neighbours, self.unresolved, self.pending_packets, self.routers, self.prefixes, self.addresses,
          self.path_mtus, self.reassemblies, self.reassembly_bytes);
  }
};

// Which queue of its device an interface serves. A device of several queues has an interface for each. The first one
// leads: it alone speaks on the link (ARP, NDP, ICMP), finds addresses, routers and neighbours, and puts fragments
// together. The others follow: they know what it tells them, and ask it for neighbours.
struct Queue {
  static constexpr std::uint8_t most = 64;
  std::uint8_t number = 0, of = 1;
  bool leads() const { return number == 0; }
  bool alone() const { return of == 1; }
  static void fields(auto& self, auto&& visit) { visit(self.number, self.of); }
  bool restored(const LoadContext&) const { return number < of && of <= most; }
};

struct Config {
  MacAddress mac;
  std::uint16_t mtu = 1500;  // of the link: the largest IP packet. At least 1280 with IPv6, 576 without.
  InlineList<Cidr, 8> addresses;
  std::optional<IpAddress> gateway{};   // IPv4's
  std::optional<IpAddress> gateway6{};  // IPv6's
  bool slaac = false;                   // RFC 4862, 7217: solicit routers and believe them
  bool probe = false;                   // RFC 5227: look for others before an IPv4 address is used, not only after
  std::uint8_t hop_limit = 64;
  Offload offload;
  Limits limits;
  Queue queue;

  bool ipv6() const {
    if (slaac) return true;
    for (const Cidr& cidr : addresses) {
      if (!cidr.address.is_ipv4()) return true;
    }
    return false;
  }
  static void fields(auto& self, auto&& visit) {
    visit(self.mac, self.mtu, self.addresses, self.gateway, self.gateway6, self.slaac, self.probe, self.hop_limit,
          self.offload, self.limits, self.queue);
  }
};

}  // namespace limpid::tcpip::ip
