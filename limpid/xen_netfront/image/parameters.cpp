#include "limpid/xen_netfront/image/parameters.hpp"

namespace limpid::xen_netfront::image {
namespace {

// False if the word's value is not what its name wants, or the name is unknown.
bool understand(std::string_view word, Parameters& parameters) {
  const std::size_t end = std::min(word.find('='), word.size());
  const std::string_view name(word.data(), end);
  std::string_view value = word;
  value.remove_prefix(std::min(end + 1, word.size()));

  const auto cidr = [&](std::optional<tcpip::Cidr>& into, bool four) {
    into = tcpip::parse_cidr(value);
    return into && into->address.is_ipv4() == four;
  };
  const auto address = [&](std::optional<tcpip::IpAddress>& into, bool four) {
    into = tcpip::parse_ip_address(value);
    return into && into->is_ipv4() == four;
  };
  if (name == "ip") return cidr(parameters.ip, true);
  if (name == "ip6") return cidr(parameters.ip6, false);
  if (name == "gateway") return address(parameters.gateway, true);
  if (name == "gateway6") return address(parameters.gateway6, false);
  if (name == "dns") {
    const auto server = tcpip::parse_ip_address(value);
    return server && parameters.dns.push_back(*server);
  }
  if (word == "dhcp") return parameters.dhcp = true;
  if (word == "slaac") return parameters.slaac = true;
  if (word == "plain") return parameters.plain = true;
  if (word == "test-services") return parameters.test_services = true;
  if (word == "no-offload") return !(parameters.offloads = false);
  return false;
}

}  // namespace

std::expected<Parameters, std::string_view> parse_parameters(std::string_view command_line) {
  Parameters parameters;
  while (!command_line.empty()) {
    const std::size_t end = std::min(command_line.find(' '), command_line.size());
    const std::string_view word(command_line.data(), end);
    if (!word.empty() && !understand(word, parameters)) return std::unexpected(word);
    command_line.remove_prefix(std::min(end + 1, command_line.size()));
  }
  return parameters;
}

}  // namespace limpid::xen_netfront::image
