// What one TCP connection is told and what it asks for. No IP is here: the owner matches segments to connections by
// ports and addresses, judges checksums, and sends what Emit describes.
#pragma once

#include <string_view>

#include "limpid/core/frame.hpp"
#include "limpid/core/machine.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/tcpip/tcp/time_wait.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::tcp {

// What a connection is born with.
struct Birth {
  stream::Endpoint local, remote;
  wire::SeqNumber iss = 0;             // tcp/initial_sequence.hpp
  std::uint32_t timestamp_offset = 0;  // what our timestamp clock says now; it ticks once a millisecond
  std::uint16_t mss = 536;             // the largest payload of a segment without options that the path carries
  static void fields(auto& self, auto&& visit) {
    visit(self.local, self.remote, self.iss, self.timestamp_offset, self.mss);
  }
};

// Events. The first one is one of Connect, Accept and AcceptCookie; those are ignored later, and others before.

// An active open.
struct Connect {
  Birth birth;
  static void fields(auto& self, auto&& visit) { visit(self.birth); }
};

// A passive open: a SYN came for a listener.
struct Accept {
  Birth birth;
  wire::TcpHeader syn;
  static void fields(auto& self, auto&& visit) { visit(self.birth, self.syn); }
};

// What was agreed in the two SYNs.
struct Negotiated {
  std::uint16_t mss = 536;                     // the peer's
  std::optional<std::uint8_t> window_scale{};  // the peer's; none: neither side scales
  bool sack = false;
  bool timestamps = false;
  bool ecn = false;
  friend bool operator==(const Negotiated&, const Negotiated&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.mss, self.window_scale, self.sack, self.timestamps, self.ecn);
  }
};

// A connection born ESTABLISHED: the ACK of a SYN cookie came (tcp/syn_cookie.hpp). `birth.iss` is the cookie. The ACK
// itself, with its payload, is given as SegmentArrived next.
struct AcceptCookie {
  Birth birth;
  wire::SeqNumber irs = 0;
  Negotiated negotiated;
  std::uint32_t ts_recent = 0;  // the ACK's time stamp, if they were negotiated: the SYN's was not remembered
  static void fields(auto& self, auto&& visit) { visit(self.birth, self.irs, self.negotiated, self.ts_recent); }
};

// A segment of this connection. The checksum is right; the payload is lent for the step.
struct SegmentArrived {
  wire::TcpHeader header;
  MutableBytes payload;
  std::uint8_t ecn = 0;                   // the two bits of the IP header (RFC 3168, section 5)
  std::uint16_t merged_segment_size = 0;  // not 0: several segments merged, each of so many bytes but the last
  static void fields(auto& self, auto&& visit) { visit(self.header, self.payload, self.ecn, self.merged_segment_size); }
};

// The application's bytes, copied; `consumed` says how many were taken. Before Established none are.
struct Write {
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

// The first n bytes of what reserve() lent are to be sent; at most as many as were lent.
struct Commit {
  std::uint32_t n = 0;
  static void fields(auto& self, auto&& visit) { visit(self.n); }
};

// The application is done with n more bytes of what Received delivered.
struct Consumed {
  std::uint32_t n = 0;
  static void fields(auto& self, auto&& visit) { visit(self.n); }
};

// stream::Finish: nothing more will be written. stream::Abort: RST, then Closed.
using stream::Abort;
using stream::Finish;

// The path carries segments of at most so many bytes of payload, without options.
struct PathMtu {
  std::uint16_t mss = 0;
  static void fields(auto& self, auto&& visit) { visit(self.mss); }
};

// An ICMP error quoted a segment of this connection. Believed only if it quotes what is in flight (RFC 5927, section
// 4.1), and then only while connecting (RFC 5461).
struct Unreachable {
  bool hard = false;  // protocol or port unreachable, or administratively prohibited
  wire::SeqNumber sequence = 0;
  static void fields(auto& self, auto&& visit) { visit(self.hard, self.sequence); }
};

// The device is done with what an Emit lent.
struct PinsDone {
  Pin pin;
  static void fields(auto& self, auto&& visit) { visit(self.pin); }
};

// The host is short of memory, or no longer: while it is, the receive window is as small as useful and does not grow,
// and what came out of order is given up (it was not acknowledged; the peer sends it again).
struct MemoryPressure {
  bool on = false;
  static void fields(auto& self, auto&& visit) { visit(self.on); }
};

// Actions.

// Send a segment, or with a segment_size several that the device cuts. Ports and options are set, the checksum is 0.
// The payload lies in the connection's chunks, unmoved until PinsDone if the pin is not empty, or else until the next
// step. `pin.connection` is left 0 for the owner to fill in.
struct Emit {
  static constexpr std::size_t most_pieces = 16;
  wire::TcpHeader header;
  InlineList<Bytes, most_pieces> payload;
  std::uint16_t segment_size = 0;
  std::uint8_t ecn = 0;
  Pin pin;
  std::size_t payload_size() const {
    std::size_t size = 0;
    for (const Bytes& piece : payload) size += piece.size();
    return size;
  }
  static void fields(auto& self, auto&& visit) {
    visit(self.header, self.payload, self.segment_size, self.ecn, self.pin);
  }
};

// Both sides have seen each other's SYN: the application may write.
struct Established {
  static void fields(auto&, auto&& visit) { visit(); }
};

// There is room again, after Write or reserve() came short.
struct Writable {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Over in good order, or after Abort; the state may be dropped. With a record, it goes on as TIME-WAIT.
struct Closed {
  std::optional<TimeWaitRecord> time_wait{};
  static void fields(auto& self, auto&& visit) { visit(self.time_wait); }
};

// A segment, or a part of one, that was not taken, by reason. For counters.
enum class Ignored : std::uint8_t {
  unacceptable_sequence,  // RFC 9293, section 3.4: outside of the receive window
  old_timestamp,          // RFC 7323, section 5.3: PAWS
  missing_timestamp,      // RFC 7323, section 3.2
  blind_reset,            // RFC 5961, section 3.2: a RST in the window but not at RCV.NXT
  syn_in_connection,      // RFC 5961, section 4.2
  unacceptable_ack,       // RFC 5961, section 5.2; while connecting: not of our SYN
  no_ack,                 // RFC 9293, section 3.10.7.4: "if the ACK bit is off, drop the segment"
  malformed,              // SYN and FIN or RST at once, a RST while listening, and the like
  beyond_finish,          // text or another FIN behind the peer's FIN
  out_of_order_limit,     // the queue is full of pieces, or there is no memory for more
  lying_sack,             // blocks that are not of what was sent
  unreachable,            // an ICMP error that quotes nothing in flight, or that is not believed
};
constexpr bool is_valid(Ignored why) { return why <= Ignored::unreachable; }
inline constexpr std::size_t ignored_reasons = static_cast<std::size_t>(Ignored::unreachable) + 1;
std::string_view name(Ignored why);

struct SegmentIgnored {
  Ignored why = Ignored::malformed;
  static void fields(auto& self, auto&& visit) { visit(self.why); }
};

}  // namespace limpid::tcpip::tcp
