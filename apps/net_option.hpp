// --net: whose TCP/IP stack is used. "sockets" is the kernel's; "tap:NAME,..." is our own over a tap device.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "limpid/effects/tap.hpp"
#include "limpid/tcpip/host/host.hpp"

namespace limpid::apps {

struct TapNet {
  std::string name;  // of the device
  std::optional<tcpip::Cidr> ip, ip6;
  std::optional<tcpip::IpAddress> gateway, gateway6;
  bool dhcp = false;
  bool slaac = false;
  InlineList<tcpip::IpAddress, 4> dns;
  std::optional<tcpip::MacAddress> mac;
  std::optional<std::uint16_t> mtu;
  std::uint8_t queues = 1;

  // The host that it asks for. The device is there already.
  tcpip::Host::Config host_config() const;
};

// None for "sockets"; what is wrong with it, as a sentence's end, if it is neither.
std::expected<std::optional<TapNet>, std::string> parse_net(const std::string& text);

}  // namespace limpid::apps
