#include "limpid/tcpip/ip/icmp_error.hpp"

#include "limpid/tcpip/ip/martians.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::ip {
namespace {

using wire::Icmpv4Header;
using wire::Icmpv4Type;
using wire::Icmpv4Unreachable;
using wire::Icmpv6Header;
using wire::Icmpv6Type;
using wire::Icmpv6Unreachable;
using wire::Ipv4Header;
using wire::Ipv6Header;

// RFC 1812, section 4.3.2.3: "as much of the original datagram as possible without the length of the ICMP datagram
// exceeding 576 bytes"; RFC 4443, section 2.4 (c): "without exceeding the minimum IPv6 MTU".
constexpr std::size_t most_quoted(bool ipv4) {
  return ipv4 ? 576 - Ipv4Header::least_size - Icmpv4Header::size : 1280 - Ipv6Header::size - Icmpv6Header::size;
}

}  // namespace

IcmpComplaint IcmpComplaint::port_unreachable(bool ipv4) {
  if (ipv4) {
    return {static_cast<std::uint8_t>(Icmpv4Type::destination_unreachable),
            static_cast<std::uint8_t>(Icmpv4Unreachable::port)};
  }
  return {static_cast<std::uint8_t>(Icmpv6Type::destination_unreachable),
          static_cast<std::uint8_t>(Icmpv6Unreachable::port)};
}

IcmpComplaint IcmpComplaint::protocol_unreachable(bool ipv4, std::uint32_t pointer) {
  constexpr std::uint8_t unrecognized_next_header = 1;
  if (!ipv4) return parameter_problem(unrecognized_next_header, pointer, false);
  return {static_cast<std::uint8_t>(Icmpv4Type::destination_unreachable),
          static_cast<std::uint8_t>(Icmpv4Unreachable::protocol)};
}

IcmpComplaint IcmpComplaint::reassembly_time_exceeded(bool ipv4) {
  return {static_cast<std::uint8_t>(ipv4 ? static_cast<int>(Icmpv4Type::time_exceeded)
                                         : static_cast<int>(Icmpv6Type::time_exceeded)),
          1};
}

IcmpComplaint IcmpComplaint::parameter_problem(std::uint8_t code, std::uint32_t pointer, bool about_groups) {
  return {static_cast<std::uint8_t>(Icmpv6Type::parameter_problem), code, pointer, about_groups};
}

bool may_complain(Bytes packet, const IcmpComplaint& complaint) {
  if (packet.empty()) return false;
  if (packet[0] >> 4 == 4) {
    const auto parsed = Ipv4Header::parse_quoted(packet);
    if (!parsed || parsed->header.fragment_offset != 0) return false;
    const Ipv4Header& header = parsed->header;
    if (is_martian_source(header.source) || header.destination.is_multicast() ||
        header.destination.is_limited_broadcast()) {
      return false;
    }
    if (header.protocol != Protocol::icmp) return true;
    const auto icmp = Icmpv4Header::parse(parsed->payload(packet));
    return icmp && !icmp->header.is_error();
  }
  const auto parsed = Ipv6Header::parse_quoted(packet);
  if (!parsed || is_martian_source(parsed->header.source)) return false;
  if (parsed->header.destination.is_multicast() && !complaint.about_groups) return false;
  // Behind headers that cannot be read there may be an error; then nothing is said, unless they are what is wrong.
  const Bytes payload = parsed->payload(packet);
  const auto extensions = wire::walk_extensions(parsed->header.next_header, payload);
  if (!extensions) return true;
  // Of a later fragment nobody knows what it is a part of; RFC 8200, section 4.5, has it answered.
  if (extensions->fragment && extensions->fragment->fragment_offset != 0) return true;
  if (extensions->protocol != Protocol::icmpv6) return true;
  const auto icmp = Icmpv6Header::parse(payload.subspan(extensions->offset));
  return icmp && !icmp->header.is_error() && icmp->header.type != Icmpv6Type::redirect;
}

IcmpError::IcmpError(const IcmpComplaint& complaint, const IpAddress& source, const IpAddress& destination,
                     Bytes about) {
  const bool ipv4 = source.is_ipv4();
  Writer out{MutableBytes(header_)};
  if (ipv4) {
    Icmpv4Header{static_cast<Icmpv4Type>(complaint.type), complaint.code, complaint.rest}.emit(out);
  } else {
    Icmpv6Header{static_cast<Icmpv6Type>(complaint.type), complaint.code, complaint.rest}.emit(out);
  }
  quoted_[0] = about.first(std::min(about.size(), most_quoted(ipv4)));
  packet_.source = source;
  packet_.destination = destination;
  packet_.protocol = ipv4 ? Protocol::icmp : Protocol::icmpv6;
  packet_.header = header_;
  packet_.checksum_offset = Icmpv4Header::checksum_offset;
  packet_.payload = quoted_;
  packet_.copied = true;
}

}  // namespace limpid::tcpip::ip
