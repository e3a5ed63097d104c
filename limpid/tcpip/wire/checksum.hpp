// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words. The sum of bytes that hold their own
// right checksum, with all they are summed with, finishes as 0.
#pragma once

#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {

// Sums pieces that follow each other; they may be of odd length and lie anywhere.
class Checksum {
 public:
  void add(Bytes piece);
  void add_u16(std::uint16_t value);
  void add_u32(std::uint32_t value);

  // The sum so far, not complemented: what a checksum field holds that a device is to finish (TransmitOffload).
  std::uint16_t sum() const;
  // What to store in the field, if it counted as 0.
  std::uint16_t finish() const { return static_cast<std::uint16_t>(~sum()); }

 private:
  void add_words(std::uint64_t words);  // as they lie in memory

  std::uint64_t sum_ = 0;  // of words as they lie in memory: RFC 1071, section 2, "Byte Order Independence"
  bool odd_ = false;       // an odd number of bytes was added
};

inline std::uint16_t internet_checksum(Bytes bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.finish();
}

// The sum of the pseudo-header of TCP, UDP or ICMPv6 (RFC 9293, section 3.1; RFC 8200, section 8.1). Both addresses are
// of one version. `length` counts the transport header and what it carries.
Checksum pseudo_header(const IpAddress& source, const IpAddress& destination, Protocol protocol, std::uint32_t length);

// 0 if `segment`, from its transport header on, holds its right checksum; otherwise, if the field is 0, what belongs
// there. ICMPv4 has no pseudo-header: there the addresses do not matter. (UDP writes 0 as 0xffff, see udp.hpp.)
std::uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination, Protocol protocol,
                                 Bytes segment);

}  // namespace limpid::tcpip::wire
