// ICMP errors of ours: whether a packet may be answered with one, and what that says.
#pragma once

#include "limpid/tcpip/ip/vocabulary.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"

namespace limpid::tcpip::ip {

// What an error says, in ICMP's version that goes with the packet's.
struct IcmpComplaint {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;     // the second word
  bool about_groups = false;  // RFC 4443, section 2.4 (e.3): may answer a packet to a group

  static IcmpComplaint port_unreachable(bool ipv4);
  static IcmpComplaint protocol_unreachable(bool ipv4, std::uint32_t pointer);
  static IcmpComplaint reassembly_time_exceeded(bool ipv4);
  static IcmpComplaint parameter_problem(std::uint8_t code, std::uint32_t pointer, bool about_groups);
};

// Whether the packet, which begins with its IP header, may be answered (RFC 1122, section 3.2.2; RFC 4443, section
// 2.4 (e)): not if it is an ICMP error, redirect or a later IPv4 fragment, nor if it went to or came from more or less
// than one node. Broadcast addresses of links the caller knows.
bool may_complain(Bytes packet, const IcmpComplaint& complaint);

// The error as a packet. It holds views of itself and of what it is about, so it stays where it is.
class IcmpError {
 public:
  IcmpError(const IcmpComplaint& complaint, const IpAddress& source, const IpAddress& destination, Bytes about);
  IcmpError(const IcmpError&) = delete;
  IcmpError& operator=(const IcmpError&) = delete;
  const Packet& packet() const { return packet_; }

 private:
  std::array<Byte, 8> header_{};
  std::array<Bytes, 1> quoted_;
  Packet packet_;
};

}  // namespace limpid::tcpip::ip
