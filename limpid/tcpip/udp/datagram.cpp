#include "limpid/tcpip/udp/datagram.hpp"

#include "limpid/tcpip/wire/checksum.hpp"

namespace limpid::tcpip::udp {

std::expected<Datagram, Fault> receive(const ip::Deliver& packet) {
  const auto parsed = wire::UdpHeader::parse(packet.payload);
  if (!parsed || parsed->header.destination_port == 0) return std::unexpected(Fault::malformed);
  const bool ipv6 = !packet.source.is_ipv4();
  if (parsed->header.checksum == 0) {
    // RFC 8200, section 8.1: "IPv6 receivers must discard UDP packets containing a zero checksum".
    if (ipv6) return std::unexpected(Fault::checksum);
  } else if (!packet.checksum_good) {
    // RFC 1122, section 4.1.3.4: "If a UDP datagram is received with a checksum that is non-zero and invalid, UDP MUST
    // silently discard the datagram."
    const Bytes datagram = Bytes(packet.payload).first(parsed->header.length);
    if (wire::transport_checksum(packet.source, packet.destination, Protocol::udp, datagram) != 0) {
      return std::unexpected(Fault::checksum);
    }
  }
  return Datagram{endpoint(packet.source, parsed->header.source_port),
                  endpoint(packet.destination, parsed->header.destination_port), parsed->payload(packet.payload)};
}

}  // namespace limpid::tcpip::udp
