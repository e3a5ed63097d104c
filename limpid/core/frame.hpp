// Link-layer frames, with what a device computed for them or is still to compute. A driver maps these to its device's
// own metadata: virtio's header on tap, netfront's flags and extra-info slots on Xen.
#pragma once

#include <cstdint>

#include "limpid/core/inline_list.hpp"

namespace limpid {

// Of a frame that was received.
struct ReceiveOffload {
  // TCP's or UDP's checksum was verified by the device, or the frame never was on a wire: it need not be summed again.
  bool checksum_good = false;
  // Not 0: the device or its backend merged TCP segments of one connection, each of so many bytes of payload but the
  // last.
  std::uint16_t segment_size = 0;
  friend bool operator==(const ReceiveOffload&, const ReceiveOffload&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.checksum_good, self.segment_size); }
};

// Of a frame that is to be transmitted.
struct TransmitOffload {
  // Offset not 0: the device sums from `checksum_start` to the frame's end, over a field that holds the pseudo-header's
  // sum already, and stores the result at checksum_start + checksum_offset.
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  // Not 0: the device cuts the TCP payload into segments of so many bytes and finishes their headers.
  std::uint16_t segment_size = 0;
  friend bool operator==(const TransmitOffload&, const TransmitOffload&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.checksum_start, self.checksum_offset, self.segment_size); }
};

// What the machine's memory lends a device, from Transmit until TransmitDone: the chunks `first` to `first + count - 1`
// of what a connection sends.
struct Pin {
  std::uint64_t connection = 0;
  std::uint32_t first = 0;
  std::uint8_t count = 0;  // 0: nothing is lent, no TransmitDone is awaited
  friend bool operator==(const Pin&, const Pin&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.connection, self.first, self.count); }
};

// Event: a frame came in, beginning with its Ethernet header. The memory is lent for the step and may be altered.
struct FrameReceived {
  MutableBytes frame;
  ReceiveOffload offload;
  static void fields(auto& self, auto&& visit) { visit(self.frame, self.offload); }
};

// Action: send a frame that is `header` and then `payload`, in order. The header lies in the room that was lent. The
// payload lies in the machine until TransmitDone tells of the pin; if that is empty, in the room, the event or the
// machine until the next step or call of a method.
struct Transmit {
  static constexpr std::size_t most_pieces = 17;  // a superframe of 64 KiB in pages, one of them begun in the middle
  Bytes header;
  InlineList<Bytes, most_pieces> payload;
  TransmitOffload offload;
  Pin pin;
  static void fields(auto& self, auto&& visit) { visit(self.header, self.payload, self.offload, self.pin); }
};

// Event: the device is done with the memory of a frame that was sent with this pin.
struct TransmitDone {
  Pin pin;
  static void fields(auto& self, auto&& visit) { visit(self.pin); }
};

// Event: emit what was held back so that it could be merged: acknowledgements, superframes. A driver sends it when it
// has nothing more to tell at this moment, so once a batch.
struct Flush {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Event: the device has a carrier, or lost it.
struct LinkChanged {
  bool up = false;
  static void fields(auto& self, auto&& visit) { visit(self.up); }
};

}  // namespace limpid
