// What the command line of the guest says: words with spaces between them, `extra` in a configuration of xl.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "limpid/tcpip/host/host.hpp"

namespace limpid::xen_netfront::image {

struct Parameters {
  std::optional<tcpip::Cidr> ip, ip6;
  std::optional<tcpip::IpAddress> gateway, gateway6;
  bool dhcp = false;
  bool slaac = false;
  InlineList<tcpip::IpAddress, 4> dns;
  bool plain = false;  // HTTP alone, at port 80
  bool test_services = false;
  bool offloads = true;  // of the network device
};

// The words of `limpid serve --net tap:`: ip=CIDR ip6=CIDR gateway=IP gateway6=IP dns=IP dhcp slaac; besides, plain,
// test-services and no-offload. Yields the first word that is none of them or has no such value.
std::expected<Parameters, std::string_view> parse_parameters(std::string_view command_line);

}  // namespace limpid::xen_netfront::image
