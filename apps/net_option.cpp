#include "net_option.hpp"

#include <charconv>

namespace limpid::apps {
namespace {

std::optional<std::uint16_t> parse_number(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Empty if the setting was understood.
std::string set(TapNet& net, const std::string& key, const std::string& value) {
  const auto wrong = [&](const std::string& what) { return key + "=" + value + ": '" + value + "' is " + what; };
  const auto network = [&](std::optional<tcpip::Cidr>& field, bool ipv4, const char* example) -> std::string {
    const auto cidr = tcpip::parse_cidr(value);
    const bool usable = cidr && cidr->address.is_ipv4() == ipv4 && !cidr->address.is_unspecified() &&
                        !cidr->address.is_multicast() && !cidr->address.is_loopback() &&
                        !cidr->address.is_limited_broadcast() && cidr->broadcast() != cidr->address;
    if (!usable) return wrong(std::string("no address with a prefix, such as ") + example);
    field = cidr;
    return "";
  };
  const auto address = [&](std::optional<tcpip::IpAddress>& field, bool ipv4) -> std::string {
    const auto parsed = tcpip::parse_ip_address(value);
    if (!parsed || parsed->is_ipv4() != ipv4) return wrong(ipv4 ? "no IPv4 address" : "no IPv6 address");
    field = parsed;
    return "";
  };
  if (key == "ip") return network(net.ip, true, "10.9.0.2/24");
  if (key == "ip6") return network(net.ip6, false, "fd00:9::2/64");
  if (key == "gateway") return address(net.gateway, true);
  if (key == "gateway6") return address(net.gateway6, false);
  if (key == "dns") {
    const auto server = tcpip::parse_ip_address(value);
    if (!server) return wrong("no address");
    return net.dns.push_back(*server) ? "" : "dns=" + value + ": there are too many; four will do";
  }
  if (key == "mac") {
    net.mac = tcpip::parse_mac_address(value);
    return net.mac && !net.mac->is_group() ? "" : wrong("no station's address, such as 02:00:00:00:00:01");
  }
  if (key == "mtu") {
    const auto mtu = parse_number(value);
    if (!mtu || *mtu < 576) return wrong("no number from 576 to 65521");
    net.mtu = std::min<std::uint16_t>(*mtu, 65521);
    return "";
  }
  if (key == "queues") {
    const auto queues = parse_number(value);
    if (!queues || *queues == 0 || *queues > tcpip::host::most_queues()) return wrong("no number from 1 to 64");
    net.queues = static_cast<std::uint8_t>(*queues);
    return "";
  }
  if (key == "dhcp" || key == "slaac") {
    if (!value.empty()) return key + " takes no value";
    (key == "dhcp" ? net.dhcp : net.slaac) = true;
    return "";
  }
  return "'" + key + "' is no setting of it; see `limpid serve --help`";
}

}  // namespace

std::expected<std::optional<TapNet>, std::string> parse_net(const std::string& text) {
  if (text == "sockets") return std::nullopt;
  if (!text.starts_with("tap:")) {
    return std::unexpected("'" + text + "' is neither `sockets` nor `tap:NAME,ip=10.9.0.2/24`");
  }
  TapNet net;
  std::string_view rest = std::string_view(text).substr(4);
  const auto next = [&] {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return std::string(part);
  };
  net.name = next();
  if (net.name.empty()) return std::unexpected("name the tap device, as in `tap:tap0,ip=10.9.0.2/24`");
  while (!rest.empty()) {
    const std::string setting = next();
    const std::size_t equals = std::min(setting.find('='), setting.size());
    const std::string value = setting.substr(std::min(equals + 1, setting.size()));
    if (auto wrong = set(net, setting.substr(0, equals), value); !wrong.empty()) return std::unexpected(wrong);
  }
  if (!net.ip && !net.ip6 && !net.dhcp && !net.slaac) {
    return std::unexpected("it would have no address; add ip=10.9.0.2/24, ip6=fd00:9::2/64, dhcp or slaac");
  }
  if (net.ip && net.dhcp) return std::unexpected("ip= and dhcp exclude each other; leave one of them out");
  return net;
}

tcpip::Host::Config TapNet::host_config() const {
  tcpip::Host::Config config;
  config.ip.mac = mac.value_or(effects::mac_address_for(name));
  config.ip.mtu = mtu.value_or(effects::tap_mtu(name));
  if (ip) config.ip.addresses.push_back(*ip);
  if (ip6) config.ip.addresses.push_back(*ip6);
  config.ip.gateway = gateway;
  config.ip.gateway6 = gateway6;
  config.ip.slaac = slaac;
  config.ip.offload = {.checksum = true, .segmentation = true};
  config.tcp.max_superframe = 65536 - 256;
  config.tcp.user_timeout = seconds(60);  // as on sockets
  config.dhcp = dhcp;
  config.dns_servers = dns;
  return config;
}

}  // namespace limpid::apps
