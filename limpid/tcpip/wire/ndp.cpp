#include "limpid/tcpip/wire/ndp.hpp"

namespace limpid::tcpip::wire {
namespace {

enum Kind : std::uint8_t {
  source_link_layer_address_kind = 1,
  target_link_layer_address_kind = 2,
  prefix_information_kind = 3,
  mtu_kind = 5,
  nonce_kind = 14,
  recursive_dns_server_kind = 25,
};

// Sizes are in units of 8 bytes.
constexpr std::uint8_t prefix_information_units = 4;

void begin(Writer& out, Icmpv6Type type) {
  out.u8(static_cast<std::uint8_t>(type));
  out.u8(0);
  out.u16(0);
}

// The code of every message is 0 ("ICMP Code is 0" stands among the checks of section 6.1 to 8.1).
std::optional<WireFault> begun(Reader& in, Icmpv6Type type) {
  const bool right = in.u8() == static_cast<std::uint8_t>(type);
  const bool code_is_zero = in.u8() == 0;
  in.skip(2);
  if (in.failed()) return WireFault::truncated;
  return right && code_is_zero ? std::nullopt : std::optional(WireFault::wrong_value);
}

// RFC 4291, section 2.5.5.2: addresses that map IPv4's stay within a node. Here they mean IPv4, about which no router
// and no neighbour has anything to say by these messages.
bool is_ipv6(const IpAddress& address) { return !address.is_ipv4(); }
bool is_target(const IpAddress& address) { return is_ipv6(address) && !address.is_multicast(); }

// The options behind `in`, which has read the message's fixed part.
template <class Message>
std::expected<Message, WireFault> with_options(Message message, Reader& in) {
  const Bytes rest = in.take_rest();
  if (in.failed()) return std::unexpected(WireFault::truncated);
  const auto options = NdpOptions::parse(rest);
  if (!options) return std::unexpected(options.error());
  message.options = *options;
  return message;
}

PrefixInformation read_prefix(Reader& in) {
  PrefixInformation prefix;
  prefix.prefix_bits = in.u8();
  const std::uint8_t flags = in.u8();
  prefix.on_link = (flags & 0x80) != 0;
  prefix.autonomous = (flags & 0x40) != 0;
  prefix.valid_lifetime = in.u32();
  prefix.preferred_lifetime = in.u32();
  in.skip(4);
  prefix.prefix = read_ipv6(in);
  return prefix;
}

// One option's body; its size may be wrong for its kind.
bool read_option(NdpOptions& options, std::uint8_t kind, Reader in) {
  switch (kind) {
    case source_link_layer_address_kind:
      options.source_link_layer_address = read_mac(in);
      return in.finished();
    case target_link_layer_address_kind:
      options.target_link_layer_address = read_mac(in);
      return in.finished();
    case mtu_kind:
      in.skip(2);
      options.mtu = in.u32();
      return in.finished();
    case prefix_information_kind: {
      const PrefixInformation prefix = read_prefix(in);
      options.prefixes.push_back(prefix);
      return in.finished() && prefix.prefix_bits <= 128 && is_ipv6(prefix.prefix);
    }
    case nonce_kind:
      // RFC 3971, section 5.3.2: 6 bytes are the least; a longer one is not ours.
      if (in.remaining() == 6) {
        options.nonce.emplace();
        copy(in.take(6), *options.nonce);
      }
      return true;
    case recursive_dns_server_kind: {
      in.skip(2);
      const std::uint32_t lifetime = in.u32();
      if (in.remaining() == 0 || in.remaining() % 16 != 0) return false;
      while (!in.empty()) {
        const RecursiveDnsServer server{lifetime, read_ipv6(in)};
        if (!is_ipv6(server.address)) return false;
        options.servers.push_back(server);
      }
      return true;
    }
    default:
      return true;
  }
}

void emit_link_layer_address(Writer& out, Kind kind, const std::optional<MacAddress>& address) {
  if (!address) return;
  out.u8(kind);
  out.u8(1);
  emit(out, *address);
}

}  // namespace

std::expected<NdpOptions, WireFault> NdpOptions::parse(Bytes bytes) {
  NdpOptions options;
  for (Reader in(bytes); !in.empty();) {
    const std::uint8_t kind = in.u8();
    const std::size_t size = std::size_t{in.u8()} * 8;
    // Section 4.6: "Nodes MUST silently discard an ND packet that contains an option with length zero."
    if (in.failed() || size == 0) return std::unexpected(WireFault::wrong_option);
    const Bytes body = in.take(size - 2);
    if (in.failed() || !read_option(options, kind, Reader(body))) return std::unexpected(WireFault::wrong_option);
  }
  return options;
}

void NdpOptions::emit(Writer& out) const {
  emit_link_layer_address(out, source_link_layer_address_kind, source_link_layer_address);
  emit_link_layer_address(out, target_link_layer_address_kind, target_link_layer_address);
  if (mtu) {
    out.u8(mtu_kind);
    out.u8(1);
    out.u16(0);
    out.u32(*mtu);
  }
  for (const PrefixInformation& prefix : prefixes) {
    out.u8(prefix_information_kind);
    out.u8(prefix_information_units);
    out.u8(prefix.prefix_bits);
    out.u8(static_cast<std::uint8_t>((prefix.on_link ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0)));
    out.u32(prefix.valid_lifetime);
    out.u32(prefix.preferred_lifetime);
    out.u32(0);
    emit_ipv6(out, prefix.prefix);
  }
  for (const RecursiveDnsServer& server : servers) {
    out.u8(recursive_dns_server_kind);
    out.u8(3);
    out.u16(0);
    out.u32(server.lifetime);
    emit_ipv6(out, server.address);
  }
  if (nonce) {
    out.u8(nonce_kind);
    out.u8(1);
    out.bytes(*nonce);
  }
}

std::expected<RouterSolicitation, WireFault> RouterSolicitation::parse(Bytes message) {
  Reader in(message);
  if (const auto fault = begun(in, Icmpv6Type::router_solicitation)) return std::unexpected(*fault);
  in.skip(4);
  return with_options(RouterSolicitation{}, in);
}

void RouterSolicitation::emit(Writer& out) const {
  begin(out, Icmpv6Type::router_solicitation);
  out.u32(0);
  options.emit(out);
}

std::expected<RouterAdvertisement, WireFault> RouterAdvertisement::parse(Bytes message) {
  Reader in(message);
  if (const auto fault = begun(in, Icmpv6Type::router_advertisement)) return std::unexpected(*fault);
  RouterAdvertisement advertisement;
  advertisement.current_hop_limit = in.u8();
  const std::uint8_t flags = in.u8();
  advertisement.managed = (flags & 0x80) != 0;
  advertisement.other_configuration = (flags & 0x40) != 0;
  const auto preference = static_cast<Preference>(flags >> 3 & 3);
  if (preference == Preference::high || preference == Preference::low) advertisement.preference = preference;
  advertisement.router_lifetime = in.u16();
  advertisement.reachable_time = in.u32();
  advertisement.retrans_timer = in.u32();
  return with_options(advertisement, in);
}

void RouterAdvertisement::emit(Writer& out) const {
  begin(out, Icmpv6Type::router_advertisement);
  out.u8(current_hop_limit);
  out.u8(static_cast<std::uint8_t>((managed ? 0x80 : 0) | (other_configuration ? 0x40 : 0) |
                                   static_cast<std::uint8_t>(preference) << 3));
  out.u16(router_lifetime);
  out.u32(reachable_time);
  out.u32(retrans_timer);
  options.emit(out);
}

std::expected<NeighborSolicitation, WireFault> NeighborSolicitation::parse(Bytes message) {
  Reader in(message);
  if (const auto fault = begun(in, Icmpv6Type::neighbor_solicitation)) return std::unexpected(*fault);
  in.skip(4);
  NeighborSolicitation solicitation;
  solicitation.target = read_ipv6(in);
  if (!is_target(solicitation.target)) return std::unexpected(WireFault::wrong_value);
  return with_options(solicitation, in);
}

void NeighborSolicitation::emit(Writer& out) const {
  begin(out, Icmpv6Type::neighbor_solicitation);
  out.u32(0);
  emit_ipv6(out, target);
  options.emit(out);
}

std::expected<NeighborAdvertisement, WireFault> NeighborAdvertisement::parse(Bytes message) {
  Reader in(message);
  if (const auto fault = begun(in, Icmpv6Type::neighbor_advertisement)) return std::unexpected(*fault);
  NeighborAdvertisement advertisement;
  const std::uint32_t flags = in.u32();
  advertisement.router = flags >> 31 != 0;
  advertisement.solicited = (flags >> 30 & 1) != 0;
  advertisement.override = (flags >> 29 & 1) != 0;
  advertisement.target = read_ipv6(in);
  if (!is_target(advertisement.target)) return std::unexpected(WireFault::wrong_value);
  return with_options(advertisement, in);
}

void NeighborAdvertisement::emit(Writer& out) const {
  begin(out, Icmpv6Type::neighbor_advertisement);
  out.u32((router ? 1u << 31 : 0u) | (solicited ? 1u << 30 : 0u) | (override ? 1u << 29 : 0u));
  emit_ipv6(out, target);
  options.emit(out);
}

std::expected<Redirect, WireFault> Redirect::parse(Bytes message) {
  Reader in(message);
  if (const auto fault = begun(in, Icmpv6Type::redirect)) return std::unexpected(*fault);
  in.skip(4);
  Redirect redirect;
  redirect.target = read_ipv6(in);
  redirect.destination = read_ipv6(in);
  return with_options(redirect, in);
}

void Redirect::emit(Writer& out) const {
  begin(out, Icmpv6Type::redirect);
  out.u32(0);
  emit_ipv6(out, target);
  emit_ipv6(out, destination);
  options.emit(out);
}

}  // namespace limpid::tcpip::wire
