// The IPv6 header and its extension headers (RFC 8200).
#pragma once

#include <optional>

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

struct Ipv6Header {
  static constexpr std::size_t size = 40;

  std::uint8_t dscp = 0;  // 6 bits
  std::uint8_t ecn = 0;   // 2 bits
  std::uint32_t flow_label = 0;
  std::uint16_t payload_length = 0;  // extension headers and all that follows
  Protocol next_header{};
  std::uint8_t hop_limit = 64;
  IpAddress source{};
  IpAddress destination{};

  friend bool operator==(const Ipv6Header&, const Ipv6Header&) = default;

  // The packet may be followed by padding. Jumbograms (RFC 2675) are not supported: with a payload_length of 0 the
  // packet carries nothing. Addresses that map IPv4's are `wrong_value`: RFC 4291, section 2.5.5.2, gives them to
  // nodes' insides only, and here they mean IPv4.
  static ParseResult<Ipv6Header> parse(Bytes bytes);
  // As an ICMP error quotes it: payload_length may go beyond the bytes; the payload is what is there.
  static ParseResult<Ipv6Header> parse_quoted(Bytes bytes);
  void emit(Writer& out) const;
};

// Section 4.5.
struct Ipv6FragmentHeader {
  static constexpr std::size_t size = 8;

  Protocol next_header{};
  std::uint16_t fragment_offset = 0;  // in bytes, a multiple of 8
  bool more_fragments = false;
  std::uint32_t identification = 0;

  friend bool operator==(const Ipv6FragmentHeader&, const Ipv6FragmentHeader&) = default;

  void emit(Writer& out) const;
};

// What the extension headers in front of the upper layer say.
struct Ipv6Extensions {
  Protocol protocol{};     // of what comes behind them
  std::size_t offset = 0;  // of what comes behind them, from the front of the bytes that were walked
  // The walk stopped behind this header, and what comes behind is a piece of a packet, to be walked again when it is
  // whole. A fragment that is the whole packet (RFC 6946) is walked on through instead.
  std::optional<Ipv6FragmentHeader> fragment{};
  // Of the Next Header byte that named `protocol` when the walk stopped, from the front of the bytes that were walked;
  // none if it is the IPv6 header's own. For Parameter Problem, code 1, which points there.
  std::optional<std::size_t> next_header_at{};
  bool router_alert = false;     // RFC 2711, in front of MLD
  bool atomic_fragment = false;  // there was a fragment header on a whole packet, which NDP may not have (RFC 6980)

  friend bool operator==(const Ipv6Extensions&, const Ipv6Extensions&) = default;
};

// Why a packet is to be discarded, and what its source is to be told.
struct Ipv6ExtensionProblem {
  enum class Reply : std::uint8_t {
    none,
    parameter_problem_unless_multicast,  // not if the packet's destination was multicast
    parameter_problem,                   // even then (RFC 8200, section 4.2: options whose type begins with 10)
  };
  WireFault fault{};
  Reply reply{};
  std::uint8_t code = 0;    // of Parameter Problem: 0 erroneous field, 1 unknown Next Header, 2 unknown option
  std::size_t pointer = 0;  // to the byte at fault, from the front of the bytes that were walked

  friend bool operator==(const Ipv6ExtensionProblem&, const Ipv6ExtensionProblem&) = default;
};

// Walks the extension headers of `payload`, which begins with a `first`, to an upper layer, a fragment or a protocol
// that is not known here. At most `most_extension_headers` headers and, in all of them, `most_extension_options`
// options (RFC 8504, section 5.3, allows such limits). A routing header with segments left is a problem (RFC 5095 for
// type 0).
inline constexpr std::size_t most_extension_headers = 8;
inline constexpr std::size_t most_extension_options = 32;
std::expected<Ipv6Extensions, Ipv6ExtensionProblem> walk_extensions(Protocol first, Bytes payload);

}  // namespace limpid::tcpip::wire
