#include "limpid/tcpip/wire/arp.hpp"

#include "limpid/tcpip/wire/ethernet.hpp"

namespace limpid::tcpip::wire {
namespace {

constexpr std::uint16_t ethernet = 1;

}  // namespace

std::expected<ArpPacket, WireFault> ArpPacket::parse(Bytes bytes) {
  Reader in(bytes);
  const std::uint16_t hardware_type = in.u16();
  const std::uint16_t protocol_type = in.u16();
  const std::uint8_t hardware_length = in.u8();
  const std::uint8_t protocol_length = in.u8();
  ArpPacket packet;
  packet.operation = static_cast<ArpOperation>(in.u16());
  packet.sender_hardware_address = read_mac(in);
  packet.sender_protocol_address = read_ipv4(in);
  packet.target_hardware_address = read_mac(in);
  packet.target_protocol_address = read_ipv4(in);
  if (in.failed()) return std::unexpected(WireFault::truncated);
  const bool known = hardware_type == ethernet && protocol_type == static_cast<std::uint16_t>(EtherType::ipv4) &&
                     (packet.operation == ArpOperation::request || packet.operation == ArpOperation::reply);
  if (!known) return std::unexpected(WireFault::wrong_value);
  if (hardware_length != 6 || protocol_length != 4) return std::unexpected(WireFault::wrong_length);
  return packet;
}

void ArpPacket::emit(Writer& out) const {
  out.u16(ethernet);
  out.u16(static_cast<std::uint16_t>(EtherType::ipv4));
  out.u8(6);
  out.u8(4);
  out.u16(static_cast<std::uint16_t>(operation));
  wire::emit(out, sender_hardware_address);
  emit_ipv4(out, sender_protocol_address);
  wire::emit(out, target_hardware_address);
  emit_ipv4(out, target_protocol_address);
}

}  // namespace limpid::tcpip::wire
