// ARP (RFC 826) for IPv4 over Ethernet.
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

enum class ArpOperation : std::uint16_t { request = 1, reply = 2 };

struct ArpPacket {
  static constexpr std::size_t size = 28;

  ArpOperation operation = ArpOperation::request;
  MacAddress sender_hardware_address{};
  IpAddress sender_protocol_address = any_ipv4;
  MacAddress target_hardware_address{};
  IpAddress target_protocol_address = any_ipv4;

  friend bool operator==(const ArpPacket&, const ArpPacket&) = default;

  // What follows in the frame is padding. Other hardware, protocols and operations are `wrong_value`.
  static std::expected<ArpPacket, WireFault> parse(Bytes bytes);
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::wire
