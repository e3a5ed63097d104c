// One packet on its way into frames: what is written, in how many, and how much room that takes.
#pragma once

#include "limpid/core/writer.hpp"
#include "limpid/tcpip/ip/config.hpp"
#include "limpid/tcpip/ip/vocabulary.hpp"

namespace limpid::tcpip::ip {

class Outgoing {
 public:
  // `packet`, to a neighbour's link-layer address, over a path of `mtu` bytes. Its views must outlive this.
  // `extension`: extension headers of IPv6, as a sequence of which the last one's next header is the packet's protocol;
  // `extension_protocol` is the first one's.
  Outgoing(const Config& config, const Packet& packet, std::uint16_t mtu, std::uint8_t hop_limit, Bytes extension = {},
           Protocol extension_protocol = Protocol::hop_by_hop_options);

  // sent: it can be written. too_big: it may not be sent over this path.
  SendResult judge() const { return verdict_; }
  std::size_t frames() const { return frames_; }
  std::size_t room() const { return room_; }        // that all frames take
  std::size_t size() const { return frame_size_; }  // of the frame, if it is one, with what does not lie in the room
  bool needs_identification() const;

  // For IPv4's identification, or the fragment header's.
  void identify(std::uint32_t identification) { identification_ = identification; }

  // Frame `index` of frames(), written to the front of `room`, which shrinks by it. Each is written once, in order.
  Transmit write(std::size_t index, const MacAddress& to, MutableBytes& room) const;

 private:
  bool is_ipv4() const { return packet_.source.is_ipv4(); }
  void write_ip(Writer& out, std::size_t size, std::size_t fragment_offset, bool more) const;
  TransmitOffload write_transport(Writer& out) const;
  void copy_part(Writer& out, std::size_t offset, std::size_t size) const;

  const Config& config_;
  const Packet& packet_;
  Bytes extension_;
  Protocol first_;  // what the IP header names
  std::uint8_t hop_limit_;
  std::uint32_t identification_ = 0;
  std::size_t size_ = 0;           // of header and payload
  std::size_t ip_size_ = 0;        // of the IP header with what stands in front of the transport's in each frame
  std::size_t fragment_size_ = 0;  // what each fragment but the last carries; 0: not fragmented
  std::size_t frames_ = 1;
  std::size_t room_ = 0;
  std::size_t frame_size_ = 0;
  SendResult verdict_ = SendResult::sent;
};

}  // namespace limpid::tcpip::ip
